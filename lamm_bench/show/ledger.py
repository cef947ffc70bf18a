"""The ledger of reproductions as a table on the terminal, or as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lamm_bench.errors import visible

from .plain import put
from .reproduction import Line, said
from .tables import number

ROOM = 120  # columns from which on a cause has a column of its own
COLUMNS = ("task", "metric", "published", "ours", "verdict", "cause")


def cells(line: Line) -> tuple[str, ...]:
    """One line's cells."""
    ends = f" [{line.ci95[0]:.1f}, {line.ci95[1]:.1f}]" if line.ci95 else ""
    arrow = " ↓" if line.better == "lower" else ""
    return line.task, line.metric + arrow, number(line.published), number(line.ours) + ends, line.verdict, line.cause or "-"


def show_ledger(lines: Sequence[Line]) -> None:
    """On standard output; a table for each run."""
    console = Console()
    apart = console.is_terminal and console.width < ROOM  # the causes then stand below
    for run in dict.fromkeys(line.run for line in lines):
        own = [line for line in lines if line.run == run]

        def table(width: int, own: Sequence[Line] = own, run: str = run) -> Table:
            title = visible(f"{own[0].model} ({own[0].protocol}) in print, and {run}")
            made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
            for at, name in enumerate(COLUMNS[:-1] if apart else COLUMNS):
                made.add_column(name, justify="right" if at in (2, 3) else "left", no_wrap=at < 5, overflow="fold")
            for line in own:
                made.add_row(*map(visible, cells(line)[: len(made.columns)]))
            return made

        put(table, console)
        for why in dict.fromkeys(line.cause for line in own if line.cause) if apart else ():
            named = ", ".join(line.task for line in own if line.cause == why)
            console.print(visible(f"{named}: {why}"), highlight=False, markup=False, soft_wrap=True)
    console.print(said(lines), highlight=False, markup=False, soft_wrap=True)


def markdown(lines: Sequence[Line]) -> str:
    """For a page: with the paper of every figure."""
    rows = [f"| {' | '.join(cell.replace('|', '/') for cell in (*cells(line), line.source))} |" for line in lines]
    head = [f"| {' | '.join((*COLUMNS, 'source'))} |", "| --- | --- | ---: | ---: | --- | --- | --- |"]
    return "\n".join([*head, *rows, "", said(lines), ""])
