"""Figures from files: those of the papers (results/published) and those of local runs (result.json). Nothing is ranked here."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.seen import SeenMedia, ledger_of, read_seen
from lamm_bench.loading import load_json
from lamm_bench.types import FAILED

from .conditions import OF_STANDARD, Conditions, conditions

PUBLISHED = Path(__file__).parents[1] / "results" / "published"
NATIVELY = "asked in each model's own words"  # such figures are ranked among themselves
OFFICIAL = "official"  # the protocol of figures that a benchmark's own authors or pages give
PEOPLE = ("human", "expert")  # how the names of those begin who are no models: shown, not ranked
BASELINES = frozenset({"oracle", "chance", "majority"})


@dataclass(frozen=True)
class Entry:
    """One figure of one model, and everything that decides with which others it may be compared."""

    model: str
    protocol: str
    data: str  # "miniature", a path's label, or a paper's words
    task: str
    metric: str  # empty for a task that the run skipped or lost as a whole
    value: float | None  # None: failed or skipped; `status` says which
    unit: str = "percent"
    better: str = "higher"
    ci95: tuple[float, float] | None = None
    n: int = 0
    digest: str = ""  # of the items asked; empty for published figures
    headline: bool = True
    reference: bool = False  # a floor or ceiling: shown, not ranked
    published: bool = False
    status: str = ""  # "failed", "skipped"; empty when there is a value
    expected: int = 0
    unread: int = 0
    failed: int = 0
    source: str = ""  # paper and place, or the run folder
    note: str = ""
    conditions: Conditions = ()  # how it was asked and read, as far as `standard` is concerned; `asked` has this figure's
    seen: SeenMedia | None = None  # what of the task's media the checkpoint has been trained on, where a ledger says so
    chance: float | None = None  # what guessing would have had in place of the headline, where that is known

    @property
    def asked(self) -> Conditions:
        """How it was asked and read."""
        return tuple(each for each in self.conditions if each[0] != OF_STANDARD or self.protocol == "standard")

    @property
    def group(self) -> tuple[str, str, str, str, str, Conditions]:
        """Figures with the same group may be ranked together."""
        return self.protocol, self.data, self.digest, self.task, self.metric, self.asked


def read_published(folder: Path = PUBLISHED) -> list[Entry]:
    """The figures of the papers (results/published/README.md describes the files). Raises `BenchError` for a faulty file."""
    entries = []
    for path in sorted(folder.glob("*.json")):
        data = load(path)
        try:
            entries += published_rows(data)
        except (KeyError, TypeError, ValueError) as error:
            raise BenchError(f"{path} does not have the form of published figures: {type(error).__name__} {error}") from None
    return entries


def published_rows(data: Mapping[str, Any]) -> list[Entry]:
    """The figures of a file of `results/published`, one entry a figure."""
    source = f"{data['source']['paper']} ({data['source']['where']}, {data['source']['date']})"
    return [
        Entry(
            model=plain(row["model"]),
            protocol=plain(data["protocol"]),
            data=plain(data["data"]),
            task=plain(row["task"]),
            metric=plain(row["metric"]),
            value=number(row["value"]),
            unit=plain(row["unit"]),
            better=direction(row["better"]),
            reference=bool(row.get("reference", False)),
            published=True,
            status=plain(row.get("status", "")),
            source=source,
            note=plain(row.get("note", "")),
        )
        for row in data["rows"]
    ]


def told_by_files(tasks: Iterable[Any]) -> list[Entry]:
    """The figures that benchmark files name under `about.published`: the headline, in whatever way the source asked and read."""
    return [
        Entry(
            model=plain(one["model"]),
            protocol=OFFICIAL,
            data=plain(task.about.get("title", task.name)),
            task=task.name,
            metric=task.protocols["standard"].metrics[0].name,
            value=number(one["value"]),
            unit=task.protocols["standard"].metrics[0].unit,
            better=task.protocols["standard"].metrics[0].better,
            reference=plain(one["model"]).casefold().startswith(PEOPLE),
            published=True,
            source=plain(one["source"]),
        )
        for task in tasks
        for one in getattr(task, "about", {}).get("published", ())
    ]


def read_runs(folder: Path) -> tuple[list[Entry], list[str]]:
    """The figures of every `result.json` below `folder`, and one line for each that could not be read."""
    entries: list[Entry] = []
    warnings: list[str] = []
    for path in find_results(folder):
        try:
            entries += read_run(path, warnings.append)
        except BenchError as error:
            warnings.append(f"skipped: {error}")
    return entries, warnings


def find_results(folder: Path) -> Iterable[Path]:
    """Every `result.json`, in name order; folders of runs set aside and hidden ones are passed over."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "old-")))
        if "result.json" in files:
            yield Path(here) / "result.json"


