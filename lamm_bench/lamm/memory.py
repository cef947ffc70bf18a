"""When memory runs out: how it is recognised, and how it is given back."""

from __future__ import annotations

import gc

import torch

RAN_OUT = (torch.OutOfMemoryError, MemoryError, RuntimeError)
"""What may be raised; `is_out_of_memory` says whether it was."""


def is_out_of_memory(error: BaseException) -> bool:
    """CUDA has an exception of its own; PyTorch's allocator for the CPU says it in words."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)


def release() -> None:
    """Gives back what the failed attempt held. Call it after the `except` block: an exception keeps its frames alive."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
