"""Brushes shared by the faces, people, land, signs and diagrams of the miniature: poses, backdrops, noise, encoding.

Pictures are drawn twice as large as they are stored and then averaged down, which is all the anti-aliasing they need."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw

Colour: TypeAlias = tuple[int, int, int]
Points: TypeAlias = Sequence[tuple[float, float]] | np.ndarray

OVER = 2
"""How many drawn pixels make one stored pixel, in each direction."""


@dataclass(frozen=True)
class Pose:
    """Places points of an object's own coordinates (x right, y down) on the canvas: turned, scaled, then moved."""

    x: float
    y: float
    scale: float
    angle: float = 0.0  # radians, clockwise as the picture is seen

    def __call__(self, points: Points) -> list[tuple[float, float]]:
        xy = np.asarray(points, dtype=float).reshape(-1, 2)
        cos, sin = math.cos(self.angle) * self.scale, math.sin(self.angle) * self.scale
        placed = np.empty_like(xy)
        placed[:, 0] = xy[:, 0] * cos - xy[:, 1] * sin + self.x
        placed[:, 1] = xy[:, 0] * sin + xy[:, 1] * cos + self.y
        return [(x, y) for x, y in placed.tolist()]


def oval(cx: float, cy: float, rx: float, ry: float, start: float = 0.0, end: float = 360.0, steps: int = 28) -> np.ndarray:
    """Points [steps, 2] on an ellipse from `start` to `end` degrees, clockwise from the right as the picture is seen."""
    t = np.arange(steps) * (np.pi * (end - start) / 180 / (steps - 1)) + np.pi * start / 180
    points = np.empty((steps, 2))
    points[:, 0], points[:, 1] = cx + rx * np.cos(t), cy + ry * np.sin(t)
    return points


def rectangle(cx: float, cy: float, width: float, height: float) -> np.ndarray:
    """The four corners [4, 2] of a rectangle around its centre."""
    w, h = width / 2, height / 2
    return np.array([(cx - w, cy - h), (cx + w, cy - h), (cx + w, cy + h), (cx - w, cy + h)])


def between(rng: Random, low: Colour, high: Colour) -> Colour:
    """A colour drawn channel by channel."""
    return (rng.randint(low[0], high[0]), rng.randint(low[1], high[1]), rng.randint(low[2], high[2]))


def blend(one: Colour, two: Colour, part: float) -> Colour:
    """The colour that lies `part` of the way from one to the other, so that grey stays grey."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, two))
    return (red, green, blue)


def shade(colour: Colour, factor: float) -> Colour:
    """The colour made darker (below 1) or lighter (above 1)."""
    red, green, blue = (max(0, min(255, round(c * factor))) for c in colour)
    return (red, green, blue)


def brightness(colour: Colour) -> float:
    """Luma of ITU-R BT.601, 0 to 255."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def arrays(rng: Random) -> np.random.Generator:
    """A NumPy generator that belongs to this picture's own stream."""
    return np.random.Generator(np.random.PCG64(rng.getrandbits(64)))


def gradient(rng: Random, width: int, height: int, one: Colour, two: Colour) -> Image.Image:
    """A canvas that fades from one colour into another in a random direction."""
    a, b = rng.uniform(-1, 1), rng.uniform(-1, 1)
    spread = max(abs(a) + abs(b), 1e-6)

    def corner(x: int, y: int) -> Colour:
        return blend(one, two, (1 + (a * x + b * y) / spread) / 2)

    small = Image.new("RGB", (2, 2))
    for x, y in ((0, 0), (1, 0), (0, 1), (1, 1)):
        small.putpixel((x, y), corner(2 * x - 1, 2 * y - 1))
    return small.resize((width, height), Image.Resampling.BILINEAR, box=(0.5, 0.5, 1.5, 1.5))


def mottle(rng: Random, width: int, height: int, colour: Colour, cells: int = 10, spread: int = 22) -> Image.Image:
    """A canvas of one colour in uneven patches, like ground seen from far away."""
    patches = arrays(rng).integers(-spread, spread + 1, size=(cells, cells, 1)) + np.array(colour)
    small = Image.fromarray(np.clip(patches, 0, 255).astype(np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def scatter(rng: Random, canvas: Image.Image, number: int, strength: float = 1.0) -> None:
    """Clutter: faint ovals and bars anywhere on the canvas."""
    draw = ImageDraw.Draw(canvas, "RGBA")
    width, height = canvas.size
    for _ in range(number):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        w, h = rng.uniform(0.05, 0.3) * width, rng.uniform(0.05, 0.3) * height
        colour = (*between(rng, (30, 30, 30), (225, 225, 225)), round(rng.uniform(40, 120) * strength))
        box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        if rng.random() < 0.5:
            draw.ellipse(box, fill=colour)
        else:
            draw.rectangle(box, fill=colour)


def backdrop(rng: Random, width: int, height: int, clutter: int = 4, low: int = 60, high: int = 220) -> Image.Image:
    """A background that says nothing: a gradient with clutter."""
    grey = (low, low, low), (high, high, high)
    canvas = gradient(rng, width, height, between(rng, *grey), between(rng, *grey))
    scatter(rng, canvas, rng.randint(0, clutter))
    return canvas


def line(draw: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], colour: Colour, width: float) -> None:
    """A line with round ends and joints."""
    draw.line(points, fill=colour, width=max(1, round(width)), joint="curve")
    r = width / 2
    for x, y in (points[0], points[-1]):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)


def finish(rng: Random, canvas: Image.Image, noise: int = 8) -> Image.Image:
    """The stored picture: averaged down, a little lighter or darker, with uniform noise of up to `noise` grey levels."""
    small = np.asarray(canvas.reduce(OVER), dtype=np.int16)
    grain = arrays(rng).integers(-noise, noise + 1, size=small.shape, dtype=np.int16)
    light = rng.randint(-12, 12)
    return Image.fromarray(np.clip(small + grain + light, 0, 255).astype(np.uint8))


def jpeg(image: Image.Image) -> bytes:
    """JPEG bytes without chroma subsampling: small pictures need their colours."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88, subsampling=0)
    return buffer.getvalue()


def png(image: Image.Image) -> bytes:
    """PNG bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
