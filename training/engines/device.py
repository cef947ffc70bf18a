"""Which device, which of how many processes, and in what precision."""

from __future__ import annotations

import os

import torch

from lamm_bench.errors import BenchError
from lamm_bench.lamm.precision import cpu_has_bfloat16


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
