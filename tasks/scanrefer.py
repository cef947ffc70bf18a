"""Finding the one object that a description means (ScanRefer): accuracy at IoU 0.25 and 0.5 (Chen et al. 2020, section 6).

The first box of an answer counts, as upstream has it (reference 1.14); IoU is axis-aligned and clamped, `>=` the threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from lamm_bench.measure.geometry import iou_3d, reaches
from lamm_bench.measure.stats import ratio
from lamm_bench.read import read_boxes, text_of
from lamm_bench.task import Item, is_numbers
from lamm_bench.types import Answer, Estimate, Media, Metric, Modality, Row, Sample, Scorer

from .chef import CHEF
from .classic import CLASSIC
from .loading import ItemByItem, another, place_text, protocols
from .scannet import BOX, BOX_DIGITS, has_volume, random_room_box

THRESHOLDS = (0.25, 0.5)


@dataclass(frozen=True, eq=False)
class GroundingScorer:
    """The share of descriptions whose box overlaps enough, and the mean overlap."""

    metrics: tuple[Metric, ...] = (
        *(Metric(f"acc@{t:g}", ratio(f"hit@{t:g}", "items")) for t in THRESHOLDS),
        Metric("mean_IoU", ratio("iou", "items")),
    )

    def read(self, answer: Answer, sample: Sample) -> tuple[float, ...] | None:
        """The first box: centre and extents."""
        found = read_boxes(text_of(answer), size=6)
        return found[0].numbers if found else None

    def score(self, sample: Sample, prediction: tuple[float, ...] | None) -> dict[str, float]:
        iou = float(iou_3d([sample.target], [prediction])[0, 0]) if prediction is not None else 0.0
        return {"items": 1, "iou": iou} | {f"hit@{t:g}": float(reaches(iou, t)) for t in THRESHOLDS}

    def show(self, sample: Sample, prediction: tuple[float, ...] | None, stats: Mapping[str, float]) -> dict[str, Any]:
        first = f"hit@{THRESHOLDS[0]:g}"
        return {
            "value": stats[first],
            "iou": stats["iou"],
            "predicted": prediction and list(prediction),
            "expected": sample.target,
        }

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        return {}


@dataclass(frozen=True, eq=False)
class Grounding(ItemByItem):
    """One description, one box. `Sample.target`: [cx, cy, cz, l, w, h] in metres."""

    name: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    kind: str = "grounding3d"
    groups: tuple[str, ...] = ("3d",)
    modality: Modality = "point_cloud"
    max_new_tokens: int = 128

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        box = item.get("object", "gt_bbox", check=lambda v: is_numbers(v, 6) and has_volume(v), expected=BOX)
        return {"target": [float(x) for x in box]}

    def oracle(self, sample: Sample, part: str = "") -> str:
        return place_text(sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        """The box of another sample, drawn from the file."""
        other = another(sample, samples, rng)
        return place_text(other.target if other else random_room_box(rng), BOX_DIGITS)

    def majority(self, samples: Sequence[Sample]) -> str:
        """The mean box of the file."""
        return place_text(np.mean([sample.target for sample in samples], axis=0).tolist(), BOX_DIGITS)


TASKS = (
    Grounding(
        name="scanrefer",
        meta_files=("3D_Benchmark/meta_file/VG_ScanRefer.json",),
        answer_files=("VG_ScanRefer",),
        protocols=protocols(GroundingScorer(), "scanrefer", ("classic", CLASSIC), ("chef", CHEF)),
    ),
)
