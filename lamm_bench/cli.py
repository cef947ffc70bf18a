"""The command line: verbs only. Nothing heavy is imported before a verb needs it, so that `--help` answers in a blink.

Exit status: 0 all done; 2 something the user can mend; 3 done, but answers are missing; 130 interrupted."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from . import __version__
from .errors import BenchError

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
MISSING = 3
INTERRUPTED = 130


def guarded(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Errors for people are one sentence and exit status 2; Ctrl-C says that nothing is lost."""

    @functools.wraps(verb)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            verb(*args, **kwargs)
        except BenchError as error:
            click.echo(f"lamm-bench: {error}", err=True)
            sys.exit(2)
        except BrokenPipeError:
            sys.exit(0)
        except KeyboardInterrupt:
            click.echo(
                "\nlamm-bench: interrupted; everything answered so far is kept, run the same command again to go on", err=True
            )
            sys.exit(INTERRUPTED)

    return wrapped


def pairs(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """`--set key=value` options as a mapping."""
    found = {}
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"'{value}' is not of the form key=value")
        found[key.strip()] = rest
    return found


def plugin_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    text = "A Python file that defines TASKS, ADAPTERS or RECIPES (repeatable)."
    return click.option("--plugin", "plugins", multiple=True, metavar="FILE.py", help=text)(verb)


def data_root_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    text = "Folder that holds 2D_Benchmark/ and 3D_Benchmark/. Without it: $LAMM_BENCH_DATA, ./LAMM, else the miniature."
    return click.option("--data-root", type=click.Path(path_type=Path), metavar="DIR", help=text)(verb)


def protocol_option(verb: Callable[..., Any]) -> Callable[..., Any]:
    text = "Score only under these protocols: standard, classic, chef (repeatable, or separated by commas)."
    return click.option("--protocol", "protocols", multiple=True, metavar="NAME", help=text)(verb)


def protocol_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """The protocols named, checked."""
    from .errors import unknown
    from .recipe import PROTOCOLS

    names = tuple(name.strip() for value in values for name in value.split(",") if name.strip())
    for name in names:
        if name not in PROTOCOLS:
            raise unknown("protocol", name, PROTOCOLS)
    return names


@click.group(context_settings=SETTINGS)
@click.version_option(__version__, prog_name="lamm-bench")
def main() -> None:
    """Evaluate multimodal language models on images and point clouds.

    \b
    Examples:
      lamm-bench run --model lamm --tasks all       ask the built-in baseline about the miniature benchmark
      lamm-bench leaderboard                        published figures and local runs
      lamm-bench train-baseline                     train the built-in baseline again, from nothing
    """


@main.command(context_settings=SETTINGS)
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
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="The run folder; default runs/<model>-<identity>.")
@click.option("--resume", "mode", flag_value="resume", help="Insist on going on with a run that is there.")
@click.option("--fresh", "mode", flag_value="fresh", help="Begin anew; what was there is moved to old-N in the run folder.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Also write the results as JSON (- for stdout)."
)
@plugin_option
@guarded
def run(**asked: Any) -> None:
    """Ask a model about tasks, keep every answer, score them, and show the result.

    The same command run again goes on where it stopped. Exit status 3 says that answers are missing.

    \b
    Examples:
      lamm-bench run --model lamm --tasks all
      lamm-bench run --model lamm --tasks 3d --data-root LAMM --limit 200
      lamm-bench run --model lamm --tasks voc2012,lsp --control blind
      lamm-bench run --model chance --tasks all --seed 3
      lamm-bench run --model scripted --set answers=answers.json --tasks svt
    """
    from .catalog import load_catalog
    from .data.locate import find_root
    from .render import Bars, show_outcome, stderr_console
    from .session import Options
    from .session import run as run_session

    catalog = load_catalog(asked["plugins"])
    settings = dict(asked["settings"])
    if asked["batch_size"] is not None:
        if asked["model"] in catalog.adapters and "batch_size" not in catalog.options(asked["model"]):
            raise BenchError(f"model {asked['model']} has no batch size; leave --batch-size out")
        settings["batch_size"] = str(asked["batch_size"])
    catalog.recipe(asked["recipe"])  # a wrong name is told before a model is loaded or data are drawn
    catalog.select_tasks(asked["tasks"])
    protocols = protocol_names(asked["protocols"])
    adapter = catalog.adapter(asked["model"], settings)
    watcher = Bars(stderr_console())
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


