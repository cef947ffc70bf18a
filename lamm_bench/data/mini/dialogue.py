"""Instruction items of the train split in LAMM's JSON (reference 4.2), without their ids."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, TypeAlias

Turn: TypeAlias = tuple[str, str]  # what the human asks, what the model answers


def dialogue_2d(image: str, task_type: str, turns: Sequence[Turn]) -> dict[str, Any]:
    """A conversation about one picture; all turns share it."""
    return {"image": image, "conversations": conversations(turns), "task_type": task_type, "src_image": image}


def dialogue_3d(pcl: str, task_type: str, turns: Sequence[Turn], room: str) -> dict[str, Any]:
    """A conversation about one point cloud; `room` becomes `src_id`."""
    return {
        "pcl": pcl,
        "conversations": conversations(turns),
        "task_type": task_type,
        "src_dataset": "mini",
        "src_id": room,
    }


def conversations(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Alternating human and model, beginning with the human."""
    return [{"from": who, "value": text} for turn in turns for who, text in zip(("human", "gpt"), turn)]


def wording(rng: Random, wordings: Sequence[str]) -> str:
    """One of the train wordings: mostly the first, which is the benchmark's."""
    return wordings[0] if rng.random() < 0.7 else rng.choice(wordings[1:])


def groups(rng: Random, turns: Sequence[Turn], number: int) -> list[list[Turn]]:
    """The turns shuffled and dealt into `number` conversations, so that many of them stand first in one."""
    shuffled = list(turns)
    rng.shuffle(shuffled)
    return [dealt for start in range(number) if (dealt := shuffled[start::number])]


def number(value: float, digits: int = 2) -> str:
    """A decimal with a fixed number of digits and no negative zero.

    >>> number(-0.001), number(0.456)
    ('0.00', '0.46')
    """
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def numbers(values: Sequence[float]) -> str:
    """Numbers in brackets: a point or a box as answers give it.

    >>> numbers((0.1, 0.25))
    '[0.10, 0.25]'
    """
    return f"[{', '.join(number(value) for value in values)}]"


def options_text(options: Sequence[str]) -> str:
    """`Options: (A) ... (B) ...`, as AI2D and ScanQA write them.

    >>> options_text(("fish", "tree"))
    'Options: (A) fish (B) tree'
    """
    return "Options: " + " ".join(f"({chr(65 + i)}) {option}" for i, option in enumerate(options))


def choices(rng: Random, right: str, wrong: Sequence[str], place: int) -> list[str]:
    """The right option at `place` among the shuffled wrong ones."""
    shuffled = list(wrong)
    rng.shuffle(shuffled)
    return [*shuffled[:place], right, *shuffled[place:]]
