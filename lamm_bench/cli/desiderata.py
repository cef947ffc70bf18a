"""The verb of ChEF's desiderata."""

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
    remark,
    say_hints,
    with_shortcuts,
    worker_options,
)


@click.command(cls=Configured, context_settings=SETTINGS, short_help="ChEF's desiderata: calibration, robustness, four more.")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN]...")
@click.option("--model", metavar="NAME", help="Ask this model; without it, the figures are made of RUNs that are there.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of the model (repeatable)."
)
@click.option("--only", metavar="LIST", help="Desiderata, separated by commas; default: all six.")
@click.option("--tasks", metavar="LIST", help="Multiple-choice tasks instead of chef-scienceqa,chef-mmbench.")
@data_root_option
@click.option(
    "--recipe", metavar="NAME", help="How to ask; default desiderata/likelihood. lamm/standard for models without likelihoods."
)
@click.option(
    "--retrievers", default="random", show_default=True, metavar="LIST", help="Of examples in context, separated by commas."
)
@click.option("--corrupted-files", is_flag=True, help="Robustness on ChEF's own ScienceQA_C and MMBench_C, not on the fly.")
@click.option("--judge", metavar="NAME", help="A model that grades language performance.")
@click.option(
    "--judge-set",
    "judge_settings",
    multiple=True,
    callback=pairs,
    metavar="KEY=VALUE",
    help="An option of the judge (repeatable).",
)
@click.option("--votes", type=click.IntRange(1, 99), default=6, show_default=True, help="Grades of each answer.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ask only N samples of each task, drawn with the seed.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of --limit, examples and corruptions."
)
@click.option(
    "--batch-size", type=click.IntRange(min=1), metavar="N", help="The model's batch size (same as --set batch_size=N)."
)
@device_options
@max_cost_option
@worker_options
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the runs and figures; default runs/desiderata-NAME.",
)
@click.option("--name", metavar="NAME", help="How tables call the model.")
@click.option("--details", is_flag=True, help="Also print what the figures are made of, set by set.")
@click.option("--fresh", is_flag=True, help="Ask anew; what was there is moved to old-N in each run folder.")
@json_option("Also write the figures as JSON (- for stdout).")
@plugin_option
@loud_options
@guarded
def desiderata(**asked: Any) -> None:
    """Ask a model for its desiderata, or make them of runs that are there: what ChEF wants of a model beside accuracy.

    Calibration, in-context learning, instruction following, language performance, hallucination, robustness. Each is made of ordinary
    runs in folders below DIR, so the same command goes on where it stopped. DIR/desiderata.json holds the figures,
    DIR/desiderata.svg and .png show them as ChEF's hexagon. Exit status 3 says that a figure is missing.

    \b
    Examples:
      lamm-bench desiderata --model lamm --data-root DATA
      lamm-bench desiderata --model lamm --only calibration,robustness --tasks sqaimage --limit 200
      lamm-bench desiderata --model hf-chat --set model=Qwen/Qwen2.5-VL-3B-Instruct --data-root DATA --judge openai-chat --judge-set model=gpt-4o-mini
      lamm-bench desiderata runs/desiderata-lamm runs/desiderata-qwen --output compared
    """
    from lamm_bench.ask.catalog import load_catalog

    catalog = load_catalog(asked["plugins"])
    watcher = watching()
    if asked["model"] is None:
        if not asked["runs"]:
            raise BenchError("name a model to ask, as in --model lamm, or run folders that are there")
        refuse_workers(asked, "runs that are there are only read")
        found, folder = of_runs(asked, catalog, watcher)
    else:
        if asked["runs"]:
            raise BenchError("either --model asks a model, or RUNs are looked at; leave one of them out")
        found, folder = of_model(asked, catalog, watcher)
    conclude(found, folder, asked["json_file"], asked["details"])
    sys.exit(0 if found.complete else MISSING)


def of_runs(asked: dict[str, Any], catalog: Any, watcher: Any) -> tuple[Any, Path | None]:
    """The figures of runs that are there, and where they are kept."""
    from lamm_bench.ask.rescoring import root_of
    from lamm_bench.desiderata.gathering import run_folders
    from lamm_bench.desiderata.session import evaluate

    folders = run_folders(asked["runs"])
    root = root_of(folders, asked["data_root"], catalog, watcher.say)
    own = asked["runs"][0] if len(asked["runs"]) == 1 and not (asked["runs"][0] / "manifest.json").is_file() else None
    return evaluate(folders, catalog, root, watcher.say), asked["output"] or own


