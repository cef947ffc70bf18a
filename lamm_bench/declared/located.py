"""Captions that count only where the thing itself was found: Scan2Cap's figures at an overlap.

Chen et al. 2021 (Scan2Cap, arXiv 2012.02206), section 5.1, m@kIoU: the score of a caption whose box overlaps the true one by less than k
is 0. Captions without a box that is near enough are replaced by none, as in its lib/eval_helper.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lamm_bench.measure.caption_scorer import CaptionScorer
from lamm_bench.measure.geometry import iou_2d, iou_3d, reaches
from lamm_bench.measure.stats import estimates
from lamm_bench.types import Estimate, Metric, Row, Sample


@dataclass(frozen=True)
class Found:
    """What an answer says of a thing: its words, and the box that it gives, if any."""

    tokens: tuple[str, ...]
    box: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False)
class LocatedScorer:
    """`CaptionScorer` at each overlap, the headline's first, and without looking at boxes."""

    at: tuple[float, ...]
    captions: CaptionScorer = field(default_factory=CaptionScorer)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return tuple(replace(metric, name=f"{metric.name}@{self.at[0]:g}") for metric in self.captions.metrics)

    def of_file(self, samples: Sequence[Sample]) -> LocatedScorer:
        return replace(self, captions=self.captions.of_file(samples))

    def score(self, sample: Sample, prediction: Found | None) -> dict[str, float]:
        return {**self.captions.score(sample, near(sample, prediction, self.at[0])), "iou": overlap(sample, prediction)}

    def show(self, sample: Sample, prediction: Found | None, stats: Mapping[str, float]) -> dict[str, Any]:
        shown = self.captions.show(sample, prediction.tokens if prediction else None, stats)
        return {
            **shown,
            "iou": overlap(sample, prediction),
            "box": list(prediction.box) if prediction and prediction.box else None,
        }

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        found: dict[str, Estimate] = {}
        for t in self.at:
            found |= {f"{name}@{t:g}": one for name, one in self.figures(rows, t, t != self.at[0]).items()}
        return found | self.figures(rows, 0.0, True)

    def figures(self, rows: Sequence[Row], t: float, every: bool) -> dict[str, Estimate]:
        """Those over the whole file at one overlap; with `every` also those that the metrics give at the first."""
        made = []
        for row in rows:
            tokens = near(row.sample, row.prediction, t)
            made.append(replace(row, prediction=tokens, stats=self.captions.score(row.sample, tokens)))
        return {**(estimates(self.captions.metrics, made) if every else {}), **self.captions.whole(made)}


def overlap(sample: Sample, said: Found | None) -> float:
    if said is None or said.box is None:
        return 0.0
    iou = iou_3d if len(said.box) == 6 else iou_2d
    return float(iou([sample.meta["box"]], [said.box])[0, 0])


def near(sample: Sample, said: Found | None, t: float) -> tuple[str, ...] | None:
    """The caption, where its box overlaps the true one by so much."""
    if said is None or not said.tokens:
        return None
    return said.tokens if t <= 0 or reaches(overlap(sample, said), t) else None
