"""p-values between two figures of a leaderboard: paired where both runs kept what their scores are made of, else from their intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import read_json
from lamm_bench.measure.intervals import Paired as PairedTest
from lamm_bench.measure.intervals import paired
from lamm_bench.measure.ranks import from_intervals
from lamm_bench.measure.sums import clustered, paired_sums
from lamm_bench.types import Metric, Sums, Task

from .figures import Entry

Test: TypeAlias = Callable[[Entry, Entry], float]
"""Two-sided p of two figures of one group."""


def unpaired(first: Entry, second: Entry) -> float:
    """From the two intervals alone; figures of papers, which have none, are taken at their word."""
    if first.published and second.published:
        return 1.0 if first.value == second.value else 0.0
    if first.value is None or second.value is None:
        return 1.0
    return from_intervals(first.value, first.ci95, second.value, second.ci95)


@dataclass
class Paired:
    """Reads `scores/<task>.json` of runs; of older runs, judgements and metrics that are no function of sums it knows the intervals."""

    tasks: Mapping[str, Task]
    known: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)  # (run, task) -> protocols
    summed: dict[tuple[str, str, str], Sums | None] = field(default_factory=dict)  # (run, task, protocol) -> by cluster

    def __call__(self, first: Entry, second: Entry) -> float:
        metric = self.metric(first)
        sums = [self.sums(each) for each in (first, second)] if metric is not None else []
        if metric is not None and all(sums):
            one, other = (self.whole(each) for each in (first, second))
            if one is not None and other is not None and list(sums[0]) == list(sums[1]):
                found: PairedTest | None = paired(metric, one, other)
            else:  # one of them lacks answers
                found = paired_sums(metric, *sums)
            if found is not None and found.difference == found.difference:  # not NaN
                return found.p
        return unpaired(first, second)

    def metric(self, entry: Entry) -> Metric | None:
        task = self.tasks.get(entry.task)
        scorer = task.protocols.get(entry.protocol) if task is not None else None
        return next((each for each in scorer.metrics if each.name == entry.metric), None) if scorer is not None else None

    def sums(self, entry: Entry) -> Mapping[str, Any]:
        """What the figure is made of; empty where nobody kept it."""
        if entry.published:
            return {}
        key = (entry.source, entry.task)
        if key not in self.known:
            self.known[key] = self.read(Path(entry.source) / "scores" / f"{entry.task}.json")
        found = self.known[key].get(entry.protocol)
        kept = found.get("sums") if isinstance(found, Mapping) else None
        return kept if isinstance(kept, Mapping) else {}

    def whole(self, entry: Entry) -> Sums | None:
        """All answered samples by cluster, added up once for all pairs and metrics."""
        key = (entry.source, entry.task, entry.protocol)
        if key not in self.summed:
            self.summed[key] = clustered(self.sums(entry))
        return self.summed[key]

    def read(self, path: Path) -> Mapping[str, Any]:
        try:
            found = read_json(path)
        except BenchError:
            return {}
        protocols = found.get("protocols") if isinstance(found, dict) else None
        kept = protocols if isinstance(protocols, dict) else {}
        return {name: {"sums": once_each(own.get("sums"))} for name, own in kept.items() if isinstance(own, dict)}


def once_each(sums: Any) -> Any:
    """Sums of which equal ones lie in memory once, as most of a large task's are."""
    if not isinstance(sums, dict):
        return sums
    known: dict[str, Any] = {}
    return {
        name: [own[0], known.setdefault(repr(own[1]), own[1])] if isinstance(own, list) and len(own) == 2 else own
        for name, own in sums.items()
    }
