"""Judgements on the terminal."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lamm_bench.errors import visible
from lamm_bench.judging.session import Judgement
from lamm_bench.measure.scoring import Score
from lamm_bench.types import FAILED

from .plain import put
from .tables import number, with_interval

SHOWN = {
    "language": (),
    "rating": ("accuracy", "relevance", "fluency", "coherence", "detail", "vote_sd"),
    "ranking": ("other_win_rate", "ties", "contradictions", "position_bias"),
}

WHAT = {
    "language": "reasoning and answer together, 0 to 10",
    "rating": "mean of five aspects, 1 to 10",
    "ranking": "percent of samples won against the other run",
}


def show_judgement(console: Console, judgement: Judgement) -> None:
    """The table, then what is missing, then agreement."""
    put(lambda width: table(judgement), console)
    if judgement.alarm:
        say(console, judgement.alarm)
    for score in judgement.scores:
        for note in score.notes:
            say(console, f"{score.task}: {note}")
    for task, reason in judgement.troubles.items():
        say(console, f"{task}: {reason}")
    for task, reason in judgement.unavailable.items():
        say(console, f"{task}: MISSING, {reason}")
    for name, found in judgement.agreement.get("judges", {}).items():
        say(console, f"agreement with {name}: {words(found)}")


def say(console: Console, text: str) -> None:
    console.print(visible(text), highlight=False, markup=False, soft_wrap=True)


def table(judgement: Judgement) -> Table:
    """A judgement for the console."""
    what = WHAT[judgement.metric]
    title = f"{judgement.metric.capitalize()} by {judgement.judge}: {what}; 95 % intervals by image. Counts: judged/judge errors/not judged"
    result = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    result.add_column("task", no_wrap=True)
    shown = [name for name in SHOWN[judgement.metric] if any(name in score.metrics for score in judgement.scores)]
    headline = "win_rate" if judgement.metric == "ranking" else judgement.metric
    for name in (headline, *shown, "counts", "agrees with metric"):
        result.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for score in judgement.scores:
        cells = [number(score.metrics[name].value) if name in score.metrics else "-" for name in shown]
        agreed = judgement.agreement.get("metric", {}).get(score.task)
        result.add_row(score.task, with_interval(score.metrics[headline]), *cells, counts(score), words(agreed))
    return result


def counts(score: Score) -> str:
    """Judged, judge errors, and answers that could not or have not been judged."""
    others = sum(score.counts[status] for status in (*FAILED, "refused") if status != "judge_error")
    return f"{score.counts['ok']}/{score.counts['judge_error']}/{others}"


def words(found: dict[str, Any] | None) -> str:
    """`spearman 0.41 (n 200)`.

    >>> words({"n": 3, "kappa": None, "same_verdict": 50.0})
    'same verdict 50.00, kappa - (n 3)'
    """
    if not found:
        return "-"
    parts = sorted((key for key in found if key != "n"), reverse=True)
    return ", ".join(f"{key.replace('_', ' ')} {number(found[key])}" for key in parts) + f" (n {found['n']})"
