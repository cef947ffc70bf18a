"""What the encoders' stage is taught about each media: questions, answers and spots as numbers, ready for batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lamm_bench.media import modality
from lamm_bench.types import Media

from .dialogues import Dialogue
from .unfold import MOST_NUMBERS, Asked, Spot, labels_of, spots, unfold

MOST_ANSWERS = 64
"""Questions with more different answers than this are left to the language model: captions, words."""


@dataclass(frozen=True)
class Lesson:
    """Everything said about one media. Rows of the arrays belong together."""

    question: np.ndarray  # int32 [questions]
    answer: np.ndarray  # int32 [questions]; -1 where the answer is a place
    options: tuple[tuple[int, ...], ...]  # the answers to choose from; empty where all of the question's are
    numbers: np.ndarray  # float32 [questions, 6], NaN where there is no number
    sided: np.ndarray  # bool [questions]: wrong once the picture is mirrored
    label: np.ndarray  # int32 [spots]
    spot: np.ndarray  # float32 [spots, 6], NaN where there is no number
    middle: np.ndarray  # float32 [spots, 2]
    scope: np.ndarray  # int32: the labels of which all spots are known


@dataclass
class Course:
    """All lessons, and the tables that their numbers point into."""

    questions: dict[str, int] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    allowed: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), bool))  # [questions, answers]
    lessons: dict[Media, Lesson] = field(default_factory=dict)


def course(dialogues: Sequence[Dialogue]) -> Course:
    """The lessons of all media that anything is said about, in the order of the dialogues."""
    labels = labels_of(turn for one in dialogues for turn in one.turns)
    asked: dict[Media, dict[Asked, None]] = {}  # a question that two dialogues ask counts once
    seen: dict[Media, list[tuple[str, tuple[Spot, ...]]]] = {}
    for one in dialogues:
        for question, answer in one.turns:
            asked.setdefault(one.media, {}).update(dict.fromkeys(unfold(question, answer, labels.get(question, ()))))
            found = spots(question, answer)
            # "the sofa near the door" is one of many names for a box that the list of the room holds already
            if found and (not modality(one.media.kind).described or found[0].label != question):
                seen.setdefault(one.media, []).append((question, found))
    pools: dict[str, dict[str, None]] = {}
    for each in asked.values():
        for a in each:
            pools.setdefault(a.question, {}).update(dict.fromkeys((a.answer, *a.others) if a.answer else ()))
    closed = {question: pool for question, pool in pools.items() if len(pool) <= MOST_ANSWERS}
    scopes: dict[str, dict[str, None]] = {}
    for lists in seen.values():
        for question, found in lists:
            scopes.setdefault(question, {}).update(dict.fromkeys(spot.label for spot in found))
    out = Course(
        table(closed), table(a for pool in closed.values() for a in pool), table(x for scope in scopes.values() for x in scope)
    )
    out.allowed = np.zeros((len(out.questions), len(out.answers)), bool)
    for question, pool in closed.items():
        out.allowed[out.questions[question], [out.answers[a] for a in pool]] = True
    for media, each in asked.items():
        out.lessons[media] = lesson([a for a in each if a.question in closed], seen.get(media, []), scopes, out)
    return out


def table(texts: object) -> dict[str, int]:
    return {text: index for index, text in enumerate(sorted(set(texts)))}  # type: ignore[call-overload]


def lesson(
    asked: Sequence[Asked], lists: Sequence[tuple[str, tuple[Spot, ...]]], scopes: Mapping[str, Mapping[str, None]], out: Course
) -> Lesson:
    found = list(dict.fromkeys(spot for _, spots in lists for spot in spots))
    scope = sorted({out.labels[label] for question, _ in lists for label in scopes[question]})
    return Lesson(
        np.array([out.questions[a.question] for a in asked], np.int32),
        np.array([out.answers[a.answer] if a.answer else -1 for a in asked], np.int32),
        tuple(tuple(out.answers[x] for x in (a.answer, *a.others)) if a.others else () for a in asked),
        padded([a.numbers for a in asked]),
        np.array([a.sided for a in asked], bool),
        np.array([out.labels[spot.label] for spot in found], np.int32),
        padded([spot.numbers for spot in found]),
        np.array([spot.middle for spot in found], np.float32).reshape(-1, 2),
        np.array(scope, np.int32),
    )


def padded(rows: Sequence[tuple[float, ...]]) -> np.ndarray:
    """float32 [rows, 6]."""
    out = np.full((len(rows), MOST_NUMBERS), np.nan, np.float32)
    for row, numbers in zip(out, rows):
        row[: len(numbers)] = numbers
    return out
