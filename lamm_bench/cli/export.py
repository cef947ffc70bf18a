"""The verb that writes a run in the formats of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .options import SETTINGS, data_root_option, guarded, pairs, plugin_option


@click.command(context_settings=SETTINGS, short_help="Write a run's answers in another format.")
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--to",
    "form",
    required=True,
    metavar="FORMAT",
    help="`chef`: the answer files of LAMM's ChEF; `eee`: Every Eval Ever 0.3; `hf-eval-results`: for model cards; `csv`, `parquet`: samples; "
    "`lmms-eval`: its logs; `wandb`: a run to be synced.",
)
@click.option("--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The folder of the files.")
@click.option("--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups, of those of the run.")
@click.option(
    "--about",
    multiple=True,
    callback=pairs,
    metavar="KEY=VALUE",
    help="What a format needs to know: of hf-eval-results TASK=owner/dataset:task_id, url, name, user, org; of eee organization, "
    "relationship, model_id, developer, deployment_type, model_availability; of wandb project, entity, group (repeatable).",
)
@data_root_option
@plugin_option
@guarded
def export(**asked: Any) -> None:
    """Write a run in another format. Of `chef`, `score --answers DIR` gives the same figures again.

    \b
    Examples:
      lamm-bench export runs/lamm-1a2b3c4d --to chef --output answers
      lamm-bench export runs/lamm-1a2b3c4d --to parquet --output samples
      lamm-bench export runs/lamm-1a2b3c4d --to hf-eval-results --about ai2d=lmms-lab/ai2d --output card
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.exporting import export as exported
    from lamm_bench.show.progress import Bars, stderr_console

    catalog, watcher = load_catalog(asked["plugins"]), Bars(stderr_console())
    places = (asked["run_folder"], asked["form"], asked["output"], asked["data_root"])
    for path, count in exported(*places, catalog, asked["tasks"], watcher, asked["about"]):
        click.echo(f"{path}: {count} answers")
