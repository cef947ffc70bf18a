"""Scores what was said before, without a model: a stored run, or answer files of any model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lamm_bench.data.locate import USUAL, VARIABLE, find_root, is_root, miniature
from lamm_bench.errors import BenchError
from lamm_bench.keep.answers import find_answers, read_answers
from lamm_bench.keep.files import read_json
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import pooled
from lamm_bench.read import READERS, Convention, convention
from lamm_bench.read.conventions import FRACTIONS
from lamm_bench.types import Estimate

from .attendance import alarm
from .catalog import Catalog
from .coordinates import answers, framed, of_manifest
from .outcome import SUBSET, Outcome, Watcher, load, scores_or_why, why_failed
from .runner import plan


def root_of(folders: Sequence[Path], given: Path | None, catalog: Catalog, say: Callable[[str], None]) -> Path:
    """Where to read the data of stored runs: where the user says, else where the first run met them, else wherever the same data
    are found. The run's smallest task decides, since every task is compared with its digest later anyway.

    Raises `BenchError` where they are not to be found: other data, and the miniature, are never taken for them."""
    manifest = Run.asked(folders[0]).manifest
    for folder in folders[1:]:
        Run.asked(folder)  # a folder that holds no run is told before data are looked for
    catalog.bring(manifest.get("asked"))
    tasks = [catalog.tasks[name] for name in manifest["identity"]["data"] if name in catalog.tasks]
    if given is not None:
        return find_root(given, say, tasks)[0]
    met = str(manifest.get("data_root") or "")
    named = os.environ.get(VARIABLE)
    for place in [*([met] if met else []), *([named] if named else []), *map(str, USUAL)]:
        if is_root(Path(place), tasks) and same_data(manifest, Path(place), catalog):
            where = f"where {folders[0]} met them" if place == met else f"the same that {folders[0]} met in {met}"
            say(f"data: {place}, {where}; --data-root names others")
            return Path(place)
    if manifest["source"] == "miniature":
        return miniature()
    if met and is_root(Path(met), tasks):
        return Path(met)  # each task is compared with what the run was asked, and the one that changed is named
    strangers = [name for name in manifest["identity"]["data"] if name not in catalog.tasks]
    if strangers and len(strangers) == len(manifest["identity"]["data"]):
        raise BenchError(
            f"{folders[0]} was asked about {', '.join(strangers)}, which no task here is called; name the file that brings it with --plugin"
        )
    raise BenchError(
        f"{folders[0]} met its data in {met or 'a place it does not name'}, which is not there; name where they are now with --data-root"
    )


def same_data(manifest: Mapping[str, Any], root: Path, catalog: Catalog) -> bool:
    """Whether the run's smallest task that is known here has the same items and media under this root."""
    identity = manifest["identity"]
    known = [name for name in identity["data"] if name in catalog.tasks]
    if not known:
        return False
    name = min(known, key=lambda task: manifest["samples"].get(task, 0))
    try:
        drawn = (identity["limit"], identity["seed"], None, identity.get("corrupt", ""), root)
        work = plan(catalog.tasks[name], catalog.tasks[name].samples(root), *drawn)
    except Exception:  # whatever a task says of files that are none of its own
        return False
    return work.data == identity["data"][name]


def readers_of(folder: Path) -> str | None:
    """The version of the readers that a run's result was made with; None where it has no result that can be read. The first one
    wrote none."""
    try:
        result = read_json(folder / "result.json")
    except BenchError:
        return None
    return str(result.get("readers", "1")) if isinstance(result, dict) else None


def rescore(
    folder: Path,
    catalog: Catalog,
    root: Path,
    tasks: str,
    protocols: Sequence[str],
    watcher: Watcher,
    asked: Convention | None = None,
) -> Outcome:
    """Scores a stored run again, without a model, from its records. Refuses data that the run was not asked about.

    With `asked` its places are read by another convention than the run's: a diagnosis, no result."""
    stored = Run.asked(folder)
    identity = stored.manifest["identity"]
    known = [name for name in identity["data"] if name in catalog.tasks]
    chosen = [task for task in catalog.select_tasks(tasks, known) if task.name in known]
    if not chosen:
        raise BenchError(f"{folder} was not asked about {tasks}; it holds {', '.join(identity['data'])}")
    own = of_manifest(stored.manifest)
    outcome = Outcome(folder=folder, coordinates=(asked or own or convention(FRACTIONS)).name if asked or own else "")
    if asked is not None and asked != (own or convention(FRACTIONS)):
        outcome.diagnosis = f"places read as {asked.name} ({asked.said()}), not as {(own or convention(FRACTIONS)).name} as the run was asked: no result"
    outcome.alarm = alarm(folder)
    before = readers_of(folder)
    if before not in (None, READERS):
        watcher.say(f"note: {folder} was read by version {before} of the readers, now by {READERS}: `standard` may differ")
    for name in identity["data"]:
        if name not in catalog.tasks:
            outcome.unavailable[name] = "no task of this name is known here"
    for task, samples in load(chosen, root, outcome, watcher=watcher):
        watcher.begin(task.name, len(samples))
        drawn = (identity["limit"], identity["seed"], identity["control"], identity.get("corrupt", ""), root)
        work = plan(task, samples, *drawn)
        if work.data != identity["data"][task.name]:
            outcome.unavailable[task.name] = (
                f"the data under {root} are not those of the run; name the run's data with --data-root"
            )
        else:
            ledger = stored.ledger(task.name)
            reasons = [why_failed(ledger.ended.values()), left_out(ledger)]
            if any(reasons):
                outcome.failures[task.name] = "; ".join(reason for reason in reasons if reason)
            wanted = protocols or stored.manifest["protocols"]
            found = answers(ledger, work.samples, asked or own)
            outcome.scores += scores_or_why(catalog, task, work.samples, found, wanted, outcome, work.file)
        watcher.tick(len(work.samples))
        watcher.end(task.name)
    outcome.scores += pooled(catalog.pools, outcome.scores)
    return outcome


