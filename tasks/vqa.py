"""Multiple-choice questions about an image (ScienceQA, AI2D) or a room (ScanQA): accuracy.

The choice is the last explicit letter, else the one option whose text is given (`lamm_bench.read.texts.read_choice`;
reference, Appendix H, O13). Letters go as far as the options do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from lamm_bench.loading import shorten
from lamm_bench.measure.stats import ratio
from lamm_bench.read import LETTERS, read_choice, text_of
from lamm_bench.task import Item
from lamm_bench.types import Answer, Estimate, Media, Metric, Modality, Row, Sample, Scorer

from .chef import CHEF
from .classic import CLASSIC
from .loading import ItemByItem, most_frequent, protocols


@dataclass(frozen=True, eq=False)
class ChoiceScorer:
    """The share of questions whose right option was chosen."""

    metrics: tuple[Metric, ...] = (Metric("accuracy", ratio("right", "items")),)

    def read(self, answer: Answer, sample: Sample) -> int | None:
        """The index of the chosen option."""
        return read_choice(text_of(answer), sample.choices)

    def score(self, sample: Sample, prediction: int | None) -> dict[str, float]:
        return {"items": 1, "right": float(prediction == sample.target)}

    def show(self, sample: Sample, prediction: int | None, stats: Mapping[str, float]) -> dict[str, Any]:
        predicted = LETTERS[prediction] if prediction is not None else None
        return {"value": stats["right"], "predicted": predicted, "expected": LETTERS[sample.target]}

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        """The share of questions whose likeliest options were level, where there are any (`Likelihood` says so in the answer)."""
        ties = sum(row.answer is not None and text_of(row.answer).startswith("tie:") for row in rows)
        share = 100 * ties / len(rows)
        note = "equally likely options: unread"
        return (
            {"ties": Estimate(share, None, len(rows), "percent", "lower", len({row.sample.group for row in rows}), note=note)}
            if ties
            else {}
        )


@dataclass(frozen=True, eq=False)
class MultipleChoice(ItemByItem):
    """One right option of several. `Sample.target`: its index in `Sample.choices`."""

    name: str
    kind: str
    modality: Modality
    groups: tuple[str, ...]
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    max_new_tokens: int = 128

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        choices = item.texts("gt_choices", least=2)
        if len(choices) > len(LETTERS):
            raise item.fault(f"`gt_choices` holds {len(choices)} options, expected at most {len(LETTERS)}")
        target = item.get("gt_choice", check=lambda v: isinstance(v, int) and not isinstance(v, bool), expected="a whole number")
        if not 0 <= target < len(choices):
            raise item.fault(
                f"`gt_choice` is {shorten(target)}, expected 0 to {len(choices) - 1}, the index of one of `gt_choices`"
            )
        return {"target": target, "choices": tuple(choices)}

    def oracle(self, sample: Sample, part: str = "") -> str:
        return f"({LETTERS[sample.target]})"

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return f"({LETTERS[rng.randrange(len(sample.choices))]})"

    def chances(self, sample: Sample) -> Sequence[str]:
        return [f"({letter})" for letter in LETTERS[: len(sample.choices)]]

    def majority(self, samples: Sequence[Sample]) -> str:
        """The letter that is most often right."""
        return f"({LETTERS[most_frequent(sample.target for sample in samples)]})"


def image_questions(name: str, files: Sequence[str]) -> MultipleChoice:
    """A task of questions about images; the first file name is the official one."""
    return MultipleChoice(
        name=name,
        kind="vqa",
        modality="image",
        groups=("2d",),
        meta_files=tuple(f"2D_Benchmark/meta_file/{file}.json" for file in files),
        answer_files=tuple(files),
        protocols=protocols(ChoiceScorer(), name, ("classic", CLASSIC), ("chef", CHEF)),
    )


TASKS = (
    image_questions("sqaimage", ("VQA_SQAimage", "VQA_ScienceQA")),
    image_questions("ai2d", ("VQA_AI2D",)),
    MultipleChoice(
        name="scanqa",
        kind="vqa3d",
        modality="point_cloud",
        groups=("3d",),
        meta_files=("3D_Benchmark/meta_file/VQA_ScanQA_multiplechoice.json",),
        answer_files=("VQA_ScanQA_multiplechoice",),
        protocols=protocols(ChoiceScorer(), "scanqa", ("classic", CLASSIC), ("chef", CHEF)),
    ),
)
