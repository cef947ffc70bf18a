"""Draws the miniature and lays it out as upstream does: benchmark files for test and validation, instruction files for training.

Any number of processes writes the same bytes, since every drawing has its own random stream. A miniature appears under its
name only when it is whole; `mini.json` in it says what it holds."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import os
import pkgutil
import random
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, unknown

from .drawn import Drawn, Split, Subject

FORMAT = 1  # goes up with every change of what is drawn; part of the cache's name
MARK = "mini.json"
PARTS: tuple[Split, ...] = ("test", "val", "train")
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
"""The seventeen benchmark files (reference 1.1) and the folder each belongs to."""

INSTRUCT: dict[str, str] = {"2D": "LAMM_instruct_mini", "3D": "LAMM_3dinstruct_mini"}
"""The instruction file of each modality."""

FOLDERS: dict[Split, tuple[str, ...]] = {
    "test": ("2D_Benchmark", "3D_Benchmark"),
    "val": ("val",),
    "train": ("2D_Instruct", "3D_Instruct"),
}
"""The top-level folders of each part."""

Progress = Callable[[int, int], None]
"""Told how many drawings are done, and of how many."""


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

    >>> base_of("val", "3D"), base_of("train", "2D")
    ('val/3D_Benchmark', '2D_Instruct')
    """
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


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_chunks(chunks: Sequence[Chunk], workers: int) -> Iterator[tuple[Chunk, Told]]:
    """Every chunk with what it told, in the order of `chunks`."""
    done = 0
    if workers > 1 and len(chunks) > 2:
        # spawned, not forked: the caller may hold threads (torch does), and a fork then can hang
        pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=stay_with_parent)
        try:
            for told in pool.map(draw_chunk, chunks):
                yield chunks[done], told
                done += 1
        except BrokenProcessPool:
            pass  # no processes to be had (memory, a script without a `__main__` guard): the rest is drawn here
        finally:
            pool.shutdown(cancel_futures=True)
    for chunk in chunks[done:]:
        yield chunk, draw_chunk(chunk)


def stay_with_parent() -> None:
    """A worker leaves Ctrl-C to its parent, and ends when the parent is killed (an idle worker would wait for ever)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:

        def follow(parent: BaseProcess = parent) -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


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
    out = Path(out).absolute()
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
            if out.exists():
                out.rename(shop.with_name(shop.name + ".old"))
            shop.rename(out)
            shutil.rmtree(shop.with_name(shop.name + ".old"), ignore_errors=True)
    except OSError as error:
        raise BenchError(f"cannot write the miniature to {out}: {error.strerror or error}") from error


class Workshop:
    """A folder beside `out` to work in, gone when the work ends unless it was renamed.

    >>> Workshop(Path("mini")).out.name
    'mini'
    """

    def __init__(self, out: Path) -> None:
        self.out = out

    def __enter__(self) -> Path:
        self.path = Path(tempfile.mkdtemp(prefix=f".{self.out.name}.partial-", dir=self.out.parent))
        self.path.chmod(0o755)  # mkdtemp's 0700 would stay after the rename
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def known_parts(parts: Sequence[str]) -> tuple[Split, ...]:
    """The named parts in their usual order; refuses names that do not exist."""
    for part in parts:
        if part not in PARTS:
            raise unknown("part of the miniature", part, PARTS)
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
