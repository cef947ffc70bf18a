"""What carries a training out: one process with PyTorch alone (`plain`), or many with DeepSpeed (engine_deepspeed.py).

The trainer computes losses and asks an engine for everything in which one process and many differ; the model knows neither.
To add an engine, write a class with the members of `Engine` and name it in `make_engine`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lamm_bench.errors import BenchError, unknown
from lamm_bench.lamm.precision import cpu_has_bfloat16

from . import state
from .config import Preset, Stage
from .optimizers import optimizer_for

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


def place(environment: dict[str, str] | None = None) -> tuple[int, int, int]:
    """Rank, number of processes and local rank, as `torchrun` and `deepspeed` put them into the environment.

    >>> place({"RANK": "1", "WORLD_SIZE": "2"})
    (1, 2, 1)
    """
    given = os.environ if environment is None else environment
    try:
        rank, world = int(given.get("RANK", 0)), int(given.get("WORLD_SIZE", 1))
        return rank, world, int(given.get("LOCAL_RANK", rank))
    except ValueError:
        raise BenchError("RANK, WORLD_SIZE and LOCAL_RANK of the environment must be numbers; start with torchrun") from None


def make_engine(name: str, preset: Preset) -> Engine:
    """An engine by name; `auto` is DeepSpeed where a launcher has started several processes, else plain."""
    rank, world, _ = place()
    if name == "auto":
        name = "deepspeed" if world > 1 else "plain"
    if name == "plain":
        if world > 1:
            raise BenchError(f"--engine plain is one process, and a launcher started {world}; use --engine deepspeed")
        return Plain(preset)
    if name == "deepspeed":
        from .engine_deepspeed import DeepSpeed

        return DeepSpeed(preset)
    raise unknown("engine", name, ENGINES)


def device_here(local: int = 0) -> torch.device:
    """The GPU with this number, or the CPU where there is none."""
    return torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")


def precision_on(precision: str, device: torch.device) -> torch.dtype:
    """What matrices are multiplied in. `auto`: bfloat16 where the hardware has instructions for it; else float16 on a GPU,
    float32 on a CPU."""
    if precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if cpu_has_bfloat16() else torch.float32


@dataclass
class Plain:
    """One process, one device."""

    preset: Preset
    name: str = "plain"
    rank: int = 0
    world: int = 1
    even: bool = False
    skipped: int = 0
    device: torch.device = field(default_factory=device_here)
    scaler: Any = None  # of float16's losses
    clip: float = 0.0

    @property
    def scaled(self) -> bool:
        return self.scaler is not None

    def begin(self, module: nn.Module, stage: Stage, micros: int) -> None:
        self.dtype = precision_on(self.preset.precision, self.device)
        if self.dtype == torch.float16 and self.device.type == "cpu":
            raise BenchError("precision float16 needs a GPU; on a CPU use bfloat16 or float32")
        self.module = module.to(self.device)
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        self.optimizer = optimizer_for(module, stage)
        self.clip = stage.clip
        self.scaler = None
        if self.dtype == torch.float16:
            parallel = self.preset.parallel
            self.scaler = torch.amp.GradScaler(
                self.device.type, init_scale=2.0**parallel.scale_power, growth_interval=parallel.scale_window
            )

    def forward(self, *arguments: Any) -> dict[str, Tensor]:
        if self.device.type == "cpu":
            return self.module(*arguments)  # the losses choose their precision themselves
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.module(*arguments)

    def backward(self, loss: Tensor) -> None:
        (self.scaler.scale(loss) if self.scaler else loss).backward()

    def step(self, rate: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if self.scaler:
            self.scaler.unscale_(self.optimizer)
        norm = float(nn.utils.clip_grad_norm_(self.parameters, self.clip))
        if self.scaler:
            before = self.scaler.get_scale()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.skipped += self.scaler.get_scale() < before
        else:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm

    def total(self, values: Mapping[str, Tensor]) -> dict[str, float]:
        return {name: float(value) for name, value in values.items()}

    def gather(self, value: Any) -> list[Any]:
        return [value]

    def save(self, file: Path, held: dict[str, Any], names: Sequence[str]) -> None:
        own = {"model": self.weights(names), "optimizer": self.optimizer.state_dict(), "skipped": self.skipped}
        state.write(file, {**held, **own, "scaler": self.scaler.state_dict() if self.scaler else None})

    def restore(self, saved: dict[str, Any], folder: Path) -> None:
        self.optimizer.load_state_dict(saved["optimizer"])
        self.skipped = saved.get("skipped", 0)
        if self.scaler and saved.get("scaler"):
            self.scaler.load_state_dict(saved["scaler"])

    def weights(self, names: Sequence[str]) -> dict[str, Tensor]:
        found = self.module.model.state_dict()  # type: ignore[union-attr]
        return {name: found[name].detach().cpu() for name in names}

    def end(self) -> bool:
        return True

    def close(self) -> None: ...
