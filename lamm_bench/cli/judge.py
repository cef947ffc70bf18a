"""The verb that lets a model judge answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .away import loud_options, watching
from .configured import Configured
from .crew import crewed, refuse_workers
from .options import (
    MISSING,
    SETTINGS,
    Finite,
    data_root_option,
    guarded,
    json_option,
    max_cost_option,
    pairs,
    plugin_option,
    remark,
    with_shortcuts,
    worker_options,
)


@click.command(cls=Configured, context_settings=SETTINGS, short_help="Let a model rate or rank the answers of a run.")
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--against", type=click.Path(path_type=Path), metavar="RUN2", help="Rank RUN's answers against those of this run.")
@click.option("--judge", metavar="NAME", help="A model adapter that judges; `lamm-bench list models` shows them.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of the judge (repeatable)."
)
@click.option("--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups. Ranking has LAMM's nine.")
@data_root_option
@click.option("--votes", type=click.IntRange(1, 99), default=3, show_default=True, help="Ratings of each answer; 1 is greedy.")
@click.option("--temperature", type=Finite(0, 2), default=0.7, show_default=True, help="Of the votes, when several.")
@click.option(
    "--protocol", default="standard", show_default=True, metavar="NAME", help="Ranking: standard (both orders) or classic."
)
@click.option(
    "--language", is_flag=True, help="Grade chains of thought with their answers, 0 to 10: ChEF's language performance."
)
@click.option("--classic-newlines", is_flag=True, help="With classic: also upstream's newline between every two characters.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Judge only N answers of each task, drawn with the seed.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the draws and of the votes.")
@click.option("--max-new-tokens", type=click.IntRange(min=1), metavar="N", help="Of a verdict; reasoning judges need thousands.")
@max_cost_option
@worker_options
@click.option("--fresh", is_flag=True, help="Ask again; the verdicts there were are moved to old-N.")
@click.option("--replay", is_flag=True, help="Score all recorded verdicts of RUN again, without a judge.")
@json_option("Also write JSON (- for stdout).")
@plugin_option
@loud_options
@guarded
def judge(**asked: Any) -> None:
    """Let a model judge the answers of a run: rate them, or rank them against another run's.

    Every verdict is kept in RUN/judgements, and the same command goes on where it stopped. Failures of the judge are counted and
    are never a score. Exit status 3 says that verdicts are missing.

    \b
    Examples:
      lamm-bench judge runs/lamm-1a2b3c4d --judge openai-chat --set model=gpt-4o-mini --tasks flickr30k
      lamm-bench judge runs/lamm-1a2b3c4d --against runs/llava-5e6f7a8b --judge openai-chat --set model=gpt-4o-mini
      lamm-bench judge runs/thoughts --language --judge openai-chat --set model=gpt-4o-mini --votes 6
      lamm-bench judge runs/lamm-1a2b3c4d --judge hf-chat --set model=Qwen/Qwen2.5-7B-Instruct --workers gpus
      lamm-bench judge runs/lamm-1a2b3c4d --replay
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.rescoring import root_of
    from lamm_bench.judging.session import Options, check, replay
    from lamm_bench.judging.session import judge as judge_session

    if asked["replay"]:
        if asked["judge"] or asked["against"]:
            raise BenchError("--replay scores what is recorded; leave --judge and --against out")
        refuse_workers(asked, "--replay scores what is recorded")
        show(replay(asked["run_folder"]), asked["json_file"])
        return
    if not asked["judge"]:
        raise BenchError(
            "name a judge, as in --judge openai-chat --set model=gpt-4o-mini, or score recorded verdicts with --replay"
        )
    catalog = load_catalog(asked["plugins"])
    settings = with_shortcuts(asked, asked["judge"], catalog)
    options = Options(
        asked["run_folder"],
        asked["judge"],
        settings,
        asked["against"],
        asked["tasks"],
        asked["protocol"],
        asked["classic_newlines"],
        asked["votes"],
        asked["temperature"],
        asked["limit"],
        asked["seed"],
        "fresh" if asked["fresh"] else "auto",
        asked["max_new_tokens"],
        asked["language"],
    )
    check(options)
    adapter = catalog.adapter(asked["judge"], settings)
    watcher = watching()
    root = root_of([folder for folder in (options.run, options.against) if folder], asked["data_root"], catalog, watcher.say)
    with crewed(asked, asked["judge"], settings, adapter, catalog, watcher, tell=True) as judges:
        result = judge_session(options, catalog, judges, root, watcher)
    show([result], asked["json_file"])
    remark(f"verdicts: {result.folder}")
    sys.exit(0 if result.complete else MISSING)


def show(results: list[Any], json_file: Path | None) -> None:
    """Tables, and the same as JSON: one object, or a list of several."""
    from rich.console import Console

    from lamm_bench.keep.files import write_json
    from lamm_bench.show.judgement import show_judgement

    values = [result.to_json() for result in results]
    value = values[0] if len(values) == 1 else values
    if str(json_file) == "-":
        click.echo(json.dumps(value, ensure_ascii=False, indent=1))
        return
    if json_file is not None:
        write_json(json_file, value)
    for result in results:
        show_judgement(Console(), result)
