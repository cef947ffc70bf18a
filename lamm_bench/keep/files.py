"""JSON on disk, whole or not at all, and the digests that tell one value from another."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
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
    return digest(["score", messages, list(request.options), *(["prior"] if request.prior else [])])


def write_json(path: Path, value: Any) -> None:
    """Writes a file whole or not at all: a temporary neighbour, fsync, rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", errors="surrogatepass") as file:
            json.dump(value, file, ensure_ascii=False, indent=1, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise BenchError(f"cannot write {path}: {error.strerror or error}") from error


def read_json(path: Path) -> Any:
    """A JSON file of ours. Raises `BenchError` when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
    except FileNotFoundError:
        raise BenchError(f"{path} is missing") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BenchError(f"{path} cannot be read: {error}") from None
