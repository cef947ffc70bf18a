"""The miniature benchmark: all seventeen tasks and their training data, drawn on the spot, the same bytes for the same seed."""

from __future__ import annotations

from .cache import cache_folder, ensure
from .drawing import subjects
from .layout import make, read_mark

__all__ = ["cache_folder", "ensure", "make", "read_mark", "subjects"]
