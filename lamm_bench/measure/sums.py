"""What a score is made of, kept by sample, so that two runs can be compared later without data, model or reading.

`scores/<task>.json` has it for each protocol as `sums`: sample id -> [cluster, {statistic: value}], of answered samples alone; clusters are
numbered in the order in which they occur, and mean something within one file only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from lamm_bench.types import FAILED, Metric, Row, Sums

from .intervals import Paired, paired
from .stats import table_of, totals

Kept: TypeAlias = Mapping[str, Any]


def sums_of(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """The statistics of every row that was answered, those that are not zero."""
    return dict(each_sum(rows))


def each_sum(rows: Iterable[Row]) -> Iterator[tuple[str, list[Any]]]:
    """The same, one after another."""
    numbers: dict[str, int] = {}
    for row in rows:
        if row.status not in FAILED:
            place = numbers.setdefault(row.sample.group, len(numbers))
            yield row.sample.id, [place, {name: float(value) for name, value in row.stats.items() if value}]


def clustered(kept: Kept) -> Sums | None:
    """Each statistic summed within every cluster [clusters]; None where what was kept has another form, or nothing was. Two runs that
    answered the same samples in the same order have the same clusters."""
    found = sides_of(kept)
    return found[0] if found is not None else None


def paired_sums(metric: Metric, first: Kept, second: Kept) -> Paired | None:
    """A metric of two runs on the samples that both answered, clustered as the first has them; None where they share none, or where
    what was kept has another form."""
    found = sides_of(first, second)
    return paired(metric, *found) if found is not None else None


def sides_of(*kept: Kept) -> list[Sums] | None:
    """Of each run, on the samples that all answered, by the clusters of the first."""
    try:
        names = [name for name in kept[0] if all(name in each for each in kept)]
        sides = [[{str(key): float(value) for key, value in each[name][1].items()} for name in names] for each in kept]
        clusters = np.unique(np.array([int(kept[0][name][0]) for name in names], dtype=np.int64), return_inverse=True)[1]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None
    keys = sorted({key for side in sides for row in side for key in row})
    return [by_cluster(clusters, side, keys) for side in sides] if names and keys else None


def by_cluster(clusters: np.ndarray, stats: list[dict[str, float]], keys: list[str]) -> Sums:
    table = np.zeros((int(clusters.max()) + 1, len(keys)))
    np.add.at(table, clusters, table_of(stats, keys))
    return totals(table, keys)
