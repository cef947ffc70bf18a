"""How much of a figure is left when samples are made worse: ChEF's RRM and RR (reference 2.8, 9.2), with intervals and a guard.

    RR  = a' / a x 100                  of a clean figure a what is left, a'
    RRM = (a' - r) / (a - r) x 100      the same above chance r; 0 is guessing, 100 is untouched

Upstream divides whatever comes: for a model at chance RRM explodes or changes its sign. Ours is None there, with the reason.
Of errors, where lower is better, RR is a / a' x 100, so that 100 is untouched for every metric; RRM needs no change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lamm_bench.types import Metric, Row, Sums

from .intervals import LEVEL, evaluate, freedom, kish, student, variance
from .stats import by_cluster, estimates, keys_of

CHEF_CHANCE = {"ScienceQA": 35.8, "MMBench": 27.57}  # percent, by which upstream measures (9.2; 27.67 in ChEF's first version)


def rr(clean: float, corrupted: float) -> float:
    """Upstream's relative robustness, percent. Raises `ZeroDivisionError` at a clean figure of zero, as upstream does.

    >>> round(rr(80.0, 60.0), 6)
    75.0
    """
    return corrupted / clean * 100


def rrm(clean: float, corrupted: float, chance: float) -> float:
    """Upstream's relative robustness above chance, percent. Raises `ZeroDivisionError` at chance, as upstream does.

    >>> round(rrm(80.0, 60.0, 40.0), 6)
    50.0
    """
    return (corrupted - chance) / (clean - chance) * 100


@dataclass(frozen=True)
class Relative:
    """A share of a clean figure that is left, in percent."""

    value: float | None  # None: not defined, and `note` says why
    ci95: tuple[float, float] | None = None
    note: str = ""

    def to_json(self) -> dict[str, object]:
        return {"value": self.value, "ci95": list(self.ci95) if self.ci95 else None, **({"note": self.note} if self.note else {})}


@dataclass(frozen=True)
class Robustness:
    """What is left of one figure under one corruption."""

    rr: Relative
    rrm: Relative


def guard(clean: float | None, ci95: tuple[float, float] | None, chance: float | None, better: str) -> str:
    """Why a figure above chance cannot be divided by; empty when it can: its 95 % interval must lie on the better side of chance.

    >>> guard(50.0, (40.0, 60.0), 45.0, "higher"), guard(50.0, (46.0, 54.0), 45.0, "higher")
    ('the clean figure is not above chance (45.00 lies within its interval)', '')
    """
    if clean is None:
        return "there is no clean figure"
    if chance is None:
        return "chance is not known"
    side = 1 if better == "higher" else -1
    word = "above" if side == 1 else "better than"
    if side * (clean - chance) <= 0:
        return f"the clean figure is not {word} chance ({chance:.2f})"
    if ci95 is None:
        return "the clean figure has no interval, so it cannot be told from chance"
    if ci95[0] <= chance <= ci95[1]:
        return f"the clean figure is not {word} chance ({chance:.2f} lies within its interval)"
    return ""


def robustness(metric: Metric, clean: Sequence[Row], corrupted: Sequence[Row], chance: float | None) -> Robustness:
    """RR and RRM of a metric of sums on the same samples in the same order, with intervals by leaving out one image at a time.

    RR is None where the clean figure (of an error: the corrupted one) is zero, RRM where `guard` says so."""
    if not clean:
        nothing = Relative(None, None, "no sample was answered both times")
        return Robustness(nothing, nothing)
    keys = keys_of((*clean, *corrupted))
    sides = [by_cluster(rows, keys) for rows in (clean, corrupted)]
    figure = estimates([metric], clean)[metric.name]
    lower = metric.better == "lower"

    def left(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 100 * a / b if lower else 100 * b / a

    def above(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 100 * (b - chance) / (a - chance)

    reason = guard(figure.value, figure.ci95, chance, metric.better)
    return Robustness(
        share(metric, sides, left, "the corrupted error is zero" if lower else "the clean figure is zero"),
        share(metric, sides, above, reason) if not reason else Relative(None, None, reason),
    )


def share(metric: Metric, sides: Sequence[Sums], of: Callable[[np.ndarray, np.ndarray], np.ndarray], undefined: str) -> Relative:
    """A function of both figures, with a jackknife interval over clusters (Efron and Tibshirani 1993, ch. 11)."""
    wholes = [evaluate(metric, Sums({key: values.sum(keepdims=True) for key, values in side.items()})) for side in sides]
    without = [evaluate(metric, Sums({key: values.sum() - values for key, values in side.items()})) for side in sides]
    with np.errstate(divide="ignore", invalid="ignore"):
        value, left_out = float(of(*wholes)[0]), of(*without)
    if not np.isfinite(value):
        return Relative(None, None, undefined)
    if len(left_out) < 2 or not np.isfinite(left_out).all():
        return Relative(value, None, "no interval: too few images, or one that decides alone")
    if variance(left_out) < 1e-12:
        return Relative(value, None, "no interval: every image says the same")
    weights = np.asarray(sides[0][metric.n], dtype=np.float64) + np.asarray(sides[1][metric.n], dtype=np.float64)
    half = student(LEVEL, freedom(kish(weights))) * float(np.sqrt(variance(left_out)))
    return Relative(value, (value - half, value + half))


def mean(values: Mapping[str, Relative] | Sequence[Relative]) -> float | None:
    """The plain mean of those that are defined; None where none is."""
    found = [one.value for one in (values.values() if isinstance(values, Mapping) else values) if one.value is not None]
    return float(np.mean(found)) if found else None
