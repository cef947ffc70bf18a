"""Carries many questions to a server: as many at once as it bears, again after trouble, never twice the same, within the budget.

One thread decides and writes, one thread per open call waits. Nothing here knows a clock but through `Clock`."""

from __future__ import annotations

import contextlib
import heapq
import math
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from lamm_bench.errors import BenchError, MediaError, Stopped
from lamm_bench.types import Response

from .cache import Cache
from .pace import backoff
from .purse import Purse
from .replicas import Replica, Replicas
from .reply import Reply
from .server import FATAL, ISOLATED, PASSING, Trouble

AGAIN = 4  # times as many questions may wait for their repetition as calls may be open
HOPELESS = 5  # questions given up in a row, without an answer between them, after which the rest is not tried


class Clock:
    """The one door to time."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def take(self, arrivals: queue.Queue[Arrival], seconds: float | None) -> Arrival | None:
        """The next arrival; None when there was none within `seconds`."""
        try:
            return arrivals.get(timeout=seconds)
        except queue.Empty:
            return None


@dataclass
class Question:
    """One body to be sent, for all the requests that are equal."""

    key: str
    body: Callable[[], dict[str, Any]]  # made in the calling thread: encoding an image takes time
    numbers: list[int] = field(default_factory=list)
    attempt: int = 0
    keys: Mapping[str, str] = field(
        default_factory=dict
    )  # server -> under what its answer is remembered, where there are several
    after: Replica | None = None  # that has failed at it


@dataclass(frozen=True)
class Arrival:
    """The end of one call."""

    number: int  # of the call
    outcome: Reply | Trouble | MediaError | Exception
    seconds: float
    call: Call


@dataclass(frozen=True)
class Call:
    """A question on its way."""

    question: Question
    replica: Replica
    sent: int  # the pace's round
    begun: float
    ends: float  # when it is given up if nobody has ended it


@dataclass
class Exchange:
    """Questions go in, replies come out in the order in which they arrive."""

    replicas: Replicas
    purse: Purse
    cache: Cache | None
    clock: Clock = field(default_factory=Clock)
    longest: float = math.inf  # seconds after which a call that has not ended by itself is given up
    retries: int = 5
    patience: float = 600.0  # seconds without any answer, or of silence asked for, after which asking ends
    seed: int = 0
    offline: bool = False
    hint: Callable[[str], str] = field(default=lambda message: "")  # what a user could do about a server's complaint
    notes: list[str] = field(default_factory=list)  # what a reader of the run should know

    def ask(self, questions: Sequence[Question]) -> Iterator[tuple[int, Reply | Response]]:
        """Each number with its reply, or with a `Response` that says why there is none.

        Raises `Stopped` when going on makes no sense (the budget is spent, the key is refused, the server is gone), after every
        call that was open has been paid and yielded. What is left was then not asked."""
        fresh = merged(questions)
        kept = self.remembered(fresh)
        for question in fresh:
            if question.key in kept:
                self.purse.remembered += len(question.numbers)
                for number in question.numbers:
                    yield number, kept[question.key]
        waiting = deque(question for question in fresh if question.key not in kept)
        if waiting and self.offline:
            raise Stopped(f"{len(waiting)} questions have no remembered answer, and offline=true forbids to ask")
        yield from Round(self, waiting).run()

    def remembered(self, questions: Sequence[Question]) -> dict[str, Reply]:
        """The answers of the cache by the questions' keys, of whichever server; they took no time."""
        places = {key: question.key for question in questions for key in (*question.keys.values(), question.key)}
        found: dict[str, Reply] = {}
        with self.without_cache_if_it_fails():
            found = self.cache.get(list(places)) if self.cache is not None else {}
        told = {places[key]: found[key] for key in places if key in found}
        return {key: replace(reply, response=replace(reply.response, seconds=0.0)) for key, reply in told.items()}

    def remember(self, question: Question, url: str, reply: Reply) -> None:
        with self.without_cache_if_it_fails():
            if self.cache is not None:
                self.cache.put(question.keys.get(url, question.key), reply)

    @contextlib.contextmanager
    def without_cache_if_it_fails(self) -> Iterator[None]:
        """A cache that is full or broken costs what it would have saved, never an answer that was paid for."""
        try:
            yield
        except BenchError as error:
            if self.offline:
                raise
            self.cache = None
            self.notes.append(f"{error}; this run goes on without it")


