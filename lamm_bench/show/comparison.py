"""Two runs side by side, as a table."""

from __future__ import annotations

from lamm_bench.ask.comparing import Comparison
from lamm_bench.errors import visible


def show_comparison(comparison: Comparison) -> None:
    """A table on standard output; what could not be compared below it."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from .tables import number

    console = Console()
    wide = console if console.is_terminal else Console(file=console.file, width=max(console.width, 160))
    title = f"{comparison.first} - {comparison.second} ({comparison.protocol}), on samples that both answered; 95 % intervals by image or room"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("task", no_wrap=True)
    table.add_column("metric", no_wrap=True)
    for name in ("first", "second", "difference", "p", "samples", "left out", "better"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in comparison.differences:
        spread = f" [{each.ci95[0]:+.2f}, {each.ci95[1]:+.2f}]" if each.ci95 else ""
        gap = f"{each.difference:+.2f}{spread}" if each.difference is not None else "-"
        p = f"{each.p:.3f}" if each.p is not None else "-"
        arrow = " \u2193" if each.better == "lower" else ""
        cells = [number(each.first), number(each.second), gap, p, str(each.n), str(each.left_out), each.verdict or "-"]
        table.add_row(each.task, each.metric + arrow, *cells)
    wide.print(table)
    for name, why in comparison.unavailable.items():
        console.print(visible(f"{name}: NOT COMPARED, {why}"), highlight=False, markup=False, soft_wrap=True)
