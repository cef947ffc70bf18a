"""The verb that writes a page over any number of runs."""

from __future__ import annotations

from pathlib import Path

import click

from .options import SETTINGS, data_root_option, guarded, plugin_option


@click.command(context_settings=SETTINGS, short_help="Write a page over runs: filter, search, compare.")
@click.argument("run_folders", type=click.Path(path_type=Path), metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=Path("view"),
    show_default=True,
    help="A new folder, or a page to replace.",
)
@data_root_option
@click.option(
    "--pictures",
    type=click.IntRange(min=0, max=4096),
    default=640,
    show_default=True,
    metavar="PIXELS",
    help="Longer side of a picture; 0: none.",
)
@plugin_option
@guarded
def view(run_folders: tuple[Path, ...], output: Path, data_root: Path | None, pictures: int, plugins: tuple[str, ...]) -> None:
    """Write a page over any number of runs into a folder: every sample with its picture or cloud, what was asked, said and read.

    Open DIR/index.html; it needs no server and no network. Two runs of the same samples stand side by side.

    \b
    Examples:
      lamm-bench view runs/lamm-1a2b3c4d
      lamm-bench view runs/lamm-1a2b3c4d runs/llava-5e6f7a8b --output pages/both
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.rescoring import root_of
    from lamm_bench.show.progress import Bars, stderr_console
    from lamm_bench.show.view import write_view

    catalog = load_catalog(plugins)
    say = Bars(stderr_console()).say
    folders = list(dict.fromkeys(run_folders))
    roots = [root_of([folder], data_root, catalog, say) for folder in folders]
    count = write_view(folders, roots, catalog, output, pictures)
    click.echo(f"view: {output / 'index.html'}, {count:,} samples of {len(folders)} run{'s' if len(folders) > 1 else ''}")
