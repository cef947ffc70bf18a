"""What starts workers: the small protocol behind which processes of this machine and Ray's actors are alike.

An engine knows nothing of requests. Who has which of them is `leases.py`'s business, and what was answered is the driver's alone:
an engine that loses, repeats or reorders its workers' lives loses no answer and doubles none. To add one, write a file with a class
that has `seats`, `start` and `close`, and name it in `engaging.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lamm_bench.errors import BenchError, unknown

ENGINES = ("processes", "ray")
PATIENCE = 1800.0  # seconds without an answer, after which what a worker has is lent to others
Heard = Callable[[bytes], None]  # is told each line of a worker, in any thread; an empty one at its end


class Link(Protocol):
    """One worker, at the other end of a line."""

    def send(self, line: bytes) -> None:
        """An order. It never waits, and never raises where the worker has died."""

    def status(self) -> str:
        """How it ended, as the rest of a sentence that begins with `a worker`."""

    def last_words(self) -> str:
        """The end of what it printed; empty where nothing is known of it."""

    def close(self) -> None:
        """Begins to end it, with all that it has started."""

    def stop(self) -> None:
        """Ends it; when this returns it is gone, or the engine has promised that it will be."""


class Engine(Protocol):
    """Starts workers, each on a seat."""

    seats: Sequence[Mapping[str, str]]  # the variables of each worker's environment

    def start(self, seat: int, heard: Heard) -> Link:
        """A worker on that seat. It may begin at any later time, or never: nobody waits for it."""

    def close(self) -> None:
        """When all workers have ended: ends what the engine itself has started."""


@dataclass(frozen=True)
class Wanted:
    """What a user says of the workers. None of it is part of a run's identity."""

    workers: str  # a number, or `gpus`
    engine: str = "processes"
    address: str | None = None  # of a Ray cluster; None: one is started here
    gpus_per_worker: int | None = None
    patience: float = PATIENCE
    allow_mixed: bool = False  # workers of other versions are taken in and recorded, instead of refused

    def checked(self) -> Wanted:
        """Raises `BenchError` for what cannot be meant."""
        if self.engine not in ENGINES:
            raise unknown("engine (--engine)", self.engine, ENGINES)
        if self.address is not None and self.engine != "ray":
            raise BenchError(f"--address {self.address} is that of a Ray cluster; add --engine ray, or leave it out")
        if self.gpus_per_worker is not None and self.gpus_per_worker < 1:
            raise BenchError(f"--gpus-per-worker {self.gpus_per_worker}: expected a number of at least 1")
        if not self.patience > 0:
            raise BenchError(f"--patience {self.patience:g}: expected a number of seconds above 0")
        if self.workers != "gpus" and not (self.workers.isascii() and self.workers.isdigit() and int(self.workers) >= 1):
            raise BenchError(f"--workers {self.workers}: expected a number of at least 1, or gpus for one worker on each GPU")
        return self
