"""Pointing at things: the binary locating metric of LAMM, for objects (VOC2012), a person (LSP) and counted things (FSC147).

The headline is the hit rate: hits over objects, pooled over the images of the file. A predicted box counts as its centre
(reference, Appendix H, O14), borders belong to the box."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from lamm_bench.measure.geometry import corners_2d, match
from lamm_bench.measure.pooling import Pool
from lamm_bench.measure.stats import ratio
from lamm_bench.read import Place, read_points, text_of
from lamm_bench.task import Item, is_numbers
from lamm_bench.types import Answer, Estimate, Media, Metric, Modality, Row, Sample, Scorer

from .chef import CHEF
from .classic import CLASSIC
from .detection import VOC, VocFile, frequent_class, named_for_models
from .keypoints import fraction, joints_of
from .loading import ItemByItem, frame_of, outside, place_text, protocols, size_of, thing_in

RADIUS = 0.1  # of the image's size, around each counted thing (reference 1.13)
FEW = 10  # upstream looks only at images with fewer things than this
EDGE = 1e-9  # fractions of the image: what rounding may take from a point on the border

HIT_RATE = Metric("hit_rate", ratio("hits", "total"), n="total")
MATCHED = Metric("matched_rate", ratio("matched", "total"), n="total")  # each point answers for one object at most


@dataclass(frozen=True, eq=False)
class PointScorer:
    """Hits by a table "point i hits object j" of each image. `few`: objects count only in images with fewer than this."""

    table: Callable[[Sample, Sequence[Place]], np.ndarray]  # bool [objects, points]
    metrics: tuple[Metric, ...] = (HIT_RATE, MATCHED)
    labelled: bool = False
    few: int | None = None
    single: bool = False  # one object, and the first point only

    def read(self, answer: Answer, sample: Sample) -> list[Place] | None:
        """All points with the classes next to them, in order."""
        vocabulary = VOC.vocabulary(sample.meta["labels"]) if self.labelled else None
        return read_points(text_of(answer), vocabulary, frame_of(sample))

    def score(self, sample: Sample, prediction: Sequence[Place] | None) -> dict[str, float]:
        objects = 1 if self.single else len(sample.target)
        hits = np.zeros((objects, 0), dtype=bool)
        if prediction and sample.meta.get("size", ()) is not None:
            hits = self.table(sample, prediction[:1] if self.single else prediction)
        hit, matched = float(hits.any(axis=1).sum()), float(len(match(hits)))
        counted = self.few is None or objects < self.few
        stats = (
            {"hits": hit, "matched": matched, "total": float(objects)} if counted else {"hits": 0.0, "matched": 0.0, "total": 0.0}
        )
        if self.few is not None:
            stats |= {"hits all": hit, "total all": objects}
        if prediction and (astray := outside(place.numbers for place in prediction)):
            stats["outside"] = astray
        return stats

    def show(self, sample: Sample, prediction: Sequence[Place] | None, stats: Mapping[str, float]) -> dict[str, Any]:
        hits, total = stats.get("hits all", stats["hits"]), stats.get("total all", stats["total"])
        return {
            "value": hits / total,
            "hits": stats["hits"],
            "total": stats["total"],
            "points": [{"label": place.label, "point": list(place.numbers)} for place in prediction or ()],
        }

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        return {}


def coordinates(places: Sequence[Place]) -> np.ndarray:
    """Shape [points, 2]."""
    return np.array([place.numbers for place in places], dtype=np.float64).reshape(-1, 2)


def inside(points: np.ndarray, boxes: np.ndarray, slack: float = EDGE) -> np.ndarray:
    """Which point [points, 2] lies in which corner box [boxes, 2, 2]; bool [boxes, points]."""
    within = (points[None] >= boxes[:, None, 0] - slack) & (points[None] <= boxes[:, None, 1] + slack)
    return np.asarray(within.all(axis=-1))


def in_labelled_box(sample: Sample, places: Sequence[Place]) -> np.ndarray:
    """A point hits an object when it lies in its box and the object's class is named next to it."""
    vocabulary = VOC.vocabulary(sample.meta["labels"])
    same: np.ndarray = np.array(
        [[vocabulary.label(entry["label"]) == place.label for place in places] for entry in sample.target]
    )
    boxes = corners_2d([entry["bbox"] for entry in sample.target])
    return np.where(same, inside(coordinates(places), boxes), False)


def person_box(sample: Sample) -> np.ndarray:
    """The tight box of the joints in fractions, shape [1, 2, 2]."""
    joints = np.array([fraction(joint, sample.meta["size"]) for joint in sample.target])
    return np.stack([joints.min(axis=0), joints.max(axis=0)])[None]


def in_person(sample: Sample, places: Sequence[Place]) -> np.ndarray:
    return inside(coordinates(places), person_box(sample))


def near_things(sample: Sample, places: Sequence[Place]) -> np.ndarray:
    """A point hits a thing closer than 0.1, both axes divided by the image's size."""
    things = np.array([fraction(point, sample.meta["size"]) for point in sample.target])
    with np.errstate(over="ignore"):
        return np.sqrt(((things[:, None] - coordinates(places)[None]) ** 2).sum(axis=-1)) < RADIUS


