"""What moves the weights of one process: AdamW, or Muon for the matrices of the language model's layers and AdamW for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from lamm_bench.errors import BenchError
from lamm_bench.training.config.preset import Stage


def optimizer_for(module: nn.Module, stage: Stage) -> torch.optim.Optimizer | MuonAndAdamW:
    """The stage's optimizer over everything that learns."""
    learning = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    inner = [p for name, p in learning if stage.optimizer == "muon" and is_inner(name, p)]
    if not inner:
        return adamw([p for _, p in learning], stage)
    chosen = set(map(id, inner))
    return MuonAndAdamW(muon(inner, stage), adamw([p for _, p in learning if id(p) not in chosen], stage))


def is_inner(name: str, parameter: nn.Parameter) -> bool:
    """A whole matrix inside the language model's layers: neither an embedding, nor a norm, nor a half of LoRA."""
    return "llama_model" in name and ".layers." in name and parameter.ndim == 2 and "lora_" not in name


def adamw(parameters: list[nn.Parameter], stage: Stage, fused: bool = True) -> torch.optim.AdamW:
    """Adam with decoupled weight decay, which is also what DeepSpeed's `Adam` is (reference 3.7)."""
    return torch.optim.AdamW(
        parameters, lr=stage.rate, betas=(stage.betas[0], stage.betas[1]), weight_decay=stage.decay, fused=fused
    )


def muon(parameters: list[nn.Parameter], stage: Stage) -> torch.optim.Muon:
    """Momentum made orthogonal (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon), its steps scaled to the size
    of AdamW's (Liu et al. 2025, arXiv 2502.16982, 2.2), so that one rate serves both."""
    if not hasattr(torch.optim, "Muon"):
        raise BenchError(f"optimizer muon needs torch 2.9 or newer, this is {torch.__version__}; update it or use adamw")
    from .muon import BatchedMuon

    return BatchedMuon(parameters, lr=stage.rate, weight_decay=stage.decay, adjust_lr_fn="match_rms_adamw")


class MuonAndAdamW:
    """Two optimizers that act as one."""

    def __init__(self, muon: torch.optim.Muon, adamw: torch.optim.AdamW) -> None:
        self.both = {"muon": muon, "adamw": adamw}

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for one in self.both.values() for group in one.param_groups]

    def step(self) -> None:
        for one in self.both.values():
            one.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        for one in self.both.values():
            one.zero_grad(set_to_none=set_to_none)

    def state_dict(self) -> dict[str, Any]:
        return {name: one.state_dict() for name, one in self.both.items()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        for name, one in self.both.items():
            one.load_state_dict(saved[name])
