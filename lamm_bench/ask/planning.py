"""Before a run: the smallest difference that it can show, how many samples a wanted one needs, and what it will cost.

How much answers vary is taken from pilot runs where there are some (one: as against a model whose answers say nothing of its own; two:
from their own difference), and assumed at its worst elsewhere. Seconds, tokens and cost are those of the pilot, by sample."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import read_json
from lamm_bench.keep.runs import Run
from lamm_bench.measure.intervals import kish
from lamm_bench.measure.power import assumed, detectable, needed, of_one, of_two
from lamm_bench.measure.sums import sides_of
from lamm_bench.types import Metric, Sample, Sums, Task

from .runner import limited

ASSUMED, ONE, TWO = "assumed", "one pilot", "two pilots"


@dataclass(frozen=True)
class Line:
    """One task of a plan."""

    task: str
    metric: str
    unit: str
    better: str
    file: int  # samples that there are
    samples: int  # that would be asked
    clusters: float  # effective images or rooms among them
    detectable: float | None  # in the metric's unit; None where nothing is known of how it varies
    by: str  # where that comes from
    needed: int | None = None  # samples for the wanted difference; None where unknown or not asked for
    seconds: float | None = None
    new_tokens: float | None = None


@dataclass
class Forecast:
    """A plan's lines, and what they come to together."""

    protocol: str
    wanted: float | None
    lines: list[Line] = field(default_factory=list)
    pooled: float | None = None  # smallest difference of the mean over the tasks in percent
    pooled_tasks: int = 0
    prompt_tokens: float | None = None  # of all lines, where the pilot's server counted them
    cost: float | None = None
    notes: list[str] = field(default_factory=list)

    def total(self, key: str) -> float | None:
        """Of all lines; None where one is unknown."""
        values = [getattr(line, key) for line in self.lines]
        return None if any(value is None for value in values) else sum(values)

    def to_json(self) -> dict[str, Any]:
        totals = {key: self.total(key) for key in ("samples", "seconds", "new_tokens")}
        return {
            "format": 1,
            "protocol": self.protocol,
            "difference": self.wanted,
            "tasks": [vars(line) for line in self.lines],
            "pooled": {"detectable": self.pooled, "tasks": self.pooled_tasks},
            "total": {**totals, "prompt_tokens": self.prompt_tokens, "cost": self.cost},
            "notes": self.notes,
        }


@dataclass(frozen=True)
class Pilot:
    """A run that is there: how its answers vary, and what they took."""

    run: Run
    rates: Mapping[str, float]
    usage: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, folder: Path) -> Pilot:
        """Raises `BenchError` for a folder that is no run, or that was not scored."""
        run = Run.asked(folder)
        if not (folder / "timing.json").is_file():
            raise BenchError(f"--pilot {folder} has no timing.json: run it to its end first")
        timing, used = read_json(folder / "timing.json"), folder / "usage.json"
        rates = timing.get("samples_per_second", {}) if isinstance(timing, dict) else {}
        usage = read_json(used) if used.is_file() else []
        known = {str(name): float(rate) for name, rate in rates.items() if isinstance(rate, int | float) and rate > 0}
        return cls(run, known, [entry for entry in usage if isinstance(entry, dict)])

    def sums(self, task: str, protocol: str) -> Mapping[str, Any]:
        """What the task's scores are made of; empty where the run was not asked about it, or is of a version that did not keep it."""
        path = self.run.folder / "scores" / f"{task}.json"
        if not path.is_file():
            return {}
        found = read_json(path)
        try:
            return dict(found["protocols"][protocol]["sums"])
        except (KeyError, TypeError, ValueError):
            return {}

    def new_tokens(self, task: str) -> float | None:
        """Mean new tokens of a sample; None where the adapter counts none."""
        said = self.run.ledger(task).said
        counts = [sum(sum(response.tokens) for _, response in steps.values() if not response.logprobs) for steps in said.values()]
        return sum(counts) / len(counts) if counts and any(counts) else None

    def used(self, key: str) -> float | None:
        """Mean of what its server counted (`prompt_tokens`, `cost`), by sample; None where it counts nothing."""
        asked = sum(len(self.run.ledger(task).ended) for task in self.run.manifest["identity"]["data"])
        values = [float(entry[key]) for entry in self.usage if isinstance(entry.get(key), int | float)]
        return sum(values) / asked if values and asked and sum(values) > 0 else None


