"""The verb that asks under corruptions of every kind and severity, and shows what is left."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .away import loud_options, watching
from .configured import Configured, words_said
from .crew import crewed, refuse_workers
from .options import (
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
    remark,
    say_hints,
    with_shortcuts,
    worker_options,
)


@click.command(cls=Configured, context_settings=SETTINGS, short_help="Ask under corruptions, and show what is left.")
@click.option("--runs", type=click.Path(path_type=Path), metavar="DIR", help="Ask nothing; show runs that lie below this folder.")
@click.option("--model", metavar="NAME", help="A model adapter.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of the model (repeatable)."
)
@click.option("--tasks", metavar="LIST", help="Task names and groups; default: those of the recipe, of stored runs all.")
@click.option(
    "--corruptions",
    default="all",
    show_default=True,
    metavar="LIST",
    help="Names and families (`lamm-bench list corruptions`), or all that fit the tasks' media.",
)
@click.option("--severities", default="1-5", show_default=True, metavar="LEVELS", help="Such as 1-5 or 1,3,5.")
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="The folder whose legs are runs.")
@data_root_option
@click.option("--recipe", default="lamm/standard", show_default=True, metavar="NAME", help="How to ask: a name or a YAML file.")
@click.option("--protocol", default="standard", show_default=True, metavar="NAME", help="standard, classic or chef.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ask only N samples of each task, drawn with the seed.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of --limit and of what is drawn.")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="The model's batch size.")
@device_options
@click.option("--feature-cache", metavar="DIR", help="Keeps encoded media between runs.")
@max_cost_option
@worker_options
@json_option("Also write JSON (- for stdout).")
@plugin_option
@loud_options
@guarded
def robustness(**asked: Any) -> None:
    """Ask a model about tasks as they are and under corruptions of severities 1 to 5, and show what is left of its figures.

    Every leg is a run of its own below --output; the same command again goes on where it stopped. There lie also robustness.json and
    robustness.svg, the curves.

    \b
    Examples:
      lamm-bench robustness --model lamm --tasks cifar10,scanqa --limit 24 --corruptions noise,fog --output curves
      lamm-bench robustness --model lamm --tasks 3d --output rooms
      lamm-bench robustness --runs curves --json curves.json
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.rescoring import root_of
    from lamm_bench.ask.robust import Curves, found_runs, measure
    from lamm_bench.keep.files import write_json, write_whole
    from lamm_bench.show.curves import curves_svg
    from lamm_bench.show.robustness import show_curves

    names = protocol_names((asked["protocol"],))
    if len(names) != 1:
        raise BenchError("--protocol: name one protocol")
    if (asked["runs"] is None) == (asked["model"] is None):
        raise BenchError("name either a model (--model, --output) or a folder of runs (--runs)")
    catalog = load_catalog(asked["plugins"])
    watcher = watching()
    if asked["runs"] is not None:
        refuse_workers(asked, "--runs only reads what is there")
        folder, folders = asked["runs"], found_runs(asked["runs"])
        root = root_of(folders[:1], asked["data_root"], catalog, watcher.say)
        curves = Curves("", names[0], folder)
    else:
        folders, curves, root = ask_legs(asked, catalog, watcher)
        folder = asked["output"]
        curves.protocol = names[0]
    measure(curves, folders, catalog, root, asked["tasks"] or "all")
    write_json(folder / "robustness.json", curves.to_json())
    write_whole(folder / "robustness.svg", curves_svg(curves).encode())
    if str(asked["json_file"]) == "-":
        click.echo(json.dumps(curves.to_json(), ensure_ascii=False, indent=1))
    else:
        if asked["json_file"] is not None:
            write_json(asked["json_file"], curves.to_json())
        show_curves(curves)
    remark(f"curves: {folder / 'robustness.svg'}")
    sys.exit(MISSING if curves.incomplete else 0)


def ask_legs(asked: dict[str, Any], catalog: Any, watcher: Any) -> tuple[list[Path], Any, Path]:
    """Asks all legs; raises `BenchError` for what is wrong before a model is loaded."""
    from lamm_bench.ask.robust import ask_all, chosen, legs, levels
    from lamm_bench.ask.session import Options
    from lamm_bench.data.locate import find_root

    if asked["output"] is None:
        raise BenchError("--output: name the folder in which the legs will lie")
    recipe = catalog.recipe(asked["recipe"])
    tasks = asked["tasks"] if asked["tasks"] is not None else ",".join(recipe.scenario.tasks)
    selected = catalog.select_tasks(tasks)
    chains = legs(chosen(asked["corruptions"], selected), levels(asked["severities"]))
    settings = with_shortcuts(asked, asked["model"], catalog)
    adapter = catalog.adapter(asked["model"], settings)
    options = Options(
        model=asked["model"],
        settings=settings,
        tasks=tasks,
        recipe=asked["recipe"],
        limit=asked["limit"],
        seed=asked["seed"],
        output=asked["output"],
        command=words_said(),
    )
    with crewed(asked, asked["model"], settings, adapter, catalog, watcher) as crew:
        root, source = find_root(asked["data_root"], watcher.say, selected)
        say_hints(crew)
        folders, curves = ask_all(options, chains, catalog, crew, root, source, watcher)
    return folders, curves, root
