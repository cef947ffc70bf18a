"""Trainings of the toy presets as tests start, interrupt and read them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lamm_bench.lamm.checkpoint import FILES
from lamm_bench.training.run import train
from lamm_bench.training.stages.trainer import Trainer

WORDS = (
    "[{name: words, train: [projection, llm], epochs: 3, batch: 4, rate: 3.0e-3, optimizer: muon, anchors: 0.5,"
    " blur: {image: 0.03, point_cloud: 0.1}}, {name: lamm, train: [projection, lora], epochs: 1, batch: 4, rate: 1.0e-3}]"
)
"""Stages with all that the built-in baseline's have but the encoders': anchors, blur, Muon, then LoRA."""


def go(root: Path, out: Path, preset: str = "one.yaml", console: Console | None = None, **settings: str) -> Path:
    """Trains a preset of `toys.toy_data`; in the name of a setting `__` stands for a dot. The checkpoint's folder."""
    given = {key.replace("__", "."): value for key, value in settings.items()}
    return train(root / preset, out, given, data_root=root, console=console or Console(file=io.StringIO()))


def steps(folder: Path) -> list[dict[str, Any]]:
    """The lines of a training's metrics."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path) -> dict[str, bytes]:
    """The files of a checkpoint, byte by byte."""
    return {file: (folder / file).read_bytes() for file in FILES}


def interrupt_after(monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
    """Lets `calls` micro-batches be computed and interrupts all that follow."""
    losses, left = Trainer.losses, [calls]

    def interrupted(self: Trainer, *arguments: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return losses(self, *arguments)

    monkeypatch.setattr(Trainer, "losses", interrupted)
