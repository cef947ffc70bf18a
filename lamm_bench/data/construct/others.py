"""Whether an answer is about the medium it was asked about: it shares words with its facts, and not its rare ones with those of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lamm_bench.read.vocabulary import words

from .dialogue import Dialogue, Verdict
from .facts import Facts

RARE = 0.02  # share of media whose facts hold a word from which on it tells nothing about one of them
LEAST = 3  # rare words that an answer must share with other facts, and
TIMES = 3  # times as many as with its own, to be theirs
SHORTEST = 4  # letters of a word that tells something


@dataclass
class Others:
    """An index of the words of all facts."""

    of: Mapping[str, frozenset[str]]  # facts -> their words
    where: Mapping[str, Sequence[str]]  # rare word -> facts

    @classmethod
    def among(cls, facts: Sequence[Facts]) -> Others:
        of = {one.id: frozenset(telling(" ".join(text for _, text in one.texts()))) for one in facts}
        often = Counter(word for said in of.values() for word in said)
        most = max(2, int(RARE * len(of)))
        where: dict[str, list[str]] = {}
        for name, said in of.items():
            for word in said:
                if often[word] <= most:
                    where.setdefault(word, []).append(name)
        return cls(of, where)

    def check(self, dialogue: Dialogue) -> Verdict | None:
        """The verdict on an answer that fits its own facts not at all, or others far better; None where it may be its own."""
        said = set(telling(" ".join(turn.answer for turn in dialogue.turns)))
        shared = Counter(name for word in said for name in self.where.get(word, ()))
        own = len(said & self.of.get(dialogue.facts, frozenset()))
        shared.pop(dialogue.facts, None)
        least = LEAST if dialogue.kind == "C2" else 1
        if own < min(least, len(self.of.get(dialogue.facts, ()))) and not (shared and max(shared.values()) >= LEAST):
            return Verdict(dialogue.id, "off_topic", f"shares {own} words with its facts")
        best = min(shared, key=lambda name: (-shared[name], name), default=None)
        if best is not None and shared[best] >= max(LEAST, TIMES * own):
            return Verdict(dialogue.id, "other_media", f"fits {best}: {', '.join(sorted(said & self.of[best])[:5])}")
        return None


def telling(text: str) -> list[str]:
    return [word for word in words(text) if len(word) >= SHORTEST and word.isalpha()]
