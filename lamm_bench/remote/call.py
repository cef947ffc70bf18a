"""One HTTP call that ends: at most so many bytes, altogether so many seconds, whatever the other side does.

A JSON answer is UTF-8 whatever its headers say (RFC 8259, 8.1); what is compressed is unpacked here, piece by piece, because a
megabyte can unpack to gigabytes. The HTTP library is the one that comes with the hub's client; only this file imports it."""

from __future__ import annotations

import importlib
import json
import queue
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from lamm_bench.errors import BenchError

LARGEST = 32 * 2**20  # bytes of an answer, unpacked: a thousand times the longest that was ever asked for
PIECE = 2**20
LIBRARIES = ("httpx", "httpx2")  # the second is what newer packages call the first
T = TypeVar("T")


class Lost(Exception):
    """There is no connection, or it broke."""


class Late(Exception):
    """The call took longer than it may."""


class Nonsense(Exception):
    """What came cannot be read as text."""


@dataclass(frozen=True)
class Heard:
    """An answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


class Line:
    """Calls with the same headers. Safe to use from many threads."""

    def __init__(self, headers: Mapping[str, str], timeout: float) -> None:
        self._http = library()
        self._timeout = timeout
        self._client = self._http.Client(
            headers={"accept-encoding": "gzip, deflate", "accept": "application/json", **headers},
            timeout=timeout,
            limits=self._http.Limits(max_connections=None, max_keepalive_connections=256),
            follow_redirects=True,
        )

    def call(self, method: str, url: str, body: Any = None, seconds: float | None = None) -> Heard:
        """Raises `Lost`, `Late` or `Nonsense`."""
        http = self._http
        seconds = self._timeout if seconds is None else min(seconds, self._timeout)
        ends = time.monotonic() + seconds
        sent: dict[str, Any] = {"json": body} if body is not None else {}
        try:
            with self._client.stream(method, url, timeout=seconds, **sent) as response:
                encoding = response.headers.get("content-encoding", "").lower()
                data = b"".join(bounded(unpacked(response.iter_raw(), encoding), ends))
                text = text_of(data, response.headers.get("content-type", ""))
                return Heard(response.status_code, response.headers, text)
        except http.TimeoutException:
            raise Late from None
        except (http.HTTPError, http.InvalidURL, OSError) as error:
            raise Lost(reason(error)) from error


def library() -> Any:
    """The HTTP library that is there. Raises `BenchError` when none is."""
    for name in LIBRARIES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise BenchError("the model openai-chat needs the package `httpx`: pip install 'lamm-bench[openai]'")


def unpacked(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The body without its compression, never more than `PIECE` of it at once."""
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Nonsense(f"the body is packed as {encoding[:40]!r}, which was not asked for")
    engine = zlib.decompressobj(47)  # gzip or zlib, whichever it is
    try:
        for packed in pieces:
            while packed:
                yield engine.decompress(packed, PIECE)
                packed = engine.unconsumed_tail
        yield engine.flush()
    except zlib.error:
        raise Nonsense("the body is no gzip, though its header says so") from None


def bounded(pieces: Iterable[bytes], ends: float) -> Iterator[bytes]:
    """The pieces, as long as they are not too many and not too late."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > LARGEST:
            raise Nonsense(f"the body is larger than {LARGEST // 2**20} MiB")
        if time.monotonic() > ends:
            raise Late
        yield piece


def text_of(data: bytes, kind: str) -> str:
    """UTF-8, or one of its longer brothers by its mark; only what is none of them is what the header says."""
    try:
        return data.decode(json.detect_encoding(data) if data else "utf-8")
    except UnicodeDecodeError:
        charset = kind.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    try:
        return data.decode(charset or "utf-8")
    except (LookupError, UnicodeDecodeError):
        raise Nonsense("the body is not UTF-8") from None


def reason(error: BaseException) -> str:
    """The innermost cause, in its own words."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__


def within(seconds: float, work: Callable[[], T]) -> T:
    """The work's result, or `Late`: for calls that nobody else watches. A server that sends a byte now and then holds up no one."""
    done: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue()

    def go() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # carried to who waits
            done.put((None, error))

    threading.Thread(target=go, daemon=True).start()
    try:
        found, error = done.get(timeout=seconds)
    except queue.Empty:
        raise Late from None
    if error is not None:
        raise error
    return found  # type: ignore[return-value]
