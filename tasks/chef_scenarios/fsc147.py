"""FSC147 in ChEF's way: a count that is generated, or the likeliest of a few numbers about the true one (reference 1.9, 9.3).

The file is LAMM's own, and `standard` reads as that of `fsc147`. Upstream's numbers are made of the truth, so a figure by likelihood
says less than one of counts that were said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.measure.stats import ratio
from lamm_bench.task import find_meta, read_items
from lamm_bench.tasks import counting
from lamm_bench.tasks.upstream_reading import count
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .scenario import Scenario, UpstreamItem, chosen_text, picture, sample_of

FILES = tuple(f"{folder}2D_Benchmark/meta_file/Counting_FSC147.json" for folder in ("LAMM/", ""))
WIDTH = 2  # numbers on either side of the true one
PLAIN = counting.TASKS[0]


def items(root: Path, width: int = WIDTH) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the file, with options."""
    base = find_meta(root, FILES).parent.parent
    for item in read_items(root, FILES):
        number = item.get("num", check=counting.is_count, expected="a whole number from 0 on")
        yield {
            "id": item.id,
            "image_path": picture(root, base, item.text("image"), item),
            "gt_answers": number,
            "question": item.text("query"),
            "options": numbers_about(number, width),
        }


def numbers_about(number: int, width: int) -> list[str]:
    """The numbers about a count, those with other tens replaced by the next beyond the other end.

    >>> numbers_about(10, 2), numbers_about(9, 2), numbers_about(1, 2)
    (['13', '14', '10', '11', '12'], ['7', '8', '9', '6', '5'], ['0', '1', '2', '3'])
    """
    above, below, found = number + width + 1, number - width - 1, []
    for value in range(max(0, number - width), number + width + 1):
        if value // 10 < number // 10:
            value, above = above, above + 1
        elif value // 10 > number // 10:
            value, below = below, below - 1
        found.append(str(value))
    return found


def samples(root: Path) -> Iterator[Sample]:
    for item in items(root):
        made = sample_of(root, item, item["question"], item["options"], 0, letters=False)
        yield replace(made, target=item["gt_answers"])


@dataclass(frozen=True, eq=False)
class NumberScorer:
    """Upstream's metric class: the error, at most the true count, and the percentage of exact answers; no number is 0."""

    metrics: tuple[Metric, ...] = (
        Metric("MAE", ratio("error", "items", 1.0), "count", "lower"),
        Metric("ACC", ratio("right", "items")),
    )

    def read(self, answer: Answer, sample: Sample) -> int:
        return count(chosen_text(answer, sample)) or 0

    def score(self, sample: Sample, prediction: int | None) -> dict[str, float]:
        error = sample.target if prediction is None else min(sample.target, abs(sample.target - prediction))
        return {"items": 1, "error": error, "right": float(prediction == sample.target)}

    def show(self, sample: Sample, prediction: int | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"MAE": float(stats["error"]), "ACC": 100 * stats["right"], "right": int(stats["right"])}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return {}


@dataclass(frozen=True, eq=False)
class Counts(Scenario):
    """One picture, one number. `Sample.target`: the number, one of `choices`; floor and ceiling are those of `fsc147`."""

    def oracle(self, sample: Sample, part: str = "") -> str:
        return PLAIN.oracle(sample)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return PLAIN.chance(sample, rng, samples)

    def chances(self, sample: Sample) -> Sequence[str]:
        return ()  # drawn from the file's counts

    def majority(self, samples: Sequence[Sample]) -> Answer:
        return PLAIN.majority(samples)


TASKS = (
    Counts(
        name="chef-fsc147",
        kind="counting",
        meta_files=FILES,
        answer_files=("FSC147",),
        protocols={"standard": counting.CountScorer(), "chef": NumberScorer()},
        read=samples,
        own_format=False,
    ),
)
