"""What a watcher sees of the trainer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console

from lamm_bench.lamm.model import Lamm
from lamm_bench.training.config.preset import Preset
from lamm_bench.training.data.examples import Example
from lamm_bench.training.engines.engine import Engine


class Watched(Protocol):
    """The trainer, seen from below."""

    preset: Preset
    engine: Engine
    model: Lamm
    held: Sequence[Example]  # dialogues that are not learnt from
    output: Path
    identity: str
    console: Console
    best: float  # the least validation loss so far
    probe: Callable[[Lamm], Mapping[str, float]] | None

    def learnt(self, index: int) -> list[str]:
        """Names of what the stages up to this one train."""
