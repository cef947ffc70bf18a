"""The verb that ranks."""

from __future__ import annotations

from pathlib import Path

import click

from lamm_bench.errors import BenchError

from .options import SETTINGS, guarded, plugin_option


@click.command(context_settings=SETTINGS, short_help="Rank published figures and local runs.")
@click.option(
    "--results", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, metavar="DIR", help="Local runs."
)
@click.option("--format", "form", type=click.Choice(["table", "markdown", "csv", "json"]), default="table", show_default=True)
@click.option("--task", metavar="NAME", help="Only this task, with rank intervals.")
@click.option("--protocol", metavar="NAME", help="Only this protocol.")
@click.option("--full", is_flag=True, help="Every task's figures, not only the summary.")
@click.option("--published/--no-published", default=True, show_default=True, help="Show the figures of the papers.")
@plugin_option
@guarded
def leaderboard(
    results: Path, form: str, task: str | None, protocol: str | None, full: bool, published: bool, plugins: tuple[str, ...]
) -> None:
    """Rank published figures and local runs; never mixed where protocol, data or the way of asking differ.

    Places hold all true places of a table at once in 95 % of tables, from tests on the samples that runs share.

    \b
    Examples:
      lamm-bench leaderboard
      lamm-bench leaderboard --full --no-published
      lamm-bench leaderboard --task voc2012 --format markdown
    """
    from lamm_bench.ask.catalog import YAML, load_catalog
    from lamm_bench.show.leaderboard import show_leaderboard

    if not results.is_dir() and str(results) != "runs":
        raise BenchError(f"--results {results} is no folder")

    catalog = load_catalog(plugins)
    if task is not None and task.endswith(YAML):
        task = catalog.task(task).name
    show_leaderboard(results, form, task, protocol, published, full, catalog.tasks)
