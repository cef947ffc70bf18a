"""How ChEF reads an option out of an answer (reference 1.16.1 and 9.8): preprocessing, letters, then texts; faults included."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lamm_bench.errors import UpstreamStops

LETTERS = "ABCDEFG"
SHORT_FOR = re.compile(r"([A-Z])\.")  # any capital before a full stop is taken for the letter, `U.S.` too
BRACKET = re.compile(r"\(([A-Z])")
# in the order in which they are tried; X stands for the letter
WRAPPED = ("(X)", "(X).", "X.", "X,", "X:", "X)", "X).", ":X", ":X,", ":X.", ":X)", ":X).")
FORMS = tuple(tuple(form.replace("X", letter) for letter in LETTERS) for form in WRAPPED)


@dataclass(frozen=True, slots=True)
class Extracted:
    """What upstream reads: a letter or none, and by which of its two ways."""

    letter: str | None
    way: Literal["", "option", "content"] = ""


def preprocessed(answer: str) -> str:
    """
    >>> preprocessed("Assistant: It is in the U.S. ### Human"), preprocessed("(B) north"), preprocessed(" north ")
    ('(U)', '(B)', 'north')
    """
    text = answer.split("###")[0].split("Assistant:")[-1].strip()
    found = SHORT_FOR.search(text) or BRACKET.search(text)
    return f"({found.group(1)})" if found else text


def by_option(text: str) -> str | None:
    """
    >>> by_option("B"), by_option("it is B"), by_option("A dog runs"), by_option("A B"), by_option("answer is :C)")
    ('B', 'B', None, None, 'C')
    """
    tokens = text.split()
    there = set(tokens)
    bare = [letter for letter in LETTERS if letter in there]
    if len(bare) == 1 and not ("A" in there and len(tokens) >= 3):
        return bare[0]
    for form in FORMS:
        found = [letter for letter, wrapped in zip(LETTERS, form) if wrapped in there]
        if len(found) == 1:
            return found[0]
    return None


def by_content(text: str, choices: Sequence[str]) -> str | None:
    """The option that the text is, else the only one that it holds. Raises `UpstreamStops` where there is an eighth option."""
    place = list(choices).index(text) if text in choices else len(LETTERS)
    if place < len(LETTERS):
        return LETTERS[place]
    if len(choices) > len(LETTERS):
        raise UpstreamStops(f"upstream has no letter for the last of {len(choices)} options")
    said = text.lower()
    found = [letter for letter, choice in zip(LETTERS, choices) if choice.lower() in said]
    return found[0] if len(found) == 1 else None


def extract(answer: str, choices: Sequence[str], content_only: bool = False) -> Extracted:
    """
    >>> extract("The answer is (C)", ["a", "b", "c"]), extract("a dark red leaf", ["red leaf", "leaf blower"])
    (Extracted(letter='C', way='option'), Extracted(letter='A', way='content'))
    """
    text = answer if content_only else preprocessed(answer)
    letter = None if content_only else by_option(text)
    if letter is not None:
        return Extracted(letter, "option")
    letter = by_content(text, choices)
    return Extracted(letter, "content" if letter is not None else "")
