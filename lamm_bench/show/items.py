"""Items over runs as a table, and the most suspicious of them."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lamm_bench.ask.items import Analysis, Item
from lamm_bench.errors import visible

from .plain import put
from .tables import number


def counts_table(found: Analysis) -> Table:
    """One line a task: how many items are of each kind."""
    title = f"Items over {len(found.runs)} runs ({found.protocol})"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for number_, name in enumerate(("task", "items", "missed by all", "right by all", "right blind", "against the order")):
        table.add_column(name, justify="right" if number_ else "left", no_wrap=True)
    for task in found.items:
        table.add_row(task, *("-" if value is None else str(value) for value in found.counts(task).values()))
    return table


def suspects(found: Analysis, most: int) -> list[Item]:
    """Those that the better runs miss and the poorer do not, then those that nobody has right, up to so many a task."""
    chosen = []
    for own in found.items.values():
        against = [item for item in own if item.discrimination is not None and item.discrimination < 0]
        missed = [item for item in own if item.right == 0 and not (item.discrimination or 0) < 0]
        chosen += [*against, *missed][:most]
    return chosen


def show_items(found: Analysis, most: int) -> None:
    """On standard output."""
    console = Console()
    put(lambda width: counts_table(found), console)
    say = lambda text: console.print(visible(text), highlight=False, markup=False, soft_wrap=True)  # noqa: E731
    say("against the order: the better runs do worse on it (corrected item-total correlation below 0); look at its truth first")
    for item in suspects(found, most):
        blind = "" if item.blind is None else f", {'right' if item.blind else 'wrong'} blind"
        told = f", discrimination {number(item.discrimination)}" if item.discrimination is not None else ""
        say(f"{item.task} {item.sample}: right in {item.right} of {item.runs}{blind}{told}")
    for task, why in found.left_out.items():
        say(f"{task}: left out, {why}")
