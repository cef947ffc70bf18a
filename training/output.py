"""The folder that a training writes: whose it is, and what it holds from before."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.locks import hold
from lamm_bench.lamm import checkpoint

from .engines import state
from .engines.engine import Engine

TOKENIZER = "tokenizer.json"
SAID = ("README.md", "preset.json", "loss.png", "unreadable.txt")
"""What a finished training says of itself, and an unfinished one of its media."""


@contextlib.contextmanager
def alone(output: Path, engine: Engine) -> Iterator[None]:
    """Makes the folder and holds it against other trainings; one that ends before it has kept anything leaves nothing there."""
    if engine.rank:
        yield
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "it is a file, expected a folder" if output.is_file() else error.strerror or error
        raise BenchError(f"{output} cannot be made: {why}") from error
    try:
        handle = hold(output, wait=False)
    except BlockingIOError:
        raise BenchError(f"another training writes to {output}; wait for its end, or use another --output") from None
    try:
        yield
    finally:
        if {file.name for file in output.iterdir()} <= {TOKENIZER}:
            (output / TOKENIZER).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                output.rmdir()
        if handle is not None:
            os.close(handle)


def saved_state(output: Path, identity: str, resume: bool | None, fresh: bool, engine: Engine) -> dict[str, Any] | None:
    """The state to go on from, if there is one and it is wanted; refuses to write over a finished checkpoint."""
    file = output / state.NAME
    if fresh and engine.rank == 0:
        state.clear(output)
        for name in ("metrics.jsonl", "config.json", "seen.json", TOKENIZER, *SAID, *checkpoint.FILES):
            (output / name).unlink(missing_ok=True)
    if (output / "config.json").is_file() and not file.is_file():
        if engine.rank == 0:
            state.clear(output)  # what a death left over when the states were deleted, the last thing that a training does
        raise BenchError(f"{output} already holds a finished checkpoint; use another --output, or --fresh to train anew")
    if not file.is_file():
        if resume:
            raise BenchError(f"{output} holds no {state.NAME} to resume from")
        foreign = [name for name in SAID[:-1] if (output / name).exists()]
        if foreign:
            raise BenchError(
                f"{output} holds a {foreign[0]} that the training would write over; use another --output, or --fresh"
            )
        if engine.rank == 0:
            (output / SAID[-1]).unlink(missing_ok=True)
        return None
    if resume is False:
        raise BenchError(f"{output} holds the state of a training; go on with --resume, or begin anew with --fresh")
    return state.read(file, identity, engine.name, engine.world)
