"""`--export-upstream`: a finished checkpoint as the file that upstream's evaluation reads (reference 3.8)."""

from __future__ import annotations

from pathlib import Path

from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import load
from lamm_bench.lamm.upstream import export_upstream


def export(checkpoint: Path, folder: Path) -> list[Path]:
    """Writes `pytorch_model.pt` with upstream's key names; one file for each kind of media, for upstream has one projection."""
    kinds = list(load(checkpoint).encoders)  # what is no checkpoint is said before anything is written
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{folder} cannot be made: {error.strerror or error}") from error
    names = {kind: "pytorch_model.pt" if len(kinds) == 1 else f"pytorch_model_{kind}.pt" for kind in kinds}
    for kind, name in names.items():
        export_upstream(checkpoint, folder / name, kind)
    return [folder / name for name in names.values()]
