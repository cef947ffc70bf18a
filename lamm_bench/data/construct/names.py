"""Which things a text names, and how many of them it says there are, in the vocabulary of the facts themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import load_yaml, shorten
from lamm_bench.read.numerals import spell
from lamm_bench.read.vocabulary import Lexicon, Vocabulary, negated, tokens

from .facts import Facts

HIDES = ("hot dog", "hot dogs", "car seat", "bus stop", "bus station", "train station", "train track", "train tracks", "horse race", "bird house", "table cloth",
         "table tennis", "tennis table", "person's", "cell tower", "boat house", "cat food", "dog food", "cow boy", "toy car", "toy train", "no one")  # fmt: skip
LOOK = 3  # words between a number and what it counts: "two small brown dogs"


@dataclass
class Names:
    """The vocabulary of everything that any facts name, and what each of them allows to be said."""

    vocabulary: Vocabulary
    _allowed: dict[tuple[str, bool], frozenset[str]] = field(default_factory=dict)
    _counted: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Sequence[Facts], aliases: Mapping[str, Sequence[str]]) -> Names:
        known = list(dict.fromkeys(name for one in facts for name in things_of(one)))
        there = set(known)
        table = {name: tuple(others) for name, others in aliases.items() if name in there or there & set(others)}
        return cls(Lexicon(table, HIDES).vocabulary(tuple(known)))

    def allowed(self, facts: Facts, at_large: bool = False) -> frozenset[str]:
        """The names that the facts hold, in any of their texts; `at_large` also in what is known of the kind."""
        if (facts.id, at_large) not in self._allowed:
            said = " . ".join(text for name, text in facts.texts() if at_large or name != "knowledge")
            own = {self.vocabulary.label(name) for name in facts.names}
            self._allowed[facts.id, at_large] = frozenset(own | set(self.vocabulary.find(said)))
        return self._allowed[facts.id, at_large]

    def unknown(self, text: str, facts: Facts, at_large: bool = False) -> list[str]:
        """Known things that a text names and the facts do not."""
        allowed = self.allowed(facts, at_large)
        return [name for name in self.vocabulary.named(text) if name not in allowed]

    def numbers(self, facts: Facts) -> dict[str, int]:
        """How many there are of each thing, under the vocabulary's names."""
        if facts.id not in self._counted:
            found: dict[str, int] = {}
            for name, number in facts.numbers().items():
                label = self.vocabulary.label(name)
                found[label] = found.get(label, 0) + number
            self._counted[facts.id] = found
        return self._counted[facts.id]

    def too_many(self, text: str, facts: Facts) -> str | None:
        """A number of things that is more than there are, where every one was annotated and no text of the facts says it too."""
        there = self.numbers(facts)
        said = [(number, label) for number, label in counted(text, self.vocabulary) if number > there.get(label, number)]
        if not said:
            return None
        told = {pair for caption in facts.captions for pair in counted(caption, self.vocabulary)}
        return next(
            (f"says {number} of {label}, and there are {there[label]}" for number, label in said if (number, label) not in told),
            None,
        )


def things_of(facts: Facts) -> tuple[str, ...]:
    """The names of things; what an attribute says of a thing is none."""
    related = [name for subject, said, other in facts.relations for name in ((subject,) if said == "is" else (subject, other))]
    return tuple(dict.fromkeys([*facts.labels, *(thing.label for thing in facts.things), *related, *filter(None, facts.counts)]))


def counted(text: str, vocabulary: Vocabulary) -> list[tuple[int, str]]:
    """Numbers from two on and the things behind them.

    >>> counted("Two small dogs and 12 birds; one cat in row 3.", Lexicon({"dog": (), "bird": (), "cat": ()}).vocabulary(()))
    [(2, 'dog'), (12, 'bird')]
    """
    said = tokens(text)
    found = []
    for start in range(len(said)):
        spelled: tuple[float, int] | None = None
        if start == 0 or said[start - 1] != "of":
            spelled = spell(said, start) or (
                (float(said[start]), 1) if said[start].isdecimal() and len(said[start]) < 4 else None
            )
        if spelled is None or not 2 <= spelled[0] < 1000 or int(spelled[0]) != spelled[0] or negated(said, start):
            continue
        place = start + spelled[1]
        for step in range(min(LOOK + 1, len(said) - place)):
            if not said[place + step][0].isalnum():
                break
            label, _ = vocabulary.longest_at(said, place + step)
            if label:
                found.append((int(spelled[0]), label))
                break
    return found


@lru_cache(maxsize=8)
def aliases_in(path: Path | None) -> Mapping[str, Sequence[str]]:
    """Our own table, and what a plan adds. Raises `BenchError` for a file of another form."""
    own: dict[str, Any] = load_yaml(Path(__file__).parent / "names.yaml")
    if path is None:
        return own
    data = load_yaml(path)
    if not isinstance(data, dict):
        raise BenchError(f"{path} holds {type(data).__name__}, expected a mapping from a name to a list of other names")
    for name, others in data.items():
        if not isinstance(name, str) or not isinstance(others, list) or not all(isinstance(one, str) for one in others):
            raise BenchError(f"{path}: `{name}` is {shorten(others)}, expected a list of other names")
    return {**own, **data}
