"""What a preset's `tasks` stand for: benchmark files of LAMM's, their kinds of media, and what of C4 asks as they do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lamm_bench import media
from lamm_bench.errors import BenchError
from lamm_bench.types import Task

from .preset import Preset

CONSTRUCTED = "{}_Instruct/meta_file/constructed.json"  # where `data construct` writes: 2D what is flat, 3D everything else

ASKED = {
    "Classification": "classification", "Fine-grained_Classification": "classification", "Detection": "detection", "VQA": "vqa",
    "Caption": "captions", "Counting": "counting", "OCR": "ocr", "Facial_Classification": "faces", "Keypoints_Detection": "keypoints",
    "Locating": "locating", "VG": "grounding",
}  # fmt: skip
"""What of C4's kinds (construct/c4.py) a benchmark file asks, by the beginning of its name (reference 1.1)."""


def tasks_named(plan: Preset) -> list[Task]:
    """The tasks that a preset is tuned on. Raises BenchError for unknown ones and for benchmarks in other forms than LAMM's."""
    from lamm_bench.ask.catalog import load_catalog

    found: list[Task] = list(load_catalog(()).select_tasks(plan.tasks))
    for task in found:
        if asked_by(task) is None:
            raise BenchError(
                f"tasks: {task.name} is no file of LAMM's benchmark; construct its dialogues with `data construct`, "
                "and name them with data.MODALITY"
            )
    return found


def asked_by(task: Task) -> str | None:
    """C4's kind of a task, or None where it has none."""
    stem = Path(task.meta_files[0]).stem if task.meta_files else ""
    return next((ASKED[name] for name in sorted(ASKED, key=len, reverse=True) if stem.startswith(f"{name}_")), None)


def narrowed(plan: Preset) -> Preset:
    """The preset with the constructed files of the named tasks' kinds of media; as it is where it names no tasks."""
    if not plan.tasks:
        return plan
    kinds = {str(task.modality) for task in tasks_named(plan)}
    return replace(plan, data=replace(plan.data, media={kind: (constructed_file(kind),) for kind in sorted(kinds)}))


def constructed_file(kind: str) -> str:
    """The file that `data construct` writes for a kind of media."""
    return CONSTRUCTED.format("2D" if kind in media.flats() else "3D")
