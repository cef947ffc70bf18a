"""Draws a point cloud from several sides, for models that see only images. Pure numpy: the same cloud gives the same pixels.

The camera circles around the cloud, looks down at it by `ELEVATION` and sees it in parallel projection, so that no wall
hides a room more than it must. Every point is a square; nearer points cover farther ones."""

from __future__ import annotations

import numpy as np
from PIL import Image

VERSION = 1  # part of the cache key: raise it when a pixel of any view changes
SIZE = 448  # pixels of a side
ELEVATION = 35.0  # degrees above the floor
FIRST = 45.0  # degrees of the first camera from the x axis
MARGIN = 0.04  # of the picture, left free on each side
BACKGROUND = (80, 88, 104)  # slate: neither the white of walls nor the black of screens
LEAST, MOST = 1, 12  # views that may be asked for


def views(cloud: np.ndarray, count: int) -> list[Image.Image]:
    """`count` RGB pictures of SIZE x SIZE pixels of a cloud of shape [N, columns >= 3] (metres; RGB 0-255 in columns 3-5).

    All have one scale, that of the largest, so that sizes can be compared between them."""
    points = np.asarray(cloud[:, :3], dtype=np.float64)
    centred = points - (points.min(axis=0) + points.max(axis=0)) / 2
    seen = [turned(centred, FIRST + 360.0 * number / count) for number in range(count)]
    reach = max(float(np.abs(view[:, :2]).max()) for view in seen) or 1.0
    colours = colours_of(cloud)
    return [splat(view, colours, reach, square(len(points))) for view in seen]


def turned(points: np.ndarray, azimuth: float) -> np.ndarray:
    """Shape [N, 3]: right, up and towards the camera, in metres."""
    a, e = np.radians(azimuth), np.radians(ELEVATION)
    towards = np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    return points @ np.stack([right, np.cross(towards, right), towards], axis=1)


def square(points: int) -> int:
    """Pixels of a point's side: sparse clouds are drawn with larger points.

    >>> square(40_000), square(1_000)
    (3, 9)
    """
    return int(np.clip(round(SIZE * 1.2 / np.sqrt(max(points, 1)) / 2) * 2 + 1, 3, 9))


def colours_of(cloud: np.ndarray) -> np.ndarray:
    """Uint8 of shape [N, 3]: the file's own, or shades by height (blue at the floor, yellow at the top) where it has none."""
    if cloud.shape[1] >= 6:
        rgb = np.asarray(cloud[:, 3:6], dtype=np.float64)
        scale = 255.0 if rgb.max(initial=0.0) <= 1.0 else 1.0  # some files hold 0-1
        return np.clip(np.rint(rgb * scale), 0, 255).astype(np.uint8)
    height = np.asarray(cloud[:, 2], dtype=np.float64)
    share = ((height - height.min()) / (float(np.ptp(height)) or 1.0))[:, None]
    low, high = np.array([40.0, 60.0, 140.0]), np.array([240.0, 210.0, 70.0])
    return np.rint(low + share * (high - low)).astype(np.uint8)


def splat(view: np.ndarray, colours: np.ndarray, reach: float, side: int) -> Image.Image:
    """One picture: points are painted from far to near, each as a square of `side` pixels."""
    order = np.argsort(view[:, 2], kind="stable")
    scale = SIZE * (0.5 - MARGIN) / reach
    x = np.floor(SIZE / 2 + view[order, 0] * scale).astype(np.int64)
    y = np.floor(SIZE / 2 - view[order, 1] * scale).astype(np.int64)
    nearest = np.full(SIZE * SIZE, -1, dtype=np.int64)  # for each pixel the place in `order` of the point that is seen there
    place = np.arange(len(order))
    for dy in range(-(side // 2), side // 2 + 1):
        for dx in range(-(side // 2), side // 2 + 1):
            column, row = np.clip(x + dx, 0, SIZE - 1), np.clip(y + dy, 0, SIZE - 1)
            np.maximum.at(nearest, row * SIZE + column, place)
    pixels = np.tile(np.array(BACKGROUND, dtype=np.uint8), (SIZE * SIZE, 1))
    hit = nearest >= 0
    pixels[hit] = colours[order][nearest[hit]]
    return Image.fromarray(pixels.reshape(SIZE, SIZE, 3))
