"""COCO's average precision of answers that carry no confidence: the order of emission stands in for it.

The first box of every answer ranks above every second box, and so on; the order among equals is that of several shuffles. Matches within an image
are pycocotools' own; the counting over images (Lin et al. 2014; `COCOeval.accumulate`: cumulative precision, made monotone, read at 101
recalls) is done here, with weights, so that it can be done without each image: that gives the interval."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamm_bench.measure.geometry import corners_2d
from lamm_bench.measure.intervals import kish, of_ratio
from lamm_bench.measure.stats import cluster_index
from lamm_bench.read import Place
from lamm_bench.types import Estimate, Row, Sample

if TYPE_CHECKING:
    from .boxes import BoxScorer

TIES = 8  # orders of equal confidences
GROUPS = 200  # clusters that are left out one by one; more are left out in groups
CHUNK = 50  # of them at a time: bounds memory
NOTE = "emission order as confidence"


@dataclass(frozen=True)
class ClassMatches:
    """What pycocotools found for one class, its detections in no order that matters."""

    recalls: np.ndarray  # [recalls], where precision is read
    scores: np.ndarray  # [detections]
    images: np.ndarray  # [detections], the row of each
    hits: np.ndarray  # [thresholds, detections], bool
    objects: np.ndarray  # [rows], true boxes of the class in each

    def ranked(self, ties: np.ndarray) -> ClassMatches:
        """Detections by score, those of one score by their image's place in `ties` [rows]."""
        order = np.lexsort((ties[self.images], -self.scores))
        return replace(self, scores=self.scores[order], images=self.images[order], hits=self.hits[:, order])


def average_precision(rows: Sequence[Row], scorer: BoxScorer) -> dict[str, Estimate]:
    """AP (mean over IoU 0.50 to 0.95 and classes) and AP50, in percent, with intervals over images.

    Equal confidences are ranked in `TIES` orders that the samples' ids decide, and the mean counts: the file's order decides nothing."""
    found = matches(rows, scorer.truth)
    orders = [[one.ranked(ties_of(rows, number)) for one in found] for number in range(TIES)]
    values = np.mean([whole_and_half(one, np.ones((1, len(rows))))[:, 0] for one in orders], axis=0)
    objects = int(sum(one.objects.sum() for one in found))
    index, clusters = cluster_index(rows)
    left_out = whole_and_half(orders[0], without_each(rows, index, clusters)) if clusters > 1 else np.zeros((2, 0))
    sizes = kish(np.bincount(index, weights=sum(one.objects for one in found), minlength=clusters)) if clusters else 0.0
    out = {}
    for name, value, left in zip(("AP", "AP50"), values, left_out):
        spread = of_ratio(value, left, max(sizes, 1.0)) if len(left) > 1 and np.isfinite(left).all() else None
        ends = (100 * spread[0], 100 * spread[1]) if spread else None
        out[name] = Estimate(100 * float(value), ends, objects, "percent", "higher", clusters, note=NOTE)
    return out


def ties_of(rows: Sequence[Row], number: int) -> np.ndarray:
    """A place for each row among those of equal confidence, made of its sample's id."""
    keys = [hashlib.sha256(f"{number}/{row.sample.id}".encode("utf-8", "surrogatepass")).digest() for row in rows]
    return np.argsort(np.argsort(np.array(keys, dtype="S32"), kind="stable"), kind="stable")


def without_each(rows: Sequence[Row], index: np.ndarray, clusters: int) -> np.ndarray:
    """Weights [groups, rows] that leave out one cluster each, or one group of them where there are more than `GROUPS`."""
    if clusters > GROUPS:
        names = [hashlib.sha256(row.sample.group.encode("utf-8", "surrogatepass")).digest() for row in rows]
        index, clusters = np.array([int.from_bytes(name[:4], "big") % GROUPS for name in names]), GROUPS
    return (index[None, :] != np.arange(clusters)[:, None]).astype(np.float64)


def whole_and_half(classes: Sequence[ClassMatches], weights: np.ndarray) -> np.ndarray:
    """AP and AP50 as shares, [2, replicates], for weights [replicates, rows]."""
    out = []
    for start in range(0, len(weights), CHUNK):
        table = np.stack(
            [weighted(found, weights[start : start + CHUNK]) for found in classes]
        )  # [classes, replicates, thresholds]
        with np.errstate(invalid="ignore"):
            out.append(np.stack([np.nanmean(table, axis=(0, 2)), np.nanmean(table[:, :, 0], axis=0)]))
    return np.concatenate(out, axis=1)


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
    """pycocotools' matches of one class."""
    most = evaluation.params.maxDets[-1]
    there = [
        (image - 1, cell) for image, cell in zip(evaluation.params.imgIds, evaluation.evalImgs, strict=True) if cell is not None
    ]
    objects = np.zeros(rows)
    for row, cell in there:
        objects[row] = np.count_nonzero(np.logical_not(cell["gtIgnore"]))
    scores = np.concatenate([np.asarray(cell["dtScores"][:most], dtype=np.float64) for _, cell in there])
    images = np.concatenate([np.full(len(cell["dtScores"][:most]), row) for row, cell in there]).astype(np.int64)
    hits = np.concatenate([cell["dtMatches"][:, :most] for _, cell in there], axis=1) != 0
    return ClassMatches(evaluation.params.recThrs, scores, images, hits, objects)


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
