"""Protocol `classic`: upstream's evaluators of July 2023, faults included (reference 1.4 to 1.14 and Appendix H, column S).

Every figure is a percentage of the same fraction that upstream prints, except the counting errors. Where upstream ends with
an exception a scorer raises `UpstreamStops`; such a sample is counted as wrong."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.captions import ORDERS, ngrams
from lamm_bench.measure.stats import ratio
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample, Scorer

from .binary_loc import POOLS
from .upstream_boxes import iou2d, iou3d
from .upstream_reading import LETTERS_2D, LETTERS_3D, Box, boxes2d, boxes3d, chosen, count, points, quoted_classic
from .upstream_scorer import Stats, UpstreamScorer, one_of, plain, pooled
from .upstream_words import names_class, words

Said = tuple[str, list[Box]]  # the whole answer, and the boxes or points parsed from it


def with_boxes(answer: Answer, sample: Sample) -> Said:
    return plain(answer, sample), boxes2d(plain(answer, sample))


def with_boxes3d(answer: Answer, sample: Sample) -> Said:
    return plain(answer, sample), boxes3d(plain(answer, sample))


def with_points(answer: Answer, sample: Sample) -> Said:
    return plain(answer, sample), points(plain(answer, sample))


def number_of_objects(sample: Sample) -> int:
    return len(sample.target)


def smiles(text: str) -> str:
    """`-1` if one of the words is `no` or `not`, else `1` (reference 1.8); also for an empty answer."""
    said = words(text)
    return "-1" if "no" in said or "not" in said else "1"


def overlapped(sample: Sample, said: Said) -> int:
    """Objects whose class the text names and that any box overlaps with IoU > 0.5 (reference 1.5.1, O2)."""
    text, boxes = said
    return sum(
        names_class(thing["label"], text) and any(iou2d(box, thing["bbox"]) > 0.5 for box in boxes) for thing in sample.target
    )


def overlapped3d(sample: Sample, said: Said) -> int:
    """As `overlapped`, with upstream's unclamped 3D IoU (O3)."""
    text, boxes = said
    return sum(
        names_class(thing["label"], text) and any(iou3d(box, thing["bbox"], clamp=False) > 0.5 for box in boxes)
        for thing in sample.target
    )


def within(point: Box, box: Sequence[float]) -> bool:
    """Strictly inside."""
    return box[0] < point[0] < box[2] and box[1] < point[1] < box[3]


def located(sample: Sample, said: Said) -> int:
    """Objects whose class the text names and that hold any of the points (reference 1.13)."""
    text, found = said
    return sum(
        names_class(thing["label"], text) and any(within(point, thing["bbox"]) for point in found) for thing in sample.target
    )


def located_person(sample: Sample, said: Said) -> int:
    """Whether any point, scaled to pixels, lies inside the tight box around all joints."""
    width, height = sample.meta["size"]
    xs, ys = [joint[0] for joint in sample.target], [joint[1] for joint in sample.target]
    around = (min(xs), min(ys), max(xs), max(ys))
    return int(any(within((x * width, y * height), around) for x, y in said[1]))


def few(sample: Sample) -> int:
    """The points of an image that upstream scores: those of images with fewer than ten."""
    return len(sample.target) if len(sample.target) < 10 else 0


def near(point: Box, goal: Sequence[float]) -> bool:
    """Closer than 0.1, both axes divided by the image size (reference 1.11, 1.13)."""
    across, down = point[0] - goal[0], point[1] - goal[1]
    return math.sqrt(across * across + down * down) < 0.1


def located_points(sample: Sample, said: Said) -> int:
    """Ground-truth points near to any said point, in images with fewer than ten."""
    width, height = sample.meta["size"]
    goals = [(goal[0] / width, goal[1] / height) for goal in sample.target]
    return sum(any(near(point, goal) for point in said[1]) for goal in goals) if few(sample) else 0


def counted(sample: Sample, prediction: int) -> Stats:
    """Absolute error; `count` gives 0 where no number could be read (O8)."""
    error = abs(sample.target - prediction)
    if error > sys.float_info.max:
        raise UpstreamStops("upstream cannot average a count of more than 308 digits")
    below_ten = sample.target < 10
    return {"error": error, "items": 1, "error_lt10": error if below_ten else 0, "items_lt10": int(below_ten)}


