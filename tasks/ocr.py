"""Reading the words in an image (SVT): how many are found, how many are invented, how many characters are wrong.

Words are compared folded and without marks at their edges, as multisets, pooled over images (reference, Appendix H, O10).
Words between quotes, where there are any, are the whole answer; prose around the words is none of them. The character error rate is the edit distance
(Levenshtein 1966) of the words joined by blanks, in the order given, over the true length; it can exceed 100."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from lamm_bench.measure.stats import f1, ratio
from lamm_bench.measure.texts import edit_distance
from lamm_bench.read import read_sign, read_words, text_of
from lamm_bench.task import Item
from lamm_bench.types import Answer, Estimate, Media, Metric, Modality, Row, Sample, Scorer

from .chef import CHEF
from .classic import CLASSIC
from .loading import ItemByItem, another, most_frequent, protocols

LONGEST = 2000  # characters of an answer that the edit distance looks at; more are all wrong, at one error each


@dataclass(frozen=True, eq=False)
class WordScorer:
    """Word recall, precision and F1, and the character error rate."""

    metrics: tuple[Metric, ...] = (
        Metric("word_recall", ratio("hits", "expected"), n="expected"),
        Metric("word_precision", ratio("hits", "predicted"), n="predicted"),
        Metric("word_F1", f1("hits", "predicted", "expected"), n="expected"),
        Metric("CER", ratio("edits", "characters", counts=False), better="lower", shape="log", n="characters"),
    )

    def read(self, answer: Answer, sample: Sample) -> list[str] | None:
        """The words said; None when there is none."""
        return read_sign(text_of(answer))

    def truth(self, sample: Sample) -> list[str]:
        return read_words(" ".join(sample.target))

    def score(self, sample: Sample, prediction: Sequence[str] | None) -> dict[str, float]:
        truth = self.truth(sample)
        said = list(prediction or ())
        line, answer = " ".join(truth), " ".join(said)
        edits = edit_distance(line, answer[:LONGEST]) + max(0, len(answer) - LONGEST)
        return {
            "items": 1,
            "hits": (Counter(truth) & Counter(said)).total() if said else 0,
            "expected": len(truth),
            "predicted": len(said),
            "edits": edits,
            "characters": len(line),
        }

    def show(self, sample: Sample, prediction: Sequence[str] | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {
            "value": stats["hits"] / stats["expected"],
            **{key: stats[key] for key in ("hits", "expected", "predicted", "edits")},
            "words": list(prediction or ()),
        }

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        return {}


@dataclass(frozen=True, eq=False)
class TextReading(ItemByItem):
    """Which words stand here? `Sample.target`: the list of words in their own case."""

    name: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    kind: str = "ocr"
    groups: tuple[str, ...] = ("2d",)
    modality: Modality = "image"
    max_new_tokens: int = 128

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        found = item.texts("word_list")
        if not read_words(" ".join(found)):
            raise item.fault("`word_list` holds no word, expected at least one with a letter or digit")
        return {"target": found}

    def oracle(self, sample: Sample, part: str = "") -> str:
        """The words parted by blanks, without double quotes, which mark what is quoted."""
        return " ".join(" ".join(sample.target).replace('"', " ").replace("“", " ").replace("”", " ").split())

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        """The words of another sample, drawn from the file."""
        other = another(sample, samples, rng)
        return self.oracle(other) if other else "OPEN"

    def majority(self, samples: Sequence[Sample]) -> str:
        """The most frequent word of the file."""
        return most_frequent(word for sample in samples for word in self.oracle(sample).split())


TASKS = (
    TextReading(
        name="svt",
        meta_files=("2D_Benchmark/meta_file/OCR_SVT.json",),
        answer_files=("OCR_SVT",),
        protocols=protocols(WordScorer(), "svt", ("classic", CLASSIC), ("chef", CHEF)),
    ),
)
