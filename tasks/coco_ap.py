"""COCO's average precision of answers that carry no confidence: the order of emission stands in for it.

The first box of every answer ranks above every second box, and so on; ties keep the order of the file. The value is
pycocotools' own. Its interval draws whole images with replacement: pycocotools' matches of each image stay as they are, and
only the counting over images (Lin et al. 2014; `COCOeval.accumulate`: cumulative precision, made monotone, read at 101
recalls) is done again with the replicate's weights."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamm_bench.geometry import corners_2d
from lamm_bench.reading import Place
from lamm_bench.stats import cluster_index, draws, seed_of
from lamm_bench.types import Estimate, Row, Sample

if TYPE_CHECKING:
    from .boxes import BoxScorer

REPLICATES = 500  # half of stats.REPLICATES: this metric costs more than all others together
NOTE = "emission order as confidence"


@dataclass(frozen=True)
class ClassMatches:
    """What pycocotools found for one class, its detections in rank order."""

    images: np.ndarray  # [detections], the image (row) of each
    hits: np.ndarray  # [thresholds, detections], bool
    objects: np.ndarray  # [images], true boxes of the class in each


def average_precision(rows: Sequence[Row], scorer: BoxScorer) -> dict[str, Estimate]:
    """AP (mean over IoU 0.50 to 0.95 and classes) and AP50, in percent, with intervals over images."""
    evaluation = evaluate(rows, scorer.truth)
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # [thresholds, recalls, classes]
    values = {"AP": mean_defined(precision), "AP50": mean_defined(precision[0])}
    spread = intervals(rows, class_matches(evaluation), evaluation.params.recThrs)
    objects = sum(len(row.sample.target) for row in rows)
    _, clusters = cluster_index(rows)
    return {
        name: Estimate(value, spread.get(name), objects, "percent", "higher", clusters, note=NOTE) for name, value in values.items()
    }


def mean_defined(precision: np.ndarray) -> float | None:
    """100 x the mean of what is defined; pycocotools marks classes without objects by -1."""
    known = precision[precision > -1]
    return 100.0 * float(known.mean()) if known.size else None


def evaluate(rows: Sequence[Row], truth: Callable[[Sample], Sequence[Place]], areas: bool = False) -> Any:
    """pycocotools' COCOeval over all rows, accumulated; without the areas, which fractions of an image do not have."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    expected = [truth(row.sample) for row in rows]
    classes = {label: number for number, label in enumerate(sorted({str(p.label) for places in expected for p in places}), start=1)}
    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for places in (expected, [row.prediction or () for row in rows]):
            side = COCO()
            side.dataset = dataset(places, classes)
            side.createIndex()
            sides.append(side)
        evaluation = COCOeval(*sides, iouType="bbox")
        if not areas:
            evaluation.params.areaRng, evaluation.params.areaRngLbl = evaluation.params.areaRng[:1], ["all"]
            evaluation.params.maxDets = evaluation.params.maxDets[-1:]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def dataset(places: Sequence[Sequence[Place]], classes: Mapping[str, int]) -> dict[str, Any]:
    """The boxes of all images in COCO's form; boxes without a class of the file take no part."""
    annotations = []
    for image, boxes in enumerate(places, start=1):
        for rank, place in enumerate(boxes):
            if place.label not in classes:
                continue
            (x1, y1), (x2, y2) = corners_2d([place.numbers])[0].tolist()
            annotations.append({
                "id": len(annotations) + 1, "image_id": image, "category_id": classes[place.label], "iscrowd": 0,
                "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1), "score": 1.0 / (1 + rank),
            })  # fmt: skip
    return {
        "images": [{"id": image} for image in range(1, len(places) + 1)],
        "categories": [{"id": number, "name": name} for name, number in classes.items()],
        "annotations": annotations,
    }


def class_matches(evaluation: Any) -> list[ClassMatches]:
    """Takes pycocotools' per-image matches apart by class, over all areas, ranked as `accumulate` ranks them."""
    images = len(evaluation.params.imgIds)
    areas = len(evaluation.params.areaRng)
    most = evaluation.params.maxDets[-1]
    found = []
    for number in range(len(evaluation.params.catIds)):
        start = number * areas * images
        cells = evaluation.evalImgs[start : start + images]
        objects = np.array([0 if cell is None else np.count_nonzero(np.logical_not(cell["gtIgnore"])) for cell in cells], dtype=np.float64)
        there = [(image, cell) for image, cell in enumerate(cells) if cell is not None]
        scores = np.concatenate([np.asarray(cell["dtScores"][:most]) for _, cell in there]) if there else np.zeros(0)
        order = np.argsort(-scores, kind="mergesort")
        hits = np.concatenate([cell["dtMatches"][:, :most] for _, cell in there], axis=1) != 0 if there else np.zeros((0, 0), bool)
        owner = np.concatenate([np.full(len(cell["dtScores"][:most]), image) for image, cell in there]) if there else np.zeros(0)
        found.append(ClassMatches(owner[order].astype(np.int64), hits[:, order], objects))
    return found


def weighted(matches: ClassMatches, weights: np.ndarray, recalls: np.ndarray) -> np.ndarray:
    """AP of one class at every threshold, shape [replicates, thresholds], when image i counts `weights[:, i]` times.

    Precision only needs looking at where there is a hit: it falls in between. NaN where no true box is drawn."""
    objects = weights @ matches.objects
    drawn = weights[:, matches.images]
    ranked = np.cumsum(drawn, axis=1)
    result = np.zeros((len(weights), len(matches.hits)))
    for number, hits in enumerate(matches.hits):
        places = np.flatnonzero(hits)
        if len(places):
            found = np.cumsum(drawn[:, places], axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                precision = np.nan_to_num(found / ranked[:, places])
                recall = np.nan_to_num(found / objects[:, None])
            best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            reached = np.searchsorted(recalls, recall.ravel(), side="right").reshape(recall.shape)
            steps = np.diff(np.where(found > 0, reached, 0), axis=1, prepend=0)
            result[:, number] = (best * steps).sum(axis=1) / len(recalls)
    return np.where(objects[:, None] > 0, result, np.nan)


def intervals(rows: Sequence[Row], classes: Sequence[ClassMatches], recalls: np.ndarray) -> dict[str, tuple[float, float]]:
    """95 % intervals over images, drawn with replacement."""
    index, clusters = cluster_index(rows)
    if clusters < 2 or not classes:
        return {}
    chosen: dict[str, list[np.ndarray]] = {"AP": [], "AP50": []}
    for weights in draws(clusters, seed_of("bootstrap", "coco_ap"), REPLICATES):
        table = np.stack([weighted(matches, weights[:, index], recalls) for matches in classes])  # [classes, replicates, thresholds]
        defined = np.isfinite(table).any(axis=(0, 2))
        chosen["AP"].append(np.nanmean(table[:, defined], axis=(0, 2)))
        chosen["AP50"].append(np.nanmean(table[:, defined, 0], axis=0))
    return {name: (100 * float(low), 100 * float(high)) for name, (low, high) in percentiles(chosen).items()}


def percentiles(chosen: Mapping[str, Sequence[np.ndarray]]) -> dict[str, tuple[float, float]]:
    """The 2.5 and 97.5 percentiles of each list of replicates."""
    joined = {name: np.concatenate(blocks) for name, blocks in chosen.items()}
    return {name: tuple(np.percentile(values, [2.5, 97.5])) for name, values in joined.items() if len(values)}
