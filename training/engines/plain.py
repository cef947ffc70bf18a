"""One process with PyTorch alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lamm_bench.errors import BenchError
from lamm_bench.training.config.preset import Preset, Stage
from lamm_bench.training.engines import state

from .device import device_here, precision_on
from .optimizers import optimizer_for


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
