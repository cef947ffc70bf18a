"""How far a judge agrees with the deterministic metric, and with another judge. All of it from stored values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import read_json

Values = Mapping[Any, float]  # by sample


def ranks(values: Sequence[float]) -> np.ndarray:
    """Ranks from 1, equal values sharing their mean rank."""
    array = np.asarray(values, dtype=np.float64)
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation (1904) with ties; None where one side does not vary.

    >>> spearman([1, 2, 3], [10, 20, 30]), spearman([1, 1, 1], [1, 2, 3])
    (1.0, None)
    """
    if len(first) < 2:
        return None
    a, b = (ranks(values) - (len(values) + 1) / 2 for values in (first, second))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / scale, 12) if scale else None


def kappa(first: Sequence[Any], second: Sequence[Any]) -> float | None:
    """Cohen's kappa (1960): agreement beyond chance; None where chance alone would give full agreement.

    >>> kappa("aabb", "aabb"), kappa("abab", "aabb"), kappa("aa", "aa")
    (1.0, 0.0, None)
    """
    if not first:
        return None
    observed = sum(a == b for a, b in zip(first, second)) / len(first)
    labels = set(first) | set(second)
    expected = sum(
        (sum(a == label for a in first) / len(first)) * (sum(b == label for b in second) / len(second)) for label in labels
    )
    return (observed - expected) / (1 - expected) if expected < 1 else None


def deterministic(run: Path, task: str) -> tuple[Values, str] | None:
    """Each sample's `value` under `standard`, and which direction is better; None where the run has none."""
    try:
        samples = read_json(run / "scores" / f"{task}.json")["protocols"]["standard"]["samples"]
        results = read_json(run / "result.json")["results"]
        better = next(
            next(iter(r["metrics"].values()))["better"] for r in results if (r["task"], r["protocol"]) == (task, "standard")
        )
    except (BenchError, KeyError, TypeError, AttributeError, StopIteration):
        # a run that is not finished or was scored otherwise: agreement is an extra, never a reason to fail
        return None
    return values_of(samples), better


def values_of(samples: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The samples that have a number for `value`."""
    found = {}
    for name, shown in samples.items():
        value = shown.get("value")
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = float(value)
    return found


def rating_against_metric(judged: Values, run: Path, task: str) -> dict[str, Any] | None:
    """Rank correlation of ratings with the metric's values, turned so that higher is better."""
    known = deterministic(run, task)
    if known is None:
        return None
    values, better = known
    common = [name for name in judged if name in values]
    sign = 1.0 if better == "higher" else -1.0
    return {
        "n": len(common),
        "spearman": spearman([judged[name] for name in common], [sign * values[name] for name in common]),
    }


def ranking_against_metric(judged: Values, run: Path, against: Path, task: str) -> dict[str, Any] | None:
    """Of the samples on which the metric and the judge each prefer one side: how often it is the same side."""
    ours, theirs = deterministic(run, task), deterministic(against, task)
    if ours is None or theirs is None:
        return None
    sign = 1.0 if ours[1] == "higher" else -1.0
    common = [name for name in judged if name in ours[0] and name in theirs[0]]
    pairs = [(judged[name] - 0.5, sign * (ours[0][name] - theirs[0][name])) for name in common]
    decided = [(a > 0) == (b > 0) for a, b in pairs if a and b]
    return {"n": len(decided), "same_side": 100.0 * sum(decided) / len(decided) if decided else None}


def between(first: Values, second: Values, metric: str) -> dict[str, Any]:
    """Two judges on the samples that both have judged."""
    common = [name for name in first if name in second]
    a, b = [first[name] for name in common], [second[name] for name in common]
    if metric != "ranking":
        gap = float(np.mean(np.abs(np.subtract(a, b)))) if common else None
        return {"n": len(common), "spearman": spearman(a, b), "mean_gap": gap}
    sides = [[(value > 0.5) - (value < 0.5) for value in values] for values in (a, b)]
    same = 100.0 * sum(x == y for x, y in zip(*sides)) / len(common) if common else None
    return {"n": len(common), "same_verdict": same, "kappa": kappa(*sides)}
