"""Two runs on the same samples: is one better than the other, or was it the draw of the images?

Only samples that both models answered are compared; how many were left out is said. The figure is the task's headline metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.runs import Run
from lamm_bench.measure.intervals import holm
from lamm_bench.measure.scoring import Score, score
from lamm_bench.measure.stats import estimates, paired_metric
from lamm_bench.types import FAILED, Row, Sample, Task

from .catalog import Catalog
from .coordinates import answers, of_manifest
from .outcome import Outcome, load
from .runner import plan

ALPHA = 0.05  # of the whole comparison: some task is called different by chance in at most so many of such comparisons


@dataclass(frozen=True)
class Difference:
    """One task: the headline of both runs on the samples that both answered."""

    task: str
    metric: str
    unit: str
    better: str
    first: float | None
    second: float | None
    difference: float | None  # first - second
    ci95: tuple[float, float] | None
    p: float | None  # two-sided, of this task alone
    n: int  # samples compared
    left_out: int  # samples that one of the two did not answer
    clusters: int
    detectable: float | None = None  # the true difference that would be found in 80 % of such comparisons
    holm: float | None = None  # p, corrected for the number of tasks compared

    @property
    def verdict(self) -> str:
        """Which run is better, where the corrected p-value is below 0.05.

        >>> Difference("t", "m", "percent", "lower", 1, 2, -1, (-2, -0.5), 0.01, 9, 0, 9, holm=0.03).verdict
        'first'
        """
        if self.holm is None or self.holm >= ALPHA or not self.difference:
            return ""
        return "first" if (self.difference > 0) == (self.better == "higher") else "second"


@dataclass
class Comparison:
    """Two runs' differences by task, and the tasks that could not be compared with the reason."""

    first: str
    second: str
    protocol: str
    differences: list[Difference] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        rows = [
            {**vars(each), "ci95": list(each.ci95) if each.ci95 else None, "verdict": each.verdict} for each in self.differences
        ]
        return {
            "format": 1,
            "first": self.first,
            "second": self.second,
            "protocol": self.protocol,
            "differences": rows,
            "unavailable": self.unavailable,
        }


def compare_runs(first: Path, second: Path, catalog: Catalog, root: Path, tasks: str, protocol: str) -> Comparison:
    """Every task that both runs were asked about. Raises `BenchError` when there is none."""
    runs = (Run.asked(first), Run.asked(second))
    data = [run.manifest["identity"]["data"] for run in runs]
    result = Comparison(str(first), str(second), protocol)
    chosen = [
        task for task in catalog.select_tasks(tasks, {**data[0], **data[1]}) if task.name in data[0] or task.name in data[1]
    ]
    loading = Outcome()
    for task, samples in load(chosen, root, loading):
        reason = why_not(task, samples, runs, root, protocol)
        if reason:
            result.unavailable[task.name] = reason
        else:
            result.differences.append(difference(task, samples, runs, protocol, root))
    corrected = holm([each.p for each in result.differences])
    result.differences = [replace(each, holm=value) for each, value in zip(result.differences, corrected)]
    result.unavailable |= loading.unavailable
    if not result.differences:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(result.unavailable.items())[:3])
        raise BenchError(f"{first} and {second} cannot be compared: {reasons or 'neither was asked about ' + tasks}")
    return result


def why_not(task: Task, samples: Sequence[Sample], runs: tuple[Run, Run], root: Path, protocol: str) -> str | None:
    """Why two runs cannot be compared on a task; None when they can."""
    digests = [run.manifest["identity"]["data"].get(task.name) for run in runs]
    for run, found in zip(runs, digests):
        if found is None:
            return f"{run.folder} was not asked about it"
    try:
        chosen = both_chosen(task, samples, runs, root)
    except BenchError as error:  # files of corrupted samples that are not here
        return str(error)
    if all(one[1] != found for one, found in zip(chosen, digests)):
        return f"the data under {root} are not those of the runs; name the runs' data with --data-root"
    if any(one[1] != found for one, found in zip(chosen, digests)):
        return "the runs were asked about other items: their data differ"
    if not {sample.id for sample in chosen[0][0]} & {sample.id for sample in chosen[1][0]}:
        return "the runs have no item in common (limit or seed differ)"
    if protocol not in task.protocols:
        return f"it has no protocol {protocol}"
    return None


def chosen_samples(task: Task, samples: Sequence[Sample], run: Run, root: Path | None) -> tuple[tuple[Sample, ...], str]:
    """The samples that a run was asked about, as it was asked about them, and what their data hash to."""
    identity = run.manifest["identity"]
    work = plan(task, samples, identity["limit"], identity["seed"], None, identity.get("corrupt", ""), root)
    return work.samples, work.data


def both_chosen(
    task: Task, samples: Sequence[Sample], runs: tuple[Run, Run], root: Path | None
) -> list[tuple[tuple[Sample, ...], str]]:
    """`chosen_samples` of two runs: the very same ones where they were drawn alike."""
    first = chosen_samples(task, samples, runs[0], root)
    drawn = [[run.manifest["identity"].get(key) or 0 for key in ("limit", "seed", "corrupt")] for run in runs]
    return [first, first if drawn[0] == drawn[1] else chosen_samples(task, samples, runs[1], root)]


def rows_of(task: Task, samples: Sequence[Sample], run: Run, protocol: str, root: Path | None) -> dict[str, Row]:
    """The samples that a run was asked about as they were read and counted, by id in file order."""
    mine = chosen_samples(task, samples, run, root)[0]
    answered = answers(run.ledger(task.name), mine, of_manifest(run.manifest))
    found = score(task, protocol, mine, answered, references=False, keep_rows=True, file=samples)
    return {row.sample.id: row for row in found.rows}


def both_answered(
    task: Task, samples: Sequence[Sample], runs: tuple[Run, Run], protocol: str, root: Path | None
) -> tuple[list[Row], list[Row], int]:
    """The rows of the samples that both answered, in the same order, and how many either did not."""
    each = [{sample.id: sample for sample in chosen} for chosen, _ in both_chosen(task, samples, runs, root)]
    asked = [sample for sample in samples if sample.id in each[0] or sample.id in each[1]]
    scores: list[Score] = []
    for run, own in zip(runs, each):
        mine = [own.get(sample.id, sample) for sample in asked]  # one that a run was not asked, it has not answered
        answered = answers(run.ledger(task.name), mine, of_manifest(run.manifest))
        scores.append(score(task, protocol, mine, answered, references=False, keep_rows=True, file=samples))
    pairs = [pair for pair in zip(scores[0].rows, scores[1].rows) if not any(row.status in FAILED for row in pair)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs], len(asked) - len(pairs)


def difference(
    task: Task, samples: Sequence[Sample], runs: tuple[Run, Run], protocol: str, root: Path | None = None
) -> Difference:
    """The headline's difference on the samples that both answered."""
    *sides, left_out = both_answered(task, samples, runs, protocol, root)
    metric = task.protocols[protocol].metrics[0]
    values = [estimates([metric], rows)[metric.name] for rows in sides]
    common: dict[str, Any] = {"task": task.name, "metric": metric.name, "unit": metric.unit, "better": metric.better}
    common |= {"n": len(sides[0]), "left_out": left_out, "clusters": values[0].clusters}
    a, b = values[0].value, values[1].value
    if a is None or b is None:
        return Difference(first=a, second=b, difference=None, ci95=None, p=None, **common)
    found = paired_metric(metric, sides[0], sides[1])
    return Difference(
        first=a, second=b, difference=found.difference, ci95=found.ci95, p=found.p, detectable=found.detectable, **common
    )
