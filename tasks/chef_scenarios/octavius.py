"""Octavius' scenarios in three dimensions: what is this thing, describe it, answer a question about the room (ChEF, reference 1.18, 9.8, 9.11).

Files `<Task>_<set>.json`; items hold `scene_id`, `object_name`, `object_id` (but for questions) and `conversations`, the question and the
reference. Upstream shows its model features of single things; here the room's cloud is shown, and where upstream's box of the thing is
there (`<set>/bbox/<scene>/<id>-<name>.npy`, eight corners in metres), the question says where the thing is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from lamm_bench.loading import shorten
from lamm_bench.task import Item, find_meta, inside, read_items
from lamm_bench.tasks.captioning import CaptionScorer
from lamm_bench.tasks.loading import SCAN, another, most_frequent, place_text
from lamm_bench.types import Answer, Media, Modality, Sample, Scorer

from .octavius_scoring import CAPTIONS, NAMES, NAMES_STANDARD, FreeForm
from .scenario import Scenario, UpstreamItem

FOLDERS = ("Octavius/meta_file", "LAMM/3D_Benchmark/meta_file", "3D_Benchmark/meta_file", "Octavius")
CLOUDS = {"scannet": "scannet_pcls", "nr3d": "scannet_pcls", "shapenet": "shapenet_pcls"}
BOXES = {"scannet": "lamm_scannet_gt", "nr3d": "lamm_scannet_gt", "shapenet": "shapenet_pcls"}
WORDED = ("VQA",)  # tasks whose items are about a room and not about one thing


def files_of(kind: str, name: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{kind}_{name}.json" for folder in FOLDERS)


def items(root: Path, kind: str, name: str) -> Iterator[UpstreamItem]:
    """What upstream's class makes of the file."""
    for item in read_items(root, files_of(kind, name)):
        question, reference = conversation(item)
        yield {
            "id": item.id,
            "scene_id": item.text("scene_id"),
            "object_name": item.text("object_name"),
            "question": question,
            "gt": reference,
        }


def conversation(item: Item) -> tuple[str, str]:
    """The question and the reference: the values of the first two turns."""

    def spoken(value: Any) -> bool:
        whole = isinstance(value, list) and len(value) >= 2
        return whole and all(isinstance(turn, dict) and isinstance(turn.get("value"), str) for turn in value[:2])

    turns = item.get("conversations", check=spoken, expected="a list of at least two turns with `value`")
    return str(turns[0]["value"]), str(turns[1]["value"])


def samples(root: Path, kind: str, name: str) -> Iterator[Sample]:
    file = find_meta(root, files_of(kind, name))
    base = file.parent.parent if file.parent.name == "meta_file" else file.parent
    found = list(items(root, kind, name))
    names = tuple(sorted({item["object_name"] for item in found}))
    for item, told in zip(read_items(root, files_of(kind, name)), found):
        scene = told["scene_id"]
        cloud = cloud_of(base, f"{CLOUDS[name]}/{scene}.npy", item)
        box = None if kind in WORDED else box_of(base, BOXES[name], item)
        question = told["question"].replace("<pcl>", "").strip()
        asked = (
            question if box is None else f"{question}\nIt is in the box [cx, cy, cz, l, w, h] = {place_text(box, 2)}, in metres."
        )
        target = told["object_name"] if kind == "Classification" else [told["gt"]]
        room = SCAN.fullmatch(scene)
        meta = {"scene": scene, "labels": names}
        yield Sample(item.id, asked, (Media("point_cloud", str(cloud)),), target, room.group(1) if room else scene, meta=meta)


def cloud_of(base: Path, relative: str, item: Item) -> Path:
    """The room's cloud, in Octavius' own folder or in LAMM's beside it."""
    path = inside(base, relative, item)
    beside = [base.parent / folder / relative for folder in ("3D_Benchmark", "LAMM/3D_Benchmark")]
    return next((one for one in (path, *beside) if one.is_file()), path)


def box_of(base: Path, folder: str, item: Item) -> list[float] | None:
    """Centre and extent of the thing, from its eight corners; None where upstream's box is not there."""
    thing = item.get("object_id", check=lambda v: isinstance(v, str | int), expected="a text or a number")
    named = item.text("object_name").replace(" ", "_")
    path = inside(base, f"{folder}/bbox/{item.text('scene_id')}/{thing}-{named}.npy", item)
    if not path.is_file():
        return None
    try:
        corners = np.load(path, allow_pickle=False).reshape(-1, 3).astype(float)
    except (ValueError, OSError, EOFError):
        raise item.fault(f"{path} is no array of corners, expected eight of three numbers") from None
    if len(corners) == 0 or not np.isfinite(corners).all():
        raise item.fault(f"{path} holds {shorten(corners.tolist())}, expected eight corners of three numbers")
    low, high = corners.min(axis=0), corners.max(axis=0)
    return [*((low + high) / 2).tolist(), *(high - low).tolist()]


@dataclass(frozen=True, eq=False)
class Rooms(Scenario):
    """Text about a thing or a room. `Sample.target`: the thing's name, or a list of the one reference."""

    modality: Modality = "point_cloud"

    def oracle(self, sample: Sample, part: str = "") -> str:
        return sample.target if isinstance(sample.target, str) else str(sample.target[0])

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        if isinstance(sample.target, str):
            return str(rng.choice(sample.meta["labels"]))
        other = another(sample, samples, rng)
        return self.oracle(other) if other is not None else "a thing in the room"

    def chances(self, sample: Sample) -> Sequence[str]:
        return sample.meta["labels"] if isinstance(sample.target, str) else ()

    def majority(self, samples: Sequence[Sample]) -> Answer:
        return str(most_frequent(self.oracle(sample) for sample in samples))


def task(kind: str, name: str, standard: Scorer, chef: Scorer, asked: str) -> Rooms:
    protocols: Mapping[str, Any] = {"standard": standard, "chef": chef}
    short = {"Classification": "cls", "Caption": "caption", "VQA": "vqa"}[kind]
    return Rooms(
        name=f"chef-octavius-{name}-{short}",
        kind=asked,
        meta_files=files_of(kind, name),
        answer_files=(f"{name}_{kind}", f"{kind}_{name}"),
        protocols=protocols,
        read=partial(samples, kind=kind, name=name),
        groups=("chef", "chef-octavius"),
        max_new_tokens=128,
        suits=(),
    )


TASKS = (
    task("Classification", "scannet", NAMES_STANDARD, NAMES, "object3d"),
    task("Classification", "shapenet", NAMES_STANDARD, NAMES, "object3d"),
    task("Caption", "scannet", CaptionScorer(), CAPTIONS, "caption3d"),
    task("Caption", "nr3d", CaptionScorer(), CAPTIONS, "caption3d"),
    task("VQA", "scannet", FreeForm(), CAPTIONS, "answer3d"),
)
