"""Where workers compute: a share of the cores each, and with `gpus` a GPU each."""

from __future__ import annotations

import os
import subprocess
import sys

from lamm_bench.errors import BenchError

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
VISIBLE = "CUDA_VISIBLE_DEVICES"
COUNT = "import torch; print(torch.cuda.device_count())"


def seats(workers: str) -> list[dict[str, str]]:
    """The variables of each worker's environment. Raises `BenchError` for a number that is none, and for GPUs where there are none."""
    if workers == "gpus":
        found = gpus()
        if not found:
            raise BenchError("--workers gpus: PyTorch finds no GPU here; name a number of workers, as in --workers 2")
        return [{**threads(len(found)), VISIBLE: name} for name in found]
    if not workers.isascii() or not workers.isdigit() or int(workers) < 1:
        raise BenchError(f"--workers {workers}: expected a number of at least 1, or gpus for one worker on each GPU")
    return [threads(int(workers)) for _ in range(int(workers))]


def threads(workers: int) -> dict[str, str]:
    """A share of the cores, unless the user has said how many threads there are to be."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {name: str(max(1, cores // workers)) for name in THREADS if name not in os.environ}


def gpus() -> list[str]:
    """The GPUs by the names that the variable takes; PyTorch counts them in a process of its own, so that none is held here."""
    try:
        done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=False, timeout=300)
        count = int(done.stdout.split()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return []
    named = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    return named[:count] if named else [str(number) for number in range(count)]
