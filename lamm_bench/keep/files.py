"""JSON on disk, whole or not at all, and the digests that tell one value from another."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import parse_json, read_text
from lamm_bench.types import Generate, Media, Request

PIECE = 1 << 20  # characters of a file that are written at a time


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks, the form that digests are taken of."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(value: Any, length: int = 16) -> str:
    """A short hash of a JSON value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:length]


def digest_of_all(values: Iterable[Any], length: int = 16) -> str:
    """The `digest` of a list whose entries come one after another.

    >>> digest_of_all(iter([{"b": 1, "a": "é"}, [], None])) == digest([{"b": 1, "a": "é"}, [], None]), digest_of_all([]) == digest([])
    (True, True)
    """
    found, encode = hashlib.sha256(b"["), json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode
    for number, value in enumerate(values):
        found.update(f"{',' if number else ''}{encode(value)}".encode("utf-8", "surrogatepass"))
    found.update(b"]")
    return found.hexdigest()[:length]


def request_digest(request: Request) -> str:
    """What tells one request from another: the messages with their media's content, and the settings."""
    messages = [
        [message.role, *([part.kind, part.sha256 or part.path] if isinstance(part, Media) else part for part in message.parts)]
        for message in request.messages
    ]
    if isinstance(request, Generate):
        settings: list[Any] = [request.max_new_tokens, list(request.stop), request.temperature, request.top_p, request.seed]
        return digest(["generate", messages, settings])
    begun = [["begun", request.begun]] if request.begun else []
    window = [["window", request.window]] if request.window != "message" else []
    return digest(["score", messages, list(request.options), *(["prior"] if request.prior else []), *begun, *window])


class Entries:
    """An object of a JSON file whose entries are made while it is written, so that they never lie in memory together."""

    def __init__(self, pairs: Iterable[tuple[str, Any]]) -> None:
        self.pairs = pairs


def write_json(path: Path, value: Any) -> None:
    """Writes a file whole or not at all: a temporary neighbour, fsync, rename, fsync of the folder. A pipe or device is written to.

    Objects in objects may be `Entries`."""
    write_pieces(path, (piece.encode("utf-8", "backslashreplace") for piece in texts_of(value)))


def texts_of(value: Any) -> Iterator[str]:
    """The text of a JSON file, some of it at a time; half a surrogate pair stands there, and becomes its JSON escape as bytes.

    >>> "".join(texts_of({"a": Entries([("b", [1]), ("c", {})])})) == json.dumps({"a": {"b": [1], "c": {}}}, indent=1) + "\\n"
    True
    """
    waiting, size = [], 0
    for piece in pieces(value, ""):
        waiting.append(piece)
        size += len(piece)
        if size > PIECE:
            yield "".join(waiting)
            waiting, size = [], 0
    yield "".join([*waiting, "\n"])


def pieces(value: Any, indent: str) -> Iterator[str]:
    """Of a value that stands so deep, one step a blank. What holds nothing deeper is made at once, which is what most of a file is."""
    inner = f"{indent} "
    if isinstance(value, Entries) or (isinstance(value, Mapping) and not flat(value.values())):
        pairs = value.pairs if isinstance(value, Entries) else value.items()
        mark = "{"
        for key, each in pairs:
            yield f"{mark}\n{inner}{name_of(key)}: "
            yield from pieces(each, inner)
            mark = ","
        yield "{}" if mark == "{" else f"\n{indent}}}"
    elif isinstance(value, list | tuple) and not flat(value):
        for number, each in enumerate(value):
            yield f"{',' if number else '['}\n{inner}"
            yield from pieces(each, inner)
        yield f"\n{indent}]"
    else:
        text = encoder(inner).encode(value)
        many = isinstance(value, Mapping | list | tuple) and bool(value)
        yield f"{text[0]}\n{inner}{text[1:-1]}\n{indent}{text[-1]}" if many else text


def flat(values: Iterable[Any]) -> bool:
    return not any(isinstance(each, Mapping | list | tuple | Entries) for each in values)


@lru_cache(maxsize=64)
def encoder(inner: str) -> json.JSONEncoder:
    """For things in a row, each on a line of its own."""
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(f",\n{inner}", ": "))


def name_of(key: Any) -> str:
    """The key of an entry, which JSON has as a text whatever it is."""
    return encoder("").encode(key) if isinstance(key, str) else encoder("").encode({key: 0})[1:-4]


def write_whole(path: Path, data: bytes) -> None:
    """`write_json` for any bytes. Raises `BenchError`, and leaves what was there as it was."""
    write_pieces(path, [data])


def write_pieces(path: Path, data: Iterable[bytes]) -> None:
    """`write_whole` of what is made meanwhile. What goes wrong there leaves what was there as it was, too."""
    temporary = None
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.writelines(data)
            return
        target = Path(os.path.realpath(path))  # a link stays one
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name[:200]}.{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            file.writelines(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        sync_folder(target.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            if temporary is not None:
                temporary.unlink()
        if isinstance(error, OSError):
            raise BenchError(f"cannot write {path}: {error.strerror or error}") from error
        raise


def sync_folder(folder: Path) -> None:
    """A name that was made, moved or taken away is on the disk when this returns, where the system can promise it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def storable(value: Any) -> Any:
    """The value with null for numbers that JSON cannot hold (not finite), so that one of them loses no other.

    >>> storable({"a": [1.5, float("inf")]})
    {'a': [1.5, None]}
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Entries):
        return value
    if isinstance(value, Mapping):
        return {key: storable(each) for key, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list | tuple) else value


def read_json(path: Path) -> Any:
    """A JSON file of ours. Raises `BenchError` when it is missing or damaged."""
    return parse_json(read_text(path), str(path), halves=True)
