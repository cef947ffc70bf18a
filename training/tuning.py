"""A preset's `tasks`: the train splits of benchmark tasks become C4 dialogues (docs/dataset.md), and a checkpoint goes on with them.

The paper's second table tunes the baseline on a task's own train split and asks about the test split before and after (LAMM, section 4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.types import Task

from .config.preset import Preset
from .config.tasks import asked_by, constructed_file, tasks_named

SPLIT = "train"
"""Beside a benchmark's own folders in the data root, as the miniature's `val` is: the same files about other media."""


def constructed(plan: Preset, out: Path, data_root: Path | None, say: Callable[[str], None] = lambda text: None) -> Path:
    """Constructs the dialogues into `out` and gives it, a data root to train on.

    From `data_root`/train in the benchmark's form; without a data root from miniatures that are drawn with seeds of their own.
    Raises BenchError where the train split is not there."""
    from lamm_bench.data.construct.plan import read_plan
    from lamm_bench.data.construct.session import construct

    tasks = tasks_named(plan)
    sources = list(sources_in(tasks, data_root) if data_root is not None else drawn(tasks, plan.seeds, say))
    kinds = ",".join(dict.fromkeys(str(asked_by(task)) for task in tasks))
    said = {
        "name": plan.name,
        "seed": plan.seed,
        "licence": plan.licence,
        "sources": sources,
        "kinds": {"C4": {"tasks": kinds, "style": "short", "own_questions": 0.5}},
    }
    file = out.with_name(f"{out.name}.plan.json")  # JSON is YAML
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    made = construct(read_plan(str(file)), out)
    counts = made.card["kinds"]["C4"]
    say(f"{counts['kept']:,} dialogues of the train split of {', '.join(task.name for task in tasks)}, in {out}")
    for kind in plan.data.media:
        if not (out / constructed_file(kind)).is_file():
            raise BenchError(f"the train split gives no dialogue about the kind {kind}; {out / 'card.md'} says what was refused")
    return out


def sources_in(tasks: list[Task], root: Path) -> list[Mapping[str, Any]]:
    """One source: the meta files of the tasks below `root`/train."""
    files = []
    for task in tasks:
        there = [name for name in task.meta_files if (root / SPLIT / name).is_file()]
        if not there:
            raise BenchError(
                f"{root / SPLIT / task.meta_files[0]} is missing: the train split of {task.name}, in the form of the benchmark's file"
            )
        files.append(there[0])
    return [{"reader": "benchmark", "root": str((root / SPLIT).resolve()), "files": files, "as": SPLIT}]


def drawn(tasks: list[Task], seeds: int, say: Callable[[str], None]) -> list[Mapping[str, Any]]:
    """A source for each miniature that is learnt from; seed 0 is the benchmark's own."""
    say(f"no --data-root: {seeds} miniatures with seeds of their own are the train split, drawn at first use (minutes)")
    files = [task.meta_files[0] for task in tasks]
    return [{"reader": "benchmark", "miniature": seed, "files": files, "as": f"mini{seed}"} for seed in range(1, seeds + 1)]
