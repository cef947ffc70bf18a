"""The verbs that show things: `list`, `show`, `leaderboard` and `report`."""

from __future__ import annotations

from pathlib import Path

import click

from .cli_options import SETTINGS, data_root_option, guarded, plugin_option
from .errors import BenchError


@click.command("list", context_settings=SETTINGS)
@click.argument("what", type=click.Choice(["tasks", "models", "recipes"]))
@plugin_option
@guarded
def list_(what: str, plugins: tuple[str, ...]) -> None:
    """List what can be named: tasks, models or recipes.

    \b
    Examples:
      lamm-bench list tasks
      lamm-bench list models --plugin my_model.py
    """
    from .catalog import load_catalog
    from .render import catalog_table

    catalog_table(load_catalog(plugins), what)


@click.command(context_settings=SETTINGS)
@click.argument("task")
@click.argument("sample", required=False, metavar="[ID]")
@data_root_option
@click.option("--recipe", default="lamm/standard", show_default=True, metavar="NAME", help="How it would be asked.")
@plugin_option
@guarded
def show(task: str, sample: str | None, data_root: Path | None, recipe: str, plugins: tuple[str, ...]) -> None:
    """Show a sample as the model will see it, with its ground truth. Without an ID: the first one.

    \b
    Examples:
      lamm-bench show voc2012
      lamm-bench show lsp 17 --recipe lamm/classic
    """
    from .catalog import load_catalog
    from .data.locate import find_root
    from .errors import unknown
    from .render import Bars, show_sample, stderr_console

    catalog = load_catalog(plugins)
    if task not in catalog.tasks:
        raise unknown("task", task, catalog.tasks)
    chosen = catalog.recipe(recipe)
    root, _ = find_root(data_root, Bars(stderr_console()).say)
    samples = catalog.tasks[task].samples(root)
    if not samples:
        raise BenchError(f"{task} has no items under {root}")
    found = next((s for s in samples if s.id == sample), None) if sample is not None else samples[0]
    if found is None:
        ids = [s.id for s in samples]
        raise BenchError(f"{task} has no sample '{sample}'; its {len(ids)} ids run from {ids[0]} to {ids[-1]}")
    show_sample(catalog.tasks[task], found, chosen)


@click.command(context_settings=SETTINGS)
@click.option(
    "--results", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, metavar="DIR", help="Local runs."
)
@click.option("--format", "form", type=click.Choice(["table", "markdown", "csv", "json"]), default="table", show_default=True)
@click.option("--task", metavar="NAME", help="Only this task, with rank intervals.")
@click.option("--protocol", metavar="NAME", help="Only this protocol.")
@click.option("--full", is_flag=True, help="Every task's figures, not only the summary.")
@click.option("--published/--no-published", default=True, show_default=True, help="Show the figures of the papers.")
@guarded
def leaderboard(results: Path, form: str, task: str | None, protocol: str | None, full: bool, published: bool) -> None:
    """Rank published figures and local runs; never mixed where protocol or data differ.

    \b
    Examples:
      lamm-bench leaderboard
      lamm-bench leaderboard --full --no-published
      lamm-bench leaderboard --task voc2012 --format markdown
    """
    from .board import show_leaderboard

    if not results.is_dir() and str(results) != "runs":
        raise BenchError(f"--results {results} is no folder")

    show_leaderboard(results, form, task, protocol, published, full)


@click.command(context_settings=SETTINGS)
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Default: report.html in the run folder.")
@data_root_option
@click.option("--per-task", type=click.IntRange(min=1), default=24, show_default=True, help="Samples shown of each task.")
@plugin_option
@guarded
def report(run_folder: Path, out: Path | None, data_root: Path | None, per_task: int, plugins: tuple[str, ...]) -> None:
    """Write a run as one HTML file: scores, and samples with their pictures, boxes and answers.

    \b
    Example:
      lamm-bench report runs/lamm-1a2b3c4d
    """
    from .catalog import load_catalog
    from .render import Bars, stderr_console
    from .report import write_report
    from .session import root_of

    catalog = load_catalog(plugins)
    root = root_of([run_folder], data_root, catalog, Bars(stderr_console()).say)
    path = write_report(run_folder, catalog, root, out or run_folder / "report.html", per_task)
    click.echo(f"report: {path}")
