"""What a person sees on the terminal: tables with rich, and progress as bars or plain lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from . import media
from .catalog import Catalog
from .errors import MediaError
from .recipe import Recipe
from .runner import flow_of
from .scoring import Score, has_media, oracle_answer
from .session import Outcome, Watcher
from .stats import decimals
from .types import FAILED, Estimate, Sample, Task
from .types import Score as ScoreRequest

PLAIN_SECONDS = 10.0  # between two lines of progress where there is no terminal


class Bars(Watcher):
    """One bar for each task on a terminal; elsewhere a line when a task begins, every ten seconds, and when it ends."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.live = console.is_terminal
        self.progress = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self.bar: TaskID | None = None
        self.total = self.done = 0
        self.begun = self.shown = 0.0

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def begin(self, task: str, total: int) -> None:
        self.total, self.done, self.begun = total, 0, time.monotonic()
        self.shown = self.begun
        if self.live:
            self.progress.start()
            self.bar = self.progress.add_task(task, total=total, rate="")

    def tick(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        rate = self.done / max(now - self.begun, 1e-9)
        if self.live and self.bar is not None:
            self.progress.update(self.bar, completed=self.done, rate=f"{rate:.1f}/s")
        elif now - self.shown > PLAIN_SECONDS and self.done * 20 > self.total:  # the first batch would foretell nonsense
            self.shown = now
            self.say(
                f"  {self.done} of {self.total} samples, {rate:.1f}/s, {(self.total - self.done) / max(rate, 1e-9):.0f} s left"
            )

    def end(self, task: str) -> None:
        seconds = time.monotonic() - self.begun
        if self.live:
            self.progress.stop()
            if self.bar is not None:
                self.progress.remove_task(self.bar)
            self.bar = None
        self.say(f"{task:<18} {self.done}/{self.total} in {seconds:.1f} s")


def counting(watcher: Watcher, name: str) -> Callable[[int, int], None]:
    """A `progress(done, total)` callback that draws on a watcher."""
    seen = {"done": -1}

    def progress(done: int, total: int) -> None:
        if seen["done"] < 0:
            watcher.begin(name, total)
            seen["done"] = 0
        watcher.tick(done - seen["done"])
        seen["done"] = done
        if done >= total:
            watcher.end(name)

    return progress


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


COUNTS = "ok/unread/trunc./refused/failed"
WIDE, MEDIUM, NARROW = 150, 118, 92
"""Columns of the terminal from which are shown: the names of the other protocols' metrics; floor and ceiling; those protocols."""


def result_table(outcome: Outcome, width: int) -> Table:
    """One line a task: headline with its interval, the other protocols, the counts, floor and ceiling, and the rate."""
    by_task: dict[str, dict[str, Score]] = {}
    for score in outcome.scores:
        by_task.setdefault(score.task, {})[score.protocol] = score
    others = [p for p in ("classic", "chef") if width >= NARROW and any(p in scores for scores in by_task.values())]
    title = f"Scores: percent unless the metric is an error (\u2193); 95 % intervals by image or room. Counts: {COUNTS}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("task", "metric"):
        table.add_column(name, no_wrap=True)
    for name in ("standard", *others, "counts", *floors(width), *(["per second"] if outcome.rates and width >= MEDIUM else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for task, scores in by_task.items():
        table.add_row(*row_of(task, scores, others, outcome, width))
    return table


def floors(width: int) -> tuple[str, ...]:
    return ("chance", "majority", "oracle") if width >= MEDIUM else ("chance",)


def row_of(task: str, scores: dict[str, Score], others: Iterable[str], outcome: Outcome, width: int) -> list[str]:
    """The cells of one task's row: its headline under each protocol, counts and reference models."""
    standard = scores.get("standard")
    first = standard or next(iter(scores.values()))
    metric, estimate = first.headline
    cells = [task, metric + (" \u2193" if estimate.better == "lower" else "")] if standard else [task, ""]
    cells.append(with_interval(estimate) if standard else "-")
    cells += [others_cell(scores.get(name), width) for name in others]
    counts = first.counts
    failed = sum(counts[status] for status in FAILED)
    cells.append("/".join(str(number) for number in (*(counts[s] for s in ("ok", "unread", "truncated", "refused")), failed)))
    cells += [number(first.references.get(name)) if first.references else "-" for name in floors(width)]
    if outcome.rates and width >= MEDIUM:
        cells.append(f"{outcome.rates[task]:.1f}" if task in outcome.rates else "-")
    return cells


def others_cell(score: Score | None, width: int) -> str:
    """The headline of another protocol, with its name where there is room; all editions of a pooled result."""
    if score is None:
        return "-"
    if not score.samples:
        return "\n".join(f"{name} {number(estimate.value)}" for name, estimate in score.metrics.items())
    name, estimate = score.headline
    return f"{name} {number(estimate.value)}" if width >= WIDE else number(estimate.value)


def show_outcome(console: Console, outcome: Outcome) -> None:
    """The final table, then everything that is missing, and why."""
    wide = console if console.is_terminal else Console(file=console.file, width=max(console.width, 200))
    if outcome.scores:
        wide.print(result_table(outcome, wide.width))
    for score in outcome.scores:
        for note in score.notes:
            console.print(f"{score.task} ({score.protocol}): {note}", highlight=False, markup=False, soft_wrap=True)
    for task, reason in outcome.failures.items():
        console.print(f"{task}: {reason}", highlight=False, markup=False, soft_wrap=True)
    for task, reason in outcome.skipped.items():
        console.print(f"{task}: skipped, {reason}", highlight=False, markup=False, soft_wrap=True)
    for task, reason in outcome.unavailable.items():
        console.print(f"{task}: MISSING, {reason}", highlight=False, markup=False, soft_wrap=True)


def metrics_table(score: Score) -> Table:
    """All metrics of one task under one protocol."""
    table = Table(title=f"{score.task} ({score.protocol})", title_justify="left")
    for name in ("metric", "value", "95 % interval", "bounds", "n", "unit", "better", "note"):
        table.add_column(name)
    for name, e in score.metrics.items():
        spread, bounds = (f"[{number(pair[0])}, {number(pair[1])}]" if pair else "-" for pair in (e.ci95, e.bounds))
        table.add_row(name, number(e.value), spread, bounds, str(e.n), e.unit, e.better, e.note)
    return table


def stderr_console() -> Console:
    """Progress and remarks go to standard error, results to standard output."""
    return Console(file=sys.stderr)


def show_samples(outcome: Outcome, samples: bool, metrics: bool) -> None:
    """Every metric of every task, and every sample's values, where asked for."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    for score in outcome.scores if metrics else []:
        console.print(metrics_table(score))
    for score in outcome.scores if samples else []:
        for name, values in score.samples.items():
            line = " ".join(f"{key}={value}" for key, value in values.items())
            console.print(f"{score.task} {score.protocol} {name}: {line}", highlight=False, markup=False, soft_wrap=True)


def catalog_table(catalog: Catalog, what: str) -> None:
    """The names of a shelf, with what one needs to choose."""
    table = Table(box=None, pad_edge=False)
    if what == "tasks":
        for column in ("task", "kind", "modality", "groups", "headline", "protocols", "meta file"):
            table.add_column(column)
        for task in catalog.ordered():
            headline = task.protocols["standard"].metrics[0].name if "standard" in task.protocols else "-"
            protocols = " ".join(task.protocols)
            table.add_row(task.name, task.kind, task.modality, " ".join(task.groups), headline, protocols, task.meta_files[0])
    elif what == "models":
        table.add_column("model")
        table.add_column("--set options")
        for name in sorted(catalog.adapters):
            table.add_row(name, " ".join(catalog.options(name)))
    else:
        table.add_column("recipe")
        table.add_column("inferencer")
        table.add_column("tasks")
        table.add_column("protocols")
        for name in sorted(catalog.recipes):
            recipe = catalog.recipe(name)
            inferencer = str(recipe.inferencer.get("name"))
            table.add_row(name, inferencer, " ".join(recipe.scenario.tasks), " ".join(recipe.metric.protocols))
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def show_sample(task: Task, sample: Sample, recipe: Recipe) -> None:
    """What will be asked about one sample, and what is right."""
    console = Console()
    lines: list[tuple[str, Any]] = [("task", task.name), ("sample", sample.id), ("group", sample.group)]
    for medium in sample.media:
        try:
            medium = media.seal(medium)
            media.check(medium)
            lines.append((medium.kind, f"{medium.path} (sha256 {medium.sha256[:12]})"))
        except MediaError as error:
            lines.append((medium.kind, f"{medium.path}: {error}"))
    flow = flow_of(recipe, task, sample, 0)
    request = next(flow)
    flow.close()
    for message in request.messages:
        text = "".join(part if isinstance(part, str) else f"<{part.kind}>\n" for part in message.parts)
        lines.append((f"asked ({message.role})", text))
    if isinstance(request, ScoreRequest):
        lines.append(("options", " | ".join(request.options)))
    if sample.parts:
        lines.append(("asked for each of", ", ".join(sample.parts)))
    lines.append(("ground truth", json.dumps(sample.target, ensure_ascii=False)))
    answer = oracle_answer(task, sample) if has_media(sample) else "-"
    lines.append(("perfect answer", answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)))
    for name, value in lines:
        console.print(f"{name}: {value}", highlight=False, markup=False, soft_wrap=True)
