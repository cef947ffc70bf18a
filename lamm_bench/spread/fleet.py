"""An adapter whose model is held by workers: the runner meets it as it meets any other, and stays what it is.

Requests go out in leases (`leases.py`) to workers (`crew.py`). No worker is waited for but at the very first: one that dies is
replaced while the others go on, and what it had not answered is asked again. None of this is part of a run's identity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from lamm_bench.errors import BenchError, Stopped
from lamm_bench.types import Adapter, Generate, Job, Request, Response, Score

from .crew import Crew, Hand, Model
from .engines import Engine
from .leases import Call, Lease, lease_size
from .wire import error_of, line_of, pack, unpack, versions

VALUES = (
    "exact",
    "ignores",
    "needs",
    "coordinates",
    "speaks",
    "thinking",
    "one_medium",
)  # what the real adapter may have, told in a hello
METHODS = ("why_not", "seen", "loss")  # asked of a worker
ROW = 6  # deaths without an answer between them, beside one for each worker, after which asking ends


class Fleet:
    """The adapter `adapter` (made here only for its settings), answered for by one worker on each seat of `engine`."""

    def __init__(
        self, model: Model, adapter: Adapter, engine: Engine, plugins: Mapping[str, str] = {}, allow_mixed: bool = False
    ) -> None:
        self.name: str = adapter.name
        self.crew = Crew(model, engine)
        self._allow_mixed = allow_mixed
        self._plugins = dict(plugins)  # the files that bring it, and what they held when the driver read them
        self._batch = int(getattr(adapter, "batch_size", 0) or 0)
        self._hello: dict[str, Any] | None = None
        self._calls: list[Call] = []
        self._owners: dict[int, Call] = {}  # lease -> call
        self._told: dict[int, dict[str, Any]] = {}  # by worker: what it has noted and used so far
        self._answers: dict[int, Any] = {}  # of `called`
        self._homes: dict[str, int] = {}  # medium -> the worker that last had it
        self._job: bytes | None = None
        self._jobs = self._count = self._row = 0
        self._differing = 0
        self._refused: list[str] = []
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
    def _remembers(self) -> int:
        return int(self.hello["values"].get("remembers") or 0)

    @property
    def notes(self) -> list[str]:
        """What the model has to say, and once it was asked, what became of its workers."""
        found = dict.fromkeys(self.hello["values"].get("notes", ()))
        found |= dict.fromkeys(note for told in self._told.values() for note in told["notes"])
        return [*found, *(self.events() if self._jobs else ())]

    def events(self) -> Iterator[str]:
        """What went otherwise than planned."""
        if deaths := self.crew.deaths:
            times = "a worker" if len(deaths) == 1 else f"{len(deaths)} workers"
            yield f"{times} died, and what they had not answered was asked again; the first {deaths[0]}"
        if self._differing:
            yield (
                f"ALARM: {self._differing} requests were answered otherwise by another worker: the model does not give the same answer twice, "
                "or one of the workers answers wrongly"
            )
        yield from self._refused

    def shown(self) -> str:
        """For the line of progress."""
        deaths = len(self.crew.deaths)
        died = f", {deaths} died" if deaths else ""
        return f"{len(self.crew.ready)}/{len(self.crew.seats)} workers{died}"

    def begin(self, job: Job) -> None:
        """Told to every worker, also to those that come later."""
        self._jobs += 1
        self.pump(wait=False)  # who died since the last call is known before there is work to lend
        told = {one.name: getattr(job, one.name) for one in fields(job) if one.name not in ("task", "samples")}
        told |= {"task": job.task.name, "samples": list(job.samples)}
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
                hand.lease, self._owners[lease.number] = lease.number, call
                asked = [call.requests[number] for number in lease.numbers]
                self.tell(hand.number, {"lease": lease.number, "kind": call.kind, "requests": pack(asked)})

    def lent(self, call: Call, hand: Hand) -> Lease | None:
        size = lease_size(call.waiting, len(self.crew.seats), self._batch, self._remembers)
        return call.lend(self._count, hand.number, size)

    def tell(self, worker: int, message: Mapping[str, Any]) -> None:
        if (hand := self.crew.hands.get(worker)) is not None:
            hand.send(line_of(message))

    def pump(self, wait: bool = True) -> None:
        """Takes in what workers have said; with `wait` at least one message. Raises what went wrong in one of them."""
        heard = self.crew.hear(wait)
        while heard is not None:
            hand, message = heard
            if message is None:
                self.lose(hand)
            else:
                self.take(hand, message)
            heard = self.crew.hear(wait=False)
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble

    def take(self, hand: Hand, message: Mapping[str, Any]) -> None:
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
            self.ended(hand, message["end"])
        elif "answer" in message:
            hand.calls.discard(message["answer"])
            self._answers[message["answer"]] = unpack(message["value"])
        else:
            self.failed(hand, message)

    def lease_of(self, number: int) -> tuple[Call, Lease] | None:
        """The call and the lease of a number; None where both are over, or nobody waits for it any more."""
        call = self._owners.get(number)
        return (call, call.leases[number]) if call is not None and number in call.leases else None

    def ended(self, hand: Hand, number: int) -> None:
        """A worker is idle again; copies of what it has answered are dropped."""
        hand.lease = None
        found = self.lease_of(number)
        self._owners.pop(number, None)
        if found is None:
            return
        call, lease = found
        call.end(lease)

    def look_after(self, call: Call) -> None:
        """Drops leases that others have answered, and counts where two have answered otherwise."""
        self._differing += len(call.differing)
        call.differing.clear()
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
        differing = self.differs(hello)
        if differing:
            self.crew.dismiss(hand)
            self._refused.append(f"a worker was refused: {differing}")
            if self._hello is None or not self.crew.hands:
                self._trouble = Stopped(f"no worker is left; the last was refused: {differing}")
            return
        hand.hello, hand.pid = hello, pid
        self._hello = self._hello or hello
        if self._job is not None:
            hand.send(self._job)

    def differs(self, hello: Mapping[str, Any]) -> str:
        """What makes a worker another than the driver, or than the first of them; empty where nothing does."""
        there, ours = hello["versions"], versions()
        pairs: list[tuple[str, Any, Any]] = [
            (f"{name} there is {there.get(name)}, here {ours[name]}", there.get(name), ours[name]) for name in ours
        ]
        for file, content in self._plugins.items():
            pairs.append((f"{file} was edited since the run began", hello["plugins"].get(file), content))
        if self._hello is not None:
            for name in ("fingerprint", "has"):
                mine, first = hello[name], self._hello[name]
                pairs.append((f"its {name} is {mine}, that of the first {first}", mine, first))
            mine, first = (frozenset(one["values"]["modalities"]) for one in (hello, self._hello))
            pairs.append((f"it takes {sorted(mine)}, the first {sorted(first)}", mine, first))
        return next((sentence for sentence, its, wanted in pairs if its != wanted), "")

    def lose(self, hand: Hand) -> None:
        """A worker has died: its lease comes back less what was answered, and another takes its seat."""
        why = self.crew.bury(hand)
        found = self.lease_of(hand.lease) if hand.lease is not None else None
        if found is not None:
            call, lease = found
            call.lost(lease, why)
            del self._owners[lease.number]
        for call in self._calls:
            call.homeless(hand.number)
        early = BenchError(f"a worker process {why}, before it said hello") if hand.hello is None else None
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
            hand = min(self.crew.ready, key=lambda one: not one.idle)
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


def added(total: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Two accounts as one: numbers are added, of other values the first stays.

    >>> added({"calls": 1, "by": {"a": 1}}, {"calls": 2, "by": {"b": 1}, "currency": "EUR"})
    {'calls': 3, 'by': {'a': 1, 'b': 1}, 'currency': 'EUR'}
    """
    found = dict(total)
    for key, value in more.items():
        if isinstance(value, Mapping):
            found[key] = added(found.get(key, {}), value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[key] = found.get(key, 0) + value
        else:
            found.setdefault(key, value)
    return found


__all__ = ["Fleet", "Model"]
