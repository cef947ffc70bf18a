"""Dialogues as single questions and as spots: what the encoders' stage learns from.

A turn is taken apart where it says several things: options become the right text and the wrong ones, words become letters, a
list of labelled places becomes what is there, where each is, and a spot for each. Pure functions of the training data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

OPTION = re.compile(r"\(([A-Z])\) (.*?)(?= \([A-Z]\) |$)")
CHOSEN = re.compile(r"^\(([A-Z])\)")
NUMBERS = r"\[((?:-?\d+\.\d+(?:, )?)+)\]"
PLACE = re.compile(rf"^{NUMBERS}$")
LISTED = re.compile(rf"((?:[A-Za-z]+ )*){NUMBERS}")
LIST = re.compile(rf"^(?:(?:[A-Za-z]+ )*{NUMBERS}(?:; |$))+$")
WORDS = re.compile(r"^[A-Z]+(?: [A-Z]+)*$")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_NUMBERS = 6
"""Numbers of one place: two of a point, four of a box, six of a box in a room."""


@dataclass(frozen=True)
class Asked:
    """A question about a media: either an answer and wrong ones, or the numbers of a place."""

    question: str
    answer: str = ""
    others: tuple[str, ...] = ()  # wrong answers to this very question; empty: all other answers that the question gets
    numbers: tuple[float, ...] = ()
    sided: bool = False  # whether mirroring the picture would make it wrong


@dataclass(frozen=True)
class Spot:
    """Something with a label at a place: [x, y], [x1, y1, x2, y2] or [x, y, z, l, w, h]."""

    label: str
    numbers: tuple[float, ...]

    @property
    def middle(self) -> tuple[float, float]:
        """x and y of the centre."""
        n = self.numbers
        return ((n[0] + n[2]) / 2, (n[1] + n[3]) / 2) if len(n) == 4 else (n[0], n[1])


def unfold(question: str, answer: str, labels: Sequence[str]) -> Iterator[Asked]:
    """The single questions of one turn; `labels` are all labels that lists in answer to this question ever name."""

    def asked(text: str, right: str = "", wrong: Sequence[str] = (), numbers: tuple[float, ...] = ()) -> Asked:
        sided = bool(numbers) or re.search(r"left|right", f"{text} {right}") is not None
        return Asked(text, right, tuple(wrong), numbers, sided)

    answer = answer.strip()
    place = PLACE.match(answer)
    if "Options:" in question:
        stem, _, listed = question.partition("Options:")
        options = dict(OPTION.findall(listed.strip()))
        right = chosen_of(answer, options)
        if right in options:
            said = options.pop(right)
            yield asked(stem.split("\n")[0].strip(), said, list(options.values()))
    elif place:
        if len(decimals(place[1])) <= MOST_NUMBERS:
            yield asked(question, numbers=decimals(place[1]))
    elif LIST.match(answer):
        found = [(words.strip(), decimals(numbers)) for words, numbers in LISTED.findall(answer)]
        there = [label for label, _ in found]
        for label in labels:
            yield asked(f"Is there a {label}, or several?", ("none", "one", "several")[min(there.count(label), 2)])
        for label, numbers in found:
            if label in labels and there.count(label) == 1:
                yield asked(f"Where is the {label}?", numbers=numbers)
    elif WORDS.match(answer):
        yield asked("How many letters?", " ".join(str(len(word)) for word in answer.split(" ")))
        for number, word in enumerate(answer.split(" ")):
            for at, letter in enumerate(word):
                yield asked(f"Which is letter {at + 1} of word {number + 1}?", letter, [x for x in LETTERS if x != letter])
    else:
        yield asked(question, answer)


def chosen_of(answer: str, options: Mapping[str, str]) -> str:
    """The letter of the option that an answer names, by its letter or by its text; empty where it names none.

    >>> [chosen_of(answer, {"A": "fish", "B": "tree"}) for answer in ("(B)", "fish", "stone")]
    ['B', 'A', '']
    """
    chosen = CHOSEN.match(answer)
    return chosen[1] if chosen else next((letter for letter, text in options.items() if text == answer), "")


def spots(question: str, answer: str) -> tuple[Spot, ...]:
    """What an answer that is a list of places says to be there; places without words are labelled with the question.

    >>> spots("Name all.", "fish A [0.10, 0.20]; B [0.30, 0.40]")[1:]
    (Spot(label='A', numbers=(0.1, 0.2)), Spot(label='B', numbers=(0.3, 0.4)))
    """
    answer = answer.strip()
    if not LIST.match(answer):
        return ()
    return tuple(
        Spot(word, decimals(numbers)) for words, numbers in LISTED.findall(answer) for word in words.split() or [question]
    )


def decimals(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(", "))


def labels_of(turns: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """For each question that is answered by lists all labels that these ever name, in lower case: letters of signs and
    diagrams are asked for one by one."""
    found: dict[str, set[str]] = {}
    for question, answer in turns:
        if LIST.match(answer.strip()):
            named = {words.strip() for words, _ in LISTED.findall(answer) if words}
            found.setdefault(question, set()).update(word for word in named if word.islower())
    return {question: tuple(sorted(labels)) for question, labels in found.items()}
