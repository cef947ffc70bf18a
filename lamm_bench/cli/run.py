"""The verb that asks and scores."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .away import loud_options, watching
from .conclude import conclude, show_outcome_unless_json_on_stdout
from .configured import Configured, words_said
from .crew import engage
from .options import (
    MISSING,
    SETTINGS,
    Finite,
    by_option,
    can_be_written,
    data_root_option,
    device_options,
    guarded,
    json_option,
    max_cost_option,
    override_option,
    pairs,
    plugin_option,
    protocol_names,
    protocol_option,
    remark,
    say_hints,
    with_shortcuts,
    worker_options,
)


@click.command(cls=Configured, context_settings=SETTINGS, short_help="Ask a model about tasks, and score its answers.")
@click.option("--model", required=True, metavar="NAME", help="A model adapter; `lamm-bench list models` shows them.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of the model (repeatable)."
)
@click.option("--tasks", metavar="LIST", help="Task names and groups (2d, 3d, locating, all); default: those of the recipe.")
@data_root_option
@click.option("--recipe", default="lamm/standard", show_default=True, metavar="NAME", help="How to ask: a name or a YAML file.")
@click.option(
    "--recipes", metavar="LIST", help="Ask with each of these recipes, a run each below --output, and show what wording moves."
)
@click.option("--seeds", metavar="LIST", help="Ask with each of these seeds (0..4 or 1,5), a run each below --output.")
@override_option
@protocol_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Ask only N samples of each task, drawn with the seed.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of --limit and of sampling.")
@click.option(
    "--control",
    metavar="NAME",
    help="A control experiment: `blind` replaces all media by blanks, `shuffled` puts their content out of order, `swapped` shows "
    "another sample's.",
)
@click.option("--controls", is_flag=True, help="Ask under every control too, each a run beside this one, and show what is lost.")
@click.option(
    "--corrupt",
    metavar="LIST",
    help="Makes pictures, clouds or questions worse: fog:3, several by commas, chef-images, chef-texts, chef-files:both "
    "(`lamm-bench list corruptions`).",
)
@click.option(
    "--batch-size", type=click.IntRange(min=1), metavar="N", help="The model's batch size (same as --set batch_size=N)."
)
@device_options
@worker_options
@click.option(
    "--shard", metavar="I/N", help="Ask only share I of N, for jobs side by side; `lamm-bench merge` puts them together."
)
@click.option(
    "--claims",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="With --shard: a folder that all jobs share, where they claim what they ask; those that are done do what others have not begun.",
)
@click.option(
    "--claim-patience",
    type=Finite(min=0, min_open=True),
    metavar="SECONDS",
    help="What a job has claimed that has died is asked by others after so long (default 300).",
)
@click.option("--feature-cache", metavar="DIR", help="Keeps encoded media between runs (same as --set feature_cache=DIR).")
@max_cost_option
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="The run folder; default runs/<model>-<identity>.")
@click.option("--name", metavar="NAME", help="How leaderboards call the run; also its folder, runs/NAME, without --output.")
@click.option("--resume", "mode", flag_value="resume", help="Insist on going on with a run that is there.")
@click.option("--fresh", "mode", flag_value="fresh", help="Begin anew; what was there is moved to old-N in the run folder.")
@by_option
@json_option("Also write the results as JSON (- for stdout).")
@plugin_option
@loud_options
@guarded
def run(**asked: Any) -> None:
    """Ask a model about tasks, keep every answer, score them, and show the result.

    The same command run again goes on where it stopped; with more tasks or a larger --limit and the same --output or --name, only
    what is new is asked. Exit status 3 says that answers are missing.

    \b
    Examples:
      lamm-bench run --model lamm --tasks all
      lamm-bench run --model lamm --tasks 3d --data-root LAMM --limit 200
      lamm-bench run --model lamm --tasks 2d --feature-cache features --dtype bfloat16
      lamm-bench run --model lamm --tasks voc2012,lsp --control blind
      lamm-bench run --model lamm --tasks scanqa,ai2d --controls
      lamm-bench run --model lamm --tasks ai2d --recipes lamm/standard,lamm/classic --seeds 0..4 --output study
      lamm-bench run --model lamm --tasks ai2d --recipe lamm/likelihood --override inferencer.option=text
      lamm-bench run --model lamm --tasks 3d --corrupt jitter:3,colour_loss:5
      lamm-bench run --model lamm --tasks all --data-root LAMM --workers gpus
      lamm-bench run --config run.yaml --limit 20 --quiet --log-file run.log
      lamm-bench run --model lamm --tasks all --data-root LAMM --workers 16 --engine ray --address 10.0.0.1:6379 --gpus-per-worker 1
      lamm-bench run --model chance --tasks all --set seed=3
      lamm-bench run --model scripted --set answers=answers.json --tasks svt
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.controls import ask_controls
    from lamm_bench.ask.corrupt.chain import parse
    from lamm_bench.ask.session import Options
    from lamm_bench.ask.session import run as run_session
    from lamm_bench.ask.shares import Share
    from lamm_bench.ask.study import ask_study
    from lamm_bench.data.locate import find_root
    from lamm_bench.keep.claims import PATIENCE
    from lamm_bench.show.controls import show_controls
    from lamm_bench.show.study import show_study
    from lamm_bench.show.tables import show_outcome

    studied = study_of(asked)
    share = Share.parse(asked["shard"]) if asked["shard"] is not None else None
    if share is not None and asked["json_file"] is not None:
        raise BenchError("--json: a share has no results; `lamm-bench merge` writes those of the whole run")
    if asked["controls"] and (share is not None or asked["control"] or asked["corrupt"]):
        raise BenchError("--controls asks the run as it is and under every control; leave out --control, --corrupt and --shard")
    refuse_claims(asked)
    catalog = load_catalog(asked["plugins"])
    settings = with_shortcuts(asked, asked["model"], catalog)
    recipe = catalog.recipe(
        asked["recipe"], asked["overrides"]
    )  # a wrong name is told before a model is loaded or data are drawn
    for name in studied[0] if studied else ():
        catalog.recipe(name, asked["overrides"])
    tasks = asked["tasks"] if asked["tasks"] is not None else ",".join(recipe.scenario.tasks)
    chosen = catalog.select_tasks(tasks)
    protocols = protocol_names(asked["protocols"])
    parse(asked["corrupt"])  # a wrong one too
    adapter = catalog.adapter(asked["model"], settings)
    watcher = watching()
    fleet = engage(asked, asked["model"], settings, adapter, catalog, watcher)
    adapter = fleet or adapter
    options = Options(
        model=asked["model"],
        settings=settings,
        tasks=tasks,
        recipe=asked["recipe"],
        overrides=asked["overrides"],
        protocols=protocols,
        limit=asked["limit"],
        seed=asked["seed"],
        control=asked["control"],
        corrupt=asked["corrupt"] or "",
        output=asked["output"],
        mode=asked["mode"] or "auto",
        share=share,
        claims=asked["claims"],
        claim_patience=asked["claim_patience"] or PATIENCE,
        name=(asked["name"] or "").strip(),
        command=words_said(),
    )
    try:
        if fleet is None:
            say_hints(adapter)
        root, source = find_root(asked["data_root"], watcher.say, chosen)
        if fleet is not None:  # whose workers load their model meanwhile
            say_hints(fleet)
        if studied:
            study = ask_study(options, *studied, catalog, adapter, root, source, watcher)
            conclude(study, asked["json_file"], samples=None)
            if str(asked["json_file"]) != "-":
                show_study(study)
            sys.exit(MISSING if study.incomplete else 0)
        outcome = (ask_controls if asked["controls"] else run_session)(options, catalog, adapter, root, source, watcher)
    finally:
        if fleet is not None:
            fleet.close()
    if share is not None:
        of = "it" if asked["claims"] is None else "what it has claimed"
        left = f", {outcome.left} samples of {of} have no answer" if outcome.left else ""
        remark(f"share {share} was asked{left}; run folder: {outcome.folder}")
        sys.exit(0 if outcome.complete else MISSING)
    conclude(outcome, asked["json_file"], samples=True)
    show_outcome_unless_json_on_stdout(partial(show_outcome, every=asked["by"]), outcome, asked["json_file"])
    show_outcome_unless_json_on_stdout(show_controls, outcome, asked["json_file"])
    remark(f"run folder: {outcome.folder}")
    sys.exit(0 if outcome.complete else MISSING)


