"""The `standard` scorer of detection, in images and in rooms: precision, recall and F1 of labelled boxes.

A predicted box is a hit when it is paired with a true box of the same class at an IoU of at least the threshold (COCO's
`>=`), each box in at most one pair (a largest matching, `lamm_bench.measure.geometry.match`). The class of a box is the one named
next to it. Counts are pooled over all images (reference, Appendix H, O2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lamm_bench.measure.geometry import iou_2d, iou_3d, match, reaches
from lamm_bench.measure.stats import f1, ratio
from lamm_bench.read import Place, read_boxes, says_nothing, text_of
from lamm_bench.read.vocabulary import Lexicon, Vocabulary
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .loading import frame_of, outside


def metrics_at(thresholds: Sequence[float]) -> tuple[Metric, ...]:
    """F1, precision and recall at each threshold; the first one's F1 is the headline."""
    found = []
    for t in thresholds:
        found += [
            Metric(f"F1@{t:g}", f1(f"hits@{t:g}", "predicted", "expected"), n="expected"),
            Metric(f"precision@{t:g}", ratio(f"hits@{t:g}", "predicted"), n="predicted"),
            Metric(f"recall@{t:g}", ratio(f"hits@{t:g}", "expected"), n="expected"),
        ]
    return tuple(found)


@dataclass(frozen=True, eq=False)
class BoxScorer:
    """Labelled boxes of four numbers (images) or six (rooms)."""

    size: int
    thresholds: tuple[float, ...]
    lexicon: Lexicon
    over: Callable[[Sequence[Row], BoxScorer], Mapping[str, Estimate]] | None = None  # metrics over all rows at once
    metrics: tuple[Metric, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", metrics_at(self.thresholds))

    def vocabulary(self, sample: Sample) -> Vocabulary:
        return self.lexicon.vocabulary(sample.meta["labels"])

    def truth(self, sample: Sample) -> list[Place]:
        """The true boxes under the names by which answers are read."""
        vocabulary = self.vocabulary(sample)
        return [Place(vocabulary.label(entry["label"]), tuple(entry["bbox"])) for entry in sample.target]

    def read(self, answer: Answer, sample: Sample) -> list[Place] | None:
        """Boxes with their classes, in order; an empty list when the answer says that nothing is there."""
        text = text_of(answer)
        found = read_boxes(text, self.vocabulary(sample), self.size, frame_of(sample))
        return [] if found is None and says_nothing(text) else found

    def score(self, sample: Sample, prediction: Sequence[Place] | None) -> dict[str, float]:
        truth = self.truth(sample)
        stats: dict[str, float] = {"predicted": len(prediction or ()), "expected": len(truth), "images": 1}
        if self.size == 4 and prediction and (astray := outside(place.numbers for place in prediction)):
            stats["outside"] = astray
        if prediction:
            iou = self.overlaps(truth, prediction)
            stats |= {f"hits@{t:g}": len(match(reaches(iou, t))) for t in self.thresholds}
        return stats

    def overlaps(self, truth: Sequence[Place], prediction: Sequence[Place]) -> np.ndarray:
        """IoU of true and predicted boxes [true, predicted], 0 where the classes differ."""
        measure = iou_2d if self.size == 4 else iou_3d
        same = np.array([[box.label == other.label for other in prediction] for box in truth])
        return np.where(same, measure([box.numbers for box in truth], [box.numbers for box in prediction]), 0.0)

    def show(self, sample: Sample, prediction: Sequence[Place] | None, stats: Mapping[str, float]) -> dict[str, Any]:
        first = f"{self.thresholds[0]:g}"
        return {
            "value": stats.get(f"hits@{first}", 0) / stats["expected"],
            **{name: value for name, value in stats.items() if name != "images"},
            "boxes": [{"label": place.label, "bbox": list(place.numbers)} for place in prediction or ()],
        }

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return self.over(rows, self) if self.over is not None else {}
