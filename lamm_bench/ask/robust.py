"""Curves of robustness: one run as it is, one for each corruption and severity, and what is left of each figure.

Every leg is an ordinary run below one folder, so that an interrupted curve goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lamm_bench import media
from lamm_bench.errors import BenchError
from lamm_bench.keep.results import read_result
from lamm_bench.keep.runs import Run, find_runs
from lamm_bench.measure.intervals import holm
from lamm_bench.measure.robustness import Robustness, mean, robustness
from lamm_bench.measure.stats import estimates, paired_metric
from lamm_bench.types import FAILED, Adapter, Row, Task

from .catalog import Catalog
from .comparing import rows_of
from .coordinates import spoken
from .corrupt.chain import LEVELS, OPTIONS, Chain, of_media, parse, why_not
from .corrupt.mixed import MIXES
from .corrupt.texts import TEXTS
from .outcome import Outcome, Watcher, load
from .session import Options, run

CLEAN = "clean"  # the folder of the run without corruptions
ALIKE = ("recipe", "model", "limit", "seed", "control", "coordinates")  # of identities: what legs share with the clean run


@dataclass(frozen=True)
class Cell:
    """One task under one corruption and severity."""

    task: str
    corruption: str
    severity: int  # 0 where it has none
    metric: str
    unit: str
    better: str
    clean: float | None
    corrupted: float | None
    difference: float | None  # corrupted - clean, on the samples that were answered both times
    ci95: tuple[float, float] | None
    p: float | None
    n: int
    left_out: int
    left: Robustness
    holm: float | None = None  # p, corrected for all cells

    def to_json(self) -> dict[str, Any]:
        own = {key: value for key, value in vars(self).items() if key != "left"}
        more = {"severity": self.severity or None, "ci95": list(self.ci95) if self.ci95 else None}
        return {**own, **more, "rr": self.left.rr.to_json(), "rrm": self.left.rrm.to_json()}


@dataclass
class Curves:
    """All cells of a model, and why others are not there."""

    model: str
    protocol: str
    folder: Path
    cells: list[Cell] = field(default_factory=list)
    clean: dict[str, dict[str, Any]] = field(default_factory=dict)  # task -> the clean run's headline, with interval and chance
    skipped: dict[str, dict[str, str]] = field(default_factory=dict)  # corruption -> task -> why it was not asked
    incomplete: list[str] = field(default_factory=list)  # legs in which answers are missing

    def of(self, task: str, corruption: str = "") -> list[Cell]:
        return [cell for cell in self.cells if cell.task == task and corruption in ("", cell.corruption)]

    def corruptions(self, task: str) -> list[str]:
        """The names of those that the task was asked under, in their order."""
        return list(dict.fromkeys(cell.corruption for cell in self.of(task)))

    def means(self, task: str) -> dict[str, tuple[float | None, float | None]]:
        """RR and RRM of each corruption, meant over severities, and of all of them (``""``), meant over corruptions."""
        each = {
            name: (mean([cell.left.rr for cell in self.of(task, name)]), mean([cell.left.rrm for cell in self.of(task, name)]))
            for name in self.corruptions(task)
        }
        whole = [[pair[side] for pair in each.values() if pair[side] is not None] for side in (0, 1)]
        rr, rrm = (sum(values) / len(values) if values else None for values in whole)  # type: ignore[arg-type]
        return {**each, "": (rr, rrm)}

    def to_json(self) -> dict[str, Any]:
        means = {
            task: {name or "all": {"rr": rr, "rrm": rrm} for name, (rr, rrm) in self.means(task).items()} for task in self.clean
        }
        return {
            "format": 1,
            "model": self.model,
            "protocol": self.protocol,
            "clean": self.clean,
            "cells": [cell.to_json() for cell in self.cells],
            "means": means,
            "skipped": self.skipped,
            "incomplete": self.incomplete,
        }


def families() -> dict[str, list[str]]:
    """The names of every family of corruptions, of whatever they are of."""
    found: dict[str, list[str]] = {"chef": list(MIXES), "options": list(OPTIONS)}
    known = [(name, kinds[0].corruptions[name]) for name, kinds in of_media().items()]
    for name, one in (*known, *TEXTS.items()):
        found.setdefault(one.family, []).append(name)
    return found


def chosen(text: str, tasks: Sequence[Task]) -> list[str]:
    """The corruptions that are named, one by one, by family, or `all`: those with ImageNet-C's constants, ChEF's geometry, and those of
    clouds, of the kinds that the tasks show. Raises `BenchError`."""
    groups = families()
    kinds = {task.modality for task in tasks} | {kind for task in tasks for kind in media.modality(task.modality).becomes}
    groups["all"] = [name for name, of in of_media().items() if "/" not in name and kinds & {one.name for one in of}]
    known = [*of_media(), *TEXTS, *OPTIONS, *MIXES]
    found: list[str] = []
    for word in (word.strip() for word in text.split(",")):
        if word in known or word in groups:
            found += [word] if word in known else groups[word]
        elif word:
            parse(word)  # `fog:3` is one too
            found.append(word)
    if not found:
        raise BenchError(f"--corruptions {text}: names none; expected names, families ({', '.join(sorted(groups))}) or all")
    return list(dict.fromkeys(found))


def levels(text: str) -> list[int]:
    """`1-5`, `3`, or `1,3,5`. Raises `BenchError`.

    >>> levels("1-3"), levels("5,1")
    ([1, 2, 3], [1, 5])
    """
    found: set[int] = set()
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if low not in map(str, LEVELS) or (dash and high not in map(str, LEVELS)) or (dash and high < low):
            raise BenchError(f"--severities {text}: expected levels from 1 to 5, such as 1-5 or 1,3,5")
        found |= set(range(int(low), int(high or low) + 1))
    return sorted(found)


def legs(names: Sequence[str], severities: Sequence[int]) -> list[Chain]:
    """One chain for each severity of those that have some."""
    graded = {name for name, kinds in of_media().items() if kinds[0].corruptions[name].graded}
    graded |= {name for name, one in TEXTS.items() if one.graded}
    return [
        parse(f"{name}:{level}" if name in graded else name)
        for name in names
        for level in (severities if name in graded else [0])
    ]


def folder_of(chain: Chain) -> str:
    """A leg's folder: `fog-3`."""
    return str(chain).replace(":", "-").replace("/", "-").replace(",", "+")


