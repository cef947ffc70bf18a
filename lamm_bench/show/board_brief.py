"""The leaderboard at a glance: one line for each model, narrow enough for a terminal of 100 columns."""

from __future__ import annotations

from rich.console import Group as Stack
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from .board import Board, Summary
from .board_formats import caption, figure, left_out, means_of, title, which_data
from .plain import put

WIDTH = 100  # columns where there is no terminal to ask
FEW = 3  # a table of so few tasks shows all its figures
MODELS = 8  # of a published table
PUBLISHED = 3  # published tables that are shown, the widest first; the rest are named only
LEGEND = (
    f"Figures: all of a table with up to {FEW} tasks, else those that no other ranked model surpasses (↓ lower is better). "
    "Everything, with intervals and places: --full, --task NAME, or --format csv."
)


def print_brief(board: Board) -> None:
    """On standard output, in the terminal's width."""
    put(lambda width: brief(board), wide=WIDTH)


def brief(board: Board) -> RenderableType:
    """Local runs whole; of the papers' tables the widest, and the names of the others."""
    parts: list[RenderableType] = [Text(f"warning: {line}", style="yellow") for line in board.warnings]
    papers = [table for table in board.summaries if table.published]
    widest = sorted(papers, key=lambda table: -len(table.columns))[:PUBLISHED]
    for table in board.summaries:
        if not table.published or table in widest:
            parts += section(table)
    if rest := [table for table in papers if table not in widest]:
        models = sum(len(table.models) for table in rest)
        parts.append(
            Text(f"\n{len(rest)} smaller published tables with {models} lines are left out; --full shows them", style="dim")
        )
    parts += [Text(f"\n{line}", style="dim") for line in board.reasons]
    if left_out(board):
        parts.append(Text(f"\n{left_out(board)}", style="dim"))
    parts.append(Text(f"\n{LEGEND}" if board.groups else "no results", style="dim" if board.groups else ""))
    return Stack(*parts)


def section(table: Summary) -> list[RenderableType]:
    """Title, lines and caption of one protocol and data set."""
    shown = table.models[:MODELS] if table.published else table.models
    lines = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    lines.add_column("model", max_width=34, overflow="fold")  # whole: what tells two runs apart often stands at the end
    for name, _ in means_of(table):
        lines.add_column(name, justify="right", no_wrap=True)
    lines.add_column("tasks", justify="right", no_wrap=True)
    lines.add_column("figures", overflow="fold")
    for model in shown:
        lines.add_row(
            Text(model),
            *(made(table, model) for _, made in means_of(table)),
            str(asked(table, model)),
            Text(figures(table, model)),
        )
    below = [caption(table)] if caption(table) else []
    if len(shown) < len(table.models):
        below.append(f"and {len(table.models) - len(shown)} more")
    found: list[RenderableType] = [Text(f"\n{title(table)}", style="bold"), lines]
    return [*found, Text("; ".join(below), style="dim")] if below else found


def asked(table: Summary, model: str) -> int:
    """How many of the table's tasks the model has a figure of."""
    cells = [table.cell(model, column) for column in table.columns]
    return sum(row is not None and row.entry.value is not None for row in cells)


def figures(table: Summary, model: str) -> str:
    """`cifar10 60.83, fsc147 56.20 ↓`: every figure of a small table, else those in the first place."""
    told = []
    for column in table.columns:
        row = table.cell(model, column)
        if row is None or row.entry.value is None:
            continue
        if len(table.columns) <= FEW or (row.places is not None and row.places[0] == 1):
            told.append(
                f"{column.task}{which_data(table, column)} {figure(row.entry.value)}{' ↓' if row.entry.better == 'lower' else ''}"
            )
    return ", ".join(told)
