"""Simple things of a few polygons each, for the diagrams: a shape and a colour of its own, so that each is known at a glance."""

from __future__ import annotations

from random import Random
from typing import TypeAlias

import numpy as np
from PIL import ImageDraw

from .paint import Colour, Pose, oval, rectangle, shade

Part: TypeAlias = tuple[np.ndarray, Colour]


def _star(points: int, inner: float) -> np.ndarray:
    angles = np.radians(np.arange(2 * points) * 180 / points - 90)
    radii = np.where(np.arange(2 * points) % 2, inner, 1.0)
    return np.stack((np.cos(angles) * radii, np.sin(angles) * radii), axis=1)


def _heart() -> np.ndarray:
    # the well-known curve x = 16 sin^3 t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t, scaled to the unit square
    t = np.linspace(0, 2 * np.pi, 40)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack((16 * np.sin(t) ** 3 / 17, -y / 16), axis=1)


def _moon() -> np.ndarray:
    return np.concatenate((oval(0, 0, 1, 1, 50, 310), oval(0.45, 0, 0.78, 0.78, 278, 82)))


def _flower() -> list[Part]:
    petals = [(oval(0.58 * np.cos(a), 0.58 * np.sin(a), 0.4, 0.4), (235, 90, 170)) for a in np.radians(np.arange(0, 360, 72))]
    return [*petals, (oval(0, 0, 0.34, 0.34), (250, 215, 60))]


def _array(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points)


PICTOGRAMS: dict[str, list[Part]] = {
    "sun": [(_star(10, 0.66), (245, 170, 30)), (oval(0, 0, 0.58, 0.58), (255, 210, 50))],
    "moon": [(_moon(), (90, 90, 150))],
    "star": [(_star(5, 0.42), (240, 195, 30))],
    "fish": [
        (oval(-0.15, 0, 0.8, 0.48), (60, 130, 220)),
        (_array((0.5, 0), (1, -0.5), (1, 0.5)), (40, 100, 190)),
        (oval(-0.55, -0.12, 0.1, 0.1), (255, 255, 255)),
    ],
    "tree": [(rectangle(0, 0.6, 0.3, 0.8), (120, 75, 40)), (_array((0, -1), (0.85, 0.35), (-0.85, 0.35)), (30, 130, 50))],
    "house": [
        (rectangle(0, 0.4, 1.4, 1.1), (225, 190, 140)),
        (_array((0, -1), (1, -0.1), (-1, -0.1)), (180, 50, 40)),
        (rectangle(0, 0.6, 0.36, 0.7), (100, 60, 40)),
    ],
    "heart": [(_heart(), (220, 30, 60))],
    "cloud": [
        (oval(-0.45, 0.15, 0.5, 0.42), (150, 175, 205)),
        (oval(0.45, 0.15, 0.5, 0.42), (150, 175, 205)),
        (oval(0, -0.1, 0.58, 0.55), (150, 175, 205)),
    ],
    "drop": [(np.concatenate((_array((0, -1)), oval(0, 0.3, 0.62, 0.66, -25, 205))), (40, 170, 215))],
    "flower": _flower(),
    "mushroom": [(rectangle(0, 0.5, 0.5, 0.95), (240, 225, 195)), (oval(0, 0.15, 1, 1.05, 180, 360), (200, 60, 40))],
    "key": [
        (oval(-0.5, 0, 0.46, 0.46), (130, 130, 60)),
        (oval(-0.5, 0, 0.2, 0.2), (255, 255, 255)),
        (rectangle(0.45, 0, 1.1, 0.22), (130, 130, 60)),
        (rectangle(0.85, 0.22, 0.2, 0.34), (130, 130, 60)),
        (rectangle(0.5, 0.22, 0.2, 0.34), (130, 130, 60)),
    ],
}
"""Name -> parts: outline in [-1, 1], and colour."""


def paint_pictogram(rng: Random, draw: ImageDraw.ImageDraw, name: str, x: float, y: float, size: float) -> None:
    """The thing around (x, y), reaching `size` pixels each way, a little turned, lighter or darker."""
    pose, light = Pose(x, y, size, rng.uniform(-0.15, 0.15)), rng.uniform(0.85, 1.1)
    for outline, colour in PICTOGRAMS[name]:
        draw.polygon(pose(outline), fill=shade(colour, light))
