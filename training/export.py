"""`--export-upstream`: a finished checkpoint as the file that upstream's evaluation reads (reference 3.8)."""

from __future__ import annotations

import importlib
from pathlib import Path

from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import load


def export(checkpoint: Path, folder: Path) -> Path:
    """Writes `pytorch_model.pt` with upstream's key names into the folder; gives the file."""
    load(checkpoint)  # what is no checkpoint is said before anything is written
    try:
        write = importlib.import_module("lamm_bench.lamm.upstream").export_upstream
    except (ImportError, AttributeError):
        raise BenchError("this version cannot write upstream's checkpoints") from None
    file: Path = write(checkpoint, folder)
    return file
