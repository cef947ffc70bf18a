"""`speed.compile`: the language model through torch.compile, which fuses what stands between matrix products.

On a CPU that is half of a small model's time (docs/training.md has the figures)."""

from __future__ import annotations

import functools
import os
import warnings
from pathlib import Path

import torch

from lamm_bench.errors import BenchError
from lamm_bench.lamm.model import Lamm


def compile_llm(model: Lamm, choice: str, device: torch.device, processes: int) -> bool:
    """Compiles the language model's layers in place, and says whether it did.

    `auto`: in one process on a CPU where PyTorch finds a C++ compiler that works; what it gains elsewhere nobody has measured."""
    if choice == "never" or (choice == "auto" and (device.type != "cpu" or processes > 1)):
        return False
    apart()
    fault = "" if device.type != "cpu" else missing()
    if fault and choice == "always":
        raise BenchError(f"speed.compile is always, and torch.compile cannot be used here: {fault}; set it to auto or never")
    if not fault:
        model.decoder.compile(dynamic=True)  # rows of every length through one compiled graph
    return not fault


def apart() -> None:
    """Keeps what was compiled for one set of instructions from another's: a folder of PyTorch's cache for each.

    PyTorch 2.13 does not tell them apart: code for AVX-512 in a cache that an AVX2 processor shares gives NaN there, silently."""
    from torch._inductor.runtime.cache_dir_utils import cache_dir

    kind = torch.backends.cpu.get_cpu_capability().lower()
    folder = Path(cache_dir())
    if folder.name != kind:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / kind)


def is_compiled(model: Lamm) -> bool:
    return getattr(model.decoder, "_compiled_call_impl", None) is not None


@functools.cache
def missing() -> str:
    """Why torch.compile does not work on this CPU (no compiler, no headers of Python), empty where it does; some seconds once."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            doubled = torch.compile(lambda x: torch.relu(x) * 2, dynamic=True)
            right = bool((doubled(torch.ones(3)) == 2).all())
    except Exception as error:  # whatever compilers, linkers and loaders have to say
        return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return "" if right else "it gives wrong results"
