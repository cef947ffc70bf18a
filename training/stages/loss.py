"""What a stage minimises, and when it must stop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamm_bench.errors import BenchError
from lamm_bench.training.config.preset import Stage


def total_loss(stage: Stage, losses: Mapping[str, Any]) -> Any:
    """The weighted sum of a batch's losses, tensors or numbers; one that the batch has nothing for is left out."""
    weights = {
        "answers": stage.answers,
        "asked": stage.asked,
        "places": stage.places,
        "spots": stage.spots,
        "spots_off": stage.places,
        "anchors": stage.anchors,
    }
    return sum(weight * losses[name] for name, weight in weights.items() if name in losses)


def check_finite(stage: Stage, step: int, what: str, value: float, where: Sequence[str]) -> None:
    """Stops a training whose loss is no longer a number, naming the batch."""
    if not math.isfinite(value):
        more = f" and {len(where) - 40} more" if len(where) > 40 else ""
        raise BenchError(f"stage {stage.name}, step {step}: the {what} is {value} in a batch of " + ", ".join(where[:40]) + more)


REACH = 3.0
"""Standard deviations after which a blurred number ends: what lies beyond is 0.3 % of a normal distribution."""


@dataclass(frozen=True)
class Blur:
    """Number tokens as right answers that their neighbours share in: a normal distribution over the values around the right one.

    So each coordinate teaches those beside it, and the greatest probability stands where the model expects the middle, not on
    a value that it happened to see often (label distribution learning, Geng 2016, IEEE TKDE 28(7))."""

    known: Tensor  # bool [vocabulary]
    ids: Tensor  # [vocabulary, K]: the tokens that share in a token's answer; itself alone where it is no number
    shares: Tensor  # float [vocabulary, K], each row sums to 1

    @classmethod
    def of(cls, numbers: Mapping[int, float], size: int, deviation: float) -> Blur:
        """`numbers`: token id -> value; `size`: tokens of the vocabulary; `deviation`: in the numbers' own unit."""
        order = sorted(numbers, key=lambda token: numbers[token])
        values = np.array([numbers[token] for token in order])
        low = np.searchsorted(values, values - REACH * deviation - 1e-9)
        high = np.searchsorted(values, values + REACH * deviation + 1e-9)
        width = max(int((high - low).max(initial=1)), 1)
        ids = torch.arange(size)[:, None].repeat(1, width)
        shares, known = torch.zeros(size, width), torch.zeros(size, dtype=torch.bool)
        shares[:, 0] = 1.0
        for at, token in enumerate(order):
            near = slice(int(low[at]), int(high[at]))
            weights = np.exp(-0.5 * ((values[near] - values[at]) / deviation) ** 2)
            count = len(weights)
            ids[token, :count] = torch.tensor(order[near])
            shares[token, :count] = torch.from_numpy(weights / weights.sum()).float()
            known[token] = True
        return cls(known, ids, shares)

    def to(self, device: torch.device) -> Blur:
        return Blur(self.known.to(device), self.ids.to(device), self.shares.to(device))


def answer_losses(logits: Tensor, labels: Tensor, blur: Blur | None) -> Tensor:
    """The cross entropy of each label [labels], against the label alone or against what `blur` makes of a number."""
    if blur is None:
        return torch.nn.functional.cross_entropy(logits.float(), labels, reduction="none")
    said = torch.log_softmax(logits.float(), dim=-1)
    each = -said.gather(1, labels[:, None])[:, 0]
    numbers = blur.known[labels]
    chosen = labels[numbers]
    return each.masked_scatter(numbers, -(said[numbers].gather(1, blur.ids[chosen]) * blur.shares[chosen]).sum(dim=1))