def forecast(
    tasks: Sequence[tuple[Task, Sequence[Sample]]],
    limit: int | None,
    seed: int,
    pilots: Sequence[Pilot],
    protocol: str,
    wanted: float | None = None,
    prices: tuple[float, float] | None = None,
) -> Forecast:
    """What a run over these tasks can show and will take. `prices` are those of a million tokens, in and out."""
    made = Forecast(protocol, wanted)
    spreads: list[float] = []
    for task, samples in tasks:
        if protocol not in task.protocols:
            made.notes.append(f"{task.name}: it has no protocol {protocol}")
            continue
        metric = task.protocols[protocol].metrics[0]
        spread, by = spread_of(task, metric, pilots, protocol)
        chosen = limited(samples, limit, seed)
        clusters = effective(chosen)
        found = detectable(spread / math.sqrt(clusters), clusters) if spread is not None and clusters >= 2 else None
        if found is not None and metric.unit == "percent":
            spreads.append(spread / math.sqrt(clusters))  # type: ignore[operator]
        enough = needed(spread, wanted) / clusters * len(chosen) if spread is not None and wanted else None
        rate, tokens = took(pilots, task.name)
        made.lines.append(
            Line(
                task=task.name,
                metric=metric.name,
                unit=metric.unit,
                better=metric.better,
                file=len(samples),
                samples=len(chosen),
                clusters=clusters,
                detectable=found,
                by=by,
                needed=math.ceil(enough - 1e-9) if enough is not None else None,
                seconds=len(chosen) / rate if rate else None,
                new_tokens=len(chosen) * tokens if tokens is not None else None,
            )
        )
    if len(spreads) > 1:
        error = math.sqrt(sum(each**2 for each in spreads)) / len(spreads)
        made.pooled, made.pooled_tasks = detectable(error, 1e6), len(spreads)
    pay(made, pilots, prices)
    return made


def effective(samples: Sequence[Sample]) -> float:
    """Effective number of images or rooms."""
    return kish(np.array(list(Counter(sample.group for sample in samples).values()), dtype=np.float64))


def spread_of(task: Task, metric: Metric, pilots: Sequence[Pilot], protocol: str) -> tuple[float | None, str]:
    """Standard deviation of a difference for one image, and where it comes from."""
    kept = [each for each in (pilot.sums(task.name, protocol) for pilot in pilots) if each]
    sides: list[Sums] | None = sides_of(*kept[:2]) if kept else None
    if sides is not None:
        found = of_two(metric, *sides) if len(sides) == 2 else of_one(metric, sides[0])
        if found:  # not of a pilot in which nothing varies: that says nothing
            return found, TWO if len(sides) == 2 else ONE
    return (assumed(), ASSUMED) if metric.unit == "percent" and metric.better == "higher" else (None, "")


def took(pilots: Sequence[Pilot], task: str) -> tuple[float | None, float | None]:
    """Samples a second and new tokens a sample of the first pilot that was asked about it."""
    for pilot in pilots:
        if task in pilot.run.manifest["identity"]["data"]:
            return pilot.rates.get(task), pilot.new_tokens(task)
    return None, None


def pay(made: Forecast, pilots: Sequence[Pilot], prices: tuple[float, float] | None) -> None:
    """Tokens of prompts and cost of all lines, from what the first pilot's server counted."""
    samples = made.total("samples") or 0
    per_prompt = pilots[0].used("prompt_tokens") if pilots else None
    made.prompt_tokens = samples * per_prompt if per_prompt is not None else None
    new = made.total("new_tokens")
    if prices is not None and made.prompt_tokens is not None and new is not None:
        made.cost = (made.prompt_tokens * prices[0] + new * prices[1]) / 1e6
    elif pilots and (each := pilots[0].used("cost")) is not None:
        made.cost = samples * each
    if pilots and made.prompt_tokens is not None:
        held = set(pilots[0].run.manifest["identity"]["data"])
        if {line.task for line in made.lines} != held:
            made.notes.append("prompt tokens and cost are by sample of the pilot, which was asked about other tasks than these")
