"""The miniature benchmark: LAMM's seventeen tasks with their training data and three of ChEF's sets, drawn on the spot, the same bytes for the same seed."""

from __future__ import annotations

from .cache import cache_folder, ensure
from .drawing import subjects
from .layout import make, read_mark

__all__ = ["cache_folder", "ensure", "make", "read_mark", "subjects"]
