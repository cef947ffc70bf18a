"""Results that pool the objects of several tasks, such as upstream's binary locating metric.

A shelf file of `tasks/` offers them as a tuple `POOLS`; scores are made from the rows of the member tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lamm_bench.types import Estimate, Metric, Row

from .stats import estimates, ratio


@dataclass(frozen=True)
class Pool:
    """One pooled result. Every member's rows carry the additive statistics `hits` and `total`."""

    name: str
    protocol: str
    members: Mapping[str, tuple[str, ...]]  # edition -> the tasks whose objects are pooled

    @property
    def tasks(self) -> tuple[str, ...]:
        """Every task of any edition, once."""
        return tuple(dict.fromkeys(task for tasks in self.members.values() for task in tasks))


@dataclass(frozen=True)
class Pooled:
    """One edition of a pool."""

    accuracy: Estimate  # percent, 100 x hits / total
    hits: int
    total: int
    missing: tuple[str, ...] = ()  # member tasks without rows; then there is no value


ACCURACY = Metric("accuracy", ratio("hits", "total"), n="total")


def pool(pool: Pool, rows: Mapping[str, Sequence[Row]]) -> dict[str, Pooled]:
    """Each edition over the union of its members' rows, with an interval from whole images.

    `rows` maps tasks to their rows under the pool's protocol. An image that occurs in two tasks is one cluster. An edition
    with a member that has no rows has no value: its objects are not the ones the name stands for."""
    found = {}
    for edition, tasks in pool.members.items():
        union = [row for task in tasks for row in rows.get(task, ())]
        hits, total = (int(sum(row.stats.get(key, 0) for row in union)) for key in ("hits", "total"))
        estimate = estimates((ACCURACY,), union)["accuracy"]
        missing = tuple(task for task in tasks if not rows.get(task))
        if missing:
            estimate = replace(estimate, value=None, ci95=None, note=f"no answers for {', '.join(missing)}")
        elif not total:
            estimate = replace(estimate, note="upstream divides by zero: no object in the whole set")
        found[edition] = Pooled(estimate, hits, total, missing)
    return found
