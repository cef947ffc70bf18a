"""Rating: one answer, five aspects from 1 to 10, several votes. The camera-ready LAMM paper scores so, but neither its prompt nor its
scale was published (reference 1.15): these figures stand beside no printed ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev
from typing import Any, Protocol

from lamm_bench.measure.scoring import Score, count
from lamm_bench.measure.stats import estimates, ratio, seed_of
from lamm_bench.types import Generate, Message, Metric, Response, Row, Sample, Task

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
        return votes_on(self, task, cases, "rating", lambda case: self.messages(task, case))

    def messages(self, task: Task, case: Case) -> tuple[Message, ...]:
        assert case.sample is not None
        truth, answer = truth_of(task, case.sample), answer_text(case.answers[0])
        return rating_messages(medium_of(task), question_of(case.sample), truth, answer)

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


class Voting(Protocol):
    """A way of judging one answer several times."""

    @property
    def votes(self) -> int: ...
    @property
    def temperature(self) -> float: ...
    @property
    def seed(self) -> int: ...
    @property
    def new_tokens(self) -> int: ...


def votes_on(
    method: Voting, task: Task, cases: Sequence[Case], kind: str, messages: Callable[[Case], tuple[Message, ...]]
) -> list[Unit]:
    """Each vote on each answer that can be judged. One vote is greedy; several are drawn, each with a seed of its own."""
    drawn = method.votes > 1 and method.temperature > 0
    temperature = method.temperature if drawn else 0.0
    units = []
    for case in cases:
        for vote in range(method.votes if case.status == "ok" else 0):
            seed = seed_of(kind, str(method.seed), task.name, case.id, str(vote)) % 2**31 if drawn else None
            unit = name(case, vote)
            units.append(Unit(unit, Generate(messages(case), method.new_tokens, (), temperature, 1.0, seed, unit)))
    return units


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
