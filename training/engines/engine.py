"""What carries a training out: one process with PyTorch alone (`plain`), or many with DeepSpeed (engine_deepspeed.py).

The trainer computes losses and asks an engine for everything in which one process and many differ; the model knows neither.
To add an engine, write a class with the members of `Engine` and name it in `make_engine`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lamm_bench.training.config.preset import Preset, Stage

ENGINES = ("plain", "deepspeed")


class Engine(Protocol):
    """`begin` once a stage, then for each step `forward` and `backward` for each micro-batch and one `step`."""

    name: str
    rank: int  # of this process
    world: int  # number of processes
    even: bool  # whether every step must have the same number of forward passes, blank ones if need be
    device: torch.device
    preset: Preset  # with the precision that is really used

    @property
    def skipped(self) -> int:
        """Steps that float16 overflowed in."""

    @property
    def scaled(self) -> bool:
        """Whether float16's losses are scaled, so that a gradient may overflow now and then."""

    def begin(self, module: nn.Module, stage: Stage, micros: int) -> None:
        """Takes the module whose forward gives the losses; `micros` forward passes make a step."""

    def forward(self, *arguments: Any) -> dict[str, Tensor]:
        """The losses of one micro-batch."""

    def backward(self, loss: Tensor) -> None:
        """Adds the gradient of `loss`; the gradient of a step is the sum over all micro-batches of all processes."""

    def step(self, rate: float) -> float:
        """Clips, moves the weights at this learning rate, forgets the gradient; gives the gradient's norm before clipping."""

    def total(self, values: Mapping[str, Tensor]) -> dict[str, float]:
        """Each value summed over all processes."""

    def gather(self, value: Any) -> list[Any]:
        """Everybody's value, in the order of the ranks; a barrier, too."""

    def save(self, file: Path, held: dict[str, Any], names: Sequence[str]) -> None:
        """Writes a state to go on from, whole or not at all; an older one is untouched until then."""

    def restore(self, saved: dict[str, Any], folder: Path) -> None:
        """Brings optimizer and, where the engine holds them, weights back; after `begin`."""

    def weights(self, names: Sequence[str]) -> dict[str, Tensor]:
        """Those of the model's tensors, whole, in the host's memory; empty on all processes but the first."""

    def end(self) -> bool:
        """After a stage: whether the module can go into another one. If not, it is let go, and its weights are in the state."""

    def close(self) -> None: ...
