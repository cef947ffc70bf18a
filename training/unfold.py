"""Dialogues as single questions with their right and wrong answers: what the contrastive stage learns from.

A turn is taken apart where it says several things: options become the right text and the wrong ones, a list of labelled
boxes becomes what is there and where each is, words become letters. Pure functions of the training data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

OPTION = re.compile(r"\(([A-Z])\) (.*?)(?= \([A-Z]\) |$)")
CHOSEN = re.compile(r"^\(([A-Z])\)")
NUMBERS = r"\[((?:-?\d+\.\d+(?:, )?)+)\]"
PLACE = re.compile(rf"^{NUMBERS}$")
LABELLED = re.compile(rf"([a-z]+) {NUMBERS}")
WORDS = re.compile(r"^[A-Z]+(?: [A-Z]+)*$")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_PLACES = 6
"""Numbers of one place: two of a point, four of a box, six of a box in a room."""


@dataclass(frozen=True)
class Asked:
    """A question about a media: either an answer and wrong ones, or the numbers of a place."""

    question: tuple[int, ...]  # tokens
    answer: tuple[int, ...] = ()
    others: tuple[tuple[int, ...], ...] = ()  # wrong answers to this very question; empty: drawn from the question's pool
    numbers: tuple[float, ...] = ()
    sided: bool = False  # whether mirroring the picture would make it wrong


def unfold(question: str, answer: str, labels: Sequence[str], encode: Callable[[str], Sequence[int]]) -> Iterator[Asked]:
    """The single questions of one turn; `labels` are all labels that lists of the data set name."""

    def asked(text: str, right: str = "", wrong: Sequence[str] = (), numbers: str = "") -> Asked:
        values = tuple(float(x) for x in numbers.split(", ")) if numbers else ()
        sided = bool(numbers) or re.search(r"left|right", f"{text} {right}") is not None
        return Asked(tuple(encode(text)), tuple(encode(right)), tuple(tuple(encode(one)) for one in wrong), values, sided)

    answer, chosen, place = answer.strip(), CHOSEN.match(answer), PLACE.match(answer.strip())
    if "Options:" in question and chosen:
        stem, _, listed = question.partition("Options:")
        options = dict(OPTION.findall(listed.strip()))
        if chosen[1] in options:
            right = options.pop(chosen[1])
            yield asked(stem.split("\n")[0].strip(), right, list(options.values()))
    elif place:
        if place[1].count(",") < MOST_PLACES:
            yield asked(question, numbers=place[1])
    elif LABELLED.match(answer):
        found = LABELLED.findall(answer)
        there = [label for label, _ in found]
        absent = [label for label in labels if label not in there]
        for label in sorted(set(there)):
            yield asked("Which object is there?", label, absent)
        for label, numbers in found:
            if there.count(label) == 1:
                yield asked(f"Where is the {label}?", numbers=numbers)
    elif WORDS.match(answer):
        yield asked("How many letters?", " ".join(str(len(word)) for word in answer.split(" ")))
        for number, word in enumerate(answer.split(" ")):
            for at, letter in enumerate(word):
                yield asked(f"Which is letter {at + 1} of word {number + 1}?", letter, [x for x in LETTERS if x != letter])
    elif not answer.startswith("["):
        yield asked(question, answer)


def labels_of(answers: Sequence[str]) -> tuple[str, ...]:
    """Every label that a list of labelled places names."""
    return tuple(sorted({label for answer in answers for label, _ in LABELLED.findall(answer)}))


def pools_of(asked: Sequence[Asked]) -> dict[tuple[int, ...], list[tuple[int, ...]]]:
    """For each question all answers that it ever gets."""
    pools: dict[tuple[int, ...], dict[tuple[int, ...], None]] = {}
    for one in asked:
        if one.answer and not one.others:
            pools.setdefault(one.question, {})[one.answer] = None
    return {question: list(answers) for question, answers in pools.items()}


@dataclass(frozen=True)
class Pools:
    """Wrong answers for one step: a question's pool is drawn from once, so that all who ask it share the texts."""

    answers: Mapping[tuple[int, ...], Sequence[tuple[int, ...]]]
    most: int
    stream: np.random.Generator
    drawn: dict[tuple[int, ...], list[tuple[int, ...]]] = field(default_factory=dict)

    def wrong(self, one: Asked) -> list[tuple[int, ...]]:
        """At most `most` wrong answers: the question's own, or from its pool."""
        if one.others:
            return list(one.others)
        if one.question not in self.drawn:
            known = self.answers.get(one.question, ())
            picks = self.stream.choice(len(known), min(len(known), self.most), replace=False) if known else ()
            self.drawn[one.question] = [known[i] for i in picks]
        return [answer for answer in self.drawn[one.question] if answer != one.answer]
