"""Scores as tables on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lamm_bench.ask.outcome import SUBSET, Outcome, together
from lamm_bench.errors import visible
from lamm_bench.measure.scoring import Score
from lamm_bench.measure.stats import decimals
from lamm_bench.types import FAILED, Estimate

from .categories import below, short
from .plain import put


def number(value: float | None) -> str:
    """Two decimals, or a dash.

    >>> number(12.345), number(None)
    ('12.35', '-')
    """
    return "-" if value is None else decimals(value)


def with_interval(estimate: Estimate) -> str:
    """`52.10 [50.2, 54.0]`.

    >>> with_interval(Estimate(52.1, (50.2, 54.0), 10, "percent", "higher"))
    '52.10 [50.2, 54.0]'
    """
    if estimate.value is None or estimate.ci95 is None:
        return number(estimate.value)
    low, high = (decimals(end, 1) for end in estimate.ci95)
    return f"{number(estimate.value)} [{low}, {high}]"


def gap_cell(gap: Mapping[str, Any] | None, between: str = " ") -> str:
    """`+41.67* [10.8, 72.5]`.

    >>> gap_cell({"gap": 41.667, "ci95": [10.8, 72.5], "holm": 0.01}), gap_cell(None)
    ('+41.67* [10.8, 72.5]', '-')
    """
    if gap is None or gap["gap"] is None:
        return "-"
    mark = "*" if gap["holm"] is not None and gap["holm"] < 0.05 else ""
    spread = f"{between}[{gap['ci95'][0]:.1f}, {gap['ci95'][1]:.1f}]" if gap["ci95"] else ""
    return f"{gap['gap']:+.2f}{mark}{spread}"


COUNTS = "ok/unread/trunc./refused/failed"
CUT = 5  # columns of the share of answers that were cut
MANY_CUT = 0.02  # of the answers, from which on the table warns
WIDE, MEDIUM, NARROW = 150, 118, 92
"""Columns of the terminal from which are shown: the names of the other protocols' metrics; floor and ceiling; those protocols."""


def result_table(outcome: Outcome, width: int, every: bool = False) -> Table:
    """One line a task: headline with its interval, the other protocols, the counts, floor and ceiling, and the rate.

    Below it stand figures over groups, and by category where they are few or `every` one is wanted."""
    by_task: dict[str, dict[str, Score]] = {}
    for score in outcome.scores:
        by_task.setdefault(score.task, {})[score.protocol] = score
    cut = CUT if cuts(outcome.scores) else 0  # the other columns then need so many more
    width -= cut
    others = [p for p in ("classic", "chef") if width >= NARROW and any(p in scores for scores in by_task.values())]
    title = f"Scores: percent unless the metric is an error (\u2193); 95 % intervals by image or room. Counts: {COUNTS}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("task", "metric"):
        table.add_column(name, no_wrap=True)
    for name in (
        "standard",
        *(["cut"] if cuts(outcome.scores) else []),
        *others,
        "counts",
        *(["from seeing"] if outcome.gaps and width >= MEDIUM else []),
        *floors(width),
        *(["per second"] if outcome.rates and width >= MEDIUM else []),
    ):
        table.add_column(name, justify="right", no_wrap=True)
    left_out = [
        name for name, least in (("classic", NARROW), ("chef", NARROW), ("majority", MEDIUM), ("oracle", MEDIUM)) if width < least
    ]
    if left_out:
        table.caption = f"left out here: {', '.join(left_out)}; {MEDIUM + cut} columns show them, --json has all"
        table.caption_justify = "left"
    for task, scores in by_task.items():
        table.add_row(*row_of(task, scores, others, outcome, width))
        if "standard" in scores:
            own, more = below(scores["standard"].metrics, every)
            for name, each in own.items():
                table.add_row(f"  {short(name)}", f"n {each.n}", with_interval(each), style="dim")
            if more:
                table.add_row(f"  {more} categories: --by", "", "", style="dim")
    return table


