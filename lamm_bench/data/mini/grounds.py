"""The grounds that scenes stand on. Any object may stand on any of them, so that no ground gives an object away.

To add one, name its colours in GROUNDS and what marks it in MARKS."""

from __future__ import annotations

from random import Random

import numpy as np
from PIL import Image, ImageDraw

from .paint import OVER, blend
from .shapes import COLOURS, RGB

GROUNDS: dict[str, tuple[RGB, RGB]] = {
    "in a meadow": ((150, 200, 240), (96, 160, 70)),
    "on the beach": ((120, 196, 236), (230, 206, 150)),
    "in the snow": ((176, 190, 206), (226, 232, 240)),
    "at night": ((16, 20, 56), (40, 44, 52)),
    "in a room": ((214, 190, 170), (140, 96, 66)),
    "on a road": ((196, 208, 214), (112, 112, 116)),
    "at sea": ((190, 214, 230), (36, 110, 160)),
}
"""What a sentence calls the ground -> colour above and below the horizon. Any object may stand on any of them."""


def backdrop(rng: Random, ground: str, width: int, height: int) -> Image.Image:
    """Sky or wall above, ground below, with the marks of the place and stray strokes."""
    k = OVER
    w, h = width * k, height * k
    above, below = (jitter(colour, rng) for colour in GROUNDS[ground])
    horizon = round(h * rng.uniform(0.3, 0.65))
    fade = rng.uniform(0.1, 0.4)
    sky = np.linspace(above, blend(above, (255, 255, 255), fade), horizon)
    floor = np.linspace(below, blend(below, (0, 0, 0), fade), h - horizon)
    ramp = np.concatenate((sky, floor)).astype(np.uint8)[:, None, :]
    image = Image.fromarray(np.repeat(ramp, w, axis=1))
    draw = ImageDraw.Draw(image)
    MARKS[ground](draw, rng, w, h, horizon, below)
    for _ in range(rng.randint(0, 6)):  # clutter that means nothing
        x, y, tone = rng.uniform(0, w), rng.uniform(0, h), rng.choice((above, below))
        ink = blend(tone, rng.choice(tuple(COLOURS.values())), rng.uniform(0.15, 0.4))
        draw.line([x, y, x + rng.uniform(-0.2, 0.2) * w, y + rng.uniform(-0.12, 0.12) * h], fill=ink, width=rng.randint(2, 7))
    return image


def jitter(colour: RGB, rng: Random, spread: int = 18) -> RGB:
    r, g, b = (min(255, max(0, c + rng.randint(-spread, spread))) for c in colour)
    return r, g, b


def _meadow(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int, horizon: int, below: RGB) -> None:
    for _ in range(40):
        x, y = rng.uniform(0, w), rng.uniform(horizon, h)
        ink = blend(below, rng.choice(((0, 60, 0), (210, 240, 120))), rng.uniform(0.2, 0.5))
        draw.line([x, y, x + rng.uniform(-5, 5), y - rng.uniform(5, 16)], fill=ink, width=2)


def _beach(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int, horizon: int, below: RGB) -> None:
    draw.rectangle([0, horizon - h * 0.09, w, horizon], fill=jitter((60, 140, 190), rng))
    for _ in range(45):
        x, y = rng.uniform(0, w), rng.uniform(horizon, h)
        draw.ellipse([x, y, x + 3, y + 3], fill=blend(below, (120, 90, 40), rng.uniform(0.2, 0.6)))


def _snow(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int, horizon: int, below: RGB) -> None:
    for _ in range(45):
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(1.5, 4)
        draw.ellipse([x - r, y - r, x + r, y + r], fill=(252, 252, 255) if y < horizon else blend(below, (130, 150, 190), 0.35))


def _night(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int, horizon: int, below: RGB) -> None:
    for _ in range(26):
        x, y, r = rng.uniform(0, w), rng.uniform(0, horizon), rng.uniform(0.8, 2.4)
        draw.ellipse([x - r, y - r, x + r, y + r], fill=(250, 246, 210))
    if rng.random() < 0.6:
        x, y, r = rng.uniform(0, w), rng.uniform(0, horizon * 0.6), rng.uniform(8, 18)
        draw.ellipse([x - r, y - r, x + r, y + r], fill=(240, 236, 200))


def _room(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int, horizon: int, below: RGB) -> None:
    step, tone = rng.uniform(18, 34), rng.choice(((255, 255, 255), (120, 80, 80), (80, 110, 130)))
    wall = blend(GROUNDS["in a room"][0], tone, 0.25)
    for i in range(int(w / step) + 1):
        draw.line([i * step, 0, i * step, horizon], fill=wall, width=4)
    for i in range(1, 5):
        y = horizon + (h - horizon) * i / 5
        draw.line([0, y, w, y], fill=blend(below, (0, 0, 0), 0.3), width=2)
    draw.rectangle([0, horizon - 3, w, horizon + 3], fill=blend(below, (255, 255, 255), 0.5))


def _road(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int, horizon: int, below: RGB) -> None:
    y, length = horizon + (h - horizon) * rng.uniform(0.35, 0.75), w * rng.uniform(0.08, 0.14)
    for i in range(8):
        draw.rectangle([i * length * 1.8, y, i * length * 1.8 + length, y + 7], fill=(236, 230, 200))
    for _ in range(rng.randint(3, 6)):  # houses along it
        x, tall = rng.uniform(0, w), rng.uniform(0.1, 0.5) * horizon
        draw.rectangle([x, horizon - tall, x + w * 0.12, horizon], fill=jitter((150, 140, 140), rng, 30))


def _sea(draw: ImageDraw.ImageDraw, rng: Random, w: int, h: int, horizon: int, below: RGB) -> None:
    for _ in range(22):
        x, y, r = rng.uniform(0, w), rng.uniform(horizon + 4, h), rng.uniform(6, 16)
        ink = blend(below, (230, 245, 255), rng.uniform(0.25, 0.6))
        draw.line([x - r, y, x - r / 2, y - 3, x, y, x + r / 2, y - 3, x + r, y], fill=ink, width=2)


MARKS = {
    "in a meadow": _meadow,
    "on the beach": _beach,
    "in the snow": _snow,
    "at night": _night,
    "in a room": _room,
    "on a road": _road,
    "at sea": _sea,
}
