"""VOC2012 in ChEF's way: boxes that are said, in one text or in turns, and turns that a likelihood decides (reference 1.5.3, 1.5.4, 9.3).

The file is LAMM's own. Five tasks, since a text does not tell how it was asked for: `chef-voc2012` (text, or a turn for what is there and
one for each class), the same in Kosmos-2's marks, and turns with options in three forms, the default one, Shikra's and Kosmos-2's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.task import find_meta, read_items
from lamm_bench.tasks import detection
from lamm_bench.tasks.coco_ap import average_precision
from lamm_bench.tasks.loading import most_frequent, objects, place_text
from lamm_bench.tasks.upstream_reading import boxes2d
from lamm_bench.types import Answer, Sample, Scorer, Turn

from .scenario import Scenario, UpstreamItem, picture, sample_of
from .voc2012_options import Form, box_text, by_class, turns_of
from .voc2012_scoring import BASIC, KOSMOS, TurnsStandard, marked_boxes
from .voc2012_standard import SaidBoxes

FILES = tuple(f"{folder}2D_Benchmark/meta_file/Detection_VOC2012.json" for folder in ("LAMM/", ""))
WEIGHED_FORMS: tuple[Form, ...] = ("default", "shikra", "kosmos")
PLAIN = detection.TASKS[0]
NOTHING_SAID = "What is shown in this image, and where?"


def items(root: Path, form: Form | None = None) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the file; with a form the options of its turns, each item looked at once, in order."""
    found = list(bare_items(root))
    pool = classes_of(found)
    rng = Random(0)
    for item in found:
        if form is None:
            yield item
            continue
        boxes = by_class(item["gt_answers"])
        turns = [
            {"prompt_idx": turn.prompt, "prefix": turn.prefix or None, "options": list(turn.options)}
            for turn in turns_of(boxes, pool, rng, form, own=False)
        ]
        yield {
            **item,
            "gt_answers": [{"label": label, "bbox": box} for label, several in boxes.items() for box in several],
            "multi_turn_prefix": [{key: turn[key] for key in ("prompt_idx", "prefix")} for turn in turns],
            "options": turns,
        }


def bare_items(root: Path) -> Iterator[UpstreamItem]:
    base = find_meta(root, FILES).parent.parent
    for item in read_items(root, FILES):
        things = objects(item, 4, detection.normalised, detection.BOX)
        yield {"id": item.id, "image_path": picture(root, base, item.text("image"), item), "gt_answers": things}


def classes_of(found: Sequence[UpstreamItem]) -> list[str]:
    """All classes of a file, first seen first."""
    return list(dict.fromkeys(thing["label"] for item in found for thing in item["gt_answers"]))


def samples(root: Path) -> Iterator[Sample]:
    """Questions about all things of a picture, with the turns in which they can be asked: what is there, then where, class by class."""
    found = list(items(root))
    labels = tuple(sorted(classes_of(found)))
    questions = [item.text("query") for item in read_items(root, FILES)]
    for item, question in zip(found, questions):
        made = sample_of(root, item, question, (), 0, labels=labels)
        turns = (Turn(), *(Turn(1, name) for name in by_class(item["gt_answers"])))
        yield replace(made, target=item["gt_answers"], meta={**made.meta, "turns": turns})


def weighed_samples(root: Path, form: Form) -> Iterator[Sample]:
    """Turns with options, drawn by the sample's id and, as upstream draws them, beside (`meta["as upstream"]`)."""
    found = list(items(root, form))
    pool = sorted(classes_of(found))
    for item in found:
        boxes = by_class(item["gt_answers"])
        turns = tuple(turns_of(boxes, pool, Random(f"VOC2012/{item['id']}"), form))
        theirs = tuple(Turn(turn["prompt_idx"], turn["prefix"] or "", tuple(turn["options"])) for turn in item["options"])
        made = sample_of(root, item, NOTHING_SAID, (), 0, turns=turns, labels=tuple(pool))
        parts = tuple(str(number) for number in range(1, len(turns) + 1))
        yield replace(made, target=item["gt_answers"], parts=parts, meta={**made.meta, "as upstream": {"turns": theirs}})


