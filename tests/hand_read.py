"""Answers read by hand (`tests/readings/*.jsonl`) beside what the `standard` readers make of them.

One line is one answer: `kind`, `text`, `context` (a question's options, a joint's name) and `expected`, what a careful person
takes it to say; null where a person could not tell. To add one, write a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lamm_bench.read.places import Place
from lamm_bench.tasks import (
    captioning,
    classification,
    counting,
    detection,
    facial,
    keypoints,
    locating,
    ocr,
    scannet,
    scanrefer,
    vqa,
)
from lamm_bench.types import Sample, Scorer

FOLDER = Path(__file__).parent / "readings"
AGREE, MISREAD, OVER, MISSED = "agree", "false", "over", "missed"


def standard(shelf: Any, name: str) -> Scorer:
    return next(task.protocols["standard"] for task in shelf.TASKS if task.name == name)


SCORERS = {
    "choice": standard(vqa, "sqaimage"),
    "count": standard(counting, "fsc147"),
    "cifar10": standard(classification, "cifar10"),
    "ucmerced": standard(classification, "ucmerced"),
    "hair": standard(facial, "celeba-hair"),
    "smile": standard(facial, "celeba-smile"),
    "ocr": standard(ocr, "svt"),
    "caption": standard(captioning, "flickr30k"),
    "boxes": standard(detection, "voc2012"),
    "rooms": standard(scannet, "scannet"),
    "scanrefer": standard(scanrefer, "scanrefer"),
    "point": standard(keypoints, "lsp"),
    "points": standard(locating, "locating-voc2012"),
    "things": standard(locating, "locating-fsc147"),
}
LABELS = {
    "cifar10": tuple(classification.CIFAR10.aliases),
    "ucmerced": tuple(classification.UCMERCED.aliases),
    "hair": tuple(facial.HAIR.aliases),
    "boxes": tuple(detection.VOC.aliases),
    "points": tuple(detection.VOC.aliases),
    "rooms": tuple(scannet.SCANNET.aliases),
}


def reading(kind: str, text: str, context: Any) -> Any:
    """What the reader of this kind makes of a text, in the form of `expected`."""
    sample = Sample(
        "0", "?", (), None, "0", choices=tuple(context or ()) if kind == "choice" else (), meta={"labels": LABELS.get(kind, ())}
    )
    scorer = SCORERS[kind]
    if kind == "point":
        sample = Sample("0", "?", (), None, "0", parts=(context,))
        found = scorer.read({context: text}, sample)
        return list(found[0]) if found else None
    found = scorer.read(text, sample)
    if found is None or kind in ("choice", "count"):
        return found
    if kind in ("cifar10", "ucmerced", "hair"):
        return found[0] if len(found) == 1 else None
    if kind == "smile":
        return found == ("1",)
    if kind in ("boxes", "rooms", "points", "things"):
        return [round_place(place, kind != "things") for place in found]
    return [round(x, 6) for x in found] if kind == "scanrefer" else list(found)


def round_place(place: Place, labelled: bool) -> list[Any]:
    numbers = [round(x, 6) for x in place.numbers]
    return [place.label, *numbers] if labelled else numbers


def verdict(kind: str, said: Any, expected: Any) -> str:
    """Whether a reading agrees, says what the answer does not, says it and more, or says nothing."""
    if kind == "caption":
        expected = list(SCORERS["caption"].read(expected, Sample("0", "?", (), None, "0"))) if expected is not None else None
    if said == expected:
        return AGREE
    if said is None or (said == [] and expected):
        return MISSED
    if kind in ("caption", "ocr") and expected and all(word in said for word in expected):
        return OVER
    return MISREAD


def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(FOLDER.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
