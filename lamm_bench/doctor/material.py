"""What an adapter is asked about by the doctor: a task of its own with drawn pictures and clouds, or samples of a real task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from lamm_bench.ask.instruction import opening
from lamm_bench.errors import BenchError
from lamm_bench.types import Answer, Media, Message, Modality, Sample, Task

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "red": (220, 30, 30),
    "green": (30, 170, 50),
    "blue": (30, 60, 220),
    "yellow": (235, 215, 40),
}
QUESTIONS = ("Which colour is it?", "Name the colour that most of it has, in one word.", "What is it?", "Colour?")
COUNT = 6  # samples that the checks ask about
SIZES = ((64, 48), (48, 64), (56, 56), (96, 40), (40, 72), (64, 64))


@dataclass(frozen=True)
class Colours:
    """The doctor's own task: which colour has most of the picture, or of the cloud?"""

    modality: Modality = "image"
    name: str = "doctor"
    kind: str = "vqa"
    groups: tuple[str, ...] = ()
    meta_files: tuple[str, ...] = ("doctor.json",)
    answer_files: tuple[str, ...] = ("doctor",)
    max_new_tokens: int = 16
    protocols: Mapping[str, Any] = field(default_factory=dict)

    def samples(self, root: Path) -> Sequence[Sample]:
        """Drawn into `root`."""
        found = []
        for number in range(COUNT):
            colour = tuple(COLOURS)[number % len(COLOURS)]
            media = draw(self.modality, root, f"{self.modality}-{number}", number)
            question = QUESTIONS[number % len(QUESTIONS)]
            found.append(Sample(f"doctor-{number}", question, (media,), colour, media.path, tuple(COLOURS)))
        return found

    def oracle(self, sample: Sample, part: str = "") -> str:
        return str(sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return rng.choice(tuple(COLOURS))

    def majority(self, samples: Sequence[Sample]) -> Answer:
        return "red"


@dataclass(frozen=True)
class Material:
    """The samples in hand, and a folder for everything that is drawn."""

    task: Task
    samples: tuple[Sample, ...]
    folder: Path

    def messages(self, number: int) -> tuple[Message, ...]:
        """The conversation of a sample."""
        sample = self.samples[number % len(self.samples)]
        return opening(sample, sample.parts[0] if sample.parts else "", "", "{question}").messages

    def options(self, number: int) -> tuple[str, ...]:
        sample = self.samples[number % len(self.samples)]
        return sample.choices or tuple(COLOURS)


def own_material(modality: Modality, folder: Path) -> Material:
    task = Colours(modality)
    return Material(task, tuple(task.samples(folder)), folder)


def material_of(task: Task, root: Path, folder: Path) -> Material:
    """The first samples of a real task."""
    samples = task.samples(root)
    if not samples:
        raise BenchError(f"{task.name} has no items under {root}")
    return Material(task, tuple(samples[:COUNT]), folder)


def draw(kind: Modality, folder: Path, name: str, number: int) -> Media:
    """A picture or a cloud with much of one colour and some of another; the same number gives the same bytes."""
    rng = np.random.default_rng(number)
    most, some = (tuple(COLOURS.values())[(number + step) % len(COLOURS)] for step in (0, 2))
    if kind == "image":
        wide, high = SIZES[number % len(SIZES)]
        pixels = np.empty((high, wide, 3), dtype=np.int64)
        pixels[:] = most
        pixels[high // 3 : high // 2, wide // 4 : wide // 2] = some
        pixels += rng.integers(-15, 16, pixels.shape)
        path = folder / f"{name}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    else:
        points = rng.uniform((-1, -1, 0), (1, 1, 1 + number / 4), (600, 3))
        colours = np.where(rng.random((600, 1)) < 0.8, most, some)
        path = folder / f"{name}.npy"
        np.save(path, np.concatenate([points, colours], axis=1).astype(np.float32))
    return Media(kind, str(path))
