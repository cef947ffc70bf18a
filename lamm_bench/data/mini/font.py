"""A bitmap alphabet of our own, so that a sign looks the same with every version of Pillow and every machine's fonts."""

from __future__ import annotations

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


def mask(word: str, width: int, height: int, smooth: bool = False, bold: bool = False, slant: float = 0.0) -> Image.Image:
    """The word as an `L` mask of `width` x `height` pixels: blocky or with rounded strokes, upright or italic.

    `slant` is the sideways shift of the top edge as a share of the height; the shifted word still fits."""
    cells = Image.fromarray(bitmap(word).astype(np.uint8) * 255)
    lean = abs(slant) * height
    inner = max(1, round(width - lean))
    image = cells.resize((inner, height), Image.Resampling.NEAREST)
    stroke = max(1.0, min(height / ROWS, inner / cells.width))
    if smooth:
        image = image.filter(ImageFilter.GaussianBlur(stroke * 0.4)).point([0 if v < 118 else 255 for v in range(256)])
    if bold:
        image = image.filter(ImageFilter.MaxFilter(3 if stroke < 10 else 5))
    if not lean:
        return image
    shear = lean / height if slant > 0 else -lean / height
    offset = -lean if slant > 0 else 0.0
    return image.transform((width, height), Image.Transform.AFFINE, (1, shear, offset, 0, 1, 0), Image.Resampling.BILINEAR)
