"""Rating: one answer, five aspects from 1 to 10, several votes. The camera-ready LAMM paper scores so, but neither its prompt nor its
scale was published (reference 1.15): these figures stand beside no printed ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev
from typing import Any

from lamm_bench.measure.scoring import Score, count
from lamm_bench.measure.stats import estimates, ratio, seed_of
from lamm_bench.types import Generate, Metric, Response, Row, Sample, Task

from .cases import Case
from .truth import answer_text, medium_of, question_of, truth_of
from .verdicts import Unit, text_of
from .wording import ASPECTS, HIGHEST, LOWEST, rating_messages, read_rating

NEW_TOKENS = 256  # five lines, and some for a judge that cannot be brief; reasoning models want more
ALL = "rating-all"
METRICS = (
    Metric("rating", ratio("overall", "items", 1.0), "score"),
    *(Metric(aspect, ratio(aspect, "items", 1.0), "score") for aspect in ASPECTS),
    Metric("vote_sd", ratio("sd", "repeated", 1.0), "score", "lower", "repeated"),  # between the votes on one answer
)


@dataclass(frozen=True)
class Rating:
    """How an answer is rated. One vote is greedy; several are drawn, each with its own seed."""

    votes: int = 3
    temperature: float = 0.7
    seed: int = 0
    new_tokens: int = NEW_TOKENS

    def units(self, task: Task, cases: Sequence[Case]) -> list[Unit]:
        return [self.unit(task, case, vote) for case in cases if case.status == "ok" for vote in range(self.votes)]

    def unit(self, task: Task, case: Case, vote: int) -> Unit:
        assert case.sample is not None
        messages = rating_messages(
            medium_of(task), question_of(case.sample), truth_of(task, case.sample), answer_text(case.answers[0])
        )
        drawn = self.votes > 1 and self.temperature > 0
        seed = seed_of("rating", str(self.seed), task.name, case.id, str(vote)) % 2**31 if drawn else None
        temperature = self.temperature if drawn else 0.0
        return Unit(name(case, vote), Generate(messages, self.new_tokens, (), temperature, 1.0, seed, name(case, vote)))

    def score(self, task: str, protocol: str, cases: Sequence[Case], given: Mapping[str, Response]) -> Score:
        """Means over rated answers with intervals by image; what was not rated is counted, and in the bounds."""
        return summarise(task, protocol, [self.row(case, given) for case in cases])

    def pool(self, protocol: str, scores: Sequence[Score]) -> list[Score]:
        """All rated answers as one, where there are several tasks."""
        rows = [row for score in scores for row in score.rows]
        return [replace(summarise(ALL, protocol, rows), samples={})] if len(scores) > 1 else []

    def row(self, case: Case, given: Mapping[str, Response]) -> Row:
        if case.status != "ok":
            return row_of(case, case.status, {})
        asked = [name(case, vote) for vote in range(self.votes) if name(case, vote) in given]
        texts = [text_of(given, unit) for unit in asked]
        grades = [grade for text in texts if text is not None and (grade := read_rating(text)) is not None]
        if not grades:
            return row_of(case, "judge_error" if len(asked) == self.votes else "missing", {})
        overall = [mean(grade.values()) for grade in grades]
        stats = {"items": 1.0, "overall": mean(overall), "votes": float(len(grades))}
        stats |= {aspect: mean(grade[aspect] for grade in grades) for aspect in ASPECTS}
        if len(overall) > 1:
            stats |= {"sd": stdev(overall), "repeated": 1.0}
        return row_of(case, "ok", stats)


def name(case: Case, vote: int) -> str:
    return f"{case.id}/vote{vote}"


def row_of(case: Case, status: str, stats: Mapping[str, float]) -> Row:
    """A row for the engine's statistics, which look at no more of a sample than its id and group."""
    return Row(Sample(case.id, "", (), None, case.group), status, None, None, stats)


def summarise(task: str, protocol: str, rows: Sequence[Row]) -> Score:
    """Means over the answers that were rated, with intervals by image, and the counts of all."""
    rated = [row for row in rows if row.stats]
    metrics = dict(estimates(METRICS, rated))
    silent = len(rows) - len(rated)
    if silent and rated:
        total = sum(row.stats["overall"] for row in rated)
        ends = ((total + silent * LOWEST) / len(rows), (total + silent * HIGHEST) / len(rows))
        metrics["rating"] = replace(metrics["rating"], bounds=ends)
    if not any("sd" in row.stats for row in rated):
        del metrics["vote_sd"]
    return Score(task, protocol, metrics, count(rows), shown(rows), rows=tuple(rows))


def shown(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    values = {}
    for row in rows:
        stats = {key: value for key, value in row.stats.items() if key not in ("items", "repeated", "overall")}
        values[row.sample.id] = {"status": row.status, **({"value": row.stats["overall"], **stats} if row.stats else {})}
    return values
