"""The verb that gives a checkpoint away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .options import SETTINGS, guarded, modalities_option

FOLDER = click.Path(path_type=Path)


@click.command(context_settings=SETTINGS, short_help="Publish a checkpoint with its scores on a hub.")
@click.argument("checkpoint", type=FOLDER)
@click.option("--to", "where", type=click.Choice(["hub"]), default="hub", show_default=True, help="The Hugging Face hub.")
@click.option("--repo", metavar="OWNER/NAME", help="The model repository; made where it is not there.")
@click.option(
    "--run", "runs", multiple=True, type=FOLDER, metavar="RUN", help="A run of this checkpoint, for the card (repeatable)."
)
@click.option("--public", is_flag=True, help="Everybody may see it. Without it the repository is private.")
@click.option("--licence", default="", metavar="NAME", help="Where the checkpoint says none: cc-by-nc-4.0, apache-2.0, other ...")
@click.option("--message", default="Published by lamm-bench", show_default=True, metavar="TEXT", help="Of the commit.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and the card; ask nobody, send nothing.")
@modalities_option
@guarded
def publish(**asked: Any) -> None:
    """Publish a checkpoint of the LAMM model: weights, config, and a card with the scores and intervals of given runs.

    Private unless you say --public. The same command after an interruption sends only what the hub does not have. Language models and
    encoders that lie elsewhere are named and not sent.

    \b
    Examples:
      lamm-bench publish runs/train-mini --dry-run --run runs/lamm-1a2b3c4d
      lamm-bench publish runs/train-mini --repo me/lamm-mini --run runs/lamm-1a2b3c4d
    """
    from lamm_bench.remote.upload import checked_repo, upload
    from lamm_bench.show.progress import Bars, stderr_console
    from lamm_bench.show.publishing import publication

    if not asked["checkpoint"].is_dir():
        raise BenchError(f"{asked['checkpoint']} is no folder; expected a checkpoint, such as train-baseline writes")
    if not asked["repo"] and not asked["dry_run"]:
        raise BenchError("--repo: name the repository as owner/name, or look first with --dry-run")
    repo = checked_repo(asked["repo"]) if asked["repo"] else ""
    made = publication(asked["checkpoint"], asked["runs"], asked["licence"])
    seen = "public" if asked["public"] else "private"
    if asked["dry_run"]:
        total = sum(made.sizes.values())
        for name, size in made.sizes.items():
            click.echo(f"{name}: {size:,} bytes")
        click.echo(
            f"{total:,} bytes under {made.licence} would go into {repo or 'a repository'}, {seen}; the card:\n\n{made.card}",
            nl=False,
        )
        return
    address = upload(made.files, repo, asked["public"], asked["message"], Bars(stderr_console()).say)
    click.echo(f"published, {seen}, under {made.licence}: {address}")
