"""A leaderboard as terminal table, Markdown, CSV and JSON. All four show the same figures; CSV and JSON hold every metric."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

from lamm_bench.errors import visible
from lamm_bench.keep.seen import share_told
from lamm_bench.measure.stats import decimals

from .board import Board, Group, Ranked, Summary
from .macro import above_chance
from .plain import put

FORMATS = ("table", "markdown", "csv", "json")
COLUMNS = (
    # what is compared
    "protocol",
    "data",
    "digest",
    "task",
    "metric",
    "model",
    # the figure
    "value",
    "ci_low",
    "ci_high",
    "n",
    "unit",
    "better",
    # its place
    "rank_first",
    "rank_last",
    "headline",
    "reference",
    "published",
    # its circumstances
    "status",
    "expected",
    "unread",
    "failed",
    "source",
    "note",
    # how it was asked, and what it is above chance
    "chance",
    "above_chance",
    "conditions",
    # what its checkpoint has been trained on, by the ledger of `data verify --train`
    "media_seen",
    "media",
)
FEW = 3  # names in a sentence
LEGEND = (
    "value ±half of the 95 % interval (places, all of a column at once with 95 % confidence); * some samples failed; ↓ lower is better; "
    "above chance: 100 (score - chance) / (perfect - chance); rows without places are baselines, controls or other prints, and are not ranked"
)


def render(board: Board, format: str, width: int = 120, detail: bool = False) -> str:
    """The board as text in one of `FORMATS`; `detail` gives one table for each metric instead of the summaries (table, markdown)."""
    if format == "csv":
        return as_csv(board)
    if format == "json":
        return as_json(board)
    if format == "markdown":
        return as_markdown(board, detail)
    console = Console(width=width, record=False, file=io.StringIO(), color_system=None)
    console.print(as_table(board, width, detail))
    return console.file.getvalue()  # type: ignore[attr-defined]


def print_board(board: Board, format: str, detail: bool = False) -> None:
    """The board on standard output, in the terminal's width and with its colours; warnings of CSV go to standard error."""
    if format == "table":
        put(lambda width: as_table(board, width, detail))
        return
    if format == "csv":
        for line in board.warnings:
            print(f"warning: {line}", file=sys.stderr)
    sys.stdout.write(render(board, format, detail=detail))


# cells


def figure(value: float) -> str:
    """Two decimals, three for small values, so that errors such as 0.158 stay readable."""
    return decimals(value, 3 if 0 < abs(value) < 1 else 2)


def places(row: Ranked) -> str:
    if row.places is None:
        return ""
    first, last = row.places
    return str(first) if first == last else f"{first}-{last}"


def cell(row: Ranked | None) -> str:
    """What stands in a summary: `52.30 ±4.10 (1-2)`, `failed`, or nothing."""
    if row is None:
        return "-"
    entry = row.entry
    if entry.value is None:
        return entry.status or "none"
    half = f" ±{figure((entry.ci95[1] - entry.ci95[0]) / 2)}" if entry.ci95 else ""
    rank = f" ({places(row)})" if row.places else ""
    return f"{figure(entry.value)}{half}{rank}{' *' if entry.failed else ''}"


def title(table: Summary) -> str:
    return (
        f"{table.protocol} · {table.data}"
        + (f" · {table.apart}" if table.apart else "")
        + (" · published figures" if table.published else "")
    )


def heading(table: Summary, column: Group) -> str:
    """Task and metric; part of the data digest too where one table holds two data sets of the same task."""
    lower = " ↓" if column.rows[0].entry.better == "lower" else ""
    return f"{column.task} {column.metric}{lower}{which_data(table, column)}"


def which_data(table: Summary, column: Group) -> str:
    """Part of the data digest, where one table holds two data sets of the same task."""
    twin = sum(other.task == column.task and other.metric == column.metric for other in table.columns) > 1
    return f" [{column.digest[:6]}]" if twin else ""


def mean_rank(table: Summary, model: str) -> str:
    return f"{table.mean_ranks[model]:.2f}" if model in table.mean_ranks else ""


def above(table: Summary, model: str) -> str:
    """The mean above chance with its interval: `34.2 [10.1, 58.3]`."""
    found = table.macro.get(model)
    if found is None:
        return ""
    return decimals(found.value, 1) + (f" [{', '.join(decimals(end, 1) for end in found.ci95)}]" if found.ci95 else "")


