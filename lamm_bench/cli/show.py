"""The verb that shows one sample."""

from __future__ import annotations

from pathlib import Path

import click

from lamm_bench.errors import BenchError

from .options import SETTINGS, data_root_option, guarded, override_option, plugin_option


@click.command(context_settings=SETTINGS, short_help="Show a sample as the model will see it.")
@click.argument("task")
@click.argument("sample", required=False, metavar="[ID]")
@data_root_option
@click.option("--recipe", default="lamm/standard", show_default=True, metavar="NAME", help="How it would be asked.")
@override_option
@click.option("--coordinates", metavar="NAME", help="The convention in which lamm/native would ask for places.")
@click.option("--corrupt", metavar="LIST", help="Made worse, as `run --corrupt` would.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of --corrupt.")
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE.png", help="Also write its picture, as it is shown.")
@plugin_option
@guarded
def show(
    task: str,
    sample: str | None,
    data_root: Path | None,
    recipe: str,
    overrides: tuple[str, ...],
    coordinates: str | None,
    corrupt: str | None,
    seed: int,
    picture: Path | None,
    plugins: tuple[str, ...],
) -> None:
    """Show a sample as the model will see it, with its ground truth. Without an ID: the first one.

    \b
    Examples:
      lamm-bench show voc2012
      lamm-bench show lsp --recipe lamm/classic
      lamm-bench show voc2012 --recipe lamm/native --coordinates qwen3-vl
      lamm-bench show voc2012 --corrupt fog:5 --picture fog.png
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.corrupt.chain import parse, why_not
    from lamm_bench.ask.runner import plan
    from lamm_bench.ask.shots import shots_for
    from lamm_bench.data.locate import find_root
    from lamm_bench.show.progress import Bars, stderr_console
    from lamm_bench.show.sample import show_sample, write_picture

    catalog = load_catalog(plugins)
    chain = parse(corrupt)
    task = catalog.task(task).name
    chosen = catalog.recipe(recipe, overrides)
    root, _ = find_root(data_root, Bars(stderr_console()).say, [catalog.tasks[task]])
    samples = catalog.tasks[task].samples(root)
    if not samples:
        raise BenchError(f"{task} has no items under {root}")
    found = next((s for s in samples if s.id == sample), None) if sample is not None else samples[0]
    if found is None:
        ids = [s.id for s in samples]
        raise BenchError(f"{task} has no sample '{sample}'; its {len(ids)} ids run from {ids[0]} to {ids[-1]}")
    examples = chosen.instruction.examples
    choose = shots_for(examples, catalog.embedder, None)(catalog.tasks[task], samples) if examples.count else None
    if chain:
        reason = why_not(catalog.tasks[task], samples, chain, frozenset({catalog.tasks[task].modality}))
        if reason:
            raise BenchError(reason)
        found = plan(catalog.tasks[task], [found], None, seed, None, str(chain), root).samples[0]
    if picture is not None:
        write_picture(found, picture)
    show_sample(catalog.tasks[task], found, chosen, coordinates, choose)
