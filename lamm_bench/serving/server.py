"""The server: `GET /v1/models` and `POST /v1/chat/completions`, of the standard library alone."""

from __future__ import annotations

import hmac
import itertools
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lamm_bench.errors import BenchError, visible
from lamm_bench.types import Adapter, Response, Score

from . import answered
from .asked import Asked, Refused, asked
from .desk import Desk
from .line import Line

LARGEST = 128 * 2**20  # bytes of a body
More = Callable[[str, Any], "tuple[str, bytes] | None"]
"""Path, and the JSON that was sent there (None: asked for by GET), to a content type and its bytes; None where it knows nothing of it."""

STATUS = {"media_error": 400, "model_error": 500}
MODELS, ASKED = "/v1/models", "/v1/chat/completions"


@dataclass(frozen=True)
class Served:
    """A server at work."""

    url: str  # with /v1
    server: ThreadingHTTPServer

    def wait(self) -> None:
        """Until somebody interrupts."""
        while True:
            time.sleep(3600)


@contextmanager
def serve(
    adapter: Adapter | Mapping[str, Adapter],
    name: str = "",
    host: str = "127.0.0.1",
    port: int = 0,
    key: str = "",
    more: More | None = None,
) -> Iterator[Served]:
    """Serves one model, or several by name, while the block runs. With a `key` nobody is answered without it; `more` answers what is
    no part of the interface, such as a page. Raises `BenchError` where the address cannot be had."""
    desks = {one: Desk(own) for one, own in (adapter.items() if isinstance(adapter, Mapping) else [(name, adapter)])}
    try:
        server = ThreadingHTTPServer((host, port), handler_of(desks, key, more))
    except (OSError, OverflowError) as error:
        for desk in desks.values():
            desk.close()
        raise BenchError(f"cannot serve at {host}:{port}: {getattr(error, 'strerror', None) or error}") from error
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        where = f"[{host}]" if ":" in host else host
        yield Served(f"http://{where}:{server.server_address[1]}/v1", server)
    finally:
        server.shutdown()
        server.server_close()
        for desk in desks.values():
            desk.close()


