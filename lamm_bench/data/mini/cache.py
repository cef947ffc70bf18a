"""The miniature in the user's cache, drawn on first use."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from lamm_bench.errors import BenchError

from .drawn import Split
from .layout import (
    FOLDERS,
    FORMAT,
    PARTS,
    Progress,
    Workshop,
    amounts,
    check_parts,
    processors,
    read_mark,
    write_mark,
    write_parts,
)


def cache_folder() -> Path:
    """Where miniatures are kept: `$XDG_CACHE_HOME/lamm-bench`, or `~/.cache/lamm-bench`."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if root.startswith("/") else Path.home() / ".cache") / "lamm-bench"


def ensure(
    parts: Sequence[Split] = ("test",),
    seed: int = 0,
    progress: Progress | None = None,
    workers: int | None = None,
    counts: Mapping[Split, int] | None = None,
) -> Path:
    """The cached miniature with at least `parts`; what is missing is drawn. Any number of processes may ask at once."""
    check_parts(parts)
    out = cache_folder() / f"mini-v{FORMAT}-seed{seed}"
    missing = [part for part in parts if part not in present(out, seed, counts)]
    if not missing:
        return out
    try:
        out.mkdir(parents=True, exist_ok=True)
        with Workshop(out) as shop:
            write_parts(shop, seed, amounts(missing, counts), progress, workers or processors())
            for part in missing:
                for folder in FOLDERS[part]:
                    move_in(shop / folder, out / folder)
            # read again: another process may have added parts meanwhile
            write_mark(out, seed, amounts([*present(out, seed, counts), *missing], counts))
    except OSError as error:
        raise BenchError(f"cannot write the miniature to {out}: {error.strerror or error}") from error
    return out


def present(out: Path, seed: int, counts: Mapping[Split, int] | None) -> list[Split]:
    """The parts that stand whole in a cached miniature of these very counts."""
    mark = read_mark(out)
    if mark is None or mark.get("format") != FORMAT or mark.get("seed") != seed:
        return []
    return [part for part, plan in amounts(PARTS, counts).items() if mark["counts"].get(part) == plan]


def move_in(folder: Path, place: Path) -> None:
    """Renames a finished folder into its place; what stands there is stale unless another process was faster, and the same."""
    if not folder.exists():
        return
    try:
        folder.rename(place)
    except OSError:
        if not place.exists():
            raise
        old = folder.with_name(folder.name + ".old")
        with contextlib.suppress(FileNotFoundError):
            place.rename(old)
        move_in(folder, place)