def centre(box: Sequence[float]) -> list[float]:
    """The middle of a box of corners."""
    return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]


def is_points(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(is_numbers(point, 2) for point in value)


def random_point(rng: Random) -> str:
    return place_text((rng.random(), rng.random()), 2)


@dataclass(frozen=True, eq=False)
class Locating:
    """What the three files have in common. A chance answer is a point anywhere in the image."""

    name: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    kind: str = "locating"
    groups: tuple[str, ...] = ("2d", "locating")
    modality: Modality = "image"
    max_new_tokens: int = 256
    asks_for: str = "points"

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return random_point(rng)


@dataclass(frozen=True, eq=False)
class LocatingObjects(VocFile, Locating):
    """A class and a point for every object. `Sample.target`: a list of {"label", "bbox"}."""

    def places(self, sample: Sample, part: str = "") -> tuple[str, tuple[str, ...]]:
        return "points", named_for_models(sample.meta["labels"])

    def oracle(self, sample: Sample, part: str = "") -> str:
        return "; ".join(f"{entry['label']} {place_text(centre(entry['bbox']))}" for entry in sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return f"{rng.choice(sample.meta['labels'])} {random_point(rng)}"

    def majority(self, samples: Sequence[Sample]) -> str:
        """The most frequent class in the middle of its mean box."""
        label, box = frequent_class(samples)
        return f"{label} {place_text(centre(box), 2)}"


@dataclass(frozen=True, eq=False)
class LocatingPerson(ItemByItem, Locating):
    """A point on the person. `Sample.target`: fourteen joints in pixels; `meta["size"]`: width and height."""

    max_new_tokens: int = 64

    def places(self, sample: Sample, part: str = "") -> tuple[str, tuple[str, ...]]:
        return "points", ("person",)

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        return {"target": joints_of(item), "meta": {"size": size_of(media)}}

    def oracle(self, sample: Sample, part: str = "") -> str:
        return place_text(person_box(sample)[0].mean(axis=0).tolist()) if sample.meta["size"] else "[0.5, 0.5]"

    def majority(self, samples: Sequence[Sample]) -> str:
        """The mean middle of all persons."""
        middles = [person_box(sample)[0].mean(axis=0) for sample in samples if sample.meta["size"]]
        return place_text(np.mean(middles, axis=0).tolist() if middles else (0.5, 0.5), 2)


@dataclass(frozen=True, eq=False)
class LocatingThings(ItemByItem, Locating):
    """A point on each counted thing. `Sample.target`: [x, y] in pixels each; `meta["size"]`: width and height."""

    def places(self, sample: Sample, part: str = "") -> tuple[str, tuple[str, ...]]:
        return "points", (thing_in(sample.question),)

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        points = item.get("points", check=is_points, expected="a list of at least one point [x, y] in pixels")
        return {"target": [[float(x) for x in point] for point in points], "meta": {"size": size_of(media)}}

    def oracle(self, sample: Sample, part: str = "") -> str:
        size = sample.meta["size"]
        return "; ".join(place_text(fraction(point, size)) for point in sample.target) if size else "[0.5, 0.5]"

    def majority(self, samples: Sequence[Sample]) -> str:
        """The mean place of all things."""
        points = [fraction(point, sample.meta["size"]) for sample in samples if sample.meta["size"] for point in sample.target]
        return place_text(np.mean(points, axis=0).tolist() if points else (0.5, 0.5), 2)


HIT_RATE_ALL = Metric("hit_rate_all", ratio("hits all", "total all"), n="total all")

TASKS = (
    LocatingObjects(
        name="locating-voc2012",
        meta_files=("2D_Benchmark/meta_file/Locating_VOC2012.json",),
        answer_files=("Locating_VOC2012",),
        protocols=protocols(
            PointScorer(in_labelled_box, labelled=True), "locating-voc2012", ("classic", CLASSIC), ("chef", CHEF)
        ),
    ),
    LocatingPerson(
        name="locating-lsp",
        meta_files=("2D_Benchmark/meta_file/Locating_LSP.json",),
        answer_files=("Locating_LSP",),
        protocols=protocols(
            PointScorer(in_person, (HIT_RATE,), single=True), "locating-lsp", ("classic", CLASSIC), ("chef", CHEF)
        ),
    ),
    LocatingThings(
        name="locating-fsc147",
        meta_files=("2D_Benchmark/meta_file/Locating_FSC147.json",),
        answer_files=("Locating_FSC147",),
        protocols=protocols(
            PointScorer(near_things, (HIT_RATE, MATCHED, HIT_RATE_ALL), few=FEW),
            "locating-fsc147",
            ("classic", CLASSIC),
            ("chef", CHEF),
        ),
    ),
)

# the objects of all three files together, as upstream pools them, under our own reading and matching
POOLS = (Pool("locating-pooled", "standard", {"hit_rate": ("locating-voc2012", "locating-lsp", "locating-fsc147")}),)
