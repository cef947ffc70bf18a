"""The verb that lists what can be named."""

from __future__ import annotations

import click

from .options import SETTINGS, guarded, plugin_option


@click.command("list", context_settings=SETTINGS, short_help="List tasks, models, recipes, conventions or corruptions.")
@click.argument("what", type=click.Choice(["tasks", "models", "recipes", "conventions", "corruptions"]))
@plugin_option
@guarded
def list_(what: str, plugins: tuple[str, ...]) -> None:
    """List what can be named: tasks, models, recipes, conventions of coordinates, or corruptions.

    \b
    Examples:
      lamm-bench list tasks
      lamm-bench list models --plugin my_model.py
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.show.shelves import catalog_table

    catalog_table(load_catalog(plugins), what)
