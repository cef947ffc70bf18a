"""What `train-baseline` does around a training that names `tasks`: asks about them before and after, and compares."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError


def tune(plan: Any, output: Path, data_root: Path | None, fresh: bool, train: Callable[[], Path]) -> None:
    """Asks the checkpoint that goes on about the preset's tasks, trains, asks again, and shows both.

    Each of the three goes on where an earlier start was killed; a checkpoint that is finished is not trained again. The runs stand beside
    `output`, named -before and -after; what the training has seen of the tasks' test split stands in it (seen.json)."""
    from lamm_bench.api import evaluate
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.comparing import compare_runs
    from lamm_bench.data.mini import ensure
    from lamm_bench.show.comparison import show_comparison

    before, after = (output.with_name(f"{output.name}-{when}") for when in ("before", "after"))
    root = data_root if data_root is not None else ensure(("test",))
    start = importlib.import_module("lamm_bench.training.config.reading").checkpoint_called(plan.extends)

    def ask(checkpoint: Path, folder: Path) -> None:
        settings = {"checkpoint": str(checkpoint)}
        evaluate("lamm", plan.tasks, root, settings=settings, output=folder, fresh=fresh, progress=True)

    ask(start, before)
    if fresh or not finished(output, plan):
        train()
        note_seen(plan, output, root)
    ask(output, after)
    catalog = load_catalog(())
    show_comparison(compare_runs(after, before, catalog, root, "all", "standard"))
    click.echo(f"checkpoint: {output}\nthe same again: lamm-bench compare {after} {before}")


def finished(output: Path, plan: Any) -> bool:
    """Whether the folder holds the checkpoint that this preset gives. Raises BenchError where it is another's."""
    file = output / "preset.json"
    if not file.is_file() or not (output / "config.json").is_file():
        return False
    said, wanted = json.loads(file.read_text(encoding="utf-8")), json.loads(json.dumps(asdict(plan)))
    other = next((key for key in wanted if key not in ("model", "assumed") and said.get(key) != wanted[key]), None)
    if other:
        raise BenchError(f"{output} holds a checkpoint of another training ({other} differs); use another --output, or --fresh")
    return True


def note_seen(plan: Any, output: Path, root: Path) -> None:
    """Writes the ledger of what the dialogues hold of the tasks' test split into the checkpoint, where the leaderboard finds it."""
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.data.locate import label
    from lamm_bench.data.verify_more import compared
    from lamm_bench.keep.files import write_json
    from lamm_bench.keep.seen import NAME

    tasks = load_catalog(()).select_tasks(plan.tasks)
    _, seen = compared(root, tasks, False, None, [output.with_name(f"{output.name}-data")])
    if seen is not None:
        write_json(output / NAME, {**seen, "source": label(root)})
