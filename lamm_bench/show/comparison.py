"""Two runs side by side, as a table."""

from __future__ import annotations

from lamm_bench.ask.comparing import Comparison, Difference
from lamm_bench.errors import visible


def chance(p: float | None) -> str:
    """A p-value in three decimals.

    >>> chance(0.0123), chance(1e-7), chance(None)
    ('0.012', '<0.001', '-')
    """
    return "-" if p is None else "<0.001" if p < 0.0005 else f"{p:.3f}"


def verdict(each: Difference) -> str:
    """Which is better, or how large a difference would have had to be to be found."""
    if each.verdict or each.difference is None:
        return each.verdict or "-"
    return f"- (from {each.detectable:.2f})" if each.detectable is not None else "- (too few)"


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
    for name in ("first", "second", "difference", "p", "p (Holm)", "samples", "left out", "better"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in comparison.differences:
        spread = f" [{each.ci95[0]:+.2f}, {each.ci95[1]:+.2f}]" if each.ci95 else ""
        gap = f"{each.difference:+.2f}{spread}" if each.difference is not None else "-"
        p, corrected = (chance(value) for value in (each.p, each.holm))
        arrow = " \u2193" if each.better == "lower" else ""
        cells = [number(each.first), number(each.second), gap, p, corrected, str(each.n), str(each.left_out), verdict(each)]
        table.add_row(each.task, each.metric + arrow, *cells)
    wide.print(table)
    console.print(
        "better: the corrected p (Holm over these tasks) is below 0.05; (from d): a true difference of d is found in 80 % of such comparisons",
        highlight=False,
        soft_wrap=True,
    )
    for name, why in comparison.unavailable.items():
        console.print(visible(f"{name}: NOT COMPARED, {why}"), highlight=False, markup=False, soft_wrap=True)
