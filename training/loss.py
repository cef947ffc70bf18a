"""What a stage minimises, and when it must stop."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lamm_bench.errors import BenchError

from .config import Stage


def total_loss(stage: Stage, losses: Mapping[str, Any]) -> Any:
    """The weighted sum of a batch's losses, tensors or numbers; one that the batch has nothing for is left out."""
    weights = {
        "answers": stage.answers,
        "asked": stage.asked,
        "places": stage.places,
        "spots": stage.spots,
        "spots_off": stage.places,
    }
    return sum(weight * losses[name] for name, weight in weights.items() if name in losses)


def check_finite(stage: Stage, step: int, what: str, value: float, where: Sequence[str]) -> None:
    """Stops a training whose loss is no longer a number, naming the batch."""
    if not math.isfinite(value):
        more = f" and {len(where) - 40} more" if len(where) > 40 else ""
        raise BenchError(f"stage {stage.name}, step {step}: the {what} is {value} in a batch of " + ", ".join(where[:40]) + more)
