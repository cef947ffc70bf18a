"""An adapter whose model is held by workers: the runner meets it as it meets any other, and stays what it is.

Requests go out in leases (`leases.py`) to workers (`crew.py`). No worker is waited for but at the very first: one that dies is
replaced while the others go on, and what it had not answered is asked again. None of this is part of a run's identity."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from lamm_bench.errors import BenchError, Stopped
from lamm_bench.types import Adapter, Generate, Job, Media, Request, Response, Score

from .account import added, told_of
from .admission import differs, strange
from .crew import Crew, Hand, Model
from .engines import PATIENCE, Engine
from .events import Events, nothing
from .leases import LEAST, Call, Lease, lease_size
from .wire import VALUES, error_of, line_of, pack, unpack, versions

METHODS = ("why_not", "seen", "loss")  # asked of a worker
EARLY = 3  # deaths before anybody has said hello, after which it is the model that cannot begin
ROW = 6  # deaths without an answer between them, beside one for each worker, after which asking ends


class Fleet:
    """The adapter `adapter` (made here only for its settings), answered for by one worker on each seat of `engine`."""

    def __init__(
        self,
        model: Model,
        adapter: Adapter,
        engine: Engine,
        plugins: Mapping[str, str] = {},  # the files that bring it, and what they held when the driver read them
        patience: float = PATIENCE,
        allow_mixed: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name: str = adapter.name
        self.crew = Crew(model, engine)
        self._plugins, self._mixed = dict(plugins), allow_mixed
        self._patience, self._clock = patience, clock
        self._batch = int(getattr(adapter, "batch_size", 0) or 0)
        self.at_once = max(self._batch, LEAST) * len(self.crew.seats)  # requests that leave no worker idle
        self._hello: dict[str, Any] | None = None
        self._calls: list[Call] = []
        self._owners: dict[int, Call] = {}  # lease -> call
        self._hellos: dict[int, dict[str, Any]] = {}  # by worker: of all that were ever taken in
        self._told: dict[int, dict[str, Any]] = {}  # by worker: what it has noted and used so far
        self._answers: dict[int, Any] = {}  # of `called`
        self._homes: dict[str, int] = {}  # medium -> the worker that last had it
        self._job: bytes | None = None
        self._jobs = self._count = self._row = self._unborn = 0
        self._events = Events(self.crew.deaths, patience)
        self.noticed: Callable[[], None] = nothing
        self._trouble: Exception | None = None

    # what the runner looks for

    @property
    def modalities(self) -> frozenset[str]:
        return frozenset(self.hello["values"]["modalities"])

    @property
    def hints(self) -> list[str]:
        return list(self.hello["values"].get("hints", ()))

    def fingerprint(self) -> str:
        return str(self.hello["fingerprint"])

    def __getattr__(self, name: str) -> Any:
        """What the real adapter has besides, and only that: whoever looks finds what it would find in one process."""
        if name in ("score", "usage") and name in self.hello["has"]:
            return {"score": self._score, "usage": self._usage}[name]
        if name in METHODS and name in self.hello["has"]:
            return lambda *words: self.called(name, *words)
        if name in VALUES and name in self.hello["values"]:
            return self.hello["values"][name]
        raise AttributeError(f"{type(self).__name__} of {self.__dict__.get('name')} has no {name}")

    @property
    def remembers(self) -> int:
        """The dialogues that all workers together keep."""
        return self._remembers * len(self.crew.seats)

    @property
    def overlaps(self) -> bool:
        """Whether the model may be asked about several tasks at once: it does, or is told of none."""
        return bool(self.hello["values"].get("overlaps", "begin" not in self.hello["has"]))

    @property
    def _remembers(self) -> int:
        return int(self.hello["values"].get("remembers") or 0)

    @property
    def notes(self) -> list[str]:
        """What the model has to say, and once it was asked, what became of its workers."""
        return [*self.model_notes, *(self.events() if self._jobs else ())]

    @property
    def model_notes(self) -> list[str]:
        """What the model has to say."""
        found = dict.fromkeys(self.hello["values"].get("notes", ()))
        return list(found | dict.fromkeys(note for told in self._told.values() for note in told["notes"]))

    def events(self) -> list[str]:
        """What went otherwise than planned, since a run began."""
        return list(self._events.sentences())

    def alarms(self) -> list[dict[str, Any]]:
        """What two workers have answered otherwise, since this was last asked."""
        return self._events.taken()

    def attended(self, noticed: Callable[[], None], anew: bool) -> None:
        """`noticed` is called where a worker of other versions, or another answer, comes. `anew`: a run after another one begins."""
        if anew and self.noticed is not nothing:
            self._events.forget()
        self.noticed = noticed

    def workers_told(self) -> list[dict[str, Any]]:
        """On what the workers have computed so far, for the manifest."""
        return told_of(self._hellos.values(), versions())

    def shown(self) -> str:
        """For the line of progress."""
        hands = self.crew.hands.values()
        counts = (
            (sum(one.lease is not None for one in hands), "leases out"),
            (sum(one.aside for one in hands), "silent"),
            (len(self.crew.deaths), "died"),
        )
        return f"{len(self.crew.ready)}/{len(self.crew.seats)} workers" + "".join(f", {n} {what}" for n, what in counts if n)

    def begin(self, job: Job) -> None:
        """Told to every worker, also to those that come later; without the samples, where the model answers whatever they are."""
        self._jobs += 1
        self.pump(wait=False)  # who died since the last call is known before there is work to lend
        told = {one.name: getattr(job, one.name) for one in fields(job) if one.name not in ("task", "samples")}
        told |= {"task": job.task.name, "samples": [] if self.overlaps else list(job.samples)}
        if "begin" in self.hello["has"]:
            self._job = line_of({"job": self._jobs, "told": pack(told)})
            self.crew.tell(self._job)

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield from self.asked("generate", requests)

    def _score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        yield from self.asked("score", requests)

    def _usage(self) -> dict[str, Any]:
        """The sum over workers."""
        total: dict[str, Any] = {}
        for told in self._told.values():
            total = added(total, unpack(told["usage"]) or {})
        return total

    def close(self) -> None:
        """Ends all workers."""
        self.crew.stop()

    # how it is done

    @property
    def hello(self) -> dict[str, Any]:
        """What the first worker has said of the model; the others must say the same."""
        self.crew.start()
        while self._hello is None:
            self.pump()
        return self._hello

    def asked(self, kind: str, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        """Lends, listens and yields until every request has ended. Such calls may be open within one another."""
        self._homes = {medium: worker for medium, worker in self._homes.items() if worker in self.crew.hands}
        call = Call(kind, requests, self._homes, self.hello["values"].get("exact", True) is not False)
        self._calls.append(call)
        try:
            while True:
                while call.ready:
                    yield call.ready.popleft()
                if call.over and all(lease.left for lease in call.leases.values()):
                    return  # those who still work on what others have answered are not waited for
                self.hand_out()
                self.pump()
        finally:
            self._calls.remove(call)
            for lease in call.leases.values():
                self.tell(lease.worker, {"drop": lease.number})

    def hand_out(self) -> None:
        """Gives every idle worker a lease, of the innermost call that has one; a copy of one where there is none."""
        for hand in [hand for hand in self.crew.hands.values() if hand.idle]:
            self._count += 1
            found = next(((call, lease) for call in reversed(self._calls) if (lease := self.lent(call, hand))), None)
            found = found or next(
                ((call, lease) for call in reversed(self._calls) if (lease := call.copy(self._count, hand.number))), None
            )
            if found is not None:
                call, lease = found
                hand.lease, hand.since, self._owners[lease.number] = lease.number, self._clock(), call
                asked = [call.requests[number] for number in lease.numbers]
                self.tell(hand.number, {"lease": lease.number, "kind": call.kind, "requests": pack(asked)})

    def lent(self, call: Call, hand: Hand) -> Lease | None:
        size = lease_size(call.waiting, len(self.crew.seats), self._batch, self._remembers)
        return call.lend(self._count, hand.number, size)

    def tell(self, worker: int, message: Mapping[str, Any]) -> None:
        if (hand := self.crew.hands.get(worker)) is not None:
            hand.send(line_of(message))

    def pump(self, wait: bool = True) -> None:
        """Takes in what workers have said; with `wait` until there is a message or somebody was silent for too long.

        Raises what went wrong in one of them."""
        heard = self.crew.hear(self.until_silence() if wait else 0.0)
        while heard is not None:
            hand, message = heard
            if message is None:
                self.lose(hand)
            else:
                self.take(hand, message)
            heard = self.crew.hear(0.0)
        self.expire()
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble

    def until_silence(self) -> float | None:
        """Seconds until the next worker will have been silent for too long; None where nobody has anything to answer."""
        busy = [hand for hand in self.crew.hands.values() if hand.lease is not None]
        ends = [hand.since + self._patience * (2 if hand.aside else 1) for hand in busy]
        return max(0.001, min(ends) - self._clock()) if ends else None

    def expire(self) -> None:
        """Leases of silent workers are lent again; a worker that is silent for as long once more is ended and replaced."""
        now = self._clock()
        for hand in [one for one in self.crew.hands.values() if one.lease is not None]:
            found, silent = self.lease_of(hand.lease), now - hand.since
            if not hand.aside and silent >= self._patience:
                hand.aside = True
                self._events.silences += 1
                if found is not None:
                    found[0].expire(found[1], f"said nothing for {self._patience:g} seconds")
            elif hand.aside and silent >= 2 * self._patience:
                self.crew.dismiss(hand)
                self.gone(hand, f"was ended, after {2 * self._patience:g} seconds without a word")

    def take(self, hand: Hand, message: Mapping[str, Any]) -> None:
        hand.since, hand.aside = self._clock(), False
        if "hello" in message:
            self.welcome(hand, unpack(message["hello"]), message["pid"])
        elif "parts" in message:
            self._row = 0
            if (found := self.lease_of(message["parts"])) is not None:
                call, lease = found
                for place, response in message["answers"]:
                    call.take(lease, place, unpack(response))
                self.look_after(call)
        elif "end" in message:
            self._told[hand.number] = {"notes": message["notes"], "usage": message["usage"]}
            self._hellos[hand.number]["hardware"] = message.get("hardware", self._hellos[hand.number]["hardware"])
            self.ended(hand, message["end"])
        elif "strange" in message:
            self.meet_strange(hand, message["lease"], [(unpack(shown), reason) for shown, reason in message["strange"]])
        elif "answer" in message:
            hand.calls.discard(message["answer"])
            self._answers[message["answer"]] = unpack(message["value"])
        else:
            self.failed(hand, message)

    def lease_of(self, number: int | None) -> tuple[Call, Lease] | None:
        """The call and the lease of a number; None where both are over, or nobody waits for it any more."""
        call = self._owners.get(number) if number is not None else None
        return (call, call.leases[number]) if call is not None and number is not None and number in call.leases else None

    def ended(self, hand: Hand, number: int) -> None:
        """A worker is idle again; copies of what it has answered are dropped."""
        hand.lease, found = None, self.lease_of(number)
        self._owners.pop(number, None)
        if found is not None:
            found[0].end(found[1])

    def look_after(self, call: Call) -> None:
        """Drops leases that others have answered, and counts where two have answered otherwise."""
        for number, response in call.differing:
            self._events.differ(call.requests[number], call.answered[number], response)
        if call.differing:
            call.differing.clear()
            self.noticed()
        for lease in call.settled():
            self.tell(lease.worker, {"drop": lease.number})

    def failed(self, hand: Hand, message: Mapping[str, Any]) -> None:
        """The adapter raised in a worker: raised here as in one process, where it is still about what is asked now."""
        error = error_of(message["failed"])
        if hand.hello is None:
            self.crew.dismiss(hand)
            self.replace(hand, f"could not begin ({' '.join(str(error).split())[:200]})", error)
        elif "lease" in message:
            call = self._owners.pop(message["lease"], None)
            hand.lease = None
            if call in self._calls:
                self._trouble = self._trouble or error
        elif "call" in message:
            hand.calls.discard(message["call"])
            self._answers[message["call"]] = error
        elif message.get("job") == self._jobs and self._calls:
            self._trouble = self._trouble or error

    def welcome(self, hand: Hand, hello: dict[str, Any], pid: int) -> None:
        """Takes a worker in, or sends one away that is another than the first."""
        if reason := differs(hello, self._hello, versions(), self._plugins, self._mixed):
            self.refuse(hand, reason)
            return
        hand.hello, hand.pid = hello, pid
        self._hellos[hand.number] = hello
        self._hello = self._hello or hello
        if hello["versions"] != versions():
            self.noticed()
        if self._job is not None:
            hand.send(self._job)

    def refuse(self, hand: Hand, reason: str) -> None:
        """Sends a worker away; the like of it would stand in its place, so nobody does."""
        self.crew.dismiss(hand)
        self._events.refused.append(f"a worker was refused: {reason}")
        if not self.crew.hands:
            self._trouble = Stopped(f"no worker is left; the last was refused: {reason}")

    def meet_strange(self, hand: Hand, number: int, found: Sequence[tuple[Media, str]]) -> None:
        """A worker sees other content than it is asked about: it is refused. Where the driver sees the same, the file was changed or lost
        since the run began, which costs the questions about it."""
        hand.lease, lent = None, self.lease_of(number)
        self._owners.pop(number, None)
        here = {shown: reason for shown, reason in found if strange(shown)}
        if lent is not None:
            call, lease = lent
            for place, asked in enumerate(lease.numbers):
                shown = [part for message in call.requests[asked].messages for part in message.parts if part in here]
                if shown:
                    call.take(lease, place, Response(error=here[shown[0]], status="media_error"))
            call.returned(lease)
        if len(here) < len(found):
            self.refuse(hand, next(reason for shown, reason in found if shown not in here))

    def lose(self, hand: Hand) -> None:
        """A worker has died. Where nobody has said hello yet, the first ones to die may have been unlucky, the last one was not."""
        why, early = self.crew.bury(hand), None
        if hand.hello is None:
            self._unborn += 1
            if self._unborn >= EARLY or not self.crew.hands:
                early = BenchError(f"a worker process {why}, before it said hello")
        self.gone(hand, why, early)

    def gone(self, hand: Hand, why: str, early: Exception | None = None) -> None:
        """The lease of a worker comes back less what was answered, and another takes its seat."""
        if (found := self.lease_of(hand.lease)) is not None:
            found[0].lost(found[1], why)
        self._owners.pop(hand.lease or 0, None)
        for call in self._calls:
            call.homeless(hand.number)
        self.replace(hand, why, early)

    def replace(self, hand: Hand, why: str, early: Exception | None) -> None:
        """Engages another without waiting for it. Before anybody has said hello, and after many deaths in a row, that is the end."""
        if early is not None and self._hello is None:
            self._trouble = self._trouble or early
            return
        self.crew.deaths.append(why)
        self._row += 1
        if self._row > ROW + len(self.crew.seats):
            self._trouble = Stopped(f"workers died {self._row} times in a row without an answer; the last one {why}")
            return
        self.crew.engage(hand.seat)

    def called(self, name: str, *words: Any) -> Any:
        """What a method of the adapter says, asked of one worker; of another one where that dies."""
        words = tuple(getattr(word, "name", word) if name == "why_not" else word for word in words)
        while True:
            while not self.crew.ready:
                self.pump()
            hand = min(self.crew.ready, key=lambda one: (one.aside, not one.idle))
            self._count += 1
            number = self._count
            hand.calls.add(number)
            hand.send(line_of({"call": number, "name": name, "words": pack(words)}))
            while number not in self._answers and hand.number in self.crew.hands:
                self.pump()
            if number in self._answers:
                answer = self._answers.pop(number)
                if isinstance(answer, Exception):
                    raise answer
                return answer


__all__ = ["Fleet", "Model"]
