"""What a run's figures lose under each control, as a table."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lamm_bench.ask.controls import LEGS
from lamm_bench.ask.outcome import Outcome
from lamm_bench.errors import visible

from .plain import put
from .tables import gap_cell, number

WIDE = 150  # columns in which a gap and its interval fit on one line
LEGEND = (
    "a control's column: the score less that under the control, on samples answered both times, with its 95 % interval by image or room; "
    "* p (Holm, over this table) below 0.05. blind: media hidden, what is lost comes from seeing; swapped: another sample's media; "
    "shuffled: content out of order; options: in another order; rotation: clouds turned"
)


def controls_table(outcome: Outcome, width: int) -> Table:
    """One line a task: its score and what is lost under each control."""
    names = [leg.name for leg in LEGS if any(leg.name in gaps for gaps in outcome.gaps.values())]
    table = Table(
        title="How much of the score comes from seeing (standard)",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for name in ("task", "metric", "score", *names):
        table.add_column(name, justify="left" if name in ("task", "metric") else "right", no_wrap=True)
    for task, gaps in outcome.gaps.items():
        first = next(iter(gaps.values()))
        lower = " \u2193" if first["better"] == "lower" else ""
        cells = (gap_cell(gaps.get(name), " " if width >= WIDE else "\n") for name in names)
        table.add_row(task, first["metric"] + lower, number(first["score"]), *cells)
    return table


def show_controls(console: Console, outcome: Outcome) -> None:
    """On standard output, with a legend below."""
    if not outcome.gaps:
        return
    put(lambda width: controls_table(outcome, width), console)
    console.print(visible(LEGEND), highlight=False, markup=False, soft_wrap=True)
