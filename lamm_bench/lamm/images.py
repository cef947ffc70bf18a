"""Both of upstream's image transforms (reference 3.3), with Pillow and NumPy only; a recipe names one.

`squash` resizes to the square and gives up the aspect ratio, so that coordinates stay fractions of the picture; `crop`
resizes the short side and cuts the centre."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from lamm_bench.errors import unknown

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Of OpenAI's CLIP (reference 3.3)."""

WHOLE = 2**24
"""Pixels above which only the square is computed, which rounds a little differently: 1 x 10,000 would become 224 x 2,240,000."""


def squash(image: Image.Image, size: int) -> Image.Image:
    """Bicubic to size x size."""
    return image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)


def crop(image: Image.Image, size: int) -> Image.Image:
    """Bicubic with the short side at `size`, then the central square; sides are rounded as torchvision does, upstream's tool."""
    short = min(image.size)
    wide, high = (size * side // short for side in image.size)
    left, top = round((wide - size) / 2), round((high - size) / 2)
    image = image.convert("RGB")
    if wide * high > WHOLE:
        across, down = image.width / wide, image.height / high
        box = (left * across, top * down, (left + size) * across, (top + size) * down)
        return image.resize((size, size), Image.Resampling.BICUBIC, box=box)
    return image.resize((wide, high), Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))


TRANSFORMS: dict[str, Callable[[Image.Image, int], Image.Image]] = {"squash": squash, "crop": crop}


def pixels(image: Image.Image, transform: str, size: int) -> np.ndarray:
    """uint8 [size, size, 3] after the named transform."""
    if transform not in TRANSFORMS:
        raise unknown("image transform", transform, TRANSFORMS)
    return np.asarray(TRANSFORMS[transform](image, size), dtype=np.uint8)
