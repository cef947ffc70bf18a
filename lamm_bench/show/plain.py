"""Tables on standard output: in the terminal's width there; into a pipe or file as wide as they like, without blanks at line ends."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console, RenderableType

WIDE = 240  # columns where there is no terminal to ask


def put(made: Callable[[int], RenderableType], console: Console | None = None, wide: int = WIDE, **how: Any) -> None:
    """Prints what `made` makes for so many columns."""
    console = console or Console()
    if console.is_terminal:
        console.print(made(console.width), **how)
        return
    width = max(console.width, wide)
    kept = Console(file=io.StringIO(), width=width, color_system=None)
    kept.print(made(width), **how)
    text = kept.file.getvalue()  # type: ignore[attr-defined]
    file = console.file or sys.stdout
    if not str(getattr(file, "encoding", None) or "utf-8").lower().startswith("utf"):
        text = text.replace("─", "-")  # a rule of escapes is none
    file.write("".join(f"{line.rstrip()}\n" for line in text.splitlines()))
