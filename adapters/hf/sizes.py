"""How large a picture was for the model: as it was opened, and as its processor resized it where that can be told.

Models that speak pixels mean those of the resized picture, which nobody but the processor knows (Qwen2.5-VL: multiples of 28 between two
bounds of its own configuration)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from .load import Loaded

GRID = "image_grid_thw"  # of Qwen2-VL and its kin: patches along time, height and width of each picture
PATCH = 14  # their side in pixels, where neither processor nor config tells


def sizes_of(
    loaded: Loaded, inputs: Mapping[str, Any], pictures: Sequence[Sequence[Image.Image]]
) -> list[tuple[tuple[int, ...], ...]]:
    """For each row, of each of its pictures: width and height, then those of the resized one where they are known."""
    grid = inputs[GRID].tolist() if GRID in inputs else []
    patch = patch_of(loaded)
    shown = [picture for row in pictures for picture in row]
    made = [(w * patch, h * patch) for _, h, w in grid] if len(grid) == len(shown) else [()] * len(shown)
    told = iter([(*picture.size, *resized) for picture, resized in zip(shown, made)])
    return [tuple(next(told) for _ in row) for row in pictures]


def patch_of(loaded: Loaded) -> int:
    """The side of a patch in pixels."""
    for owner in (getattr(loaded.processor, "image_processor", None), getattr(loaded.model.config, "vision_config", None)):
        side = getattr(owner, "patch_size", None)
        if isinstance(side, int) and side > 0:
            return side
    return PATCH
