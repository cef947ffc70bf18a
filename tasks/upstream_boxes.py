"""Upstream's box arithmetic and ChEF's detection sentences (reference 1.3.3, 1.5.2; oddities O2, O3)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from lamm_bench.errors import UpstreamStops

from .upstream_reading import Box

NO_NUMBER = float("nan")


def quotient(top: float, bottom: float) -> float:
    """IEEE division: 0/0 is NaN, x/0 infinite; never an exception."""
    if bottom == 0:
        return NO_NUMBER if top == 0 or math.isnan(top) else math.copysign(math.inf, top)
    return top / bottom


def iou2d(a: Sequence[float], b: Sequence[float]) -> float:
    """IoU of two boxes (x1, y1, x2, y2), overlaps clamped at zero; NaN for two points or lines.

    >>> iou2d((0, 0, 1, 1), (0, 0, 1, 0.5))
    0.5
    """
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    return quotient(both, (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def sides(box: Sequence[float], axis: int) -> tuple[float, float]:
    """The two faces of a (cx, cy, cz, l, w, h) box along one axis, rounded to millimetres as upstream does."""
    half = abs(box[axis + 3]) / 2
    return round(box[axis] - half, 3), round(box[axis] + half, 3)


def iou3d(a: Sequence[float], b: Sequence[float], clamp: bool) -> float:
    """IoU of two axis-aligned boxes (cx, cy, cz, l, w, h).

    Without `clamp` (classic) two negative overlaps multiply to a positive one, and a ratio outside 0..1 becomes 0; with
    it (ChEF) overlaps stop at zero. Raises `UpstreamStops` where upstream divides by zero."""
    both = volume_a = volume_b = 1.0
    for axis in range(3):
        (low_a, high_a), (low_b, high_b) = sides(a, axis), sides(b, axis)
        overlap = min(high_a, high_b) - max(low_a, low_b)
        both *= max(0.0, overlap) if clamp else overlap
        volume_a *= high_a - low_a
        volume_b *= high_b - low_b
    if volume_a + volume_b - both == 0:
        raise UpstreamStops("upstream divides by zero: neither box has a volume")
    ratio = both / (volume_a + volume_b - both)
    return 0.0 if not clamp and (ratio < 0 or ratio > 1) else ratio


# What opens a category, and the run of anything that it is: as short as it can be, or, in the two "... category" forms,
# as long (reference 1.5.2). Where the first opening of a form leads nowhere no later one does.
SHORT, LONG = r"([\s\S]+?)", r"([\s\S]+)"
CATEGORIES = tuple(
    (re.compile(opening), re.compile(run))
    for opening, run in (
        ("The ", rf"{SHORT}object"),
        ("classified as ", rf"{SHORT}(?: is| and| within|\.|,)"),
        ("categorized as ", rf"{SHORT}(?: can| at|\.|,)"),
        ("belong(?:s|ing) to the category of ", rf"{SHORT}(?: at|\.|,)"),
        ("belong(?:s|ing) to the ", rf"{LONG} category"),
        ("falls under the category of ", rf"{SHORT}(?:\.|,)"),
        ("falls under the ", rf"{LONG} category"),
        ("its category is ", rf"{SHORT}(?:\.|,)"),
    )
)
SENTENCE_BOX = re.compile(r"\[ ?([\d.]+), ?([\d.]+), ?([\d.]+), ?([\d.]+) ?\]")


def category_of(sentence: str) -> str | None:
    """What the last of the forms that fit says; None when none does."""
    category = None
    for opening, run in CATEGORIES:
        start = opening.search(sentence)
        match = run.match(sentence, start.end()) if start else None
        if match:
            category = match.group(1)
    return category


def detection_sentences(text: str) -> list[tuple[str, Box]]:
    """The category and box of each sentence that has both, boxes with a reversed axis dropped.

    Raises `UpstreamStops` for a "number" such as `0.1.2`.

    >>> detection_sentences("The dog object is at [0.1, 0.2, 0.3, 0.4]")
    [('dog', (0.1, 0.2, 0.3, 0.4))]
    """
    found: list[tuple[str, Box]] = []
    for sentence in text.strip().split(". "):
        sentence = sentence.strip()
        if not sentence.endswith("."):
            sentence += "."
        box = SENTENCE_BOX.search(sentence)
        category = category_of(sentence) if box else None
        if box is None or category is None:
            continue
        try:
            x1, y1, x2, y2 = (float(number) for number in box.groups())
        except ValueError:
            raise UpstreamStops(f"upstream stops at the box {box.group()}, which is not four numbers") from None
        if x1 <= x2 and y1 <= y2:
            found.append((category.strip(), (x1, y1, x2, y2)))
    return found


def iou_matrix_float32(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> np.ndarray:
    """IoU of every pair, shape [first, second], in single precision as ChEF's VOC2012 metric computes it."""
    a = np.asarray(first, dtype=np.float32).reshape(-1, 1, 4)
    b = np.asarray(second, dtype=np.float32).reshape(1, -1, 4)
    with np.errstate(all="ignore"):
        overlap = np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), np.float32(0))
        both = overlap[..., 0] * overlap[..., 1]
        area_a, area_b = ((x[..., 2] - x[..., 0]) * (x[..., 3] - x[..., 1]) for x in (a, b))
        return np.asarray(both / (area_a + area_b - both))


def most_pairs(allowed: np.ndarray) -> int:
    """The size of a maximum one-to-one matching in a boolean [rows, columns] table, by augmenting paths."""
    partner: dict[int, int] = {}  # column -> row

    def place(row: int, tried: set[int]) -> bool:
        for column in np.flatnonzero(allowed[row]).tolist():
            if column not in tried:
                tried.add(column)
                if column not in partner or place(partner[column], tried):
                    partner[column] = row
                    return True
        return False

    return sum(place(row, set()) for row in range(len(allowed)))
