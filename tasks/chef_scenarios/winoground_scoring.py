"""Winoground's figures: is each picture given the better caption (text), each caption the better picture (image), and both (group).

Thrush et al. 2022, equations 1 to 3. Upstream's comparison was written for losses and now gets log-likelihoods, so that under `chef` the
lower score is the better one (reference 1.17.6, 2.2.5)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.stats import ratio
from lamm_bench.read import read_choice, text_of
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .groups import gathered, share, whole_groups
from .yes_no import YesNoScorer

# for what has changed places: where the questions stand whose pairs are c0i0, c0i1, c1i0, c1i1 before the change
ASKED = {1: (2, 3, 0, 1), 2: (1, 0, 3, 2)}
FIGURES = ("Text", "Image", "Group")
Scores = Sequence[float]


def verdict(scores: Scores) -> dict[str, bool]:
    """From the scores of c0i0, c0i1, c1i0, c1i1, the higher the better.

    >>> verdict((4, 1, 2, 3)), verdict((4, 3, 2, 3))
    ({'Text': True, 'Image': True, 'Group': True}, {'Text': False, 'Image': True, 'Group': False})
    """
    c0i0, c0i1, c1i0, c1i1 = scores
    text, image = c0i0 > c1i0 and c1i1 > c0i1, c0i0 > c0i1 and c1i1 > c1i0
    return {"Text": text, "Image": image, "Group": text and image}


def in_place(group: Sequence[Row], scores: Scores) -> list[float]:
    """The scores of an example's questions by their pairs before the change of places."""
    return [scores[place] for place in ASKED[group[0].sample.meta["shuffle"]]]


def likelihoods(sample: Sample, count: int) -> tuple[float, ...]:
    """The options' likelihoods of an answer, which upstream's metric cannot do without."""
    scores = tuple(sample.meta.get("scores", ()))
    if len(scores) < count:
        raise UpstreamStops("upstream reads likelihoods here and stops at an answer without them")
    return scores


def by_example(rows: Sequence[Row]) -> list[list[Row]]:
    groups = gathered(rows, lambda row: row.sample.meta["main_id"]).values()
    return [sorted(group, key=lambda row: row.sample.meta["type"]) for group in groups]


@dataclass(frozen=True, eq=False)
class WinogroundScorer:
    """Upstream's metric class, in percent: the score of `Yes` of an example's four questions, the lower the better."""

    metrics: tuple[Metric, ...] = ()

    def read(self, answer: Answer, sample: Sample) -> float:
        return likelihoods(sample, 1)[0]

    def score(self, sample: Sample, prediction: float | None) -> dict[str, float]:
        return {"items": 1}

    def show(self, sample: Sample, prediction: float | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"read": prediction}

    def each(self, rows: Sequence[Row]) -> list[dict[str, float]]:
        """What is counted of the example that a question belongs to."""
        groups = {group[0].sample.meta["main_id"]: group for group in by_example(rows)}
        found = {main: {name: float(right(group, name)) for name in FIGURES} for main, group in groups.items()}
        return [found[row.sample.meta["main_id"]] for row in rows]

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        groups = by_example(rows)
        short = sum(not answered(group) for group in groups)
        note = f"upstream stops at {short} examples with fewer than four scores, which count as wrong" if short else ""
        return {k: v for name in FIGURES for k, v in share(name, groups, lambda group: right(group, name), note).items()}  # noqa: B023


def answered(group: Sequence[Row]) -> bool:
    return len(group) == len(ASKED[1]) and all(row.prediction is not None for row in group)


def right(group: Sequence[Row], figure: str) -> bool:
    return answered(group) and verdict([-score for score in in_place(group, [row.prediction for row in group])])[figure]