def floors(width: int) -> tuple[str, ...]:
    return ("chance", "majority", "oracle") if width >= MEDIUM else ("chance",)


def row_of(task: str, scores: dict[str, Score], others: Iterable[str], outcome: Outcome, width: int) -> list[str]:
    """The cells of one task's row: its headline under each protocol, counts and reference models."""
    standard = scores.get("standard")
    first = standard or next(iter(scores.values()))
    metric, estimate = first.headline
    part = f" ({outcome.subsets[task].removesuffix(' items')})" if task in outcome.subsets else ""
    cells = [task + part, metric + (" \u2193" if estimate.better == "lower" else "")] if standard else [task + part, ""]
    cells.append(with_interval(estimate) if standard else "-")
    cells += [whole_percent(share_cut(first))] if cuts(outcome.scores) else []
    cells += [others_cell(scores.get(name), width) for name in others]
    counts = first.counts
    failed = sum(counts[status] for status in FAILED)
    cells.append("/".join(str(number) for number in (*(counts[s] for s in ("ok", "unread", "truncated", "refused")), failed)))
    if outcome.gaps and width >= MEDIUM:
        cells.append(gap_cell(outcome.gaps.get(task, {}).get("blind")))
    cells += [number(first.references.get(name)) if first.references else "-" for name in floors(width)]
    if outcome.rates and width >= MEDIUM:
        cells.append(f"{outcome.rates[task]:.1f}" if task in outcome.rates else "-")
    return cells


def share_cut(score: Score) -> float:
    """How many of the answers were cut before their end, by a limit or in the middle of a thought."""
    answered = score.counts["expected"] - sum(score.counts[status] for status in FAILED)
    return score.counts["truncated"] / answered if answered else 0.0


def whole_percent(share: float) -> str:
    """
    >>> whole_percent(0.0), whole_percent(0.004), whole_percent(0.16), whole_percent(1.0)
    ('-', '<1%', '16%', '100%')
    """
    return "-" if not share else "<1%" if share < 0.01 else f"{100 * share:.0f}%"


def cuts(scores: Iterable[Score]) -> bool:
    """Whether any answer was cut."""
    return any(score.counts["truncated"] for score in scores)


def warnings(scores: Iterable[Score]) -> list[str]:
    """One sentence on the tasks of which so many answers were cut that their scores say little about the model."""
    first: dict[str, Score] = {}
    for score in scores:
        if score.samples and (score.protocol == "standard" or score.task not in first):
            first[score.task] = score  # a pooled result has no samples, and its members are told
    many = [f"{task} ({100 * share_cut(score):.1f} %)" for task, score in first.items() if share_cut(score) > MANY_CUT]
    if not many:
        return []
    return [
        f"WARNING: many answers were cut before their end, and count as wrong where nothing could be read: {', '.join(many)}. "
        "Thoughts get room of their own with --set reasoning_tokens=N, answers with max_new_tokens in a recipe"
    ]


def others_cell(score: Score | None, width: int) -> str:
    """The headline of another protocol, with its name where there is room; all editions of a pooled result."""
    if score is None:
        return "-"
    if not score.samples:
        return "\n".join(f"{name} {number(estimate.value)}" for name, estimate in score.metrics.items())
    name, estimate = score.headline
    return f"{name} {number(estimate.value)}" if width >= WIDE else number(estimate.value)


