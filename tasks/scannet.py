"""Object detection in rooms (ScanNet): every object's class and axis-aligned box in metres.

Overlaps are clamped on each axis (reference, Appendix H, O3); otherwise as in images (`boxes.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from lamm_bench.read.vocabulary import Lexicon
from lamm_bench.task import Item
from lamm_bench.types import Media, Modality, Sample, Scorer

from .boxes import BoxScorer
from .chef import CHEF
from .classic import CLASSIC
from .detection import frequent_class
from .loading import Labelled, another, objects, place_text, protocols

# ScanNet's 18 classes of boxes, `showercurtrain` and `garbagebin` spelled as the benchmark does (reference, Appendix E)
SCANNET = Lexicon({
    "cabinet": ("cupboard", "kitchen cabinet", "wardrobe", "closet"),
    "bed": (),
    "chair": ("armchair", "office chair", "stool"),
    "sofa": ("couch", "settee"),
    "table": ("coffee table", "dining table", "side table"),
    "door": ("doorway",),
    "window": (),
    "bookshelf": ("bookcase", "book shelf", "bookshelves", "shelf"),
    "picture": ("painting", "poster", "photo", "picture frame"),
    "counter": ("countertop", "kitchen counter"),
    "desk": ("writing desk",),
    "curtain": ("drape", "drapery"),
    "refrigerator": ("refridgerator", "fridge", "icebox"),
    "showercurtrain": ("shower curtain", "showercurtain"),
    "toilet": ("lavatory",),
    "sink": ("washbasin", "basin"),
    "bathtub": ("bath", "tub", "bath tub"),
    "garbagebin": ("garbage bin", "trash can", "trashcan", "bin", "trash bin", "garbage can", "wastebasket", "waste bin", "dustbin"),
    "otherfurniture": ("other furniture",),
})  # fmt: skip

BOX = "a box [cx, cy, cz, l, w, h] in metres with extents above 0"
BOX_DIGITS = 2


def has_volume(box: Sequence[float]) -> bool:
    """Whether all three extents are positive; nothing overlaps a box without volume."""
    return all(extent > 0 for extent in box[3:])


def random_room_box(rng: Random) -> list[float]:
    """A box of up to two metres somewhere in a room of eight by eight by two metres around the origin."""
    return [rng.uniform(-4, 4), rng.uniform(-4, 4), rng.uniform(0, 2), *(rng.uniform(0.1, 2) for _ in range(3))]


@dataclass(frozen=True, eq=False)
class RoomDetection(Labelled):
    """Every object of a room. `Sample.target`: a list of {"label", "bbox"}."""

    name: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    kind: str = "detection3d"
    groups: tuple[str, ...] = ("3d",)
    modality: Modality = "point_cloud"
    max_new_tokens: int = 1024

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        return {"target": objects(item, 6, has_volume, BOX)}

    def oracle(self, sample: Sample, part: str = "") -> str:
        return "; ".join(f"{entry['label']} {place_text(entry['bbox'])}" for entry in sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        """A class of the file and the box of some object of another sample."""
        other = another(sample, samples, rng)
        box = rng.choice(other.target)["bbox"] if other else random_room_box(rng)
        return f"{rng.choice(sample.meta['labels'])} {place_text(box, BOX_DIGITS)}"

    def majority(self, samples: Sequence[Sample]) -> str:
        label, box = frequent_class(samples)
        return f"{label} {place_text(box, BOX_DIGITS)}"


TASKS = (
    RoomDetection(
        name="scannet",
        meta_files=("3D_Benchmark/meta_file/Detection_ScanNet.json",),
        answer_files=("Detection_ScanNet",),
        protocols=protocols(BoxScorer(6, (0.25, 0.5), SCANNET), "scannet", ("classic", CLASSIC), ("chef", CHEF)),
    ),
)
