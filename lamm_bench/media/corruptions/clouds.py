"""The corruptions of point clouds: float32 [N, 3 or more], xyz in metres, RGB 0-255 in columns 3-5 where there are six.

Families and constants are those of ModelNet-C (Ren et al. 2022, arXiv 2202.03377) and ModelNet40-C (Sun et al. 2022, arXiv 2201.12296)
where they carry over: their lengths, of shapes that fill a unit sphere or a cube of side 2, are taken as metres, which makes a
jitter of 1 to 5 cm in a room; their numbers of points, of 1024, as shares. What is ours says so. At least one point is always left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lamm_bench.media.modality import Corruption

Stream = np.random.Generator
OF = 1024  # points of the clouds for which the papers count
MOST_CLUSTERS = 7  # of ModelNet-C's local corruptions: 1 to 7 are drawn
SIDES, LOOKING_DOWN = 5, 35.0  # from which `occlusion` may look, and by how many degrees
SPHERE = 60.0  # radius of the sphere of `visible`, in extents of the cloud: the larger, the more is seen


def at_least_one(cloud: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The points of a mask; the first where it keeps none."""
    return cloud[kept] if kept.any() else cloud[:1].copy()


def moved(cloud: np.ndarray, shift: np.ndarray) -> np.ndarray:
    made = cloud.copy()
    made[:, :3] += shift
    return made


def middle(cloud: np.ndarray) -> np.ndarray:
    """Of its extent, [3]."""
    points = cloud[:, :3]
    return (points.min(axis=0) + points.max(axis=0)) / 2


def jitter(cloud: np.ndarray, stream: Stream, deviation: float) -> np.ndarray:
    return moved(cloud, deviation * stream.standard_normal((len(cloud), 3)))


def uniform_jitter(cloud: np.ndarray, stream: Stream, most: float) -> np.ndarray:
    return moved(cloud, most * stream.uniform(-1, 1, (len(cloud), 3)))


def impulse_jitter(cloud: np.ndarray, stream: Stream, share: float) -> np.ndarray:
    """Some points jump by 10 cm along each axis."""
    struck = stream.random(len(cloud)) < share
    return moved(cloud, struck[:, None] * stream.choice([-0.1, 0.1], (len(cloud), 3)))


def dropout_global(cloud: np.ndarray, stream: Stream, share: float) -> np.ndarray:
    return at_least_one(cloud, stream.random(len(cloud)) >= share)


def clusters(cloud: np.ndarray, stream: Stream, total: float) -> list[tuple[int, int]]:
    """1 to 7 clusters: a point in the middle of each, and how many points it has; together a share of the cloud."""
    count = int(stream.integers(1, MOST_CLUSTERS + 1))
    sizes = stream.multinomial(int(round(len(cloud) * total)), np.full(count, 1 / count))
    return [(int(stream.integers(len(cloud))), int(size)) for size in sizes]


