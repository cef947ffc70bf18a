"""The verbs that put runs into a paper: tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .options import SETTINGS, can_be_written, guarded, once, plugin_option, protocol_names

RUNS = click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
PROTOCOL = click.option("--protocol", default="standard", show_default=True, metavar="NAME", help="standard, classic or chef.")
TASKS = click.option(
    "--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups, of those of the runs."
)


@click.command(context_settings=SETTINGS, short_help="Write runs as a table: LaTeX, Markdown, CSV, HTML.")
@RUNS
@click.option("--format", "form", type=click.Choice(["latex", "markdown", "csv", "html"]), default="markdown", show_default=True)
@TASKS
@PROTOCOL
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: standard output.")
@plugin_option
@guarded
def table(**asked: Any) -> None:
    """Write runs as a table: headlines with intervals, the best in bold only where the paired test says so.

    \b
    Example:
      lamm-bench table runs/lamm-1a2b3c4d runs/llava-5e6f7a8b --format latex --output scores.tex
    """
    from lamm_bench.keep.files import write_whole
    from lamm_bench.show.paired import Paired
    from lamm_bench.show.papers import tables
    from lamm_bench.show.ranking import leaderboard

    if asked["output"] is not None and (reason := can_be_written(asked["output"])):
        raise BenchError(f"cannot write {asked['output']}: {reason}")
    catalog, entries = chosen(asked)
    text = tables(leaderboard(entries, test=Paired(catalog.tasks)), asked["form"])
    if asked["output"] is None:
        click.echo(text, nl=False)
    else:
        write_whole(asked["output"], text.encode())
        click.echo(f"table: {asked['output']}", err=True)


@click.command(context_settings=SETTINGS, short_help="Draw runs: forest, radar, curves, reliability.")
@RUNS
@click.option(
    "--kind", type=click.Choice(["forest", "radar", "samples", "seeds", "reliability"]), default="forest", show_default=True
)
@TASKS
@PROTOCOL
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Written with the endings .svg, .png and .pdf.",
)
@click.option("--title", default="", metavar="TEXT", help="Above the figure; default: protocol and data.")
@plugin_option
@guarded
def plot(**asked: Any) -> None:
    """Draw runs as SVG, PNG and PDF: a forest of intervals, a radar of tasks, a curve over the number of samples or over seeds, or how
    often answers are right among those of which the model is so sure, where likelihoods decided.

    \b
    Examples:
      lamm-bench plot runs/lamm-1a2b3c4d runs/llava-5e6f7a8b --output forest
      lamm-bench plot runs/seed* --kind seeds --tasks cifar10 --output seeds
    """
    from lamm_bench.loading import load_json
    from lamm_bench.show.drawing import PAPER, paths_of
    from lamm_bench.show.plots import KINDS, curve
    from lamm_bench.show.reliability import reliability_of_runs

    if asked["output"].is_dir():
        raise BenchError(f"--output {asked['output']} is a folder; name a file in it, such as {asked['output'] / asked['kind']}")
    for path in paths_of(asked["output"], PAPER):
        if reason := can_be_written(path):
            raise BenchError(f"cannot write {path}: {reason}")
    _, entries = chosen(asked)
    title = asked["title"] or f"{entries[0].protocol}, {entries[0].data}"
    if asked["kind"] in KINDS:
        drawing = KINDS[asked["kind"]](entries, title)
    elif asked["kind"] == "reliability":
        drawing = reliability_of_runs(sureness(entries), asked["title"] or title)
    elif asked["kind"] == "samples":
        drawing = curve([(float(entry.expected), entry) for entry in entries], "samples", title)
    else:
        seeds = {entry.source: load_json(Path(entry.source) / "result.json").get("seed") for entry in entries}
        drawing = curve([(float(seeds[entry.source] or 0), entry) for entry in entries], "seed", title)
    for path in drawing.save(asked["output"], paper=True):
        click.echo(f"figure: {path}", err=True)


def chosen(asked: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The catalogue, and the runs' headlines of the wanted protocol and tasks. Raises `BenchError` where there are none."""
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.show.figures import read_run
    from lamm_bench.show.ranking import told_apart

    names = protocol_names((asked["protocol"],))
    if len(names) != 1:
        raise BenchError("--protocol: name one protocol")
    catalog, found = load_catalog(asked["plugins"]), []
    for folder in once(asked["folders"]):
        if not (folder / "result.json").is_file():
            raise BenchError(f"{folder} has no result.json: it is no run, or was not asked to its end")
        found += read_run(folder / "result.json")
    there = {entry.task for entry in found if entry.metric}
    wanted = there if asked["tasks"] == "all" else {task.name for task in catalog.select_tasks(asked["tasks"])}
    entries = [e for e in found if e.metric and e.headline and e.protocol == names[0] and e.task in wanted]
    if not entries:
        raise BenchError(f"these runs have no figure of {asked['tasks']} under {names[0]}; they hold {', '.join(sorted(there))}")
    return catalog, told_apart(entries)


def sureness(entries: list[Any]) -> dict[str, Any]:
    """Of each run and task how sure the answers were and how often right; several runs are told apart by their names."""
    from lamm_bench.keep.results import read_result
    from lamm_bench.measure.sure import restored

    several, found = len({entry.source for entry in entries}) > 1, {}
    for source in dict.fromkeys(entry.source for entry in entries):
        results = {one["task"]: one for one in read_result(Path(source) / "result.json")["results"] if one.get("calibration")}
        for entry in (one for one in entries if one.source == source and one.task in results):
            name = f"{entry.task}, {entry.model}" if several else entry.task
            found[name] = restored(results[entry.task]["calibration"])
    return found
