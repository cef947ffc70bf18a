"""What runs in each worker process: the real adapter, asked over its standard input, answering over its standard output.

Whatever else the model prints goes to standard error, whose last words are kept for the sentence about its death."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from lamm_bench.ask.answering import said
from lamm_bench.ask.catalog import Catalog, load_catalog
from lamm_bench.ask.identity import fingerprint, hardware
from lamm_bench.ask.runner import tell
from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import parse_json
from lamm_bench.types import Adapter, Generate, Job, Response, Score

from .admission import Seen
from .wire import VALUES, failure_of, line_of, pack, unpack, versions

GATHERED = 0.05  # seconds that an answer may wait for others before it goes to the driver
TOLD = ("modalities", "hints", "notes", "remembers")  # of every adapter, beside VALUES
METHODS = ("begin", "score", "why_not", "seen", "usage", "loss")
KINDS = {"generate": Generate, "score": Score}


class Out(Protocol):
    """Where answers go: a pipe, or what stands for one."""

    def write(self, line: bytes, /) -> Any: ...


class Worker:
    """One adapter, and where its answers go."""

    def __init__(self, out: Out) -> None:
        self._out, self._sending = out, threading.Lock()
        self.orders: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.dropped: set[int] = set()  # leases whose answers nobody waits for any more
        self.seen, self.torch = Seen(), False  # `torch`: whether the GPUs were told
        self.catalog: Catalog
        self.adapter: Adapter

    def send(self, **message: Any) -> None:
        line = line_of(message)
        with self._sending:
            self._out.write(line)

    def listen(self, orders: Iterable[bytes]) -> None:
        """In a thread of its own, so that a lease can be dropped while the model works on it."""
        for line in orders:
            order = parse_json(line.decode("ascii"), "an order of the driver", halves=True)
            if "drop" in order:
                self.dropped.add(order["drop"])
            else:
                self.orders.put(order)
        self.orders.put(None)

    def serve(self) -> None:
        """Says hello, then does what it is told until the driver has gone."""
        while (order := self.orders.get()) is not None:
            try:
                self.obey(order)
            except Exception as error:
                about = {key: order[key] for key in ("lease", "call", "job") if key in order}
                self.send(failed=failure_of(error, traceback.format_exc()), **about)

    def obey(self, order: Mapping[str, Any]) -> None:
        if "model" in order:
            self.hello(order)
        elif "job" in order:
            self.begin(unpack(order["told"]))
        elif "lease" in order:
            requests = unpack(order["requests"])
            if strange := self.seen.strange(requests):
                self.send(strange=strange, lease=order["lease"])
                return
            if order["lease"] not in self.dropped:
                self.work(order["lease"], KINDS[order["kind"]], requests)
            self.send(end=order["lease"], **self.news())
        else:
            self.send(answer=order["call"], value=pack(self.called(order["name"], unpack(order["words"]))))

    def hello(self, order: Mapping[str, Any]) -> None:
        """Makes the adapter as the command line does, and says all that the runner may look for on it."""
        self.catalog = load_catalog(order["plugins"])
        self.adapter = self.catalog.adapter(order["model"], unpack(order["settings"]))
        own = fingerprint(self.adapter)  # first: some models are loaded by it, and have more to say then
        values = {name: plain(getattr(self.adapter, name)) for name in (*TOLD, *VALUES) if hasattr(self.adapter, name)}
        has = [name for name in METHODS if callable(getattr(self.adapter, name, None))]
        self.torch = "torch" in sys.modules
        told = {"fingerprint": own, "values": values, "has": has, "plugins": self.catalog.plugin_files}
        self.send(hello=pack({**told, "versions": versions(), "hardware": hardware()}), pid=os.getpid())

    def begin(self, told: dict[str, Any]) -> None:
        name = told.pop("task")
        if name not in self.catalog.tasks:
            raise unknown("task (in a worker process)", name, self.catalog.tasks)
        tell(self.adapter, Job(self.catalog.tasks[name], **told))

    def work(self, lease: int, kind: type, requests: list[Any]) -> None:
        """Answers a lease; parts of it go out as they come, gathered for a moment."""
        parts = Parts(self, lease)
        given: set[int] = set()
        try:
            answers: Any = said(self.adapter, kind, requests)
            with contextlib.closing(answers):  # a lease that is dropped ends the model's work in its middle
                for number, response in answers:
                    if number in given or not 0 <= number < len(requests):
                        name = self.adapter.name
                        raise BenchError(f"{name} answered request {number} twice or never was asked it: a bug of the adapter")
                    given.add(number)
                    parts.add(number, response)
                    if lease in self.dropped:
                        break
        finally:
            parts.flush()

    def called(self, name: str, words: tuple[Any, ...]) -> Any:
        """What a method of the adapter says; a task goes by its name."""
        if name == "why_not":
            words = (self.catalog.tasks[words[0]], *words[1:])
        return getattr(self.adapter, name)(*words)

    def news(self) -> dict[str, Any]:
        """What the adapter has noted and used so far; and the GPUs, where it loads torch with its first question."""
        usage = getattr(self.adapter, "usage", None)
        notes = [str(note) for note in getattr(self.adapter, "notes", ())]
        found = {"notes": notes, "usage": pack(usage()) if usage is not None else None}
        if not self.torch and "torch" in sys.modules:
            self.torch = True
            found["hardware"] = hardware()
        return found


class Parts:
    """Answers of a lease on their way: at once where none went a moment ago, else together with those that come until then."""

    def __init__(self, worker: Worker, lease: int) -> None:
        self._worker, self._lease, self._lock = worker, lease, threading.Lock()
        self._answers: list[Any] = []
        self._sent = 0.0
        self._timer: threading.Timer | None = None

    def add(self, number: int, response: Response) -> None:
        with self._lock:
            self._answers.append([number, pack(response)])
            wait = self._sent + GATHERED - time.monotonic()
            if wait > 0 and self._timer is None:
                self._timer = threading.Timer(wait, self.flush)
                self._timer.daemon = True
                self._timer.start()
        if wait <= 0:
            self.flush()

    def flush(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._answers:
                self._worker.send(parts=self._lease, answers=self._answers)
                self._answers, self._sent = [], time.monotonic()


def plain(value: Any) -> Any:
    """A value of the adapter as it can be told: sequences of strangers as tuples of texts."""
    if isinstance(value, str | bool | int | float | frozenset) or value is None:
        return value
    return tuple(map(str, value)) if isinstance(value, Iterable) else str(value)


def main() -> None:
    """Takes the pipes for itself before anything can print into them or read from them."""
    out, orders = os.fdopen(os.dup(1), "wb", buffering=0), os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    worker = Worker(out)
    threading.Thread(target=worker.listen, args=(orders,), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):  # the driver has gone
        worker.serve()
    sys.stderr.flush()
    os._exit(0)
