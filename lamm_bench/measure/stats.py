"""Uncertainty: bootstrap over clusters (images, scenes), paired tests, calibration.

Questions about one image or scene are not independent, so whole clusters are drawn (Efron and Tibshirani 1993, ch. 6
and 8). Statistics are summed per cluster first; a replicate is then one matrix product, and any metric that is a
function of sums can be evaluated for all replicates at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from lamm_bench.types import Estimate, Metric, Row, Sums

REPLICATES = 1000
CHUNK = 50  # replicates drawn at a time: bounds memory at CHUNK x clusters numbers


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


def draws(clusters: int, seed: int, replicates: int = REPLICATES) -> Iterator[np.ndarray]:
    """Blocks of shape [CHUNK, clusters]: how often each cluster is drawn in each replicate."""
    rng = np.random.default_rng(seed)
    for start in range(0, replicates, CHUNK):
        size = min(CHUNK, replicates - start)
        picks = rng.integers(0, clusters, size=(size, clusters))
        picks += (np.arange(size) * clusters)[:, None]
        yield np.bincount(picks.ravel(), minlength=size * clusters).reshape(size, clusters).astype(np.float64)


def interval(values: np.ndarray) -> tuple[float, float] | None:
    """The 2.5 and 97.5 percentiles of the replicates that are defined; None when fewer than half are."""
    values = values[np.isfinite(values)]
    if len(values) * 2 < REPLICATES:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def totals(table: np.ndarray, keys: Sequence[str]) -> Sums:
    """Named columns of a [replicates, keys] table."""
    return Sums({key: table[:, column] for column, key in enumerate(keys)})


def table_of(stats: Sequence[dict[str, float]], keys: Sequence[str]) -> np.ndarray:
    """Shape [rows, keys]."""
    column = {key: number for number, key in enumerate(keys)}
    table = np.zeros((len(stats), len(keys)))
    for number, row in enumerate(stats):
        for key, value in row.items():
            table[number, column[key]] = value
    return table


def estimates(metrics: Sequence[Metric], rows: Sequence[Row], seed: int) -> dict[str, Estimate]:
    """Each metric over all rows, with a 95 % interval from `REPLICATES` draws of clusters."""
    if not rows:
        return {m.name: Estimate(None, None, 0, m.unit, m.better) for m in metrics}
    keys = sorted({key for row in rows for key in row.stats})
    table = table_of([dict(row.stats) for row in rows], keys)
    index, clusters = cluster_index(rows)
    # math.fsum would be exact, but float64 sums of counts are too; measures are summed in file order, as upstream does
    whole = totals(table.sum(axis=0, keepdims=True), keys)
    per_cluster = np.zeros((clusters, len(keys)))
    np.add.at(per_cluster, index, table)
    replicates: dict[str, list[np.ndarray]] = {m.name: [] for m in metrics}
    if clusters > 1:
        for weights in draws(clusters, seed):
            sums = totals(weights @ per_cluster, keys)
            for metric in metrics:
                replicates[metric.name].append(evaluate(metric, sums))
    result = {}
    for metric in metrics:
        value = float(evaluate(metric, whole)[0])
        spread = interval(np.concatenate(replicates[metric.name])) if clusters > 1 else None
        count = int(round(float(whole[metric.n][0])))
        result[metric.name] = Estimate(value if np.isfinite(value) else None, spread, count, metric.unit, metric.better, clusters)
    return result


def evaluate(metric: Metric, sums: Sums) -> np.ndarray:
    """The metric's value in every replicate, without warnings about 0/0 (NaN says it)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.atleast_1d(np.asarray(metric.value(sums), dtype=np.float64))


def paired_metric(
    metric: Metric, first: Sequence[Row], second: Sequence[Row], seed: int
) -> tuple[float, tuple[float, float] | None, float]:
    """A metric of sums on the same samples: first - second, its 95 % interval, and a two-sided p-value.

    Both sides get the same draws of clusters; for the p-value whole clusters change sides at random (paired randomisation,
    Noreen 1989), which for a mean is the sign-flip test. `first` and `second` hold the same samples in the same order."""
    keys = sorted({key for row in (*first, *second) for key in row.stats})
    index, clusters = cluster_index(first)
    sides = []
    for rows in (first, second):
        per_cluster = np.zeros((clusters, len(keys)))
        np.add.at(per_cluster, index, table_of([dict(row.stats) for row in rows], keys))
        sides.append(per_cluster)
    a, b = sides

    def difference(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return evaluate(metric, totals(left, keys)) - evaluate(metric, totals(right, keys))

    whole = float(difference(a.sum(axis=0, keepdims=True), b.sum(axis=0, keepdims=True))[0])
    if clusters < 2:
        return whole, None, 1.0
    drawn = np.concatenate([difference(weights @ a, weights @ b) for weights in draws(clusters, seed)])
    swap = np.random.default_rng(seed + 1).choice([0.0, 1.0], size=(REPLICATES, clusters))
    swapped = difference(swap @ b + (1 - swap) @ a, swap @ a + (1 - swap) @ b)
    extreme = int(np.sum(~(np.abs(swapped) < abs(whole) - 1e-9)))  # undefined replicates count against a difference
    return whole, interval(drawn), (1 + extreme) / (1 + REPLICATES)


def ratio(top: str, bottom: str, scale: float = 100.0):
    """A metric's value: scale x sum of `top` / sum of `bottom`."""
    return lambda sums: scale * sums[top] / sums[bottom]


def f1(hits: str, predicted: str, expected: str):
    """A metric's value: 100 x F1 = 200 x hits / (predicted + expected)."""
    return lambda sums: 200.0 * sums[hits] / (sums[predicted] + sums[expected])
