"""The verb that sets runs beside what was published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from .options import SETTINGS, guarded, json_option, once


@click.command(context_settings=SETTINGS, short_help="Published figures beside a run's, with a verdict.")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--as", "model", required=True, metavar="NAME", help="Whose published figures, as the leaderboard calls it: LAMM-13B."
)
@click.option(
    "--causes", type=click.Path(path_type=Path), metavar="FILE", help="YAML of `task: why`, for what you have found out."
)
@click.option("--format", "form", type=click.Choice(["table", "markdown"]), default="table", show_default=True)
@json_option("Also write the ledger as JSON (- for stdout).")
@guarded
def ledger(**asked: Any) -> None:
    """Set published figures of a model beside those of runs: published, ours, interval, verdict, cause.

    equal: the same digits; within: inside of our interval; outside: not; not asked so: other items, recipe or condition, which is no
    verdict. What nobody has explained is called unexplained.

    \b
    Examples:
      lamm-bench ledger runs/lamm-13b --as LAMM-13B
      lamm-bench ledger runs/lamm-13b --as LAMM-13B --causes found.yaml --format markdown
    """
    from lamm_bench.show.ledger import markdown, show_ledger
    from lamm_bench.show.reproduction import ledger as made
    from lamm_bench.show.reproduction import read_causes, to_json

    lines = made(once(asked["runs"]), asked["model"], read_causes(asked["causes"]) if asked["causes"] else None)
    if str(asked["json_file"]) == "-":
        click.echo(json.dumps(to_json(lines), ensure_ascii=False, indent=1))
        return
    if asked["json_file"] is not None:
        from lamm_bench.keep.files import write_json

        write_json(asked["json_file"], to_json(lines))
    if asked["form"] == "markdown":
        click.echo(markdown(lines), nl=False)
    else:
        show_ledger(lines)
