"""Scores are a pure function of samples and stored answers: no model, no clock, no random state but named seeds.

Every expected sample ends in exactly one status and is counted. What could not be read counts as wrong; samples about which
the model said nothing that could be scored (`FAILED`) stay out of `standard`'s values and are shown as counts, and `bounds`
holds every value that better reading or asking again could lead to, where there are such bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lamm_bench.errors import UpstreamStops, unknown
from lamm_bench.read.parting import thinks_on
from lamm_bench.types import FAILED, STATUSES, Estimate, Record, Row, Sample, Scorer, Task, to_json

from .floors import floors, has_media, oracle_answer
from .pooling import Pool, Pooled, pool
from .shown import Alike, Answered, Stored, shown
from .stats import Ratio, estimates
from .sure import calibration_of

DOUBT = 0.1  # from this share of places outside of the picture on the convention itself is in doubt
UNREAD = " unread"  # ends the name of the statistic that says how much of a sample could not be read


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
    calibration: Mapping[str, Any] = field(default_factory=dict)  # of answers that likelihoods decided (sure.py)
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
        if self.calibration:
            data["calibration"] = to_json(self.calibration)
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
    file: Sequence[Sample] = (),
) -> Score:
    """Reads and counts every answer under a protocol. Raises `BenchError` for a protocol the task does not have.

    `file` holds all samples of the task's file where `samples` are some of them: what is most frequent, and how rare an n-gram is, is
    a property of the file and not of what was drawn from it."""
    if protocol not in task.protocols:
        raise unknown(f"protocol of {task.name}", protocol, task.protocols)
    scorer = task.protocols[protocol]
    if protocol == "standard" and hasattr(scorer, "of_file"):
        scorer = scorer.of_file(file or samples)
    notes: list[str] = []
    alike = Alike()
    rows = [row_of(scorer, sample, thought_out(answered.get(sample.id), protocol), notes, alike) for sample in samples]
    counted = rows if protocol != "standard" else [row for row in rows if row.status not in FAILED]
    if protocol == "standard":  # the others sum in the file's order, as upstream does
        counted = in_order(counted)
    metrics = dict(estimates(scorer.metrics, counted))
    bounds = limits(task, scorer, rows) if protocol == "standard" else {}
    metrics = {name: replace(estimate, bounds=bounds.get(name)) for name, estimate in metrics.items()}
    if counted:
        metrics |= scorer.whole(counted)
    floor = floors(task, scorer, samples, file or samples) if references and protocol == "standard" else {}
    kept = tuple(rows) if keep_rows else ()
    notes += places_notes(rows, answered) if protocol == "standard" else []
    notes += scorer.remarks(rows) if hasattr(scorer, "remarks") else []
    own = sureness(scorer, rows, answered) if references and protocol == "standard" else {}
    return Score(task.name, protocol, metrics, count(rows), shown(scorer, rows, answered), floor, tuple(gather(notes)), own, kept)


def sureness(scorer: Scorer, rows: Sequence[Row], answered: Mapping[str, Answered]) -> dict[str, Any]:
    """How sure the answers are and how often they are right, where likelihoods decided."""
    if not any(each.scores for each in answered.values()):
        return {}
    rows = in_order(rows)
    return calibration_of(
        scorer.metrics[0], rows, [answered[r.sample.id].scores if r.sample.id in answered else () for r in rows]
    )


def in_order(rows: Sequence[Row]) -> list[Row]:
    """By id: sums are the same to the last bit whatever the file's order."""
    return sorted(rows, key=lambda row: row.sample.id)


def thought_out(answered: Answered | None, protocol: str) -> Answered | None:
    """A stored answer; under `standard` one whose thought does not end is `truncated`. The others read every text as it stands."""
    if protocol != "standard" or answered is None or answered.status != "ok" or answered.text is None:
        return answered
    return replace(answered, status="truncated") if thinks_on(answered.text) else answered


