"""Ranking: which of two models' answers is better; LAMM's pairwise win rate (`src/gpt_eval.py` of July 2023, reference 1.15).

`standard` asks in both orders and averages, so that a judge who favours the first answer favours nobody; samples whose two
answers are the same are ties without being asked. `classic` asks once, the run's answer first, and ignores what it cannot read,
as upstream does; unlike upstream its samples are drawn with a seed, and failures are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lamm_bench.measure.scoring import Score, count
from lamm_bench.measure.stats import estimates, ratio, seed_of
from lamm_bench.types import Generate, Metric, Response, Row, Task

from .cases import Case
from .rating import row_of
from .truth import answer_text, medium_of, question_of, truth_of
from .verdicts import Unit, text_of
from .wording import Side, classic_messages, ranking_messages, read_classic, read_ranking

MIX = {"cifar10": 150, "svt": 50, "flickr30k": 200, "celeba-hair": 50, "celeba-smile": 50, "ucmerced": 50, "voc2012": 50}
MIX |= {"ai2d": 150, "sqaimage": 250}  # 1,000 in all
NEW_TOKENS = 64
WORTH = {"first": 1.0, "tie": 0.5, "second": 0.0}


MIXED = "gpt-ranking"  # the nine data sets as one


def points(top: str, minus: str, bottom: str):
    """A metric's value: 100 x |sum of `top` - sum of `minus`| / sum of `bottom`: how far from even, whichever way."""
    return lambda sums: 100.0 * np.abs(sums[top] - sums[minus]) / sums[bottom]


METRICS = (
    Metric("win_rate", ratio("wins", "items")),
    Metric("other_win_rate", ratio("losses", "items"), better="lower"),
    Metric("ties", ratio("ties", "items"), better="lower"),
    Metric("contradictions", ratio("contradictions", "pairs"), better="lower", n="pairs"),  # the orders give opposite winners
    Metric("position_bias", points("first", "second", "verdicts"), better="lower", n="verdicts"),  # 0: first and second win alike
)
CLASSIC_METRICS = (METRICS[0], METRICS[1], METRICS[4])


@dataclass(frozen=True)
class Ranking:
    """How two answers are compared. `newlines`: upstream's newline between every two characters, classic only."""

    classic: bool = False
    newlines: bool = False
    seed: int = 0
    new_tokens: int = NEW_TOKENS

    @property
    def orders(self) -> tuple[str, ...]:
        """`AB` shows the run's answer first."""
        return ("AB",) if self.classic else ("AB", "BA")

    def units(self, task: Task, cases: Sequence[Case]) -> list[Unit]:
        asked = [case for case in cases if case.status == "ok" and (self.classic or not case.identical)]
        return [self.unit(task, case, order) for case in asked for order in self.orders]

    def unit(self, task: Task, case: Case, order: str) -> Unit:
        assert case.sample is not None
        first, second = (answer_text(answer) for answer in (case.answers if order == "AB" else case.answers[::-1]))
        question, truth = question_of(case.sample), truth_of(task, case.sample)
        if self.classic:
            messages = classic_messages(task.kind, question, truth, first, second, self.newlines)
            seed = seed_of("ranking", str(self.seed), task.name, case.id) % 2**31
            request = Generate(messages, self.new_tokens, (), 1.0, 1.0, seed, name(case, order))  # the API's own sampling
        else:
            request = Generate(
                ranking_messages(medium_of(task), question, truth, first, second), self.new_tokens, sample=name(case, order)
            )
        return Unit(name(case, order), request)

    def score(self, task: str, protocol: str, cases: Sequence[Case], given: Mapping[str, Response]) -> Score:
        """Percent of samples won, with intervals by image; what has no verdict is counted, and in the bounds."""
        return self.summarise(task, protocol, [self.row(case, given) for case in cases])

    def summarise(self, task: str, protocol: str, rows: Sequence[Row]) -> Score:
        judged = [row for row in rows if row.stats]
        metrics = dict(estimates(CLASSIC_METRICS if self.classic else METRICS, judged))
        silent = len(rows) - len(judged)
        if silent and judged:
            won = sum(row.stats["wins"] for row in judged)
            ends = (100.0 * won / len(rows), 100.0 * (won + silent) / len(rows))
            metrics["win_rate"] = replace(metrics["win_rate"], bounds=ends)
        return Score(task, protocol, metrics, count(rows), shown(rows), rows=tuple(rows))

    def pool(self, protocol: str, scores: Sequence[Score]) -> list[Score]:
        """All samples of the mix as one, the figure that LAMM printed."""
        rows = [row for score in scores for row in score.rows]
        return [replace(self.summarise(MIXED, protocol, rows), samples={}, notes=tuple(shortfall(scores)))]

    def row(self, case: Case, given: Mapping[str, Response]) -> Row:
        if case.status != "ok":
            return row_of(case, case.status, {})
        if case.identical and not self.classic:
            return row_of(case, "ok", {"items": 1.0, "wins": 0.5, "losses": 0.5, "ties": 1.0, "identical": 1.0})
        if not all(name(case, order) in given for order in self.orders):
            return row_of(case, "missing", {})
        sides = [self.read(text_of(given, name(case, order))) for order in self.orders]
        told = [side for side in sides if side is not None]
        if len(told) < len(sides):  # one order alone would bring the position bias back
            return row_of(case, "judge_error", {})
        return row_of(case, "ok", stats_of(told, self.orders))

    def read(self, text: str | None) -> Side | None:
        if text is None:
            return None
        return read_classic(text) if self.classic else read_ranking(text)


def stats_of(sides: Sequence[Side], orders: Sequence[str]) -> dict[str, float]:
    """What one sample's verdicts add: the run's share of the win, and how often the first and the second shown won."""
    worth = [WORTH[side] if order == "AB" else 1.0 - WORTH[side] for side, order in zip(sides, orders)]
    share = sum(worth) / len(worth)
    return {
        "items": 1.0,
        "wins": share,
        "losses": 1.0 - share,
        "ties": float(share == 0.5),
        "pairs": float(len(worth) == 2),
        "contradictions": float(set(worth) == {0.0, 1.0}),
        "verdicts": float(len(sides)),
        "first": float(sides.count("first")),
        "second": float(sides.count("second")),
    }


def name(case: Case, order: str) -> str:
    return f"{case.id}/{order}"


def shown(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    return {row.sample.id: {"status": row.status, **({"value": row.stats["wins"]} if row.stats else {})} for row in rows}


def shortfall(scores: Sequence[Score]) -> list[str]:
    """What keeps these samples from being LAMM's mix."""
    there = {score.task: score.counts["expected"] for score in scores}
    short = [f"{task} {there.get(task, 0)} of {share}" for task, share in MIX.items() if there.get(task, 0) < share]
    total = sum(there.values())
    return [f"not LAMM's mix but {total:,} samples of its {sum(MIX.values()):,}: {', '.join(short)}"] if short else []
