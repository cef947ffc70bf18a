"""From rows to estimates: statistics are summed by cluster (image, room), because questions about one are not independent.

A metric is a function of sums; its interval comes from the sums without each cluster (intervals.py)."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lamm_bench.types import Estimate, Metric, Row, Sums

from .intervals import FEW, Paired, Spread, evaluate, kish, paired, spread_of


def seed_of(*names: str) -> int:
    """A seed made of names, the same on every machine."""
    return int.from_bytes(hashlib.sha256("/".join(names).encode()).digest()[:8], "big")


def decimals(value: float, places: int = 2) -> str:
    """With so many decimals; from a million on in four figures, for one model that repeats a digit makes an error of sixty.

    >>> decimals(12.345), decimals(52.14, 1), decimals(2.4444e62)
    ('12.35', '52.1', '2.444e+62')
    """
    return f"{value:.{places}f}" if abs(value) < 1e6 else f"{value:.3e}"


def cluster_index(rows: Sequence[Row]) -> tuple[np.ndarray, int]:
    """For each row the number of its cluster, and how many clusters there are."""
    numbers: dict[str, int] = {}
    index = np.fromiter((numbers.setdefault(row.sample.group, len(numbers)) for row in rows), dtype=np.int64, count=len(rows))
    return index, len(numbers)


def totals(table: np.ndarray, keys: Sequence[str]) -> Sums:
    """Named columns of a [replicates, keys] table."""
    return Sums({key: table[:, column] for column, key in enumerate(keys)})


def table_of(stats: Sequence[Mapping[str, float]], keys: Sequence[str]) -> np.ndarray:
    """Shape [rows, keys]."""
    column = {key: number for number, key in enumerate(keys)}
    table = np.zeros((len(stats), len(keys)))
    for number, row in enumerate(stats):
        for key, value in row.items():
            table[number, column[key]] = value
    return table


def gathered(stats: Iterable[Mapping[str, float]]) -> tuple[np.ndarray, list[str]]:
    """The table [rows, keys] of statistics that come one after another, and the names of its columns, sorted. Only numbers are kept.

    >>> gathered([{"b": 1.0}, {"a": 2.0}])[0].tolist()
    [[0.0, 1.0], [2.0, 0.0]]
    """
    columns: dict[str, array[float]] = {}
    count = 0
    for row in stats:
        for key, value in row.items():
            column = columns.get(key)
            if column is None:
                column = columns[key] = array("d")
            if len(column) < count:
                column.extend([0.0] * (count - len(column)))
            column.append(value)
        count += 1
    keys = sorted(columns)
    table = np.zeros((count, len(keys)))
    for number, key in enumerate(keys):
        table[: len(columns[key]), number] = columns[key]
    return table, keys


def by_cluster(rows: Sequence[Row], keys: Sequence[str]) -> Sums:
    """Each statistic summed within every cluster, [clusters]."""
    return within_clusters(rows, table_of([row.stats for row in rows], keys), keys)


def within_clusters(rows: Sequence[Row], table: np.ndarray, keys: Sequence[str]) -> Sums:
    """The rows of a table [rows, keys] summed within every cluster, [clusters]."""
    index, clusters = cluster_index(rows)
    summed = np.zeros((clusters, len(keys)))
    np.add.at(summed, index, table)
    return totals(summed, keys)


def keys_of(rows: Iterable[Row]) -> list[str]:
    """The names of all statistics that the rows carry, sorted."""
    return sorted({key for row in rows for key in row.stats})


def estimates(metrics: Sequence[Metric], rows: Sequence[Row]) -> dict[str, Estimate]:
    """Each metric over all rows, with a 95 % interval from its values without each cluster (intervals.py)."""
    if not rows:
        return {m.name: Estimate(None, None, 0, m.unit, m.better) for m in metrics}
    table, keys = gathered(row.stats for row in rows)
    per_cluster = within_clusters(rows, table, keys)
    # measures are summed in file order, as upstream does
    whole = totals(table.sum(axis=0, keepdims=True), keys)
    clusters = len(per_cluster[keys[0]]) if keys else 0
    result = {}
    for metric in metrics:
        value = float(evaluate(metric, whole)[0])
        spread = spread_of(metric, per_cluster) if keys else Spread(None)
        count = int(round(float(whole[metric.n][0])))
        there = value if np.isfinite(value) else None
        result[metric.name] = Estimate(there, spread.ci95, count, metric.unit, metric.better, clusters, note=spread.note)
    return result


def paired_metric(metric: Metric, first: Sequence[Row], second: Sequence[Row]) -> Paired:
    """A metric of sums on the same samples in the same order: first - second, with interval, p-value and what could be found."""
    keys = keys_of((*first, *second))
    return paired(metric, by_cluster(first, keys), by_cluster(second, keys))


@dataclass(frozen=True)
class Ratio:
    """A metric's value: scale x sum of `top` / sum of `bottom`."""

    top: str
    bottom: str
    scale: float = 100.0
    counts: bool = True  # whether `top` counts some of what `bottom` counts, so that the value is a share

    def __call__(self, sums: Sums) -> np.ndarray:
        return self.scale * sums[self.top] / sums[self.bottom]


def ratio(top: str, bottom: str, scale: float = 100.0, counts: bool | None = None) -> Ratio:
    """`Ratio`; `counts` is taken for true of percentages."""
    return Ratio(top, bottom, scale, scale == 100.0 if counts is None else counts)


def median(values: Sequence[float], groups: Sequence[str], unit: str, better: Literal["higher", "lower"]) -> Estimate:
    """The median, with the interval between two order statistics that no distribution can mislead (Conover 1999, 3.2), for as many
    independent values as there are effective clusters.

    >>> median([1, 2, 3, 4, 100], list("abcde"), "count", "lower").value
    3.0
    """
    if not values:
        return Estimate(None, None, 0, unit, better)
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    sizes = np.array(list(Counter(groups).values()), dtype=np.float64)
    reach = 1.96 * 0.5 / np.sqrt(max(kish(sizes), 1.0))  # half of the interval, as a share of the ranks
    ends = [max(0.5 - reach, 0.0), min(0.5 + reach, 1.0)]
    spread = tuple(float(end) for end in np.quantile(ordered, ends, method="inverted_cdf")) if len(sizes) >= FEW else None
    value = float(np.median(ordered))
    return Estimate(value, spread, len(values), unit, better, len(sizes))  # type: ignore[arg-type]


def f1(hits: str, predicted: str, expected: str):
    """A metric's value: 100 x F1 = 200 x hits / (predicted + expected)."""
    return lambda sums: 200.0 * sums[hits] / (sums[predicted] + sums[expected])