def caption(table: Summary) -> str:
    if not table.mean_ranks:
        return ""
    said = f"mean rank over the {table.shared} task{'s' if table.shared > 1 else ''} that every ranked model was asked"
    tasks = max((each.tasks for each in table.macro.values()), default=0)
    return said + (f"; above chance: mean over {tasks} of them, 95 % interval over tasks" if tasks else "")


def means_of(table: Summary) -> list[tuple[str, Callable[[Summary, str], str]]]:
    """The columns of means that a table has, and what of its media was seen in training where a ledger tells."""
    known = any(seen(table, model) for model in table.models)
    return [
        ("mean rank", mean_rank),
        *([("above chance", above)] if table.macro else []),
        *([("seen in training", seen)] if known else []),
    ]


def seen(table: Summary, model: str) -> str:
    """`312 of 5,793`: of the media of all tasks of the table that the ledger knows; empty where there is no ledger."""
    rows = [table.cell(model, column) for column in table.columns]
    known = [row.entry.seen for row in rows if row is not None and row.entry.seen is not None]
    return share_told(known) if known else ""


def left_out(board: Board) -> str:
    """Of what local runs hold no figure; empty when there is nothing of the kind."""
    empty = [group for group in board.groups if group.headline and group.empty and not group.rows[0].entry.published]
    names = list(dict.fromkeys(f"{group.task} ({group.protocol})" for group in empty))
    some = ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")
    return f"without a figure and left out: {some}; --format csv lists them" if names else ""


def details(board: Board) -> list[tuple[str, list[Sequence[str]]]]:
    """For each group its title, and rows of place, model, value, interval, n and counts."""
    tables = []
    for group in (group for group in board.groups if not group.empty):
        rows: list[Sequence[str]] = []
        for row in group.rows:
            e = row.entry
            interval = f"{figure(e.ci95[0])} to {figure(e.ci95[1])}" if e.ci95 else ""
            value = figure(e.value) if e.value is not None else e.status or "none"
            counts = (str(e.n or ""), str(e.unread or ""), str(e.failed or ""))
            rows.append((places(row), e.model, value, interval, *counts, e.seen.text if e.seen else "", e.note))
        first = group.rows[0].entry
        unit = "" if first.unit == "score" else f" in {first.unit}"
        told = f" · {group.apart}" if group.apart else ""
        tables.append(
            (f"{group.task} · {group.metric}{unit}, {first.better} is better · {group.protocol} · {group.data}{told}", rows)
        )
    return tables


DETAIL = ("place", "model", "value", "95 % interval", "n", "unread", "failed", "trained on", "note")
ALWAYS = 3  # columns that a detail always has; the others only where they say something


# formats


def as_table(board: Board, width: int = 120, detail: bool = False) -> RenderableType:
    """Rich tables; one with more columns than `width` takes is broken into several below each other."""
    parts: list[RenderableType] = [Text(f"warning: {line}", style="yellow") for line in board.warnings]
    for table in () if detail else board.summaries:
        names = min(36, max(len(model) for model in table.models))
        means = means_of(table)
        chunks = chunked(table, width - names - 16 - (26 if len(means) > 1 else 0))
        for number, columns in enumerate(chunks):
            shown = Table()
            if number == 0:
                parts.append(Text(f"\n{title(table)}", style="bold"))
            shown.add_column("model", max_width=names, overflow="fold")
            for name, _ in means if number == 0 else means[:1]:
                shown.add_column(name, justify="right")
            for column in columns:
                shown.add_column(Text(heading(table, column).replace(" ", "\n", 1)), justify="right", no_wrap=True)
            for model in table.models:
                own = [made(table, model) for _, made in (means if number == 0 else means[:1])]
                shown.add_row(Text(model), *own, *(paint(table.cell(model, column)) for column in columns))
            parts.append(shown)
        if caption(table):
            parts.append(Text(caption(table), style="dim"))
    for name, rows in details(board) if detail else ():
        used = [number for number, _ in enumerate(DETAIL) if number < ALWAYS or any(row[number] for row in rows)]
        shown = Table(*(DETAIL[number] for number in used))
        for row in rows:
            shown.add_row(*(Text(row[number]) for number in used))
        parts += [Text(f"\n{name}", style="bold"), shown]
    parts += [Text(line, style="dim") for line in board.reasons]
    if left_out(board):
        parts.append(Text(left_out(board), style="dim"))
    if not board.groups:
        parts.append(Text("no results"))
    else:
        parts.append(Text(LEGEND, style="dim"))
    return Stack(*parts)


def paint(row: Ranked | None) -> Text:
    best = row is not None and row.places is not None and row.places[0] == 1
    return Text(cell(row), style="bold" if best else "dim" if row is not None and row.entry.reference else "")