def of_model(asked: dict[str, Any], catalog: Any, watcher: Any) -> tuple[Any, Path]:
    """Asks, has judged, and makes the figures."""
    from lamm_bench.data.locate import find_root
    from lamm_bench.desiderata import session
    from lamm_bench.desiderata.legs import FOLLOWING, LANGUAGE, NAMES, POPE, RETRIEVERS, SETS, Way, legs
    from lamm_bench.errors import unknown
    from lamm_bench.show.figures import BASELINES

    retrievers = split(asked["retrievers"])
    for one in retrievers:
        if one not in RETRIEVERS:
            raise unknown("retriever", one, RETRIEVERS)
    if asked["only"] is not None and not split(asked["only"]):
        raise BenchError(f"--only names none; there are {', '.join(NAMES)}")
    if asked["judge_settings"] and not asked["judge"]:
        raise BenchError("--judge-set is about a judge; name one with --judge")
    if asked["judge"] in BASELINES:
        raise BenchError(f"--judge {asked['judge']}: a baseline answers the samples of a task and cannot judge; name a model")
    want = split(asked["only"]) or (NAMES if asked["judge"] else tuple(name for name in NAMES if name != LANGUAGE))
    sets = split(asked["tasks"]) or SETS
    way = Way(retrievers=retrievers, files=asked["corrupted_files"])
    if asked["recipe"]:
        way = Way(asked["recipe"], retrievers=retrievers, files=asked["corrupted_files"])
    weighs = catalog.recipe(way.recipe).inferencer.get("name") == "likelihood"
    if not weighs and FOLLOWING in want and asked["only"] is None:
        want = tuple(name for name in want if name != FOLLOWING)
        watcher.say(f"note: {FOLLOWING} is left out: other words for options go with likelihoods, and {way.recipe} asks for text")
    legs(want, sets, POPE, way)  # a wrong name is told before a model is loaded
    tasks = catalog.select_tasks(",".join([*sets, *POPE]))
    settings = with_shortcuts(asked, asked["model"], catalog)
    judge = None
    if asked["judge"]:
        judge = session.Judge(
            asked["judge"], catalog.adapter(asked["judge"], asked["judge_settings"]), asked["judge_settings"], asked["votes"]
        )
    adapter = catalog.adapter(asked["model"], settings)
    output = asked["output"] or Path("runs") / f"desiderata-{asked['name'] or asked['model']}"
    options = session.Options(
        asked["model"], output, settings, want, sets, POPE, way, asked["limit"], asked["seed"],
        "fresh" if asked["fresh"] else "auto", asked["name"] or "", words_said(),
    )  # fmt: skip
    with crewed(asked, asked["model"], settings, adapter, catalog, watcher) as crew:
        root, source = find_root(asked["data_root"], watcher.say, tasks)
        say_hints(crew)
        folders, missing = session.ask(options, catalog, crew, root, source, watcher)
    if judge is not None and (why := session.have_judged(options, judge, catalog, root, watcher)):
        missing["judge"] = why
    found = session.evaluate(folders, catalog, root, watcher.say)
    found.missing |= missing
    found.want = want
    return found, output


def split(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def conclude(found: Any, folder: Path | None, json_file: Path | None, details: bool) -> None:
    """The table, the files, and the figures as JSON."""
    from rich.console import Console

    from lamm_bench.keep.files import write_json
    from lamm_bench.show.desiderata import save_hexagon, save_reliability, show_desiderata

    if str(json_file) == "-":
        click.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=1))
    else:
        if json_file is not None:
            write_json(json_file, found.to_json())
        show_desiderata(Console(), found, details)
    if folder is not None:
        write_json(folder / "desiderata.json", found.to_json())
        files = [*save_hexagon(found, folder / "desiderata.svg"), *save_reliability(found, folder)]
        drawn = ", ".join(str(file) for file in files if file.suffix == ".svg")
        remark(f"figures: {folder / 'desiderata.json'}; drawings (.svg and .png): {drawn}")
