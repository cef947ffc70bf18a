"""A stored answer, and what is kept of every sample beside its score. Of very many samples it is made when somebody looks at it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lamm_bench.read import Frame
from lamm_bench.types import NOTHING, Answer, Record, Row, Scorer, softmax

from .sure import NO_LIKELIHOOD

MANY = 4096  # samples of which what is kept of each is not held in memory
SHORT = 200  # letters of answers that are expected to come again


@dataclass(frozen=True, slots=True)
class Answered:
    """One stored answer and how its dialogue ended."""

    text: Answer | None
    status: str = "ok"
    frame: Frame | None = None  # whose numbers it speaks; None: fractions of the picture
    scores: tuple[float, ...] = ()  # of the options, where likelihood decided
    prob: float | None = None  # of the chosen option among them, where a file says it
    turn_scores: Mapping[str, tuple[float, ...]] = field(
        default_factory=lambda: NOTHING
    )  # of each turn's options, where a sample was asked in turns

    @property
    def confidence(self) -> float | None:
        """How sure the answer is, 0 to 1: what a file says, else the greatest of the options' softmax (ChEF, reference 2.5)."""
        if self.prob is not None or not self.scores:
            return self.prob
        best = max(self.scores)
        return 1 / math.fsum(math.exp(score - best) for score in self.scores) if math.isfinite(best) else None


class Alike:
    """What is the same to the last bit and type lies in memory once, as most of a large benchmark's answers and statistics do. Of very many
    that differ no more are kept for it."""

    def __init__(self) -> None:
        self._stats: dict[tuple[Any, ...], Mapping[str, float]] = {}
        self._texts: dict[str, tuple[str, Any]] = {}

    def one(self, stats: Mapping[str, float]) -> Mapping[str, float]:
        """These statistics, or the same ones from before."""
        key = tuple((name, value.__class__, repr(value)) for name, value in stats.items())
        known = self._stats.get(key)
        if known is None and len(self._stats) < MANY:
            self._stats[key] = stats
        return stats if known is None else known

    def read(self, text: Answer | None, prediction: Any) -> tuple[Answer | None, Any]:
        """A text and what was read in it, or the same ones from before. Words and lists of words are taken as the same, nothing else."""
        if not isinstance(text, str):
            return text, prediction
        known = self._texts.get(text)
        if known is None:
            if len(self._texts) < MANY and len(text) <= SHORT:
                self._texts[text] = (text, prediction)
            return text, prediction
        return known[0], known[1] if is_words(prediction) and is_words(known[1]) and known[1] == prediction else prediction


def is_words(prediction: Any) -> bool:
    """Whether a prediction is a text or a list of texts, of which equal ones are the same."""
    return isinstance(prediction, str) or (prediction.__class__ is list and all(one.__class__ is str for one in prediction))


class Stored(Mapping[str, Answered]):
    """Records as answers, each made when somebody looks at it."""

    def __init__(self, records: Mapping[str, Record]) -> None:
        self._records = records

    def __getitem__(self, name: str) -> Answered:
        record = self._records[name]
        said = record.prediction
        if said is None:
            return Answered(None, record.status)
        return Answered(said.text, record.status, scores=said.scores, turn_scores=said.turn_scores)

    def __contains__(self, name: object) -> bool:
        return name in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


def shown(scorer: Scorer, rows: Sequence[Row], answered: Mapping[str, Answered]) -> Mapping[str, Mapping[str, Any]]:
    """What is kept of every sample: its status and values; also those that the other samples decide, as its CIDEr. Of many samples it is
    made when somebody looks at it."""
    among = scorer.each(rows) if hasattr(scorer, "each") else None
    told = Shown(scorer, rows, answered, among)
    return told if len(rows) >= MANY else dict(told.pairs())


class Shown(Mapping[str, Mapping[str, Any]]):
    """What is kept of every sample, made of its row each time."""

    def __init__(
        self,
        scorer: Scorer,
        rows: Sequence[Row],
        answered: Mapping[str, Answered],
        among: Sequence[Mapping[str, float]] | None,
    ) -> None:
        self._scorer, self._rows, self._answered, self._among = scorer, rows, answered, among

    @cached_property
    def _places(self) -> dict[str, int]:
        return {row.sample.id: place for place, row in enumerate(self._rows)}

    def _made(self, place: int) -> dict[str, Any]:
        row = self._rows[place]
        return {
            "status": row.status,
            **self._scorer.show(row.sample, row.prediction, row.stats),
            **(self._among[place] if self._among is not None else {}),
            **probabilities(self._answered.get(row.sample.id)),
        }

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self._made(self._places[name])

    def __iter__(self) -> Iterator[str]:
        return (row.sample.id for row in self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def pairs(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """All of them in order, without looking any up."""
        return ((row.sample.id, self._made(place)) for place, row in enumerate(self._rows))


def each_shown(samples: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every sample of a score with what is kept of it."""
    yield from samples.pairs() if isinstance(samples, Shown) else samples.items()


def probabilities(answered: Answered | None) -> dict[str, Any]:
    """What the options' likelihoods make of each, where likelihood decided: their soft maximum, and its largest (reference 2.5).

    Of scores that are no log-likelihoods (losses of old answer files, gains over a prior) nothing is said."""
    scores = answered.scores if answered is not None else ()
    if not scores or any(math.isnan(score) or score > NO_LIKELIHOOD for score in scores):
        return {}
    found = softmax(scores)
    return {"probs": list(found), "prob": max(found)}
