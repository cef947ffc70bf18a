"""The verb that writes a page over any number of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .options import SETTINGS, data_root_option, guarded, once, plugin_option


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
@click.option("--serve", is_flag=True, help="Serve it here, for runs that still grow; Ctrl-C ends it.")
@click.option("--port", type=click.IntRange(0, 65535), default=8002, show_default=True, help="With --serve; 0: any that is free.")
@plugin_option
@click.pass_context
@guarded
def view(
    context: click.Context,
    run_folders: tuple[Path, ...],
    output: Path,
    data_root: Path | None,
    pictures: int,
    serve: bool,
    port: int,
    plugins: tuple[str, ...],
) -> None:
    """Write a page over any number of runs into a folder: every sample with its picture or cloud, what was asked, said and read.

    Open DIR/index.html; it needs no server and no network. Two runs of the same samples stand side by side.

    \b
    Examples:
      lamm-bench view runs/lamm-1a2b3c4d
      lamm-bench view runs/lamm-1a2b3c4d runs/llava-5e6f7a8b --output pages/both
      lamm-bench view runs/lamm-1a2b3c4d --serve
    """
    refuse_both(context, serve)
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.rescoring import root_of
    from lamm_bench.show.progress import Bars, stderr_console
    from lamm_bench.show.view import write_view

    catalog = load_catalog(plugins)
    say = Bars(stderr_console()).say
    folders = once(run_folders)
    roots = [root_of([folder], data_root, catalog, say) for folder in folders]
    if serve:
        serve_until_interrupted(folders, roots, catalog, pictures, port)
        return
    count = write_view(folders, roots, catalog, output, pictures)
    click.echo(f"view: {output / 'index.html'}, {count:,} samples of {len(folders)} run{'s' if len(folders) > 1 else ''}")


def refuse_both(context: click.Context, serve: bool) -> None:
    """A folder is written or a page is served: what belongs to the other one is no idle word."""
    for name, fits in (("output", not serve), ("port", serve)):
        if not fits and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            why = "a served page writes no folder" if serve else "a page in a folder needs no port"
            raise BenchError(f"--{name} {'does not go with' if serve else 'needs'} --serve: {why}")


def serve_until_interrupted(folders: list[Path], roots: list[Path], catalog: Any, pictures: int, port: int) -> None:
    """Serves the page of runs, finished or not, until Ctrl-C."""
    from lamm_bench.show.view.server import watch

    with watch(folders, roots, catalog, pictures, port) as served:
        try:  # as soon as it is told, it holds
            click.echo(f"view of {' and '.join(map(str, folders))} at {served.url}; Ctrl-C ends it", err=True)
            served.wait()
        except KeyboardInterrupt:
            click.echo(err=True)
