"""VOC2012's figures in ChEF: boxes that were said, in one text or in turns, and turns that a likelihood decided (reference 1.5.3, 1.5.4, 9.8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.stats import ratio
from lamm_bench.tasks.upstream_boxes import iou2d
from lamm_bench.tasks.upstream_reading import Box, boxes2d
from lamm_bench.tasks.upstream_scorer import Stats, UpstreamScorer
from lamm_bench.tasks.upstream_words import names_class_chef_utils
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample, Turn

from .voc2012_options import GRID, by_class

MARKED = re.compile(r"<object>(.*?)</object>")  # on one line, as upstream has it
PATCH = re.compile(r"<patch_index_(\d+)>")
HIT = 0.5  # an IoU above it


def marked_boxes(text: str) -> list[Box]:
    """Boxes in Kosmos-2's marks: an even number of them inside each pair of tags, all coordinates pooled, four to a box.

    >>> marked_boxes("a cat <object><patch_index_0000><patch_index_0528></object><patch_index_0001>")
    [(0.0, 0.0, 0.5, 0.5)]
    >>> marked_boxes("<object>patch_index_0000<patch_index_0528></object>"), marked_boxes("<object><patch_index_0000>\\n<patch_index_0528></object>")
    ([], [])
    """
    numbers: list[float] = []
    for inside in MARKED.findall(text):
        marks = [int(mark) for mark in PATCH.findall(inside)]
        for mark in marks[: len(marks) // 2 * 2]:
            numbers += [mark % GRID / GRID, mark // GRID / GRID]
    return [tuple(numbers[start : start + 4]) for start in range(0, len(numbers) - 3, 4)]


def in_order(answer: Mapping[str, str], turns: Sequence[Turn]) -> list[tuple[str, str]]:
    """What each turn was about and what was said; keys name what their turns were about where an answer file does (`2 cat`)."""
    named = [key.partition(" ")[2] for key in answer]
    own = [turn.prefix for turn in turns[: len(named)]]
    about = named if any(named) else own + [""] * (len(named) - len(own))
    return list(zip(about, answer.values()))


def overlaps(box: Box, boxes: Sequence[Sequence[float]]) -> bool:
    return any(iou2d(box, other) > HIT for other in boxes)


def said_boxes(read: Callable[[str], list[Box]]) -> UpstreamScorer:
    """Boxes in one text, a class counting wherever the text names it; in turns only the first class that the first turn names counts."""

    def counted(sample: Sample, prediction: list[tuple[str, str]] | str) -> Stats:
        if isinstance(prediction, str):
            found = read(prediction)
            hits = sum(
                names_class_chef_utils(thing["label"], prediction) and any(iou2d(box, thing["bbox"]) > HIT for box in found)
                for thing in sample.target
            )
            return {"hits": hits, "true": len(sample.target), "predicted": len(found)}
        true = by_class(sample.target)
        first = prediction[0][1] if prediction else ""
        named = next((name for name in true if names_class_chef_utils(name, first)), None)
        boxes = [box for prefix, text in prediction[1:] if prefix == named for box in read(text)]
        hits = sum(overlaps(box, true[named]) for box in boxes) if named is not None else 0
        return {"hits": hits, "true": len(sample.target), "predicted": len(boxes)}

    def parsed(answer: Answer, sample: Sample) -> list[tuple[str, str]] | str:
        return answer if isinstance(answer, str) else in_order(answer, sample.meta["turns"])

    return UpstreamScorer(
        metrics=SAID,
        count=counted,
        worst=lambda sample: {"hits": 0, "true": len(sample.target), "predicted": 0},
        values=("hits", "true", "predicted"),
        parse=parsed,
        beyond=stopping(SAID, {"predicted": "no answer of the whole set has a box"}),
    )


def weighed_turns(read: Callable[[str], list[Box]]) -> UpstreamScorer:
    """Turns that a likelihood decided: classes first, then the boxes of those classes that were chosen."""

    def counted(sample: Sample, prediction: list[tuple[str, str]]) -> Stats:
        true, known = by_class(sample.target), []
        about = [text for prefix, text in prediction if not prefix]
        for text in about:
            known += [name for name in true if names_class_chef_utils(name, text)][:1]
        stats = {**empty(sample), "classes": len(about), "right": len(known)}
        for prefix, text in prediction:
            if prefix and prefix in known:
                stats["grounded"] += 1
                stats["hits"] += overlaps(chosen_box(text, read), true[prefix])
        return stats

    def empty(sample: Sample) -> Stats:
        return {"classes": len(by_class(sample.target)), "right": 0, "grounded": 0, "hits": 0, "true": len(sample.target)}

    def parsed(answer: Answer, sample: Sample) -> list[tuple[str, str]]:
        if isinstance(answer, str):
            raise UpstreamStops("upstream reads turns here and stops at an answer that is one text")
        return in_order(untied(answer, sample), sample.meta["turns"])

    return UpstreamScorer(
        metrics=WEIGHED,
        count=counted,
        worst=empty,
        values=("classes", "right", "grounded", "hits", "true"),
        parse=parsed,
        beyond=stopping(WEIGHED, {"classes": "no turn is about a class", "grounded": "no class was chosen right"}),
    )


def untied(answer: Mapping[str, str], sample: Sample) -> dict[str, str]:
    """Of options that are level the first, as upstream takes it, where the likelihoods of all turns are known."""
    turns, scores, found = sample.meta["turns"], sample.meta.get("turn_scores", {}), {}
    for turn, (key, text) in zip(turns, answer.items()):
        own = scores.get(key.partition(" ")[0], ())
        known = text.startswith("tie: ") and len(own) == len(turn.options)
        found[key] = turn.options[own.index(max(own))] if known else text
    return found


def chosen_box(text: str, read: Callable[[str], list[Box]]) -> Box:
    found = read(text)
    if not found:
        raise UpstreamStops("upstream stops at a chosen option without a box")
    return found[0]


SAID = (
    Metric("mAP@0.5", ratio("hits", "predicted"), n="predicted"),
    Metric("mAR@0.5", ratio("hits", "true"), n="true"),
)
WEIGHED = (
    Metric("classification_acc", ratio("right", "classes"), n="classes"),
    Metric("grounding_acc", ratio("hits", "grounded"), n="grounded"),
    Metric("mAP@0.5", ratio("hits", "grounded"), n="grounded"),
    Metric("mAR@0.5", ratio("hits", "true"), n="true"),
)


def stopping(metrics: Sequence[Metric], sums: Mapping[str, str]) -> Callable[[Sequence[Row]], dict[str, Estimate]]:
    """No figures where upstream divides by zero: of what the sum would have to be of, and why there is nothing."""

    def beyond(rows: Sequence[Row]) -> dict[str, Estimate]:
        why = next((text for name, text in sums.items() if not any(row.stats[name] for row in rows)), "")
        if not why:
            return {}
        note = f"upstream divides by zero: {why}"
        return {metric.name: Estimate(None, None, 0, "percent", "higher", note=note) for metric in metrics}

    return beyond


BASIC = {"said": said_boxes(boxes2d), "weighed": weighed_turns(boxes2d)}
KOSMOS = {"said": said_boxes(marked_boxes), "weighed": weighed_turns(marked_boxes)}


@dataclass(frozen=True, eq=False)
class TurnsStandard:
    """Ours, of turns that a likelihood decided: is the right box chosen (the headline), and the right class; every turn counts."""

    read_boxes: Callable[[str], list[Box]]
    metrics: tuple[Metric, ...] = (
        Metric("grounding", ratio("boxes right", "boxes"), n="boxes"),
        Metric("classification", ratio("classes right", "classes"), n="classes"),
    )

    def read(self, answer: Answer, sample: Sample) -> tuple[str | None, ...] | None:
        """What each turn chooses; None for a turn whose options were level, or that is no option's form."""
        if isinstance(answer, str):
            return None
        numbered = {key.partition(" ")[0]: text.strip() for key, text in answer.items()}
        scores, found = sample.meta.get("turn_scores", {}), []
        for number, turn in enumerate(sample.meta["turns"], 1):
            text = numbered.get(str(number), "")
            own = scores.get(str(number), ())
            level = own.count(max(own, default=0)) > 1
            fits = bool(self.read_boxes(text)) if turn.prefix else re.match(r"an? \S", text) is not None
            found.append(text if fits and not level else None)
        return tuple(found) if any(found) else None

    def score(self, sample: Sample, prediction: Sequence[str | None] | None) -> dict[str, float]:
        turns = sample.meta["turns"]
        stats: dict[str, float] = {}
        for turn, said in zip(turns, prediction or (None,) * len(turns)):
            kind = "boxes" if turn.prefix else "classes"
            add(stats, kind, 1.0)
            add(stats, f"{kind} right", float(said == turn.options[0]))  # however the others were drawn
            add(stats, f"{kind} unread", float(said is None))
        return stats

    def show(self, sample: Sample, prediction: Sequence[str | None] | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"value": stats["boxes right"] / stats["boxes"], "predicted": list(prediction or ()), **stats}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return {}


def add(stats: dict[str, float], key: str, value: float) -> None:
    stats[key] = stats.get(key, 0.0) + value