def row_of(scorer: Scorer, sample: Sample, answered: Answered | None, notes: list[str], alike: Alike | None = None) -> Row:
    """One sample read and counted; an answer that cannot be read turns `ok` into `unread`. Rows that count the same share it in `alike`."""
    status = answered.status if answered is not None else "missing"
    text = answered.text if answered is not None else None
    prediction = None
    if status not in FAILED and text is not None and has_media(sample):
        try:
            prediction = scorer.read(text, spoken(sample, answered))
            stats = scorer.score(sample, prediction)
        except UpstreamStops as stop:
            notes.append(f"upstream's evaluator stops here and gives no score: {stop}")
            prediction, stats = None, scorer.score(sample, None)
    else:
        stats = scorer.score(sample, None)
        status = status if text is None or has_media(sample) else "media_error"
    if status == "ok" and prediction is None:
        status = "unread"
    if alike is not None:
        (text, prediction), stats = alike.read(text, prediction), alike.one(stats)
    return Row(sample, status, text, prediction, stats)


def spoken(sample: Sample, answered: Answered | None) -> Sample:
    """The sample for a reader that must know whose numbers the answer speaks, or how likely each option was."""
    if answered is None:
        return sample
    told = {"frame": answered.frame, "scores": answered.scores, "turn_scores": answered.turn_scores}
    known = {name: value for name, value in told.items() if value}
    return replace(sample, meta={**sample.meta, **known}) if known else sample


def places_notes(rows: Sequence[Row], answered: Mapping[str, Answered]) -> list[str]:
    """What the numbers themselves say about the convention they were read by. Nothing is read otherwise for it."""
    frame = next((own.frame for own in answered.values() if own.frame is not None), None)
    said = sum(len(row.prediction) for row in rows if isinstance(row.prediction, list) and row.prediction)
    astray = int(sum(row.stats.get("outside", 0) for row in rows))
    found = []
    if astray:
        convention = frame.convention.said() if frame is not None else "0 to 1"
        ask = (
            "; is the declared convention right? `doctor --measure coordinates` measures it"
            if frame is not None
            else "; a model that speaks other numbers is asked by --recipe lamm/native, its answers are read by `score --coordinates NAME`"
        )
        ask = ask if astray >= DOUBT * said else ""
        found.append(
            f"{100 * astray / max(said, astray):.0f} % of the places ({astray}) lie outside of the picture, {convention}{ask}"
        )
    lost = sum(own.frame is not None and not own.frame.known for own in answered.values())
    if lost:
        found.append(f"{lost} answers are unread because nobody recorded the size of the picture that their numbers refer to")
    return found


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


def limits(task: Task, scorer: Scorer, rows: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """For each share whose denominator no answer can move: its value with everything unread or failed wrong, and with all of it right.

    No answer to what is unread leads out of these bounds. Precision, F1, errors and corpus figures have none: another answer
    may add wrong boxes without end. Of an answer that was read in part, the statistic `<bottom> unread` says how much was not."""
    parts = any(value for row in rows if row.prediction is not None for key, value in row.stats.items() if key.endswith(UNREAD))
    if not parts and all(row.prediction is not None for row in rows):
        return {}
    unread = [row for row in rows if row.prediction is None]
    right = [dict(scorer.score(row.sample, perfect(task, scorer, row.sample))) for row in unread]
    found = {}
    for metric in scorer.metrics:
        share = metric.value
        if not isinstance(share, Ratio) or not share.counts or metric.better != "higher":
            continue
        said = f"{share.bottom}{UNREAD}"
        if parts and not any(said in row.stats for row in rows):
            continue
        if any(stats.get(share.bottom) != row.stats.get(share.bottom) for row, stats in zip(unread, right)):
            continue
        if any(stats.get(share.top, 0.0) != stats.get(share.bottom, 0.0) for stats in right):
            continue
        low, bottom = (sum(row.stats.get(key, 0.0) for row in rows) for key in (share.top, share.bottom))
        more = sum(row.stats.get(share.bottom if row.prediction is None else said, 0.0) for row in rows)
        if bottom:
            found[metric.name] = (share.scale * low / bottom, share.scale * (low + more) / bottom)
    return found


def perfect(task: Task, scorer: Scorer, sample: Sample) -> Any:
    """What the scorer reads in the oracle's answer."""
    if not has_media(sample):
        return None
    return scorer.read(oracle_answer(task, sample), sample)


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


def from_records(records: Mapping[str, Record]) -> Mapping[str, Answered]:
    """Stored records as answers; a sample without a record is `missing`."""
    return Stored(records)
