"""Protocol `chef`: the LAMM metric classes of ChEF (March 2024), faults included (reference 1.4 to 1.14, 1.19, Appendix H).

The answer file's text is taken as the whole answer: there is no separate reasoning field. Where upstream ends with an
exception a scorer raises `UpstreamStops`; such a sample is counted as wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.stats import ratio
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample, Scorer, Sums

from .chef_captions import CAPTIONS
from .classic import Said, first_box, located_person, number_of_objects, smiles, with_boxes3d, with_points, within, word_scorer
from .upstream_boxes import detection_sentences, iou3d, iou_matrix_float32, most_pairs
from .upstream_reading import LETTERS_2D, Box, chosen, count, quoted_chef
from .upstream_scorer import Stats, UpstreamScorer, one_of, plain, pooled
from .upstream_words import names_class_chef, names_class_chef_utils

# ChEF's patterns know five letters, its table of choices seven (reference 1.6, O13).
KNOWN_LETTERS = "ABCDEFG"
THRESHOLDS = ("0.50", "0.25")
Found = list[tuple[str, Box]]


def sentences(answer: Answer, sample: Sample) -> Found:
    return detection_sentences(plain(answer, sample))


def no_detections(sample: Sample) -> Stats:
    hits = {f"{name}@{threshold}": 0 for threshold in THRESHOLDS for name in ("tp", "tp_wocat")}
    return {"gt": len(sample.target), "pred": 0, **hits}


def detections(sample: Sample, found: Found) -> Stats:
    """Boxes matched one to one with the objects, with and without regard to the class (reference 1.5.2).

    IoU is computed in single precision and the thresholds are inclusive; the matching takes as many pairs as it can."""
    stats = no_detections(sample)
    if not found:
        return stats
    if not sample.target:
        raise UpstreamStops("upstream stops at a box in an image without objects")
    overlap = iou_matrix_float32([box for _, box in found], [thing["bbox"] for thing in sample.target])
    named = np.array([[names_class_chef_utils(thing["label"], category) for thing in sample.target] for category, _ in found])
    stats["pred"] = len(found)
    for threshold in THRESHOLDS:
        high = overlap >= np.float32(threshold)
        stats[f"tp@{threshold}"] = most_pairs(high & named)
        stats[f"tp_wocat@{threshold}"] = most_pairs(high)
    return stats


def detection_metrics() -> tuple[Metric, ...]:
    """Recall over all objects; precision with upstream's 1e-7 in the denominator."""
    metrics = []
    for threshold in THRESHOLDS:
        for suffix in ("", "_wocat"):
            key = f"tp{suffix}@{threshold}"
            metrics.append(Metric(f"recall{suffix}@{threshold}", ratio(key, "gt"), n="gt"))
            metrics.append(Metric(f"prec{suffix}@{threshold}", precision(key), n="pred"))
    return tuple(metrics)


def precision(hits: str) -> Callable[[Sums], np.ndarray]:
    return lambda sums: 100 * sums[hits] / (sums["pred"] + 1e-7)


def without_boxes(rows: Sequence[Row]) -> dict[str, Estimate]:
    if any(row.stats["pred"] for row in rows):
        return {}
    note = "upstream stops: no answer of the whole set has a box it can read"
    return {metric.name: Estimate(None, None, 0, "percent", "higher", note=note) for metric in detection_metrics()}


def overlapped3d(sample: Sample, said: Said) -> int:
    """As classic, with the IoU clamped and ChEF's class matcher."""
    text, boxes = said
    return sum(
        names_class_chef_utils(thing["label"], text) and any(iou3d(box, thing["bbox"], clamp=True) > 0.5 for box in boxes)
        for thing in sample.target
    )


def located(sample: Sample, said: Said) -> int:
    """As classic, with ChEF's class matcher."""
    text, found = said
    return sum(
        names_class_chef_utils(thing["label"], text) and any(within(point, thing["bbox"]) for point in found)
        for thing in sample.target
    )


def counted(sample: Sample, prediction: int) -> Stats:
    """The absolute error, at most the true count (O9), and whether it is zero."""
    error = abs(sample.target - prediction)
    return {"abs_err_clipped": min(sample.target, error), "correct": int(error == 0), "items": 1}


def said_words(answer: Answer, sample: Sample) -> list[str]:
    return quoted_chef(plain(answer, sample)).lower().split()


CLASSIFICATION = one_of(lambda sample, text: names_class_chef(sample.target, text))
VQA = one_of(lambda sample, text: chosen(text, sample.choices, sample.target, LETTERS_2D, KNOWN_LETTERS))

CHEF: dict[str, Scorer] = {
    "cifar10": CLASSIFICATION,
    "voc2012": UpstreamScorer(
        metrics=detection_metrics(),
        count=detections,
        worst=no_detections,
        values=("gt", "pred", "tp@0.50", "tp_wocat@0.50", "tp@0.25", "tp_wocat@0.25"),
        parse=sentences,
        beyond=without_boxes,
    ),
    "sqaimage": VQA,
    "ai2d": VQA,
    "flickr30k": CAPTIONS,
    "ucmerced": one_of(lambda sample, text: sample.target in text),
    "fsc147": UpstreamScorer(
        metrics=(
            Metric("mae", ratio("abs_err_clipped", "items", scale=1.0), "count", "lower"),
            Metric("accuracy", ratio("correct", "items")),
        ),
        count=counted,
        worst=lambda sample: {"abs_err_clipped": sample.target, "correct": 0, "items": 1},
        values=("abs_err_clipped", "correct"),
        parse=lambda answer, sample: count(plain(answer, sample)) or 0,
    ),
    "svt": word_scorer(said_words),
    "celeba-smile": one_of(lambda sample, text: smiles(text) == sample.target),
    "celeba-hair": CLASSIFICATION,
    "locating-voc2012": pooled("accuracy", located, number_of_objects, with_points),
    "locating-lsp": pooled("accuracy", located_person, lambda sample: 1, with_points),
    "scannet": pooled("mAR", overlapped3d, number_of_objects, with_boxes3d),
    "scanrefer": one_of(lambda sample, said: first_box(sample, said[1], clamp=True)["acc@0.5"] == 1, "mAR", with_boxes3d),
    "scanqa": VQA,
}
