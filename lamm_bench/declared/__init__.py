"""Benchmarks that are files: a task from twenty lines of YAML, without Python, over the file form in which it is published.

`schema.py` says what a file may hold, `rows.py` makes samples of its rows, `readers.py` and `metrics.py` are the closed lists of how
answers are read and counted. Nothing in a task file is ever run: there are no hooks, and no template language but columns and filters."""

from .task import DeclaredTask, load_task

__all__ = ["DeclaredTask", "load_task"]