@dataclass(frozen=True, eq=False)
class WinogroundStandard(YesNoScorer):
    """Ours: accuracy of the questions; text, image and group by how likely yes is, or, where only text was said, by what it says."""

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        groups, note = whole_groups(by_example(rows))
        return {
            key: estimate
            for name in FIGURES
            for key, estimate in share(name.lower(), groups, lambda group: self.found(group)[name], note).items()  # noqa: B023
            if groups
        }

    def read(self, answer: Answer, sample: Sample) -> Any:
        said: int | None = super().read(answer, sample)
        return None if said is None else Belief(said, yes_likelihood(said, sample.meta.get("scores", ())))

    def score(self, sample: Sample, prediction: Belief | None) -> dict[str, float]:
        return super().score(sample, prediction.choice if prediction is not None else None)

    def show(self, sample: Sample, prediction: Belief | None, stats: Mapping[str, float]) -> dict[str, Any]:
        shown = super().show(sample, prediction.choice if prediction is not None else None, stats)
        return {**shown, "yes": prediction.yes if prediction is not None else None}

    def found(self, group: Sequence[Row]) -> dict[str, bool]:
        """Nothing is right of an example of which an answer could not be read."""
        beliefs = [row.prediction for row in group]
        if any(belief is None for belief in beliefs):
            return dict.fromkeys(FIGURES, False)
        return verdict(in_place(group, [belief.yes for belief in beliefs]))


@dataclass(frozen=True, slots=True)
class Belief:
    """Yes (0) or no (1), and how likely yes is."""

    choice: int
    yes: float


def yes_likelihood(said: int, scores: Scores) -> float:
    """The probability of yes among yes and no. Older answer files hold losses: the answer itself tells which of the two is preferred.

    >>> yes_likelihood(0, ()), round(yes_likelihood(0, (-1.0, -2.0)), 3), round(yes_likelihood(0, (1.0, 2.0)), 3)
    (1.0, 0.731, 0.731)
    """
    if len(scores) != 2 or not all(map(math.isfinite, scores)):
        return float(said == 0)
    apart = abs(scores[0] - scores[1]) * (1 if said == 0 else -1)
    return 1 / (1 + math.exp(-apart)) if apart > -700 else 0.0


@dataclass(frozen=True, eq=False)
class CapScorer:
    """Upstream's metric class for statements, in percent: four scores an example, the lower the better."""

    metrics: tuple[Metric, ...] = tuple(Metric(name, ratio(name, "items")) for name in FIGURES)

    def read(self, answer: Answer, sample: Sample) -> tuple[float, ...]:
        return likelihoods(sample, len(sample.choices))

    def score(self, sample: Sample, prediction: Scores | None) -> dict[str, float]:
        found = verdict([-score for score in prediction]) if prediction is not None else dict.fromkeys(FIGURES, False)
        return {"items": 1, **{name: float(value) for name, value in found.items()}}

    def show(self, sample: Sample, prediction: Scores | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {name: stats[name] for name in FIGURES}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return {}


@dataclass(frozen=True, eq=False)
class CapStandard:
    """Ours: whether the statement that is chosen, or likeliest, is one of the two right ones; text, image and group by likelihoods."""

    metrics: tuple[Metric, ...] = (
        Metric("accuracy", ratio("right", "items")),
        *(Metric(name.lower(), ratio(name, "weighed"), n="weighed") for name in FIGURES),
    )

    def read(self, answer: Answer, sample: Sample) -> tuple[int | None, tuple[float, ...]] | None:
        scores = tuple(sample.meta.get("scores", ()))
        if len(scores) == len(sample.choices):
            best = [place for place, score in enumerate(scores) if score == max(scores)]
            return (best[0] if len(best) == 1 else None), scores
        said = read_choice(text_of(answer), sample.choices)
        return None if said is None else (said, ())

    def score(self, sample: Sample, prediction: tuple[int | None, tuple[float, ...]] | None) -> dict[str, float]:
        chosen, scores = prediction or (None, ())
        found = {name: float(value) for name, value in (verdict(scores).items() if scores else ())}
        return {"items": 1, "right": float(chosen in sample.meta["right"]), "weighed": float(bool(scores)), **found}

    def show(self, sample: Sample, prediction: Any, stats: Mapping[str, float]) -> dict[str, Any]:
        chosen = prediction[0] if prediction else None
        return {"value": stats["right"], "predicted": None if chosen is None else sample.choices[chosen]}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return {}
