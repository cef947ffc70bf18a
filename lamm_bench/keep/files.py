"""JSON on disk, whole or not at all, and the digests that tell one value from another."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import parse_json, read_text
from lamm_bench.types import Generate, Media, Request


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks, the form that digests are taken of."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(value: Any, length: int = 16) -> str:
    """A short hash of a JSON value."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:length]


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


def write_json(path: Path, value: Any) -> None:
    """Writes a file whole or not at all: a temporary neighbour, fsync, rename, fsync of the folder. A pipe or device is written to."""
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    write_whole(path, text.encode("utf-8", "backslashreplace"))  # half a surrogate pair becomes its JSON escape


def write_whole(path: Path, data: bytes) -> None:
    """`write_json` for any bytes. Raises `BenchError`, and leaves what was there as it was."""
    temporary = None
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.write(data)
            return
        target = Path(os.path.realpath(path))  # a link stays one
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name[:200]}.{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            if temporary is not None:
                temporary.unlink()
        raise BenchError(f"cannot write {path}: {error.strerror or error}") from error


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
    if isinstance(value, Mapping):
        return {key: storable(each) for key, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list | tuple) else value


def read_json(path: Path) -> Any:
    """A JSON file of ours. Raises `BenchError` when it is missing or damaged."""
    return parse_json(read_text(path), str(path), halves=True)
