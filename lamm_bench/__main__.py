"""`lamm-bench`, and `python -m lamm_bench`, which is the same. Ctrl-C is one line from the first moment on."""

from __future__ import annotations

import sys
from io import TextIOWrapper


def start() -> None:
    """Runs the command line; what is heavy is imported within, so that an interruption meets it here."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without our signs shows their escapes, and no traceback
    try:
        from .cli.group import main

        main()
    except KeyboardInterrupt:
        print("\nlamm-bench: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    start()
