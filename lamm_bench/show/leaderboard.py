"""What `lamm-bench leaderboard` prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lamm_bench.types import Task

from .board_brief import print_brief
from .board_formats import print_board
from .figures import read_published, read_runs, told_by_files
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
    board = leaderboard(entries, [task] if task else [], [protocol] if protocol else [], warnings, Paired(tasks or {}))
    if form == "table" and not full and not task:
        print_brief(board)
        return
    print_board(board, form, detail=bool(task))