@dataclass
class Round:
    """The state of one stream of questions."""

    exchange: Exchange
    waiting: deque[Question]
    again: list[tuple[float, int, Question]] = field(default_factory=list)  # a heap of (when, order, question)
    arrivals: queue.Queue[Arrival] = field(default_factory=queue.Queue)
    calls: dict[int, Call] = field(default_factory=dict)  # that are open
    given_up: int = 0  # in a row
    stop: BenchError | None = None
    quiet_since: float = 0.0
    _order: int = 0

    def run(self) -> Iterator[tuple[int, Reply | Response]]:
        clock = self.exchange.clock
        self.quiet_since = clock.now()
        while self.waiting or self.again or self.open:
            if self.stop is None:
                self.send_what_may_be_sent()
            if self.stop is not None and not self.open:
                raise self.stop
            arrival = self.next_arrival()
            if arrival is not None:
                result = self.settle(arrival)
                if result is not None:
                    for number in arrival.call.question.numbers:
                        yield number, result

    @property
    def open(self) -> int:
        return len(self.calls)

    def send_what_may_be_sent(self) -> None:
        replicas, purse, now = self.exchange.replicas, self.exchange.purse, self.exchange.clock.now()
        while replicas.free(now) is not None:
            question = self.next_question(now)
            if question is None:
                return
            replica = replicas.free(now, question.after)
            assert replica is not None
            if not purse.affords(self.open):
                self.waiting.appendleft(question)
                if not self.open:
                    self.stop = Stopped(
                        f"max_cost={purse.max_cost:g} does not allow another question: {purse.spent:.4f} are spent, and one costs up to"
                        f" {purse.dearest or 0.0:.4f}; run again with a higher --set max_cost to go on"
                    )
                return
            self.send(question, replica)

    def next_question(self, now: float) -> Question | None:
        """One whose time has come again; else a new one, if no more are in trouble than may be open.

        Where most are answered, the few that wait for their repetition keep no place."""
        if self.again and self.again[0][0] <= now:
            return heapq.heappop(self.again)[2]
        replicas = self.exchange.replicas
        limit = replicas.limit(now)
        room = AGAIN * limit if replicas.well else limit - self.open
        if self.waiting and len(self.again) < room:
            return self.waiting.popleft()
        return None

    def send(self, question: Question, replica: Replica) -> None:
        """Threads are daemons: neither Ctrl-C nor the end waits for a server that hangs."""
        exchange, number = self.exchange, self._order
        begun = exchange.clock.now()
        call = Call(question, replica, replica.pace.sent(), begun, begun + exchange.longest)
        self._order += 1
        self.calls[number] = call
        replica.open += 1

        def work() -> None:
            outcome: Reply | Trouble | Exception
            try:
                outcome = replica.call(question.body())
            except Exception as error:  # carried to the deciding thread, which raises what is a bug
                outcome = error
            self.arrivals.put(Arrival(number, outcome, exchange.clock.now() - begun, call))

        threading.Thread(target=work, daemon=True).start()

    def next_arrival(self) -> Arrival | None:
        """Waits for an answer, for the time of a repetition, or for the end of a silence or of a call, whichever comes first."""
        clock, replicas = self.exchange.clock, self.exchange.replicas
        now, wakes = clock.now(), [call.ends for call in self.calls.values() if call.ends < math.inf]
        if self.stop is None and (free := replicas.wakes(now)) is not None:
            if free > now:
                wakes.append(free)
            elif self.again:
                wakes.append(self.again[0][0])
        wait = max(0.0, min(wakes) - now) if wakes else None
        if self.open:
            return self.of_those_open(clock.take(self.arrivals, wait))
        if wait:
            clock.sleep(wait)
        return None

    def of_those_open(self, arrival: Arrival | None) -> Arrival | None:
        """The arrival, if its call had not been given up; else the end of one whose time is over."""
        if arrival is not None:
            if self.calls.pop(arrival.number, None) is None:
                return None
            arrival.call.replica.open -= 1
            return arrival
        now = self.exchange.clock.now()
        for number, call in self.calls.items():
            if call.ends <= now:
                del self.calls[number]
                call.replica.open -= 1
                return Arrival(number, Trouble("timeout", "the server did not end its answer in time"), now - call.begun, call)
        return None

    def settle(self, arrival: Arrival) -> Reply | Response | None:
        """What an arrival means for its question (None: it is asked again) and for all others."""
        exchange, outcome, now = self.exchange, arrival.outcome, self.exchange.clock.now()
        replica = arrival.call.replica
        if isinstance(outcome, MediaError):
            return Response(error=str(outcome), status="media_error")
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, Reply):
            self.given_up, self.quiet_since = 0, now
            replica.pace.answered(arrival.seconds, replica.open + 1)
            exchange.replicas.answered(replica)
            exchange.purse.pay(outcome, replica.url)
            exchange.remember(arrival.call.question, replica.url, outcome)
            if exchange.purse.max_cost and exchange.purse.uncounted:
                self.end("the server counts no tokens, so max_cost cannot be kept; leave it out")
            return replace(outcome, response=replace(outcome.response, seconds=arrival.seconds))
        return self.trouble(arrival, outcome, now)

    def trouble(self, arrival: Arrival, trouble: Trouble, now: float) -> Response | None:
        exchange, question, replica = self.exchange, arrival.call.question, arrival.call.replica
        if trouble.kind in FATAL:
            self.end(trouble.message)
            if trouble.kind == "key" and not exchange.purse.calls:  # it never was right: for the user to mend, not to resume
                self.stop = BenchError(trouble.message)
            self.waiting.appendleft(question)
            return None
        if trouble.kind == "refused":
            self.given_up = 0
            return Response(error=trouble.message, status="refused")
        elsewhere = exchange.replicas.others(replica, now)
        if trouble.kind in PASSING or (trouble.kind == "model" and elsewhere):
            isolated = trouble.kind in ISOLATED
            slow = replica.pace.failed if isolated else replica.pace.troubled
            slow(arrival.call.sent, now, trouble.retry_after)
            if trouble.kind != "busy":
                exchange.replicas.gave_nothing(replica, trouble.message, now)
            if (trouble.retry_after or 0.0) > exchange.patience and not elsewhere:
                self.end(f"the server asks to be left alone for {trouble.retry_after:.0f} s ({trouble.message}); run again then")
            elif now - self.quiet_since > exchange.patience:
                self.end(f"no answer for {now - self.quiet_since:.0f} s (last: {trouble.message})")
            if self.stop is not None:  # neither answered nor given up: it stays to be asked
                self.waiting.appendleft(question)
                return None
            question.attempt, question.after = question.attempt + 1, replica
            if trouble.kind == "busy" or question.attempt <= exchange.retries + exchange.replicas.grace:
                exchange.purse.repeated += 1
                self.repeat(question, now, trouble, elsewhere)
                return None
        self.given_up += 1
        if self.given_up >= HOPELESS:
            self.end(f"{HOPELESS} questions in a row failed, the last one with: {trouble.message}")
        return Response(error=trouble.message, status="model_error")

    def repeat(self, question: Question, now: float, trouble: Trouble, elsewhere: bool) -> None:
        """Asks again after a while; at once, where another server may be asked about what one gave nothing to."""
        rng = Random(f"{self.exchange.seed}/{question.key}/{question.attempt}")
        alone = trouble.kind in ISOLATED and self.exchange.replicas.well  # others are answered: no need to wait longer and longer
        wait = max(backoff(1 if alone else question.attempt, rng), trouble.retry_after or 0.0)
        wait = 0.0 if elsewhere and trouble.kind != "busy" else wait
        self._order += 1
        heapq.heappush(self.again, (now + wait, self._order, question))

    def end(self, why: str) -> None:
        """Nothing more is sent; what is open is waited for."""
        if self.stop is None:
            hint = self.exchange.hint(why)
            self.stop = Stopped(f"{why}{'; ' + hint if hint else ''}")


def merged(questions: Sequence[Question]) -> list[Question]:
    """Equal questions as one, in the order of their first."""
    found: dict[str, Question] = {}
    for question in questions:
        if question.key in found:
            found[question.key].numbers += question.numbers
        else:
            found[question.key] = question
    return list(found.values())
