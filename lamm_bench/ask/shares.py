"""A run asked by several jobs that know nothing of each other: which samples are whose (`--shard I/N`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.ledger import Ledger
from lamm_bench.measure.stats import seed_of
from lamm_bench.types import FAILED, Sample

from .runner import Plan, cluster_of

FILE = "share.json"  # of a run folder: whose it is, and what a result would say beside scores


@dataclass(frozen=True)
class Share:
    """One of `of` jobs, counted from 1. Whole images and rooms are drawn by their names, so that no order can move them."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """Raises `BenchError`.

        >>> Share.parse("3/16")
        Share(number=3, of=16)
        """
        number, _, of = text.partition("/")
        if not (number.isascii() and number.isdigit() and of.isascii() and of.isdigit() and 1 <= int(number) <= int(of)):
            raise BenchError(f"--shard {text}: expected I/N with I from 1 to N, as in 3/16")
        return cls(int(number), int(of))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def folder(self) -> str:
        """What the name of its folder ends with."""
        return f"-{self.number}-of-{self.of}"

    def has(self, sample: Sample) -> bool:
        return lot_of(cluster_of(sample)) % self.of == self.number - 1

    def samples(self, work: Plan) -> list[Sample]:
        return [sample for sample in work.samples if self.has(sample)]

    def left(self, work: Plan, ledger: Ledger) -> int:
        """How many of its samples have no answer."""
        return unanswered(self.samples(work), ledger)

    def told(self, skipped: Mapping[str, str], unavailable: Mapping[str, str], notes: list[str]) -> dict[str, Any]:
        """What its folder keeps for the run that it becomes part of."""
        return {"share": [self.number, self.of], "skipped": dict(skipped), "unavailable": dict(unavailable), "notes": notes}


@dataclass(frozen=True)
class Part:
    """Some samples of some tasks, which are asked as a share is."""

    chosen: Mapping[str, Sequence[Sample]]  # by the task's name

    def samples(self, work: Plan) -> Sequence[Sample]:
        return self.chosen.get(work.task.name, ())

    def left(self, work: Plan, ledger: Ledger) -> int:
        return unanswered(self.samples(work), ledger)


def lot_of(cluster: str) -> int:
    """The number that is drawn for an image or room by its name, whatever the task."""
    return seed_of("share", cluster)


def unanswered(samples: Sequence[Sample], ledger: Ledger) -> int:
    ended = {name for name, record in ledger.ended.items() if record.status not in FAILED}
    return sum(sample.id not in ended for sample in samples)
