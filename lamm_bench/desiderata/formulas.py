"""The desiderata's formulas over accuracies in percent (ChEF, arXiv 2311.02692; reference 2.5 to 2.9, 9.2, 9.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from lamm_bench.measure.robustness import CHEF_CHANCE
from lamm_bench.measure.stats import Ratio
from lamm_bench.types import Metric, Row, Sample, Sums

CHANCE = {"chef-scienceqa": CHEF_CHANCE["ScienceQA"], "chef-mmbench": CHEF_CHANCE["MMBench"]}
"""Percent by chance that ChEF divides by: ScienceQA's accuracy and MMBench's vanilla accuracy."""


def riam(plain: float, shots: Sequence[float], chance: float) -> float | None:
    """Relative in-context accuracy: 50 says that examples change nothing; None where the plain accuracy is that of chance.

    >>> riam(60.0, [60.0, 60.0, 60.0], 30.0), riam(60.0, [75.0], 30.0), riam(30.0, [40.0], 30.0)
    (50.0, 75.0, None)
    """
    margin = plain - chance
    return (sum(shots) / len(shots) - plain) / margin * 50 + 50 if margin else None


def joined(legs: Mapping[str, Sequence[Row]], bottom: str) -> list[Row]:
    """The legs' rows side by side, one for each sample that all of them answered and that has a share in `bottom`: the statistic
    `right` of leg `a` is called `a right`."""
    first, *others = legs
    by_id = {leg: {row.sample.id: row for row in rows} for leg, rows in legs.items()}
    found = []
    for row in legs[first]:
        if not row.stats.get(bottom) or any(row.sample.id not in by_id[leg] for leg in others):
            continue
        stats = {f"{leg} {key}": value for leg in legs for key, value in by_id[leg][row.sample.id].stats.items()}
        found.append(Row(row.sample, row.status, row.answer, None, stats))
    return found


def apart(rows: Sequence[Row], name: str, shared: bool = False) -> list[Row]:
    """The rows of one set among those of several: statistics carry its name, and clusters too, unless the sets have pictures in common."""
    found = []
    for row in rows:
        group = row.sample.group if shared else f"{name} {row.sample.group}"
        stats = {f"{name} {key}": value for key, value in row.stats.items()} | {"joined": 1.0}
        found.append(Row(Sample(f"{name} {row.sample.id}", "", (), None, group), row.status, None, None, stats))
    return found


Shape = Literal["plain", "logit"]
Formula = Callable[[Mapping[str, np.ndarray]], np.ndarray]
"""Accuracies by leg, in percent and [replicates] -> a figure."""


def metric_of(
    name: str, ratios: Mapping[str, Ratio], legs: Sequence[str], formulas: Mapping[str, Formula], shape: Shape = "plain"
) -> Metric:
    """The mean over sets of a formula of the legs' accuracies. `ratios` and `formulas` are by set; rows come from `joined` and `apart`."""

    def value(sums: Sums) -> np.ndarray:
        return np.mean([formulas[each](accuracies(sums, each, ratio, legs)) for each, ratio in ratios.items()], axis=0)

    return Metric(name, value, "percent" if shape == "logit" else "score", n="joined", shape=shape)


def accuracies(sums: Sums, set_: str, ratio: Ratio, legs: Sequence[str]) -> dict[str, np.ndarray]:
    """Of each leg, in percent [replicates]."""
    return {leg: ratio.scale * sums[f"{set_} {leg} {ratio.top}"] / sums[f"{set_} {leg} {ratio.bottom}"] for leg in legs}
