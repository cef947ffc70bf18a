"""The answers that are to be judged: those of one run, or of two runs that were asked the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.outcome import Outcome as Loading
from lamm_bench.ask.outcome import load
from lamm_bench.ask.runner import plan
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import digest
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.runs import Run
from lamm_bench.types import FAILED, Answer, Record, Sample, Task


@dataclass(frozen=True)
class Case:
    """One sample and what is known about it without any judge. All but `sample` is kept with the verdicts."""

    id: str
    group: str
    status: str  # `ok` when it can be judged; else why not
    answers: tuple[Answer, ...] = ()  # of the run, and of the run it is compared with
    sample: Sample | None = None  # absent when a judgement is replayed from its folder
    thought: str = ""  # the run's chain of thought before its answer, where it was asked for one

    @property
    def identical(self) -> bool:
        return len(self.answers) == 2 and self.answers[0] == self.answers[1]


@dataclass
class Cases:
    """What can be judged, by task; and why the rest cannot."""

    run: Run
    against: Run | None = None
    tasks: dict[str, Task] = field(default_factory=dict)
    cases: dict[str, list[Case]] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def gather(run: Path, against: Path | None, catalog: Catalog, root: Path, tasks: str) -> Cases:
    """The answers of a run under its own limit, seed and control. Raises `BenchError` when nothing can be judged."""
    first = Run.read(run)
    second = Run.read(against) if against is not None else None
    found = Cases(first, second)
    asked = first.manifest["identity"]["data"]
    chosen = [task for task in catalog.select_tasks(tasks, asked) if task.name in asked]
    if not chosen:
        raise BenchError(f"{run} was not asked about any of {tasks}; it holds {', '.join(asked) or 'nothing'}")
    loading = Loading()
    for task, samples in load(chosen, root, loading):
        reason = other_data(task, samples, first, root) or (other_run(task, first, second) if second is not None else None)
        if reason:
            found.unavailable[task.name] = reason
            continue
        identity = first.manifest["identity"]
        work = plan(task, samples, identity["limit"], identity["seed"], None, identity.get("corrupt", ""), root)
        ledgers = [each.ledger(task.name) for each in (first, second) if each is not None]
        records = [ledger.ended for ledger in ledgers]
        found.tasks[task.name] = task
        found.cases[task.name] = [
            replace(case_of(sample, records), thought=thought_of(first, ledgers[0], sample.id)) for sample in work.samples
        ]
    found.unavailable |= loading.unavailable
    if not found.cases:
        raise BenchError("nothing can be judged: " + "; ".join(f"{name}: {why}" for name, why in found.unavailable.items()))
    return found


def other_data(task: Task, samples: Sequence[Sample], run: Run, root: Path) -> str | None:
    identity = run.manifest["identity"]
    work = plan(task, samples, identity["limit"], identity["seed"], None, identity.get("corrupt", ""), root)
    if work.data != identity["data"][task.name]:
        return f"the data under {root} are not those of {run.folder}; name the run's data with --data-root"
    return None


def other_run(task: Task, run: Run, against: Run) -> str | None:
    """Why two runs cannot be compared on a task; None when they were asked the same."""
    theirs = against.manifest["identity"]["data"].get(task.name)
    if theirs is None:
        return f"{against.folder} was not asked about it"
    if theirs != run.manifest["identity"]["data"][task.name]:
        return f"{run.folder} and {against.folder} were asked about other items (limit, seed or data differ)"
    return None


def case_of(sample: Sample, records: Sequence[Mapping[str, Record]]) -> Case:
    """A case that can be judged has an answer in every run; else it has the status of the first that has none."""
    answers = []
    for ended in records:
        record = ended.get(sample.id)
        status = record.status if record is not None else "missing"
        if record is None or record.prediction is None or status in FAILED:
            return Case(sample.id, sample.group, status if status not in ("ok", "unread", "truncated") else "missing", (), sample)
        answers.append(record.prediction.text)
    return Case(sample.id, sample.group, "ok", tuple(answers), sample)


def thought_of(run: Run, ledger: Ledger, name: str) -> str:
    """What a run that asks for a chain of thought was told first; what a model thought by itself, where it said nothing else."""
    if run.manifest["identity"]["recipe"]["inferencer"].get("name") != "chain_of_thought":
        return ""
    first = ledger.said.get(name, {}).get(0)
    return (first[1].text or first[1].reasoning) if first is not None else ""


def draw(cases: Sequence[Case], count: int | None, seed: int, name: str) -> list[Case]:
    """`count` of the cases, drawn with the seed, in file order; all of them without a count."""
    if count is None or count >= len(cases):
        return list(cases)
    picks = Random(f"judge/{seed}/{name}").sample(range(len(cases)), count)
    return [cases[index] for index in sorted(picks)]


def dump(cases: Sequence[Case]) -> list[list[Any]]:
    """What a replay needs: no answers and no data, only who there is, and whether two answers were the same."""
    return [[case.id, digest(case.group), case.status, case.identical] for case in cases]


def undump(rows: Sequence[Sequence[Any]]) -> list[Case]:
    return [Case(id, group, status, ("", "") if identical else ("", " ")) for id, group, status, identical in rows]
