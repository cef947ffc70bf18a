"""How captions are counted: BLEU-1..4, ROUGE-L and CIDEr against reference sentences, and which sentence would do best for all images.

The answer is the caption, without thoughts, wrappers and introductions; no best fragment is chosen (reference, Appendix H, O12). Tokens and
formulas are pycocoevalcap's (captions.py). BLEU is a corpus figure; ROUGE-L is a mean over captions. CIDEr (x100) takes its document
frequencies from the whole file; its interval holds these frequencies fixed. `Sample.target`: the reference sentences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from lamm_bench.read import read_caption, text_of
from lamm_bench.read.vocabulary import words
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample, Sums

from .captions import (
    ORDERS,
    Cider,
    bleu,
    bleu_stats,
    bleu_value,
    meteor,
    meteor_absent,
    meteor_endless,
    ngrams,
    rouge_l,
    tokenize,
)
from .stats import estimates, ratio

CIDER = Metric("CIDEr", ratio("cider", "items"), "score")  # x 100
SHORTEST = 4  # words of a sentence that has a 4-gram


@lru_cache(maxsize=65536)
def reference_tokens(sentence: str) -> tuple[str, ...]:
    """A reference's tokens; every sentence is needed several times."""
    return tuple(tokenize(sentence))


def references(sample: Sample) -> list[tuple[str, ...]]:
    return [reference_tokens(sentence) for sentence in sample.target]


def corpus_bleu(order: int) -> Callable[[Sums], np.ndarray]:
    """pycocoevalcap's BLEU, but exactly 100 where every n-gram is right: its small constants leave it just below."""
    usual = bleu_value(order)

    def value(sums: Sums) -> np.ndarray:
        right = [sums[f"bleu_correct_{n}"] == sums[f"bleu_guess_{n}"] for n in range(1, order + 1)]
        perfect = np.all(right, axis=0) & (sums[f"bleu_guess_{order}"] > 0) & (sums["bleu_length"] >= sums["bleu_reference"])
        return np.where(perfect, 100.0, usual(sums))

    return value


@dataclass(frozen=True, eq=False)
class CaptionScorer:
    """BLEU-4 first; CIDEr, and METEOR where its Java program is there, over all rows at once."""

    metrics: tuple[Metric, ...] = (
        *(Metric(f"BLEU-{order}", corpus_bleu(order), n="captions") for order in (4, 3, 2, 1)),
        Metric("ROUGE-L", ratio("rouge", "captions"), n="captions"),
    )
    frequencies: Cider | None = None  # of the n-grams in the whole file; None: in what is scored

    def of_file(self, samples: Sequence[Sample]) -> CaptionScorer:
        """The scorer that knows how rare an n-gram is in the file."""
        return replace(self, frequencies=document_frequencies(samples))

    def read(self, answer: Answer, sample: Sample) -> tuple[str, ...] | None:
        """The caption's tokens; None when there is none."""
        said = read_caption(text_of(answer))
        return tuple(tokenize(said)) or None if said is not None else None

    def score(self, sample: Sample, prediction: Sequence[str] | None) -> dict[str, float]:
        said = prediction or ()
        truth = references(sample)
        return {"captions": 1, "rouge": rouge_l(said, truth), **bleu_stats(said, truth)} if said else silent(truth)

    def show(self, sample: Sample, prediction: Sequence[str] | None, stats: Mapping[str, float]) -> dict[str, Any]:
        value = bleu({key: number for key, number in stats.items() if key.startswith("bleu")}, 4)
        return {"value": value, "rouge": 100 * stats["rouge"], "tokens": " ".join(prediction or ())}

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        return {
            "CIDEr": cider(rows, self.frequencies or document_frequencies([row.sample for row in rows])),
            "METEOR": meteor_estimate(rows),
        }


def document_frequencies(samples: Sequence[Sample]) -> Cider:
    """How rare each n-gram is among the references of these samples; each sample once."""
    return Cider([references(sample) for sample in {sample.id: sample for sample in samples}.values()])


def silent(truth: Sequence[Sequence[str]]) -> dict[str, float]:
    """The statistics of no caption: no n-grams, but the length that was wanted."""
    return {"captions": 1, "rouge": 0.0, **bleu_stats((), truth)}


def cider(rows: Sequence[Row], frequencies: Cider) -> Estimate:
    """Mean CIDEr x 100 over all captions, with document frequencies of the whole file."""
    if frequencies.images < 2:  # every n-gram is in 1 of 1 images, so that all weigh nothing
        return Estimate(None, None, len(rows), "score", "higher", note="CIDEr is undefined with one image")
    scored = [
        replace(row, stats={"items": 1.0, "cider": frequencies.score(row.prediction or (), references(row.sample))})
        for row in rows
    ]
    found = estimates((CIDER,), scored)["CIDEr"]
    return replace(found, note=found.note or "document frequencies of the whole file")


def meteor_estimate(rows: Sequence[Row]) -> Estimate:
    """METEOR x 100 where its Java program can run; else a value that is not there, and why."""
    captions = [row.prediction or () for row in rows]
    absent = meteor_absent() or meteor_endless(captions)
    if absent:
        return Estimate(None, None, 0, "percent", "higher", note=absent)
    value, _ = meteor(captions, [references(row.sample) for row in rows])
    return Estimate(100 * value, None, len(rows), "percent", "higher", len({row.sample.group for row in rows}))


def perfect_caption(sentences: Sequence[str]) -> str:
    """The first reference of at least four words, so that a 4-gram can be right; else the longest."""
    return next((s for s in sentences if len(words(s)) >= SHORTEST), max(sentences, key=lambda s: len(words(s))))


def most_usual(captions: Sequence[Sequence[str]]) -> str:
    """The sentence with the best product of n-gram precisions over all images, times a brevity penalty.

    An n-gram's precision is the share of images with it in some sentence; repeats within a caption are not clipped, and the
    median length stands for the closest one, so this is BLEU-4 (Papineni et al. 2002) but for details."""
    said = {sentence: reference_tokens(sentence) for sentences in captions for sentence in sentences}
    images: Counter[tuple[str, ...]] = Counter()
    for sentences in captions:
        images.update({gram for sentence in sentences for order in ORDERS for gram in ngrams(said[sentence], order)})
    usual = sorted(len(tokens) for tokens in said.values())[len(said) // 2]

    def quality(sentence: str) -> float:
        total = -max(0.0, usual / max(len(said[sentence]), 1) - 1)
        for order in ORDERS:
            grams = list(ngrams(said[sentence], order).elements())
            total += (
                math.log((sum(images[gram] for gram in grams) + 1e-9) / (len(grams) * len(captions) + 1e-9)) / len(ORDERS)
                if grams
                else -50
            )
        return total

    return max(said, key=quality)
