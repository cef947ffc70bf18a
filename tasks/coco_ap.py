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

from lamm_bench.measure.geometry import corners_2d
from lamm_bench.measure.stats import cluster_index, draws, seed_of
from lamm_bench.read import Place
from lamm_bench.types import Estimate, Row, Sample

if TYPE_CHECKING:
    from .boxes import BoxScorer

REPLICATES = 500  # half of stats.REPLICATES: this metric costs more than all others together
NOTE = "emission order as confidence"


@dataclass(frozen=True)
class ClassMatches:
    """What pycocotools found for one class, its detections in rank order."""

    precision: np.ndarray  # [thresholds, recalls]
    recalls: np.ndarray  # [recalls], where precision is read
    images: np.ndarray  # [detections], the row of each
    hits: np.ndarray  # [thresholds, detections], bool
    objects: np.ndarray  # [rows], true boxes of the class in each


def average_precision(rows: Sequence[Row], scorer: BoxScorer) -> dict[str, Estimate]:
    """AP (mean over IoU 0.50 to 0.95 and classes) and AP50, in percent, with intervals over images."""
    classes = matches(rows, scorer.truth)
    precision = np.stack([found.precision for found in classes])  # [classes, thresholds, recalls]
    values = {"AP": 100.0 * float(precision.mean()), "AP50": 100.0 * float(precision[:, 0].mean())}
    spread = intervals(rows, classes)
    objects = int(sum(found.objects.sum() for found in classes))
    _, clusters = cluster_index(rows)
    return {
        name: Estimate(value, spread.get(name), objects, "percent", "higher", clusters, note=NOTE)
        for name, value in values.items()
    }


def coco_sides(rows: Sequence[Row], truth: Callable[[Sample], Sequence[Place]]) -> tuple[Any, Any]:
    """True and predicted boxes of all rows as two pycocotools data sets; images and classes are numbered from 1."""
    from pycocotools.coco import COCO

    expected = [truth(row.sample) for row in rows]
    names = sorted({str(place.label) for places in expected for place in places})
    classes = {name: number for number, name in enumerate(names, start=1)}
    sides = []
    for places in (expected, [row.prediction or () for row in rows]):
        side = COCO()
        side.dataset = dataset(places, classes)
        side.createIndex()
        sides.append(side)
    return sides[0], sides[1]


def matches(rows: Sequence[Row], truth: Callable[[Sample], Sequence[Place]]) -> list[ClassMatches]:
    """pycocotools' evaluation, class by class over the images that have the class (the others change nothing).

    One area: fractions of an image have no small and large."""
    from pycocotools.cocoeval import COCOeval

    found = []
    with contextlib.redirect_stdout(io.StringIO()):
        sides = coco_sides(rows, truth)
        for number in sides[0].getCatIds():
            evaluation = COCOeval(*sides, iouType="bbox")
            params = evaluation.params
            params.catIds = [number]
            params.imgIds = sorted({image for side in sides for image in side.catToImgs.get(number, ())})
            params.areaRng, params.areaRngLbl, params.maxDets = params.areaRng[:1], ["all"], params.maxDets[-1:]
            evaluation.evaluate()
            evaluation.accumulate()
            found.append(class_matches(evaluation, len(rows)))
    return found


def dataset(places: Sequence[Sequence[Place]], classes: Mapping[str, int]) -> dict[str, Any]:
    """The boxes of all images in COCO's form; boxes without a class of the file take no part."""
    annotations: list[dict[str, Any]] = []
    for image, boxes in enumerate(places, start=1):
        for rank, place in enumerate(boxes):
            if place.label is None or place.label not in classes:
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


def class_matches(evaluation: Any, rows: int) -> ClassMatches:
    """pycocotools' matches of one class, ranked as `accumulate` ranks them: by score, ties in the order of the images."""
    most = evaluation.params.maxDets[-1]
    there = [
        (image - 1, cell) for image, cell in zip(evaluation.params.imgIds, evaluation.evalImgs, strict=True) if cell is not None
    ]
    objects = np.zeros(rows)
    for row, cell in there:
        objects[row] = np.count_nonzero(np.logical_not(cell["gtIgnore"]))
    scores = np.concatenate([np.asarray(cell["dtScores"][:most], dtype=np.float64) for _, cell in there])
    images = np.concatenate([np.full(len(cell["dtScores"][:most]), row) for row, cell in there])
    hits = np.concatenate([cell["dtMatches"][:, :most] for _, cell in there], axis=1) != 0
    order = np.argsort(-scores, kind="mergesort")
    precision = evaluation.eval["precision"][:, :, 0, 0, 0]
    return ClassMatches(precision, evaluation.params.recThrs, images[order].astype(np.int64), hits[:, order], objects)


def weighted(one: ClassMatches, weights: np.ndarray) -> np.ndarray:
    """AP of one class at every threshold, shape [replicates, thresholds], when image i counts `weights[:, i]` times.

    Precision only needs looking at where there is a hit: it falls in between. NaN where no true box is drawn."""
    objects = weights @ one.objects
    drawn = weights[:, one.images]
    ranked = np.cumsum(drawn, axis=1)
    result = np.zeros((len(weights), len(one.hits)))
    for number, hits in enumerate(one.hits):
        places = np.flatnonzero(hits)
        if len(places):
            found = np.cumsum(drawn[:, places], axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                precision = np.nan_to_num(found / ranked[:, places])
                recall = np.nan_to_num(found / objects[:, None])
            best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            reached = np.searchsorted(one.recalls, recall.ravel(), side="right").reshape(recall.shape)
            steps = np.diff(np.where(found > 0, reached, 0), axis=1, prepend=0)
            result[:, number] = (best * steps).sum(axis=1) / len(one.recalls)
    return np.where(objects[:, None] > 0, result, np.nan)


def intervals(rows: Sequence[Row], classes: Sequence[ClassMatches]) -> dict[str, tuple[float, float]]:
    """95 % intervals over images, drawn with replacement."""
    index, clusters = cluster_index(rows)
    if clusters < 2:
        return {}
    chosen: dict[str, list[np.ndarray]] = {"AP": [], "AP50": []}
    for weights in draws(clusters, seed_of("bootstrap", "coco_ap"), REPLICATES):
        table = np.stack([weighted(found, weights[:, index]) for found in classes])  # [classes, replicates, thresholds]
        defined = np.isfinite(table).any(axis=(0, 2))
        chosen["AP"].append(np.nanmean(table[:, defined], axis=(0, 2)))
        chosen["AP50"].append(np.nanmean(table[:, defined, 0], axis=0))
    return {name: (100 * float(low), 100 * float(high)) for name, (low, high) in percentiles(chosen).items()}


def percentiles(chosen: Mapping[str, Sequence[np.ndarray]]) -> dict[str, tuple[float, float]]:
    """The 2.5 and 97.5 percentiles of each list of replicates."""
    joined = {name: np.concatenate(blocks) for name, blocks in chosen.items()}
    return {name: tuple(np.percentile(values, [2.5, 97.5])) for name, values in joined.items() if len(values)}
