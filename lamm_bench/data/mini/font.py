"""A bitmap alphabet of our own, so that a sign looks the same with every version of Pillow and every machine's fonts."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageFilter

ROWS, COLUMNS = 7, 5
_DRAWN = {
    "A": ".###.|#...#|#...#|#####|#...#|#...#|#...#",
    "B": "####.|#...#|#...#|####.|#...#|#...#|####.",
    "C": ".####|#....|#....|#....|#....|#....|.####",
    "D": "###..|#..#.|#...#|#...#|#...#|#..#.|###..",
    "E": "#####|#....|#....|####.|#....|#....|#####",
    "F": "#####|#....|#....|####.|#....|#....|#....",
    "G": ".####|#....|#....|#..##|#...#|#...#|.####",
    "H": "#...#|#...#|#...#|#####|#...#|#...#|#...#",
    "I": "#####|..#..|..#..|..#..|..#..|..#..|#####",
    "J": "....#|....#|....#|....#|....#|#...#|.###.",
    "K": "#...#|#..#.|#.#..|##...|#.#..|#..#.|#...#",
    "L": "#....|#....|#....|#....|#....|#....|#####",
    "M": "#...#|##.##|#.#.#|#.#.#|#...#|#...#|#...#",
    "N": "#...#|##..#|##..#|#.#.#|#..##|#..##|#...#",
    "O": ".###.|##.##|#...#|#...#|#...#|##.##|.###.",
    "P": "####.|#...#|#...#|####.|#....|#....|#....",
    "Q": ".###.|#...#|#...#|#...#|#.#.#|#..#.|.##.#",
    "R": "####.|#...#|#...#|####.|#.#..|#..#.|#...#",
    "S": ".####|#....|#....|.###.|....#|....#|####.",
    "T": "#####|..#..|..#..|..#..|..#..|..#..|..#..",
    "U": "#...#|#...#|#...#|#...#|#...#|#...#|.###.",
    "V": "#...#|#...#|#...#|#...#|.#.#.|.#.#.|..#..",
    "W": "#...#|#...#|#...#|#.#.#|#.#.#|##.##|#...#",
    "X": "#...#|#...#|.#.#.|..#..|.#.#.|#...#|#...#",
    "Y": "#...#|#...#|.#.#.|..#..|..#..|..#..|..#..",
    "Z": "#####|....#|...#.|..#..|.#...|#....|#####",
}

GLYPHS: dict[str, np.ndarray] = {
    letter: np.array([[cell == "#" for cell in row] for row in rows.split("|")]) for letter, rows in _DRAWN.items()
}
"""Each capital letter as booleans [7, 5]."""


def bitmap(word: str) -> np.ndarray:
    """The word as booleans [7, 6 x letters - 1]: one empty column between letters."""
    gap = np.zeros((ROWS, 1), bool)
    return np.concatenate([part for letter in word for part in (GLYPHS[letter], gap)][:-1], axis=1)


def mask(word: str, width: int, height: int, smooth: bool = False, bold: bool = False) -> Image.Image:
    """The word as an `L` mask of `width` x `height` pixels: blocky, with rounded strokes, or with thicker ones."""
    cells = Image.fromarray(bitmap(word).astype(np.uint8) * 255)
    image = cells.resize((width, height), Image.Resampling.NEAREST)
    stroke = max(1.0, min(height / ROWS, width / cells.width))
    if smooth:
        image = image.filter(ImageFilter.GaussianBlur(stroke * 0.4)).point([0 if v < 118 else 255 for v in range(256)])
    if bold:
        image = image.filter(ImageFilter.MaxFilter(3))
    return image


def affine(size: tuple[int, int], angle: float, slant: float) -> tuple[float, float, float, float, float, float]:
    """The map of `leaned`: a point (x, y) of what comes out is read from (a x + b y + c, d x + e y + f) of what goes in."""
    cos, sin = math.cos(angle), math.sin(angle)
    cx, cy = size[0] / 2, size[1] / 2
    a, b, d, e = cos + slant * sin, slant * cos - sin, sin, cos
    return a, b, cx - a * cx - b * cy, d, e, cy - d * cx - e * cy


def leaned(mask: Image.Image, angle: float, slant: float) -> Image.Image:
    """The mask turned about its middle by `angle` (radians, anticlockwise) and leant to the right by `slant` times its height."""
    return mask.transform(mask.size, Image.Transform.AFFINE, affine(mask.size, angle, slant))


def lean(size: tuple[int, int], angle: float, slant: float, point: tuple[float, float]) -> tuple[float, float]:
    """Where a point of an upright mask of `size` stands after `leaned`."""
    a, b, c, d, e, f = affine(size, angle, slant)
    x, y, whole = point[0] - c, point[1] - f, a * e - b * d
    return (e * x - b * y) / whole, (a * y - d * x) / whole
