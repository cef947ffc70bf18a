"""What tells whether two media are the same, or nearly: a content hash, and a print of what is seen that survives another size, format
or quality of a picture, and another order or sampling of a cloud's points.

Pictures: the 64-bit difference hash (brighter than the left neighbour, 9 x 8 grey cells; N. Krawetz, "Kind of Like That", 2013), and 16 x 16
mean colours beside it, without which plain pictures of different colours, or drawings of different small things, would be one. Clouds: the occupied cells of a grid of 16 cells a
side over the cloud's own box, and that box's size. Neither knows mirrored, cropped or turned copies."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from lamm_bench import media
from lamm_bench.errors import MediaError
from lamm_bench.types import Media

BITS_APART = 7  # of 64 by which two prints of one picture may differ
SIDE = 16  # of the mean colours
COLOURS_APART = 50  # of 255, by which all but a hundredth of the mean colours may differ: of 487 real pictures, 96 % of copies at half the size
# or in JPEG of quality 40 to 80 are within both, and no two different ones
BAND = 16  # bits; prints with at most 7 bits apart have a band of four with at most one
CELLS = 16  # of the grid, a side
SHARED = 0.85  # of the occupied cells of two clouds, as a share of all (Jaccard), from which on they are one
SIZE_APART = 0.02  # of the sides of two clouds' boxes, as a share


@dataclass(frozen=True, slots=True)
class Print:
    """Of one medium. `look` are colours, or occupied cells; `size` the sides of a cloud's box in metres."""

    sha256: str
    bits: int = 0
    look: bytes = b""
    size: tuple[float, ...] = ()


def print_of(medium: Media) -> Print:
    """The print of a picture or cloud; of other media the content hash alone. Raises `MediaError`."""
    own = media.modality(medium.kind)
    content = media.seal(medium).sha256
    if own.flat and own.picture is not None:
        return Print(content, *picture_print(own.picture(medium)))
    points = own.points(medium) if own.points is not None else None
    if points is None:
        return Print(content)
    cells, size = cloud_print(points[:, :3])
    return Print(content, 0, cells, size)


def picture_print(picture: Image.Image) -> tuple[int, bytes]:
    """The difference hash, and 16 x 16 mean colours as bytes."""
    grey = np.asarray(picture.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    brighter = (grey[:, 1:] > grey[:, :-1]).ravel()
    colours = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX).tobytes()
    return int.from_bytes(np.packbits(brighter).tobytes(), "big"), colours


def cloud_print(points: np.ndarray) -> tuple[bytes, tuple[float, ...]]:
    """The occupied cells of `points` [N, 3] as packed bits, and the sides of their box."""
    low, high = points.min(axis=0), points.max(axis=0)
    sides = np.where(high > low, high - low, 1.0)
    cells = np.minimum(((points - low) / sides * CELLS).astype(np.int64), CELLS - 1)
    occupied = np.zeros((CELLS,) * 3, dtype=bool)
    occupied[tuple(cells.T)] = True
    return np.packbits(occupied).tobytes(), tuple(float(side) for side in high - low)


def near(first: Print, second: Print) -> bool:
    """Whether two media look the same."""
    if len(first.look) != len(second.look) or not first.look:
        return False
    if first.size or second.size:
        return near_clouds(first, second)
    if (first.bits ^ second.bits).bit_count() > BITS_APART:
        return False
    colours = [np.frombuffer(one.look, dtype=np.uint8).astype(np.int16) for one in (first, second)]
    apart = np.abs(colours[0] - colours[1])
    return int(np.count_nonzero(apart > COLOURS_APART)) <= apart.size // 100


def near_clouds(first: Print, second: Print) -> bool:
    if any(abs(a - b) > SIZE_APART * max(a, b) + 1e-9 for a, b in zip(first.size, second.size)):
        return False
    one, other = (int.from_bytes(each.look, "big") for each in (first, second))
    return (one & other).bit_count() >= SHARED * (one | other).bit_count()


@dataclass
class Library:
    """Media by their prints, to be asked which of them another one is."""

    names: list[str] = field(default_factory=list)
    prints: list[Print] = field(default_factory=list)
    content: dict[str, int] = field(default_factory=dict)
    bands: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def add(self, name: str, one: Print) -> None:
        number = len(self.names)
        self.names.append(name)
        self.prints.append(one)
        self.content.setdefault(one.sha256, number)
        for key in keys_of(one):
            self.bands.setdefault(key, []).append(number)

    def find(self, one: Print) -> tuple[str, str] | None:
        """Which medium it is, and how it is known: `exact` by content, `near` by what is seen; None: none of these."""
        if one.sha256 in self.content:
            return self.names[self.content[one.sha256]], "exact"
        seen = sorted({number for key in probes_of(one) for number in self.bands.get(key, ())})
        found = next((number for number in seen if near(one, self.prints[number])), None)
        return (self.names[found], "near") if found is not None else None


def keys_of(one: Print) -> Iterator[tuple[int, int]]:
    """Where a print is looked up: pictures by four bands of bits, clouds all together, which are few."""
    if one.size:
        yield (-1, 0)
    elif one.look:
        yield from ((band, one.bits >> (BAND * band) & (1 << BAND) - 1) for band in range(4))


def probes_of(one: Print) -> Iterator[tuple[int, int]]:
    """Where prints that are near it stand: each band as it is, and with one bit changed."""
    for band, value in keys_of(one):
        yield band, value
        if band >= 0:
            yield from ((band, value ^ 1 << bit) for bit in range(BAND))


def prints_of(found: Sequence[Media]) -> Iterator[tuple[Media, Print | str]]:
    """The print of each medium, or the sentence why it has none; several at a time, in order."""

    def safely(medium: Media) -> Print | str:
        try:
            return print_of(medium)
        except MediaError as error:
            return str(error)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from zip(found, pool.map(safely, found))
