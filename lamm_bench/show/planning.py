"""A plan as a table."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lamm_bench.ask.planning import Forecast, Line
from lamm_bench.errors import visible

from .plain import put
from .tables import number


def span(seconds: float | None) -> str:
    """Seconds, minutes or hours.

    >>> span(40), span(400), span(40000), span(None)
    ('40 s', '6.7 min', '11.1 h', '-')
    """
    if seconds is None:
        return "-"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def whole(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def enough(line: Line) -> str:
    """How many samples the wanted difference needs; more than there are is marked.

    >>> enough(Line("t", "m", "percent", "higher", 100, 10, 10, 9.0, "assumed", 300))
    '300 (of 100)'
    """
    if line.needed is None:
        return "-"
    return whole(line.needed) + (f" (of {line.file})" if line.needed > line.file else "")


def plan_table(forecast: Forecast) -> Table:
    """One line a task, and what they come to."""
    table = Table(
        box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, title=f"Plan ({forecast.protocol})", title_justify="left"
    )
    wanted = forecast.wanted is not None
    for name in (
        "task",
        "metric",
        "samples",
        "images",
        "shows from",
        "by",
        *([f"for {forecast.wanted:g}"] if wanted else []),
        "time",
        "new tokens",
    ):
        table.add_column(name, justify="left" if name in ("task", "metric", "by") else "right", no_wrap=True)
    for line in forecast.lines:
        lower = " \u2193" if line.better == "lower" else ""
        cells = (
            line.task,
            line.metric + lower,
            whole(line.samples),
            f"{line.clusters:.0f}",
            number(line.detectable),
            line.by or "-",
        )
        table.add_row(*cells, *([enough(line)] if wanted else []), span(line.seconds), whole(line.new_tokens))
    totals = (
        whole(forecast.total("samples")),
        "",
        number(forecast.pooled),
        f"mean of {forecast.pooled_tasks}" if forecast.pooled else "",
    )
    last = (span(forecast.total("seconds")), whole(forecast.total("new_tokens")))
    table.add_row("all", "", *totals, *([""] if wanted else []), *last, style="bold")
    return table


def show_plan(forecast: Forecast) -> None:
    """On standard output, with what its columns mean below."""
    console = Console()
    put(lambda width: plan_table(forecast), console)
    say = lambda text: console.print(visible(text), highlight=False, markup=False, soft_wrap=True)  # noqa: E731
    if forecast.prompt_tokens is not None:
        say(
            f"prompt tokens: {whole(forecast.prompt_tokens)}"
            + (f"; cost: {forecast.cost:.2f}" if forecast.cost is not None else "")
        )
    say(
        "shows from: a true difference of two models of this size is found in 80 % of such comparisons (paired, 5 %, one task); images: effective"
    )
    if any(line.by == "assumed" for line in forecast.lines):
        say(
            "assumed: scores of 50 % that say nothing of each other, the worst there is; --pilot RUN (twice: two models) measures it"
        )
    for note in forecast.notes:
        say(note)
