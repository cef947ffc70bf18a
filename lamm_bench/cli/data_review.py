"""The verb that lets a person look at what was constructed: `data review`."""

from __future__ import annotations

from pathlib import Path

import click

from lamm_bench.errors import BenchError

from .options import SETTINGS, can_be_written, guarded, modalities_option


@click.command("review", context_settings=SETTINGS, short_help="Look at constructed dialogues, accept and reject.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--out", "--output", "out", type=click.Path(path_type=Path), metavar="FILE", help="Default: review.html in DIR.")
@click.option(
    "--kept", type=click.IntRange(min=0), default=60, show_default=True, metavar="N", help="Dialogues that the checks kept."
)
@click.option(
    "--refused", type=click.IntRange(min=0), default=30, show_default=True, metavar="N", help="Dialogues that they refused."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed shows others.")
@click.option("--take", type=click.Path(path_type=Path), metavar="FILE", help="Take the decisions that the page saved into DIR.")
@modalities_option
@guarded
def review(folder: Path, out: Path | None, kept: int, refused: int, seed: int, take: Path | None) -> None:
    """Write a sample of DIR's dialogues as one HTML page: media, turns, facts and verdicts, to accept and reject by keyboard.

    What the page saves is taken in with --take; `data construct` then keeps what was accepted and drops what was rejected.

    \b
    Example:
      lamm-bench data review made
      lamm-bench data review made --take ~/Downloads/decisions.jsonl && lamm-bench data construct plan.yaml --out made
    """
    from lamm_bench.data.construct.decisions import taken
    from lamm_bench.keep.files import write_whole
    from lamm_bench.show.review import gather, page

    if take is not None:
        counts = taken(folder, take)
        click.echo(f"taken: {counts['accept']} accepted, {counts['reject']} rejected; run `data construct` again to go by them")
        if counts["unknown"]:
            click.echo(f"note: {counts['unknown']} are about dialogues that are no longer there, or read otherwise now", err=True)
        return
    out = out or folder / "review.html"
    if reason := can_be_written(out):
        raise BenchError(f"cannot write {out}: {reason}")
    shown, total = gather(folder, kept, refused, seed)
    if not shown:
        raise BenchError(f"{folder} holds no dialogue to be shown")
    write_whole(out, page(folder.resolve().name, shown, total).encode("utf-8", "replace"))
    click.echo(f"review: {out}")