def show_outcome(console: Console, outcome: Outcome, every: bool = False) -> None:
    """The final table, with every category where wanted, then everything that is missing, and why."""
    if outcome.scores:
        put(lambda width: result_table(outcome, width, every), console)
    if outcome.coordinates and outcome.folder is None:
        said = f"places are read as {outcome.coordinates} under `standard`; classic and chef read fractions, as upstream did"
        console.print(visible(said), highlight=False, markup=False, soft_wrap=True)
    if outcome.diagnosis:
        console.print(visible(f"A DIAGNOSIS: {outcome.diagnosis}"), highlight=False, markup=False, soft_wrap=True)
    if outcome.subsets:
        console.print("n of m: only the n items that have an answer are scored (--subset)", highlight=False, markup=False)
    lines = [outcome.alarm] if outcome.alarm else []
    lines += [line for score in outcome.scores if (line := calibration_line(score))]
    lines += notes_of(outcome)
    lines += warnings(outcome.scores)
    lines += [f"{task}: {reason}" for task, reason in outcome.failures.items()]
    lines += [f"{tasks}: skipped, {reason}" for tasks, reason in together(outcome.skipped)]
    lines += [f"{task}: MISSING, {reason}" for task, reason in outcome.unavailable.items()]
    for line in lines:
        console.print(visible(line), highlight=False, markup=False, soft_wrap=True)


def calibration_line(score: Score) -> str:
    """Of answers that likelihoods decided, how far sureness and rightness lie apart; empty for others.

    >>> error = Estimate(0.05, (0.02, 0.09), 80, "score", "lower")
    >>> found = {"equal mass": error, "equal width": error, "Brier": error, "confidence": 0.8, "accuracy": 0.75}
    >>> calibration_line(Score("ai2d", "standard", {}, {}, {}, calibration=found))
    'ai2d: calibration error 0.050 [0.020, 0.090] (equal mass), 0.050 [0.020, 0.090] (equal width), Brier 0.050 [0.020, 0.090]; sure 80.0 %, right 75.0 %, n 80'
    """
    found = score.calibration
    if not found:
        return ""

    def told(name: str) -> str:
        own = found[name]
        ends = f" [{own.ci95[0]:.3f}, {own.ci95[1]:.3f}]" if own.ci95 else ""
        return "-" if own.value is None else f"{own.value:.3f}{ends}"

    errors = ", ".join(f"{told(name)} ({name})" for name in ("equal mass", "equal width"))
    sure = f"sure {100 * found['confidence']:.1f} %, right {100 * found['accuracy']:.1f} %, n {found['equal mass'].n}"
    return f"{score.task}: calibration error {errors}, Brier {told('Brier')}; {sure}"


def notes_of(outcome: Outcome) -> list[str]:
    """What there is to say of each task, once for all protocols of which it is so; what the table says of subsets is not said again."""
    found: dict[tuple[str, str], list[str]] = {}
    for score in outcome.scores:
        for note in score.notes:
            if score.task not in outcome.subsets or not note.endswith(SUBSET):
                found.setdefault((score.task, note), []).append(score.protocol)
    return [f"{task} ({', '.join(protocols)}): {note}" for (task, note), protocols in found.items()]


def metrics_table(score: Score) -> Table:
    """All metrics of one task under one protocol."""
    table = Table(title=f"{score.task} ({score.protocol})", title_justify="left")
    for name in ("metric", "value", "95 % interval", "bounds", "n", "unit", "better", "note"):
        table.add_column(name)
    for name, e in score.metrics.items():
        spread, bounds = (f"[{number(pair[0])}, {number(pair[1])}]" if pair else "-" for pair in (e.ci95, e.bounds))
        table.add_row(name, number(e.value), spread, bounds, str(e.n), e.unit, e.better, e.note)
    return table


def show_samples(outcome: Outcome, samples: bool, metrics: bool) -> None:
    """Every metric of every task, and every sample's values, where asked for."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    for score in outcome.scores if metrics else []:
        put(lambda width, score=score: metrics_table(score), console)  # type: ignore[misc]
    for score in outcome.scores if samples else []:
        for name, values in score.samples.items():
            line = " ".join(f"{key}={value}" for key, value in values.items())
            console.print(visible(f"{score.task} {score.protocol} {name}: {line}"), highlight=False, markup=False, soft_wrap=True)
