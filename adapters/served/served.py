"""Many requests to one process: several outstanding, each answered once, whatever the process does in between.

A process that dies, or says nothing for too long, is ended and started again; what was outstanding is asked again one by one, and
a request in whose company it died twice is an error. So no request ever ends another one, and none is asked for ever."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.errors import BenchError, Stopped
from lamm_bench.loading import shorten
from lamm_bench.remote.child import Child
from lamm_bench.types import Request, Response

from .wire import Hello, hello_of, line_of, object_in, response_of

ATTEMPTS = 2  # how often a request is asked of a process that then dies


@dataclass
class Served:
    """A model behind a command; started when it is first needed."""

    command: Sequence[str]
    folder: str = ""
    log: str = ""
    start: float = 600.0  # seconds until its hello
    timeout: float = 600.0  # seconds without any answer while something is outstanding
    restarts: int = 5  # in a row, without an answer between them
    outstanding: int = 8
    hello: Hello | None = field(default=None, init=False)
    deaths: list[str] = field(default_factory=list, init=False)
    strays: list[str] = field(default_factory=list, init=False)  # the first lines that were no answers
    stray: int = field(default=0, init=False)  # how many those were
    _child: Child | None = field(default=None, init=False, repr=False)
    _asked: int = field(default=0, init=False, repr=False)  # ids are never given twice, so that no late answer is another's

    @property
    def notes(self) -> list[str]:
        """What a reader of the run should know."""
        found = []
        if self.deaths:
            times = "once" if len(self.deaths) == 1 else f"{len(self.deaths)} times"
            found.append(f"the process was started again {times}; the first time, because it {self.deaths[0]}")
        if self.stray:
            found.append(f"{self.stray} lines of the process's output were no answers, and left out; the first: {self.strays[0]}")
        return found

    def greet(self) -> Hello:
        """Starts the process if it does not run. Raises `BenchError` where it says no hello, or another one than before."""
        if self._child is not None and self.hello is not None:
            return self.hello
        self._child = Child(self.command, self.folder, self.log)
        try:
            said = hello_of(self.first_object(self._child, time.monotonic() + self.start))
            if self.hello not in (None, said):
                raise Stopped(f"the process {self.shown} said another hello when it was started again: {said}")
        except BaseException:
            self.stop()
            raise
        self.hello = said
        return said

    @property
    def shown(self) -> str:
        return f"`{' '.join(self.command)}`"

    def first_object(self, child: Child, ends: float) -> dict[str, Any]:
        """The first JSON object that it prints. Raises `BenchError` where there is none in time."""
        while (line := child.take(ends - time.monotonic())) is not None:
            if not line:
                raise BenchError(f"the process {self.shown} {child.status()} before it said hello{self.words(child)}")
            data = object_in(line)
            if data is not None:
                return data
            self.noise(line)
        raise BenchError(
            f"the process {self.shown} said no hello within {self.start:g} s{self.words(child)}; --set start=N waits longer"
        )

    def words(self, child: Child) -> str:
        said = child.last_words()
        return f"; its last words: {said}" if said else ""

    def noise(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        if text:
            self.stray += 1
            self.strays = self.strays or [shorten(text)]

    def ask(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        """Each request's number and response, as they come. Raises `Stopped` when the process dies again and again."""
        waiting, suspects = deque(range(len(requests))), deque[int]()
        attempts: Counter[int] = Counter()
        row = 0  # deaths since the last answer
        while waiting or suspects:
            dead = ""
            for number, response in self.attended(requests, waiting, suspects):
                if isinstance(response, str):
                    dead = response
                    attempts[number] += 1
                    if attempts[number] < ATTEMPTS:
                        suspects.append(number)
                        continue
                    response = Response(
                        error=f"the process {dead} while it was asked this, {ATTEMPTS} times", status="model_error"
                    )
                else:
                    row = 0
                yield number, response
            if dead:
                row += 1
                self.deaths.append(dead)
                if row > self.restarts:
                    raise Stopped(f"the process {self.shown} died {row} times in a row; the last time it {dead}")

    def attended(
        self, requests: Sequence[Request], waiting: deque[int], suspects: deque[int]
    ) -> Iterator[tuple[int, Response | str]]:
        """Asks until all is answered, or until the process is gone: then each outstanding request comes with the reason."""
        try:
            self.greet()
        except Stopped:
            raise
        except BenchError as error:
            if self.hello is None:  # it has never run
                raise
            number = suspects.popleft() if suspects else waiting.popleft()
            yield number, f"did not start again ({error})"
            return
        child = self._child
        assert child is not None
        open_requests: dict[int, int] = {}  # id on the wire -> number
        while True:
            while self.may_send(waiting, suspects, open_requests):
                number = suspects.popleft() if suspects else waiting.popleft()
                self._asked += 1
                if not open_requests:
                    quiet_since = time.monotonic()
                open_requests[self._asked] = number
                child.send(line_of(self._asked, requests[number]))
            if not open_requests:
                return
            line = child.take(quiet_since + self.timeout - time.monotonic())
            if not line:
                why = f"gave no answer within {self.timeout:g} s" if line is None else child.status()
                why += self.words(child)
                self.stop()
                yield from ((number, why) for number in open_requests.values())
                return
            data = object_in(line)
            name = data.get("id") if data is not None else None
            if data is None or not isinstance(name, int) or name not in open_requests:
                if not isinstance(name, int) or not 0 < name <= self._asked:  # else an answer that nobody waits for any more
                    self.noise(line)
                continue
            quiet_since, number = time.monotonic(), open_requests.pop(name)
            yield number, response_of(data, requests[number])

    def may_send(self, waiting: Sequence[int], suspects: Sequence[int], open_requests: dict[int, int]) -> bool:
        """Whether one more request may be sent now; one in whose company the process has died is asked alone."""
        if suspects:
            return not open_requests
        return bool(waiting) and len(open_requests) < self.outstanding

    def stop(self) -> None:
        """Ends the process, if it runs."""
        child, self._child = self._child, None
        if child is not None:
            child.stop()