@dataclass(frozen=True, eq=False)
class Things(Scenario):
    """All things of a picture with their boxes. `Sample.target`: a list of {"label", "bbox"}."""

    form: Form = "default"
    asks_for: str = "boxes"

    def places(self, sample: Sample, part: str = "") -> tuple[str, tuple[str, ...]]:
        return "boxes", detection.named_for_models(sample.meta["labels"])

    def turns(self, sample: Sample) -> Sequence[Turn]:
        return tuple(sample.meta["turns"])

    def told(self, label: str, box: Sequence[float]) -> str:
        """One thing in the form of this task."""
        if self.form == "default":
            return f"{label} {place_text(box)}"
        return f"{label} {box_text(label, box, self.form)}"

    def oracle(self, sample: Sample, part: str = "") -> str:
        return "; ".join(self.told(thing["label"], thing["bbox"]) for thing in sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return self.told(rng.choice(sample.meta["labels"]), detection.random_box(rng))

    def chances(self, sample: Sample) -> Sequence[str]:
        return ()

    def majority(self, samples: Sequence[Sample]) -> Answer:
        return self.told(*detection.frequent_class(samples))


@dataclass(frozen=True, eq=False)
class WeighedTurns(Things):
    """Turns that a likelihood decides: one for each class of a picture, then one for each box. `Sample.parts` numbers them."""

    in_turns: bool = True

    def oracle(self, sample: Sample, part: str = "") -> str:
        return str(sample.meta["turns"][int(part) - 1].options[0])

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return str(rng.choice(sample.meta["turns"][int(part) - 1].options))

    def majority(self, samples: Sequence[Sample]) -> Answer:
        """The class that is there most often, and the mean of its boxes, at every turn."""
        label, box = detection.frequent_class(samples)
        most = max(len(sample.meta["turns"]) for sample in samples)
        several = most_frequent(len(by_class(sample.target)) for sample in samples)
        said = [f"a {label}"] * several + [box_text(label, box, self.form)] * (most - several)
        return {str(number): text for number, text in enumerate(said, 1)}


def said_task(
    name: str, form: Form, answer_files: tuple[str, ...], standard: Scorer, chef: Scorer, groups: tuple[str, ...]
) -> Things:
    return Things(
        name=name,
        kind="detection",
        meta_files=FILES,
        answer_files=answer_files,
        protocols={"standard": standard, "chef": chef},
        read=samples,
        groups=groups,
        max_new_tokens=512,
        own_format=False,
        suits=(),
        answer_ways="(?:single|multi)_direct",
        form=form,
    )


def weighed_task(form: Form) -> WeighedTurns:
    marked = form == "kosmos"
    protocols: Mapping[str, Any] = {
        "standard": TurnsStandard(marked_boxes if marked else boxes2d),
        "chef": (KOSMOS if marked else BASIC)["weighed"],
    }
    return WeighedTurns(
        name="chef-voc2012-ppl" if form == "default" else f"chef-voc2012-ppl-{form}",
        kind="detection",
        meta_files=FILES,
        answer_files=(f"VOC2012.multi_ppl_{form}", *(("VOC2012.multi_ppl",) if form == "default" else ()), f"VOC2012_{form}_ppl"),
        protocols=protocols,
        read=partial(weighed_samples, form=form),
        groups=("chef",) if form == "default" else ("chef-forms",),
        own_format=False,
        suits=(),
        form=form,
    )


def boxes_said(spoken: str = "") -> SaidBoxes:
    return SaidBoxes(4, (0.5, 0.25), detection.VOC, average_precision, spoken=spoken)


TASKS = (
    said_task("chef-voc2012", "default", ("VOC2012",), boxes_said(), BASIC["said"], ("chef",)),
    said_task(
        "chef-voc2012-kosmos",
        "kosmos",
        ("VOC2012_kosmos", "VOC2012.kosmos_single_direct", "VOC2012.kosmos_multi_direct"),
        boxes_said("kosmos-2"),
        KOSMOS["said"],
        ("chef-forms",),
    ),
    *map(weighed_task, WEIGHED_FORMS),
)
