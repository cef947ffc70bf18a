"""Whether files are those that are known: SHA-256 from a list, and the two generations of LAMM's 3D meta files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamm_bench import media
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.loading import parse_json, read_text, shorten
from lamm_bench.task import is_numbers

LINE = re.compile(r"^\\?(?P<digest>[0-9a-fA-F]{64})[ \t]+\*?(?P<path>.+)$")
FIRST = {  # bytes of the files of June 2023; those of 6 July 2023 and later are larger (reference 1.1; field-2026, G)
    "VG_ScanRefer": (3_600_000, 3_900_000),
    "VQA_ScanQA_multiplechoice": (840_000, 900_000),
}


def known_digests(file: Path) -> dict[str, str]:
    """SHA-256 by path below the data root: lines as `sha256sum` writes them, or a JSON object. Raises `BenchError`."""
    text = read_text(file)
    if text.lstrip().startswith("{"):
        data = parse_json(text, str(file))
        for path, value in data.items():
            if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", value):
                raise BenchError(f"{file}: `{path}` is {shorten(value)}, expected 64 hexadecimal digits")
        return {path: value.lower() for path, value in data.items()}
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            match = LINE.match(line)
            if match is None:
                raise BenchError(
                    f"{file}, line {number} is {shorten(line)}, expected a SHA-256 and a path, as `sha256sum` writes them"
                )
            found[match["path"].strip().removeprefix("./")] = match["digest"].lower()
    if not found:
        raise BenchError(f"{file} names no file")
    return found


def digest_faults(root: Path, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Files that are not there, or are others than those that are known."""
    for path, wanted in known.items():
        if Path(path).is_absolute() or ".." in Path(path).parts:
            yield path, "leaves the data root; digests are of files in it"
            continue
        try:
            found = media.sha256(root / path)
        except MediaError as error:
            yield path, str(error).removeprefix(str(root / path)).strip()
            continue
        if found != wanted:
            yield path, f"has the SHA-256 {found[:12]}…, expected {wanted[:12]}…: it is another file, or damaged"


def generation(file: Path, entries: list[Any]) -> str | None:
    """A sentence about a 3D meta file of the first generation, which lacks what upstream corrected later; None for any other.

    It is known by its key (`gt_bbox` for `object`), or by its size."""
    old = any(isinstance(one, dict) and "object" not in one and is_numbers(one.get("gt_bbox"), 6) for one in entries[:100])
    low, high = FIRST.get(file.stem, (1, 0))
    if not old and not low <= file.stat().st_size <= high:
        return None
    known = "its boxes stand under `gt_bbox`" if old else f"it has {file.stat().st_size:,} bytes"
    return f"is of the first generation (June 2023): {known}; upstream corrected missing files and keys on 2023-07-06, and figures of the two differ"
