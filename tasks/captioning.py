"""Describing an image in a sentence (Flickr30k): BLEU-1..4, ROUGE-L and CIDEr against the file's sentences.

How answers are counted: `lamm_bench.measure.caption_scorer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from lamm_bench.measure.caption_scorer import CaptionScorer, most_usual, perfect_caption
from lamm_bench.measure.captions import tokenize
from lamm_bench.task import Item
from lamm_bench.types import Media, Modality, Sample, Scorer

from .chef import CHEF
from .classic import CLASSIC
from .loading import ItemByItem, another, protocols


@dataclass(frozen=True, eq=False)
class Captioning(ItemByItem):
    """One sentence about an image. `Sample.target`: the reference sentences."""

    name: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    kind: str = "captioning"
    groups: tuple[str, ...] = ("2d",)
    modality: Modality = "image"
    max_new_tokens: int = 128

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        found = item.texts("sentences")
        if not any(tokenize(sentence) for sentence in found):
            raise item.fault("`sentences` holds no word, expected at least one sentence")
        return {"target": found}

    def oracle(self, sample: Sample, part: str = "") -> str:
        """The first reference of at least four words, so that a 4-gram can be right; else the longest."""
        return perfect_caption(sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        """A reference of another image of the file."""
        other = another(sample, samples, rng)
        return rng.choice(other.target) if other else "A photo of something."

    def majority(self, samples: Sequence[Sample]) -> str:
        """The sentence of the file that would have about the highest BLEU-4 if it were said of every image."""
        return most_usual([list(dict.fromkeys(sample.target)) for sample in samples])


TASKS = (
    Captioning(
        name="flickr30k",
        meta_files=("2D_Benchmark/meta_file/Caption_flickr30k.json",),
        answer_files=("Caption_flickr30k",),
        protocols=protocols(CaptionScorer(), "flickr30k", ("classic", CLASSIC), ("chef", CHEF)),
    ),
)