def left_out(ledger: Ledger) -> str:
    """Which lines of a file are no records of its run; empty when all are."""
    if not ledger.damaged:
        return ""
    number = len(ledger.damaged)
    some = ", ".join(map(str, ledger.damaged[:5])) + (" ..." if number > 5 else "")
    return (
        f"{number} line{'s' if number > 1 else ''} of {ledger.path} ({some}) {'are' if number > 1 else 'is'} damaged or of another "
        "run, and left out; run the same command again to ask those samples again"
    )


def score_answers(
    folder: Path,
    catalog: Catalog,
    root: Path,
    tasks: str,
    protocols: Sequence[str],
    watcher: Watcher,
    subset: bool = False,
    places: Convention | None = None,
) -> Outcome:
    """Scores upstream-format answer files. A named task without a file is listed; `all` takes the files that are there.

    With `subset` only the items that have an answer are scored, as upstream does, and the outcome names how many those are. `places` is
    the convention in which their places are said, where that is not in fractions."""
    outcome = Outcome(coordinates=places.name if places is not None else "")
    files = answer_files(folder, catalog, tasks, outcome)
    unread: list[str] = []
    for task, samples in load([task for task in catalog.select_tasks(tasks) if task.name in files], root, outcome):
        watcher.begin(task.name, len(samples))
        try:
            said = read_answers(files[task.name]).by_content(task, samples)
        except BenchError as error:
            outcome.unavailable[task.name] = str(error)
            unread.append(str(error))
            continue
        for protocol in protocols:
            if protocol in task.protocols:
                answered, notes = said.join(samples, protocol)
                if places is not None:
                    answered = framed(answered, samples, places, {})
                asked = [sample for sample in samples if sample.id in answered] if subset else samples
                if len(asked) < len(samples):
                    outcome.subsets[task.name] = f"{len(asked)} of {len(samples)} items"
                    notes = [f"only the {len(asked)} of {len(samples)} items that have an answer {SUBSET}", *notes]
                elif protocol == "chef" and 0 < len(answered) < len(samples):
                    few = f"{len(answered)} of {len(samples)} items have an answer and all count"
                    notes = [f"{few}; of a sampled file upstream scores those alone (--subset)", *notes]
                if not asked:
                    outcome.unavailable[task.name] = "; ".join(["no item has an answer", *notes])
                    continue
                too_many = protocol == "classic" and len(said.texts) > len(samples)
                for result in scores_or_why(catalog, task, asked, answered, [protocol], outcome, samples):
                    metrics = withheld(result.metrics) if too_many else result.metrics
                    outcome.scores.append(replace(result, metrics=metrics, notes=(*result.notes, *notes)))
        watcher.tick(len(samples))
        watcher.end(task.name)
    if len(unread) == len(files):  # bad input, of which nothing is left to tell but why
        raise BenchError("; ".join(dict.fromkeys(unread)))
    outcome.scores += pooled(catalog.pools, outcome.scores)
    return outcome


def withheld(metrics: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """No figures: by position nobody knows which of too many answers belongs to which item, and upstream's evaluators count them
    each in another way."""
    why = "more answers than items: joined by position, none can be told from another's"
    return {name: replace(each, value=None, ci95=None, bounds=None, note=why) for name, each in metrics.items()}


def answer_files(folder: Path, catalog: Catalog, tasks: str, outcome: Outcome) -> dict[str, Path]:
    """The answer file of each task that has one. Raises `BenchError` when there is none at all."""
    files: dict[str, Path] = {}
    doubts: list[str] = []
    if not folder.is_dir():
        raise BenchError(f"{folder} is no folder; expected answer files such as Classification_CIFAR10.json in it")
    named = catalog.select_tasks(tasks)
    for task in named:
        try:
            path = find_answers(folder, task)
        except BenchError as error:
            outcome.unavailable[task.name] = str(error)
            doubts.append(str(error))
            continue
        if path is not None:
            files[task.name] = path
        elif tasks != "all":
            outcome.unavailable[task.name] = f"{folder / task.answer_files[0]}.json is missing"
    if not files and doubts:
        raise BenchError(doubts[0])
    if not files:
        raise BenchError(f"{folder} holds no answer file of {tasks}; expected for instance {named[0].answer_files[0]}.json")
    return files
