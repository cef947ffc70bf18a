"""The figures of Octavius' scenarios: a name in the answer, captions of which one a scene is scored, and answers in words (reference 1.18, 9.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lamm_bench.measure.stats import estimates, ratio
from lamm_bench.read import Lexicon, read_labels
from lamm_bench.read.vocabulary import Vocabulary, words
from lamm_bench.tasks import chef_captions
from lamm_bench.tasks.captioning import CaptionScorer
from lamm_bench.tasks.labels import LabelScorer
from lamm_bench.tasks.scannet import SCANNET
from lamm_bench.tasks.upstream_scorer import Stats, one_of
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .groups import noted

NAMES = one_of(lambda sample, text: sample.target in text.lower(), "ACC")
ARTICLES = frozenset(("a", "an", "the"))


def last_of_scenes(rows: Sequence[Row]) -> list[Row]:
    """Upstream keeps answers by scene, so that of each the last one is left, in the place of the first."""
    return list({row.sample.meta["scene"]: row for row in rows}.values())


@dataclass(frozen=True, eq=False)
class SceneCaptions:
    """Upstream's metric class: pycocoevalcap's figures of one answer a scene, times 100."""

    metrics: tuple[Metric, ...] = ()

    def read(self, answer: Answer, sample: Sample) -> tuple[str, ...]:
        return chef_captions.said_tokens(answer, sample)

    def score(self, sample: Sample, prediction: Sequence[str] | None) -> Stats:
        return chef_captions.counted(sample, prediction or ())

    def show(self, sample: Sample, prediction: Sequence[str] | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return chef_captions.values(sample, stats)

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        left = last_of_scenes(rows)
        found = estimates((*chef_captions.BLEUS, chef_captions.ROUGE), left) | chef_captions.corpus(left)
        note = f"of each scene only the last answer counts, {len(left)} of {len(rows)}, as upstream has it"
        order = [*(f"Bleu_{n}" for n in (1, 2, 3, 4)), "METEOR", "ROUGE_L", "CIDEr"]
        return {name: noted(found[name], "; ".join(filter(None, (found[name].note, note)))) for name in order}

    def each(self, rows: Sequence[Row]) -> list[dict[str, float]]:
        """Which answers are the ones that count."""
        left = {id(row) for row in last_of_scenes(rows)}
        return [{"scored": float(id(row) in left)} for row in rows]


CAPTIONS = SceneCaptions()


@lru_cache(maxsize=16)
def vocabulary_of(labels: tuple[str, ...]) -> Vocabulary:
    """ScanNet's classes by their usual names, all others by their own."""
    return Lexicon({label: SCANNET.aliases.get(label, ()) for label in labels}).vocabulary(labels)


def named(text: str, sample: Sample) -> tuple[str, ...]:
    return read_labels(text, vocabulary_of(sample.meta["labels"]))


def true_name(sample: Sample) -> str:
    return vocabulary_of(sample.meta["labels"]).label(sample.target)


NAMES_STANDARD = LabelScorer(named, true_name)


@dataclass(frozen=True, eq=False)
class FreeForm(CaptionScorer):
    """Answers in words: exact match without case, articles and punctuation first (ScanQA's EM@1, Azuma et al. 2022), then as captions."""

    metrics: tuple[Metric, ...] = (Metric("exact match", ratio("exact", "captions"), n="captions"), *CaptionScorer().metrics)

    def score(self, sample: Sample, prediction: Sequence[str] | None) -> dict[str, float]:
        stats = super().score(sample, prediction)
        true = [bare(reference) for reference in sample.target]
        return {**stats, "exact": float(prediction is not None and bare(" ".join(prediction)) in true)}


def bare(text: str) -> list[str]:
    """
    >>> bare("The brown desk."), bare("brown desk")
    (['brown', 'desk'], ['brown', 'desk'])
    """
    return [word for word in words(text) if word not in ARTICLES]
