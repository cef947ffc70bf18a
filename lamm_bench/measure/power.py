"""What a comparison of so many images can show, and how many it needs: before anything is asked.

The smallest difference is that which a paired test at 5 % finds in 80 % of such comparisons: (t(0.975) + t(0.8)) x standard error, with the
effective number of images less one as degrees of freedom (Cohen 1988, ch. 2, with the jackknife's error of intervals.py)."""

from __future__ import annotations

import math

import numpy as np

from lamm_bench.types import Metric, Sums

from .intervals import LEVEL, POWER, freedom, gap, jackknifed, kish, student, variance

WORST = 50.0  # standard deviation of a share in percent where it is largest, at 50 %


def detectable(error: float, clusters: float) -> float:
    """The smallest true difference that is found in 80 % of comparisons, from the difference's standard error.

    >>> round(detectable(1.0, 1e6), 3)
    2.802
    """
    free = freedom(clusters)
    return (student(LEVEL, free) + student(POWER, free)) * error


def needed(spread: float, wanted: float) -> float:
    """Effective images after which a difference of `wanted` is found, where the difference of one has the standard deviation `spread`.

    >>> round(needed(70.71, 10.0))
    395
    """
    clusters = 2.0
    for _ in range(60):  # t falls as clusters grow: this settles from below
        found = (detectable(spread, clusters) / wanted) ** 2
        if abs(found - clusters) < 1e-6 * clusters:
            break
        clusters = max(found, 2.0)
    return clusters


def assumed() -> float:
    """Standard deviation, for one image, of the difference of two shares that say nothing of each other and lie where they vary most."""
    return math.sqrt(2) * WORST


def of_one(metric: Metric, sums: Sums) -> float | None:
    """The same from a run: of the difference to a model as uncertain as this one, whose answers say nothing of its own. None where the
    metric is not defined without some image."""
    value, left_out = jackknifed(metric, sums)
    return spread_of_one(value, left_out, np.asarray(sums[metric.n], dtype=np.float64), math.sqrt(2))


def of_two(metric: Metric, first: Sums, second: Sums) -> float | None:
    """The same from two runs on the same images: of their own difference."""
    value, left_out = gap(metric, first, second)
    weights = np.asarray(first[metric.n], dtype=np.float64) + np.asarray(second[metric.n], dtype=np.float64)
    return spread_of_one(value, left_out, weights, 1.0)


def spread_of_one(value: float, left_out: np.ndarray, weights: np.ndarray, times: float) -> float | None:
    if len(left_out) < 2 or not np.isfinite(value) or not np.isfinite(left_out).all():
        return None
    return times * math.sqrt(variance(left_out) * kish(weights))
