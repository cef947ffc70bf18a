"""The command line, one verb a file. Nothing heavy is imported before a verb needs it, so that `--help` answers in a blink."""

from .group import main

__all__ = ["main"]
