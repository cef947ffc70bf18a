"""The verb that compares two runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .options import (
    MISSING,
    SETTINGS,
    data_root_option,
    guarded,
    json_option,
    plugin_option,
)


@click.command(context_settings=SETTINGS, short_help="Compare two runs sample by sample.")
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.argument("other_folder", type=click.Path(path_type=Path), metavar="RUN2")
@click.option("--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups.")
@data_root_option
@click.option("--protocol", default="standard", show_default=True, metavar="NAME", help="standard, classic or chef.")
@json_option("Also write JSON (- for stdout).")
@plugin_option
@guarded
def compare(**asked: Any) -> None:
    """Compare two runs sample by sample: the difference of each task's score, with its interval and a p-value.

    Both must have been asked about the same items. The interval of a difference is much narrower than the two intervals of the
    scores suggest, because both models met the same images.

    \b
    Example:
      lamm-bench compare runs/lamm-1a2b3c4d runs/llava-5e6f7a8b --tasks 2d
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.comparing import compare_runs
    from lamm_bench.ask.rescoring import root_of
    from lamm_bench.keep.files import write_json
    from lamm_bench.show.comparison import show_comparison
    from lamm_bench.show.progress import Bars, stderr_console

    from .options import protocol_names

    catalog = load_catalog(asked["plugins"])
    names = protocol_names((asked["protocol"],))
    if len(names) != 1:
        raise BenchError("--protocol: name one protocol to compare under")
    runs = [asked["run_folder"], asked["other_folder"]]
    root = root_of(runs, asked["data_root"], catalog, Bars(stderr_console()).say)
    comparison = compare_runs(asked["run_folder"], asked["other_folder"], catalog, root, asked["tasks"], names[0])
    if str(asked["json_file"]) == "-":
        click.echo(json.dumps(comparison.to_json(), ensure_ascii=False, indent=1))
    else:
        if asked["json_file"] is not None:
            write_json(asked["json_file"], comparison.to_json())
        show_comparison(comparison)
    sys.exit(0 if not comparison.unavailable else MISSING)
