"""A page over any number of runs, in a folder that can be opened from a disk: no server, no network, no library.

Everything that a model or a data set says reaches the page as text in its data, and the page puts it into the document as text only; the
page's own policy forbids any script but those of the folder. Samples are those of the `standard` protocol."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lamm_bench.ask.catalog import Catalog
from lamm_bench.errors import BenchError
from lamm_bench.types import STATUSES

from .figures import figures_of
from .gather import Opened, TaskSeen, opened, tasks_of
from .page import MARK, SCRIPTS, STYLES, write_page
from .pictures import Pictures
from .runs import differences, distinct, run_of, title_of
from .shards import Shards, task_of

SIDE = 640  # pixels of a picture's longer side


def write_view(
    folders: Sequence[Path],
    roots: Sequence[Path],
    catalog: Catalog,
    out: Path,
    side: int = SIDE,
    tick: Callable[[str], None] = lambda task: None,
) -> int:
    """Writes the page of finished runs into the folder `out`, whole or not at all; gives how many samples it shows.

    `roots` holds for each run the data that it was asked about; a task whose data are others, or absent, is shown without samples.
    Raises `BenchError` when a folder is no finished run, or `out` holds other things or cannot be written."""
    refuse_others(out)
    runs = [opened(folder, root) for folder, root in zip(folders, roots)]
    out = Path(os.path.realpath(out))
    place = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        place.mkdir(parents=True)
        count = fill(place, runs, catalog, side, tick)
        exchange(place, out)
    except OSError as error:
        raise BenchError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return count


def fill(place: Path, runs: Sequence[Opened], catalog: Catalog, side: int, tick: Callable[[str], None]) -> int:
    """All files of a page."""
    shards = Shards(place, Pictures(place, side), len(runs))
    tasks: list[dict[str, Any]] = []
    statuses: set[str] = set()
    for task in tasks_of(runs, catalog, tick):
        statuses |= {own.status for one in task.seen for own in one.said.values()}
        add_samples(shards, task, len(tasks))
        tasks.append(task_of(task, [figures_of(task, number) for number in range(len(runs))]))
        del task  # or it would be held beside the next
    names = distinct([one.run.folder.resolve().name for one in runs])
    told = {"runs": [run_of(one, name) for one, name in zip(runs, names)], "tasks": tasks}
    shards.close({**told, "differences": differences(runs, catalog), "statuses": sorted(statuses, key=STATUSES.index)})
    write_page(place, title_of(names))
    return shards.count


def add_samples(shards: Shards, task: TaskSeen, number: int) -> None:
    """All samples of a task."""
    for one in task.seen:
        shards.add(number, task.whole(one))


def refuse_others(out: Path) -> None:
    """Refuses a place that holds anything but a page of ours."""
    if not out.exists():
        return
    if not out.is_dir():
        raise BenchError(f"--output {out} is no folder")
    if any(out.iterdir()) and not ours(out):
        raise BenchError(f"--output {out} holds other things than a page of lamm-bench; name an empty or a new folder")


def ours(out: Path) -> bool:
    try:
        with (out / "index.html").open(encoding="utf-8") as file:
            return f"<!-- {MARK} -->" in file.read(200)
    except (OSError, UnicodeDecodeError):
        return False


def exchange(place: Path, out: Path) -> None:
    """Puts the new folder where the old one was."""
    old = place.with_suffix(".old")
    if out.exists():
        out.rename(old)
    try:
        place.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    with contextlib.suppress(OSError):
        shutil.rmtree(old, ignore_errors=True)


__all__ = ["SCRIPTS", "STYLES", "write_page", "write_view"]
