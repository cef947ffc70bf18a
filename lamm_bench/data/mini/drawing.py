"""One drawing, and a chunk of them: what a process does for the miniature, whichever process it is."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .drawn import Drawn, Split, Subject

PARTS: tuple[Split, ...] = ("test", "val", "train")


@dataclass(frozen=True)
class Chunk:
    """Some drawings of one subject, done by one process."""

    out: str
    seed: int
    split: Split
    subject: str
    start: int
    stop: int


@dataclass
class Told:
    """What a chunk leaves behind beside its media files."""

    media: list[str] = field(default_factory=list)
    items: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    dialogues: list[dict[str, Any]] = field(default_factory=list)


@functools.lru_cache(maxsize=1)
def subjects() -> Mapping[str, Subject]:
    """Every subject of every module in this folder, by name, in order of name."""
    found: dict[str, Subject] = {}
    package = importlib.import_module(__package__ or "lamm_bench.data.mini")
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        for subject in getattr(importlib.import_module(f"{package.__name__}.{module}"), "SUBJECTS", ()):
            if subject.name in found:
                raise ValueError(f"two subjects are called {subject.name!r}; the second is in {module}.py")
            found[subject.name] = subject
    return dict(sorted(found.items()))


def base_of(split: Split, dimensions: str) -> str:
    """The folder of a part and a modality, relative to the miniature.

    >>> base_of("val", "3D"), base_of("train", "2D"), base_of("test", "ChEF")
    ('val/3D_Benchmark', '2D_Instruct', '.')
    """
    if dimensions == "ChEF":  # whose scenarios have folders of their own
        return {"test": ".", "val": "val", "train": "."}[split]
    return {"test": "", "val": "val/", "train": ""}[split] + dimensions + ("_Instruct" if split == "train" else "_Benchmark")


def draw(seed: int, split: Split, subject: Subject, index: int) -> Drawn:
    """One drawing, from the random stream that belongs to it alone."""
    return subject.draw(random.Random(f"{seed}/{split}/{subject.name}/{index}"), index, split)


def draw_chunk(chunk: Chunk) -> Told:
    """Draws, writes the media files, and tells the rest. Runs in any process."""
    subject, told = subjects()[chunk.subject], Told()
    base, folders = Path(chunk.out, base_of(chunk.split, subject.base)), set[Path]()
    for index in range(chunk.start, chunk.stop):
        drawn = draw(chunk.seed, chunk.split, subject, index)
        for name, data in drawn.media.items():
            path = base / name
            if path.parent not in folders:
                path.parent.mkdir(parents=True, exist_ok=True)
                folders.add(path.parent)
            path.write_bytes(data)
            told.media.append(str(path))
        if chunk.split == "train":
            told.dialogues += drawn.dialogues
        else:
            for stem, items in drawn.items.items():
                told.items.setdefault(stem, []).extend(items)
    return told
