"""Two runs side by side, as a table."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from lamm_bench.ask.comparing import Comparison, Difference
from lamm_bench.errors import visible

NARROW = 130  # columns in which all there is to say of a task fits on one line


def chance(p: float | None) -> str:
    """A p-value in three decimals.

    >>> chance(0.0123), chance(1e-7), chance(None)
    ('0.012', '<0.001', '-')
    """
    return "-" if p is None else "<0.001" if p < 0.0005 else f"{p:.3f}"


def verdict(each: Difference, same: bool = False) -> str:
    """Which is better, or how large a difference would have had to be to be found; `same`: both are one run."""
    if same:
        return "- (same run)"
    if each.verdict or each.difference is None:
        return each.verdict or "-"
    return f"- (from {each.detectable:.2f})" if each.detectable is not None else "- (too few)"


def show_comparison(comparison: Comparison) -> None:
    """A table on standard output; what could not be compared below it."""
    from rich.console import Console

    from .plain import put

    console = Console()
    for place, name in (("first", comparison.first), ("second", comparison.second)):
        console.print(visible(f"{place:<7}{name}"), highlight=False, markup=False, soft_wrap=True)
    put(lambda width: comparison_table(comparison, width), console, wide=160)
    console.print(
        "better: the corrected p (Holm over these tasks) is below 0.05; (from d): a true difference of d is found in 80 % of such comparisons",
        highlight=False,
        soft_wrap=True,
    )
    for name, why in comparison.unavailable.items():
        console.print(visible(f"{name}: NOT COMPARED, {why}"), highlight=False, markup=False, soft_wrap=True)


def comparison_table(comparison: Comparison, width: int) -> Table:
    """One line a task; in a narrow terminal two, of which the second has the metric, the interval, and what is corrected or left out."""
    from rich.box import SIMPLE_HEAD

    from .tables import number

    narrow, same = width < NARROW, Path(comparison.first).resolve() == Path(comparison.second).resolve()
    title = f"first - second ({comparison.protocol}), on samples that both answered; 95 % intervals by image or room"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    names = ["task", "metric", "first", "second", "difference", "p", "p (Holm)", "samples", "left out", "better"]
    for name in ["task", "first", "second", "difference", "p\n(Holm)", "samples", "better"] if narrow else names:
        table.add_column(name, justify="left" if name in ("task", "metric") else "right", no_wrap=True)
    for each in comparison.differences:
        spread = f"[{each.ci95[0]:+.2f}, {each.ci95[1]:+.2f}]" if each.ci95 else ""
        gap = f"{each.difference:+.2f}" if each.difference is not None else "-"
        p, corrected = (chance(value) for value in (each.p, each.holm))
        metric = each.metric + (" \u2193" if each.better == "lower" else "")
        values = (number(each.first), number(each.second))
        if narrow:
            left = f"\n{each.left_out} left out" if each.left_out else ""
            found = verdict(each, same).replace(" (", "\n(")
            table.add_row(f"{each.task}\n  {metric}", *values, f"{gap}\n{spread}", f"{p}\n{corrected}", f"{each.n}{left}", found)
        else:
            cells = (f"{gap} {spread}".strip(), p, corrected, str(each.n), str(each.left_out), verdict(each, same))
            table.add_row(each.task, metric, *values, *cells)
    return table
