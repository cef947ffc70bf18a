"""Do several readers of the same answers agree? Nothing is asked: everything is read again from what a run keeps.

`strict` takes an answer for right only where it says what is right and nothing else (the truth's own form, an option's letter, words or both;
case, blanks and the marks around it do not matter); `standard` is our reader, `classic` and `chef` are upstream's. A judge that rated the run's
answers is set beside ours by rank correlation, since its marks are neither right nor wrong. Where `strict` says right and ours does not, ours
has misread; where ours says right and `strict` does not, the answer said more, and is worth a look by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.ask.bundle import Bundle, Part
from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.flat import value_of
from lamm_bench.ask.outcome import Outcome, load
from lamm_bench.ask.runner import plan
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import read_json
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import oracle_answer
from lamm_bench.measure.stats import Ratio
from lamm_bench.types import FAILED, Row, Sample, Task

from .agreement import kappa, spearman
from .session import judgements

OURS, STRICT = "standard", "strict"
RIGHT = 100 - 1e-9  # percent: a sample without a fault
AROUND = " \t\r\n.,;:!?()[]{}\"'*`"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Agreement:
    """One task: what each reader says of the same answers."""

    task: str
    n: int
    right: Mapping[str, float]  # percent, by reader
    same: Mapping[str, float]  # percent of answers of which a reader says what ours says
    kappa: Mapping[str, float | None]  # beyond chance (Cohen 1960)
    judges: Mapping[str, float | None]  # rank correlation of marks with ours (Spearman 1904)
    misread: tuple[str, ...]  # samples right by `strict` and not by ours
    generous: tuple[str, ...]  # right by ours and not by `strict`


@dataclass
class Readings:
    """The tasks of a run."""

    run: Path
    tasks: list[Agreement] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"format": 1, "run": str(self.run), "tasks": [vars(each) for each in self.tasks], "left_out": self.left_out}


def readings(folder: Path, catalog: Catalog, root: Path, tasks: str) -> Readings:
    """Of the tasks whose headline counts right answers. Raises `BenchError` where there is none, or data are not the run's."""
    stored, found = Run.asked(folder), Readings(folder)
    identity, outcome = stored.manifest["identity"], Outcome()
    catalog.bring(stored.manifest.get("asked"))
    chosen = [task for task in catalog.select_tasks(tasks, list(identity["data"])) if task.name in identity["data"]]
    bundle = Bundle(stored, root, (), {})
    for task, samples in load(chosen, root, outcome) if chosen else ():
        work = plan(task, samples, identity["limit"], identity["seed"], identity["control"], identity.get("corrupt", ""), root)
        if work.data != identity["data"][task.name]:
            found.left_out[task.name] = f"the data under {root} are not those of the run"
        elif why := uncounted(task):
            found.left_out[task.name] = why
        else:
            own = agreement(bundle, Part(task, work.samples, work.file, stored.ledger(task.name)))
            if own is not None:
                found.tasks.append(own)
            else:
                found.left_out[task.name] = "it has no answers"
    found.left_out |= outcome.unavailable
    if not found.tasks:
        told = "; ".join(f"{name}: {why}" for name, why in found.left_out.items()) or f"it was not asked about {tasks}"
        raise BenchError(f"{folder}: no task of which readers could agree: {told}")
    return found


def uncounted(task: Task) -> str:
    """Why a task's answers are not right or wrong; empty where they are."""
    metric = task.protocols[OURS].metrics[0] if OURS in task.protocols else None
    if metric is None:
        return f"it has no protocol {OURS}"
    share = metric.value
    if not isinstance(share, Ratio) or not share.counts or metric.better != "higher":
        return f"{metric.name} of one answer is neither right nor wrong"
    return ""


def agreement(bundle: Bundle, part: Part) -> Agreement | None:
    """What all readers say of the answers that there are."""
    verdicts = {
        name: rights(part, name, list(bundle.rows(part, name))) for name in (OURS, "classic", "chef") if counted(part.task, name)
    }
    rows = [row for row in bundle.rows(part, OURS) if row.status not in FAILED and row.sample.id in verdicts[OURS]]
    verdicts[STRICT] = {row.sample.id: strictly(part.task, row) for row in rows if isinstance(row.answer, str)}
    names = [row.sample.id for row in rows]
    if not names:
        return None
    others = {name: own for name, own in verdicts.items() if name != OURS and own}
    pairs = {name: [(own[one], verdicts[OURS][one]) for one in names if one in own] for name, own in others.items()}
    right = {
        name: 100 * sum(own[one] for one in names if one in own) / max(1, sum(one in own for one in names))
        for name, own in verdicts.items()
        if own
    }
    return Agreement(
        part.task.name,
        len(names),
        right,
        {name: 100 * sum(a == b for a, b in both) / len(both) for name, both in pairs.items() if both},
        {name: kappa(*zip(*both)) for name, both in pairs.items() if both},
        judged(bundle.run.folder, part.task.name, verdicts[OURS]),
        tuple(one for one in names if verdicts[STRICT].get(one) and not verdicts[OURS][one]),
        tuple(one for one in names if verdicts[OURS][one] and verdicts[STRICT].get(one) is False),
    )


def counted(task: Task, protocol: str) -> bool:
    """Whether a protocol's headline is a percentage of each answer."""
    if protocol not in task.protocols:
        return False
    metric = task.protocols[protocol].metrics[0]
    return metric.unit == "percent" and metric.better == "higher"


def rights(part: Part, protocol: str, rows: Sequence[Row]) -> dict[str, bool]:
    """Of each answer, whether a protocol finds no fault in it."""
    metric = part.task.protocols[protocol].metrics[0]
    values = {row.sample.id: value_of(metric, row) for row in rows if row.status not in FAILED}
    return {name: value >= RIGHT for name, value in values.items() if value is not None}


def strictly(task: Task, row: Row) -> bool:
    """Whether an answer says what is right, and nothing else."""
    return isinstance(row.answer, str) and bare(row.answer) in accepted(task, row.sample)


def accepted(task: Task, sample: Sample) -> set[str]:
    """The forms in which the truth may be said."""
    own = oracle_answer(task, sample)
    found = {bare(own)} if isinstance(own, str) else set()
    if isinstance(sample.target, int) and not isinstance(sample.target, bool) and 0 <= sample.target < len(sample.choices):
        letter, words = LETTERS[sample.target % 26].casefold(), bare(sample.choices[sample.target])
        found |= {letter, words, f"{letter} {words}"}
    return found - {""}


def bare(text: str) -> str:
    """
    >>> bare(" (B). "), bare("(A)  in the Snow.")
    ('b', 'a in the snow')
    """
    return " ".join(filter(None, (word.strip(AROUND) for word in text.casefold().split())))


def judged(run: Path, task: str, ours: Mapping[str, bool]) -> dict[str, float | None]:
    """The rank correlation of each judge's marks with our verdicts, by the judgement's folder."""
    found = {}
    for folder in judgements(run):
        try:
            samples = read_json(folder / "scores" / f"{task}.json")["samples"]
        except (BenchError, KeyError, TypeError):
            continue
        marks = {name: own.get("value") for name, own in samples.items() if isinstance(own, dict)}
        both = [
            (float(mark), float(ours[name])) for name, mark in marks.items() if name in ours and isinstance(mark, int | float)
        ]
        found[folder.name] = spearman(*zip(*both)) if both else None
    return found
