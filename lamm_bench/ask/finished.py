"""A run that is finished is found finished: nothing is hashed, read or scored again while nothing has changed that it came from.

`finished.json` in the run folder names every file that the result depends on, with a digest of their sizes and times of change. Another size
or time of any of them, another command, model, recipe or version, and the run takes the long way: its data are hashed, its records
read, its answers scored."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import canonical, read_json
from lamm_bench.keep.results import read_result
from lamm_bench.keep.runs import FORMAT, Run
from lamm_bench.measure.scoring import Score
from lamm_bench.measure.sure import restored
from lamm_bench.types import Adapter, Estimate, Task

from .catalog import Catalog
from .identity import circumstances, fingerprint
from .outcome import Outcome
from .recipe import Recipe
from .runner import Plan

FILE = "finished.json"
COUNTING = ("numpy", "scipy", "scikit-learn", "pycocotools", "pycocoevalcap", "regex")  # packages that scores are made with
PACKAGE = Path(__file__).parents[1]
MANY = 4096  # lines about files that go into the digest at once


@dataclass
class Opened:
    """The files and folders under the data root that were opened while its samples were read."""

    root: str
    paths: set[str] = field(default_factory=set)

    def hear(self, event: str, words: tuple[Any, ...]) -> None:
        if event in ("open", "os.listdir", "os.scandir") and words and isinstance(words[0], str | bytes | os.PathLike):
            path = os.path.abspath(os.fsdecode(words[0]))
            if path.startswith(self.root):
                self.paths.add(path)


_watching: list[Opened] = []


@functools.cache
def hook() -> None:
    """Python has no way to take an audit hook away, so there is one, which hears nothing where nobody watches."""

    def heard(event: str, words: tuple[Any, ...]) -> None:
        for one in _watching:
            one.hear(event, words)

    sys.addaudithook(heard)


@contextmanager
def watched(root: Path, known: Opened | None = None) -> Iterator[Opened]:
    """Notes which files of the data are read meanwhile, beside those that are `known`."""
    hook()
    one = known or Opened(os.path.abspath(root))
    _watching.append(one)
    try:
        yield one
    finally:
        _watching.remove(one)


def key_of(options: Any, catalog: Catalog, recipe: Recipe, adapter: Adapter, root: Path) -> str:
    """All that a result depends on beside files of data and of the run, and all that the manifest says of how it was asked."""
    asked = circumstances(options.command, catalog, None)
    named = {
        name: str(getattr(options, name))
        for name in ("model", "tasks", "protocols", "limit", "seed", "control", "corrupt", "name")
    }
    value = {
        "options": {**named, "settings": sorted(map(str, options.settings.items()))},
        "recipe": {"identity": recipe.identity(), "metric": str(recipe.metric)},
        "fingerprint": fingerprint(adapter),
        "asked": {name: told for name, told in asked.items() if name != "date"},
        "root": os.path.realpath(root),
        "code": stats_of(code_files()),
        "packages": [version(name) for name in COUNTING] + [shutil.which("java")],
    }
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def code_files() -> list[str]:
    """Every file of the package, words and recipes too; in a checkout its shelves are links to folders."""
    walked = os.walk(PACKAGE, followlinks=True)
    return sorted(os.path.join(place, name) for place, _, names in walked if not place.endswith("__pycache__") for name in names)


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def stats_of(paths: Iterable[str]) -> str:
    """A digest of paths, sizes, and times of the last change of content and of anything else. Nothing is opened."""
    found, told = hashlib.sha256(), []
    for path in paths:
        try:
            one = os.stat(path)
            told.append(f"{path}\0{one.st_size}\0{one.st_mtime_ns}\0{one.st_ctime_ns}\n")
        except (OSError, ValueError):
            told.append(f"{path}\0is not there\n")
        if len(told) == MANY:
            found.update("".join(told).encode("utf-8", "surrogateescape"))
            told = []
    found.update("".join(told).encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def places(options: Any) -> list[Path]:
    """The run folders that may hold it: the one that is named, else those of the model."""
    if options.output is not None or options.name:
        return [options.folder({})]
    return sorted(
        path.parent for path in options.folder({}).parent.glob(f"{options.folder({}).name.rpartition('-')[0]}-*/{FILE}")
    )


def found(options: Any, catalog: Catalog, recipe: Recipe, adapter: Adapter, root: Path) -> Outcome | None:
    """The outcome of the same command, where it has come to its end before and nothing has changed since."""
    if options.share is not None or options.mode == "fresh":
        return None
    folders = [folder for folder in places(options) if (folder / FILE).is_file()]
    if not folders:
        return None
    key = key_of(options, catalog, recipe, adapter, root)
    for folder in folders:
        stamp = read_stamp(folder, key)
        if stamp is not None and stats_of([*stamp["paths"], *own_files(folder)]) == stamp["stats"]:
            return outcome_of(folder)
    return None


def read_stamp(folder: Path, key: str) -> dict[str, Any] | None:
    """What a run folder says of its end; None where it is another command's, which its first line tells, or damaged."""
    try:
        with (folder / FILE).open("rb") as file:
            if key.encode() not in file.read(200):
                return None
        stamp = read_json(folder / FILE)
    except (BenchError, OSError):
        return None
    paths = stamp.get("paths") if isinstance(stamp, dict) else None
    right = isinstance(paths, list) and all(isinstance(one, str) for one in paths)
    return stamp if right and stamp.get("key") == key and "stats" in stamp else None


