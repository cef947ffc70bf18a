"""The verb that makes one run of the folders of several jobs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .conclude import conclude, show_outcome_unless_json_on_stdout
from .options import MISSING, SETTINGS, data_root_option, guarded, json_option, plugin_option


@click.command(context_settings=SETTINGS, short_help="Make one run of the folders of several jobs.")
@click.argument("run_folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The folder of the whole run.")
@data_root_option
@json_option("Also write the results as JSON (- for stdout).")
@plugin_option
@guarded
def merge(**asked: Any) -> None:
    """Make one run of the folders that `run --shard I/N` has left, and score it.

    What comes out is the run of a single process, with which `run` can go on. Of a sample that several folders have, the first one
    counts in which it has ended, and the others are compared with it. Exit status 3 says that answers are missing.

    \b
    Example:
      lamm-bench merge runs/llava-*-of-16 --output runs/llava
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.show.progress import Bars, stderr_console
    from lamm_bench.show.tables import show_outcome
    from lamm_bench.spread.merge import merge as merged

    watcher = Bars(stderr_console())
    catalog = load_catalog(asked["plugins"])
    outcome = merged(asked["run_folders"], asked["output"], asked["data_root"], catalog, watcher)
    conclude(outcome, asked["json_file"], samples=True)
    show_outcome_unless_json_on_stdout(show_outcome, outcome, asked["json_file"])
    click.echo(f"run folder: {outcome.folder}", err=True)
    sys.exit(0 if outcome.complete else MISSING)
