"""The verbs that make data and models: `data mini`, `data verify` and `train-baseline`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from .cli_options import MISSING, SETTINGS, data_root_option, guarded, pairs, plugin_option


@click.group(context_settings=SETTINGS)
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
    from .render import Bars, counting, stderr_console

    names = tuple(part.strip() for part in parts.split(",") if part.strip())
    for name in names:
        if name not in ("test", "val", "train"):
            raise unknown("part of the miniature", name, ["test", "val", "train"])
    make(out, seed, names, progress=counting(Bars(stderr_console()), "drawing"))
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


@click.command("train-baseline", context_settings=SETTINGS)
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
