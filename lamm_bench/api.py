"""The Python face: `lamm_bench.evaluate`, `load` and `compare`. They do what the command line does, and leave the same folders.

`lamm_bench` itself loads this file only when one of the names is asked for, and this file loads the rest only when it is called."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import BenchError, unknown
from .types import FAILED, Adapter, Estimate, Response

if TYPE_CHECKING:
    from .ask.comparing import Comparison

FORMS = ("auto", "pandas", "arrow", "plain")


@dataclass(frozen=True)
class Frame:
    """Samples as columns, where neither pandas nor Arrow is wanted: `len`, `columns`, `frame["status"]`, `records()`."""

    data: Mapping[str, list[Any]]

    @property
    def columns(self) -> list[str]:
        return list(self.data)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), len(self.data)

    def __len__(self) -> int:
        return len(next(iter(self.data.values()), []))

    def __getitem__(self, column: str) -> list[Any]:
        if column not in self.data:
            raise unknown("column", column, self.data)
        return self.data[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def records(self) -> list[dict[str, Any]]:
        """One mapping a row."""
        return [dict(zip(self.data, row)) for row in zip(*self.data.values())]


class Estimates(dict[str, Estimate]):
    """The metrics of one task under one protocol, headline first, with how its samples ended in `counts`."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        from .ask.finished import estimate_of

        super().__init__({name: estimate_of(value) for name, value in entry["metrics"].items()})
        self.counts: dict[str, int] = dict(entry["counts"])

    @property
    def headline(self) -> Estimate:
        """The first metric."""
        return next(iter(self.values()))


