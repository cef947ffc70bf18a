"""What a killed training goes on from: one file, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from lamm_bench.errors import BenchError


def write(file: Path, state: dict[str, Any]) -> None:
    """Replaces the file by one rename; a full disk leaves the older one as it was."""
    fresh = file.with_suffix(".part")
    try:
        torch.save(state, fresh)
        os.replace(fresh, file)
    except (OSError, RuntimeError) as error:
        fresh.unlink(missing_ok=True)
        raise BenchError(f"{file} cannot be written: {error}; the older state is untouched") from None


def read(file: Path, identity: str) -> dict[str, Any]:
    """The state, which must be of the same preset, settings and data."""
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch names no common class for files that are cut or foreign
        raise BenchError(f"{file} cannot be read ({type(error).__name__}); begin anew with --fresh") from None
    if state.get("identity") != identity:
        raise BenchError(f"{file} is of another preset, other settings or other data; use another --output, or --fresh")
    return state
