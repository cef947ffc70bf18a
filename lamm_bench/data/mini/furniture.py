"""Furniture as coloured surfaces: each piece is a few boxes and prisms, sampled into points.

A piece is built around its own origin with its back towards +y and its feet at z = 0, in metres. Ten of ScanNet's classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

import numpy as np

from .paint import Colour

COLOURS: dict[str, Colour] = {
    "red": (205, 40, 40),
    "orange": (240, 140, 30),
    "yellow": (240, 215, 50),
    "green": (50, 150, 60),
    "blue": (45, 85, 205),
    "purple": (140, 55, 165),
    "brown": (115, 72, 38),
    "white": (242, 242, 240),
    "black": (28, 28, 30),
}
"""Main colours and their RGB (0-255); every piece is within 12 of one of them."""

WOOD, STEEL, LINEN, DARK = (160, 120, 80), (150, 155, 160), (225, 220, 210), (70, 70, 72)


@dataclass(frozen=True)
class Surfaces:
    """Parallelograms: `origin + a * u + b * v` for a, b in [0, 1]; half of one where `triangle`. All metres, RGB 0-255."""

    origin: np.ndarray  # [F, 3]
    u: np.ndarray  # [F, 3]
    v: np.ndarray  # [F, 3]
    colour: np.ndarray  # [F, 3]
    triangle: np.ndarray  # [F] bool

    @property
    def area(self) -> np.ndarray:
        """Square metres [F]."""
        whole = np.linalg.norm(np.cross(self.u, self.v), axis=1)
        return np.where(self.triangle, whole / 2, whole)

    @property
    def corners(self) -> np.ndarray:
        """All corner points [4F, 3]; a triangle's fourth corner is its first."""
        far = np.where(self.triangle[:, None], self.origin, self.origin + self.u + self.v)
        return np.concatenate((self.origin, self.origin + self.u, self.origin + self.v, far))

    def turned(self, quarter_turns: int) -> Surfaces:
        """Turned about z by multiples of 90 degrees, counter-clockwise seen from above."""
        cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarter_turns % 4]
        turn = np.array(((cos, sin, 0), (-sin, cos, 0), (0, 0, 1)), dtype=float)
        return Surfaces(self.origin @ turn, self.u @ turn, self.v @ turn, self.colour, self.triangle)

    def moved(self, x: float, y: float, z: float = 0.0) -> Surfaces:
        return Surfaces(self.origin + (x, y, z), self.u, self.v, self.colour, self.triangle)

    def box(self) -> list[float]:
        """Axis-aligned `[cx, cy, cz, l, w, h]` of everything, metres."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        return [float(x) for x in (*((low + high) / 2), *(high - low))]


def joined(parts: list[Surfaces]) -> Surfaces:
    """Several sets of surfaces as one."""
    fields = ("origin", "u", "v", "colour", "triangle")
    return Surfaces(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))


def cuboid(low: tuple[float, float, float], high: tuple[float, float, float], colour: Colour, bottom: bool = False) -> Surfaces:
    """The five visible faces of a box, or all six with `bottom`."""
    a, b = np.array(low, float), np.array(high, float)
    dx, dy, dz = np.diag(b - a)
    origin = [a, a, a, a + dx, a + dy] if not bottom else [a, a, a, a + dx, a + dy, a]
    origin[0] = a + dz
    u = [dx, dx, dy, dy, dx, dx][: len(origin)]
    v = [dy, dz, dz, dz, dz, dy][: len(origin)]
    count = len(origin)
    return Surfaces(
        np.array(origin), np.array(u), np.array(v), np.tile(np.array(colour, float), (count, 1)), np.zeros(count, bool)
    )


def prism(x: float, y: float, rx: float, ry: float, z0: float, z1: float, colour: Colour, sides: int = 10) -> Surfaces:
    """An upright cylinder over an ellipse, as `sides` faces and a lid."""
    angle = np.arange(sides) * 2 * np.pi / sides
    ring = np.stack((x + rx * np.cos(angle), y + ry * np.sin(angle), np.full(sides, z0)), axis=1)
    following = np.roll(ring, -1, axis=0)
    up = np.array((0, 0, z1 - z0))
    middle = np.tile(np.array((x, y, z1), float), (sides, 1))
    return Surfaces(
        np.concatenate((ring, middle)),
        np.concatenate((following - ring, ring + up - middle)),
        np.concatenate((np.tile(up, (sides, 1)), following + up - middle)),
        np.tile(np.array(colour, float), (2 * sides, 1)),
        np.arange(2 * sides) >= sides,
    )


def legs(length: float, width: float, height: float, thick: float, colour: Colour) -> list[Surfaces]:
    """Four legs at the corners of a rectangle around the origin."""
    return [
        cuboid((sx * length / 2 - (thick if sx > 0 else 0), sy * width / 2 - (thick if sy > 0 else 0), 0),
               (sx * length / 2 + (0 if sx > 0 else thick), sy * width / 2 + (0 if sy > 0 else thick), height), colour)
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]  # fmt: skip


def bed(rng: Random, main: Colour) -> list[Surfaces]:
    """A low, long block with a headboard and pale pillows."""
    wide, long, high = rng.uniform(1.0, 1.7), rng.uniform(1.9, 2.1), rng.uniform(0.42, 0.55)
    w, d = wide / 2, long / 2
    pillows = 1 if wide < 1.3 else 2
    parts = [
        cuboid((-w, -d, 0), (w, d - 0.08, high), main),
        cuboid((-w, d - 0.08, 0), (w, d, high + rng.uniform(0.4, 0.55)), WOOD),
    ]
    for i in range(pillows):
        x = 0.0 if pillows == 1 else (-0.5 + i) * wide / 2
        parts.append(cuboid((x - 0.27, d - 0.5, high), (x + 0.27, d - 0.14, high + 0.12), LINEN))
    return parts


def chair(rng: Random, main: Colour) -> list[Surfaces]:
    """A small seat on four legs with a tall back."""
    wide, seat, back = rng.uniform(0.42, 0.52), rng.uniform(0.42, 0.5), rng.uniform(0.85, 1.05)
    w = wide / 2
    return [
        *legs(wide, wide, seat - 0.06, 0.05, main),
        cuboid((-w, -w, seat - 0.06), (w, w, seat), main, bottom=True),
        cuboid((-w, w - 0.05, seat), (w, w, back), main),
    ]


def table(rng: Random, main: Colour) -> list[Surfaces]:
    """A flat top on four thin legs, or a round one on a column."""
    high = rng.uniform(0.68, 0.78)
    if rng.random() < 0.35:
        r = rng.uniform(0.4, 0.6)
        return [prism(0, 0, 0.06, 0.06, 0, high - 0.05, main), prism(0, 0, r, r, high - 0.05, high, main, 14)]
    long, wide = rng.uniform(0.9, 1.6), rng.uniform(0.6, 0.9)
    top = cuboid((-long / 2, -wide / 2, high - 0.05), (long / 2, wide / 2, high), main, bottom=True)
    return [*legs(long, wide, high - 0.05, 0.06, main), top]


def sofa(rng: Random, main: Colour) -> list[Surfaces]:
    """A deep, wide seat with a back and two arms."""
    long, deep, seat, back = rng.uniform(1.4, 2.1), rng.uniform(0.8, 0.95), rng.uniform(0.38, 0.45), rng.uniform(0.75, 0.9)
    w, d = long / 2, deep / 2
    return [
        cuboid((-w, -d, 0), (w, d, seat), main),
        cuboid((-w, d - 0.22, seat), (w, d, back), main),
        cuboid((-w, -d, seat), (-w + 0.18, d - 0.22, seat + 0.2), main),
        cuboid((w - 0.18, -d, seat), (w, d - 0.22, seat + 0.2), main),
    ]


def bookshelf(rng: Random, main: Colour) -> list[Surfaces]:
    """Tall and shallow: sides, boards, and rows of books of all colours."""
    wide, deep, high = rng.uniform(0.7, 1.2), rng.uniform(0.28, 0.36), rng.uniform(1.6, 2.0)
    w, d = wide / 2, deep / 2
    parts = [cuboid((-w, -d, 0), (-w + 0.05, d, high), main), cuboid((w - 0.05, -d, 0), (w, d, high), main)]
    shelves = 5
    for i in range(shelves):
        z = i * (high - 0.05) / (shelves - 1)
        parts.append(cuboid((-w, -d, z), (w, d, z + 0.05), main))
        if i < shelves - 1:
            for x in np.linspace(-w + 0.06, w - 0.3, 3):
                colour = rng.choice(list(COLOURS.values()))
                parts.append(
                    cuboid((float(x), -d + 0.06, z + 0.05), (float(x) + 0.2, d - 0.02, z + rng.uniform(0.24, 0.34)), colour)
                )
    return parts


def refrigerator(rng: Random, main: Colour) -> list[Surfaces]:
    """A tall, smooth, square block with a dark line and two steel handles."""
    wide, deep, high = rng.uniform(0.6, 0.8), rng.uniform(0.6, 0.75), rng.uniform(1.6, 1.85)
    w, d = wide / 2, deep / 2
    return [
        cuboid((-w, -d + 0.04, 0), (w, d, high), main),
        cuboid((-w, -d + 0.02, high * 0.66), (w, -d + 0.04, high * 0.68), DARK),
        cuboid((-w + 0.06, -d, high * 0.72), (-w + 0.1, -d + 0.04, high * 0.9), STEEL),
        cuboid((-w + 0.06, -d, high * 0.35), (-w + 0.1, -d + 0.04, high * 0.6), STEEL),
    ]


def toilet(rng: Random, main: Colour) -> list[Surfaces]:
    """An oval bowl with a box-shaped tank behind it."""
    wide, deep, bowl, tank = rng.uniform(0.4, 0.46), rng.uniform(0.62, 0.72), rng.uniform(0.38, 0.44), rng.uniform(0.72, 0.82)
    w, d = wide / 2, deep / 2
    ry = (deep - 0.2) / 2
    return [
        prism(0, -d + ry, w * 0.6, ry * 0.6, 0, bowl - 0.14, main),
        prism(0, -d + ry, w, ry, bowl - 0.14, bowl, main, 12),
        cuboid((-w, d - 0.2, bowl - 0.1), (w, d, tank), main, bottom=True),
    ]


def bathtub(rng: Random, main: Colour) -> list[Surfaces]:
    """A long, low, hollow tub with water in it."""
    long, deep, high = rng.uniform(1.5, 1.8), rng.uniform(0.7, 0.8), rng.uniform(0.5, 0.6)
    w, d, rim = long / 2, deep / 2, 0.09
    return [
        cuboid((-w, -d, 0), (w, -d + rim, high), main),
        cuboid((-w, d - rim, 0), (w, d, high), main),
        cuboid((-w, -d + rim, 0), (-w + rim, d - rim, high), main),
        cuboid((w - rim, -d + rim, 0), (w, d - rim, high), main),
        cuboid((-w + rim, -d + rim, 0.1), (w - rim, d - rim, 0.25), (150, 215, 235)),
    ]


def door(rng: Random, main: Colour) -> list[Surfaces]:
    """A tall panel that begins at the floor, in a deep frame, with a steel knob."""
    wide, high = rng.uniform(0.8, 0.95), rng.uniform(1.95, 2.1)
    w = wide / 2
    return [
        cuboid((-w, -0.16, 0), (-w + 0.08, 0.06, high), main),
        cuboid((w - 0.08, -0.16, 0), (w, 0.06, high), main),
        cuboid((-w, -0.16, high - 0.08), (w, 0.06, high), main, bottom=True),
        cuboid((-w + 0.08, -0.08, 0), (w - 0.08, 0.06, high - 0.08), main),
        cuboid((w - 0.22, -0.15, 0.96), (w - 0.13, -0.08, 1.05), STEEL, bottom=True),
    ]


def window(rng: Random, main: Colour) -> list[Surfaces]:
    """A frame with bars and sky-coloured glass over a deep sill, hung high on the wall."""
    wide, low, high = rng.uniform(0.8, 1.4), rng.uniform(0.85, 1.0), rng.uniform(1.75, 2.0)
    w, bar = wide / 2, 0.08
    glass = (165, 210, 240)
    return [
        cuboid((-w, -0.06, low), (-w + bar, 0.06, high), main),
        cuboid((w - bar, -0.06, low), (w, 0.06, high), main),
        cuboid((-w, -0.2, low), (w, 0.06, low + bar), main, bottom=True),
        cuboid((-w, -0.06, high - bar), (w, 0.06, high), main),
        cuboid((-bar / 2, -0.06, low), (bar / 2, 0.06, high), main),
        cuboid((-w + bar, 0.0, low + bar), (w - bar, 0.02, high - bar), glass),
    ]


@dataclass(frozen=True)
class Kind:
    """A class of furniture: how it is built, where it stands, how many a room may hold, in which colours."""

    build: Callable[[Random, Colour], list[Surfaces]]
    place: str  # "floor" (free), "wall" (back against a wall) or "in wall"
    most: int
    colours: tuple[str, ...]


_ANY = tuple(COLOURS)
KINDS: Mapping[str, Kind] = {
    "bathtub": Kind(bathtub, "wall", 1, ("white", "blue", "green", "yellow")),
    "bed": Kind(bed, "wall", 2, _ANY),
    "bookshelf": Kind(bookshelf, "wall", 2, ("brown", "white", "black")),
    "chair": Kind(chair, "floor", 3, _ANY),
    "door": Kind(door, "in wall", 2, ("brown", "white", "green", "blue", "red")),
    "refrigerator": Kind(refrigerator, "wall", 1, ("white", "black", "red", "blue")),
    "sofa": Kind(sofa, "wall", 2, _ANY),
    "table": Kind(table, "floor", 2, ("brown", "white", "black", "orange", "green", "blue")),
    "toilet": Kind(toilet, "wall", 1, ("white", "blue", "yellow")),
    "window": Kind(window, "in wall", 2, ("white", "brown", "black")),
}
"""Furniture by its ScanNet name."""


@dataclass(frozen=True)
class Piece:
    """One object of a room."""

    label: str
    colour: str
    box: tuple[float, ...]  # cx, cy, cz, l, w, h in metres
    surfaces: Surfaces


@dataclass(frozen=True)
class Room:
    """A furnished room; `pieces` are in the order of answers: by label, then by cx."""

    length: float  # along x, metres
    width: float  # along y
    pieces: tuple[Piece, ...]
