"""What a killed training goes on from: files written whole or not at all, the newest in `state.pt`."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import sync_folder

NAME = "state.pt"
SHARDS = "shards"
"""The folder of what each process of DeepSpeed keeps; a state says which of its folders is its own."""


def write(file: Path, state: dict[str, Any]) -> None:
    """Replaces the file by one rename, after its content is on the disk; a full disk leaves the older one as it was."""
    fresh = file.with_suffix(".part")
    try:
        with fresh.open("wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, file)
        sync_folder(file.parent)
    except (OSError, RuntimeError) as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise BenchError(f"{file} cannot be written: {error}; the older state is untouched") from None


def damage(file: Path) -> str:
    """What is wrong with a file of `torch.save`, an archive whose parts have checksums that PyTorch does not look at; empty: nothing."""
    try:
        with zipfile.ZipFile(file) as archive:
            bad = archive.testzip()
    except Exception as error:  # a flipped bit may say anything: other methods, other sizes, passwords
        return f"{type(error).__name__}: {error}"
    return f"{bad} has another checksum" if bad is not None else ""


def older(output: Path) -> list[Path]:
    """The states before the newest, the youngest first: `state-1-000300.pt` is of stage 1, step 300."""
    return sorted(output.glob("state-*.pt"), reverse=True)


def set_aside(output: Path, stage: int, step: int) -> None:
    """Keeps the newest state under its own name as well, before it is replaced."""
    newest, name = output / NAME, output / f"state-{stage}-{step:06d}.pt"
    if newest.is_file() and not name.exists():
        try:
            os.link(newest, name)
        except OSError:  # a file system without hard links
            shutil.copyfile(newest, name)


def thin(output: Path, keep: int) -> None:
    """Deletes all but the `keep` youngest states, and the shards that no state speaks of."""
    for file in older(output)[keep - 1 :]:
        file.unlink(missing_ok=True)
    held = {file.name.removeprefix("state-").removesuffix(".pt") for file in older(output)}
    for folder in sorted(output.glob(f"{SHARDS}/*-*/"))[:-1]:  # the last belongs to `state.pt`
        if folder.name not in held:
            shutil.rmtree(folder, ignore_errors=True)


def clear(output: Path) -> None:
    """Deletes every state, the newest first: while it is there, a training is not finished."""
    for file in (output / NAME, output / "best.pt", *older(output), *output.glob("*.part")):
        file.unlink(missing_ok=True)
    shutil.rmtree(output / SHARDS, ignore_errors=True)


def said(error: Exception) -> str:
    """The error's own words, where they are ours."""
    return f": {error}"[:200] if isinstance(error, ValueError) else ""


def read(file: Path, identity: str, engine: str = "plain", world: int = 1) -> dict[str, Any]:
    """The state, which must be of the same preset, settings and data, and of the same engine with as many processes."""
    try:
        if wrong := damage(file):
            raise ValueError(wrong)
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch names no common class for files that are cut or foreign
        others = older(file.parent)
        hint = (
            f"copy {others[0].name}, which is older, over it, or begin anew with --fresh" if others else "begin anew with --fresh"
        )
        raise BenchError(f"{file} cannot be read ({type(error).__name__}{said(error)}); {hint}") from None
    if state.get("identity") != identity:
        raise BenchError(f"{file} is of another preset, other settings or other data; use another --output, or --fresh")
    made = (state.get("engine", "plain"), state.get("world", 1))
    if made != (engine, world):
        raise BenchError(
            f"{file} was written by the engine {made[0]} in {made[1]} process(es), and this is {engine} in {world}; "
            "go on as it was begun, or begin anew with --fresh"
        )
    return state
