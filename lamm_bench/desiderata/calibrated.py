"""Calibration of the plain leg: how far confidence and accuracy lie apart, by likelihoods."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from statistics import mean

from lamm_bench.measure.calibration import bins_of, expected_error
from lamm_bench.measure.sure import Sure, sure_of, told
from lamm_bench.types import FAILED, Estimate

from .gathering import Asked, Model
from .legs import CALIBRATION, PLAIN
from .relative import Figure, mean_of, ratio_of


def sure(asked: Asked, protocol: str) -> Sure:
    """Of each sample that the headline counts, in the order of the file (under `chef` by ascending number, where upstream sorts)."""
    share = ratio_of(asked)
    rows = [row for row in asked.scores[protocol].rows if row.status not in FAILED and asked.answered[row.sample.id].scores]
    if share.bottom != "items":  # MMBench: each question as it stands first
        firsts = {row.sample.id for row in asked.scores["standard"].rows if row.stats.get(share.bottom)}
        rows = sorted((row for row in rows if row.sample.id in firsts), key=lambda row: (len(row.sample.id), row.sample.id))
    right = [row.stats[share.top if protocol == "standard" else "right"] for row in rows]
    return sure_of(rows, [asked.answered[row.sample.id].scores for row in rows], right)


def calibration(model: Model) -> Figure:
    """100 x (1 - expected calibration error), as ChEF's table has it; the errors, Brier scores and bins in the details."""
    figure = Figure(CALIBRATION)
    legs = model.legs.get(PLAIN, {})
    sets = {name: asked for name, asked in legs.items() if any(each.scores for each in asked.answered.values())}
    if not sets:
        figure.why = (
            "not asked" if not legs else "no likelihoods: the model was asked for text, which says nothing of how sure it is"
        )
        return figure
    ours, upstreams = [], []
    for name, asked in sets.items():
        figure.details[name] = told(sure(asked, "standard"))
        ours.append(figure.details[name]["equal mass"])
        if "chef" in asked.scores and all("right" in row.stats for row in asked.scores["chef"].rows):
            own = sure(asked, "chef")
            upstreams.append(expected_error(bins_of(own.confidence, own.right)))
            figure.details[name]["chef"] = upstreams[-1]
    figure.standard = of_errors(ours)
    error = mean_of(list(upstreams)) if len(upstreams) == len(ours) else None
    figure.chef = None if error is None else 100 * (1 - error)
    return figure


def of_errors(errors: Sequence[Estimate]) -> Estimate:
    """100 x (1 - mean error); the sets have no pictures in common, so their half intervals add as squares."""
    value = mean(each.value for each in errors if each.value is not None)
    ends = None
    if all(each.ci95 is not None for each in errors):
        reach = [
            hypot(*(abs(each.ci95[side] - (each.value or 0.0)) for each in errors if each.ci95)) / len(errors) for side in (0, 1)
        ]
        ends = (100 * (1 - min(1.0, value + reach[1])), 100 * (1 - max(0.0, value - reach[0])))
    n, clusters = sum(each.n for each in errors), sum(each.clusters for each in errors)
    return Estimate(100 * (1 - value), ends, n, "percent", "higher", clusters)
