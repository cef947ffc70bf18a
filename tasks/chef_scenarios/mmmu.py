"""MMMU (Yue et al. 2024, arXiv 2311.16502): exam questions of thirty subjects, with options or open, about up to seven pictures.

`MMMU/validation.json` holds the rows of the validation set as the Hugging Face set has them, pictures lie in `MMMU_images/` as
`<id>_<k>.png`, k = 0 ... for those of `image_1` to `image_7` that a row has (reference 9.3). The wording of the request is ours."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.loading import shorten
from lamm_bench.task import Item, find_meta, read_items
from lamm_bench.tasks.loading import most_frequent
from lamm_bench.types import Answer, Sample

from .mmmu_reading import LETTERS
from .mmmu_scoring import MMMUScorer, MMMUStandard
from .scenario import Scenario, UpstreamItem, listed, picture, sample_of

FILE = "MMMU/validation.json"
PICTURES = "MMMU_images"
MOST = 7  # pictures of a row
TYPES = ("multiple-choice", "open")


def items(root: Path) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the rows, but for the questions."""
    find_meta(root, (FILE,))
    for item in read_items(root, (FILE,)):
        kind = item.get("question_type", check=lambda v: v in TYPES, expected="`multiple-choice` or `open`")
        options = options_of(item)
        truth = item.get("answer", check=lambda v: isinstance(v, str | list) and bool(v), expected="a text, or a list of texts")
        if kind == TYPES[0] and truth not in list(LETTERS[: len(options)]):
            raise item.fault(f"`answer` is {shorten(truth)}, expected the letter of one of {len(options)} options")
        count = sum(bool(item.data.get(f"image_{number}")) for number in range(1, MOST + 1))
        yield {
            "id": item.id,
            "image_path": [picture(root, root / PICTURES, f"{item.id}_{place}.png", item) for place in range(count)],
            "question": item.text("question"),
            "options": options,
            "gt_choice": truth,
            "question_type": kind,
            "subject": subject_of(item.id),
            "gt_answers": options[LETTERS.index(truth)] if kind == TYPES[0] else truth,
            "source": "MMMU",
        }


def options_of(item: Item) -> list[str]:
    """The options, which the set keeps as a list written out in Python; read as one, never run."""
    written = item.get("options", check=lambda v: isinstance(v, str | list), expected="a list of options, or one written out")
    try:
        options = ast.literal_eval(written) if isinstance(written, str) else written
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise item.fault(f"`options` is {shorten(written)}, expected a list of texts as Python writes it") from None
    if not isinstance(options, list) or len(options) > len(LETTERS):
        raise item.fault(f"`options` is {shorten(written)}, expected a list of at most {len(LETTERS)} options")
    return [str(option) for option in options]


def subject_of(name: str) -> str:
    """
    >>> subject_of("validation_Art_Theory_12")
    'Art_Theory'
    """
    return "_".join(name.split("_")[1:-1])


def samples(root: Path) -> Iterator[Sample]:
    for item in items(root):
        closed = item["question_type"] == TYPES[0]
        choices = item["options"] if closed else []
        question = (
            listed(item["question"], choices)
            if closed
            else f"{item['question'].strip()}\nAnswer with a word, a phrase or a number."
        )
        target: Any = LETTERS.index(item["gt_choice"]) if closed else truths(item["gt_choice"])
        yield sample_of(root, item, question, choices, target, subject=item["subject"])


def truths(given: str | list[Any]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(str(one) for one in given)


@dataclass(frozen=True, eq=False)
class Exam(Scenario):
    """Questions with options or without. `Sample.target`: the index of the right option, or the texts that are right."""

    suits: tuple[str, ...] = ()  # an open question has no options to weigh

    def oracle(self, sample: Sample, part: str = "") -> str:
        return super().oracle(sample) if sample.choices else sample.target[0]

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        """A letter; to an open question the answer of some other one."""
        if sample.choices:
            return super().chance(sample, rng, samples)
        others = [other for other in samples if not other.choices and other.id != sample.id]
        return str(rng.choice(others).target[0]) if others else "0"

    def chances(self, sample: Sample) -> Sequence[str]:
        return super().chances(sample) if sample.choices else ()

    def majority(self, samples: Sequence[Sample]) -> Answer:
        return str(most_frequent(self.oracle(sample) for sample in samples))


TASKS = (
    Exam(
        name="chef-mmmu",
        kind="exam",
        meta_files=(FILE,),
        answer_files=("MMMU",),
        protocols={"standard": MMMUStandard(), "chef": MMMUScorer()},
        read=samples,
        own_format=True,
    ),
)
