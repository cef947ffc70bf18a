"""What an adapter is asked about by the doctor: a task of its own with drawn media, or samples of a real task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.ask.instruction import opening
from lamm_bench.errors import BenchError
from lamm_bench.media import Probe, modality
from lamm_bench.types import Answer, Media, Message, Modality, Sample, Task

COUNT = 6  # samples that the checks ask about
OPTIONS = ("red", "green", "blue", "yellow")  # for likelihoods of samples that have no choices


@dataclass(frozen=True)
class Own:
    """The doctor's own task: which of a few things is it, of pictures, clouds or other media that their modality draws?"""

    modality: Modality
    name: str = "doctor"
    kind: str = "vqa"
    groups: tuple[str, ...] = ()
    meta_files: tuple[str, ...] = ("doctor.json",)
    answer_files: tuple[str, ...] = ("doctor",)
    max_new_tokens: int = 16
    protocols: Mapping[str, Any] = field(default_factory=dict)

    @property
    def probe(self) -> Probe:
        """What its modality draws. Raises `BenchError` where it draws nothing."""
        found = modality(self.modality).probe
        if found is None:
            raise BenchError(f"the modality {self.modality} draws nothing for the doctor; name a task with --task")
        return found

    def samples(self, root: Path) -> Sequence[Sample]:
        """Drawn into `root`."""
        found = []
        questions, options = self.probe.questions, self.probe.options
        for number in range(COUNT):
            right = options[number % len(options)]
            media = self.probe.draw(root, f"{self.modality}-{number}", number)
            question = questions[number % len(questions)]
            found.append(Sample(f"doctor-{number}", question, (media,), right, media.path, options))
        return found

    def oracle(self, sample: Sample, part: str = "") -> str:
        return str(sample.target)

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        return rng.choice(self.probe.options)

    def majority(self, samples: Sequence[Sample]) -> Answer:
        return self.probe.options[0]


@dataclass(frozen=True)
class Material:
    """The samples in hand, and a folder for everything that is drawn."""

    task: Task
    samples: tuple[Sample, ...]
    folder: Path
    given: bool = False  # whether they are a real task's

    def media(self, kind: Modality) -> list[Media]:
        """What the samples show of a kind, each once."""
        return list(dict.fromkeys(one for sample in self.samples for one in sample.media if one.kind == kind))

    def messages(self, number: int) -> tuple[Message, ...]:
        """The conversation of a sample."""
        sample = self.samples[number % len(self.samples)]
        return opening(sample, sample.parts[0] if sample.parts else "", "", "{question}").messages

    def options(self, number: int) -> tuple[str, ...]:
        sample = self.samples[number % len(self.samples)]
        return sample.choices or OPTIONS


def own_material(kind: Modality, folder: Path) -> Material:
    task = Own(kind)
    return Material(task, tuple(task.samples(folder)), folder)


def material_of(task: Task, root: Path, folder: Path) -> Material:
    """The first samples of a real task."""
    samples = task.samples(root)
    if not samples:
        raise BenchError(f"{task.name} has no items under {root}")
    apart: dict[str, Sample] = {}  # of each image or scene the first: several questions about one would be answered alike
    for sample in samples:
        if len(apart) < COUNT:
            apart.setdefault(sample.group, sample)
    chosen = list(apart.values()) + [sample for sample in samples if sample not in apart.values()]
    return Material(task, tuple(chosen[:COUNT]), folder, given=True)
