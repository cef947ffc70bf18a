"""`--export-upstream`: a finished checkpoint as the file that upstream's evaluation reads (reference 3.8)."""

from __future__ import annotations

from pathlib import Path

from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import HubLlm, load
from lamm_bench.lamm.upstream import export_upstream


def export(checkpoint: Path, folder: Path) -> tuple[list[Path], list[str]]:
    """Writes `pytorch_model.pt` with upstream's key names; one file for each kind of media, for upstream has one projection.

    Gives the files, and in sentences what upstream's format has no place for."""
    config = load(checkpoint)
    kinds = list(config.encoders)  # what is no checkpoint is said before anything is written
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(f"{folder} cannot be made: {error.strerror or error}") from error
    names = {kind: "pytorch_model.pt" if len(kinds) == 1 else f"pytorch_model_{kind}.pt" for kind in kinds}
    for kind, name in names.items():
        export_upstream(checkpoint, folder / name, kind)
    left = []
    if config.lora is not None:
        left.append(f"not in them: LoRA's alpha; read them with `checkpoint convert --alpha {config.lora.alpha:g}`")
    if not isinstance(config.llm, HubLlm):
        left.append("not in them: the language model that was trained here; `checkpoint merge` writes it, with LoRA in it")
    return [folder / name for name in names.values()], left
