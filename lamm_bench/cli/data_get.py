"""The verb that gets the benchmark's files: `data get`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .away import loud_options, watching
from .options import MISSING, SETTINGS, guarded, remark


@click.command("get", context_settings=SETTINGS, short_help="Get meta files and media, resumed and compared.")
@click.argument("names", nargs=-1, required=True, metavar="SET|TASK...")
@click.option(
    "--data-root", type=click.Path(path_type=Path), default=Path("LAMM"), show_default=True, metavar="DIR", help="Where it goes."
)
@click.option(
    "--from", "given", metavar="DIR|URL", help="A folder or a mirror that has the files; without it the Hugging Face hub."
)
@click.option(
    "--revision", metavar="NAME", help="Of the hub: a commit or branch. Without it the commit that was used before, else main."
)
@click.option("--meta-only", is_flag=True, help="Leave the media out.")
@loud_options
@click.option("--zipped", is_flag=True, help="Leave archives of media as they are; they are read without unpacking.")
@guarded
def get(names: tuple[str, ...], data_root: Path, given: str | None, revision: str | None, meta_only: bool, zipped: bool) -> None:
    """Get lamm-2d, lamm-3d, instruct-2d, instruct-3d, or the files of single tasks of LAMM.

    Terms and forms are printed first. What is there is not fetched again, what was begun goes on, and contents are compared with what
    the hub, or a mirror's SHA256SUMS, says of them. Exit status 3 says that something is missing, and where it is published.

    \b
    Examples:
      lamm-bench data get lamm-2d --data-root LAMM
      lamm-bench data get svt fsc147 --data-root LAMM --from /mnt/archives
      lamm-bench data get lamm-3d --data-root LAMM --from https://mirror.example.org/lamm
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.data.get.session import get as get_files
    from lamm_bench.data.get.session import shown
    from lamm_bench.data.get.sets import wanted

    tasks = {name: task.meta_files[0] for name, task in load_catalog().tasks.items() if task.meta_files}
    chosen = wanted(names, tasks)
    watcher = watching()
    for line in shown(chosen, not meta_only):
        remark(line)
    got = get_files(chosen, data_root, given, revision, not meta_only, say=watcher.say, zipped=zipped)
    for title, paths in (("there", got.there), ("new", got.new)):
        if paths:
            click.echo(f"{title}: {len(paths)} ({', '.join(path.rpartition('/')[2] for path in paths)})")
    for path, why in got.missing.items():
        click.echo(f"missing: {path}: {why}")
    click.echo(f"data: {data_root}" + ("" if got.missing else "; check it: lamm-bench data verify --data-root " + str(data_root)))
    sys.exit(MISSING if got.missing else 0)