@main.command(context_settings=SETTINGS)
@click.argument("run_folder", required=False, type=click.Path(path_type=Path), metavar="[RUN]")
@click.option("--answers", type=click.Path(path_type=Path), metavar="DIR", help="Folder of upstream-format answer files.")
@click.option("--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups.")
@data_root_option
@protocol_option
@click.option("--samples", is_flag=True, help="Also print every sample's status and values.")
@click.option("--metrics", is_flag=True, help="Print all metrics, not only the headline.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the scores as JSON (- for stdout)."
)
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
    from .session import rescore, score_answers

    if (asked["run_folder"] is None) == (asked["answers"] is None):
        raise BenchError("name either a run folder or --answers DIR")
    catalog = load_catalog(asked["plugins"])
    watcher = Bars(stderr_console())
    protocols = protocol_names(asked["protocols"])
    root, _ = find_root(asked["data_root"], watcher.say)
    if asked["run_folder"] is not None:
        outcome = rescore(asked["run_folder"], catalog, root, asked["tasks"], protocols, watcher)
    else:
        outcome = score_answers(asked["answers"], catalog, root, asked["tasks"], protocols or PROTOCOLS, watcher)
    conclude(outcome, asked["json_file"], samples=True)
    if str(asked["json_file"]) != "-":
        show_samples(outcome, samples=asked["samples"], metrics=asked["metrics"])
    show_outcome_unless_json_on_stdout(show_outcome, outcome, asked["json_file"])
    sys.exit(0 if outcome.complete else MISSING)


@main.command("list", context_settings=SETTINGS)
@click.argument("what", type=click.Choice(["tasks", "models", "recipes"]))
@plugin_option
@guarded
def list_(what: str, plugins: tuple[str, ...]) -> None:
    """List what can be named: tasks, models or recipes.

    \b
    Examples:
      lamm-bench list tasks
      lamm-bench list models --plugin my_model.py
    """
    from .catalog import load_catalog
    from .render import catalog_table

    catalog_table(load_catalog(plugins), what)


@main.command(context_settings=SETTINGS)
@click.argument("task")
@click.argument("sample", required=False, metavar="[ID]")
@data_root_option
@click.option("--recipe", default="lamm/standard", show_default=True, metavar="NAME", help="How it would be asked.")
@plugin_option
@guarded
def show(task: str, sample: str | None, data_root: Path | None, recipe: str, plugins: tuple[str, ...]) -> None:
    """Show a sample as the model will see it, with its ground truth. Without an ID: the first one.

    \b
    Examples:
      lamm-bench show voc2012
      lamm-bench show lsp 17 --recipe lamm/classic
    """
    from .catalog import load_catalog
    from .data.locate import find_root
    from .errors import unknown
    from .render import Bars, show_sample, stderr_console

    catalog = load_catalog(plugins)
    if task not in catalog.tasks:
        raise unknown("task", task, catalog.tasks)
    chosen = catalog.recipe(recipe)
    root, _ = find_root(data_root, Bars(stderr_console()).say)
    samples = catalog.tasks[task].samples(root)
    if not samples:
        raise BenchError(f"{task} has no items under {root}")
    found = next((s for s in samples if s.id == sample), None) if sample is not None else samples[0]
    if found is None:
        ids = [s.id for s in samples]
        raise BenchError(f"{task} has no sample '{sample}'; its {len(ids)} ids run from {ids[0]} to {ids[-1]}")
    show_sample(catalog.tasks[task], found, chosen)


@main.group(context_settings=SETTINGS)
def data() -> None:
    """The benchmark's data: draw the miniature, verify what is there."""


@data.command("mini", context_settings=SETTINGS)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where to draw it; a new or empty folder."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--parts", default="test,val,train", show_default=True, metavar="LIST", help="Which splits to draw.")
@guarded
def data_mini(out: Path, seed: int, parts: str) -> None:
    """Draw a miniature of the whole LAMM data set, in upstream's layout and file names.

    \b
    Example:
      lamm-bench data mini --out mini && lamm-bench run --model lamm --tasks all --data-root mini
    """
    from .data.mini import make
    from .errors import unknown

    names = tuple(part.strip() for part in parts.split(",") if part.strip())
    for name in names:
        if name not in ("test", "val", "train"):
            raise unknown("part of the miniature", name, ["test", "val", "train"])
    make(out, seed, names)
    click.echo(f"drawn: {out}")


