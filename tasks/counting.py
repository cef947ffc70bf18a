"""Counting things in an image (FSC147): mean absolute error and its companions.

The error is never clipped and an answer without a number is unread, with the error of answering 0 (reference, Appendix H,
O8 and O9). So is a number that no image holds as many things as: a model that repeats a digit to its last token would
otherwise make an error of sixty digits, and the mean would be this one answer."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from lamm_bench.measure.stats import median, ratio
from lamm_bench.read import read_number, text_of
from lamm_bench.read.marks import apart
from lamm_bench.task import Item
from lamm_bench.types import Answer, Estimate, Media, Metric, Modality, Row, Sample, Scorer

from .chef import CHEF
from .classic import CLASSIC
from .loading import ItemByItem, another, protocols, thing_in

MOST = 10**9  # no count, in the data or in an answer, reaches it
NEAR = 0.1  # `within_10%`: the error is at most a tenth of the true count


@dataclass(frozen=True, eq=False)
class CountScorer:
    """MAE and RMSE in things, the shares of exact and of near answers in percent."""

    metrics: tuple[Metric, ...] = (
        Metric("MAE", ratio("error", "items", 1.0), "count", "lower"),
        Metric("RMSE", lambda sums: np.sqrt(sums["squared"] / sums["items"]), "count", "lower", shape="root"),
        Metric("exact", ratio("exact", "items")),
        Metric("within_10%", ratio("near", "items")),
    )

    def read(self, answer: Answer, sample: Sample) -> float | None:
        """The count; None when there is no number, or one that counts nothing: negative, or a billion and more."""
        value = counted(text_of(answer))
        return value if value is not None and 0 <= value < MOST else None

    def score(self, sample: Sample, prediction: float | None) -> dict[str, float]:
        error = abs(float(sample.target) - (prediction or 0.0))
        said = prediction is not None
        return {
            "items": 1,
            "error": error,
            "squared": error**2,
            "exact": float(said and error == 0),
            "near": float(said and error <= NEAR * sample.target),
        }

    def show(self, sample: Sample, prediction: float | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"value": stats["error"], "predicted": prediction, "expected": sample.target}

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        """The median error, which a few wild answers do not move as they move the mean."""
        errors = [row.stats["error"] for row in rows]
        return {"median_error": median(errors, [row.sample.group for row in rows], "count", "lower")}


def counted(text: str) -> float | None:
    """The number that is said; in an answer that points at things and says none, that of its points.

    >>> counted('Counting the <points coords="1 1 340 625 2 560 910">birds</points> shows a total of 2.'), counted("three"), counted("many")
    (2.0, 3.0, None)
    >>> counted('<point x="34.0" y="62.5" alt="dog">dog</point> <point x="3.0" y="6.5" alt="dog">dog</point>')
    2.0
    """
    said, points = apart(text)
    number = read_number(said) if said.strip() or not points else None
    return float(points) if number is None and points else number


@dataclass(frozen=True, eq=False)
class Counting(ItemByItem):
    """How many are there? `Sample.target`: the number."""

    name: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    kind: str = "counting"
    groups: tuple[str, ...] = ("2d",)
    modality: Modality = "image"
    max_new_tokens: int = 64
    asks_for: str = "counts"

    def places(self, sample: Sample, part: str = "") -> tuple[str, tuple[str, ...]]:
        return "counts", (thing_in(sample.question),)

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        return {"target": item.get("num", check=is_count, expected="a whole number from 0 on")}

    def oracle(self, sample: Sample, part: str = "") -> str:
        return str(sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        """The count of another sample, drawn from the file."""
        other = another(sample, samples, rng)
        return str(other.target if other else rng.randint(1, 20))

    def majority(self, samples: Sequence[Sample]) -> str:
        """The median, which has the least mean absolute error of all constants."""
        return str(statistics.median_low(sample.target for sample in samples))


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST


TASKS = (
    Counting(
        name="fsc147",
        meta_files=("2D_Benchmark/meta_file/Counting_FSC147.json",),
        answer_files=("Counting_FSC147",),
        protocols=protocols(CountScorer(), "fsc147", ("classic", CLASSIC), ("chef", CHEF)),
    ),
)
