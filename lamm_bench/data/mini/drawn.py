"""What a drawer of the miniature gives back. Each picture or room is drawn from its own random stream, so that any number
of processes draw the same bytes and train, validation and test never share an item.

To add a subject, write a module with `SUBJECTS = (Subject(...), ...)` beside this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

Split = Literal["test", "val", "train"]


@dataclass(frozen=True)
class Drawn:
    """One picture or room with everything that is asked about it."""

    media: Mapping[str, bytes]  # path relative to `2D_Benchmark` / `3D_Benchmark` (or `.._Instruct`; of ChEF the root) -> bytes
    items: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)  # stem of a meta file -> benchmark items without id
    dialogues: list[dict[str, Any]] = field(default_factory=list)  # LAMM's instruction items without id (reference 4.2)


@dataclass(frozen=True)
class Subject:
    """A kind of picture or room."""

    name: str  # a file-name stem: `faces`
    base: Literal["2D", "3D", "ChEF"]
    draw: Callable[[Random, int, Split], Drawn]  # (random stream of this index, index, split); pure
    counts: Mapping[Split, int]  # how many are drawn by default
