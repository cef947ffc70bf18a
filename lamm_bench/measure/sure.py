"""How far what a model is sure of and what is right lie apart, of answers that likelihoods decided: errors, Brier score, bins.

The formulas, and what is known of their intervals, stand in calibration.py."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lamm_bench.types import FAILED, Estimate, Metric, Row

from .calibration import Bin, Binning, bins_of, brier, expected_error, interval, probabilities
from .stats import Ratio, estimates, ratio

BINNINGS: tuple[Binning, ...] = ("equal mass", "equal width")
BRIER = Metric("Brier", ratio("brier", "items", 1.0), "score", "lower", shape="plain")
NO_LIKELIHOOD = 0.01  # nats above which a score is none: log-likelihoods are at most 0, but for rounding
MOST_FOR_INTERVAL = 20_000  # answers above which the bootstrap takes longer than anybody waits for a table


@dataclass(frozen=True)
class Sure:
    """The answers of one set that have likelihoods."""

    confidence: np.ndarray  # [n], 0 to 1
    right: np.ndarray  # [n], 0 or 1
    clusters: np.ndarray  # [n], names of pictures
    rows: Sequence[Row]  # with the Brier score


def sure_of(rows: Sequence[Row], scores: Sequence[Sequence[float]], right: Sequence[float]) -> Sure:
    """Of rows with the options' scores of each, and whether the chosen one is right. A sample's target is the number of its right option."""
    chances = [probabilities(each) for each in scores]
    briers = brier(chances, [row.sample.target for row in rows])
    kept = [Row(row.sample, row.status, None, None, {"items": 1.0, "brier": float(own)}) for row, own in zip(rows, briers)]
    groups = np.array([row.sample.group for row in rows], dtype=object)
    return Sure(np.array([float(each.max()) for each in chances]), np.array(right), groups.astype(str), kept)


def told(answers: Sure) -> dict[str, Any]:
    """Both errors as fractions with intervals, the Brier score, and the bins of a reliability diagram."""
    found: dict[str, Any] = {}
    few = len(answers.right) <= MOST_FOR_INTERVAL
    for binning in BINNINGS:
        bins = bins_of(answers.confidence, answers.right, binning)
        ends = interval(answers.confidence, answers.right, answers.clusters, binning) if few else None
        found[binning] = Estimate(
            expected_error(bins), ends, len(answers.right), "score", "lower", len(set(answers.clusters.tolist()))
        )
    own = estimates([BRIER], answers.rows)["Brier"]
    ends = (max(0.0, own.ci95[0]), min(2.0, own.ci95[1])) if own.ci95 else None
    found["Brier"] = replace(own, ci95=ends)
    found["confidence"] = float(answers.confidence.mean())
    found["accuracy"] = float(answers.right.mean())
    found["bins"] = bins_of(answers.confidence, answers.right, "equal mass")
    return found


def calibration_of(metric: Metric, rows: Sequence[Row], scores: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Of all rows of a task with the options' scores of each (empty where text decided): what `told` says of those that likelihoods decided;
    nothing where there are none, where the headline does not count answers that are right, or where scores are no log-likelihoods."""
    share = metric.value
    if not isinstance(share, Ratio) or not share.counts:
        return {}
    kept = [(row, own) for row, own in zip(rows, scores) if usable(row, own, share)]
    if not kept:
        return {}
    right = [row.stats.get(share.top, 0.0) for row, _ in kept]
    return told(sure_of([row for row, _ in kept], [own for _, own in kept], right))


def usable(row: Row, scores: Sequence[float], share: Ratio) -> bool:
    """Whether likelihood decided this answer, and it counts as one that is right or wrong."""
    if row.status in FAILED or len(scores) < 2 or row.stats.get(share.bottom) != 1 or row.stats.get(share.top, 0.0) not in (0, 1):
        return False
    if any(not math.isfinite(score) or score > NO_LIKELIHOOD for score in scores):
        return False
    if row.sample.choices and len(scores) != len(row.sample.choices):  # an answer file's likelihoods of something else
        return False
    target = row.sample.target
    return isinstance(target, int) and not isinstance(target, bool) and 0 <= target < len(scores)


def restored(value: Mapping[str, Any]) -> dict[str, Any]:
    """What `told` said, from the JSON of a result."""
    found = dict(value)
    for name in (*BINNINGS, BRIER.name):
        own = found[name]
        pairs = {key: tuple(own[key]) if own.get(key) is not None else None for key in ("ci95", "bounds")}
        found[name] = Estimate(**{**own, **pairs})
    return {**found, "bins": [Bin(each["n"], each["confidence"], each["accuracy"]) for each in found["bins"]]}
