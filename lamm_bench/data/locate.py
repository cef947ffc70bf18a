"""Where the benchmark's files are: named by the user, found in the usual places, or the miniature drawn on the spot."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from lamm_bench.errors import BenchError
from lamm_bench.task import is_there
from lamm_bench.types import Task

FOLDERS = ("2D_Benchmark", "3D_Benchmark")
VARIABLE = "LAMM_BENCH_DATA"
USUAL = (Path("."), Path("LAMM"), Path("data/LAMM"), Path("LAMM_Dataset"))  # where data lie that nobody names
MINIATURE = (
    "No LAMM data found, so this uses the miniature benchmark, drawn on this machine: its numbers are not comparable with published "
    f"ones. For the real data see docs/data.md, then pass --data-root (or set {VARIABLE})."
)


def is_root(path: Path, tasks: Iterable[Task] = ()) -> bool:
    """Whether a folder holds benchmark files in upstream's layout, or the meta file of one of `tasks`, which may lie anywhere."""
    return any((path / folder).is_dir() for folder in FOLDERS) or has_any(path, tasks)


def has_any(path: Path, tasks: Iterable[Task]) -> bool:
    """Whether the meta file of any of the tasks is below a folder."""
    return any(is_there(path / name) for task in tasks for name in task.meta_files)


def find_root(given: Path | None, say: Callable[[str], None], tasks: Sequence[Task] = ()) -> tuple[Path, str]:
    """The data root and what to call it in results. Raises `BenchError` when the one the user named has no benchmark."""
    named = given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        where = "--data-root" if given else VARIABLE
        if not named.is_dir():
            raise BenchError(f"{where} {named} is no folder")
        if not is_root(named, tasks):
            raise BenchError(f"{where} {named} holds {lacking(tasks)}")
        return named, label(named)
    home = home_of(tasks)
    if home is not None:
        return home, label(home)
    for path in [one for one in USUAL if has_any(one, tasks)] or [one for one in USUAL if is_root(one)]:
        return path, label(path)
    drawn = miniature()
    if tasks and not has_any(drawn, tasks):
        beside = near(tasks[0])
        looked = ", ".join(map(str, [*USUAL, *{task.home for task in tasks if getattr(task, "home", None)}]))  # type: ignore[attr-defined]
        raise BenchError(
            f"{tasks[0].meta_files[0]} is not here (looked in {looked}) and not in the miniature; {beside}name the folder above it with --data-root"
            + (f", or get it: lamm-bench data get {tasks[0].name}" if getattr(tasks[0], "origin", None) is not None else "")
        )
    say(MINIATURE)
    return drawn, "miniature"


def lacking(tasks: Sequence[Task]) -> str:
    """What a folder does not hold, and what to do about it."""
    if len(tasks) != 1 or tasks[0].meta_files[0].startswith(FOLDERS):
        return "neither 2D_Benchmark/ nor 3D_Benchmark/; name the folder above them, or with --tasks the benchmarks it has"
    task = tasks[0]
    brought = f", or get it: lamm-bench data get {task.name}" if getattr(task, "origin", None) is not None else ""
    return f"no {task.meta_files[0]}, which {task.name} is read from; name the folder above it{brought}"


def near(task: Task) -> str:
    """The file beside the task's own whose name is nearest to the one that is not there, as a question."""
    home, name = getattr(task, "home", None), Path(task.meta_files[0])
    folder = home / name.parent if home is not None else None
    there = [path.name for path in folder.iterdir() if path.is_file()] if folder is not None and folder.is_dir() else []
    found = get_close_matches(name.name, there, 1)
    return f"did you mean {name.parent / found[0]}? Else " if found else ""


def home_of(tasks: Sequence[Task]) -> Path | None:
    """The folder of the files that declare all of these tasks, where it holds their data too (docs/benchmarks.md)."""
    homes = {getattr(task, "home", None) for task in tasks}
    home = homes.pop() if len(homes) == 1 else None
    return home if home is not None and any(is_there(home / name) for task in tasks for name in task.meta_files) else None


def miniature() -> Path:
    """The drawn benchmark, drawn now where it is not there yet."""
    from .mini import ensure

    return ensure(parts=("test",))


def label(root: Path) -> str:
    """`miniature` for a drawn one, wherever it lies; else the folder's name."""
    if (root / "mini.json").is_file() or (root.name == "val" and (root.parent / "mini.json").is_file()):
        return "miniature" if root.name != "val" else "miniature (validation)"
    return root.resolve().name
