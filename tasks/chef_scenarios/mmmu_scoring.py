"""MMMU's figures: accuracy over all questions and by subject. Upstream draws an option where it reads none; ours never does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.stats import estimates, ratio
from lamm_bench.read import read_choice, text_of
from lamm_bench.tasks.upstream_scorer import plain
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .groups import gathered, noted, share
from .mmmu_reading import LETTERS, closed_answer, open_answer, open_right, same, short_answer

SEED = 42  # upstream's, set when its parser is loaded
SUBJECTS = (
    "Accounting Agriculture Architecture_and_Engineering Art Art_Theory Basic_Medical_Science Biology Chemistry Clinical_Medicine "
    "Computer_Science Design Diagnostics_and_Laboratory_Medicine Economics Electronics Energy_and_Power Finance Geography History "
    "Literature Manage Marketing Materials Math Mechanical_Engineering Music Pharmacy Physics Psychology Public_Health Sociology"
).split()


def subject(row: Row) -> str:
    return str(row.sample.meta["subject"])


@dataclass(frozen=True, eq=False)
class MMMUStandard:
    """Ours: an option by its letter or text, an open answer as the word, phrase or number that the text ends with."""

    metrics: tuple[Metric, ...] = (
        Metric("accuracy", ratio("right", "items")),
        Metric("closed", ratio("closed_right", "closed"), n="closed"),
        Metric("open", ratio("open_right", "open"), n="open"),
    )

    def read(self, answer: Answer, sample: Sample) -> int | str | None:
        return read_choice(text_of(answer), sample.choices) if sample.choices else short_answer(text_of(answer))

    def score(self, sample: Sample, prediction: int | str | None) -> dict[str, float]:
        if sample.choices:
            right = prediction == sample.target
        else:
            right = isinstance(prediction, str) and any(same(prediction, truth) for truth in sample.target)
        kind = "closed" if sample.choices else "open"
        return {"items": 1, "right": float(right), kind: 1.0, f"{kind}_right": float(right)}

    def show(self, sample: Sample, prediction: int | str | None, stats: Mapping[str, float]) -> dict[str, Any]:
        predicted = LETTERS[prediction] if isinstance(prediction, int) else prediction
        expected = LETTERS[sample.target] if sample.choices else list(sample.target)
        return {"value": stats["right"], "predicted": predicted, "expected": expected}

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        subjects = gathered(rows, subject)
        return {str(name): estimates(self.metrics[:1], subjects[name])["accuracy"] for name in sorted(map(str, subjects))}


@dataclass(frozen=True, eq=False)
class MMMUScorer:
    """Upstream's metric class. A multiple-choice answer that it cannot read is drawn, in the file's order, and so are its figures."""

    metrics: tuple[Metric, ...] = ()

    def read(self, answer: Answer, sample: Sample) -> Any:
        if sample.meta["subject"] not in SUBJECTS:
            raise UpstreamStops(f"upstream knows no subject {sample.meta['subject'][:40]}")
        text = plain(answer, sample)
        return closed_answer(text, sample.choices) if sample.choices else open_answer(text)

    def score(self, sample: Sample, prediction: Any) -> dict[str, float]:
        return {"items": 1, "read": float(prediction is not None)}

    def show(self, sample: Sample, prediction: Any, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"read": sorted(map(str, prediction)) if isinstance(prediction, frozenset) else prediction}

    def each(self, rows: Sequence[Row]) -> list[dict[str, int]]:
        return [{"right": int(right)} for right in verdicts(rows)]

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        right = {row.sample.id: verdict for row, verdict in zip(rows, verdicts(rows))}
        drawn = sum(is_drawn(row) for row in rows)
        note = f"{drawn} answers are draws of an option, as upstream draws them" if drawn else ""
        subjects = gathered(rows, subject)
        found: dict[str, Estimate] = {}
        for name, members in {"Overall": list(rows), **{str(key): subjects[key] for key in sorted(map(str, subjects))}}.items():
            found |= share(name, [[row] for row in members], lambda group: right[group[0].sample.id])
        return {**found, "Overall": noted(found["Overall"], note)}


def is_drawn(row: Row) -> bool:
    """Whether upstream draws an option: there is an answer of a known subject, and no letter in it."""
    unread = row.prediction is None and row.answer is not None and row.status == "unread"
    return bool(row.sample.choices) and unread and subject(row) in SUBJECTS


def verdicts(rows: Sequence[Row]) -> list[bool]:
    """Whether each row is right; what cannot be read is drawn in this order."""
    rng, found = Random(SEED), []
    for row in rows:
        said = row.prediction
        if is_drawn(row):
            said = rng.choice(LETTERS[: len(row.sample.choices)])
        if row.sample.choices:
            found.append(said is not None and said == LETTERS[row.sample.target])
        else:
            found.append(said is not None and open_right(said, row.sample.target))
    return found
