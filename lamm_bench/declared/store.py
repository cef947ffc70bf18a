"""Imported media, kept once by their content beside an index of the samples, so that the second run reads no table again.

`media/<sha256[:2]>/<sha256>.<ending>` holds the bytes; duplicates fall together. An index is written line by line as rows are read, and
gets its last name when it is whole; one that was cut off goes on behind its last whole line. It is found again by the task file's content
and by the names, sizes and times of its data files, and holds for as long as the files that media were made of are what they were."""

from __future__ import annotations

import gc
import gzip
import hashlib
import io
import json
import os
import shutil
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import get_ident
from types import MappingProxyType
from typing import Any

from lamm_bench.data.mini.cache import cache_folder, locked
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import canonical
from lamm_bench.media.files import trust
from lamm_bench.types import Media, Sample

from .files import Stamp, stamp_of

Maker = Callable[[int, set[str]], Iterator[tuple[int, Sample]]]
FORMAT = 3
LOOKED = "made of"  # how a line begins that tells of a file
PACKING = 1  # of gzip: paths and hashes give hardly more to a higher one
OFTEN = 200  # rows after which what is written is given to the disk
SIGNS = (
    *((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpg"), (b"GIF8", "gif"), (b"BM", "bmp"), (b"II*\0", "tif"), (b"MM\0*", "tif")),
    *((b"\x93NUMPY", "npy"), (b"ply", "ply")),
)


def ending(data: bytes) -> str:
    """By which first bytes a form is known; `bin` where it is not.

    >>> ending(b"RIFF....WEBPVP8"), ending(b"\\xff\\xd8\\xff\\xe0"), ending(b"")
    ('webp', 'jpg', 'bin')
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((name for sign, name in SIGNS if data.startswith(sign)), "bin")


@dataclass(frozen=True)
class Store:
    """A folder of media by content."""

    folder: Path

    @classmethod
    def usual(cls) -> Store:
        return cls(cache_folder() / "benchmarks")

    def put(self, data: bytes) -> tuple[str, str]:
        """Keeps bytes; gives their path and hash."""
        sha = hashlib.sha256(data).hexdigest()
        path = self.folder / "media" / sha[:2] / f"{sha}.{ending(data)}"
        try:
            if not (path.exists() and path.stat().st_size == len(data)):
                path.parent.mkdir(parents=True, exist_ok=True)
                # a thread each: a run asks about its first rows beside their import
                temporary = path.with_name(f".{sha[:16]}.{os.getpid()}.{get_ident()}.tmp")
                temporary.write_bytes(data)
                temporary.replace(path)
        except OSError as error:
            raise BenchError(f"cannot keep imported media in {self.folder}: {error.strerror or error}") from None
        return str(path), sha

    def index(self, key: Any) -> Path:
        """Where the index of files and task is, if there is one."""
        name = hashlib.sha256(canonical([FORMAT, key]).encode()).hexdigest()[:32]
        return self.folder / "index" / f"{name}.jsonl.gz"

    def samples(
        self, key: Any, make: Maker, say: Callable[[str], None], looked: Mapping[str, Stamp] = MappingProxyType({})
    ) -> list[Sample]:
        """The samples of an index, which is made where there is none. `make(skip, ids)` gives the samples of the rows behind the first
        `skip`, each with its row's number; `ids` are those of the rows before; `looked` grows by the files that media are made of."""
        index = self.index(key)
        found = read(index)
        if found is not None:
            return found
        try:
            index.parent.mkdir(parents=True, exist_ok=True)
            with locked(index.with_suffix(".lock")):
                found = read(index)  # another process may have been here
                if found is None:
                    write(index, make, say, looked)
        except OSError as error:
            raise BenchError(f"cannot keep the imported index {index}: {error.strerror or error}") from None
        found = found if found is not None else read(index)
        if found is None:
            raise BenchError(f"the imported index {index} or its media changed while they were read; run the same command again")
        return found


def write(index: Path, make: Maker, say: Callable[[str], None], looked: Mapping[str, Stamp]) -> None:
    """Writes an index beside its place, behind what a killed process left of it, and moves it there."""
    part = index.with_suffix(".part")
    done, size, ids, told = whole_lines(part)
    with part.open("ab") as file:
        file.truncate(size)
        count = seen = 0
        waiting: list[tuple[int, Sample]] = []
        for number, sample in make(done, ids):
            # lines of a row are written together: one row may have several samples
            if waiting and number != waiting[-1][0]:
                seen = note(file, looked, seen, told)
                count += emit(file, waiting, count)
                waiting = []
            waiting.append((number, sample))
        note(file, looked, seen, told)
        count += emit(file, waiting, count)
        file.write(canonical({"end": True}).encode() + b"\n")
    if done:
        say(f"the import went on behind row {done}")
    pack(part, index)


def pack(part: Path, index: Path) -> None:
    """A whole index, a quarter as large, under its name."""
    packed = part.with_suffix(".pack")
    with part.open("rb") as plain_file, packed.open("wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=PACKING, mtime=0) as file:
            shutil.copyfileobj(plain_file, file, 1 << 20)
        raw.flush()
        os.fsync(raw.fileno())
    packed.replace(index)
    part.unlink()


def note(file: Any, looked: Mapping[str, Stamp], seen: int, told: Collection[str]) -> int:
    """Writes those files behind the first `seen` that no earlier import told; gives how many there are now."""
    for path, stamp in islice(looked.items(), seen, None):
        if path not in told:
            file.write(canonical([LOOKED, path, *stamp]).encode() + b"\n")
    return len(looked)


def emit(file: Any, rows: Sequence[tuple[int, Sample]], count: int) -> int:
    for place, (number, sample) in enumerate(rows):
        last = place + 1 == len(rows)
        file.write(
            json.dumps([number if last else 0, *plain(sample)], ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        )
    if count // OFTEN != (count + len(rows)) // OFTEN:
        file.flush()
    return len(rows)


def whole_lines(part: Path) -> tuple[int, int, set[str], set[str]]:
    """The last row of which all samples are in a part, the bytes up to there, the ids of those samples and the files they were made of."""
    row = end = at = 0
    ids: set[str] = set()
    files: set[str] = set()
    waiting: list[str] = []
    if part.exists():
        with part.open("rb") as file:
            for line in file:
                try:
                    number, id_, *_ = json.loads(line if line.endswith(b"\n") else b"")
                except (ValueError, TypeError):
                    break
                at += len(line)
                if number == LOOKED:
                    files.add(id_)
                    continue
                waiting.append(id_)
                if number:
                    row, end = number, at
                    ids.update(waiting)
                    waiting = []
    return row, end, ids, files


def plain(sample: Sample) -> list[Any]:
    """A sample as a line keeps it: media of the store by their names, their own hashes not repeated."""
    media = [
        [one.kind, Path(one.path).name if one.sha256 else one.path, os.stat(one.path).st_size if one.sha256 else -1]
        for one in sample.media
    ]
    group = None if sample.group == hashes(sample.media) else sample.group
    return [sample.id, sample.question, media, sample.target, group, sample.choices, sample.meta]


def hashes(media: Sequence[Media]) -> str:
    """The beginnings of the media's hashes, which is the usual group."""
    return " ".join(one.sha256[:24] for one in media)


def read(index: Path) -> list[Sample] | None:
    """The samples of a whole index; None where it is not there, or media of it are not."""
    collecting = gc.isenabled()
    gc.disable()  # so many new objects, of which none is garbage, would be looked at again and again
    try:
        return list(each_of(index))
    except Damaged:
        return None
    finally:
        if collecting:
            gc.enable()


class Damaged(Exception):
    """An index, or media of it, are not what they were."""


def each_of(index: Path) -> Iterator[Sample]:
    """The samples of an index one by one. Raises `Damaged` where it is not whole, or media of it are not there."""
    folder = index.parents[1] / "media"
    there = {entry.name for part in os.scandir(folder) for entry in os.scandir(part.path)} if folder.is_dir() else set()
    try:
        with gzip.open(index) as packed, io.BufferedReader(packed, 1 << 20) as file:
            for line in file:
                value = json.loads(line)
                if isinstance(value, dict):
                    return
                if value[0] != LOOKED:
                    yield sample_of(value, folder, there)
                elif stamp_of(value[1]) != tuple(value[2:]):
                    raise Damaged
    except (ValueError, KeyError, TypeError, IndexError, OSError, EOFError, zlib.error) as error:
        raise Damaged from error
    raise Damaged


def sample_of(line: Sequence[Any], folder: Path, there: Collection[str]) -> Sample:
    """The sample of a line. Raises `KeyError` where a medium is not there."""
    _, id_, question, media, target, group, choices, meta = line
    own = []
    for kind, name, size in media:
        if size < 0:
            own.append(Media(kind, name))
            continue
        if name not in there:
            raise KeyError(name)
        path = f"{folder}/{name[:2]}/{name}"
        trust(path, name[:64], size)
        own.append(Media(kind, path, name[:64]))
    shown = tuple(own)
    return Sample(id_, question, shown, target, hashes(shown) if group is None else group, tuple(choices), (), meta)
