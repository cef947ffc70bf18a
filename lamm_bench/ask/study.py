"""One model asked with several recipes and seeds: how far its scores move with how it is asked, and with what is drawn.

Every combination is an ordinary run below one folder, so that an interrupted study goes on where it stopped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import write_json
from lamm_bench.keep.results import read_result
from lamm_bench.measure.components import Components, components
from lamm_bench.types import Adapter

from .catalog import Catalog
from .outcome import Watcher
from .session import Options, file_name, run

NORMAL = 1.959964
MOST = 1000  # seeds in one word, so that a slip of the hand does not ask for a million runs


@dataclass(frozen=True)
class Line:
    """One task of a study."""

    task: str
    metric: str
    unit: str
    better: str
    values: Mapping[str, Mapping[int, float]]  # recipe -> seed -> score
    found: Components
    sampling: float | None  # standard error that one run's own interval tells, in the mean

    def to_json(self) -> dict[str, Any]:
        values = {recipe: {str(seed): value for seed, value in own.items()} for recipe, own in self.values.items()}
        return {**vars(self), "values": values, "found": vars(self.found)}


@dataclass
class Study:
    """All runs of a study, and what they come to."""

    folder: Path
    protocol: str
    recipes: tuple[str, ...]
    seeds: tuple[int, ...]
    limit: int | None
    lines: list[Line] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # recipe -> why it could not be asked
    incomplete: list[str] = field(default_factory=list)  # runs in which answers are missing

    def to_json(self) -> dict[str, Any]:
        own = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items() if key != "folder"}
        return {"format": 1, **own, "lines": [line.to_json() for line in self.lines]}


def seeds_of(text: str) -> tuple[int, ...]:
    """`0..4`, `0-4`, `1,5`. Raises `BenchError`.

    >>> seeds_of("0..2"), seeds_of("7,1-2")
    ((0, 1, 2), (7, 1, 2))
    """
    found: list[int] = []
    for word in text.split(","):
        told = re.fullmatch(r"\s*(\d{1,9})(?:(?:\.\.|-)(\d{1,9}))?\s*", word)
        low, high = (int(told[1]), int(told[2] or told[1])) if told else (1, 0)
        if high < low or high - low >= MOST:
            raise BenchError(f"--seeds {text}: expected whole numbers such as 0..4 or 1,5,9")
        found += range(low, high + 1)
    return tuple(dict.fromkeys(found))


def ask_study(
    options: Options,
    recipes: Sequence[str],
    seeds: Sequence[int],
    catalog: Catalog,
    adapter: Adapter,
    root: Path,
    source: str,
    watcher: Watcher,
) -> Study:
    """Asks every combination below `options.output`. A recipe that cannot ask any of the tasks is said, and left out; raises `BenchError`
    where none can."""
    folder = options.output
    assert folder is not None
    if (folder / "manifest.json").exists():
        raise BenchError(f"{folder} is a run itself; choose another --output, whose runs will lie in folders below it")
    study = Study(folder, "standard", tuple(recipes), tuple(seeds), options.limit)
    results: dict[tuple[str, int], dict[str, Any]] = {}
    total = len(recipes) * len(seeds)
    for number, (recipe, seed) in enumerate(((recipe, seed) for recipe in recipes for seed in seeds), 1):
        if recipe in study.refused:
            continue
        place = folder / f"{file_name(recipe)}-seed{seed}"
        watcher.say(f"run {number} of {total}: recipe {recipe}, seed {seed}")
        try:
            outcome = run(
                replace(options, recipe=recipe, seed=seed, output=place, name=""), catalog, adapter, root, source, watcher
            )
        except BenchError as error:
            if seed != seeds[0]:
                raise
            study.refused[recipe] = str(error)
            continue
        if not outcome.complete:
            study.incomplete.append(place.name)
        results[recipe, seed] = read_result(place / "result.json")
    if not results:
        raise BenchError("no recipe could be asked: " + "; ".join(f"{name}: {why}" for name, why in study.refused.items()))
    study.lines = lines_of(results, study.protocol)
    write_json(folder / "study.json", study.to_json())
    return study


def lines_of(results: Mapping[tuple[str, int], Mapping[str, Any]], protocol: str) -> list[Line]:
    """For each task its scores by recipe and seed, and what their variance is made of."""
    scores: dict[str, dict[str, dict[int, float]]] = {}
    about: dict[str, tuple[str, str, str]] = {}
    errors: dict[str, list[float]] = {}
    for (recipe, seed), result in results.items():
        for entry in result["results"]:
            name, metric = next(iter(entry["metrics"].items()))
            if entry["protocol"] != protocol or metric["value"] is None:
                continue
            task = str(entry["task"])
            scores.setdefault(task, {}).setdefault(recipe, {})[seed] = float(metric["value"])
            about.setdefault(task, (name, metric["unit"], metric["better"]))
            if metric.get("ci95"):
                errors.setdefault(task, []).append((metric["ci95"][1] - metric["ci95"][0]) / 2 / NORMAL)
    found = []
    for task, values in scores.items():
        parts = components({recipe: list(own.values()) for recipe, own in values.items()})
        assert parts is not None
        own = errors.get(task)
        found.append(Line(task, *about[task], values, parts, sum(own) / len(own) if own else None))
    return found
