"""Which media a training learns from: a part of them (`data.part`), without those kept for the validation loss (`data.held_out`).

Each media goes by a lot of its own file name, wherever the data lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from lamm_bench.training.config.preset import Preset

from .dialogues import Dialogue
from .examples import rng


def split(dialogues: Sequence[Dialogue], plan: Preset) -> tuple[list[Dialogue], list[Dialogue]]:
    """Held-out dialogues and the others; by media, so that nothing of a held-out image is learnt from."""
    held = lots(plan.data.held_out, plan.seed, "held out")
    out: tuple[list[Dialogue], list[Dialogue]] = ([], [])
    for one in dialogues:
        out[not held(one.media.path)].append(one)
    return out


def in_part(plan: Preset) -> Callable[[str], bool]:
    """Whether the media of a path is in the part that `data.part` asks for."""
    return lots(plan.data.part, plan.seed, "part")


def lots(share: float, seed: int, what: str) -> Callable[[str], bool]:
    """True for about this share of all paths."""
    if share in (0, 1):
        return lambda path: bool(share)

    @cache
    def drawn(path: str) -> bool:
        return bool(rng(seed, what, Path(path).name).random() < share)

    return drawn
