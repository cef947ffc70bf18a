"""Questions answered with yes or no under `standard`: accuracy, and for POPE the figures of a detector of what is there.

Read by `lamm_bench.read.read_yes_no`; what says neither, or both, is unread and wrong, never a `yes` or a `no`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamm_bench.measure.stats import f1, ratio
from lamm_bench.read import read_yes_no, text_of
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

ACCURACY = (Metric("accuracy", ratio("right", "items")),)
DETECTION = (
    *ACCURACY,
    Metric("F1", f1("hits", "said_yes", "true_yes"), n="true_yes"),
    Metric("precision", ratio("hits", "said_yes"), n="said_yes"),
    Metric("recall", ratio("hits", "true_yes"), n="true_yes"),
    Metric("yes_ratio", ratio("said_yes", "items")),
)


def no_more(rows: Sequence[Row]) -> Mapping[str, Estimate]:
    return {}


@dataclass(frozen=True, eq=False)
class YesNoScorer:
    """`Sample.target` is 0 for yes and 1 for no."""

    metrics: tuple[Metric, ...] = ACCURACY
    beyond: Callable[[Sequence[Row]], Mapping[str, Estimate]] = no_more

    def read(self, answer: Answer, sample: Sample) -> Any:
        said = read_yes_no(text_of(answer))
        return None if said is None else int(not said)

    def score(self, sample: Sample, prediction: Any) -> dict[str, float]:
        yes = sample.target == 0
        return {
            "items": 1,
            "right": float(prediction == sample.target),
            "said_yes": float(prediction == 0),
            "true_yes": float(yes),
            "hits": float(yes and prediction == 0),
        }

    def show(self, sample: Sample, prediction: Any, stats: Mapping[str, float]) -> dict[str, Any]:
        predicted = None if prediction is None else sample.choices[prediction]
        return {"value": stats["right"], "predicted": predicted, "expected": sample.choices[sample.target]}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return self.beyond(rows)