def own_files(folder: Path) -> list[str]:
    """The run's own files that the result was made from, and those that it is."""
    inner = [path for name in ("records", "scores") for path in sorted((folder / name).glob("*"))]
    return [os.path.abspath(path) for path in (folder / "manifest.json", folder / "result.json", *inner)]


def stamp(
    opened: Run, key: str, outcome: Outcome, tasks: Iterable[Task], plans: Sequence[Plan], read: Opened, root: Path
) -> None:
    """Says in the folder that the run is finished, if it is: every answer there, every task scored."""
    if not outcome.complete or outcome.failures:
        (opened.folder / FILE).unlink(missing_ok=True)
        return
    media = {os.path.abspath(shown.path) for work in plans for sample in work.samples for shown in sample.media}
    metas = {os.path.abspath(root / name) for task in tasks for name in task.meta_files}
    paths = sorted({*media, *metas, *read.paths, os.path.abspath(root)})
    opened.save(FILE, {"key": key, "stats": stats_of([*paths, *own_files(opened.folder)]), "paths": paths})


class Kept(Mapping[str, Mapping[str, Any]]):
    """The samples of a score, read from `scores/` when somebody looks at them."""

    def __init__(self, path: Path, protocol: str) -> None:
        self._path, self._protocol = path, protocol

    @functools.cached_property
    def _samples(self) -> dict[str, Any]:
        if not self._path.is_file():  # of a pooled result there are none
            return {}
        return dict(read_json(self._path)["protocols"].get(self._protocol, {}).get("samples", {}))

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return dict(self._samples[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._samples)

    def __len__(self) -> int:
        return len(self._samples)

    def __bool__(self) -> bool:
        """Whether there are any, without reading them: the table of a finished run asks no more."""
        return self._path.is_file()


def outcome_of(folder: Path) -> Outcome | None:
    """What stands in a run folder; None where it cannot be read."""
    try:
        result = read_result(folder / "result.json")
    except BenchError:
        return None
    if result["format"] != FORMAT:
        return None
    scores = [score_of(entry, folder) for entry in result["results"]]
    return Outcome(scores, dict(result["skipped"]), dict(result["unavailable"]), folder=folder, alarm=result.get("alarm", ""))


def score_of(entry: Mapping[str, Any], folder: Path) -> Score:
    samples = Kept(folder / "scores" / f"{entry['task']}.json", entry["protocol"])
    metrics = {name: estimate_of(value) for name, value in entry["metrics"].items()}
    notes = tuple(entry.get("notes", ()))
    sure = restored(entry["calibration"]) if entry.get("calibration") else {}
    return Score(entry["task"], entry["protocol"], metrics, entry["counts"], samples, entry.get("references", {}), notes, sure)


def estimate_of(value: Mapping[str, Any]) -> Estimate:
    """An estimate as it stands in `result.json`."""
    pairs = {key: tuple(value[key]) if value.get(key) is not None else None for key in ("ci95", "bounds")}
    return Estimate(**{**value, **pairs})