def chunked(table: Summary, room: int) -> list[list[Group]]:
    """The columns in blocks that fit into `room` characters, at least one each."""
    blocks: list[list[Group]] = [[]]
    used = 0
    for column in table.columns:
        lines = [*heading(table, column).split(" ", 1), *(cell(table.cell(model, column)) for model in table.models)]
        wide = max(len(line) for line in lines) + 3
        if blocks[-1] and used + wide > room:
            blocks.append([])
            used = 0
        blocks[-1].append(column)
        used += wide
    return blocks


def as_markdown(board: Board, detail: bool = False) -> str:
    """The warnings, then the summaries (or with `detail` every figure) as tables of Markdown."""
    lines: list[str] = [f"> warning: {safe(line)}" for line in board.warnings]
    for table in () if detail else board.summaries:
        head = ["model", *(name for name, _ in means_of(table)), *(heading(table, column) for column in table.columns)]
        body = [
            [
                model,
                *(made(table, model) for _, made in means_of(table)),
                *(cell(table.cell(model, column)) for column in table.columns),
            ]
            for model in table.models
        ]
        lines += ["", f"### {safe(title(table))}", "", *grid(head, body), *(["", caption(table)] if caption(table) else [])]
    if detail:
        for name, rows in details(board):
            lines += ["", f"#### {safe(name)}", "", *grid(DETAIL, rows)]
    for line in board.reasons:
        lines += ["", safe(line)]
    if left_out(board):
        lines += ["", safe(left_out(board))]
    lines += ["", LEGEND.replace("*", "\\*") if board.groups else "no results"]
    return "\n".join(lines).strip() + "\n"


def grid(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(safe(value) for value in head)} |",
        f"| {' | '.join('---' for _ in head)} |",
        *(f"| {' | '.join(safe(value) for value in row)} |" for row in body),
    ]


def safe(text: str) -> str:
    """Text that stays in its Markdown cell and is shown as it is: no link, no picture, no mark-up, no formula.

    >>> safe("[a](http://b) www.c @d")
    '\\\\[a](http&#58;//b) www&#46;c &#64;d'
    """
    for mark in ("\\", "|", "*", "_", "`", "[", "~", "$"):
        text = text.replace(mark, f"\\{mark}")
    for mark, shown in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("://", "&#58;//"), ("@", "&#64;")):
        text = text.replace(mark, shown)
    return re.sub(r"(?i)\b(www)\.", r"\1&#46;", visible(text))


def flat(group: Group, row: Ranked) -> dict[str, Any]:
    """One entry with its places, as CSV and JSON give it."""
    e = row.entry
    low, high = e.ci95 or (None, None)
    first, last = row.places or (None, None)
    values = (
        group.protocol,
        group.data,
        group.digest,
        group.task,
        group.metric,
        e.model,
        e.value,
        low,
        high,
        e.n,
        e.unit,
        e.better,
        first,
    )
    values += (last, e.headline, e.reference, e.published, e.status, e.expected, e.unread, e.failed, e.source, e.note)  # type: ignore[assignment]
    values += (e.chance, above_chance(e), "; ".join(f"{name}: {value}" for name, value in e.asked))  # type: ignore[assignment]
    values += (e.seen.seen, e.seen.media) if e.seen else (None, None)  # type: ignore[assignment]
    return dict(zip(COLUMNS, values, strict=True))


def as_csv(board: Board) -> str:
    """One line per figure; empty where there is none."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for group in board.groups:
        writer.writerows({key: harmless(value) for key, value in flat(group, row).items()} for row in group.rows)
    return text.getvalue()


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula, and no figure with the last bits of its sum (twelve digits are there).

    >>> harmless("=1+2"), harmless(-1.5), harmless("a-b"), harmless(99.99999999999999)
    ("'=1+2", -1.5, 'a-b', 100.0)
    """
    if isinstance(value, float):
        return float(f"{value:.12g}")
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ")[:1] in tuple("=+-@\t\r\n|%") else value


def as_json(board: Board) -> str:
    """`{"format": 1, "warnings": [...], "reasons": [...], "groups": [{protocol, data, digest, task, metric, rows: [...]}]}`."""
    about = ("protocol", "data", "digest", "task", "metric")
    groups = []
    for group in board.groups:
        rows = [{key: value for key, value in flat(group, row).items() if key not in about} for row in group.rows]
        groups.append({key: getattr(group, key) for key in about} | {"rows": rows})
    data = {"format": 1, "warnings": list(board.warnings), "reasons": list(board.reasons), "groups": groups}
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