def ask_all(
    options: Options, chains: Sequence[Chain], catalog: Catalog, adapter: Adapter, root: Path, source: str, watcher: Watcher
) -> tuple[list[Path], Curves]:
    """Runs the clean leg and every other below `options.output`; says what could not be asked."""
    folder = options.output
    assert folder is not None
    if (folder / "manifest.json").exists():
        raise BenchError(f"{folder} is a run itself; choose another --output, whose legs will lie in folders below it")
    curves, made = Curves("", "standard", folder), []
    total = len(chains) + 1
    taken, own_words = frozenset(adapter.modalities), spoken(catalog.recipe(options.recipe), adapter).own_words
    first = load(catalog.select_tasks(options.tasks), root, Outcome())
    reasons = [why_not(task, samples, chain, taken, own_words) for task, samples in first for chain in chains]
    if reasons and all(reasons):  # told before the clean run is asked for nothing
        raise BenchError(f"no task can be asked under any of these corruptions: {reasons[0]}")
    watcher.say(f"leg 1 of {total}: as it is")
    clean = run(replace(options, output=folder / CLEAN), catalog, adapter, root, source, watcher)
    note(curves, CLEAN, clean)
    asked = {task.name for task in catalog.tasks.values()} & {score.task for score in clean.scores}
    loaded = load([task for task in catalog.ordered() if task.name in asked], root, Outcome())
    for number, chain in enumerate(chains, 2):
        refused = {task.name: why_not(task, samples, chain, taken, own_words) for task, samples in loaded}
        curves.skipped[str(chain)] = {name: why for name, why in refused.items() if why}
        left = [name for name, why in refused.items() if not why]
        watcher.say(f"leg {number} of {total}: {chain}" + ("" if left else ", which no task can be asked under"))
        if left:
            one = replace(options, output=folder / folder_of(chain), corrupt=str(chain), tasks=",".join(left))
            note(curves, str(chain), run(one, catalog, adapter, root, source, watcher))
            made.append(folder / folder_of(chain))
    curves.skipped = {name: why for name, why in curves.skipped.items() if why}
    return [folder / CLEAN, *made], curves


def note(curves: Curves, leg: str, outcome: Outcome) -> None:
    if not outcome.complete:
        curves.incomplete.append(leg)


def found_runs(folder: Path) -> list[Path]:
    """The clean run below a folder and its legs, those that were asked alike. Raises `BenchError` where there is not exactly one."""
    runs = [Run.asked(path) for path in find_runs(folder)] if folder.is_dir() else []
    worse = [run for run in runs if run.manifest["identity"].get("corrupt")]
    clean = [run for run in runs if not run.manifest["identity"].get("corrupt")]
    alike = [run for run in clean if any(same(run, other) for other in worse)]
    if not worse:
        raise BenchError(f"{folder} holds no run with --corrupt; `lamm-bench robustness --model M --output {folder}` makes them")
    if len(alike) != 1:
        raise BenchError(
            f"{folder} holds {len(alike)} runs without corruptions that were asked as those with them were "
            f"({', '.join(str(run.folder.name) for run in alike) or 'other model, recipe, limit or seed'}); expected one"
        )
    return [alike[0].folder, *(run.folder for run in worse if same(run, alike[0]))]


