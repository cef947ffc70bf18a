"""How sure a number is: 95 % intervals and paired tests by leaving out one image (or room) at a time.

Nothing is drawn at random: the same sums give the same bytes, in any order of items. What coverage and error rates this reaches is
simulated in `benchmarks/coverage.py`.

- A proportion gets Wilson's interval (Wilson 1927) with as many effective samples as its jackknife variance says, and Student's t with
  the effective number of clusters less one as degrees of freedom (Korn and Graubard 1998, as R's survey::svyciprop). Where
  nothing varies (all right, all wrong) each effective cluster counts as one sample.
- Other functions of sums (F1, BLEU, an error) get a jackknife interval (Efron and Tibshirani 1993, ch. 11) on the scale where they have no edge: the logit of a
  share, the logarithm of an error.
- The difference of two models on the same samples is tested by the jackknife's t; with ten clusters or fewer also by exact randomisation
  of that statistic (Chung and Romano 2013), and the larger p-value counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lamm_bench.types import Metric, Sums

EXACT = 10  # clusters up to which all 2 ** clusters changes of sides are tried
FEW = 6  # clusters below which an interval says little
MANY = 300  # clusters from which a root of mean squares has an interval: below, it hangs on the few largest errors
LEVEL, POWER = 0.975, 0.8
EDGE = 0.5  # added hits and misses on the logit scale where leaving out a cluster leaves nothing, or everything


def student(probability: float, freedom: float) -> float:
    """Quantile of Student's t. The library is loaded at the first call: it takes a quarter of a second."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))


def two_sided(statistic: float, freedom: float) -> float:
    """p-value of a t statistic."""
    from scipy.special import stdtr

    return float(2 * stdtr(freedom, -abs(statistic)))


def kish(weights: np.ndarray) -> float:
    """Effective number of clusters of these sizes (Kish 1965): (sum w)^2 / sum w^2.

    >>> kish(np.ones(10)), round(kish(np.array([10.0, 1, 1, 1, 1])), 2)
    (10.0, 1.88)
    """
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def variance(left_out: np.ndarray) -> float:
    """The jackknife's: of the values [clusters] that the whole has without each cluster."""
    count = len(left_out)
    return float((count - 1) / count * ((left_out - left_out.mean()) ** 2).sum())


def freedom(clusters: float) -> float:
    return max(clusters - 1.0, 1.0)


def wilson(share: float, size: float, quantile: float) -> tuple[float, float]:
    """Wilson's interval of a share of `size` samples.

    >>> [round(100 * end, 1) for end in wilson(1.0, 10, 1.96)]
    [72.2, 100.0]
    """
    square = quantile**2 / size
    middle = (share + square / 2) / (1 + square)
    half = quantile / (1 + square) * float(np.sqrt(max(share * (1 - share), 0.0) / size + square / 4 / size))
    return max(0.0, middle - half), min(1.0, middle + half)


def of_share(share: float, left_out: np.ndarray, clusters: float) -> tuple[float, float]:
    """Interval of a proportion between 0 and 1, from its values without each cluster."""
    spread = variance(left_out)
    if spread < 1e-12:
        return wilson(share, clusters, student(LEVEL, 1e9))
    return wilson(share, share * (1 - share) / spread, student(LEVEL, freedom(clusters)))


def on_scale(
    value: float,
    left_out: np.ndarray,
    clusters: float,
    there: Callable[[np.ndarray], np.ndarray],
    back: Callable[[np.ndarray], np.ndarray],
) -> tuple[float, float]:
    """A jackknife interval on another scale, brought back."""
    moved = there(left_out)
    half = student(LEVEL, freedom(clusters)) * float(np.sqrt(variance(moved)))
    low, high = back(there(np.array([value])) + np.array([-half, half]))
    return float(low), float(high)


def logit(share: np.ndarray) -> np.ndarray:
    return np.log(share) - np.log1p(-share)


def expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def of_ratio(share: float, left_out: np.ndarray, clusters: float) -> tuple[float, float]:
    """Interval of F1, BLEU and their like, between 0 and 1. Where a cluster decides whether anything is there at all, as of a share."""
    if min(share, float(left_out.min())) <= 0 or max(share, float(left_out.max())) >= 1:
        spread = variance(left_out)
        size = clusters if spread < 1e-12 else min(clusters, share * (1 - share) / spread)
        return wilson(share, max(size, 1.0), student(LEVEL, freedom(clusters)) if spread >= 1e-12 else student(LEVEL, 1e9))
    return on_scale(share, left_out, clusters, logit, expit)


@dataclass(frozen=True)
class Spread:
    """An interval, and what is to be said of it."""

    ci95: tuple[float, float] | None
    note: str = ""


