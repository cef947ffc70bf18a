"""Keypoints of a human body (LSP): PCK, the percentage of correct keypoints. Each joint is asked for on its own.

Upstream meant PCK@0.1 in fractions of the image, but its counter never counts (reference 1.11; Appendix H, O11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from lamm_bench.measure.geometry import distances
from lamm_bench.measure.stats import ratio
from lamm_bench.read import Frame, read_points
from lamm_bench.read.vocabulary import Lexicon
from lamm_bench.task import Item, is_numbers
from lamm_bench.types import Answer, Estimate, Media, Metric, Modality, Row, Sample, Scorer

from .classic import CLASSIC
from .loading import ItemByItem, frame_of, outside, place_text, protocols, size_of

JOINTS = (
    "right ankle", "right knee", "right hip", "left hip", "left knee", "left ankle", "right wrist", "right elbow",
    "right shoulder", "left shoulder", "left elbow", "left wrist", "neck", "head top",
)  # fmt: skip
# the diagonal of the torso, from left shoulder to right hip: Toshev and Szegedy 2014 (DeepPose), section 4.1
SHOULDER, HIP = JOINTS.index("left shoulder"), JOINTS.index("right hip")
IMAGE_PCK, TORSO_PCK = 0.1, 0.2
NOWHERE = (float("nan"), float("nan"))


def key(joint: str) -> str:
    """A joint's name in metric names.

    >>> key("head top")
    'head_top'
    """
    return joint.replace(" ", "_")


SIDES = ("ankle", "knee", "hip", "wrist", "elbow", "shoulder", "eye", "ear", "nose", "foot", "hand", "heel", "toe", "pelvis")
BODY = Lexicon({
    **dict.fromkeys(JOINTS, ()),
    "neck": ("neck point", "base of the neck"),
    "head top": ("top of the head", "top of head", "head", "headtop", "crown"),
    **dict.fromkeys(SIDES, ()),  # without a side they are some joint, but not the one that was asked for
})  # fmt: skip


def point_of(text: str, joint: str, frame: Frame | None = None) -> tuple[float, float] | None:
    """The point that an answer gives for a joint.

    >>> point_of("The left hip is at (0.4, 0.5), and the right ankle is at (0.4, 0.9).", "right ankle"), point_of("(0.4, 0.9)", "neck")
    ((0.4, 0.9), (0.4, 0.9))
    >>> point_of("The left hip is at (0.4, 0.5).", "right ankle") is None
    True
    """
    places = read_points(text, BODY.vocabulary(JOINTS), frame) or ()
    own = [place for place in places if place.label == joint] or [
        place for place in places if place.label in (None, joint.split()[-1])
    ]
    return own[0].numbers if own else None  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class PoseScorer:
    """PCK over all joints of all images; of each answer the point named by the joint, else the first, counts.

    `PCK@0.1`: distance below 0.1, both axes divided by the image's size. `PCK@0.2_torso`: distance in pixels of at most 0.2
    torso diagonals, the usual measure on LSP; the part of PCKh (Andriluka et al. 2014) is played by the torso because LSP has
    no head boxes. An image whose torso has no length stays out of it."""

    metrics: tuple[Metric, ...] = (
        Metric(f"PCK@{IMAGE_PCK:g}", ratio("hits", "joints"), n="joints"),
        Metric(f"PCK@{TORSO_PCK:g}_torso", ratio("hits torso", "joints torso"), n="joints torso"),
        Metric("unread_joints", ratio("joints unread", "joints"), better="lower", n="joints"),
        *(Metric(f"PCK@{IMAGE_PCK:g}/{key(joint)}", ratio(f"hit {joint}", "images"), n="images") for joint in JOINTS),
    )

    def read(self, answer: Answer, sample: Sample) -> list[tuple[float, float]] | None:
        """One point for each joint, [nan, nan] where none could be read; None when no joint could be.

        An answer may name other joints too: the point beside the one that was asked for counts, and only without names the first.

        Answers are joined by the joint's name. One text for all joints is read if it holds fourteen points."""
        if isinstance(answer, str):
            points = read_points(answer, None, frame_of(sample))
            return [place.numbers for place in points] if points and len(points) == len(sample.parts) else None  # type: ignore[misc]
        frame = frame_of(sample)
        found = [point_of(str(answer[part]), part, frame) if part in answer else None for part in sample.parts]
        return [point or NOWHERE for point in found] if any(found) else None

    def score(self, sample: Sample, prediction: Sequence[tuple[float, float]] | None) -> dict[str, float]:
        joints = np.array([joint[:2] for joint in sample.target], dtype=np.float64)
        torso = float(distances(joints[SHOULDER], joints[HIP])[0])
        stats: dict[str, float] = {"images": 1, "joints": len(joints), "joints torso": len(joints) if torso > 0 else 0}
        size = sample.meta["size"]
        if prediction is None or size is None:
            return stats | {"joints unread": len(joints), "joints torso unread": stats["joints torso"]}
        points = np.array(prediction, dtype=np.float64)
        if astray := outside(point for point in prediction if point[0] == point[0]):
            stats["outside"] = astray
        lost = float(np.isnan(points).any(axis=1).sum())
        stats |= {"joints unread": lost, "joints torso unread": lost if torso > 0 else 0}
        near = distances(points, joints / size) < IMAGE_PCK
        stats |= {"hits": float(near.sum())} | {f"hit {joint}": 1 for joint, hit in zip(JOINTS, near, strict=True) if hit}
        if torso > 0:
            stats["hits torso"] = float((distances(points * size, joints, torso) <= TORSO_PCK).sum())
        return stats

    def show(
        self, sample: Sample, prediction: Sequence[tuple[float, float]] | None, stats: Mapping[str, float]
    ) -> dict[str, Any]:
        said = prediction or [NOWHERE] * len(JOINTS)
        return {
            "value": stats.get("hits", 0) / stats["joints"],
            "hits": stats.get("hits", 0),
            "hits_torso": stats.get("hits torso", 0),
            "points": {joint: None if point[0] != point[0] else list(point) for joint, point in zip(JOINTS, said, strict=True)},
        }

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        return {}


