"""Places of models with simultaneous confidence: every true place lies in its interval, all of them together in 95 % of tables.

Each ordered pair of models is a one-sided hypothesis, and Holm's steps over all of them control the chance of any false one (Mogstad,
Romano, Shaikh and Wilhelm 2024, "Inference for Ranks with Applications to Mobility across Neighbourhoods and Academic Achievement across
Countries", section 3, with Holm 1979 in place of their bootstrap, so that nothing is drawn). A model's best place is behind those that
are shown to be better, its worst before those that are shown to be worse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEVEL = 0.05  # of a table: chance that any of its intervals misses the true place
NORMAL = 1.959964  # 97.5 % quantile of the normal distribution


def shown_better(values: Sequence[float], p: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """Which models [k, k] are shown to be better than which, from their values (higher is better) and two-sided p-values [k, k].

    >>> shown_better([3.0, 2.0, 1.0], np.array([[1, 0.2, 0.001], [0.2, 1, 0.9], [0.001, 0.9, 1]]))[0].tolist()
    [False, False, True]
    """
    count = len(values)
    found = np.zeros((count, count), dtype=bool)
    ahead = [(float(p[i, j]) / 2, i, j) for i in range(count) for j in range(count) if values[i] > values[j]]
    left = count * (count - 1)  # one-sided hypotheses, of which those against the values are never rejected
    for single, i, j in sorted(ahead):
        if single * left > level:
            break
        found[i, j] = True
        left -= 1
    return found


def rank_sets(better: np.ndarray) -> list[tuple[int, int]]:
    """Best and worst place of each model, 1 the best.

    >>> rank_sets(np.array([[False, False, True], [False, False, False], [False, False, False]]))
    [(1, 2), (1, 3), (2, 3)]
    """
    count = len(better)
    return [(1 + int(better[:, at].sum()), count - int(better[at].sum())) for at in range(count)]


def from_intervals(first: float, own: tuple[float, float] | None, second: float, other: tuple[float, float] | None) -> float:
    """Two-sided p of a difference of which only the two figures' 95 % intervals are known: the halves that face each other are added as
    squares (Zou and Donner 2008). Of figures of the same items it is cautious, since those move together. Without intervals it is 1.

    >>> round(from_intervals(60, (55, 65), 53, (48, 58)), 3), from_intervals(9, None, 1, None)
    (0.052, 1.0)
    """
    if own is None or other is None or first == second:
        return 1.0
    from scipy.special import ndtr

    high, low = (own[0], other[1]) if first > second else (own[1], other[0])
    error = float(np.hypot(first - high, second - low)) / NORMAL
    return float(2 * ndtr(-abs(first - second) / error)) if error > 0 else 1.0
