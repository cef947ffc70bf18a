"""Scores are a pure function of samples and stored answers: no model, no clock, no random state but named seeds.

Every expected sample ends in exactly one status and is counted. What could not be read counts as wrong; samples about which
the model said nothing that could be scored (`FAILED`) stay out of `standard`'s values and are shown as counts, and `bounds`
says what the value would be if everything not `ok` were wrong, or right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from lamm_bench.errors import UpstreamStops, unknown
from lamm_bench.types import FAILED, STATUSES, Answer, Estimate, Record, Row, Sample, Scorer, Task, to_json

from .pooling import Pool, Pooled, pool
from .stats import estimates, evaluate, seed_of, table_of, totals


@dataclass(frozen=True)
class Answered:
    """One stored answer and how its dialogue ended."""

    text: Answer | None
    status: str = "ok"


@dataclass(frozen=True)
class Score:
    """One task under one protocol."""

    task: str
    protocol: str
    metrics: Mapping[str, Estimate]  # headline first
    counts: Mapping[str, int]  # expected = the sum of all others
    samples: Mapping[str, Mapping[str, Any]]
    references: Mapping[str, float | None] = field(default_factory=dict)  # headline of oracle, chance, majority
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()  # kept only where a pool needs them

    @property
    def headline(self) -> tuple[str, Estimate]:
        return next(iter(self.metrics.items()))

    def to_json(self, samples: bool = False) -> dict[str, Any]:
        """The form of `result.json` and of `--json`."""
        data: dict[str, Any] = {
            "task": self.task,
            "protocol": self.protocol,
            "metrics": to_json(self.metrics),
            "counts": dict(self.counts),
        }
        if self.references:
            data["references"] = dict(self.references)
        if self.notes:
            data["notes"] = list(self.notes)
        if samples:
            data["samples"] = to_json(self.samples)
        return data


def score(
    task: Task,
    protocol: str,
    samples: Sequence[Sample],
    answered: Mapping[str, Answered],
    references: bool = True,
    keep_rows: bool = False,
) -> Score:
    """Reads and counts every answer under a protocol. Raises `BenchError` for a protocol the task does not have."""
    if protocol not in task.protocols:
        raise unknown(f"protocol of {task.name}", protocol, task.protocols)
    scorer = task.protocols[protocol]
    notes: list[str] = []
    rows = [row_of(scorer, sample, answered.get(sample.id), notes) for sample in samples]
    counted = rows if protocol != "standard" else [row for row in rows if row.status not in FAILED]
    seed = seed_of("bootstrap", task.name)
    metrics = dict(estimates(scorer.metrics, counted, seed))
    bounds = limits(task, scorer, rows) if protocol == "standard" else {}
    metrics = {name: replace(estimate, bounds=bounds.get(name)) for name, estimate in metrics.items()}
    if counted:
        metrics |= scorer.whole(counted)
    floor = baselines(task, scorer, samples) if references and protocol == "standard" else {}
    kept = tuple(rows) if keep_rows else ()
    return Score(task.name, protocol, metrics, count(rows), shown(scorer, rows), floor, tuple(gather(notes)), kept)


def row_of(scorer: Scorer, sample: Sample, answered: Answered | None, notes: list[str]) -> Row:
    """One sample read and counted; an answer that cannot be read turns `ok` into `unread`."""
    status = answered.status if answered is not None else "missing"
    text = answered.text if answered is not None else None
    prediction = None
    if status not in FAILED and text is not None and has_media(sample):
        try:
            prediction = scorer.read(text, sample)
            stats = scorer.score(sample, prediction)
        except UpstreamStops as stop:
            notes.append(f"upstream's evaluator stops here and gives no score: {stop}")
            prediction, stats = None, scorer.score(sample, None)
    else:
        stats = scorer.score(sample, None)
        status = status if text is None or has_media(sample) else "media_error"
    if status == "ok" and prediction is None:
        status = "unread"
    return Row(sample, status, text, prediction, stats)


def has_media(sample: Sample) -> bool:
    """Whether what a scorer needs of the image is known: tasks in pixels need its size."""
    return sample.meta.get("size", ()) is not None


def gather(notes: Iterable[str]) -> list[str]:
    """Each note once, with how often it applied."""
    times: dict[str, int] = {}
    for note in notes:
        times[note] = times.get(note, 0) + 1
    return [f"{note} ({number} samples)" if number > 1 else note for note, number in times.items()]


def count(rows: Sequence[Row]) -> dict[str, int]:
    """How many samples ended in each status."""
    counts = {"expected": len(rows)} | dict.fromkeys(STATUSES, 0)
    for row in rows:
        counts[row.status] += 1
    return counts


def shown(scorer: Scorer, rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """What is kept of every sample: its status and values; also those that the other samples decide, as its CIDEr."""
    among = scorer.each(rows) if hasattr(scorer, "each") else ({} for _ in rows)
    return {
        row.sample.id: {"status": row.status, **scorer.show(row.sample, row.prediction, row.stats), **more}
        for row, more in zip(rows, among)
    }


def limits(task: Task, scorer: Scorer, rows: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """For each metric its value with everything unread or failed wrong, and with all of it right."""
    if all(row.prediction is not None for row in rows):
        return {}
    wrong = [dict(row.stats) for row in rows]
    right = [
        dict(row.stats if row.prediction is not None else scorer.score(row.sample, perfect(task, scorer, row.sample)))
        for row in rows
    ]
    keys = sorted({key for stats in (*wrong, *right) for key in stats})
    ends = [totals(table_of(stats, keys).sum(axis=0, keepdims=True), keys) for stats in (wrong, right)]
    found = {}
    for metric in scorer.metrics:
        low, high = (float(evaluate(metric, sums)[0]) for sums in ends)
        if low == low and high == high:
            found[metric.name] = (min(low, high), max(low, high))
    return found


def perfect(task: Task, scorer: Scorer, sample: Sample) -> Any:
    """What the scorer reads in the oracle's answer."""
    if not has_media(sample):
        return None
    return scorer.read(oracle_answer(task, sample), sample)


