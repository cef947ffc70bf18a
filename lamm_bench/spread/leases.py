"""Who has which request. Nothing here knows of processes, so that every order of answers and deaths can be played through.

All requests about one medium are one cluster and go to one worker. A lease of a worker that died, or that has said nothing for too long,
comes back less what was answered."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lamm_bench.types import Generate, Media, Request, Response

LEAST, MOST = 8, 64  # requests of a lease
TOGETHER = 2  # broken leases in company, after which a request is asked alone
ALONE = 2  # workers that it ends alone, after which it is a model_error


@dataclass(frozen=True)
class Cluster:
    """Requests about one medium, by their numbers."""

    medium: str
    numbers: tuple[int, ...]
    alone: bool = False  # suspected of ending workers: asked in nobody's company


@dataclass
class Lease:
    """What one worker was given to answer."""

    number: int  # never given twice, so that no late answer is another's
    worker: int
    clusters: tuple[Cluster, ...]
    numbers: tuple[int, ...]  # in the order in which they are asked
    copy: bool = False  # of what another worker has not answered yet
    copied: bool = False
    expired: bool = False  # its worker is silent, and others may have what is left of it
    dropped: bool = False  # its worker was told that nobody waits for it
    left: set[int] = field(default_factory=set)

    @property
    def alone(self) -> bool:
        return self.clusters[0].alone


def medium_of(request: Request, number: int) -> str:
    """What a request is about: the last medium that it shows, since examples come before it; without media only itself."""
    shown = [part for message in request.messages for part in message.parts if isinstance(part, Media)]
    return f"{shown[-1].kind} {shown[-1].path}" if shown else f"request {request.sample or number}"


def lease_size(waiting: int, workers: int, batch: int, remembers: int = 0) -> int:
    """Guided self-scheduling: large leases first, small ones near the end, and no batch torn while there are batches for all.

    >>> [lease_size(left, 2, 16) for left in (1000, 100, 32, 9, 1)]
    [64, 25, 8, 5, 1]
    """
    share = -(-waiting // workers)
    size = max(min(LEAST, share), min(MOST, waiting // (2 * workers)))
    size = max(size, batch) if waiting > batch * workers else size
    return min(size, remembers) if remembers else size


@dataclass
class Call:
    """One stream of requests, from the first lease to the last answer."""

    kind: str  # the adapter's method: `generate` or `score`
    requests: Sequence[Request]
    homes: dict[str, int] = field(default_factory=dict)  # medium -> the worker that last had it, which may still know it
    may_copy: bool = True
    ready: deque[tuple[int, Response]] = field(default_factory=deque)
    answered: dict[int, Response] = field(default_factory=dict)
    leases: dict[int, Lease] = field(default_factory=dict)
    differing: list[tuple[int, Response]] = field(
        default_factory=list
    )  # requests that two workers answered otherwise, with the later
    _free: set[int] = field(default_factory=set)  # requests that nobody has
    _open: set[int] = field(default_factory=set)
    _suspects: deque[Cluster] = field(default_factory=deque)
    _queues: dict[int | None, deque[Cluster]] = field(
        default_factory=dict
    )  # by the worker that knows the medium; None: nobody does
    _broken: Counter[int] = field(default_factory=Counter)
    _alone: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        found: dict[str, list[int]] = {}
        for number, request in enumerate(self.requests):
            found.setdefault(medium_of(request, number), []).append(number)
        for medium, numbers in found.items():
            self._queues.setdefault(self.homes.get(medium), deque()).append(Cluster(medium, tuple(numbers)))
        self._open = set(range(len(self.requests)))
        self._free = set(self._open)

    @property
    def waiting(self) -> int:
        """How many requests nobody has."""
        return len(self._free)

    @property
    def over(self) -> bool:
        """Whether every request has ended."""
        return not self._open

    def lend(self, number: int, worker: int, size: int) -> Lease | None:
        """The next lease for a worker that is idle: suspects first, then what it knows, what nobody knows, what others know."""
        others = sorted((key for key in self._queues if key not in (worker, None)), key=lambda key: -len(self._queues[key]))
        queues = [self._suspects, *(self._queues.get(key, deque()) for key in (worker, None, *others))]
        taken: list[Cluster] = []
        for queue in queues:
            while queue and fits(taken, queue[0], size):
                cluster = queue.popleft()
                rest = tuple(one for one in cluster.numbers if one in self._free)  # less what came late after all
                taken += [replace(cluster, numbers=rest)] if rest else []
            if taken:
                break
        if not taken:
            return None
        return self._lent(Lease(number, worker, tuple(taken), tuple(one for each in taken for one in each.numbers)))

    def _lent(self, lease: Lease) -> Lease:
        lease.left = set(lease.numbers)
        self.leases[lease.number] = lease
        if not lease.copy:
            self._free -= lease.left
        self.homes.update((cluster.medium, lease.worker) for cluster in lease.clusters if not lease.copy)
        return lease

    def copy(self, number: int, worker: int) -> Lease | None:
        """At the end an idle worker gets what is still out once more, from its other end; whoever answers first is heard.

        Before that it is asked one that was answered, if it may be: two workers are compared whenever a lease is copied, and not only where
        both happen to be at the same question."""
        out = [one for one in self.leases.values() if self.copyable(one) and one.worker != worker]
        if not self.may_copy or not out:
            return None
        slowest = max(out, key=lambda one: len(one.left & self._open))
        slowest.copied = True
        rest = tuple(one for one in reversed(slowest.numbers) if one in slowest.left and one in self._open)
        check = [one for one in reversed(slowest.numbers) if one not in slowest.left and self.checkable(one)][:1]
        return self._lent(Lease(number, worker, slowest.clusters, (*check, *rest), copy=True))

    def copyable(self, lease: Lease) -> bool:
        """Sampled answers without a seed would differ, and a suspect ends one worker at a time."""
        if lease.copy or lease.copied or lease.expired or lease.alone or not lease.left & self._open:
            return False
        return not any(drawn(self.requests[one]) for one in lease.left)

    def take(self, lease: Lease, place: int, response: Response) -> None:
        """One answer. The first is kept; a later one must say the same."""
        number = lease.numbers[place]
        lease.left.discard(number)
        if number in self._open:
            self._settle(number, response)
        elif number in self.answered and self.comparable(number) and told(self.answered[number]) != told(response):
            self.differing.append((number, response))

    def checkable(self, number: int) -> bool:
        """Whether there is an answer that another worker must give, too."""
        return number in self.answered and self.answered[number].error is None and self.comparable(number)

    def comparable(self, number: int) -> bool:
        """Whether two workers must give this the same answer."""
        return self.may_copy and not drawn(self.requests[number])

    def _settle(self, number: int, response: Response | None) -> None:
        self._open.discard(number)
        self._free.discard(number)
        if response is not None:
            self.answered[number] = response
            self.ready.append((number, response))

    def end(self, lease: Lease) -> None:
        """A worker has answered all that it will; what its adapter left out is not asked again."""
        del self.leases[lease.number]
        for number in (lease.left & self._open) - self.held() - self._free:
            self._settle(number, None)

    def held(self) -> set[int]:
        """The requests that some worker has and has not answered, of those from whom an answer is expected."""
        return {number for one in self.leases.values() if not one.expired for number in one.left}

    def lost(self, lease: Lease, why: str) -> None:
        """A worker died: what it had not answered is lent again."""
        del self.leases[lease.number]
        if not lease.expired:
            self._blame(lease, f"a worker {why}")

    def expire(self, lease: Lease, why: str) -> None:
        """A worker is silent: what it has not answered is lent again, as if it had died. Should it answer after all, that is compared."""
        lease.expired = True
        self._blame(lease, f"a worker {why}")

    def returned(self, lease: Lease) -> None:
        """A worker may not answer this: it is lent again, and nobody is suspected."""
        del self.leases[lease.number]
        if not lease.expired:
            self._back(lease, set())

    def _blame(self, lease: Lease, why: str) -> None:
        """What was not answered comes back to the front, suspects behind one another and alone, and the guilty end here."""
        rest = lease.left & self._open
        self._broken.update(rest)
        if lease.alone:
            self._alone.update(rest)
        for number in [one for one in rest - self.held() if self._alone[one] >= ALONE]:
            told = f"{why} while it was asked this alone, {ALONE} times"
            self._settle(number, Response(error=told, status="model_error"))
        self._back(lease, {one for one in rest if self._broken[one] >= TOGETHER})

    def _back(self, lease: Lease, suspects: set[int]) -> None:
        """To the front of the queue, less what was answered, and what another worker has."""
        back, free = list[Cluster](), (lease.left & self._open) - self.held()
        self._free |= free
        for cluster in lease.clusters:
            rest = tuple(one for one in cluster.numbers if one in free)
            # last in the row: what ends every worker as it begins must not meet the same innocent twice
            self._suspects.extend(Cluster(cluster.medium, (one,), alone=True) for one in rest if one in suspects)
            others = tuple(one for one in rest if one not in suspects)
            back += [replace(cluster, numbers=others)] if others else []
        self._queues.setdefault(None, deque()).extendleft(reversed(back))

    def settled(self) -> list[Lease]:
        """The leases of which everything has been answered by others, each told once."""
        found = [one for one in self.leases.values() if not one.dropped and one.left and not one.left & self._open]
        for one in found:
            one.dropped = True
        return found

    def homeless(self, worker: int) -> None:
        """A worker is gone: nobody knows its media any more."""
        self._queues.setdefault(None, deque()).extend(self._queues.pop(worker, ()))


def fits(taken: Sequence[Cluster], cluster: Cluster, size: int) -> bool:
    """Whether a cluster may join a lease; clusters are never torn, and suspects stay alone."""
    if not taken:
        return True
    return not (taken[0].alone or cluster.alone) and sum(len(one.numbers) for one in taken) + len(cluster.numbers) <= size


def drawn(request: Request) -> bool:
    """Whether it is answered otherwise each time: sampled without a seed."""
    return isinstance(request, Generate) and request.temperature > 0 and request.seed is None


def told(response: Response) -> Mapping[str, object]:
    """What must not depend on who answered."""
    return {"text": response.text, "finish": response.finish, "logprobs": response.logprobs, "error": response.error is None}
