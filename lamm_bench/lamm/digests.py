"""sha256 of files, remembered: a language model of 26 GB is read once for its fingerprint, and again only when it changes."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from lamm_bench.data.mini.cache import cache_folder
from lamm_bench.errors import BenchError

REMEMBERED = 16 * 2**20
"""Bytes; smaller files are read each time."""


def file_digest(file: Path) -> str:
    """sha256 of a file's bytes. Of a large file it is kept in the cache folder beside the file's size and time of change."""
    try:
        about = file.stat()
    except OSError as error:
        raise BenchError(f"{file} cannot be read: {error.strerror or error}") from None
    if about.st_size < REMEMBERED:
        return hashed(file)
    state = [about.st_size, about.st_mtime_ns]
    memo = cache_folder() / "digests" / f"{hashlib.sha256(str(file.resolve()).encode()).hexdigest()}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(memo.read_text(encoding="utf-8"))
        if known["state"] == state:
            return str(known["sha256"])
    digest = hashed(file)
    with suppress(OSError):  # a cache that cannot be written costs time, nothing else
        memo.parent.mkdir(parents=True, exist_ok=True)
        memo.write_text(json.dumps({"file": str(file), "state": state, "sha256": digest}), encoding="utf-8")
    return digest


def hashed(file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
    except OSError as error:
        raise BenchError(f"{file} cannot be read: {error.strerror or error}") from None
    return digest.hexdigest()