def without_small_counts(rows: Sequence[Row]) -> dict[str, Estimate]:
    if any(row.stats["items_lt10"] for row in rows):
        return {}
    note = "upstream divides by zero: no item below 10 in the whole set"
    return {"mae_lt10": Estimate(None, None, 0, "count", "lower", note=note)}


def share_of_words(expected: Sequence[str], said: Sequence[str]) -> float:
    """The share of the expected words, lower-cased, that were said."""
    if not expected:
        raise UpstreamStops("upstream divides by zero: the item lists no word")
    return sum(word.lower() in said for word in expected) / len(expected)


def word_scorer(parse: Any) -> UpstreamScorer:
    """Mean share of words per image (reference 1.10); `parse` gives the said words."""
    return UpstreamScorer(
        metrics=(Metric("word_accuracy", ratio("share", "items"), n="items"),),
        count=lambda sample, said: {"share": share_of_words(sample.target, said), "items": 1},
        worst=lambda sample: {"share": 0.0, "items": 1},
        values=("share",),
        parse=parse,
    )


def said_words(answer: Answer, sample: Sample) -> list[str]:
    return quoted_classic(plain(answer, sample)).lower().split()


def sentence_bleu(candidate: Sequence[str], most: Sequence[Counter[tuple[str, ...]]], lengths: Sequence[int]) -> float:
    """BLEU-4 of one sentence without smoothing, 0 to 1, as NLTK computes it (Papineni et al. 2002; reference 1.12).

    `most` holds for each order how often an n-gram occurs in the reference that has it most often, `lengths` the
    references' lengths. No common word gives 0; an order without a match counts as the smallest normal float, so that the
    result is about 1e-77 or less instead of 0."""
    logs = []
    for order in ORDERS:
        said = ngrams(candidate, order)
        matched = sum(min(number, most[order - 1][gram]) for gram, number in said.items())
        if order == 1 and matched == 0:
            return 0.0
        logs.append(math.log(matched / max(1, sum(said.values())) if matched else sys.float_info.min))
    length = len(candidate)
    closest = min(lengths, key=lambda other: (abs(other - length), other))
    penalty = 1.0 if length > closest else math.exp(1 - closest / length)
    return penalty * math.exp(math.fsum(0.25 * log for log in logs))


def caption_bleu(text: str, references: Sequence[str]) -> float:
    """The best fragment's sentence BLEU-4 times 100; fragments of the quoted part end at full stops (O12)."""
    if not references:
        raise UpstreamStops("upstream stops at an item without reference sentences")
    wanted = [reference.replace(".", "").split() for reference in references]
    most: list[Counter[tuple[str, ...]]] = []
    for order in ORDERS:
        most.append(Counter())
        for reference in wanted:
            most[-1] |= ngrams(reference, order)
    lengths = [len(reference) for reference in wanted]
    return 100 * max(sentence_bleu(fragment.split(), most, lengths) for fragment in quoted_classic(text).split("."))


def joint_answers(answer: Answer, sample: Sample) -> Mapping[str, str]:
    """The answers of all joints; upstream takes them by position and stops at a fifteenth."""
    if not isinstance(answer, Mapping):
        raise UpstreamStops("upstream stops at a keypoint answer that is not one text per joint")
    if len(answer) > len(sample.target):
        raise UpstreamStops(f"upstream stops at joint answer {len(sample.target) + 1}: the item has {len(sample.target)} joints")
    return answer


def correct_joints(sample: Sample, answers: Mapping[str, str]) -> int:
    """Joints, by position in the answer, that any parsed point is close to: what upstream's PCK was meant to count."""
    width, height = sample.meta["size"]
    goals = [(joint[0] / width, joint[1] / height) for joint in sample.target]
    return sum(any(near(point, goal) for point in points(text)) for goal, text in zip(goals, answers.values()))


def vqa(letters: str) -> UpstreamScorer:
    """The letter rules of 1.6 with upstream's letter list for 2D or 3D."""
    return one_of(lambda sample, text: chosen(text, sample.choices, sample.target, letters, letters))


CLASSIFICATION = one_of(lambda sample, text: names_class(sample.target, text))

