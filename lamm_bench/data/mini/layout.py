"""Draws the miniature and lays it out as upstream does: benchmark files for test and validation, instruction files for training.

Any number of processes writes the same bytes, since every drawing has its own random stream. A miniature appears under its
name only when it is whole; `mini.json` in it says what it holds."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, unknown

from .drawing import PARTS, Chunk, base_of, subjects
from .drawn import Split, Subject
from .sheets import SHEETS, write_sheet
from .workers import processors, run_chunks
from .workshop import Workshop, put_in_place

FORMAT = 1  # goes up with every change of what is drawn; part of the cache's name
MARK = "mini.json"
CHUNK = 50  # drawings that a process does in one go

META: dict[str, str] = {
    "Classification_CIFAR10": "2D",
    "Detection_VOC2012": "2D",
    "VQA_SQAimage": "2D",
    "VQA_AI2D": "2D",
    "Caption_flickr30k": "2D",
    "Fine-grained_Classification_UCMerced": "2D",
    "Counting_FSC147": "2D",
    "OCR_SVT": "2D",
    "Facial_Classification_CelebA(Smile)": "2D",
    "Facial_Classification_CelebA(Hair)": "2D",
    "Keypoints_Detection_LSP": "2D",
    "Locating_VOC2012": "2D",
    "Locating_LSP": "2D",
    "Locating_FSC147": "2D",
    "Detection_ScanNet": "3D",
    "VG_ScanRefer": "3D",
    "VQA_ScanQA_multiplechoice": "3D",
}
"""LAMM's seventeen benchmark files (reference 1.1) and the folder each belongs to."""

INSTRUCT: dict[str, str] = {"2D": "LAMM_instruct_mini", "3D": "LAMM_3dinstruct_mini"}
"""The instruction file of each modality."""

FOLDERS: dict[Split, tuple[str, ...]] = {
    "test": ("2D_Benchmark", "3D_Benchmark", "MMBench", "coco_pope"),
    "val": ("val",),
    "train": ("2D_Instruct", "3D_Instruct"),
}
"""The top-level folders of each part."""

Progress = Callable[[int, int], None]
"""Told how many drawings are done, and of how many."""


def amounts(parts: Sequence[Split], counts: Mapping[Split, int] | None) -> dict[Split, dict[str, int]]:
    """How many of each subject are drawn in each part."""

    def amount(subject: Subject, split: Split) -> int:
        usual = subject.counts.get(split, 0)
        return usual if counts is None else min(usual, counts.get(split, usual))

    return {split: {name: amount(subject, split) for name, subject in subjects().items()} for split in PARTS if split in parts}


def write_json(path: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """A list of objects, one in each line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def write_parts(out: Path, seed: int, plan: Mapping[Split, Mapping[str, int]], progress: Progress | None, workers: int) -> None:
    """All media and meta files of the planned parts, into `out`."""
    chunks = [
        Chunk(str(out), seed, split, name, start, min(start + CHUNK, count))
        for split, by_subject in plan.items()
        for name, count in by_subject.items()
        for start in range(0, count, CHUNK)
    ]
    total, done = sum(chunk.stop - chunk.start for chunk in chunks), 0
    media: set[str] = set()
    items: dict[tuple[Split, str], list[dict[str, Any]]] = {}
    dialogues: dict[str, list[dict[str, Any]]] = {}
    for chunk, told in run_chunks(chunks, workers):
        expected = len(media) + len(told.media)
        media.update(told.media)
        if len(media) != expected:
            raise ValueError(f"subject {chunk.subject!r} writes a media file that exists already")
        for stem, drawn in told.items.items():
            items.setdefault((chunk.split, stem), []).extend(drawn)
        dialogues.setdefault(subjects()[chunk.subject].base, []).extend(told.dialogues)
        done += chunk.stop - chunk.start
        if progress is not None:
            progress(done, total)
    for (split, stem), entries in items.items():
        if stem in SHEETS:
            write_sheet(out / base_of(split, "ChEF"), stem, entries)
            continue
        prefix = stem.lower().replace("_", "-").replace("(", "-").replace(")", "")
        named = [{"id": f"{prefix}-{split}-{index:05d}", **entry} for index, entry in enumerate(entries)]
        write_json(out / base_of(split, META[stem]) / "meta_file" / f"{stem}.json", named)
    for dimensions, talks in dialogues.items():
        if talks:
            named = [{"id": f"mini-{dimensions.lower()}-{index:06d}", **talk} for index, talk in enumerate(talks)]
            write_json(out / base_of("train", dimensions) / "meta_file" / f"{INSTRUCT[dimensions]}.json", named)


def make(
    out: Path,
    seed: int = 0,
    parts: Sequence[str] = PARTS,
    progress: Progress | None = None,
    workers: int | None = None,
    counts: Mapping[Split, int] | None = None,
) -> None:
    """Draws the miniature into `out`, which appears whole or not at all; a miniature that stands there is replaced.

    `counts` limits how many pictures or rooms each subject gets in each part; `workers` is the number of processes (all
    processors if None). Raises `BenchError` where `out` holds something else or cannot be written."""
    wanted = known_parts(parts)
    out = Path(out).resolve()  # a link keeps pointing here
    if out.exists() and not out.is_dir():
        raise BenchError(f"{out} is a file; the miniature needs a folder")
    if out.is_dir() and any(out.iterdir()) and read_mark(out) is None:
        raise BenchError(f"{out} holds something that is not a miniature; name a new or an empty folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with Workshop(out) as shop:
            plan = amounts(wanted, counts)
            write_parts(shop, seed, plan, progress, workers or processors())
            write_mark(shop, seed, plan, counts)
            put_in_place(shop, out)
    except OSError as error:
        raise BenchError(f"cannot write the miniature to {out}: {error.strerror or error}") from error


def known_parts(parts: Sequence[str]) -> tuple[Split, ...]:
    """The named parts in their usual order; refuses names that do not exist."""
    for part in parts:
        if part not in PARTS:
            raise unknown("part of the miniature", part, PARTS)
    if not parts:
        raise BenchError(f"no part of the miniature is named; there are: {', '.join(PARTS)}")
    return tuple(part for part in PARTS if part in parts)


def write_mark(folder: Path, seed: int, plan: Mapping[Split, Mapping[str, int]], limits: Mapping[Split, int] | None) -> None:
    """`mini.json`, by an atomic rename: what the miniature holds."""
    mark = {
        "miniature": "lamm-bench",
        "format": FORMAT,
        "drawers": drawers(),
        "seed": seed,
        "parts": list(plan),
        "limits": limits,
        "counts": plan,
    }
    part = folder / f".{MARK}.{os.getpid()}"
    part.write_text(json.dumps(mark, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / MARK)


@functools.lru_cache(maxsize=1)
def drawers() -> str:
    """A short hash of the code that draws: pictures of other code are other pictures."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:8]


def read_mark(folder: Path) -> dict[str, Any] | None:
    """What `mini.json` says; None where there is no miniature, or only a piece of one."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(mark, dict) and mark.get("miniature") == "lamm-bench" and isinstance(mark.get("counts"), dict)
    return mark if whole else None
