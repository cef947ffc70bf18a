"""The verb that looks at items over runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .options import SETTINGS, guarded, json_option, once, plugin_option, protocol_names


@click.command(context_settings=SETTINGS, short_help="Items over runs: missed by all, right without seeing.")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups, of those of the runs.")
@click.option("--protocol", default="standard", show_default=True, metavar="NAME", help="standard, classic or chef.")
@click.option(
    "--most", type=click.IntRange(min=0), default=5, show_default=True, metavar="N", help="Suspicious items shown of each task."
)
@json_option("Also write every item as JSON (- for stdout).")
@plugin_option
@guarded
def items(**asked: Any) -> None:
    """Look at items over runs: which all miss, which are right without seeing (a run with --control blind among them), and which the better
    runs miss and the poorer do not, where often the truth is wrong.

    \b
    Example:
      lamm-bench items runs/lamm-1a2b3c4d runs/llava-5e6f7a8b runs/qwen-9c0d1e2f runs/qwen-9c0d1e2f-blind
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.items import analyse
    from lamm_bench.keep.files import write_json
    from lamm_bench.keep.runs import Run
    from lamm_bench.show.items import show_items

    names = protocol_names((asked["protocol"],))
    if len(names) != 1:
        raise BenchError("--protocol: name one protocol")
    catalog, folders = load_catalog(asked["plugins"]), once(asked["folders"])
    held = {name for folder in folders for name in Run.asked(folder).manifest["identity"]["data"]}
    tasks = [task for task in catalog.select_tasks(asked["tasks"], sorted(held & catalog.tasks.keys())) if task.name in held]
    found = analyse(folders, tasks, names[0])
    if str(asked["json_file"]) == "-":
        click.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=1))
        return
    if asked["json_file"] is not None:
        write_json(asked["json_file"], found.to_json())
    show_items(found, asked["most"])
