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
from lamm_bench.ask.comparing import compare_runs
from lamm_bench.errors import BenchError
from lamm_bench.show.report.text import clean, esc
from lamm_bench.show.told import facts_of
from lamm_bench.types import STATUSES

from .figures import figures_of
from .gather import Opened, opened, tasks_of
from .pictures import Pictures
from .shards import Shards, task_of

HERE = Path(__file__).parent
MARK = "lamm-bench view"  # stands in the page of every folder that may be written over
STYLES = ("page.css", "parts.css")
SCRIPTS = (
    "base.js",
    "state.js",
    "load.js",
    "charts.js",
    "overview.js",
    "filter.js",
    "list.js",
    "cloud.js",
    "picture.js",
    "sample.js",
    "main.js",
)
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
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
        for one in task.seen:
            shards.add(len(tasks), one)
        tasks.append(task_of(task, [figures_of(task, number) for number in range(len(runs))]))
    names = distinct([one.run.folder.resolve().name for one in runs])
    told = {"runs": [run_of(one, name) for one, name in zip(runs, names)], "tasks": tasks}
    shards.close({**told, "differences": differences(runs, catalog), "statuses": sorted(statuses, key=STATUSES.index)})
    write_page(place, " and ".join(names[:2]) if len(names) < 3 else f"{len(names)} runs")
    return shards.count


def write_page(place: Path, title: str) -> None:
    """The page itself, its style and its scripts."""
    styles = "".join(f'<link rel="stylesheet" href="page/{name}">' for name in STYLES)
    scripts = "".join(f'<script src="page/{name}"></script>\n' for name in SCRIPTS)
    text = (
        f'<!doctype html>\n<!-- {MARK} -->\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>{esc(title, 200)} · lamm-bench</title>\n{styles}</head>\n"
        f'<body><div id="page"><noscript>This page needs its scripts, which lie beside it.</noscript></div>\n{scripts}'
        '<script src="data/meta.js"></script></body></html>\n'
    )
    (place / "index.html").write_text(text, encoding="utf-8")
    (place / "page").mkdir()
    for name in (*STYLES, *SCRIPTS):
        shutil.copyfile(HERE / name, place / "page" / name)


def run_of(one: Opened, name: str) -> dict[str, Any]:
    """What the page tells of a run."""
    manifest, result = one.run.manifest, one.result
    model = manifest["model"]
    facts = facts_of(manifest, result)
    absent = {
        **{k: f"skipped: {v}" for k, v in result.get("skipped", {}).items()},
        **{k: f"missing: {v}" for k, v in result.get("unavailable", {}).items()},
    }
    return {
        "name": clean(name, 80),
        "model": clean(model["name"], 80),
        "facts": [[key, clean(value, 600)] for key, value in facts.items() if value not in (None, "")],
        "absent": [[clean(task, 120), clean(why, 600)] for task, why in absent.items()],
        "miniature": str(result.get("source", "")).startswith("miniature"),
    }


def differences(runs: Sequence[Opened], catalog: Catalog) -> list[dict[str, Any]]:
    """Every later run against the first: the headline of each task on the samples that both answered, with its interval."""
    found = []
    for place, other in enumerate(runs[1:], 1):
        try:
            if other.root != runs[0].root:
                raise BenchError("the two runs were asked about other data")
            told = compare_runs(runs[0].run.folder, other.run.folder, catalog, runs[0].root, "all", "standard")
        except BenchError as error:
            found.append({"run": place, "note": clean(error, 600), "tasks": {}})
            continue
        rows = {
            each.task: {"difference": each.difference, "ci95": each.ci95, "p": each.holm, "verdict": each.verdict, "n": each.n}
            for each in told.differences
        }
        found.append({"run": place, "note": "", "tasks": rows})
    return found


def distinct(names: Sequence[str]) -> list[str]:
    """Names by which runs can be told apart.

    >>> distinct(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


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


__all__ = ["write_view"]