def joints_of(item: Item) -> list[list[float]]:
    """The fourteen joints [x, y, ...] in pixels, in LSP's order."""

    def fits(value: Any) -> bool:
        return isinstance(value, list) and len(value) == len(JOINTS) and all(is_numbers(joint, 2, least=2) for joint in value)

    return [[float(x) for x in joint] for joint in item.get("gt_joints", check=fits, expected="fourteen joints [x, y] in pixels")]


def fraction(point: Sequence[float], size: Sequence[int]) -> list[float]:
    """A point in pixels as fractions of width and height."""
    return [point[0] / size[0], point[1] / size[1]]


@dataclass(frozen=True, eq=False)
class Keypoints(ItemByItem):
    """Where is each joint? `Sample.target`: fourteen [x, y, ...] in pixels; `Sample.parts`: the joints' names, asked one by
    one in place of the `{}` of the question; `meta["size"]`: width and height in pixels."""

    name: str
    meta_files: tuple[str, ...]
    answer_files: tuple[str, ...]
    protocols: Mapping[str, Scorer]
    kind: str = "keypoints"
    groups: tuple[str, ...] = ("2d",)
    modality: Modality = "image"
    max_new_tokens: int = 64
    asks_for: str = "points"

    def places(self, sample: Sample, part: str = "") -> tuple[str, tuple[str, ...]]:
        return "points", (f"{part or JOINTS[0]} of the person",)

    def make(self, item: Item, media: tuple[Media, ...]) -> dict[str, Any]:
        if item.text("query").count("{}") != 1:
            raise item.fault("`query` does not hold exactly one `{}`, expected one where the joint's name goes")
        return {"target": joints_of(item), "parts": JOINTS, "meta": {"size": size_of(media)}}

    def oracle(self, sample: Sample, part: str = "") -> str:
        size = sample.meta["size"]
        return place_text(fraction(sample.target[JOINTS.index(part or JOINTS[0])], size)) if size else "[0.5, 0.5]"

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return place_text((rng.random(), rng.random()), 2)

    def majority(self, samples: Sequence[Sample]) -> dict[str, str]:
        """Each joint's mean place in the file."""
        poses = [[fraction(joint, sample.meta["size"]) for joint in sample.target] for sample in samples if sample.meta["size"]]
        mean = np.mean(poses, axis=0) if poses else np.full((len(JOINTS), 2), 0.5)
        return {joint: place_text(point.tolist(), 2) for joint, point in zip(JOINTS, mean, strict=True)}


TASKS = (
    Keypoints(
        name="lsp",
        meta_files=(
            "2D_Benchmark/meta_file/Keypoints_Detection_LSP.json",
            "2D_Benchmark/meta_file/Keypoints_Dectection_LSP.json",
        ),
        answer_files=("Keypoints_Detection_LSP", "Keypoints_Dectection_LSP"),
        protocols=protocols(PoseScorer(), "lsp", ("classic", CLASSIC)),
    ),
)
