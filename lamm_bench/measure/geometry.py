"""Overlap of boxes in two and three dimensions, one-to-one matching, and distances of keypoints.

Boxes of images are [x1, y1, x2, y2]: two opposite corners in any order. Boxes of rooms are [cx, cy, cz, l, w, h]: centre and
full extents along the axes, sign ignored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Boxes = Sequence[Sequence[float]] | np.ndarray


def corners_2d(boxes: Boxes) -> np.ndarray:
    """Shape [n, 2, 2]: lower and upper end of each box on each axis.

    >>> corners_2d([[0.5, 0.2, 0.1, 0.4]]).tolist()
    [[[0.1, 0.2], [0.5, 0.4]]]
    """
    pairs = np.asarray(boxes, dtype=np.float64).reshape(-1, 2, 2)
    return np.sort(pairs, axis=1)


def corners_3d(boxes: Boxes) -> np.ndarray:
    """Shape [n, 2, 3]: lower and upper end of each box on each axis."""
    array = np.asarray(boxes, dtype=np.float64).reshape(-1, 6)
    centre, half = array[:, :3], np.abs(array[:, 3:]) / 2
    return np.stack([centre - half, centre + half], axis=1)


def overlap(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of corner boxes, shape [n, m]; each axis' overlap is clamped at 0, an empty union gives 0."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        low = np.maximum(first[:, None, 0], second[None, :, 0])
        high = np.minimum(first[:, None, 1], second[None, :, 1])
        common = np.clip(high - low, 0, None).prod(axis=-1)
        sizes = [(boxes[:, 1] - boxes[:, 0]).prod(axis=-1) for boxes in (first, second)]
        union = sizes[0][:, None] + sizes[1][None, :] - common
        iou = common / union
    return np.where((union > 0) & np.isfinite(iou), iou, 0.0)


def iou_2d(first: Boxes, second: Boxes) -> np.ndarray:
    """IoU of every box of `first` [n, 4] with every box of `second` [m, 4]; shape [n, m].

    >>> iou_2d([[0, 0, 2, 2]], [[1, 0, 3, 2], [0, 0, 2, 2], [5, 5, 6, 6]]).round(3).tolist()
    [[0.333, 1.0, 0.0]]
    """
    return overlap(corners_2d(first), corners_2d(second))


def iou_3d(first: Boxes, second: Boxes) -> np.ndarray:
    """IoU of axis-aligned boxes [n, 6] and [m, 6]; shape [n, m].

    Overlaps are clamped on each axis and a box without volume overlaps nothing (reference, Appendix H, O3).

    >>> iou_3d([[0, 0, 0, 2, 2, 2]], [[1, 0, 0, 2, 2, 2], [9, 9, 0, 2, 2, 2]]).round(3).tolist()
    [[0.333, 0.0]]
    """
    return overlap(corners_3d(first), corners_3d(second))


SLACK = 1e-9
"""Below a threshold that still reaches it: boxes in tenths whose IoU is exactly a half must not fail by a rounding error."""


def reaches(overlap: Any, threshold: float) -> Any:
    """Whether an IoU is at least the threshold, but for rounding."""
    return overlap >= threshold - SLACK


def match(allowed: np.ndarray) -> list[tuple[int, int]]:
    """A largest set of pairs (row, column) in which no row and no column occurs twice; shape of `allowed`: [n, m], bool.

    Augmenting paths (Kuhn 1955; Berge 1957). At a fixed IoU threshold a largest matching is what counts: unlike greedy
    matching it does not depend on the order of boxes, and never leaves out a hit that another pairing would give.

    >>> match(np.array([[True, True], [True, False]]))
    [(0, 1), (1, 0)]
    """
    options = [np.flatnonzero(row).tolist() for row in np.asarray(allowed, dtype=bool)]
    owner: dict[int, int] = {}
    for start in range(len(options)):
        augment(start, options, owner)
    return sorted((row, column) for column, row in owner.items())


def augment(start: int, options: Sequence[Sequence[int]], owner: dict[int, int]) -> None:
    """Gives row `start` a column, moving other rows along a path if needed; breadth first, each column looked at once."""
    reached: dict[int, int] = {}  # column -> the row from which it was reached
    wave = [start]
    while wave:
        following = []
        for row in wave:
            for column in options[row]:
                if column in reached:
                    continue
                reached[column] = row
                if column not in owner:
                    turn_over(column, start, reached, owner)
                    return
                following.append(owner[column])
        wave = following


def turn_over(column: int, start: int, reached: dict[int, int], owner: dict[int, int]) -> None:
    """Takes the pairs along the path that ends in a free column."""
    held = {row: taken for taken, row in owner.items()}
    while True:
        row = reached[column]
        owner[column] = row
        if row == start:
            return
        column = held[row]


def distances(points: Boxes, targets: Boxes, scale: Sequence[float] | float = 1.0) -> np.ndarray:
    """Euclidean distances [n] of paired points [n, 2], both divided by `scale` (one number, or one for each axis).

    A point that could not be read is [nan, nan] and its distance inf.

    >>> distances([[3, 4], [float("nan")] * 2], [[0, 0], [0, 0]], 10).tolist()
    [0.5, inf]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        difference = (np.asarray(points, dtype=np.float64) - np.asarray(targets, dtype=np.float64)) / np.asarray(
            scale, dtype=np.float64
        )
        length = np.sqrt((difference.reshape(-1, 2) ** 2).sum(axis=1))
    return np.where(np.isfinite(length), length, np.inf)
