"""How far a score moves with the wording and with the seed: variance within groups and between them, of a one-way table.

Analysis of variance with random effects (Searle, Casella and McCulloch 1992, ch. 3): within is the mean of the groups' own variances, weighted
by their degrees of freedom; between is what the variance of the groups' means has above what that within makes, and never below zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Components:
    """Standard deviations, in the metric's unit; None where the table cannot tell."""

    mean: float  # of the groups' means
    low: float
    high: float
    within: float | None  # needs a group of two
    between: float | None  # needs two groups
    runs: int


def components(groups: Mapping[str, Sequence[float]]) -> Components | None:
    """Of the values of each group; None where there is none.

    >>> found = components({"a": [10.0, 12.0], "b": [20.0, 22.0]})
    >>> round(found.within, 3), round(found.between, 3)
    (1.414, 7.0)
    """
    sides = [np.asarray(values, dtype=np.float64) for values in groups.values() if len(values)]
    if not sides:
        return None
    every = np.concatenate(sides)
    means, sizes = np.array([side.mean() for side in sides]), np.array([len(side) for side in sides], dtype=np.float64)
    free = float((sizes - 1).sum())
    square = sum(float(((side - side.mean()) ** 2).sum()) for side in sides) / free if free else None
    between = None
    if len(sides) > 1:
        size = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sides) - 1)  # of a group; their mean where all are equal
        mean_square = float((sizes * (means - every.mean()) ** 2).sum()) / (len(sides) - 1)
        between = float(np.sqrt(max(mean_square - (square or 0.0), 0.0) / size))
    return Components(
        mean=float(means.mean()),
        low=float(every.min()),
        high=float(every.max()),
        within=float(np.sqrt(square)) if square is not None else None,
        between=between,
        runs=len(every),
    )