def handler_of(desks: Mapping[str, Desk], key: str, more: More | None) -> type[BaseHTTPRequestHandler]:
    """What answers one connection."""
    numbers = itertools.count(1)
    lock = threading.Lock()
    first = next(iter(desks))

    class Handler(Line):
        unread = 0  # bytes of the request's body

        def do_GET(self) -> None:
            def listed() -> None:
                found = more(self.path, None) if more is not None else None
                if found is not None:
                    self.send(200, *found)
                    return
                asked_for = self.path.rstrip("/")
                name = unquote(asked_for.removeprefix(f"{MODELS}/"))
                if asked_for == MODELS:
                    self.say(200, {"object": "list", "data": [answered.model(one) for one in desks]})
                elif asked_for.startswith(f"{MODELS}/") and name in desks:
                    self.say(200, answered.model(name))
                elif asked_for == ASKED:
                    raise Refused(405, f"{ASKED} is asked by POST")
                else:
                    raise self.nothing_here()

            self.guarded(listed)

        def do_POST(self) -> None:
            def completed() -> None:
                if more is not None and not self.path.startswith("/v1/") and (found := more(self.path, self.body())) is not None:
                    self.send(200, *found)
                    return
                if self.path.rstrip("/") != ASKED:
                    raise self.nothing_here()
                body = self.body()
                with lock:
                    own = f"chatcmpl-{next(numbers)}"
                wanted = body.get("model", first) if isinstance(body, dict) else first
                name = wanted if isinstance(wanted, str) and wanted in desks else first
                taken = frozenset(desks[name].adapter.modalities)
                with tempfile.TemporaryDirectory(prefix="lamm-bench-serve-") as folder:
                    self.answer(asked(body, name, taken, Path(folder)), own, name)

            self.guarded(completed)

        def guarded(self, what: Any) -> None:
            self.unread = self.length() or 0
            try:
                if key and not hmac.compare_digest(self.headers.get("authorization", "").encode(), f"Bearer {key}".encode()):
                    raise Refused(401, "the key is missing or wrong; send it as `Authorization: Bearer ...`")
                what()
            except Refused as error:
                self.close_connection |= bool(self.unread) or self.length() is None
                self.say(error.status, answered.failure(str(error), error.status))
                self.drain(self.unread)
            except (ConnectionError, TimeoutError):
                self.close_connection = True

        def nothing_here(self) -> Refused:
            return Refused(404, f"there is nothing at {visible(self.path)[:100]}; expected {MODELS} or {ASKED}")

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
            """Of the standard library's own refusals, in the form of all others."""
            self.close_connection = True
            self.say(code, answered.failure(visible(message or f"status {code}")[:200], code))

        def body(self) -> Any:
            """The JSON of a request. A page of another site cannot send it without being asked first, for its type is no form's."""
            if self.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
                raise Refused(415, "the body must be JSON, and `content-type` must say so")
            length = self.length()
            if length is None:
                raise Refused(411, "`content-length` must tell how long the body is")
            if length > LARGEST:
                raise Refused(413, f"the body is longer than {LARGEST >> 20} MiB")
            said = self.rfile.read(length)
            self.unread = 0
            try:
                return json.loads(said)
            except (ValueError, RecursionError):
                raise Refused(400, "the body is not JSON") from None

        def answer(self, wanted: Asked, own: str, name: str) -> None:
            desk = desks[name]
            if isinstance(wanted.request, Score) and not hasattr(desk.adapter, "score"):
                raise Refused(400, f"{name} tells no likelihoods of options")
            if wanted.stream:
                self.stream(wanted, own, name)
                return
            response = last(desk.ask(wanted.request).heard())
            if response.error is not None and response.status != "refused":
                raise Refused(STATUS.get(response.status, 500), visible(response.error))
            now = int(time.time())
            if isinstance(wanted.request, Score):
                self.say(200, answered.weighed(response, wanted.request, name, own, now))
            else:
                self.say(200, answered.completion(response, name, own, now))

        def stream(self, wanted: Asked, own: str, name: str) -> None:
            """Server-sent events; an error before the first piece is an ordinary one."""
            now, begun, spoken = int(time.time()), False, False
            for one in desks[name].ask(wanted.request, True).heard():
                if isinstance(one, Response) and one.error is not None and not begun:
                    raise Refused(STATUS.get(one.status, 500), visible(one.error))
                if not begun:
                    self.send_response(200)
                    self.send_header("content-type", "text/event-stream")
                    self.send_header("cache-control", "no-store")
                    self.send_header("connection", "close")
                    self.end_headers()
                    self.close_connection = begun = True
                if isinstance(one, str):
                    self.write(answered.piece(one, name, own, now))
                    spoken |= bool(one)
                elif one.error is not None:
                    self.write(answered.event(answered.failure(visible(one.error), 500)))
                else:
                    left = b"" if spoken or not one.text else answered.piece(one.text, name, own, now)
                    self.write(left + answered.piece(None, name, own, now, one.finish) + answered.END)

        def write(self, data: bytes) -> None:
            self.wfile.write(data)
            self.wfile.flush()

        def say(self, status: int, body: dict[str, Any]) -> None:
            self.send(status, "application/json", answered.as_bytes(body))

        def send(self, status: int, kind: str, data: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("x-content-type-options", "nosniff")
            self.send_header("content-length", str(len(data)))
            if self.close_connection:  # one that is not told asks again over a line that is no more
                self.send_header("connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.write(data)

    return Handler


def last(heard: Iterator[str | Response]) -> Response:
    found = Response(error="the adapter gave no response", status="model_error")
    for one in heard:
        if isinstance(one, Response):
            found = one
    return found
