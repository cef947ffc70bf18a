"""Rows of WebDataset tars: members that share a name up to its first dot are one row, their endings its columns."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import decode, shorten

from .files import LARGEST, Files, Unusable, bounded, safe
from .tables import as_json
from .templates import Row

TEXTS = ("txt", "text", "cls", "caption")


def tar(files: Files, name: str) -> Iterator[Row]:
    """The rows in the order of the tar, which is read once from its beginning. `.json` is parsed, `.txt` and `.cls` are texts."""
    number, key = 0, ""
    data: dict[str, Any] = {}
    try:
        with files.open(name) as stream, tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                own, ending = parted(member.name, name)
                if own != key and data:
                    number += 1
                    yield row(name, number, key, data)
                    data = {}
                key = own
                where = f"{name} row {number + 1} ({shorten(member.name)})"
                if ending in data:
                    raise BenchError(f"{where}: the row has a second `.{ending}`")
                data[ending] = content(archive, member, ending, where)
            if data:
                yield row(name, number + 1, key, data)
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise BenchError(f"{name} row {number + 1}: the archive cannot be read ({str(error)[:100]})") from None


def parted(member: str, name: str) -> tuple[str, str]:
    """The row's name and the column, of `folder/000.image.jpg`: `folder/000` and `image.jpg`."""
    try:
        path = PurePosixPath(safe(member))
    except Unusable as error:
        raise BenchError(f"{name}: the archive is not used: {error}") from None
    stem, _, ending = path.name.partition(".")
    return (path.parent / stem).as_posix(), ending.lower()


def content(archive: tarfile.TarFile, member: tarfile.TarInfo, ending: str, where: str) -> Any:
    stream = archive.extractfile(member)
    data = bounded(stream, LARGEST + 1) if stream is not None else b""
    if len(data) > LARGEST:
        raise BenchError(f"{where}: it has more than {LARGEST:,} bytes")
    last = ending.rpartition(".")[2]
    if last == "json":
        return as_json(data, where)
    return decode(data, where).strip() if last in TEXTS else data


def row(name: str, number: int, key: str, data: dict[str, Any]) -> Row:
    return Row(f"{name} row {number}", number, {**data, "@row": number, "@file": name, "@key": key})