def refuse_claims(asked: dict[str, Any]) -> None:
    """Raises `BenchError` where claims are named that nobody can make."""
    if asked["claims"] is None:
        if asked["claim_patience"] is not None:
            raise BenchError("--claim-patience is about claims; add --claims DIR, or leave it out")
    elif asked["shard"] is None:
        raise BenchError("--claims is about jobs side by side; add --shard I/N, or leave it out")
    elif reason := can_be_written(asked["claims"] / "claims.json"):
        raise BenchError(f"cannot write to --claims {asked['claims']}: {reason}")


def study_of(asked: dict[str, Any]) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    """The recipes and seeds of a study; None where none is asked for. Raises `BenchError` for what does not go with one."""
    if asked["recipes"] is None and asked["seeds"] is None:
        return None
    from lamm_bench.ask.study import seeds_of

    if asked["output"] is None:
        raise BenchError("--output: name the folder in which the runs of the study will lie")
    if asked["controls"] or asked["shard"] is not None or asked["name"]:
        raise BenchError("--recipes and --seeds ask several runs; leave out --controls, --shard and --name")
    listed = asked["recipes"] if asked["recipes"] is not None else asked["recipe"]
    recipes = tuple(dict.fromkeys(name.strip() for name in listed.split(",") if name.strip()))
    if not recipes:
        raise BenchError(f"--recipes {listed}: names none; expected names by commas, such as lamm/standard,lamm/classic")
    return recipes, seeds_of(asked["seeds"]) if asked["seeds"] is not None else (asked["seed"],)
