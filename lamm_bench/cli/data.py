"""The verbs that make and check data: `data mini` and `data verify`; the other verbs stand in files of their own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .data_construct import construct
from .data_get import get
from .data_review import review
from .options import MISSING, SETTINGS, can_be_written, data_root_option, guarded, plugin_option


@click.group(context_settings=SETTINGS, short_help="Get data, draw the miniature, verify, construct dialogues.")
def data() -> None:
    """The benchmark's data: get it, draw the miniature, verify what is there, construct instruction dialogues."""


data.add_command(get)
data.add_command(construct)
data.add_command(review)


@data.command("mini", context_settings=SETTINGS)
@click.option(
    "--out",
    "--output",
    "out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to draw it; a new or empty folder.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--parts", default="test,val,train", show_default=True, metavar="LIST", help="Which splits to draw.")
@guarded
def data_mini(out: Path, seed: int, parts: str) -> None:
    """Draw a miniature of the whole LAMM data set, in upstream's layout and file names.

    \b
    Example:
      lamm-bench data mini --parts test --out mini && lamm-bench run --model lamm --tasks all --data-root mini
    """
    from lamm_bench.data.mini import make
    from lamm_bench.errors import unknown
    from lamm_bench.show.progress import Bars, counting, stderr_console

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
@click.option("--duplicates", is_flag=True, help="Also look for media that a task has twice, byte by byte or nearly.")
@click.option(
    "--digests", type=click.Path(path_type=Path), metavar="FILE", help="Also compare SHA-256: lines as of sha256sum, or JSON."
)
@click.option(
    "--train",
    "training",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="PATH",
    help="Also look for the tasks' media in this instruction file, or in a folder of them (repeatable).",
)
@click.option(
    "--ledger",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --train: write what was seen as JSON; in the folder of a checkpoint or run it is called seen.json.",
)
@plugin_option
@guarded
def data_verify(**asked: Any) -> None:
    """Check every meta file, key and media file, and list all that is wrong. Exit status 3 if anything is.

    \b
    Examples:
      lamm-bench data verify --data-root LAMM
      lamm-bench data verify --data-root LAMM --duplicates --digests SHA256SUMS
      lamm-bench data verify --data-root LAMM --train LAMM/2D_Instruct/meta_file/LAMM_instruct_186k.json --ledger runs/mine
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.data.locate import find_root
    from lamm_bench.data.verify import shown_findings, verify
    from lamm_bench.data.verify_more import compared
    from lamm_bench.show.plain import put
    from lamm_bench.show.progress import Bars, stderr_console

    if asked["ledger"] is not None and not asked["training"]:
        raise BenchError("--ledger says what a training has seen; name its files with --train")
    if asked["ledger"] is not None and asked["ledger"].is_dir():
        from lamm_bench.keep.seen import NAME

        asked["ledger"] = asked["ledger"] / NAME
    if asked["ledger"] is not None and (reason := can_be_written(asked["ledger"])):
        raise BenchError(f"cannot write {asked['ledger']}: {reason}")
    catalog = load_catalog(asked["plugins"])
    chosen = catalog.select_tasks(asked["tasks"])
    watcher = Bars(stderr_console())
    root, source = find_root(asked["data_root"], watcher.say, chosen)
    findings = verify(root, chosen, deep=not asked["quick"], watcher=watcher)
    more, seen = compared(root, chosen, asked["duplicates"], asked["digests"], asked["training"], watcher)
    findings += more
    put(lambda width: shown_findings(findings, chosen))
    if seen is not None:
        from lamm_bench.data.verify_more import shown_seen

        put(lambda width: shown_seen(seen))
        if asked["ledger"] is not None:
            from lamm_bench.keep.files import write_json

            write_json(asked["ledger"], {**seen, "source": source})
            click.echo(f"ledger: {asked['ledger']}")
    sys.exit(MISSING if any(finding.severity == "error" for finding in findings) else 0)
