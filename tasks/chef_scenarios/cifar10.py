"""CIFAR10 in ChEF's way: ten names, of which one is generated or the likeliest taken (reference 1.4, 9.3, 9.8).

The file is LAMM's own, and `standard` reads as that of `cifar10`; ours ask with the file's question, of which upstream has none here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.loading import shorten
from lamm_bench.measure.stats import ratio
from lamm_bench.task import find_meta, read_items
from lamm_bench.tasks.classification import cifar10_label, find_cifar10
from lamm_bench.tasks.labels import LabelScorer
from lamm_bench.tasks.loading import most_frequent
from lamm_bench.tasks.upstream_words import names_class_chef_utils
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .cleaner import cleaned
from .scenario import Scenario, UpstreamItem, chosen_text, picture, sample_of

FILES = tuple(f"{folder}2D_Benchmark/meta_file/Classification_CIFAR10.json" for folder in ("LAMM/", ""))
NAMES = ("cat", "ship", "airplane", "frog", "automobile", "truck", "dog", "horse", "deer", "bird")  # upstream's order


def items(root: Path) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the file, with options."""
    base = find_meta(root, FILES).parent.parent
    for item in read_items(root, FILES):
        label = item.text("label")
        if label not in NAMES:
            raise item.fault(f"`label` is {shorten(label)}, expected one of {', '.join(NAMES)}")
        yield {
            "id": item.id,
            "image_path": picture(root, base, item.text("image"), item),
            "gt_answers": label,
            "options": list(NAMES),
        }


def samples(root: Path) -> Iterator[Sample]:
    questions = (item.text("query") for item in read_items(root, FILES))
    for item, question in zip(items(root), questions):
        made = sample_of(root, item, question, NAMES, 0, letters=False, labels=tuple(sorted(NAMES)))
        yield replace(made, target=item["gt_answers"])


@dataclass(frozen=True, eq=False)
class NameScorer:
    """Upstream's metric class, in percent: ACC wants the label itself among the cleaned words, SYN_ACC takes a synonym."""

    metrics: tuple[Metric, ...] = (Metric("ACC", ratio("right", "items")), Metric("SYN_ACC", ratio("synonym", "items")))

    def read(self, answer: Answer, sample: Sample) -> str:
        return cleaned(chosen_text(answer, sample))

    def score(self, sample: Sample, prediction: str | None) -> dict[str, float]:
        said = prediction or ""
        right, synonym = sample.target in said.split(" "), names_class_chef_utils(sample.target, said)
        return {"items": 1, "right": float(right), "synonym": float(synonym)}

    def show(self, sample: Sample, prediction: str | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"cleaned": prediction, "right": int(stats["right"]), "synonym": int(stats["synonym"])}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return {}


@dataclass(frozen=True, eq=False)
class Names(Scenario):
    """One picture, one name. `Sample.target`: the label, one of `choices`."""

    def oracle(self, sample: Sample, part: str = "") -> str:
        return str(sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return rng.choice(sample.choices)

    def majority(self, samples: Sequence[Sample]) -> Answer:
        return str(most_frequent(sample.target for sample in samples))


TASKS = (
    Names(
        name="chef-cifar10",
        kind="classification",
        meta_files=FILES,
        answer_files=("CIFAR10",),
        protocols={"standard": LabelScorer(find_cifar10, cifar10_label), "chef": NameScorer()},
        read=samples,
        own_format=False,
    ),
)