@data.command("verify", context_settings=SETTINGS)
@click.option("--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups.")
@data_root_option
@click.option("--quick", is_flag=True, help="Do not decode images and clouds.")
@plugin_option
@guarded
def data_verify(tasks: str, data_root: Path | None, quick: bool, plugins: tuple[str, ...]) -> None:
    """Check every meta file, key and media file, and list all that is wrong. Exit status 3 if anything is.

    \b
    Example:
      lamm-bench data verify --data-root LAMM
    """
    from .catalog import load_catalog
    from .data.locate import find_root
    from .data.verify import show_findings, verify
    from .render import Bars, stderr_console

    catalog = load_catalog(plugins)
    chosen = catalog.select_tasks(tasks)
    watcher = Bars(stderr_console())
    root, _ = find_root(data_root, watcher.say)
    findings = verify(root, chosen, deep=not quick, watcher=watcher)
    show_findings(findings, chosen)
    sys.exit(MISSING if any(finding.severity == "error" for finding in findings) else 0)


@main.command(context_settings=SETTINGS)
@click.option(
    "--results", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, metavar="DIR", help="Local runs."
)
@click.option("--format", "form", type=click.Choice(["table", "markdown", "csv", "json"]), default="table", show_default=True)
@click.option("--task", metavar="NAME", help="Only this task, with rank intervals.")
@click.option("--protocol", metavar="NAME", help="Only this protocol.")
@click.option("--published/--no-published", default=True, show_default=True, help="Show the figures of the papers.")
@guarded
def leaderboard(results: Path, form: str, task: str | None, protocol: str | None, published: bool) -> None:
    """Rank published figures and local runs; never mixed where protocol or data differ.

    \b
    Examples:
      lamm-bench leaderboard
      lamm-bench leaderboard --task voc2012 --format markdown
    """
    from .board import show_leaderboard

    show_leaderboard(results, form, task, protocol, published)


@main.command("train-baseline", context_settings=SETTINGS)
@click.option("--preset", default="mini", show_default=True, metavar="NAME", help="What to train; a name or a YAML file.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="Override a value of the preset (repeatable)."
)
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="DIR", help="Where the checkpoint goes; default runs/train-<preset>."
)
@click.option("--data-root", type=click.Path(path_type=Path), metavar="DIR", help="Folder with 2D_Instruct/ and 3D_Instruct/.")
@click.option("--resume", "mode", flag_value="resume", help="Insist on going on with a training that is there.")
@click.option("--fresh", "mode", flag_value="fresh", help="Begin anew.")
@click.option("--list", "show_list", is_flag=True, help="List the presets.")
@click.option("--show", "show_name", metavar="PRESET", help="Print a preset with its values explained.")
@guarded
def train_baseline(**asked: Any) -> None:
    """Train the LAMM baseline: vision encoder, language model, projection and LoRA, from nothing on the miniature.

    About half an hour on two CPU cores. Run again after an interruption, it goes on where it stopped.

    \b
    Examples:
      lamm-bench train-baseline
      lamm-bench train-baseline --output my-baseline --set seed=1
      lamm-bench run --model lamm --set checkpoint=runs/train-mini --tasks all
    """
    presets = importlib.import_module("lamm_bench.training.config")  # by name: the engine imports no shelf
    if asked["show_list"]:
        click.echo("\n".join(f"{name}: {what}" for name, what in presets.list_presets().items()))
        return
    if asked["show_name"]:
        click.echo(presets.show_preset(asked["show_name"]))
        return
    train = importlib.import_module("lamm_bench.training.run").train

    name = Path(asked["preset"]).stem
    output = asked["output"] or Path("runs") / f"train-{name}"
    resume = True if asked["mode"] == "resume" else None
    folder = train(asked["preset"], output, asked["settings"], asked["data_root"], resume, fresh=asked["mode"] == "fresh")
    click.echo(f"checkpoint: {folder}\nevaluate it: lamm-bench run --model lamm --set checkpoint={folder} --tasks all")


@main.command(context_settings=SETTINGS)
@click.argument("run_folder", type=click.Path(path_type=Path), metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Default: report.html in the run folder.")
@data_root_option
@click.option("--per-task", type=click.IntRange(min=1), default=24, show_default=True, help="Samples shown of each task.")
@plugin_option
@guarded
def report(run_folder: Path, out: Path | None, data_root: Path | None, per_task: int, plugins: tuple[str, ...]) -> None:
    """Write a run as one HTML file: scores, and samples with their pictures, boxes and answers.

    \b
    Example:
      lamm-bench report runs/lamm-1a2b3c4d
    """
    from .catalog import load_catalog
    from .data.locate import find_root
    from .render import Bars, stderr_console
    from .report import write_report

    root, _ = find_root(data_root, Bars(stderr_console()).say)
    path = write_report(run_folder, load_catalog(plugins), root, out or run_folder / "report.html", per_task)
    click.echo(f"report: {path}")


if __name__ == "__main__":
    main()
