"""The canvas of the aerial pictures: palettes of the ground, and the strokes, trees, cars and houses that classes share."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from .paint import Colour, Pose, between, blend, mottle, oval, rectangle, shade

GRASS = (70, 110, 50), (120, 150, 80)
SOIL = (140, 110, 70), (190, 160, 115)
ASPHALT = (88, 88, 90), (125, 125, 128)
CONCRETE = (165, 162, 155), (205, 200, 192)
TREE = (22, 58, 24), (56, 92, 46)
WATER = (22, 56, 84), (56, 104, 140)
ROOF = (110, 70, 55), (225, 205, 190)
CARS = (
    ((200, 200, 200), (250, 250, 250)),
    ((20, 20, 30), (60, 60, 80)),
    ((150, 20, 20), (220, 60, 60)),
    ((30, 60, 140), (80, 110, 200)),
)


def tone(rng: Random, low: Colour, high: Colour) -> Colour:
    """A colour from dark to light, each channel off by a little."""
    red, green, blue = blend(low, high, rng.random())
    return (red + rng.randint(-6, 6), green + rng.randint(-6, 6), blue + rng.randint(-6, 6))


@dataclass(frozen=True)
class Land:
    """A canvas of `side` x `side` drawn pixels, and a pose whose unit is half its side: -1 to 1 is in sight."""

    rng: Random
    canvas: Image.Image
    pose: Pose

    def ground(self, colour: Colour, spread: int = 22) -> None:
        """Covers the whole canvas with uneven ground."""
        self.canvas.paste(mottle(self.rng, *self.canvas.size, colour, spread=spread))

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.canvas)

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        self.draw.polygon(self.pose(points), fill=colour)

    def box(self, cx: float, cy: float, width: float, height: float, colour: Colour, shadow: float = 0.0) -> None:
        """A rectangle, with its shadow to one side where it stands high."""
        if shadow:
            self.fill(rectangle(cx + shadow, cy + shadow, width, height), (40, 42, 44))
        self.fill(rectangle(cx, cy, width, height), colour)

    def disc(self, cx: float, cy: float, radius: float, colour: Colour) -> None:
        self.fill(oval(cx, cy, radius, radius, steps=18), colour)

    def strip(self, points: np.ndarray, width: float, colour: Colour) -> None:
        """A band along a path."""
        self.draw.line(self.pose(points), fill=colour, width=max(1, round(width * self.pose.scale)), joint="curve")

    def dashes(self, start: tuple[float, float], end: tuple[float, float], number: int, width: float, colour: Colour) -> None:
        """A dashed straight line."""
        (x0, y0), (x1, y1) = start, end
        for i in range(number):
            a, b = i / number, (i + 0.5) / number
            self.strip(
                np.array([(x0 + (x1 - x0) * a, y0 + (y1 - y0) * a), (x0 + (x1 - x0) * b, y0 + (y1 - y0) * b)]), width, colour
            )

    def tree(self, cx: float, cy: float, radius: float) -> None:
        """A crown: a dark disc with a lighter one on it."""
        colour = tone(self.rng, *TREE)
        self.disc(cx, cy, radius, colour)
        self.disc(cx - radius * 0.2, cy - radius * 0.2, radius * 0.55, shade(colour, 1.3))

    def car(self, cx: float, cy: float, long: float, wide: float) -> None:
        """A small bright or dark rectangle with a windscreen; `long` is along x."""
        colour = between(self.rng, *self.rng.choice(CARS))
        self.box(cx, cy, long, wide, colour)
        self.box(cx + long * 0.15, cy, long * 0.2, wide * 0.8, (30, 34, 40))

    def anywhere(self, reach: float = 1.2) -> tuple[float, float]:
        return self.rng.uniform(-reach, reach), self.rng.uniform(-reach, reach)

    def house(self, cx: float, cy: float, size: float) -> None:
        """A pitched roof: two halves, one in shade."""
        colour = tone(self.rng, *ROOF)
        wide, high = size * self.rng.uniform(0.9, 1.3), size * self.rng.uniform(0.75, 1.0)
        self.box(cx, cy, wide, high, colour, shadow=size * 0.12)
        self.box(cx, cy + high * 0.25, wide, high * 0.5, shade(colour, 0.75))


def road(land: Land, y: float, width: float, lanes: int, cars: int, colour: Colour) -> None:
    """A straight road along x with lane lines and cars."""
    land.box(0, y, 4, width, colour)
    for i in range(1, lanes):
        offset = y - width / 2 + width * i / lanes
        land.dashes((-1.6, offset), (1.6, offset), 14, 0.02, (235, 235, 235))
    for _ in range(cars):
        lane = land.rng.randrange(lanes)
        land.car(land.rng.uniform(-1.2, 1.2), y - width / 2 + width * (lane + 0.5) / lanes, 0.15, 0.075)


def crossing(land: Land, width: float, lanes: int, cars: int) -> None:
    """A second road across the first."""
    turned = Pose(land.pose.x, land.pose.y, land.pose.scale, land.pose.angle + np.pi / 2 + land.rng.uniform(-0.15, 0.15))
    road(Land(land.rng, land.canvas, turned), 0, width, lanes, cars, tone(land.rng, *ASPHALT))
