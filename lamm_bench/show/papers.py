"""Runs as a table for a paper or a page: LaTeX (booktabs), Markdown, CSV and HTML. The best is bold only where the test says that it is.

Tables are the leaderboard's: what was not asked alike stands in several, and the reason between them."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from dataclasses import dataclass

from lamm_bench.errors import visible
from lamm_bench.measure.stats import decimals

from .board import Board, Group, Ranked, Summary
from .board_formats import harmless, safe, title, which_data

MEANING = (
    "95 % intervals by image or room in brackets; bold: better than every other of its column, by paired tests that hold for the column "
    "together (5 %)"
)
DOWN = " (lower is better)"


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table."""

    value: float | None = None
    ci95: tuple[float, float] | None = None
    bold: bool = False
    status: str = ""  # in place of a value

    @classmethod
    def of(cls, row: Ranked | None, column: Group) -> Cell:
        """Bold where the place is the first and no other, among two or more that have one."""
        if row is None or row.entry.value is None:
            return cls(status=row.entry.status if row is not None else "")
        ranked = sum(other.places is not None for other in column.rows)
        return cls(row.entry.value, row.entry.ci95, row.places == (1, 1) and ranked > 1)

    def text(self, strong: Callable[[str], str], small: Callable[[str], str]) -> str:
        """The value, strong where it is the best, and its interval, small."""
        if self.value is None:
            return self.status or "-"
        value = decimals(self.value)
        ends = " " + small(f"[{decimals(self.ci95[0], 1)}, {decimals(self.ci95[1], 1)}]") if self.ci95 else ""
        return (strong(value) if self.bold else value) + ends


@dataclass(frozen=True)
class Grid:
    """One table: heads of columns, and rows of a model's name, whether it is a reference, and its cells."""

    title: str
    heads: tuple[tuple[str, str, bool], ...]  # task, metric, whether lower is better
    rows: tuple[tuple[str, bool, tuple[Cell, ...]], ...]


def grids(board: Board) -> list[Grid]:
    """The board's summaries; baselines and controls behind a rule."""
    return [grid_of(table) for table in board.summaries]


def grid_of(table: Summary) -> Grid:
    heads = tuple(
        (column.task + which_data(table, column), column.metric, column.rows[0].entry.better == "lower")
        for column in table.columns
    )
    rows = []
    for model in table.models:
        found = [table.cell(model, column) for column in table.columns]
        reference = any(row is not None and row.entry.reference for row in found)
        rows.append((model, reference, tuple(Cell.of(row, column) for row, column in zip(found, table.columns))))
    return Grid(title(table), heads, tuple(rows))


def latex(grid: Grid) -> str:
    """A tabular of booktabs, to be put into a table of yours."""
    columns = "l" + "r" * len(grid.heads)
    lines = [f"% {plain(grid.title)}", f"% {MEANING}", f"\\begin{{tabular}}{{{columns}}}", "\\toprule"]
    lines.append(" & ".join(["model", *(escaped(task) for task, _, _ in grid.heads)]) + r" \\")
    lines.append(
        " & ".join(["", *(escaped(metric) + (r" $\downarrow$" if down else "") for _, metric, down in grid.heads)]) + r" \\"
    )
    lines.append("\\midrule")
    for number, (model, reference, cells) in enumerate(grid.rows):
        if number and reference and not grid.rows[number - 1][1]:
            lines.append("\\midrule")
        strong, small = (lambda text: f"\\textbf{{{text}}}"), (lambda text: f"{{\\scriptsize {text}}}")
        lines.append(" & ".join([escaped(model), *(cell.text(strong, small) for cell in cells)]) + r" \\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


MARKS = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "|": r"\textbar{}", "<": r"\textless{}", ">": r"\textgreater{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}  # fmt: skip


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is.

    >>> escaped("recall@0.5 & 50_%")
    'recall@0.5 \\\\& 50\\\\_\\\\%'
    """
    found = "".join(MARKS.get(letter, letter) for letter in plain(text))
    found = re.sub("-(?=-)", "-{}", found)  # two would become a dash
    return (
        f"{{{found[0]}}}{found[1:]}" if found[:1] in ("[", "*") else found
    )  # behind the last row's \\\\ they would be its argument


def plain(text: str) -> str:
    return " ".join(visible(text).split())


def markdown(grid: Grid) -> str:
    head = ["model", *(f"{task} {metric}{' ↓' if down else ''}" for task, metric, down in grid.heads)]
    lines = [f"**{safe(plain(grid.title))}**", "", f"| {' | '.join(map(safe, head))} |", f"| --- |{' ---: |' * len(grid.heads)}"]
    for model, _, cells in grid.rows:
        own = (cell.text(lambda text: f"**{text}**", lambda text: text.replace("[", "\\[")) for cell in cells)
        lines.append(f"| {' | '.join([safe(plain(model)), *own])} |")
    return "\n".join([*lines, "", MEANING]) + "\n"


def as_html(grid: Grid) -> str:
    """A table without style: yours applies."""
    head = "".join(
        f"<th>{html.escape(task)}<br>{html.escape(metric)}{' ↓' if down else ''}</th>" for task, metric, down in grid.heads
    )
    rows = []
    for model, reference, cells in grid.rows:
        own = "".join(
            f"<td>{cell.text(lambda text: f'<b>{text}</b>', lambda text: f'<small>{text}</small>')}</td>" for cell in cells
        )
        rows.append(f'<tr{" class=reference" if reference else ""}><th scope="row">{html.escape(plain(model))}</th>{own}</tr>')
    body = "\n".join(rows)
    caption = f"{html.escape(plain(grid.title))}. {html.escape(MEANING)}."
    return f"<table>\n<caption>{caption}</caption>\n<thead><tr><th>model</th>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"


def as_csv(grid: Grid) -> str:
    """Value, ends of the interval and whether it is the best by the test, four columns a task."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"{task} {metric}" for task, metric, _ in grid.heads]
    writer.writerow(
        ["table", "model", "reference", *(f"{name}{end}" for name in names for end in ("", " low", " high", " best"))]
    )
    for model, reference, cells in grid.rows:
        own: list[object] = []
        for cell in cells:
            low, high = cell.ci95 or (None, None)
            own += [cell.value if cell.value is not None else cell.status, low, high, cell.bold]
        writer.writerow([harmless(value) for value in (grid.title, model, reference, *own)])
    return text.getvalue()


FORMATS: dict[str, Callable[[Grid], str]] = {"latex": latex, "markdown": markdown, "csv": as_csv, "html": as_html}


def tables(board: Board, form: str) -> str:
    """All tables of a board, an empty line between them, and behind them why there are several."""
    made = [FORMATS[form](grid) for grid in grids(board)]
    said = {"latex": "% {}", "markdown": "{}", "html": "<p>{}</p>"}.get(form)
    notes = [said.format(html.escape(line) if form == "html" else plain(line)) + "\n" for line in board.reasons] if said else []
    return "\n".join([*made, *notes])
