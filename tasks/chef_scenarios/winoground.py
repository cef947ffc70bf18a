"""Winoground (Thrush et al. 2022, arXiv 2204.03162): two captions of the same words, two pictures; which belong together?

`Winoground/examples.jsonl` and `Winoground/images/` (reference 9.3). Both pictures are shown with both captions. In `chef-winoground` each
of the four pairs is a question of yes or no, and of each example either the captions or the pictures have changed places, drawn
with upstream's seed; in `chef-winoground-cap` four statements are weighed at once. The wording is ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.loading import parse_json, read_text
from lamm_bench.task import find_meta, items_in
from lamm_bench.types import Sample

from .scenario import YES_NO, Scenario, UpstreamItem, picture, sample_of
from .winoground_scoring import CapScorer, CapStandard, WinogroundScorer, WinogroundStandard

FILE = "Winoground/examples.jsonl"
SEED = 2023
CAPTIONS, PICTURES = 1, 2  # what has changed places, as upstream draws and calls it
PAIRS = ("c0i0", "c0i1", "c1i0", "c1i1")


def examples(root: Path) -> Iterator[tuple[int, list[str], list[str]]]:
    """Each line with its number, captions and pictures. The number is its id where all ids are whole numbers, else its place."""
    file = find_meta(root, (FILE,))
    lines = enumerate(read_text(file).split("\n"), 1)
    entries = [parse_json(line, f"{file} line {number}") for number, line in lines if line.strip()]
    found = list(items_in(file, entries))
    numbered = all(item.id.isdecimal() for item in found)
    for place, item in enumerate(found):
        captions = [item.text(f"caption_{number}") for number in (0, 1)]
        names = [f"{item.text(f'image_{number}')}.png" for number in (0, 1)]
        paths = [picture(root, file.parent / "images", name, item) for name in names]
        yield int(item.id) if numbered else place, captions, paths


def items(root: Path) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the file, but for the questions. Its `gt_answers` are those of the pairs before the change of places."""
    rng = Random(SEED)
    for number, captions, images in examples(root):
        shuffle = rng.randint(CAPTIONS, PICTURES)
        shown = captions[::-1] if shuffle == CAPTIONS else captions
        paths = images[::-1] if shuffle == PICTURES else images
        for place, (pair, truth) in enumerate(zip(PAIRS, ("Yes", "No", "No", "Yes"))):
            yield {
                "id": number * len(PAIRS) + place,
                "main_id": number,
                "image_path": paths,
                "question": f"{told(shown)}\nDoes caption {1 + int(pair[1])} match image {1 + int(pair[3])}?",
                "gt_answers": truth,
                "options": list(YES_NO),
                "type": pair,
                "shuffle": shuffle,
            }


def items_cap(root: Path) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the file for statements, but for question and options."""
    for number, captions, images in examples(root):
        options = [f"Caption {caption} matches image {image}." for caption in (1, 2) for image in (1, 2)]
        yield {
            "id": number,
            "main_id": number,
            "image_path": images,
            "question": f"{told(captions)}\nWhich statement is right?",
            "options": options,
        }


def told(captions: list[str]) -> str:
    return "\n".join(f"Caption {number}: {caption}." for number, caption in enumerate(captions, 1))


def samples(root: Path) -> Iterator[Sample]:
    """After one change of places a caption belongs to the picture at the other place."""
    for item in items(root):
        target = int(item["type"] in ("c0i0", "c1i1"))
        known: dict[str, Any] = {key: item[key] for key in ("main_id", "type", "shuffle")}
        made = sample_of(root, item, item["question"], YES_NO, target, letters=False, of=len(PAIRS), **known)
        yield clustered(made, item)


def samples_cap(root: Path) -> Iterator[Sample]:
    for item in items_cap(root):
        question = "\n".join([item["question"], *item["options"]])
        yield clustered(sample_of(root, item, question, item["options"], 0, letters=False, right=(0, 3)), item)


def clustered(sample: Sample, item: UpstreamItem) -> Sample:
    """An example is what errors are clustered by, in whatever order its pictures are shown."""
    group = " ".join(sorted(item["image_path"]))
    return Sample(sample.id, sample.question, sample.media, sample.target, group, sample.choices, (), sample.meta)


TASKS = (
    Scenario(
        name="chef-winoground",
        kind="yes_no",
        meta_files=(FILE,),
        answer_files=("Winoground",),
        protocols={"standard": WinogroundStandard(), "chef": WinogroundScorer()},
        read=samples,
        max_new_tokens=16,
    ),
    Scenario(
        name="chef-winoground-cap",
        kind="options",
        meta_files=(FILE,),
        answer_files=("Winoground_Cap",),
        protocols={"standard": CapStandard(), "chef": CapScorer()},
        read=samples_cap,
    ),
)
