"""The `standard` scorer of answers that should name exactly one class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamm_bench.measure.stats import ratio
from lamm_bench.read import text_of
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample, Sums


def balanced(sums: Sums) -> np.ndarray:
    """100 x the mean over classes of the share of their samples that is right (Brodersen et al. 2010, balanced accuracy).

    Classes without a sample (in a replicate) are left out."""
    labels = [key[3:] for key in sums if key.startswith("of ")]
    if not labels:
        return np.full(1, np.nan)
    of = np.stack([sums[f"of {label}"] for label in labels])
    right = np.stack([sums[f"right {label}"] for label in labels])
    share = np.where(of > 0, right / np.where(of > 0, of, 1), 0)
    return 100.0 * share.sum(axis=0) / (of > 0).sum(axis=0)


METRICS = (
    Metric("accuracy", ratio("right", "items")),
    Metric("balanced_accuracy", balanced),
    Metric("ambiguous", ratio("ambiguous", "items"), better="lower"),
)


@dataclass(frozen=True, eq=False)
class LabelScorer:
    """Right when exactly one class is named and it is the true one (reference, Appendix H, O4 to O7).

    An answer that names several classes is `ambiguous`: wrong, and counted. An answer that names none is unread."""

    find: Callable[[str, Sample], tuple[str, ...]]  # the different classes that a text names
    truth: Callable[[Sample], str]
    metrics: tuple[Metric, ...] = METRICS

    def read(self, answer: Answer, sample: Sample) -> tuple[str, ...] | None:
        """The classes named, in order of mention; None when there is none."""
        return self.find(text_of(answer), sample) or None

    def score(self, sample: Sample, prediction: tuple[str, ...] | None) -> dict[str, float]:
        truth = self.truth(sample)
        right = prediction is not None and prediction == (truth,)
        stats: dict[str, float] = {"items": 1, f"of {truth}": 1}
        if right:
            stats |= {"right": 1, f"right {truth}": 1}
        elif prediction is not None and len(prediction) > 1:
            stats["ambiguous"] = 1
        return stats

    def show(self, sample: Sample, prediction: tuple[str, ...] | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"value": stats.get("right", 0), "predicted": list(prediction or ()), "expected": self.truth(sample)}

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        return {}
