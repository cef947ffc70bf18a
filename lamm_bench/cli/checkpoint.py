"""The verbs about checkpoints: `checkpoint convert`, `checkpoint inspect`, `checkpoint merge`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import visible

from .options import SETTINGS, guarded, modalities_option, pairs

FOLDER = click.Path(path_type=Path)


@click.group(context_settings=SETTINGS, short_help="Convert, inspect and merge checkpoints.")
def checkpoint() -> None:
    """Checkpoints of the LAMM model: convert upstream's, look into one, fold LoRA in."""


@checkpoint.command("convert", context_settings=SETTINGS)
@click.argument("upstream_pt", type=FOLDER)
@click.option("--llm", required=True, metavar="PATH", help="The language model: a folder, a GGUF file or a hub id.")
@click.option(
    "--encoder", required=True, metavar="KIND", help="The frozen encoder: a kind (clip, epcl ...) or a checkpoint that holds one."
)
@click.option(
    "--encoder-set",
    "settings",
    multiple=True,
    callback=pairs,
    metavar="KEY=VALUE",
    help="An option of the encoder (repeatable), as in config.json: weights=PATH.",
)
@click.option("--media", metavar="KIND", help="The modality it was trained on  [default: images]")
@click.option("--alpha", type=click.IntRange(min=1), default=32, show_default=True, help="LoRA's alpha; upstream's is 32.")
@click.option("--layout", default="training", show_default=True, metavar="NAME", help="How its conversations are written.")
@click.option("--name", default="", metavar="TEXT", help="The checkpoint's name; default the name of the file's folder.")
@click.option("--output", required=True, type=FOLDER, metavar="DIR", help="The new checkpoint; a new or empty folder.")
@modalities_option
@guarded
def convert_(upstream_pt: Path, llm: str, encoder: str, settings: dict[str, str], output: Path, **asked: Any) -> None:
    """Make a checkpoint folder of upstream's pytorch_model.pt.

    Every key of the file is accounted for: one that is unused, missing or of another shape is an error that names it. The
    language model and the encoder stay where they are; the folder holds LoRA, the projection and the config.

    \b
    Examples:
      lamm-bench checkpoint convert lamm_13b_lora32_186k/pytorch_model.pt --llm vicuna-13b-v0 \\
        --encoder clip --encoder-set weights=openai/clip-vit-large-patch14 --output lamm-13b
      lamm-bench run --model lamm --set checkpoint=lamm-13b --tasks 2d --recipe lamm/classic
    """
    from lamm_bench.lamm.compatible import warnings_of
    from lamm_bench.lamm.config import HubLlm
    from lamm_bench.lamm.upstream import Wish, convert, encoder_called
    from lamm_bench.media import ours

    kind = asked["media"] or ours()[0]
    config, weights = encoder_called(kind, encoder, settings)
    wish = Wish(HubLlm(llm), kind, config, weights, asked["alpha"], asked["layout"], asked["name"])
    made = convert(upstream_pt, wish, output)
    for sentence in warnings_of(made, output):
        click.echo(visible(f"warning: {sentence}"), err=True)
    click.echo(f"checkpoint: {output}\nevaluate it: lamm-bench run --model lamm --set checkpoint={output} --tasks all")


@checkpoint.command("inspect", context_settings=SETTINGS)
@click.argument("path", type=FOLDER)
@click.option("--tensors", is_flag=True, help="Also list every tensor with its shape and type.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@modalities_option
@guarded
def inspect_(path: Path, tensors: bool, as_json: bool) -> None:
    """Show the parts of a checkpoint: tensors, parameters, types, shapes, digests.

    PATH is a checkpoint folder or upstream's pytorch_model.pt. The digest of LoRA and projection is the same before and
    after a conversion.

    \b
    Examples:
      lamm-bench checkpoint inspect runs/train-mini
      lamm-bench checkpoint inspect pytorch_model.pt --tensors
    """
    from lamm_bench.lamm.inspection import inspect
    from lamm_bench.types import to_json

    found = inspect(path)
    if as_json:
        value = to_json(found)
        click.echo(json.dumps(value if tensors else {k: v for k, v in value.items() if k != "tensors"}, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    from lamm_bench.show.plain import put

    console = Console()
    console.print(found.format, highlight=False)
    for name, fact in found.facts.items():
        console.print(f"  {name}: {fact}", highlight=False, markup=False, soft_wrap=True)
    table = Table("part", "tensors", "parameters", "type", "shapes", "digest", box=None)
    for part in found.parts:
        table.add_row(part.name, str(part.tensors), f"{part.parameters:,}", part.types, part.shapes, part.digest)
    table.add_row("all", str(len(found.tensors)), f"{sum(part.parameters for part in found.parts):,}", "", "", "")
    put(lambda width: table, console)
    for name, shape, kind in found.tensors if tensors else ():
        click.echo(visible(f"{name}  {shape}  {kind}"))


@checkpoint.command("merge", context_settings=SETTINGS)
@click.argument("folder", type=FOLDER)
@click.option("--output", required=True, type=FOLDER, metavar="DIR", help="The plain model; a new or empty folder.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default="float32",
    show_default=True,
    help="How the weights are stored.",
)
@modalities_option
@guarded
def merge_(folder: Path, output: Path, dtype: str) -> None:
    """Fold LoRA into the language model and save it, with its tokenizer, as a plain transformers model.

    `AutoModelForCausalLM.from_pretrained(DIR)` loads it and gives the same logits. Projection and encoders are not part of it.

    \b
    Example:
      lamm-bench checkpoint merge lamm-13b --output lamm-13b-merged --dtype float16
    """
    from lamm_bench.lamm.merge import merge

    merge(folder, output, dtype)
    click.echo(f"merged: {output}")
