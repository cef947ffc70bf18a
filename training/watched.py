"""What a watcher sees of the trainer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console

from lamm_bench.lamm.model import Lamm

from .config import Preset
from .engine import Engine
from .examples import Example


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
