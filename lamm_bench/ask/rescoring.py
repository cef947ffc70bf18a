"""Scores what was said before, without a model: a stored run, or answer files of any model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lamm_bench.data.locate import find_root, is_root
from lamm_bench.errors import BenchError
from lamm_bench.keep.answers import find_answers, read_answers
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import from_records, pooled

from .catalog import Catalog
from .outcome import Outcome, Watcher, load, score_task, why_failed
from .runner import plan


def root_of(folders: Sequence[Path], given: Path | None, catalog: Catalog, say: Callable[[str], None]) -> Path:
    """Where to read the data of stored runs: where the user says, else where the first run met them if they are still the same,
    else as for a new run. The run's smallest task decides, since every task is compared with its digest later anyway."""
    manifest = Run.read(folders[0]).manifest
    for folder in folders[1:]:
        Run.read(folder)  # a folder that holds no run is told before data are looked for
    place = manifest.get("data_root")
    if given is None and place and is_root(Path(place)) and same_data(manifest, Path(place), catalog):
        say(f"data: {place}, where {folders[0]} met them; --data-root names others")
        return Path(place)
    return find_root(given, say)[0]


def same_data(manifest: Mapping[str, Any], root: Path, catalog: Catalog) -> bool:
    """Whether the run's smallest task that is known here has the same items and media under this root."""
    identity = manifest["identity"]
    known = [name for name in identity["data"] if name in catalog.tasks]
    if not known:
        return False
    name = min(known, key=lambda task: manifest["samples"].get(task, 0))
    try:
        work = plan(catalog.tasks[name], catalog.tasks[name].samples(root), identity["limit"], identity["seed"], None)
    except BenchError:
        return False
    return work.data == identity["data"][name]


def rescore(folder: Path, catalog: Catalog, root: Path, tasks: str, protocols: Sequence[str], watcher: Watcher) -> Outcome:
    """Scores a stored run again, without a model, from its records. Refuses data that the run was not asked about."""
    stored = Run.read(folder)
    identity = stored.manifest["identity"]
    known = [name for name in identity["data"] if name in catalog.tasks]
    chosen = [task for task in catalog.select_tasks(tasks) if task.name in known]
    if not chosen:
        raise BenchError(f"{folder} was not asked about {tasks}; it holds {', '.join(identity['data'])}")
    outcome = Outcome(folder=folder)
    for name in identity["data"]:
        if name not in catalog.tasks:
            outcome.unavailable[name] = "no task of this name is known here"
    for task, samples in load(chosen, root, outcome):
        watcher.begin(task.name, len(samples))
        work = plan(task, samples, identity["limit"], identity["seed"], identity["control"])
        if work.data != identity["data"][task.name]:
            outcome.unavailable[task.name] = (
                f"the data under {root} are not those of the run; name the run's data with --data-root"
            )
        else:
            records = stored.ledger(task.name).ended
            if reason := why_failed(records.values()):
                outcome.failures[task.name] = reason
            wanted = protocols or stored.manifest["protocols"]
            outcome.scores += score_task(catalog, task, work.samples, from_records(records), wanted)
        watcher.tick(len(work.samples))
        watcher.end(task.name)
    outcome.scores += pooled(catalog.pools, outcome.scores)
    return outcome


def score_answers(folder: Path, catalog: Catalog, root: Path, tasks: str, protocols: Sequence[str], watcher: Watcher) -> Outcome:
    """Scores upstream-format answer files. A named task without a file is listed; `all` takes the files that are there."""
    outcome = Outcome()
    files: dict[str, Path] = {}
    if not folder.is_dir():
        raise BenchError(f"{folder} is no folder; expected answer files such as Classification_CIFAR10.json in it")
    named = catalog.select_tasks(tasks)
    for task in named:
        path = find_answers(folder, task)
        if path is not None:
            files[task.name] = path
        elif tasks != "all":
            outcome.unavailable[task.name] = f"{folder / task.answer_files[0]}.json is missing"
    if not files:
        raise BenchError(f"{folder} holds no answer file of {tasks}; expected for instance {named[0].answer_files[0]}.json")
    for task, samples in load([task for task in named if task.name in files], root, outcome):
        watcher.begin(task.name, len(samples))
        try:
            answers = read_answers(files[task.name])
        except BenchError as error:
            outcome.unavailable[task.name] = str(error)
            continue
        for protocol in protocols:
            if protocol in task.protocols:
                answered, notes = answers.join(samples, protocol)
                (result,) = score_task(catalog, task, samples, answered, [protocol])
                outcome.scores.append(replace(result, notes=(*result.notes, *notes)))
        watcher.tick(len(samples))
        watcher.end(task.name)
    outcome.scores += pooled(catalog.pools, outcome.scores)
    return outcome