def spread_of(metric: Metric, per_cluster: Sums) -> Spread:
    """The interval of a metric from its statistics [clusters] of every cluster."""
    count = len(next(iter(per_cluster.values()), np.zeros(0)))
    if count < 2:
        return Spread(None)
    shape = metric.kind
    if shape == "root" and count < MANY:
        return Spread(None, f"no interval below {MANY} images: it hangs on the few largest errors")
    value, left_out = jackknifed(metric, per_cluster)
    if not np.isfinite(value) or not np.isfinite(left_out).all():
        return Spread(None, "no interval: without one of its images it is not defined" if np.isfinite(value) else "")
    clusters = max(kish(np.asarray(per_cluster[metric.n], dtype=np.float64)), 1.0)
    note = f"from fewer than {FEW} images, so the interval says little" if count < FEW else ""
    if shape in ("share", "logit") and inside(value, left_out):
        ends = (of_share if shape == "share" else of_ratio)(value / 100, left_out / 100, clusters)
        return Spread((100 * ends[0], 100 * ends[1]), note)
    if shape in ("log", "root"):
        if value <= 0 or left_out.min() <= 0:
            return Spread(None, note or "no interval: there is no error, or one image has all of it")
        return Spread(on_scale(value, left_out, clusters, np.log, np.exp), note)
    return Spread(on_scale(value, left_out, clusters, lambda x: x, lambda x: x), note)


def inside(value: float, left_out: np.ndarray) -> bool:
    """Whether a figure stays between 0 and 100; a rate of errors may not."""
    return bool(min(value, left_out.min()) >= -1e-9 and max(value, left_out.max()) <= 100 + 1e-9)


def jackknifed(metric: Metric, per_cluster: Sums) -> tuple[float, np.ndarray]:
    """The metric of all clusters, and without each of them [clusters]."""
    whole = Sums({key: np.asarray(values).sum(keepdims=True) for key, values in per_cluster.items()})
    without = Sums({key: np.asarray(values).sum() - np.asarray(values) for key, values in per_cluster.items()})
    return float(evaluate(metric, whole)[0]), evaluate(metric, without)


def evaluate(metric: Metric, sums: Sums) -> np.ndarray:
    """The metric's value for every row of sums, without warnings about 0/0 (NaN says it)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.atleast_1d(np.asarray(metric.value(sums), dtype=np.float64))


@dataclass(frozen=True)
class Paired:
    """Two models on the same samples: first - second."""

    difference: float
    ci95: tuple[float, float] | None
    p: float  # two-sided
    detectable: float | None  # the smallest true difference that would be found in 80 % of such comparisons
    clusters: int


def paired(metric: Metric, first: Sums, second: Sums) -> Paired:
    """The difference of a metric between two models, from their statistics [clusters] of the same clusters in the same order."""
    count = len(next(iter(first.values()), np.zeros(0)))
    (a, left), (b, right) = jackknifed(metric, first), jackknifed(metric, second)
    whole, left_out = a - b, left - right
    if count < 2 or not np.isfinite(whole) or not np.isfinite(left_out).all():
        return Paired(whole, None, 1.0, None, count)
    weights = np.asarray(first[metric.n], dtype=np.float64) + np.asarray(second[metric.n], dtype=np.float64)
    free, error = freedom(kish(weights)), float(np.sqrt(variance(left_out)))
    scale = max(abs(whole), 1.0)
    if error <= 1e-9 * scale:  # every cluster says the same: no spread to measure by
        p = 1.0 if abs(whole) <= 1e-9 * scale else 0.0
        ends = None
    else:
        p, half = two_sided(whole / error, free), student(LEVEL, free) * error
        edge = 100.0 if metric.kind in ("share", "logit") and all(map(inside, (a, b), (left, right))) else float("inf")
        ends = (max(whole - half, -edge), min(whole + half, edge))
    if count <= EXACT:
        p = max(p, exact(metric, first, second, whole, error))
    elif error <= 1e-9 * scale and p == 0.0:
        p = 2.0 ** (1 - min(count, 1000))
    found = (student(LEVEL, free) + student(POWER, free)) * error if ends else None
    return Paired(whole, ends, p, found, count)


def gap(metric: Metric, first: Sums, second: Sums) -> tuple[float, np.ndarray]:
    """The difference of all clusters, and without each of them."""
    (a, left), (b, right) = jackknifed(metric, first), jackknifed(metric, second)
    return a - b, left - right


def exact(metric: Metric, first: Sums, second: Sums, whole: float, error: float) -> float:
    """The share of all changes of sides, cluster by cluster, whose t is at least as far from zero."""
    keys = sorted({*first, *second})
    count = len(np.asarray(first[keys[0]]))
    a, b = (np.stack([np.asarray(side[key], dtype=np.float64) for key in keys]) for side in (first, second))
    own = strength(whole, error)
    extreme = 0
    for number in range(2**count):
        swap = (number >> np.arange(count)) & 1 == 1
        one, other = (Sums(dict(zip(keys, np.where(swap, x, y)))) for x, y in ((b, a), (a, b)))
        difference, left_out = gap(metric, one, other)
        if not np.isfinite(difference) or not np.isfinite(left_out).all():
            extreme += 1  # what is not defined counts against a difference
            continue
        extreme += strength(difference, float(np.sqrt(variance(left_out)))) >= own * (1 - 1e-9)
    return extreme / 2**count


def strength(difference: float, error: float) -> float:
    """|t|; infinite where clusters differ and all by the same."""
    if abs(difference) <= 1e-9:
        return 0.0
    return abs(difference) / error if error > 1e-12 else float("inf")


def holm(values: list[float | None]) -> list[float | None]:
    """p-values corrected for their number (Holm 1979); None stays out.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    order = sorted((p, at) for at, p in enumerate(values) if p is not None)
    out: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (p, at) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        out[at] = round(highest, 12)
    return out
