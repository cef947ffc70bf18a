"""Images and clouds small enough to live inside a page: thumbnails as data URLs, clouds as packed points."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from lamm_bench import media
from lamm_bench.types import Media

SIDE = 320  # pixels of a thumbnail's longer side
SMALL = 96  # an image up to this size is kept exactly, and enlarged without smoothing
POINTS = 7000  # drawn of one cloud
STEPS = 65535  # a coordinate is stored as a 16-bit fraction of the cloud's extent


@dataclass(frozen=True)
class Thumbnail:
    """An image as a data URL, with the size of the original in pixels."""

    url: str
    width: int
    height: int

    @property
    def small(self) -> bool:
        return max(self.width, self.height) <= SMALL


@dataclass(frozen=True)
class PackedCloud:
    """Base64 of N points: all x, y, z as little-endian uint16 between `low` and `high`, then all red, green, blue as bytes."""

    data: str
    count: int
    low: tuple[float, ...]  # metres
    high: tuple[float, ...]


def thumbnail(reference: Media) -> Thumbnail:
    """A small copy; PNG for tiny drawings, JPEG otherwise. Raises `MediaError`."""
    draw = media.modality(reference.kind).picture
    assert draw is not None  # cards.media_html
    image = draw(reference)
    width, height = image.size
    kind, options = ("PNG", {}) if max(image.size) <= SMALL else ("JPEG", {"quality": 78})
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.info.clear()  # a comment of megabytes has no place in a thumbnail, and JPEG none for it
    image.save(buffer, kind, **options)
    return Thumbnail(f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}", width, height)


def packed_cloud(cloud: np.ndarray, most: int = POINTS) -> PackedCloud:
    """At most `most` points, evenly taken from the file's order after a fixed shuffle."""
    if len(cloud) > most:
        cloud = cloud[np.random.default_rng(0).permutation(len(cloud))[:most]]
    xyz = cloud[:, :3].astype(np.float64)
    low, high = xyz.min(axis=0), xyz.max(axis=0)
    extent = np.where(high > low, high - low, 1.0)
    places = np.rint((xyz - low) / extent * STEPS).astype("<u2")
    colours = np.clip(cloud[:, 3:6], 0, 255) if cloud.shape[1] >= 6 else np.full((len(cloud), 3), media.GRAY)
    data = places.tobytes() + np.ascontiguousarray(colours, dtype=np.uint8).tobytes()
    return PackedCloud(base64.b64encode(data).decode(), len(cloud), tuple(low.tolist()), tuple((low + extent).tolist()))
