"""What is left of a model's figures under corruptions, as a table."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from lamm_bench.ask.robust import Cell, Curves
from lamm_bench.errors import visible
from lamm_bench.measure.robustness import Relative

from .comparison import chance
from .plain import put
from .tables import number

WIDE = 125  # columns in which all there is to say of a cell fits on one line


def show_curves(curves: Curves) -> None:
    """A table on standard output; what was not asked, and why RRM is absent, below it."""
    console = Console()
    console.print(
        visible(f"{curves.model}: {curves.protocol}, each corruption against the clean run"), highlight=False, markup=False
    )
    put(lambda width: curves_table(curves, width), console, wide=WIDE)
    say = lambda text: console.print(visible(text), highlight=False, markup=False, soft_wrap=True)  # noqa: E731
    say("difference: corrupted - clean on samples answered both times, 95 % interval by image or room; *: p (Holm) below 0.05")
    say("RR: percent of the clean figure that is left; RRM: the same above chance; both 100 when nothing is lost")
    for task in curves.clean:
        notes = {cell.left.rrm.note for cell in curves.of(task) if cell.left.rrm.value is None and cell.left.rrm.note}
        for note in sorted(notes):
            say(f"{task}: no RRM, {note}")
    for why, names in gathered(curves).items():
        say(f"not asked: {', '.join(names)}: {why}")
    for leg in curves.incomplete:
        say(f"answers are missing: {leg}; the same command asks them")


def gathered(curves: Curves) -> dict[str, list[str]]:
    """Reasons with the corruptions that they hold for, all severities as one."""
    found: dict[str, list[str]] = {}
    for chain, tasks in curves.skipped.items():
        name = chain.partition(":")[0]
        for why in tasks.values():
            words = why.removeprefix(name).strip().removeprefix("is ")
            if name not in found.setdefault(words, []):
                found[words].append(name)
    return found


def curves_table(curves: Curves, width: int) -> Table:
    """One line for each severity, and the mean of each corruption behind its last; where it is narrow, means alone."""
    from rich.box import SIMPLE_HEAD

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    narrow = width < WIDE - 30
    columns = ("corruption", "severity", "score", "difference", "p (Holm)", "RR", "RRM")
    for name in columns:
        table.add_column(name, justify="left" if name == "corruption" else "right", no_wrap=True)
    for task, own in curves.clean.items():
        lower = " \u2193" if own["better"] == "lower" else ""
        floor = f"chance {number(own['chance'])}" if own["chance"] is not None else ""
        table.add_row(
            f"{task}, {own['metric']}{lower}", "clean", number(own["value"]), floor, "", "100.00", "100.00", style="bold"
        )
        means = curves.means(task)
        for name in curves.corruptions(task):
            cells = curves.of(task, name)
            for cell in cells:
                table.add_row(*row(cell, narrow))
            if len(cells) > 1:
                table.add_row(f"  {name}", "mean", "", "", "", number(means[name][0]), number(means[name][1]), style="italic")
        if len(means) > 2:
            table.add_row(
                "  all corruptions", "mean", "", "", "", number(means[""][0]), number(means[""][1]), style="bold italic"
            )
    return table


def row(cell: Cell, narrow: bool) -> list[str]:
    """One severity."""
    spread = f" [{cell.ci95[0]:+.1f}, {cell.ci95[1]:+.1f}]" if cell.ci95 else ""
    mark = "*" if cell.holm is not None and cell.holm < 0.05 else ""
    gap = f"{cell.difference:+.2f}{mark}{spread}" if cell.difference is not None else "-"
    level = str(cell.severity) if cell.severity else "-"
    return [
        *(f"  {cell.corruption}", level, number(cell.corrupted), gap, chance(cell.holm)),
        *(relative(one, narrow) for one in (cell.left.rr, cell.left.rrm)),
    ]


def relative(one: Relative, narrow: bool) -> str:
    spread = f" [{one.ci95[0]:.0f}, {one.ci95[1]:.0f}]" if one.ci95 and not narrow else ""
    return number(one.value) + spread if one.value is not None else "-"