def same(one: Run, other: Run) -> bool:
    mine, its = one.manifest["identity"], other.manifest["identity"]
    return all(mine.get(key) == its.get(key) for key in ALIKE)


def measure(
    curves: Curves,
    folders: Sequence[Path],
    catalog: Catalog,
    root: Path,
    tasks: str,
    say: Callable[[str], None] = lambda text: None,
) -> Curves:
    """Fills in the cells: every leg against the clean run, the first of the folders, sample by sample."""
    clean, *others = [Run.asked(folder) for folder in folders]
    model = clean.manifest["model"]
    curves.model = str(clean.manifest.get("name") or model["name"])
    data = clean.manifest["identity"]["data"]
    result = read_result(clean.folder / "result.json")
    known = [task for task in catalog.select_tasks(tasks, data) if task.name in data]
    ordered = sorted(others, key=lambda run: place_of(run.manifest["identity"]["corrupt"]))
    for task, samples in load(known, root, Outcome()):
        if curves.protocol not in task.protocols:
            curves.skipped.setdefault(CLEAN, {})[task.name] = f"it has no protocol {curves.protocol}"
            continue
        base = rows_of(task, samples, clean, curves.protocol, root)
        chance = chance_of(result, task.name, curves.protocol)
        curves.clean[task.name] = headline(
            task, [row for row in base.values() if row.status not in FAILED], curves.protocol, chance
        )
        for other in ordered:
            if task.name in other.manifest["identity"]["data"]:
                say(f"{task.name}: {other.manifest['identity']['corrupt']}")
                curves.cells.append(
                    cell(task, base, rows_of(task, samples, other, curves.protocol, root), other, curves.protocol, chance)
                )
    corrected = holm([each.p for each in curves.cells])
    curves.cells = [replace(each, holm=value) for each, value in zip(curves.cells, corrected)]
    return curves


def place_of(chain: str) -> tuple[int, str, str]:
    """In the order in which corruptions are listed, each by its severity."""
    order = {name: number for number, name in enumerate([*of_media(), *TEXTS, *OPTIONS, *MIXES])}
    name, _, level = chain.partition(":")
    return order.get(name, len(order)), name, level


def headline(task: Task, rows: Sequence[Row], protocol: str, chance: float | None) -> dict[str, Any]:
    """The clean figure as it stands in the files."""
    metric = task.protocols[protocol].metrics[0]
    found = estimates([metric], rows)[metric.name]
    ends = list(found.ci95) if found.ci95 else None
    return {
        "metric": metric.name,
        "unit": metric.unit,
        "better": metric.better,
        "value": found.value,
        "ci95": ends,
        "n": found.n,
        "chance": chance,
    }


def chance_of(result: Mapping[str, Any], task: str, protocol: str) -> float | None:
    for entry in result["results"]:
        if (entry["task"], entry["protocol"]) == (task, protocol):
            found = entry.get("references", {}).get("chance")
            return float(found) if found is not None else None
    return None


def cell(task: Task, base: Mapping[str, Row], worse: Mapping[str, Row], run: Run, protocol: str, chance: float | None) -> Cell:
    """One leg of one task, on the samples that were answered both times."""
    both = [(base[name], worse[name]) for name in base if name in worse]
    pairs = [pair for pair in both if not any(row.status in FAILED for row in pair)]
    clean, corrupted = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    metric = task.protocols[protocol].metrics[0]
    values = [estimates([metric], rows)[metric.name].value for rows in (clean, corrupted)]
    chain = parse(run.manifest["identity"]["corrupt"])
    level = chain.steps[0].severity if len(chain.steps) == 1 else 0
    name = chain.steps[0].name if level else str(chain)
    defined = all(value is not None for value in values)
    found = paired_metric(metric, corrupted, clean) if defined else None
    return Cell(
        task=task.name,
        corruption=name,
        severity=level,
        metric=metric.name,
        unit=metric.unit,
        better=metric.better,
        clean=values[0],
        corrupted=values[1],
        difference=found.difference if found else None,
        ci95=found.ci95 if found else None,
        p=found.p if found else None,
        n=len(pairs),
        left_out=len(base.keys() | worse.keys()) - len(pairs),
        left=robustness(metric, clean, corrupted, chance),
    )
