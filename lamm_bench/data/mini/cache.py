"""The miniature in the user's cache, drawn on first use."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lamm_bench.errors import BenchError

from .drawn import Split
from .layout import FOLDERS, FORMAT, Progress, amounts, drawers, known_parts, read_mark, write_mark, write_parts
from .workers import processors
from .workshop import Workshop, sweep


def cache_folder() -> Path:
    """Where miniatures are kept: `$XDG_CACHE_HOME/lamm-bench`, or `~/.cache/lamm-bench`."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    if root.startswith("/"):  # the XDG specification says to ignore relative paths
        return Path(root, "lamm-bench")
    try:
        return Path.home() / ".cache" / "lamm-bench"
    except RuntimeError:
        raise BenchError("no home folder to keep the miniature in; set XDG_CACHE_HOME to a folder's absolute path") from None


def ensure(
    parts: Sequence[str] = ("test",),
    seed: int = 0,
    progress: Progress | None = None,
    workers: int | None = None,
    counts: Mapping[Split, int] | None = None,
) -> Path:
    """The cached miniature with at least `parts`; what is missing is drawn. Any number of processes may ask at once.

    The folder's name tells the code that drew it, so that pictures of two versions never mix. Parameters as in `make`."""
    wanted = known_parts(parts)
    out = cache_folder() / f"mini-v{FORMAT}-seed{seed}-{drawers()}"
    sweep(out)
    if set(wanted) <= set(present(out, counts)):
        return out
    try:
        out.mkdir(parents=True, exist_ok=True)
        with locked(out.with_name(f".{out.name}.lock")):
            there = present(out, counts)  # read again: another process may have drawn while we waited
            missing = tuple(part for part in wanted if part not in there)
            if missing:
                add(out, seed, there, missing, progress, workers, counts)
    except OSError as error:
        raise BenchError(f"cannot write the miniature to {out}: {error.strerror or error}") from error
    return out


def add(
    out: Path,
    seed: int,
    there: Sequence[Split],
    missing: Sequence[Split],
    progress: Progress | None,
    workers: int | None,
    counts: Mapping[Split, int] | None,
) -> None:
    """Draws `missing` beside `out`, renames each folder into place, and says so in the mark last of all."""
    with Workshop(out) as shop:
        write_parts(shop, seed, amounts(missing, counts), progress, workers or processors())
        for part in missing:
            for folder in FOLDERS[part]:
                if (out / folder).exists():  # not in the mark, hence a piece of something
                    (out / folder).rename(shop / f"{folder}.old")
                if (shop / folder).exists():
                    (shop / folder).rename(out / folder)
        write_mark(out, seed, amounts([*there, *missing], counts), counts)


def present(out: Path, counts: Mapping[Split, int] | None) -> list[Split]:
    """The parts that stand whole in a cached miniature drawn with these limits."""
    mark = read_mark(out)
    return [] if mark is None or mark.get("limits") != counts else list(mark["counts"])


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock that the system lets go when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows: two first uses at once draw twice, and one of them may fail
        yield
        return
    with path.open("a") as handle:
        with contextlib.suppress(OSError):  # some network file systems cannot lock
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