def oracle_answer(task: Task, sample: Sample) -> Answer:
    if sample.parts:
        return {part: task.oracle(sample, part) for part in sample.parts}
    return task.oracle(sample)


def chance_answer(task: Task, sample: Sample, samples: Sequence[Sample], seed: int = 0) -> Answer:
    def draw(part: str) -> str:
        return task.chance(sample, Random(f"{seed}/{task.name}/{sample.id}/{part}"), samples, part)

    return {part: draw(part) for part in sample.parts} if sample.parts else draw("")


def baselines(task: Task, scorer: Scorer, samples: Sequence[Sample]) -> dict[str, float | None]:
    """The headline's floor and ceiling on the same samples: oracle, chance (seed 0) and majority."""
    usable = [sample for sample in samples if has_media(sample)]
    if not usable:
        return {}
    most = task.majority(usable)
    headline = scorer.metrics[:1]
    found: dict[str, float | None] = {}
    for name in ("oracle", "chance", "majority"):
        table = []
        for sample in usable:
            if name == "majority":
                text = most
            else:
                text = oracle_answer(task, sample) if name == "oracle" else chance_answer(task, sample, usable)
            table.append(dict(scorer.score(sample, scorer.read(text, sample))))
        keys = sorted({key for stats in table for key in stats})
        value = float(evaluate(headline[0], totals(table_of(table, keys).sum(axis=0, keepdims=True), keys))[0])
        found[name] = value if value == value else None
    return found


def pooled(pools: Sequence[Pool], scores: Sequence[Score]) -> list[Score]:
    """The results of all pools with at least one edition whose member tasks were all scored.

    As everywhere, `standard` leaves samples out about which the model said nothing, and states bounds instead."""
    found = []
    for each in pools:
        members = {score.task: score for score in scores if score.task in each.tasks and score.protocol == each.protocol}
        standard = each.protocol == "standard"
        rows = {name: [row for row in score.rows if not standard or row.status not in FAILED] for name, score in members.items()}
        editions = pool(each, rows)
        if all(edition.missing for edition in editions.values()):
            continue
        metrics = {}
        for name, edition in editions.items():
            every = [row for task in each.members[name] if task in members for row in members[task].rows]
            note = edition.accuracy.note or hits(edition)
            metrics[name] = replace(edition.accuracy, note=note, bounds=pool_bounds(every) if standard else None)
        counts = {key: sum(score.counts[key] for score in members.values()) for key in ("expected", *STATUSES)}
        found.append(Score(each.name, each.protocol, metrics, counts, {}))
    return found


def pool_bounds(rows: Sequence[Row]) -> tuple[float, float] | None:
    """100 x hits / total with everything that could not be read or has failed wrong, and with all of it right."""
    silent = [row for row in rows if row.prediction is None]
    hit, total = (sum(row.stats.get(key, 0) for row in rows) for key in ("hits", "total"))
    if not silent or not total:
        return None
    return 100 * hit / total, 100 * (hit + sum(row.stats.get("total", 0) for row in silent)) / total


def hits(edition: Pooled) -> str:
    return f"{edition.hits} of {edition.total} objects"


def from_records(records: Mapping[str, Record]) -> dict[str, Answered]:
    """Stored records as answers; a sample without a record is `missing`."""
    return {
        name: Answered(record.prediction.text if record.prediction is not None else None, record.status)
        for name, record in records.items()
    }