def read_run(path: Path, warn: Callable[[str], None] = lambda line: None) -> list[Entry]:
    """The figures of one `result.json`. Raises `BenchError` when it is damaged, of another format or of another form; a ledger of
    what was seen that is damaged, or about other data, is told and costs no figure."""
    data = load(path)
    if not isinstance(data, dict) or data.get("format") != 1:
        found = data.get("format") if isinstance(data, dict) else type(data).__name__
        raise BenchError(f"{path} has format {found}, this version reads 1")
    if data.get("alarm"):
        warn(f"{path.parent}: {plain(data['alarm'])}")
    try:
        return with_seen(run_rows(data, path.parent), data, path.parent, warn)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BenchError(f"{path} does not have the form of a result: {type(error).__name__} {error}") from None


def run_rows(data: Mapping[str, Any], run: Path) -> list[Entry]:
    """The figures of a run's `result.json`; tasks that it skipped or lost are entries without a value."""
    if data.get("diagnosis"):
        raise ValueError("it is a diagnosis and no result")
    model, baseline = label(data)
    asked = f" · {NATIVELY}" if data.get("coordinates") else ""
    base = Entry(
        model, "", plain(data.get("source") or "unnamed data") + asked, "", "", None, reference=baseline, source=str(run)
    )
    base = replace(base, conditions=tuple((name, plain(value)) for name, value in conditions(data, run)))
    digests = data["data"]
    entries = [
        replace(base, task=plain(task), status="skipped", note=plain(why)) for task, why in data.get("skipped", {}).items()
    ]
    entries += [
        replace(base, task=plain(task), status="failed", note=plain(why)) for task, why in data.get("unavailable", {}).items()
    ]
    whole = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:16]
    seen: set[tuple[str, str]] = set()
    for result in data["results"]:
        if (result["task"], result["protocol"]) in seen:
            continue
        seen.add((result["task"], result["protocol"]))
        counts = {str(key): int(value) for key, value in result.get("counts", {}).items()}
        about = replace(
            base,
            task=plain(result["task"]),
            protocol=plain(result["protocol"]),
            digest=plain(digests.get(result["task"], whole)),  # a pooled result is made of several tasks' data
            expected=counts.get("expected", 0),
            unread=counts.get("unread", 0),
            failed=sum(counts.get(name, 0) for name in FAILED),
        )
        for place, (name, metric) in enumerate(result["metrics"].items()):
            value = number(metric["value"])
            entries.append(
                replace(
                    about,
                    metric=plain(name),
                    value=value,
                    ci95=pair(metric.get("ci95")) if value is not None else None,
                    n=int(metric.get("n", 0)),
                    unit=plain(metric.get("unit", "percent")),
                    better=direction(metric.get("better", "higher")),
                    headline=place == 0,
                    status="" if value is not None else "failed",
                    note=plain(metric.get("note", "")),
                    chance=number(result.get("references", {}).get("chance")) if place == 0 else None,
                )
            )
    return entries


def with_seen(entries: list[Entry], data: Mapping[str, Any], run: Path, warn: Callable[[str], None]) -> list[Entry]:
    """The figures with what the run's ledger says that its checkpoint has seen of their tasks; pooled figures have none."""
    file = ledger_of(data, run)
    if file is None:
        return entries
    try:
        source, seen = read_seen(file)
    except BenchError as error:
        warn(str(error))
        return entries
    if source and source != plain(data.get("source")):
        warn(f"{file} is about {plain(source)}, and {run} was asked about {plain(data.get('source'))}; it is not shown there")
        return entries
    return [replace(entry, seen=seen.get(entry.task)) for entry in entries]


def label(data: Mapping[str, Any]) -> tuple[str, bool]:
    """How a run is called in a table, and whether it is a baseline: a named one, or any model under a control or asked about
    corrupted samples."""
    model, apart = data["model"], bool(data.get("control") or data.get("corrupt"))
    if data.get("name"):
        return plain(data["name"]), (model if isinstance(model, str) else model["name"]) in BASELINES or apart
    name = model if isinstance(model, str) else model["name"]
    settings = [f"{key}={value}" for key, value in model.get("settings", {}).items()] if isinstance(model, dict) else []
    control = data.get("control")
    places = data.get("coordinates")
    spoken = f"coordinates={places}" if places and f"coordinates={places}" not in settings else None
    parts = [name, *settings, data.get("recipe"), spoken, f"control {control}" if control else None]
    parts += [f"corrupted by {data['corrupt']}"] if data.get("corrupt") else []
    return ", ".join(plain(part) for part in parts if part), name in BASELINES or apart


def load(path: Path) -> Any:
    return load_json(path)


def plain(value: Any) -> str:
    """Text for a table cell: one line, nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in str(value)).strip()


def number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def pair(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = (number(end) for end in value)
    if low is None or high is None or low > high:
        raise ValueError(f"{value!r} is not an interval")
    return low, high


def direction(value: Any) -> str:
    if value not in ("higher", "lower"):
        raise ValueError(f"better is {value!r}, expected higher or lower")
    return str(value)
