"""What is refused, or told, before anything is read: hours of work should not end in what could be known at their beginning."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import load as load_config
from lamm_bench.media import learns

from .config.preset import Preset
from .config.reading import checkpoint_called
from .watch.probe import tasks_of

WORTH_COMPILING = 50_000
"""Dialogues that the language model must learn from for `speed.compile: auto`: compiling takes half a minute and more, and
saves some milliseconds on each (docs/training.md)."""


def refuse(plan: Preset, feature_cache: Path | None) -> None:
    """Raises BenchError for what this preset cannot do with these options and packages."""
    if feature_cache is not None and any("encoders" in stage.train for stage in plan.stages):
        raise BenchError(f"--feature-cache is for frozen encoders, and the preset {plan.name} trains its own")
    if feature_cache is not None and feature_cache.is_file():
        raise BenchError(f"--feature-cache {feature_cache} is a file, expected a folder")
    if plan.watch.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise BenchError("watch.tensorboard needs the extra `tensorboard` (pip install -c constraints.txt -e '.[tensorboard]')")
    if plan.watch.eval_every:
        tasks_of(plan)


def untrained(plan: Preset) -> str:
    """Which encoders stay as random as they begin, in a sentence; empty where none does."""
    held = load_config(checkpoint_called(plan.extends)).encoders if plan.extends else {}  # of a checkpoint, and trained there
    learnt = [kind for kind in plan.model.encoders if kind in plan.data.media and kind not in held]
    random = [kind for kind in learnt if learns(kind, plan.model.encoders[kind])]
    if not random or plan.encoders_from or any("encoders" in stage.train for stage in plan.stages):
        return ""
    return (
        f"the encoders ({', '.join(random)}) are random and no stage trains them: train `encoders` in a stage, or take a "
        f"checkpoint's with encoders_from and model: {{{', '.join(f'{kind}: null' for kind in random)}}}"
    )


def long_enough(plan: Preset, dialogues: int) -> bool:
    """Whether the language model learns from so much that compiling it pays."""
    return dialogues * sum(stage.epochs for stage in plan.stages if stage.answers) >= WORTH_COMPILING
