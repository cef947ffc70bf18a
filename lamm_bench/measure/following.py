"""Instruction following as ChEF measures it (Shi et al. 2023; reference 2.6, 9.6): answers in the words that an instruction gave to the options.

Six settings of three types (natural, neutral, unnatural words). Of each the accuracy in the given words, and the match rate: how often
the option is chosen that was chosen when nothing was asked for. A question that is asked with turned options, whose ids differ by
millions, counts once, by the row that comes first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lamm_bench.errors import UpstreamStops

TURN = 1_000_000
SHORT_FOR = re.compile(r"([A-Z])\.")
BRACKET = re.compile(r"\(([A-Z])")
# in the order in which they are tried; {} stands for the word
FORMS = ("({})", "({}).", "{}.", "{},", "{}:", "{})", "{}).", ":{}", ":{},", ":{}.", ":{})", ":{}).")


@dataclass(frozen=True, slots=True)
class Followed:
    """One answer to a question with verbalizers."""

    id: str
    words: tuple[str, ...]  # the word of each option, in the options' order
    right: int  # the place of the right option
    answer: str

    @property
    def chosen(self) -> int | None:
        """The place of the word that the answer is; None where it is none."""
        return self.words.index(self.answer) if self.answer in self.words else None


def read_word(text: str, words: Sequence[str]) -> str | None:
    """The one of the words that upstream reads: alone between blanks (but for `A`, an article), or alone in one of twelve wrappings.

    As in all its readings any capital before a full stop, or else behind a bracket, stands for the whole answer. It is looked for before
    `###`, behind the last `Assistant:` and inside the marks at both ends, of which `<s>` and `<Img>` are taken off letter by letter (`II.`
    is a full stop to it); without such a capital the words are looked for in the whole answer as it was.

    >>> [read_word(text, ("foo", "dog")) for text in ("It is foo", "foo or dog", ":dog.", "Foo", "In plan C. dog")]
    ['foo', None, 'dog', None, None]
    >>> read_word("A", ("A", "B")), read_word("(A", ("A", "B")), read_word(":II.", ("I", "II"))
    (None, 'A', 'I')
    >>> read_word("II.", ("I", "II")), read_word("foo ###In C.", ("foo",)), read_word("C. Assistant: foo", ("foo",))
    ('II', 'foo', 'foo')
    """
    said = text.split("###")[0].split("Assistant:")[-1].strip().strip("</s>").strip("</Img>")
    found = SHORT_FOR.search(said) or BRACKET.search(said)
    tokens = set((f"({found.group(1)})" if found else text).split())
    bare = [word for word in words if word in tokens]
    if len(bare) == 1 and bare[0] != "A":
        return bare[0]
    for form in FORMS:
        wrapped = [word for word in words if form.format(word) in tokens]
        if len(wrapped) == 1:
            return wrapped[0]
    return None


def follows(one: Followed) -> bool:
    """Whether the right option's word is read, whatever its case."""
    said = read_word(one.answer, one.words)
    return said is not None and said.lower() == one.words[one.right].lower()


def first_rows(answers: Iterable[Followed]) -> list[Followed]:
    """One row of each question, the first. Raises `UpstreamStops` for an id that is no number."""
    found: dict[int, Followed] = {}
    for one in answers:
        try:
            number = int(one.id)
        except ValueError:
            raise UpstreamStops(f"upstream stops at the id {one.id[:30]}, which is no number") from None
        found.setdefault(number % TURN, one)
    return list(found.values())


def accuracy(answers: Iterable[Followed]) -> float | None:
    """In percent; None without any answer."""
    rows = first_rows(answers)
    return 100 * sum(map(follows, rows)) / len(rows) if rows else None


def match_rate(answers: Iterable[Followed], origin: Mapping[str, int | None]) -> float | None:
    """How often the same option is chosen as `origin` has it by id, in percent. Raises `UpstreamStops` for an id that origin lacks."""
    rows = first_rows(answers)
    strangers = [one.id for one in rows if one.id not in origin]
    if strangers:
        raise UpstreamStops(f"upstream stops at the id {strangers[0][:30]}, to which there is no answer without verbalizers")
    return 100 * sum(one.chosen is not None and one.chosen == origin[one.id] for one in rows) / len(rows) if rows else None


@dataclass(frozen=True, slots=True)
class Averages:
    """Both ways in which ChEF's versions average the settings; nobody knows which of them made the leaderboard (reference 9.1)."""

    plain: float  # over all settings alike: from 4 November 2023 on, although it is called weighted
    by_type: float  # over the three types' means: chef-v1


def averages(values: Mapping[str, Sequence[float]]) -> Averages:
    """From the settings' values by type.

    >>> averages({"natural": [60, 60, 60], "neutral": [30, 30], "unnatural": [0]})
    Averages(plain=40.0, by_type=30.0)
    """
    every = [value for several in values.values() for value in several]
    means = [sum(several) / len(several) for several in values.values()]
    return Averages(sum(every) / len(every), sum(means) / len(means))