@dataclass(frozen=True)
class Run:
    """A run that is kept in a folder; everything is read from there, so that it can be looked at without a model."""

    folder: Path
    result: Mapping[str, Any] = field(repr=False)  # result.json
    plugins: tuple[str, ...] = ()

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the run is: model, recipe, data, versions."""
        from .keep.runs import Run as Stored

        return Stored.read(self.folder).manifest

    @cached_property
    def scores(self) -> dict[str, Estimates]:
        """Task -> metrics under `standard`; `under` has the other protocols."""
        return self.under("standard")

    def under(self, protocol: str) -> dict[str, Estimates]:
        """Task -> metrics under a protocol. Raises `BenchError` when no task was scored under it."""
        known = {entry["protocol"] for entry in self.result["results"]}
        if protocol not in known:
            raise unknown("protocol of this run", protocol, known)
        return {entry["task"]: Estimates(entry) for entry in self.result["results"] if entry["protocol"] == protocol}

    @property
    def missing(self) -> dict[str, str]:
        """Task -> why it was not asked, or not scored."""
        return {**self.result.get("skipped", {}), **self.result.get("unavailable", {})}

    def frame(self, tasks: Sequence[str] | str = (), *, protocol: str = "standard", form: str = "auto") -> Any:
        """One row a sample: task, sample, status, answer, seconds, error, and what the task's scorer shows (`value`, ...).

        `form`: `pandas` (a DataFrame), `arrow` (a pyarrow Table), `plain` (a `Frame`), or `auto`: the first of them whose library
        is installed. Lists and mappings are JSON texts; a sample without an answer has no values. Raises `BenchError` for a task or
        protocol that the run has not."""
        if form not in FORMS:
            raise unknown("form of a frame", form, FORMS)
        self.under(protocol)  # refuses one that nothing was scored under
        names = [name.strip() for name in tasks.split(",") if name.strip()] if isinstance(tasks, str) else list(tasks)
        there = sorted(path.stem for path in (self.folder / "scores").glob("*.json"))
        for name in names:
            if name not in there:
                raise unknown("task of this run", name, there)
        order = [task for task in self.manifest["identity"]["data"] if task in there]
        rows = [row for task in order if not names or task in names for row in self._rows(task, protocol)]
        return as_frame(columns(rows), form)

    def _rows(self, task: str, protocol: str) -> Iterator[dict[str, Any]]:
        """The samples of one task, in file order; none where the task has no such protocol."""
        from .keep.files import read_json
        from .keep.runs import Run as Stored

        ledger = Stored.read(self.folder).ledger(task)
        said, thinks = ledger.ended, any(response.reasoning for steps in ledger.said.values() for _, response in steps.values())
        values = read_json(self.folder / "scores" / f"{task}.json")["protocols"].get(protocol, {}).get("samples", {})
        for sample, shown in values.items():
            record = said.get(sample)
            answer = record.prediction.text if record is not None and record.prediction is not None else None
            head = {"task": task, "sample": sample, "status": shown["status"], "answer": plain(answer)}
            if thinks:
                head |= thought_of([response for _, (_, response) in sorted(ledger.said.get(sample, {}).items())])
            tail = {"seconds": record.seconds if record else None, "error": record.error if record else None}
            answered = shown["status"] not in FAILED  # what nobody answered has no value
            yield head | tail | {key: plain(value) if answered else None for key, value in shown.items() if key != "status"}


def evaluate(
    model: str | Adapter,
    tasks: str | Sequence[str] = "all",
    data_root: str | Path | None = None,
    limit: int | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    recipe: str = "lamm/standard",
    overrides: Sequence[str] = (),
    control: str | None = None,
    corrupt: str | None = None,
    seed: int = 0,
    protocols: str | Sequence[str] = (),
    plugins: str | Path | Sequence[str | Path] = (),
    output: str | Path | None = None,
    fresh: bool = False,
    progress: bool = False,
    workers: int | str | None = None,
    engine: str = "processes",
    address: str | None = None,
    gpus_per_worker: int | None = None,
    patience: float | None = None,
    allow_mixed: bool = False,
) -> Run:
    """Asks a model about tasks, scores its answers, and keeps everything in a run folder, as `lamm-bench run` does.

    `model` is an adapter's name, with its `--set` options in `settings`, or an adapter of your own. `data_root` is a folder in
    upstream's layout; without it the data are looked for, and drawn if there are none. The same call again goes on where the
    last one stopped, or finds all answers there; `fresh` asks anew. `overrides` are settings of the recipe said otherwise,
    such as `["instruction.prompt=3"]`. `workers` (a number, or "gpus") holds a model by name in that many workers of `engine`
    ("processes", or "ray" at `address`), as `--workers` does (docs/scale.md). Raises `BenchError` for what the caller can mend."""
    from .ask.catalog import load_catalog
    from .ask.outcome import Watcher
    from .ask.recipe import PROTOCOLS
    from .ask.session import Options, run
    from .data.locate import find_root

    watcher = Watcher()
    if progress:
        from .show.progress import Bars, stderr_console

        watcher = Bars(stderr_console())
    if model is None or isinstance(model, int | float | type):
        raise BenchError(f"model is {model!r}, expected the name of an adapter or an adapter")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise BenchError(f"limit is {limit!r}; it must be a whole number of at least 1")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise BenchError(f"seed is {seed!r}; it must be a whole number")
    if not isinstance(corrupt, str | None):
        raise BenchError(f"corrupt is {corrupt!r}; it must be a text such as 'fog:3'")
    if not isinstance(recipe, str) or not isinstance(settings, Mapping | None):
        raise BenchError("recipe is the name of a recipe or a YAML file, and settings a mapping of the model's options")
    named = isinstance(model, str)
    files = listed(plugins)
    catalog = load_catalog(files)
    wanted = listed(protocols)
    for protocol in wanted:
        if protocol not in PROTOCOLS:
            raise unknown("protocol", protocol, PROTOCOLS)
    for word, path in (("output", output), ("data_root", data_root)):
        if not isinstance(path, str | Path | None):
            raise BenchError(f"{word}={path!r} is no path")
    options = Options(
        model=model if isinstance(model, str) else model.name,
        settings={key: value if isinstance(value, str) else json.dumps(value) for key, value in (settings or {}).items()},
        tasks=",".join(listed(tasks)),
        recipe=recipe,
        overrides=changes(overrides),
        protocols=wanted,
        limit=limit,
        seed=seed,
        control=control,
        corrupt=corrupt or "",
        output=Path(output) if output is not None else None,
        mode="fresh" if fresh else "auto",
    )
    if settings and not named:
        raise BenchError("settings are for models by name; set your adapter's own attributes")
    adapter: Any = catalog.adapter(model, options.settings) if isinstance(model, str) else model
    fleet: Any = None
    if workers is not None:
        if not named:
            raise BenchError(
                "workers make their own adapter, by its name: give the model's name and settings, and its file in plugins"
            )
        from .spread.engaging import PATIENCE, Model, Wanted, engaged

        wait = PATIENCE if patience is None else patience
        crew = Wanted(str(workers), engine, address, gpus_per_worker, wait, allow_mixed)
        adapter = fleet = engaged(crew, Model(options.model, options.settings, files), adapter, catalog.plugin_files)
    try:
        root, source = find_root(
            Path(data_root) if data_root is not None else None, watcher.say, catalog.select_tasks(options.tasks)
        )
        outcome = run(options, catalog, adapter, root, source, watcher)
    finally:
        if fleet is not None:
            fleet.close()
    assert outcome.folder is not None
    return load(outcome.folder, plugins=files)


def load(folder: str | Path, plugins: Sequence[str | Path] = ()) -> Run:
    """A run that was kept, finished or scored before. Raises `BenchError` where there is none, or no result yet."""
    from .keep.results import read_result
    from .keep.runs import Run as Stored

    if not isinstance(folder, str | Path):
        raise BenchError(f"{folder!r} is no run folder, expected its path")
    stored = Stored.read(Path(folder))
    path = stored.folder / "result.json"
    if not path.is_file():
        raise BenchError(f"{folder} has no result yet; the run was interrupted, and the same call or command finishes it")
    return Run(stored.folder, read_result(path), listed(plugins))


def compare(
    first: Run | str | Path,
    second: Run | str | Path,
    tasks: str | Sequence[str] = "all",
    protocol: str = "standard",
    data_root: str | Path | None = None,
    plugins: Sequence[str | Path] = (),
) -> Comparison:
    """Two runs sample by sample, as `lamm-bench compare` does: `.differences`, one a task, with interval, p-value and verdict."""
    from .ask.catalog import load_catalog
    from .ask.comparing import compare_runs
    from .ask.rescoring import root_of

    for one in (first, second):
        if not isinstance(one, Run | str | Path):
            raise BenchError(f"{one!r} is no run, expected one of `evaluate` or `load`, or the path of its folder")
    folders = [one.folder if isinstance(one, Run) else Path(one) for one in (first, second)]
    brought = {file for one in (first, second) if isinstance(one, Run) for file in one.plugins}
    catalog = load_catalog(sorted({*brought, *listed(plugins)}))
    root = root_of(folders, Path(data_root) if data_root is not None else None, catalog, lambda text: None)
    names = ",".join(listed(tasks))
    return compare_runs(folders[0], folders[1], catalog, root, names, protocol)


def listed(names: Any) -> tuple[str, ...]:
    """One name, several separated by commas, or a list of them. Raises `BenchError` for anything else.

    >>> listed("cifar10, lsp"), listed(["a", "b"]), listed(Path("my.py"))
    (('cifar10', 'lsp'), ('a', 'b'), ('my.py',))
    """
    if isinstance(names, Path):
        return (str(names),)
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(",") if name.strip())
    if isinstance(names, Sequence | set | frozenset) and all(isinstance(name, str | Path) for name in names):
        return tuple(str(name) for name in names)
    raise BenchError(f"{names!r} is no name, and no list of names")


def changes(overrides: Any) -> tuple[str, ...]:
    """Overrides of a recipe, as the command line takes them; one may hold commas. Raises `BenchError` for anything else."""
    found = (overrides,) if isinstance(overrides, str) else overrides
    if not isinstance(found, Sequence) or not all(isinstance(one, str) for one in found):
        raise BenchError(f"overrides is {overrides!r}, expected texts such as instruction.prompt=3")
    return tuple(found)


def plain(value: Any) -> Any:
    """A value that fits into a column."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | tuple | Mapping) else value


