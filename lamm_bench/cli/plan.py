"""The verb that says what a run can show before it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .configured import Configured
from .options import SETTINGS, Finite, data_root_option, guarded, json_option, plugin_option, protocol_names


@click.command(cls=Configured, context_settings=SETTINGS, short_help="What a run could show and would take, before it is asked.")
@click.option("--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups.")
@data_root_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="As the run would have it: N samples of each task.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of --limit.")
@click.option(
    "--pilot",
    "pilots",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="A run, however small, whose answers and seconds say what is to be expected; twice: two models' own difference.",
)
@click.option(
    "--difference", type=Finite(min=0, min_open=True), metavar="D", help="Say how many samples a true difference of D needs."
)
@click.option("--protocol", default="standard", show_default=True, metavar="NAME", help="standard, classic or chef.")
@click.option("--price-in", type=Finite(min=0), metavar="P", help="Of a million tokens of prompts.")
@click.option("--price-out", type=Finite(min=0), metavar="P", help="Of a million new tokens.")
@json_option("Also write JSON (- for stdout).")
@plugin_option
@guarded
def plan(**asked: Any) -> None:
    """Say, before a run, the smallest difference between two models that it could show (for each task, and for their mean), how many
    samples a wanted difference needs, and the time, tokens and cost that a pilot run lets expect. Nothing is asked.

    \b
    Examples:
      lamm-bench plan --tasks all --data-root LAMM --limit 200 --difference 5
      lamm-bench run --model lamm --tasks 2d --limit 20 --output pilot
      lamm-bench plan --tasks 2d --limit 500 --pilot pilot
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.outcome import Outcome, load
    from lamm_bench.ask.planning import Pilot, forecast
    from lamm_bench.data.locate import find_root
    from lamm_bench.keep.files import write_json
    from lamm_bench.show.planning import show_plan
    from lamm_bench.show.progress import Bars, stderr_console

    names = protocol_names((asked["protocol"],))
    if len(names) != 1:
        raise BenchError("--protocol: name one protocol")
    if (asked["price_in"] is None) != (asked["price_out"] is None):
        raise BenchError("name both --price-in and --price-out, or neither")
    if len(asked["pilots"]) > 2:
        raise BenchError("--pilot: one run or two; the difference of three is none")
    prices = (asked["price_in"], asked["price_out"]) if asked["price_in"] is not None else None
    pilots = [Pilot.of(folder) for folder in asked["pilots"]]
    catalog = load_catalog(asked["plugins"])
    chosen, outcome = catalog.select_tasks(asked["tasks"]), Outcome()
    wanted = asked["difference"]
    shares = [
        task.name for task in chosen if names[0] in task.protocols and task.protocols[names[0]].metrics[0].unit == "percent"
    ]
    if wanted is not None and wanted > 100 and shares:
        raise BenchError(f"--difference {wanted:g}: {shares[0]} is scored in percent, of which no two differ by more than 100")
    root, _ = find_root(asked["data_root"], Bars(stderr_console()).say, chosen)
    loaded = load(chosen, root, outcome)
    made = forecast(loaded, asked["limit"], asked["seed"], pilots, names[0], wanted, prices)
    made.notes += [f"{name}: left out, {why}" for name, why in outcome.unavailable.items()]
    if str(asked["json_file"]) == "-":
        click.echo(json.dumps(made.to_json(), ensure_ascii=False, indent=1))
        return
    if asked["json_file"] is not None:
        write_json(asked["json_file"], made.to_json())
    show_plan(made)