def nearest(points: np.ndarray, centre: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` points nearest to a place."""
    far = ((points - centre) ** 2).sum(axis=1)
    return np.argpartition(far, count - 1)[:count] if 0 < count < len(points) else np.arange(min(count, len(points)))


def dropout_local(cloud: np.ndarray, stream: Stream, total: float) -> np.ndarray:
    left = cloud
    for place, size in clusters(cloud, stream, total):
        kept = np.ones(len(left), bool)
        kept[nearest(left[:, :3], cloud[place, :3], min(size, len(left) - 1))] = False
        left = left[kept]
    return left


def holes(cloud: np.ndarray, stream: Stream, count: int, share: float, lost: float) -> np.ndarray:
    """So many balls of a share of the points each, of which most or all are lost."""
    left = cloud
    for _ in range(count):
        inside = nearest(left[:, :3], left[int(stream.integers(len(left))), :3], min(int(round(len(cloud) * share)), len(left)))
        kept = np.ones(len(left), bool)
        kept[inside[stream.random(len(inside)) < lost]] = False
        left = at_least_one(left, kept)
    return left


def density(cloud: np.ndarray, stream: Stream, count: int) -> np.ndarray:
    """In some places three quarters of the points are lost."""
    return holes(cloud, stream, count, 100 / OF, 0.75)


def cutout(cloud: np.ndarray, stream: Stream, count: int) -> np.ndarray:
    """Small holes."""
    return holes(cloud, stream, count, 30 / OF, 1.0)


def occlusion(cloud: np.ndarray, stream: Stream, sides: int) -> np.ndarray:
    """What is seen from so many of five sides around it, from above by 35 degrees (ours: ModelNet40-C looks at meshes, without grades)."""
    centre, reach = middle(cloud), max(float(np.linalg.norm(np.ptp(cloud[:, :3], axis=0))), 1e-6)
    first, height = stream.uniform(0, 360), np.radians(LOOKING_DOWN)
    seen = np.zeros(len(cloud), bool)
    for azimuth in np.radians(first + 360 / SIDES * np.arange(sides)):
        towards = np.array([np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height)])
        seen |= visible(cloud[:, :3].astype(np.float64) - (centre + reach * towards), reach)
    return at_least_one(cloud, seen)


def visible(points: np.ndarray, reach: float) -> np.ndarray:
    """Which points [N, 3] are seen from the origin: those on the convex hull after each was mirrored at a large sphere (Katz et al.
    2007, Direct visibility of point sets). All of them, where they lie in one plane."""
    from scipy.spatial import ConvexHull, QhullError

    far = np.linalg.norm(points, axis=1, keepdims=True)
    mirrored = points + 2 * (SPHERE * reach - far) * points / np.maximum(far, 1e-9)
    try:
        hull = ConvexHull(np.vstack([mirrored, np.zeros(3)])).vertices
    except (QhullError, ValueError):
        return np.ones(len(points), bool)
    seen = np.zeros(len(points) + 1, bool)
    seen[hull] = True
    return seen[:-1]


def crop(cloud: np.ndarray, stream: Stream, share: float) -> np.ndarray:
    """The points on one side of an upright plane: so many of them (ours)."""
    azimuth = stream.uniform(0, 2 * np.pi)
    along = cloud[:, :2] @ np.array([np.cos(azimuth), np.sin(azimuth)])
    return at_least_one(cloud, along <= np.quantile(along, share))


def added(cloud: np.ndarray, stream: Stream, places: np.ndarray) -> np.ndarray:
    """The cloud with more points; what they have beside a place is another point's."""
    more = cloud[stream.integers(len(cloud), size=len(places))].copy()
    more[:, :3] = places
    return np.concatenate([cloud, more])


def add_global(cloud: np.ndarray, stream: Stream, share: float) -> np.ndarray:
    """Points anywhere in the box around the cloud (the papers': in the sphere or cube)."""
    points = cloud[:, :3]
    count = max(int(round(len(cloud) * share)), 1)
    return added(cloud, stream, stream.uniform(points.min(axis=0), points.max(axis=0), (count, 3)))


def add_local(cloud: np.ndarray, stream: Stream, total: float) -> np.ndarray:
    """1 to 7 lumps of points with deviations of 7.5 to 12.5 cm."""
    lumps = [
        cloud[place, :3] + stream.uniform(0.075, 0.125) * stream.standard_normal((size, 3))
        for place, size in clusters(cloud, stream, total)
    ]
    return added(cloud, stream, np.concatenate(lumps))


def about_the_middle(cloud: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    made, centre = cloud.copy(), middle(cloud)
    made[:, :3] = (cloud[:, :3] - centre) @ matrix.T + centre
    return made


def rotation(cloud: np.ndarray, stream: Stream, degrees: float) -> np.ndarray:
    """By up to so many degrees about each axis."""
    a, b, c = np.radians(degrees * stream.uniform(-1, 1, 3))
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_the_middle(cloud, z @ y @ x)


def scale(cloud: np.ndarray, stream: Stream, most: float) -> np.ndarray:
    """Each axis by a factor between 1 / most and most (ModelNet-C then makes the size 1 again; a room keeps its metres)."""
    return about_the_middle(cloud, np.diag(stream.uniform(1 / most, most, 3)))


def shear(cloud: np.ndarray, stream: Stream, most: float) -> np.ndarray:
    """Each axis leans by `most`, give or take 0.05, towards one or two of the others."""
    lean = stream.uniform(most - 0.05, most + 0.05, 4) * stream.choice([-1, 1], 4)
    return about_the_middle(cloud, np.array([[1, lean[0], lean[1]], [0, 1, 0], [lean[2], lean[3], 1]]))


def colours(cloud: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """With other colours; a cloud without any is left as it is."""
    if cloud.shape[1] < 6:
        return cloud
    made = cloud.copy()
    made[:, 3:6] = np.clip(change(cloud[:, 3:6]), 0, 255)
    return made


def colour_loss(cloud: np.ndarray, stream: Stream, share: float) -> np.ndarray:
    """Nearer to each point's own gray; at last no colour is left (ours)."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
    return colours(cloud, lambda rgb: rgb + share * ((rgb @ weights)[:, None] - rgb))


def colour_noise(cloud: np.ndarray, stream: Stream, deviation: float) -> np.ndarray:
    """As pictures' Gaussian noise, by ImageNet-C's constants (ours)."""
    return colours(cloud, lambda rgb: rgb + 255 * deviation * stream.standard_normal(rgb.shape))


def graded(function: Callable[..., np.ndarray], constants: Sequence[Any], family: str, source: str, moves: bool) -> Corruption:
    """A corruption by a constant for each severity; what it gives is float32 and read-only, as an opened cloud is."""

    def change(cloud: np.ndarray, severity: int, stream: Stream) -> np.ndarray:
        made = np.ascontiguousarray(function(cloud, stream, constants[severity - 1]), np.float32)
        made.setflags(write=False)
        return made

    return Corruption(change, family, source=source, moves=moves, cuts=function is crop)


REN, SUN, OURS = "ModelNet-C", "ModelNet40-C", "ours"
TABLE: dict[str, tuple[str, Callable[..., np.ndarray], Sequence[Any], str]] = {
    "jitter": ("noise", jitter, (0.01, 0.02, 0.03, 0.04, 0.05), REN),
    "uniform_jitter": ("noise", uniform_jitter, (0.01, 0.02, 0.03, 0.04, 0.05), SUN),
    "impulse_jitter": ("noise", impulse_jitter, (1 / 30, 1 / 25, 1 / 20, 1 / 15, 1 / 10), SUN),
    "add_global": ("noise", add_global, (10 / OF, 20 / OF, 30 / OF, 40 / OF, 50 / OF), REN),
    "add_local": ("noise", add_local, (100 / OF, 200 / OF, 300 / OF, 400 / OF, 500 / OF), REN),
    "dropout_global": ("density", dropout_global, (0.25, 0.375, 0.5, 0.625, 0.75), REN),
    "dropout_local": ("density", dropout_local, (100 / OF, 200 / OF, 300 / OF, 400 / OF, 500 / OF), REN),
    "density": ("density", density, (1, 2, 3, 4, 5), SUN),
    "cutout": ("density", cutout, (2, 3, 5, 7, 10), SUN),
    "occlusion": ("density", occlusion, (5, 4, 3, 2, 1), OURS),
    "crop": ("geometry", crop, (0.9, 0.8, 0.7, 0.6, 0.5), OURS),
    "rotation": ("geometry", rotation, (6, 12, 18, 24, 30), REN),
    "scale": ("geometry", scale, (1.6, 1.7, 1.8, 1.9, 2.0), REN),
    "shear": ("geometry", shear, (0.05, 0.1, 0.15, 0.2, 0.25), SUN),
    "colour_loss": ("colour", colour_loss, (0.2, 0.4, 0.6, 0.8, 1.0), OURS),
    "colour_noise": ("colour", colour_noise, (0.08, 0.12, 0.18, 0.26, 0.38), OURS),
}
CLOUDS: dict[str, Corruption] = {
    name: graded(function, constants, family, source, family == "geometry")
    for name, (family, function, constants, source) in TABLE.items()
}