def thought_of(responses: Sequence[Response]) -> dict[str, Any]:
    """What was thought in a dialogue, and in how many tokens where all thoughts were counted."""
    counted = [response.reasoning_tokens for response in responses if response.reasoning]
    tokens = sum(count or 0 for count in counted) if counted and None not in counted else None
    thought = "\n\n".join(response.reasoning for response in responses if response.reasoning)
    return {"reasoning": thought or None, "reasoning_tokens": tokens}


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Rows as columns; what a row lacks is None."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def as_frame(data: dict[str, list[Any]], form: str) -> Any:
    """The columns in the form that is asked for."""
    if form in ("auto", "pandas"):
        try:
            import pandas
        except ImportError:
            if form == "pandas":
                raise BenchError("form='pandas' needs pandas, which is not installed; form='plain' needs nothing") from None
        else:
            return pandas.DataFrame(data)
    if form in ("auto", "arrow"):
        try:
            import pyarrow
        except ImportError:
            if form == "arrow":
                raise BenchError("form='arrow' needs pyarrow, which is not installed; form='plain' needs nothing") from None
        else:
            return pyarrow.table({name: arrow_column(values) for name, values in data.items()})
    return Frame(data)


def arrow_column(values: Sequence[Any]) -> Sequence[Any]:
    """Values of one type: numbers beside texts, as two tasks may have under one name, become texts."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} or len(kinds) < 2:
        return [float(value) if float in kinds and isinstance(value, int) else value for value in values]
    return [None if value is None else str(value) for value in values]
