"""The verb that writes a run as a page."""

from __future__ import annotations

from pathlib import Path

import click

from lamm_bench.errors import BenchError

from .options import SETTINGS, can_be_written, data_root_option, guarded, plugin_option


@click.command(context_settings=SETTINGS, short_help="Write a run as one HTML file.")
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--out", "--output", "out", type=click.Path(path_type=Path), metavar="FILE", help="Default: report.html in the run folder."
)
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
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.rescoring import root_of
    from lamm_bench.show.progress import Bars, stderr_console
    from lamm_bench.show.report import write_report

    catalog = load_catalog(plugins)
    root = root_of([run_folder], data_root, catalog, Bars(stderr_console()).say)
    if out is not None and (reason := can_be_written(out)):
        raise BenchError(f"cannot write {out}: {reason}")
    path = write_report(run_folder, catalog, root, out or run_folder / "report.html", per_task)
    click.echo(f"report: {path}")
