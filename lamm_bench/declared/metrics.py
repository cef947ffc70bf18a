"""The closed list of metrics of task files, over what the readers have read. Every formula names its source.

A `Measure` turns one sample into statistics that are summed, and its metrics are functions of the sums. `right` among the statistics says
that a sample is all right: what `together` asks of a group. To add one, write a `Measure` and name it in MEASURES."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lamm_bench.measure.geometry import iou_2d, iou_3d, reaches
from lamm_bench.measure.stats import f1, ratio
from lamm_bench.measure.texts import (
    anls,
    as_number,
    contains,
    exact,
    exact_plain,
    exact_refined,
    f_value,
    relative_accuracy,
    relaxed,
    says,
    squeezed,
    vqa_accuracy,
)
from lamm_bench.read import read_words
from lamm_bench.types import Metric, Sample, Sums

from .sources import said as compared

NEAR = 0.1  # `within_10%`
WORST = 1e140  # an error whose square can still be summed: answers may hold hundreds of digits
SAME = 1e-9  # relative difference of numbers that are equal but for rounding


@dataclass(frozen=True)
class Settings:
    """What a task file says of its metric besides the name."""

    at: tuple[float, ...] = (0.5,)  # thresholds of IoU
    blanks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # meta name -> its values for which blanks do not count
    also: tuple[str, ...] = ()  # `captions`: BLEU, ROUGE-L, CIDEr and METEOR of the same answers; `f_value`: ScanQA's
    words: bool = False  # whether `contains` wants whole words


Stats = dict[str, float]


@dataclass(frozen=True)
class Measure:
    """One entry of the list. `stats(sample, prediction, settings)`; None is the worst answer."""

    readers: tuple[str, ...]
    metrics: Callable[[Settings], tuple[Metric, ...]]
    stats: Callable[[Sample, Any, Settings], Stats]
    doc: str
    right: bool = True  # whether `right` says of one sample that it is all right


def accuracy(sample: Sample, said: Any, settings: Settings) -> Stats:
    return {"items": 1.0, "right": float(said is not None and is_right(sample, said))}


def is_right(sample: Sample, said: Any) -> bool:
    """An option or a number by equality; a text by `exact_plain`, or as a number."""
    if isinstance(sample.target, int) and isinstance(said, int):
        return said == sample.target
    if isinstance(said, int | float):
        return same(float(said), float(sample.target))
    own = as_number(said)
    if own is not None and any(value is not None and same(own, value) for value in map(as_number, sample.target)):
        return True
    return exact_plain(said, sample.target)


def same(first: float, second: float) -> bool:
    return abs(first - second) <= SAME * max(1.0, abs(first), abs(second))


def balanced(sample: Sample, said: Any, settings: Settings) -> Stats:
    found = accuracy(sample, said, settings)
    name = str(sample.target)
    return {**found, f"items|{name}": 1.0, f"right|{name}": found["right"]}


def mean_recall(sums: Sums) -> np.ndarray:
    """Balanced accuracy in percent: the mean over the true classes of the share that is right (Brodersen et al. 2010)."""
    names = sorted(key.partition("|")[2] for key in sums if key.startswith("items|"))
    return 100 * mean_of([(sums[f"right|{name}"], sums[f"items|{name}"]) for name in names])


def mean_of(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The mean of ratios, [replicates]; those without anything below are left out."""
    total = counted = np.zeros(1)
    for top, bottom in pairs:
        there = bottom > 0
        total = total + np.where(there, top / np.where(there, bottom, 1), 0.0)
        counted = counted + there
    return np.where(counted > 0, total / np.where(counted > 0, counted, 1), np.nan)


def detection(sample: Sample, said: Any, settings: Settings) -> Stats:
    """Yes is what is looked for (Li et al. 2023, POPE, section 3)."""
    yes = sample.target == 0
    right = float(said == sample.target)
    return {"items": 1.0, "right": right, "said_yes": float(said == 0), "true_yes": float(yes), "hits": float(yes and said == 0)}


def exact_match(sample: Sample, said: Any, settings: Settings) -> Stats:
    if said is None:
        return {"items": 1.0, "right": 0.0, "refined": 0.0, **({"f": 0.0} if "f_value" in settings.also else {})}
    right = exact(said, sample.target)
    found = {"items": 1.0, "right": float(right), "refined": float(right or exact_refined(said, sample.target))}
    return {**found, "f": f_value(said, sample.target)} if "f_value" in settings.also else found


