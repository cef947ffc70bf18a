"""Texts that are copies of others: an inverted index of 3-grams of words, exact by prefix filtering (Chaudhuri et al. 2006; Xiao et al.
2008), and the pool that grows only by what is new (Wang et al. 2023: ROUGE-L below 0.7 against all that is there)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from lamm_bench.measure.captions import rouge_l
from lamm_bench.read.vocabulary import words

GRAM = 3
NEW = 0.7  # ROUGE-L against the pool below which an instruction is new (Wang et al. 2023, section 2.2)


def grams(text: str) -> frozenset[tuple[str, ...]]:
    """The 3-grams of a text's words; of a shorter text, itself.

    >>> sorted(grams("A cat sat down.")), grams("Yes")
    ([('a', 'cat', 'sat'), ('cat', 'sat', 'down')], frozenset({('yes',)}))
    """
    said = words(text)
    return frozenset(tuple(said[place : place + GRAM]) for place in range(max(1, len(said) - GRAM + 1)))


def copies(texts: Sequence[str], share: float) -> list[int | None]:
    """For each text the first earlier one, itself no copy, that it shares at least `share` of its 3-grams with (Dice); None: it is new.

    Two texts of a and b grams that share so many have at least share x (a + b) / 2 in common, hence one of the rarest
    a - share / (2 - share) x a + 1 of the one is among those of the other: only these are looked up.

    >>> copies(["a cat sat on the mat today", "a dog ran", "a cat sat on the mat now", "a cat sat on the mat today"], 0.7)
    [None, None, 0, 0]
    """
    of = [grams(text) for text in texts]
    often = Counter(gram for one in of for gram in one)
    held: dict[tuple[str, ...], list[int]] = {}
    found: list[int | None] = []
    for number, own in enumerate(of):
        rarest = sorted(own, key=lambda gram: (often[gram], gram))
        least = math.ceil(share / (2 - share) * len(own) - 1e-9)
        prefix = rarest[: max(1, len(own) - least + 1)]
        seen = sorted({other for gram in prefix for other in held.get(gram, ())})
        copied = next((other for other in seen if alike(own, of[other]) >= share), None)
        found.append(copied)
        if copied is None:
            for gram in prefix:
                held.setdefault(gram, []).append(number)
    return found


def alike(first: frozenset[tuple[str, ...]], second: frozenset[tuple[str, ...]]) -> float:
    """Dice's coefficient: twice what is shared over the sum of both sizes."""
    return 2 * len(first & second) / (len(first) + len(second))


def new_ones(pool: Iterable[str], lines: Iterable[str], below: float = NEW) -> tuple[list[str], list[str]]:
    """Which lines are new against the pool and one another, in order; and those that are not.

    >>> new_ones(["Describe the picture."], ["Describe the picture here.", "What stands on the left?", "What stands on the right?"])
    (['What stands on the left?'], ['Describe the picture here.', 'What stands on the right?'])
    """
    there = [words(line) for line in pool]
    kept: list[str] = []
    others: list[str] = []
    for line in lines:
        said = words(line)
        if not said or any(rouge_l(said, [other]) >= below for other in there if set(said) & set(other)):
            others.append(line)
        else:
            kept.append(line)
            there.append(said)
    return kept, others
