"""`lamm-bench`, and `python -m lamm_bench`, which is the same. Ctrl-C is one line from the first moment on."""

from __future__ import annotations

import sys


def start() -> None:
    """Runs the command line; what is heavy is imported within, so that an interruption meets it here."""
    try:
        from .cli.group import main

        main()
    except KeyboardInterrupt:
        print("\nlamm-bench: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    start()
