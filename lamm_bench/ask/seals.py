"""Hashes of media that outlive a process, so that the next run about the same data need not read every file of them.

A file is hashed again when its size, the time of its last change, or the time at which anything about it changed (`ctime`, which no
program can set) is another. Files that were younger than a moment when they were hashed are not kept: what is written within one
tick of the file system's clock could not be told apart."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamm_bench.data.mini import cache_folder
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import write_whole
from lamm_bench.media import files

YOUNG = 2 * 10**9  # nanoseconds: the coarsest clock of a file system in use (FAT) ticks every two seconds
LEAST = 256  # files, below which keeping them is not worth a file


@contextmanager
def kept(root: Path) -> Iterator[None]:
    """Within it, hashes of files below `root` are taken from those that are kept, and new ones join them."""
    path, below, begun = store_of(root), os.path.abspath(root) + os.sep, time.time_ns()
    before = load(path)
    files.know(before)
    yield
    now = {key: value for key, value in dict(files.known()).items() if os.path.abspath(key[0]).startswith(below)}
    now = {key: value for key, value in now.items() if max(key[2], key[3]) < begun - YOUNG}
    current = {key[0] for key in now}
    merged = {**{key: value for key, value in before.items() if key[0] not in current}, **now}
    if path is not None and len(merged) >= LEAST and merged != before:
        save(path, merged, os.path.realpath(root))
        forget_lost(path.parent)


def store_of(root: Path) -> Path | None:
    """Where they are kept: one file for each data root. None where there is no place."""
    try:
        return (
            cache_folder() / "hashes" / hashlib.sha256(os.path.realpath(root).encode("utf-8", "surrogateescape")).hexdigest()[:24]
        )
    except BenchError:
        return None


def load(path: Path | None) -> dict[files.FileKey, str]:
    """What is kept; nothing where the file is damaged."""
    if path is None:
        return {}
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        if head != hashlib.sha256(body).hexdigest().encode():
            return {}
        found = {}
        for line in body.decode("utf-8", "surrogateescape").split("\0")[1:-1]:
            digest, size, changed, touched, name = line.split(" ", 4)
            found[(name, int(size), int(changed), int(touched))] = digest
    except (OSError, ValueError):
        return {}
    return found


def save(path: Path, hashes: dict[files.FileKey, str], root: str) -> None:
    """Whole or not at all; a folder that cannot be written costs the next run its time and nothing else."""
    body = f"{root}\0" + "".join(f"{digest} {key[1]} {key[2]} {key[3]} {key[0]}\0" for key, digest in hashes.items())
    data = body.encode("utf-8", "surrogateescape")
    with contextlib.suppress(BenchError):
        write_whole(path, hashlib.sha256(data).hexdigest().encode() + b"\n" + data)


def forget_lost(folder: Path) -> None:
    """Takes away what is kept of data that are not there any more; should they come back, they are hashed."""
    for store in folder.iterdir():
        with contextlib.suppress(OSError, ValueError), store.open("rb") as file:
            root = file.read(5000).partition(b"\n")[2].partition(b"\0")[0].decode("utf-8", "surrogateescape")
            if root and not os.path.isdir(root):
                store.unlink()