CLASSIC: dict[str, Scorer] = {
    "cifar10": CLASSIFICATION,
    "voc2012": pooled("recall@0.5", overlapped, number_of_objects, with_boxes),
    "sqaimage": vqa(LETTERS_2D),
    "ai2d": vqa(LETTERS_2D),
    "flickr30k": UpstreamScorer(
        metrics=(Metric("bleu4", lambda sums: sums["bleu4"] / sums["items"], n="items"),),
        count=lambda sample, text: {"bleu4": caption_bleu(text, sample.target), "items": 1},
        worst=lambda sample: {"bleu4": 0.0, "items": 1},
        values=("bleu4",),
    ),
    "ucmerced": one_of(lambda sample, text: sample.target in text),  # case and spelling matter (O6)
    "fsc147": UpstreamScorer(
        metrics=(
            Metric("mae", ratio("error", "items", scale=1.0), "count", "lower"),
            Metric("mae_lt10", ratio("error_lt10", "items_lt10", scale=1.0), "count", "lower", n="items_lt10"),
        ),
        count=counted,
        worst=lambda sample: counted(sample, 0),
        values=("error",),
        parse=lambda answer, sample: count(plain(answer, sample)) or 0,
        beyond=without_small_counts,
    ),
    "svt": word_scorer(said_words),
    "celeba-smile": one_of(lambda sample, text: smiles(text) == sample.target),
    "celeba-hair": CLASSIFICATION,
    # The sum is never assigned upstream, so that every image counts 0 of 14 (reference 1.11, O11); what it was meant to be is beside it.
    "lsp": UpstreamScorer(
        metrics=(
            Metric("pck@0.1", ratio("share", "items"), n="items"),
            Metric("pck@0.1_intended", ratio("correct", "total"), n="total"),
        ),
        count=lambda sample, answers: {"share": 0.0, "items": 1, "correct": correct_joints(sample, answers), "total": 14},
        worst=lambda sample: {"share": 0.0, "items": 1, "correct": 0, "total": 14},
        parse=joint_answers,
        display=lambda sample, stats: {"value": stats["share"], "correct": int(stats["correct"]), "total": 14},
    ),
    "locating-voc2012": pooled("accuracy", located, number_of_objects, with_points),
    "locating-lsp": pooled("accuracy", located_person, lambda sample: 1, with_points),
    "locating-fsc147": pooled(
        "accuracy", located_points, few, with_points, stop="upstream divides by zero: every image has ten points or more"
    ),
    "scannet": pooled("recall@0.5", overlapped3d, number_of_objects, with_boxes3d),
    "scanrefer": UpstreamScorer(
        metrics=tuple(Metric(name, ratio(name, "items"), n="items") for name in ("acc@0.25", "acc@0.5")),
        count=lambda sample, said: first_box(sample, said[1], clamp=False),
        worst=lambda sample: {"acc@0.25": 0, "acc@0.5": 0, "items": 1},
        values=("acc@0.25", "acc@0.5"),
        parse=with_boxes3d,
    ),
    "scanqa": vqa(LETTERS_3D),
}


def first_box(sample: Sample, boxes: Sequence[Box], clamp: bool) -> Stats:
    """Whether the first parsed box, and only that, overlaps the target (reference 1.14)."""
    overlap = iou3d(boxes[0], sample.target, clamp) if boxes else 0.0
    return {"acc@0.25": int(overlap > 0.25), "acc@0.5": int(overlap > 0.5), "items": 1}


def pool(counts: Mapping[str, tuple[int, int]]) -> dict[str, dict[str, float | None]]:
    """The pooled binary locating metric from each task's (hits, total): accuracy in percent, hits, total per edition.

    >>> pool({"locating-voc2012": (1, 2), "locating-lsp": (1, 1), "locating-fsc147": (0, 1)})["june"]
    {'accuracy': 50.0, 'hits': 2, 'total': 4}
    """
    found: dict[str, dict[str, float | None]] = {}
    for edition, members in POOLS[0].members.items():
        hits, total = (sum(counts[task][part] for task in members) for part in (0, 1))
        found[edition] = {"accuracy": 100 * hits / total if total else None, "hits": hits, "total": total}
    return found