def refined_match(sample: Sample, said: Any, settings: Settings) -> Stats:
    found = exact_match(sample, said, settings)
    return {"items": 1.0, "exact": found["right"], "right": found["refined"]}


def containment(sample: Sample, said: Any, settings: Settings) -> Stats:
    tight = any(compared(sample.meta["columns"].get(name)) in values for name, values in settings.blanks.items())
    rule = squeezed if tight else says if settings.words else contains
    return {"items": 1.0, "right": float(said is not None and rule(said, sample.target))}


def share_of(rule: Callable[[str, Sequence[str]], float]) -> Callable[[Sample, Any, Settings], Stats]:
    """A figure between 0 and 1 of each sample."""

    def stats(sample: Sample, said: Any, settings: Settings) -> Stats:
        value = float(rule(said, sample.target)) if said is not None else 0.0
        return {"items": 1.0, "value": value, "right": float(value == 1.0)}

    return stats


def number_error(sample: Sample, said: Any, settings: Settings) -> Stats:
    """Without a number the error of answering 0."""
    error = min(abs(float(sample.target) - (said or 0.0)), WORST)
    there = said is not None
    return {
        "items": 1.0,
        "error": error,
        "squared": error**2,
        "right": float(there and same(float(said), float(sample.target))),
        "near": float(there and error <= NEAR * abs(sample.target)),
    }


def relative(sample: Sample, said: Any, settings: Settings) -> Stats:
    value = relative_accuracy(said, float(sample.target)) if said is not None else 0.0
    return {"items": 1.0, "value": value, "right": float(said is not None and same(float(said), float(sample.target)))}


def found_words(sample: Sample, said: Any, settings: Settings) -> Stats:
    truth, own = Counter(read_words(" ".join(sample.target))), Counter(said or ())
    hits = (truth & own).total()
    return {
        "items": 1.0,
        "hits": hits,
        "expected": truth.total(),
        "predicted": own.total(),
        "right": float(said is not None and truth == own),
    }


