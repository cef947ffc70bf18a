"""Draws a point cloud as an architect would: from above, from the front and from the side, each over a grid in metres.

A model that sees only images can read places and sizes off it: the lines carry the cloud's own coordinates (the bird's-eye view of GPT4Scene,
arXiv 2501.01428, with a scale in place of numbered objects, which no task of ours gives). Pure numpy and Pillow: the same cloud gives the same pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .views import BACKGROUND, colours_of

VERSION = 1  # part of the cache key: raise it when a pixel of any plan changes
SIZE = 672  # pixels of a side
LEFT, TOP, RIGHT, BOTTOM = 56, 40, 16, 44  # pixels left free for the scales
LINES = 12  # of the grid along the longer side, at most
STEPS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # metres between two lines
PAPER, INK, GRID = (255, 255, 255), (20, 20, 20), (150, 156, 168)


@dataclass(frozen=True)
class Sheet:
    """One drawing: which axes run right and up, and along which the eye looks."""

    title: str
    right: int
    up: int
    depth: int
    sign: int  # 1: the greatest value along `depth` is nearest to the eye


SHEETS = (
    Sheet("from above", 0, 1, 2, 1),
    Sheet("from the front, looking along +y", 0, 2, 1, -1),
    Sheet("from the side, looking along -x", 1, 2, 0, 1),
)
AXES = "xyz"


def plans(cloud: np.ndarray) -> list[Image.Image]:
    """Three RGB pictures of SIZE x SIZE pixels of a cloud of shape [N, columns >= 3] (metres; RGB 0-255 in columns 3-5)."""
    points = np.asarray(cloud[:, :3], dtype=np.float64)
    colours = colours_of(cloud)
    return [drawn(points, colours, sheet) for sheet in SHEETS]


@dataclass(frozen=True)
class Scale:
    """From metres to pixels: the same along both axes, the drawing in the middle."""

    low: tuple[float, float]
    high: tuple[float, float]

    @property
    def pixels(self) -> float:
        """Pixels of a metre."""
        width, height = (max(high - low, 1e-6) for low, high in zip(self.low, self.high))
        return min((SIZE - LEFT - RIGHT) / width, (SIZE - TOP - BOTTOM) / height)

    def place(self, right: np.ndarray | float, up: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Column and row of a point."""
        wide, high = SIZE - LEFT - RIGHT, SIZE - TOP - BOTTOM
        x = LEFT + wide / 2 + (np.asarray(right) - (self.low[0] + self.high[0]) / 2) * self.pixels
        y = TOP + high / 2 - (np.asarray(up) - (self.low[1] + self.high[1]) / 2) * self.pixels
        return x, y


def step_of(extent: float) -> float:
    """Metres between two lines of the grid.

    >>> step_of(6.0), step_of(0.9), step_of(1000.0)
    (0.5, 0.1, 100.0)
    """
    return next((step for step in STEPS if extent / step <= LINES), STEPS[-1])


def ticks(low: float, high: float, step: float) -> list[float]:
    """The lines between two ends, at multiples of the step.

    >>> ticks(-0.7, 1.1, 0.5)
    [-0.5, 0.0, 0.5, 1.0]
    """
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 6) + 0.0 for number in range(first, min(last, first + 400) + 1)]


def drawn(points: np.ndarray, colours: np.ndarray, sheet: Sheet) -> Image.Image:
    """One sheet: the points as seen along an axis, the grid over them, the scales beside them."""
    right, up = points[:, sheet.right], points[:, sheet.up]
    step = step_of(max(float(np.ptp(right)), float(np.ptp(up)), 1e-6))
    low = (under(float(right.min()), step), under(float(up.min()), step))
    high = (over(float(right.max()), step), over(float(up.max()), step))
    scale = Scale(low, high)
    pixels = np.full((SIZE, SIZE, 3), PAPER, dtype=np.uint8)
    (x0, y1), (x1, y0) = ((round(float(x)), round(float(y))) for x, y in (scale.place(*low), scale.place(*high)))
    pixels[y0 : y1 + 1, x0 : x1 + 1] = BACKGROUND
    # what is nearest is painted last; the other keys part equal ones, so that the order of the file's points never shows
    order = np.lexsort((*colours.T.astype(np.int64), up, right, sheet.sign * points[:, sheet.depth]))
    columns, rows = (np.rint(values).astype(np.int64) for values in scale.place(right[order], up[order]))
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            pixels[np.clip(rows + dy, 0, SIZE - 1), np.clip(columns + dx, 0, SIZE - 1)] = colours[order]
    picture = Image.fromarray(pixels)
    ruled(picture, scale, step, sheet)
    return picture


def under(value: float, step: float) -> float:
    return math.floor(value / step) * step


def over(value: float, step: float) -> float:
    return math.ceil(value / step) * step


def ruled(picture: Image.Image, scale: Scale, step: float, sheet: Sheet) -> None:
    """Draws lines, numbers, names of axes and the title."""
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    (left, right), (low, high) = ((scale.low[n], scale.high[n]) for n in (0, 1))
    for value in ticks(left, right, step):
        (x, y), (_, top) = scale.place(value, low), scale.place(value, high)
        pen.line((float(x), float(top), float(x), float(y)), fill=GRID)
        pen.text((float(x), float(y) + 4), f"{value:g}", fill=INK, font=font, anchor="mt")
    for value in ticks(low, high, step):
        (x, y), (end, _) = scale.place(left, value), scale.place(right, value)
        pen.line((float(x), float(y), float(end), float(y)), fill=GRID)
        pen.text((float(x) - 5, float(y)), f"{value:g}", fill=INK, font=font, anchor="rm")
    title = f"{sheet.title}: {AXES[sheet.right]} to the right, {AXES[sheet.up]} up, in metres; a line every {step:g} m"
    pen.text((SIZE / 2, 12), title, fill=INK, font=font, anchor="mt")
    pen.text((SIZE / 2, SIZE - 6), f"{AXES[sheet.right]} (m)", fill=INK, font=font, anchor="mb")
    pen.text((6, TOP), f"{AXES[sheet.up]} (m)", fill=INK, font=font, anchor="ls")
