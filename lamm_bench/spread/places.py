"""Where workers compute: a share of the cores each, and with `gpus` a GPU each."""

from __future__ import annotations

import os
import subprocess
import sys

from lamm_bench.errors import BenchError

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
VISIBLE = "CUDA_VISIBLE_DEVICES"
COUNT = "import torch; print(torch.cuda.device_count())"


def seats(workers: str, gpus_per_worker: int | None = None) -> list[dict[str, str]]:
    """The variables of each worker's environment. Raises `BenchError` for GPUs that are not there."""
    if workers != "gpus" and not gpus_per_worker:
        return [threads(int(workers)) for _ in range(int(workers))]
    each, found = gpus_per_worker or 1, gpus()
    if not found:
        what = "--workers gpus" if workers == "gpus" else f"--gpus-per-worker {each}"
        raise BenchError(f"{what}: PyTorch finds no GPU here; name a number of workers alone, as in --workers 2")
    count = len(found) // each if workers == "gpus" else int(workers)
    if not count or count * each > len(found):
        raise BenchError(
            f"--gpus-per-worker {each}: {max(count, 1)} workers need {max(count, 1) * each} GPUs, and PyTorch finds {len(found)}"
        )
    return [{**threads(count), VISIBLE: ",".join(found[number * each : (number + 1) * each])} for number in range(count)]


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
