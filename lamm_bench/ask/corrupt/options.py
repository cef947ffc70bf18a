"""Where a question ends and its options begin, and options in another order, the truth with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from lamm_bench.read import LETTERS
from lamm_bench.task import lettered
from lamm_bench.types import Sample

LABELS = ("Question:",)  # that stand before a question and are none of it
BEHIND = re.compile(r"\n?\s*(?:Context:|Options:|\(A\))")  # where a question ends


def question_part(text: str) -> tuple[str, str, str]:
    """What stands before the question, the question, and what stands behind it: context and options.

    >>> question_part("Question: What is it?\\nContext: N/A\\nOptions: (A) a (B) b")
    ('Question: ', 'What is it?', '\\nContext: N/A\\nOptions: (A) a (B) b')
    """
    start = next((len(label) + 1 for label in LABELS if text.startswith(f"{label} ")), 0)
    found = BEHIND.search(text, start)
    end = found.start() if found is not None else len(text)
    return text[:start], text[start:end], text[end:]


def movable(sample: Sample) -> bool:
    """Whether the truth is the place of one of several lettered options, so that it can follow them."""
    place = sample.target
    return lettered(sample) and len(sample.choices) > 1 and type(place) is int and 0 <= place < len(sample.choices)


def reordered(sample: Sample, order: Sequence[int]) -> Sample:
    """The sample with its options in another order: `order[n]` is the old place of the new n-th. As it was where its question tells
    its options in a way that cannot be read."""
    text = relisted(sample.question, sample.choices, [sample.choices[place] for place in order])
    if text is None:
        return sample
    choices = tuple(sample.choices[place] for place in order)
    return replace(sample, question=text, choices=choices, target=list(order).index(sample.target))


def relisted(question: str, old: Sequence[str], new: Sequence[str]) -> str | None:
    """A question with the texts behind its letters replaced; as it is where it tells no letters, None where they tell something else."""
    before, inner, tail = question_part(question)
    if "(A)" not in tail:
        return question
    made, at = "", tail.index("(A)")
    head, rest = tail[:at], tail[at:]
    for letter, was, now in zip(LETTERS, old, new):
        told = re.match(rf"\s*\({letter}\)\s*", rest)
        if told is None or not rest[told.end() :].startswith(was.strip()):
            return None
        made += told[0] + now.strip()
        rest = rest[told.end() + len(was.strip()) :]
    return before + inner + head + made + rest


def rotated(count: int, left: bool) -> list[int]:
    """Every option one place on; the last comes to the other end.

    >>> rotated(4, left=True), rotated(4, left=False)
    ([1, 2, 3, 0], [3, 0, 1, 2])
    """
    return [(place + (1 if left else -1)) % count for place in range(count)]


def another_order(count: int, stream: Random) -> list[int]:
    """Any order but the one that was, all equally likely.

    >>> another_order(2, Random(0)), sorted(another_order(4, Random(0)))
    ([1, 0], [0, 1, 2, 3])
    """
    order = list(range(count))
    while count > 1 and order == sorted(order):
        stream.shuffle(order)
    return order