def overlaps(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> np.ndarray:
    """IoU [first, second] of boxes of pictures or of rooms."""
    return (iou_3d if len(second[0]) == 6 else iou_2d)(first, second)


def one_box(sample: Sample, said: Any, settings: Settings) -> Stats:
    """By the box that overlaps most, where several are right."""
    truths = [sample.target, *sample.meta.get("others", ())]
    iou = float(overlaps(truths, [said]).max()) if said is not None else 0.0
    hits = {f"hit@{t:g}": float(reaches(iou, t)) for t in settings.at}
    return {"items": 1.0, "iou": iou, **hits, "right": hits[f"hit@{settings.at[0]:g}"]}


def many_boxes(sample: Sample, said: Any, settings: Settings) -> Stats:
    """F1 of each sample after matching one to one by most IoU; where there is nothing, 1 if nothing is said (Zhang et al. 2023, Multi3DRefer,
    section 5)."""
    stats: Stats = {"items": 1.0}
    pairs = pairs_of(sample.target, said or [])
    for t in settings.at:
        hits = sum(bool(reaches(iou, t)) for iou in pairs)
        count = len(sample.target) + len(said or ())
        none = float(said is not None and not said) if not sample.target else 0.0
        stats[f"f1@{t:g}"] = 2 * hits / count if sample.target else none
    return {**stats, "right": float(stats[f"f1@{settings.at[0]:g}"] == 1.0)}


def pairs_of(truth: Sequence[Sequence[float]], said: Sequence[Sequence[float]]) -> list[float]:
    """IoUs of the pairs that have most IoU together (Hungarian method: Kuhn 1955)."""
    if not truth or not said:
        return []
    from scipy.optimize import linear_sum_assignment

    table = overlaps(truth, said)
    return [float(table[row, column]) for row, column in zip(*linear_sum_assignment(-table))]


def point_inside(sample: Sample, said: Any, settings: Settings) -> Stats:
    x1, y1, x2, y2 = sample.target
    inside = said is not None and x1 - SAME <= said[0] <= x2 + SAME and y1 - SAME <= said[1] <= y2 + SAME
    return {"items": 1.0, "right": float(inside)}


def nothing(sample: Sample, said: Any, settings: Settings) -> Stats:
    """Never called: the scorer hands captions on before it counts."""
    raise NotImplementedError("captions are counted by CaptionScorer")


def always(*metrics: Metric) -> Callable[[Settings], tuple[Metric, ...]]:
    return lambda settings: metrics


RIGHT = Metric("accuracy", ratio("right", "items"))
CHOSEN = ("letter", "yes_no")

MEASURES: dict[str, Measure] = {
    "accuracy": Measure(
        ("letter", "yes_no", "number", "text"), always(RIGHT), accuracy,
        "share that is right: options and numbers equal, texts equal but for case, punctuation, articles",
    ),
    "balanced": Measure(
        CHOSEN, always(Metric("balanced_accuracy", mean_recall), RIGHT), balanced,
        "mean over the true answers of the share that is right",
    ),
    "detection": Measure(
        ("yes_no",),
        always(
            RIGHT, Metric("F1", f1("hits", "said_yes", "true_yes"), n="true_yes"),
            Metric("precision", ratio("hits", "said_yes"), n="said_yes"), Metric("recall", ratio("hits", "true_yes"), n="true_yes"),
            Metric("yes_ratio", ratio("said_yes", "items")),
        ),
        detection, "accuracy, F1, precision and recall of yes, and how often it is said",
    ),
    "exact": Measure(
        ("text", "whole"),
        lambda own: (
            Metric("EM", ratio("right", "items")), Metric("EM-R", ratio("refined", "items")),
            *((Metric("F-value", ratio("f", "items", counts=False)),) if "f_value" in own.also else ()),
        ),
        exact_match,
        "EM: equal to an answer but for case; EM-R: LEO's refined match, where one stands within the other",
    ),
    "refined": Measure(
        ("text", "whole"), always(Metric("EM-R", ratio("right", "items")), Metric("EM", ratio("exact", "items"))), refined_match,
        "as `exact`, but EM-R leads and says what is right",
    ),
    "contains": Measure(
        ("text", "whole"), always(RIGHT), containment, "share of answers in which a true one stands (`blanks`: for which values without blanks)",
    ),
    "anls": Measure(
        ("text",), always(Metric("ANLS", ratio("value", "items", counts=False)), Metric("exact", ratio("right", "items"))), share_of(anls),
        "normalised Levenshtein similarity to the nearest true answer, 0 below a half",
    ),
    "relaxed": Measure(
        ("text",), always(Metric("relaxed_accuracy", ratio("right", "items"))), share_of(relaxed),
        "share that is right, numbers within 5 %",
    ),
    "vqa": Measure(
        ("text",), always(Metric("VQA_accuracy", ratio("value", "items", counts=False))), share_of(vqa_accuracy),
        "agreement with ten people: min(1, n/3), the mean over nine of them at a time",
    ),
    "error": Measure(
        ("number",),
        always(
            Metric("MAE", ratio("error", "items", 1.0), "count", "lower"),
            Metric("RMSE", lambda sums: np.sqrt(sums["squared"] / sums["items"]), "count", "lower", shape="root"),
            Metric("exact", ratio("right", "items")), Metric("within_10%", ratio("near", "items")),
        ),
        number_error, "mean absolute and root mean square error, shares of exact and near numbers",
    ),
    "mra": Measure(
        ("number",), always(Metric("MRA", ratio("value", "items", counts=False)), Metric("exact", ratio("right", "items"))), relative,
        "mean relative accuracy over ten levels",
    ),
    "word_f1": Measure(
        ("words",),
        always(
            Metric("word_F1", f1("hits", "predicted", "expected"), n="expected"),
            Metric("word_recall", ratio("hits", "expected"), n="expected"), Metric("word_precision", ratio("hits", "predicted"), n="predicted"),
        ),
        found_words, "words found and invented, as multisets, pooled over the samples",
    ),
    "captions": Measure(("caption", "located"), always(), nothing, "BLEU-1 to 4, ROUGE-L, CIDEr, METEOR where its program is there", right=False),
    "iou": Measure(
        ("box",),
        lambda own: (*(Metric(f"acc@{t:g}", ratio(f"hit@{t:g}", "items")) for t in own.at), Metric("mean_IoU", ratio("iou", "items", counts=False))),
        one_box, "share of boxes that overlap enough (`at`: thresholds of IoU)",
    ),
    "f1_boxes": Measure(
        ("boxes",), lambda own: tuple(Metric(f"F1@{t:g}", ratio(f"f1@{t:g}", "items", counts=False)) for t in own.at), many_boxes,
        "mean F1 of each sample's boxes, matched one to one (`at`); nothing said where nothing is: 1",
    ),
    "inside": Measure(("point",), always(Metric("hit_rate", ratio("right", "items"))), point_inside, "share of points that lie in the target's box"),
}  # fmt: skip
