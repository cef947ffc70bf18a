"""What `lamm-bench list` prints."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from lamm_bench.ask.catalog import Catalog


def catalog_table(catalog: Catalog, what: str) -> None:
    """The names of a shelf, with what one needs to choose."""
    table = Table(box=None, pad_edge=False)
    if what == "tasks":
        for column in ("task", "kind", "modality", "groups", "headline", "protocols", "meta file"):
            table.add_column(column)
        for task in catalog.ordered():
            headline = task.protocols["standard"].metrics[0].name if "standard" in task.protocols else "-"
            protocols = " ".join(task.protocols)
            table.add_row(task.name, task.kind, task.modality, " ".join(task.groups), headline, protocols, task.meta_files[0])
    elif what == "models":
        table.add_column("model")
        table.add_column("--set options")
        for name in sorted(catalog.adapters):
            table.add_row(name, " ".join(catalog.options(name)))
    else:
        table.add_column("recipe")
        table.add_column("inferencer")
        table.add_column("tasks")
        table.add_column("protocols")
        for name in sorted(catalog.recipes):
            recipe = catalog.recipe(name)
            inferencer = str(recipe.inferencer.get("name"))
            table.add_row(name, inferencer, " ".join(recipe.scenario.tasks), " ".join(recipe.metric.protocols))
    Console(width=None if sys.stdout.isatty() else 200).print(table)
