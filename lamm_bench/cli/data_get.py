"""The verb that gets the benchmark's files: `data get`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lamm_bench.errors import BenchError

from .away import loud_options, watching
from .options import MISSING, SETTINGS, guarded, remark

if TYPE_CHECKING:
    from lamm_bench.declared import DeclaredTask
    from lamm_bench.types import Task


@click.command("get", context_settings=SETTINGS, short_help="Get a benchmark's files, resumed and compared.")
@click.argument("names", nargs=-1, required=True, metavar="SET|TASK...")
@click.option(
    "--data-root", type=click.Path(path_type=Path), default=Path("LAMM"), show_default=True, metavar="DIR", help="Where it goes."
)
@click.option(
    "--from", "given", metavar="DIR|URL", help="Of LAMM: a folder or mirror that has the files; without it the Hugging Face hub."
)
@click.option(
    "--revision", metavar="NAME", help="Of the hub: a commit or branch. Without it the commit that was used before, else main."
)
@click.option("--meta-only", is_flag=True, help="Of LAMM: leave the media out.")
@click.option("--zipped", is_flag=True, help="Of LAMM: leave archives of media as they are; they are read without unpacking.")
@loud_options
@guarded
def get(names: tuple[str, ...], data_root: Path, given: str | None, revision: str | None, meta_only: bool, zipped: bool) -> None:
    """Get lamm-2d, lamm-3d, instruct-2d, instruct-3d, the files of single tasks of LAMM, or of benchmark files (mmstar, my.yaml).

    Terms and forms are printed first. What is there is not fetched again, what was begun goes on, and contents are compared with what
    the hub, or a mirror's SHA256SUMS, says of them. Of benchmark files the commit and every SHA-256 stand in hub.lock.json from then on.
    Exit status 3 says that something is missing, and where it is published.

    \b
    Examples:
      lamm-bench data get lamm-2d --data-root LAMM
      lamm-bench data get mmstar my.yaml --data-root DATA
      lamm-bench data get svt fsc147 --data-root LAMM --from /mnt/archives
    """
    from lamm_bench.ask.catalog import YAML, load_catalog
    from lamm_bench.declared import DeclaredTask

    catalog = load_catalog()
    known = {name: catalog.add_file(name) if name.endswith(YAML) else catalog.tasks.get(name) for name in names}
    declared = [task for task in known.values() if isinstance(task, DeclaredTask)]
    lamm = [name for name in names if not isinstance(known[name], DeclaredTask)]
    if declared and given is not None:
        raise BenchError(
            f"--from is of LAMM's own files; put those of {declared[0].name} below --data-root, or name a mirror of the hub by HF_ENDPOINT"
        )
    lacking = [get_lamm(lamm, catalog.tasks, data_root, (given, revision), not meta_only, zipped)] if lamm else []
    lacking += [get_declared(task, data_root, revision) for task in declared]
    sys.exit(MISSING if any(lacking) else 0)


def get_lamm(
    names: Sequence[str],
    known: Mapping[str, Task],
    data_root: Path,
    origin: tuple[str | None, str | None],  # a folder or mirror, and the hub's revision
    media: bool,
    zipped: bool,
) -> bool:
    """Sets and tasks of LAMM; whether anything is missing."""
    from lamm_bench.data.get.session import get as get_files
    from lamm_bench.data.get.session import shown
    from lamm_bench.data.get.sets import wanted

    tasks = {name: task.meta_files[0] for name, task in known.items() if task.meta_files}
    chosen = wanted(names, tasks, [name for name, task in known.items() if getattr(task, "origin", None) is not None])
    watcher = watching()
    for line in shown(chosen, media):
        remark(line)
    got = get_files(chosen, data_root, *origin, media, say=watcher.say, zipped=zipped)
    for title, paths in (("there", got.there), ("new", got.new)):
        if paths:
            click.echo(f"{title}: {len(paths)} ({', '.join(path.rpartition('/')[2] for path in paths)})")
    for path, why in got.missing.items():
        click.echo(f"missing: {path}: {why}")
    click.echo(f"data: {data_root}" + ("" if got.missing else "; check it: lamm-bench data verify --data-root " + str(data_root)))
    return bool(got.missing)


def get_declared(task: DeclaredTask, data_root: Path, revision: str | None) -> bool:
    """One benchmark file's data; whether they are missing, which those are that lie on no hub."""
    from lamm_bench.data.get.fetch import Fetcher
    from lamm_bench.declared.getting import about, bring
    from lamm_bench.show.progress import bytes_of

    for line in about(task):
        remark(line)
    if task.origin is None:
        return not found_by_hand(task, data_root)
    watcher = watching()
    with bytes_of(watcher, task.name) as bar:
        brought = bring(task, data_root, revision, Fetcher(tick=bar.tick), watcher.say, bar.begin)
    for title, names in (("there", brought.there), ("new", brought.new)):
        if names:
            click.echo(
                f"{title}: {len(names)} ({', '.join(name.rpartition('/')[2] for name in names[:6])}{' ...' * (len(names) > 6)})"
            )
    click.echo(
        f"data: {data_root / task.origin.folder} at {brought.commit}; asked about by --tasks {task.name} --data-root {data_root}"
    )
    return False


def found_by_hand(task: DeclaredTask, data_root: Path) -> bool:
    """Whether the files of a benchmark that lies on no hub are below the data root, or beside the file that declares it."""
    where = task.place(data_root)
    lacking = task.lacking(where)
    if there := [name for name in task.meta_files if name not in lacking]:
        click.echo(f"there: {len(there)} ({', '.join(there[:6])}{' ...' * (len(there) > 6)})")
    if lacking:
        source = task.about.get("source", "elsewhere")
        click.echo(f"missing: {task.name}: {', '.join(lacking)}: its files are not on the hub; they come from {source}")
    else:
        click.echo(
            f"data: {where}; asked about by --tasks {task.file if where == task.home else f'{task.name} --data-root {data_root}'}"
        )
    return not lacking
