"""The verb that makes models: `train-baseline`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .options import INTERRUPTED, SETTINGS, guarded, modalities_option, pairs

FOLDER = click.Path(path_type=Path)


@click.command("train-baseline", context_settings=SETTINGS, short_help="Train the baselines.")
@click.option("--preset", default="mini", show_default=True, metavar="NAME", help="What to train; a name or a YAML file.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="Override a value of the preset (repeatable)."
)
@click.option("--output", type=FOLDER, metavar="DIR", help="Where the checkpoint goes; default runs/train-<preset>.")
@click.option("--data-root", type=FOLDER, metavar="DIR", help="Folder with 2D_Instruct/ and 3D_Instruct/.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "plain", "deepspeed"]),
    default="auto",
    show_default=True,
    metavar="NAME",
    help="plain (one process) or deepspeed (start with torchrun or deepspeed); auto: by how many processes there are.",
)
@click.option(
    "--feature-cache", type=FOLDER, metavar="DIR", help="Keep what frozen encoders say in this folder, and use it again."
)
@click.option("--eval-every", type=click.IntRange(min=1), metavar="STEPS", help="Ask a few questions of the miniature so often.")
@click.option(
    "--max-bad", type=click.FloatRange(0, 1), metavar="SHARE", help="Unreadable media that are put up with [preset: 0.01]."
)
@click.option("--resume", is_flag=True, help="Insist on going on with a training that is there.")
@click.option("--fresh", is_flag=True, help="Begin anew, over what --output holds.")
@click.option("--dry-run", is_flag=True, help="Say what would run: steps, tokens, parameters, memory, time; train nothing.")
@click.option("--processes", type=click.IntRange(min=1), metavar="N", help="For --dry-run: on how many GPUs [1].")
@click.option("--device", "device", metavar="NAME", help="For --dry-run: on which GPU, such as A100, V100, 3090.")
@click.option(
    "--export-upstream",
    type=FOLDER,
    metavar="DIR",
    help="Write a finished --output as upstream's pytorch_model.pt, or one file for each kind of media.",
)
@modalities_option
@click.option("--list", "show_list", is_flag=True, help="List the presets.")
@click.option("--show", "show_name", metavar="PRESET", help="Print a preset with its values explained.")
@guarded
def train_baseline(**asked: Any) -> None:
    """Train LAMM's baselines: the built-in one from nothing, or the paper's on top of a language model and frozen encoders.

    Run again after an interruption, it goes on where it stopped.

    \b
    Examples:
      lamm-bench train-baseline
      lamm-bench train-baseline --preset lamm-7b-2d --dry-run --processes 4 --device A100
      torchrun --nproc-per-node 4 -m lamm_bench train-baseline --preset lamm-7b-2d --data-root LAMM --feature-cache features
      lamm-bench train-baseline --preset finetune --set start=runs/train-mini --set tasks=ucmerced,celeba-hair
      lamm-bench run --model lamm --set checkpoint=runs/train-mini --tasks all
    """
    presets = importlib.import_module("lamm_bench.training.config.reading")  # by name: the engine imports no shelf
    if asked["show_list"]:
        click.echo("\n".join(f"{name}: {what}" for name, what in presets.list_presets().items()))
        return
    if asked["show_name"]:
        click.echo(presets.show_preset(asked["show_name"]))
        return
    settings = dict(asked["settings"])
    for option, key in (("eval_every", "watch.eval_every"), ("max_bad", "data.max_bad")):
        if asked[option] is not None:
            settings[key] = str(asked[option])
    output = asked["output"] or Path("runs") / f"train-{Path(asked['preset']).stem}"
    if output.is_file():
        raise BenchError(f"--output {output} is a file, expected a folder")
    if asked["resume"] and asked["fresh"]:
        raise BenchError("--resume goes on and --fresh begins anew; give one of them")
    if asked["export_upstream"]:
        if asked["dry_run"]:
            raise BenchError("--export-upstream writes files and --dry-run none; give one of them")
        files, left = importlib.import_module("lamm_bench.training.export").export(output, asked["export_upstream"])
        click.echo("\n".join([*(f"written: {file}" for file in files), *left]))
        return
    if asked["dry_run"]:
        dry = importlib.import_module("lamm_bench.training.dry_run").dry_run
        click.echo(dry(asked["preset"], settings, asked["data_root"], asked["processes"] or 1, asked["device"]))
        return
    train = importlib.import_module("lamm_bench.training.run").train

    def made() -> Path:
        folder: Path = train(
            asked["preset"], output, settings, asked["data_root"], asked["resume"] or None, asked["fresh"],
            engine=asked["engine"], feature_cache=asked["feature_cache"],
        )  # fmt: skip
        return folder

    plan = presets.read_preset(asked["preset"], settings)
    try:
        alone = importlib.import_module("lamm_bench.training.engines.device").place()[1] == 1
        if plan.tasks and alone:  # several processes train, and leave asking to a command of its own
            from .tuned import tune

            tune(plan, output, asked["data_root"], asked["fresh"], made)
            return
        folder = made()
    except KeyboardInterrupt:
        click.echo("\nlamm-bench: interrupted; run the same command again to go on from the last state that was saved", err=True)
        sys.exit(INTERRUPTED)
    if importlib.import_module("lamm_bench.training.engines.device").place()[0] == 0:
        click.echo(
            f"checkpoint: {folder}\nevaluate it: lamm-bench run{brought()} --model lamm --set checkpoint={folder} --tasks all"
        )


def brought() -> str:
    """The plug-in files of this command, as another command would name them."""
    words = sys.argv[1:]
    named = [after for word, after in zip(words, words[1:]) if word == "--plugin"]
    named += [word.partition("=")[2] for word in words if word.startswith("--plugin=")]
    return "".join(f" --plugin {file}" for file in named)
