"""Items over runs: which nobody gets right, which are right without seeing, and which good runs miss and poor ones do not.

An item's discrimination is the correlation, over runs, of its score with the run's mean on all other items (the corrected item-total correlation,
Henrysson 1963). Where it is below zero the better runs do worse: often the truth is wrong, or the question has two answers. Everything is read
from what runs keep (`sums` in `scores/<task>.json`), without data or model; runs under a control but `blind` take no part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import read_json
from lamm_bench.keep.runs import Run
from lamm_bench.measure.intervals import evaluate
from lamm_bench.types import Metric, Sums, Task

RIGHT = 100 - 1e-9  # percent: a sample without a fault
LEAST = 3  # runs from which a discrimination says something


@dataclass(frozen=True)
class Item:
    """One sample over the runs that answered it."""

    task: str
    sample: str
    mean: float  # percent, over the runs
    right: int  # runs without a fault
    runs: int
    blind: bool | None  # whether a blind run has it right; None: none was asked
    discrimination: float | None


@dataclass
class Analysis:
    """The items of each task, and why others are not there."""

    protocol: str
    runs: list[str]
    blind: list[str]
    items: dict[str, list[Item]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def counts(self, task: str) -> dict[str, int | None]:
        """How many items there are of each kind."""
        own = self.items[task]
        seen = [item for item in own if item.blind is not None]
        judged = [item for item in own if item.discrimination is not None]
        return {
            "items": len(own),
            "missed by all": sum(item.right == 0 for item in own),
            "right by all": sum(item.right == item.runs for item in own),
            "right blind": sum(bool(item.blind) for item in seen) if seen else None,
            "against the order": sum((item.discrimination or 0) < 0 for item in judged) if judged else None,
        }

    def to_json(self) -> dict[str, Any]:
        tasks = {task: {"counts": self.counts(task), "items": [vars(item) for item in own]} for task, own in self.items.items()}
        return {
            "format": 1,
            "protocol": self.protocol,
            "runs": self.runs,
            "blind": self.blind,
            "tasks": tasks,
            "left_out": self.left_out,
        }


def analyse(folders: Sequence[Path], tasks: Sequence[Task], protocol: str) -> Analysis:
    """Of the runs that were asked the same items of a task. Raises `BenchError` where fewer than two take part."""
    stored = [Run.asked(folder) for folder in folders]
    identities = [run.manifest["identity"] for run in stored]
    blind = [run for run, own in zip(stored, identities) if own["control"] == "blind" and not own.get("corrupt")]
    seeing = [run for run, own in zip(stored, identities) if not own["control"] and not own.get("corrupt")]
    if len(seeing) < 2:
        raise BenchError(
            f"items need two runs at least that were asked as they are; of these {len(folders)} there are {len(seeing)}"
        )
    result = Analysis(protocol, [str(run.folder) for run in seeing], [str(run.folder) for run in blind])
    for task in tasks:
        values = scores_of(task, protocol, seeing, result)
        if values is not None:
            alone = scores_of(task, protocol, [run for run in blind if same_items(run, seeing, task.name)], None)
            result.items[task.name] = items_of(task.name, values, alone or [])
    if not result.items:
        raise BenchError("no task can be analysed: " + "; ".join(f"{name}: {why}" for name, why in result.left_out.items()))
    return result


def same_items(run: Run, others: Sequence[Run], task: str) -> bool:
    return len({each.manifest["identity"]["data"].get(task) for each in (run, *others)}) == 1


def scores_of(task: Task, protocol: str, runs: Sequence[Run], result: Analysis | None) -> list[dict[str, float]] | None:
    """For each run its score of every answered sample; None, with the reason, where a task cannot be analysed."""
    why = ""
    metric = task.protocols[protocol].metrics[0] if protocol in task.protocols else None
    if metric is None:
        why = f"it has no protocol {protocol}"
    elif metric.unit != "percent" or metric.better != "higher":
        why = f"{metric.name} of one sample is neither right nor wrong"
    elif len({run.manifest["identity"]["data"].get(task.name) for run in runs}) > 1:
        why = "the runs were asked about other items"
    kept = [kept_sums(run, task.name, protocol) for run in runs] if not why else []
    if not why and not all(kept):
        why = "a run keeps no sums of it (an older version): run the same command again, which asks nothing anew"
    if why or metric is None:
        if result is not None:
            result.left_out[task.name] = why
        return None
    return [each_value(metric, sums) for sums in kept]


def kept_sums(run: Run, task: str, protocol: str) -> Mapping[str, Any]:
    path = run.folder / "scores" / f"{task}.json"
    try:
        return dict(read_json(path)["protocols"][protocol]["sums"])
    except (BenchError, KeyError, TypeError, ValueError):
        return {}


def each_value(metric: Metric, kept: Mapping[str, Any]) -> dict[str, float]:
    """The metric of every sample alone, in percent, where it is defined."""
    names = list(kept)
    keys = sorted({key for name in names for key in kept[name][1]})
    if not keys:
        return {}
    table = Sums({key: np.array([float(kept[name][1].get(key, 0.0)) for name in names]) for key in keys})
    return {name: float(value) for name, value in zip(names, evaluate(metric, table)) if np.isfinite(value)}


def items_of(task: str, runs: Sequence[Mapping[str, float]], blind: Sequence[Mapping[str, float]]) -> list[Item]:
    """Every sample that two runs answered at least, the most suspicious first."""
    names = [name for name in dict.fromkeys(name for own in runs for name in own) if sum(name in own for own in runs) > 1]
    sums = [math.fsum(own.values()) for own in runs]
    found = []
    for name in names:
        values = [own[name] for own in runs if name in own]
        seen = [own[name] >= RIGHT for own in blind if name in own]
        right = sum(value >= RIGHT for value in values)
        found.append(
            Item(
                task,
                name,
                float(np.mean(values)),
                right,
                len(values),
                any(seen) if seen else None,
                discrimination(name, runs, sums),
            )
        )
    return sorted(
        found, key=lambda item: (item.discrimination if item.discrimination is not None else 2.0, item.mean, item.sample)
    )


def discrimination(name: str, runs: Sequence[Mapping[str, float]], sums: Sequence[float] = ()) -> float | None:
    """Correlation of an item with the rest of the test; None for too few runs, or where either does not vary. `sums` are those of the runs.

    >>> runs = [{"a": 0, "b": 0, "c": 100}, {"a": 100, "b": 0, "c": 0}, {"a": 100, "b": 100, "c": 0}]
    >>> discrimination("b", runs), round(discrimination("c", runs), 2)
    (None, -0.87)
    """
    if sum(name in own and len(own) > 1 for own in runs) < LEAST:
        return None
    sums = sums or [math.fsum(own.values()) for own in runs]
    pairs = [(own[name], (total - own[name]) / (len(own) - 1)) for own, total in zip(runs, sums) if name in own and len(own) > 1]
    item, rest = np.array(pairs, dtype=np.float64).T
    if item.std() < 1e-9 or rest.std() < 1e-9:
        return None
    return float(np.corrcoef(item, rest)[0, 1])
