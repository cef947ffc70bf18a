"""Flickr30k's figures in ChEF: captions that were said, and captions that were found likelier than others (reference 1.12, 9.8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.captions import ORDERS, ngrams
from lamm_bench.measure.stats import estimates, ratio
from lamm_bench.read import read_choice, text_of
from lamm_bench.tasks.classic import sentence_bleu
from lamm_bench.tasks.upstream_reading import quoted_chef
from lamm_bench.tasks.upstream_scorer import Stats, UpstreamScorer, one_of
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .rouge import rouge_l
from .scenario import chosen_text


def candidates(text: str) -> list[str]:
    """The answer, what stands in quotation marks in it, and that cut at full stops.

    >>> candidates("It says 'a cat. It sits.'")
    ["It says 'a cat. It sits.'", 'a cat. It sits.', 'a cat', ' It sits']
    """
    caption = quoted_chef(text)
    return list(dict.fromkeys((text, caption, *(part for part in caption.split(".") if part))))


@lru_cache(maxsize=8192)
def references_of(sentences: tuple[str, ...]) -> tuple[tuple[Counter[tuple[str, ...]], ...], tuple[int, ...]]:
    """How often each n-gram occurs in the reference that has it most often, and the references' lengths; without their full stops."""
    wanted = [sentence.replace(".", "").split() for sentence in sentences]
    most = []
    for order in ORDERS:
        table: Counter[tuple[str, ...]] = Counter()
        for words in wanted:
            table |= ngrams(words, order)
        most.append(table)
    return tuple(most), tuple(map(len, wanted))


def counted(sample: Sample, text: str) -> Stats:
    """BLEU-4 and ROUGE-L of the best candidate, each for itself, 0 to 100; an empty answer has none."""
    if not text:
        return silent(sample)
    said, true = candidates(text), tuple(sample.target)
    if not true:
        raise UpstreamStops("upstream stops at an item without reference sentences")
    most, lengths = references_of(true)
    bleu = max(sentence_bleu(one.split(), most, lengths) for one in said)
    rouges = [rouge_l(one, reference) for one in said for reference in true]
    if any(value is None for value in rouges):
        raise UpstreamStops("upstream stops at a sentence that is nothing but full stops")
    return {"items": 1, "bleu4": 100 * bleu, "rouge": 100 * max(value or 0.0 for value in rouges)}


def silent(sample: Sample) -> Stats:
    return {"items": 1, "bleu4": 0.0, "rouge": 0.0}


SAID = UpstreamScorer(
    metrics=(Metric("BLEU4", ratio("bleu4", "items", 1.0)), Metric("Rouge", ratio("rouge", "items", 1.0))),
    count=counted,
    worst=silent,
    display=lambda sample, stats: {"BLEU4": stats["bleu4"], "Rouge": stats["rouge"]},
)
CHOSEN = one_of(lambda sample, text: text in sample.target, "ACC", chosen_text)


def best_half(answer: Answer, sample: Sample) -> float:
    """The share of true captions in the half with the lowest scores: upstream sorts as if they were losses, which they no longer are."""
    scores = tuple(sample.meta.get("scores", ()))
    if not scores:
        raise UpstreamStops("upstream reads likelihoods here and stops at an answer without them")
    if len(scores) % 2:
        raise UpstreamStops(f"upstream stops at {len(scores)} options, an odd number")
    half = len(scores) // 2
    return sum(place < half for place in sorted(range(len(scores)), key=lambda place: scores[place])[:half]) / half


HALVES = UpstreamScorer(
    metrics=(Metric("ACC", ratio("share", "items"), shape="logit"),),
    count=lambda sample, share: {"share": share, "items": 1},
    worst=lambda sample: {"share": 0.0, "items": 1},
    parse=best_half,
    display=lambda sample, stats: {"value": stats["share"]},
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The caption that is chosen, and the likelier half of the options where all their likelihoods are known."""

    caption: str
    likelier: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class CaptionChoice:
    """Ours: is the chosen option one of the picture's captions; `halves`: and how many true ones are in the likelier half, if there are as many."""

    halves: bool = False
    metrics: tuple[Metric, ...] = (Metric("accuracy", ratio("right", "items")),)

    def read(self, answer: Answer, sample: Sample) -> Chosen | None:
        """The likeliest option, by its text, for a file may have drawn others than we; without likelihoods the option that is said."""
        scores, text = tuple(sample.meta.get("scores", ())), text_of(answer).strip()
        if scores.count(max(scores, default=0)) > 1:
            return None  # options that are level
        place = sample.choices.index(text) if text in sample.choices else read_choice(text, sample.choices)
        if not scores:
            return None if place is None else Chosen(sample.choices[place])
        order = sorted(range(len(scores)), key=lambda one: -scores[one])
        known = self.halves and len(scores) == len(sample.choices)
        return Chosen(text, tuple(sample.choices[one] for one in order[: len(order) // 2]) if known else ())

    def score(self, sample: Sample, prediction: Chosen | None) -> dict[str, float]:
        stats = {"items": 1.0, "right": float(prediction is not None and prediction.caption in sample.target)}
        if prediction is not None and prediction.likelier:
            stats |= {
                "weighed": float(len(prediction.likelier)),
                "found": sum(one in sample.target for one in prediction.likelier),
            }
        return stats

    def show(self, sample: Sample, prediction: Chosen | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"value": stats["right"], "predicted": prediction.caption if prediction is not None else None}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        weighed = [row for row in rows if "weighed" in row.stats]
        metric = Metric("likelier half", ratio("found", "weighed"), n="weighed", shape="logit")
        return estimates((metric,), weighed) if weighed else {}
