"""Drawing with filled polygons in a unit plane: a `Sketch` is a list of parts, put anywhere at any size and turn.

Everything becomes a polygon, so the tight box of a sketch is the box of its points. Colours are named by role and
mixed when the sketch is painted, so that one drawing comes in every colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw

from .paint import OVER, arrays, blend, brightness

RGB: TypeAlias = tuple[int, int, int]
Ink: TypeAlias = str | RGB  # a role, mixed from the main colour (`main`, `dark`, `light`), or a fixed colour
Box: TypeAlias = tuple[float, float, float, float]  # x1, y1, x2, y2
Point: TypeAlias = tuple[float, float]

COLOURS: dict[str, RGB] = {
    "red": (206, 38, 40),
    "orange": (243, 142, 30),
    "yellow": (246, 222, 62),
    "green": (48, 158, 62),
    "blue": (42, 92, 206),
    "purple": (138, 62, 172),
    "black": (38, 36, 40),
    "white": (240, 240, 238),
}
"""Eight colours a person tells apart at a glance, also under noise."""


def shade(name: str, rng: Random, spread: int = 16) -> RGB:
    """One shade of a named colour."""
    r, g, b = (min(255, max(0, c + rng.randint(-spread, spread))) for c in COLOURS[name])
    return r, g, b


def circle(cx: float, cy: float, rx: float, ry: float, turn: float = 0.0, corners: int = 16) -> list[Point]:
    """The corners of an ellipse turned by `turn` radians."""
    c, s = math.cos(turn), math.sin(turn)
    points = []
    for i in range(corners):
        angle = 2 * math.pi * i / corners
        x, y = rx * math.cos(angle), ry * math.sin(angle)
        points.append((cx + c * x - s * y, cy + s * x + c * y))
    return points


@dataclass
class Sketch:
    """A drawing under way: x to the right, y down, any unit. Later parts cover earlier ones."""

    parts: list[tuple[Sequence[Point], Ink]] = field(default_factory=list)

    def poly(self, ink: Ink, *points: Point) -> Sketch:
        self.parts.append((points, ink))
        return self

    def oval(self, ink: Ink, cx: float, cy: float, rx: float, ry: float, turn: float = 0.0, corners: int = 16) -> Sketch:
        return self.poly(ink, *circle(cx, cy, rx, ry, turn, corners))

    def box(self, ink: Ink, x1: float, y1: float, x2: float, y2: float) -> Sketch:
        return self.poly(ink, (x1, y1), (x2, y1), (x2, y2), (x1, y2))

    def bar(self, ink: Ink, start: Point, end: Point, width: float, end_width: float | None = None) -> Sketch:
        """A straight limb, tapered from `width` to `end_width`."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = math.hypot(dx, dy) or 1.0
        nx, ny = -dy / length / 2, dx / length / 2
        last = width if end_width is None else end_width
        return self.poly(
            ink,
            (start[0] + nx * width, start[1] + ny * width),
            (end[0] + nx * last, end[1] + ny * last),
            (end[0] - nx * last, end[1] - ny * last),
            (start[0] - nx * width, start[1] - ny * width),
        )

    def path(self, ink: Ink, width: float, *points: Point) -> Sketch:
        """A bent limb of even width."""
        for start, end in zip(points, points[1:], strict=False):
            self.bar(ink, start, end, width)
        for x, y in points[1:-1]:
            self.oval(ink, x, y, width / 2, width / 2, corners=8)
        return self

    def ring(self, ink: Ink, cx: float, cy: float, radius: float, width: float) -> Sketch:
        """A hollow circle: outer edge there, inner edge back."""
        outer = circle(cx, cy, radius, radius, corners=20)
        inner = circle(cx, cy, radius - width, radius - width, corners=20)
        return self.poly(ink, *outer, outer[0], inner[0], *reversed(inner))

    def turned(self, degrees: float, flip: bool = False) -> Sketch:
        """The same sketch, mirrored left to right if `flip`, then turned counter-clockwise."""
        c, s = math.cos(math.radians(-degrees)), math.sin(math.radians(-degrees))
        side = -1.0 if flip else 1.0
        return Sketch([([(c * side * x - s * y, s * side * x + c * y) for x, y in points], ink) for points, ink in self.parts])

    def extent(self) -> Box:
        """The tight box of all points."""
        xs = [x for points, _ in self.parts for x, _ in points]
        ys = [y for points, _ in self.parts for _, y in points]
        return min(xs), min(ys), max(xs), max(ys)

    def aspect(self) -> float:
        """Width divided by height."""
        x1, y1, x2, y2 = self.extent()
        return (x2 - x1) / max(y2 - y1, 1e-6)

    def fitted(self, box: Box) -> Sketch:
        """The same sketch, stretched so that its tight box is `box`."""
        x1, y1, x2, y2 = self.extent()
        sx, sy = (box[2] - box[0]) / max(x2 - x1, 1e-6), (box[3] - box[1]) / max(y2 - y1, 1e-6)
        return Sketch(
            [([(box[0] + (x - x1) * sx, box[1] + (y - y1) * sy) for x, y in points], ink) for points, ink in self.parts]
        )


def paint(image: Image.Image, sketch: Sketch, box: Box, main: RGB, edge: RGB, edge_width: float = 1.2) -> None:
    """Paints a sketch with a contour into `box` (pixels of the finished picture); the contour lies inside the box."""
    k, half = OVER, edge_width / 2
    inner = (box[0] + half, box[1] + half, box[2] - half, box[3] - half)
    placed = sketch.fitted((inner[0] * k, inner[1] * k, inner[2] * k, inner[3] * k))
    inks: dict[str, RGB] = {
        "main": main,
        "dark": blend(main, (0, 0, 0), 0.38) if brightness(main) > 60 else blend(main, (255, 255, 255), 0.28),
        "light": blend(main, (255, 255, 255), 0.45) if brightness(main) < 200 else blend(main, (90, 90, 110), 0.25),
        "edge": edge,
    }
    draw = ImageDraw.Draw(image)
    width = max(1, round(edge_width * k))
    if edge_width > 0:
        for points, _ in placed.parts:
            draw.line([*points, points[0]], fill=edge, width=width)
    for points, ink in placed.parts:
        draw.polygon(list(points), fill=inks[ink] if isinstance(ink, str) else ink)


def edge_for(main: RGB, behind: float, rng: Random) -> RGB:
    """A contour that stands out: light around dark things on dark ground, else dark. `behind` is the ground's luma."""
    level = rng.randint(0, 40)
    return (255 - level, 255 - level, 250 - level) if behind < 90 and brightness(main) < 110 else (level, level, level)


def finish(image: Image.Image, rng: Random, noise: tuple[float, float] = (2.0, 11.0)) -> Image.Image:
    """The picture at its final size, with a little uneven light and sensor noise of a random strength (8-bit levels)."""
    pixels = np.asarray(image.reduce(OVER), dtype=np.float32)
    numbers = arrays(rng)
    height, width = pixels.shape[:2]
    slope_x, slope_y = numbers.uniform(-12, 12, 2).astype(np.float32)
    light = np.linspace(-slope_x, slope_x, width, dtype=np.float32)[None, :, None]
    light = light + np.linspace(-slope_y, slope_y, height, dtype=np.float32)[:, None, None]
    grain = numbers.standard_normal((height, width, 1), dtype=np.float32) + 0.5 * numbers.standard_normal(
        (height, width, 3), dtype=np.float32
    )
    noisy = pixels + light + grain * rng.uniform(*noise)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
