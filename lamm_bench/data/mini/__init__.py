"""The miniature benchmark: all seventeen tasks and their training data, drawn on the spot, the same bytes for the same seed."""

from __future__ import annotations

from .cache import cache_folder, ensure
from .layout import make, read_mark, subjects

__all__ = ["cache_folder", "ensure", "make", "read_mark", "subjects"]
