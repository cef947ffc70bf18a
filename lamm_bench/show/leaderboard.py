"""What `lamm-bench leaderboard` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lamm_bench.declared.scorer import SIGN
from lamm_bench.types import Task

from .board_brief import print_brief
from .board_formats import print_board
from .figures import Entry, read_published, read_runs, told_by_files
from .paired import Paired
from .ranking import leaderboard


def show_leaderboard(
    results: Path,
    form: str,
    task: str | None,
    protocol: str | None,
    published: bool,
    full: bool = False,
    tasks: Mapping[str, Task] | None = None,
) -> None:
    """Prints the leaderboard of the runs below `results` and, if wanted, of the papers. One task is shown in detail.

    `tasks` are those whose runs can be tested in pairs. On a terminal one line for each model is shown, and with `full` its figures too."""
    entries, warnings = read_runs(results)
    if published:
        entries += read_published() + told_by_files((tasks or {}).values())
    if form == "table" and not full:
        shown = without_categories(entries)
        hidden = sum(not task or entry.task == task for entry in entries) - sum(not task or entry.task == task for entry in shown)
        if task and hidden:
            warnings.append(f"{hidden} figures by category are left out here; --full shows them")
        entries = shown
    board = leaderboard(entries, [task] if task else [], [protocol] if protocol else [], warnings, Paired(tasks or {}))
    if form == "table" and not full and not task:
        print_brief(board)
        return
    print_board(board, form, detail=bool(task))


def without_categories(entries: Sequence[Entry]) -> list[Entry]:
    """The figures that are not of a part of a task's samples: `accuracy/cats` is, where there is an `accuracy`."""
    known = {(entry.task, entry.protocol, entry.metric) for entry in entries}
    return [
        entry
        for entry in entries
        if SIGN not in entry.metric or (entry.task, entry.protocol, entry.metric.partition(SIGN)[0]) not in known
    ]
