"""What `lamm-bench list` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.corrupt.chain import FILES, OPTIONS, PARTS
from lamm_bench.ask.corrupt.mixed import MIXES
from lamm_bench.ask.corrupt.texts import TEXTS
from lamm_bench.media import Corruption, modalities
from lamm_bench.read.conventions import known, speakers

from .plain import put

ROOM = 205  # columns that all there is to say of a task takes


def catalog_table(catalog: Catalog, what: str) -> None:
    """Prints the names of a shelf, with what one needs to choose."""
    put(lambda width: shelf_table(catalog, what, width))


def every_corruption() -> Iterator[tuple[str, str, Corruption]]:
    """Name, of what, and what there is to know of it."""
    for kind in modalities().values():
        for name, one in kind.corruptions.items():
            yield name, kind.many, one
    for name, one in TEXTS.items():
        yield name, "questions", one
    for name in OPTIONS:
        yield name, "options", Corruption(lambda value, severity, stream: value, "options", "ChEF", graded=False)


def shelf_table(catalog: Catalog, what: str, width: int) -> Table:
    """A shelf in so many columns; of tasks the file names are never left out, which are what the list is for."""
    table = Table(box=None, pad_edge=False)
    if what == "tasks" and width < ROOM:
        table.add_column("task", no_wrap=True)
        table.add_column("meta file", overflow="fold")
        table.caption = f"kind, groups, headline and protocols: in {ROOM} columns, or through a pipe"
        table.caption_justify = "left"
        for task in catalog.ordered():
            table.add_row(task.name, task.meta_files[0])
    elif what == "tasks":
        for column in ("task", "kind", "modality", "groups", "headline", "protocols", "meta file"):
            table.add_column(column)
        for task in catalog.ordered():
            headline = task.protocols["standard"].metrics[0].name if "standard" in task.protocols else "-"
            protocols = " ".join(task.protocols)
            table.add_row(task.name, task.kind, task.modality, " ".join(task.groups), headline, protocols, task.meta_files[0])
    elif what == "models":
        table.add_column("model")
        table.add_column("--set options", overflow="fold")
        for name in sorted(catalog.adapters):
            table.add_row(name, " ".join(catalog.options(name)))
    elif what == "conventions":
        for column in ("convention", "its numbers", "gives", "known of"):
            table.add_column(column, no_wrap=column == "convention", overflow="fold")
        for own in known().values():
            gives = [kind for kind in ("boxes", "points", "counts") if own.asks(kind)]
            table.add_row(own.name, own.said() if gives else "-", ", ".join(gives) or "nothing", ", ".join(speakers(own.name)))
    elif what == "corruptions":
        for column in ("corruption", "of", "family", "severities", "constants", "moves things"):
            table.add_column(column, no_wrap=column == "corruption")
        for name, of, one in every_corruption():
            table.add_row(name, of, one.family, "1-5" if one.graded else "-", one.source, "yes" if one.moves else "")
        for name, mix in MIXES.items():
            table.add_row(name, "a chain drawn by item", "-", "-", "ChEF", "yes" if mix.moves else "")
        table.add_row(f"{FILES}:{'|'.join(PARTS)}", "ChEF's own files", "-", "-", "ChEF", "")
    else:
        table.add_column("recipe", overflow="fold")
        table.add_column("inferencer")
        table.add_column("tasks")
        table.add_column("protocols")
        for shown, names in grouped(sorted(catalog.recipes), width).items():
            recipes = [catalog.recipe(name) for name in names]
            parts = (
                [[str(recipe.inferencer.get("name"))] for recipe in recipes],
                *([part(recipe) for recipe in recipes] for part in (lambda r: r.scenario.tasks, lambda r: r.metric.protocols)),
            )
            table.add_row(shown, *(" ".join(dict.fromkeys(word for words in column for word in words)) for column in parts))
    return table


def grouped(names: Sequence[str], width: int) -> dict[str, list[str]]:
    """Recipes by the row that shows them: a folder of a folder is one row, where there is no room for a row each.

    >>> grouped(["a/b", "c/d/e", "c/d/f"], 80)
    {'a/b': ['a/b'], 'c/d/: e f': ['c/d/e', 'c/d/f']}
    """
    folders: dict[str, list[str]] = {}
    for name in names:
        folder = name.rpartition("/")[0]
        folders.setdefault(folder if folder.count("/") and width < ROOM else name, []).append(name)
    return {
        key if key in members else f"{key}/: {' '.join(name.rpartition('/')[2] for name in members)}": members
        for key, members in folders.items()
    }
