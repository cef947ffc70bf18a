"""The verbs that make scores: `run` and `score`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .cli_options import (
    MISSING,
    SETTINGS,
    data_root_option,
    device_options,
    guarded,
    json_option,
    max_cost_option,
    pairs,
    plugin_option,
    protocol_names,
    protocol_option,
    say_hints,
    with_shortcuts,
)
from .errors import BenchError


@click.command(context_settings=SETTINGS)
@click.option("--model", required=True, metavar="NAME", help="A model adapter; `lamm-bench list models` shows them.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of the model (repeatable)."
)
@click.option("--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups (2d, 3d, locating, all).")
@data_root_option
@click.option("--recipe", default="lamm/standard", show_default=True, metavar="NAME", help="How to ask: a name or a YAML file.")
@protocol_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ask only N samples of each task, drawn with the seed.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of --limit and of sampling.")
@click.option("--control", metavar="NAME", help="A control experiment: `blind` replaces every image or cloud by a blank.")
@click.option(
    "--batch-size", type=click.IntRange(min=1), metavar="N", help="The model's batch size (same as --set batch_size=N)."
)
@device_options
@click.option("--feature-cache", metavar="DIR", help="Keeps encoded media between runs (same as --set feature_cache=DIR).")
@max_cost_option
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="The run folder; default runs/<model>-<identity>.")
@click.option("--resume", "mode", flag_value="resume", help="Insist on going on with a run that is there.")
@click.option("--fresh", "mode", flag_value="fresh", help="Begin anew; what was there is moved to old-N in the run folder.")
@json_option("Also write the results as JSON (- for stdout).")
@plugin_option
@guarded
def run(**asked: Any) -> None:
    """Ask a model about tasks, keep every answer, score them, and show the result.

    The same command run again goes on where it stopped. Exit status 3 says that answers are missing.

    \b
    Examples:
      lamm-bench run --model lamm --tasks all
      lamm-bench run --model lamm --tasks 3d --data-root LAMM --limit 200
      lamm-bench run --model lamm --tasks 2d --feature-cache features --dtype bfloat16
      lamm-bench run --model lamm --tasks voc2012,lsp --control blind
      lamm-bench run --model chance --tasks all --set seed=3
      lamm-bench run --model scripted --set answers=answers.json --tasks svt
    """
    from .catalog import load_catalog
    from .data.locate import find_root
    from .render import Bars, show_outcome, stderr_console
    from .session import Options
    from .session import run as run_session

    catalog = load_catalog(asked["plugins"])
    settings = with_shortcuts(asked, asked["model"], catalog)
    catalog.recipe(asked["recipe"])  # a wrong name is told before a model is loaded or data are drawn
    catalog.select_tasks(asked["tasks"])
    protocols = protocol_names(asked["protocols"])
    adapter = catalog.adapter(asked["model"], settings)
    watcher = Bars(stderr_console())
    say_hints(adapter)
    root, source = find_root(asked["data_root"], watcher.say)
    options = Options(
        model=asked["model"],
        settings=settings,
        tasks=asked["tasks"],
        recipe=asked["recipe"],
        protocols=protocols,
        limit=asked["limit"],
        seed=asked["seed"],
        control=asked["control"],
        output=asked["output"],
        mode=asked["mode"] or "auto",
    )
    outcome = run_session(options, catalog, adapter, root, source, watcher)
    conclude(outcome, asked["json_file"], samples=True)
    show_outcome_unless_json_on_stdout(show_outcome, outcome, asked["json_file"])
    click.echo(f"run folder: {outcome.folder}", err=True)
    sys.exit(0 if outcome.complete else MISSING)


def conclude(outcome: Any, json_file: Path | None, samples: bool) -> None:
    """Writes `--json`, whole or not at all; `-` is standard output."""
    import json

    if json_file is None:
        return
    value = outcome.to_json(samples)
    if str(json_file) == "-":
        click.echo(json.dumps(value, ensure_ascii=False, indent=1))
        return
    from .store import write_json

    write_json(json_file, value)


def show_outcome_unless_json_on_stdout(show: Callable[..., None], outcome: Any, json_file: Path | None) -> None:
    if str(json_file) != "-":
        from rich.console import Console

        show(Console(), outcome)


@click.command(context_settings=SETTINGS)
@click.argument("run_folder", required=False, type=click.Path(path_type=Path), metavar="[RUN]")
@click.option("--answers", type=click.Path(path_type=Path), metavar="DIR", help="Folder of upstream-format answer files.")
@click.option("--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups.")
@data_root_option
@protocol_option
@click.option("--samples", is_flag=True, help="Also print every sample's status and values.")
@click.option("--metrics", is_flag=True, help="Print all metrics, not only the headline.")
@json_option("Write the scores as JSON (- for stdout).")
@plugin_option
@guarded
def score(**asked: Any) -> None:
    """Score a stored run, or answer files of any model, without a model.

    Answer files are named as upstream names them (Classification_CIFAR10.json ...) and hold {"id", "text"}.
    They are joined by id under `standard` and `chef`, by position under `classic`.

    \b
    Examples:
      lamm-bench score runs/lamm-1a2b3c4d --metrics
      lamm-bench score --answers answers/ --data-root LAMM --protocol classic
      lamm-bench score --answers answers/ --data-root LAMM --json scores.json
    """
    from .catalog import load_catalog
    from .data.locate import find_root
    from .recipe import PROTOCOLS
    from .render import Bars, show_outcome, show_samples, stderr_console
    from .session import rescore, root_of, score_answers

    if (asked["run_folder"] is None) == (asked["answers"] is None):
        raise BenchError("name either a run folder or --answers DIR")
    catalog = load_catalog(asked["plugins"])
    watcher = Bars(stderr_console())
    protocols = protocol_names(asked["protocols"])
    if asked["run_folder"] is not None:
        root = root_of([asked["run_folder"]], asked["data_root"], catalog, watcher.say)
        outcome = rescore(asked["run_folder"], catalog, root, asked["tasks"], protocols, watcher)
    else:
        root, _ = find_root(asked["data_root"], watcher.say)
        outcome = score_answers(asked["answers"], catalog, root, asked["tasks"], protocols or PROTOCOLS, watcher)
    conclude(outcome, asked["json_file"], samples=True)
    if str(asked["json_file"]) != "-":
        show_samples(outcome, samples=asked["samples"], metrics=asked["metrics"])
    show_outcome_unless_json_on_stdout(show_outcome, outcome, asked["json_file"])
    sys.exit(0 if outcome.complete else MISSING)
