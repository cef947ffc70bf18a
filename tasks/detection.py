"""Object detection in images (VOC2012): every object's class and box.

`standard` is precision, recall and F1 with one-to-one matching (`boxes.py`), plus COCO's AP with the order of emission in
place of a confidence (`coco_ap.py`). VOC writes its classes in British spelling and without blanks; other names count
through the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from lamm_bench.read.vocabulary import Lexicon
from lamm_bench.task import Item
from lamm_bench.types import Media, Modality, Sample, Scorer

from .boxes import BoxScorer
from .chef import CHEF
from .classic import CLASSIC
from .coco_ap import average_precision
from .loading import Labelled, most_frequent, objects, place_text, protocols

VOC = Lexicon({
    "aeroplane": ("airplane", "plane", "aircraft", "jet", "jetliner", "airliner"),
    "bicycle": ("bike", "cycle"),
    "bird": ("duck", "goose", "gull", "seagull", "pigeon", "swan", "eagle", "parrot"),
    "boat": ("ship", "sailboat", "yacht", "ferry", "canoe", "kayak", "vessel"),
    "bottle": ("wine bottle", "beer bottle", "water bottle"),
    "bus": ("coach", "omnibus", "double decker", "minibus", "school bus"),
    "car": ("automobile", "auto", "motorcar", "sedan", "taxi", "suv", "van", "jeep"),
    "cat": ("kitten", "kitty"),
    "chair": ("armchair", "stool"),
    "cow": ("calf", "cattle", "bull", "ox"),
    "diningtable": ("dining table", "table", "dinner table"),
    "dog": ("puppy", "pup"),
    "horse": ("pony", "foal"),
    "motorbike": ("motorcycle", "motor bike", "motor cycle", "moped", "scooter"),
    "person": ("man", "woman", "child", "boy", "girl", "human", "human being", "baby", "lady", "guy", "kid", "rider", "cyclist",
               "pedestrian", "player", "people", "persons"),
    "pottedplant": ("potted plant", "plant", "houseplant", "house plant", "flowerpot", "flower pot"),
    "sheep": ("lamb", "ram", "ewe"),
    "sofa": ("couch", "settee", "loveseat"),
    "train": ("locomotive", "tram", "railway train"),
    "tvmonitor": ("tv monitor", "tv", "television", "monitor", "television set", "tv set", "computer monitor", "screen"),
})  # fmt: skip

SPELLED = {"diningtable": "dining table", "pottedplant": "potted plant", "tvmonitor": "tv monitor"}

BOX = "a box [x1, y1, x2, y2] between 0 and 1 with x1 <= x2 and y1 <= y2"
SLACK = 0.01  # a file rounded outward by less than a hundredth is still normalised


def normalised(box: Sequence[float]) -> bool:
    """Whether this is a box in fractions of the image, not pixels, with its corners in order."""
    return all(-SLACK <= x <= 1 + SLACK for x in box) and box[0] <= box[2] and box[1] <= box[3]


class VocFile(Labelled):
    """A file of VOC; `Sample.target`: a list of {"label", "bbox"}."""

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        return {"target": objects(item, 4, normalised, BOX)}


def named_for_models(labels: Sequence[str]) -> tuple[str, ...]:
    """The classes of a file in words, as a model is asked for them.

    >>> named_for_models(["cat", "tvmonitor"])
    ('cat', 'tv monitor')
    """
    return tuple(SPELLED.get(label, label) for label in labels)


def random_box(rng: Random) -> list[float]:
    """Two corners drawn evenly from the image."""
    x1, x2 = sorted((rng.random(), rng.random()))
    y1, y2 = sorted((rng.random(), rng.random()))
    return [x1, y1, x2, y2]


def frequent_class(samples: Sequence[Sample]) -> tuple[str, list[float]]:
    """The most frequent class of a file and the mean of its boxes."""
    entries = [entry for sample in samples for entry in sample.target]
    label = most_frequent(entry["label"] for entry in entries)
    return label, np.mean([entry["bbox"] for entry in entries if entry["label"] == label], axis=0).tolist()


@dataclass(frozen=True, eq=False)
class Detection(VocFile):
    """Every object of an image: its class and its box in fractions of width and height."""

    name: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    kind: str = "detection"
    groups: tuple[str, ...] = ("2d",)
    modality: Modality = "image"
    max_new_tokens: int = 512
    asks_for: str = "boxes"

    def places(self, sample: Sample, part: str = "") -> tuple[str, tuple[str, ...]]:
        return "boxes", named_for_models(sample.meta["labels"])

    def oracle(self, sample: Sample, part: str = "") -> str:
        return "; ".join(f"{entry['label']} {place_text(entry['bbox'])}" for entry in sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return f"{rng.choice(sample.meta['labels'])} {place_text(random_box(rng), 2)}"

    def majority(self, samples: Sequence[Sample]) -> str:
        label, box = frequent_class(samples)
        return f"{label} {place_text(box, 2)}"


TASKS = (
    Detection(
        name="voc2012",
        meta_files=("2D_Benchmark/meta_file/Detection_VOC2012.json",),
        answer_files=("Detection_VOC2012",),
        protocols=protocols(BoxScorer(4, (0.5, 0.25), VOC, average_precision), "voc2012", ("classic", CLASSIC), ("chef", CHEF)),
    ),
)
