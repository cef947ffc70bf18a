"""Point clouds: the modality, and the only file that decodes them.

A cloud is a `.npy` array of shape [N, 3 or more]: x, y, z in metres, then red, green, blue from 0 to 255 (reference 3.4).
With four or five columns there are no colours, and columns after the sixth are kept and not looked at. Colours of a
floating type that all lie between 0 and 1 are taken for shares of 255, for as 0-255 the whole cloud would be black.
Arrays of objects are refused before anything is read, so nothing is ever unpickled."""

from __future__ import annotations

import math
import os
import warnings
from io import BufferedReader
from pathlib import Path

import numpy as np
from PIL import Image

from lamm_bench.errors import MediaError
from lamm_bench.types import Media

from . import plans, views
from .corruptions import CLOUDS
from .files import open_file
from .image import COLOURS, GRAY, PILLOW_WARNINGS, QUESTIONS, reason, two_colours
from .modality import EncoderKind, Modality, Probe
from .opening import expect, open_media

POINT_CLOUD = "point_cloud"
MAX_POINTS = 50_000_000
SLICE = 1 << 20  # points that are converted at a time, so that wide types do not double the memory


def open_cloud(media: Media) -> np.ndarray:
    """Float32 of shape [N, columns >= 3], read-only: xyz in metres, then what the file holds (RGB 0-255 in columns 3-5).

    A blank reference gives a cloud of the same shape with every point at the origin and mid-gray."""
    expect(media, POINT_CLOUD)
    found = open_media(media)
    assert isinstance(found, np.ndarray)
    return found


def decode(path: str) -> np.ndarray:
    with open_file(path) as file:
        shape, fortran, dtype = header(file, path)
        points, start = count(shape, dtype, path), file.tell()
        expected = math.prod(shape) * dtype.itemsize
        there = os.fstat(file.fileno()).st_size - start
        if there < expected:
            raise MediaError(f"{path} is truncated: {there:,} bytes of data, expected {expected:,} for {points:,} points")
        try:
            raw = np.memmap(file, dtype, "r", start, shape, "F" if fortran else "C")
            cloud, bad = np.empty(shape, np.float32), 0
            with np.errstate(over="ignore", invalid="ignore"):
                for at in range(0, points, SLICE):
                    cloud[at : at + SLICE] = raw[at : at + SLICE]
                    bad += int(np.count_nonzero(~np.isfinite(cloud[at : at + SLICE]).all(axis=1)))
        except (ValueError, OSError, EOFError, MemoryError) as error:
            raise MediaError(f"{path} cannot be read as an array ({reason(error)})") from None
    if bad:
        raise MediaError(f"{path} holds NaN or infinite values in {bad:,} of {points:,} points")
    if dtype.kind == "f" and cloud.shape[1] >= 6:
        colors = cloud[:, 3:6]
        if colors.min() >= 0 and colors.max() <= 1:
            colors *= 255
    cloud.setflags(write=False)  # shared by every reader through the cache
    return cloud


def header(file: BufferedReader, path: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns come first, and dtype that a `.npy` file announces; nothing of its data is read."""
    try:
        # Python warns of odd literals in a header; what is wrong with it is said below
        with PILLOW_WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            version = np.lib.format.read_magic(file)
            if version == (1, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            elif version == (2, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
            else:  # 3.0 exists for field names outside Latin-1, which no cloud has
                raise ValueError(f"format version {version}")
    except Exception as error:  # NumPy parses the header as a literal, which on damaged bytes fails in many ways
        raise MediaError(f"{path} is not a .npy array ({reason(error)})") from None
    return shape, fortran, dtype


def count(shape: tuple[int, ...], dtype: np.dtype, path: str) -> int:
    """The number of points, after the announced shape and dtype have been found acceptable."""
    if dtype.hasobject:
        raise MediaError(f"{path} holds Python objects, which are never unpickled; expected an array of numbers")
    if dtype.kind not in "fiu":
        raise MediaError(f"{path} holds {dtype}, expected an array of float32")
    sides = [side for side in shape if type(side) is int]  # a header may say True
    if len(sides) != 2 or len(shape) != 2 or sides[1] < 3:
        raise MediaError(f"{path} has shape {list(shape)}, expected [points, 3 or more columns]")
    if sides[0] < 1:
        raise MediaError(f"{path} holds 0 points, expected at least 1")
    if math.prod(shape) > MAX_POINTS * 6:
        raise MediaError(f"{path} holds {shape[0]:,} points of {shape[1]} columns, more than the limit of {MAX_POINTS:,} points")
    return sides[0]


def hidden(path: str) -> np.ndarray:
    """A cloud of the same shape, every point at the origin and mid-gray: not even where the room lies can be told."""
    cloud = np.zeros_like(decode(path))  # a file that is broken is so without its content too
    if cloud.shape[1] >= 6:
        cloud[:, 3:6] = GRAY
    cloud.setflags(write=False)
    return cloud


def shuffled(cloud: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """Each coordinate drawn from the cloud's own, apart from the others: the same extent and colours, no shape."""
    mixed = cloud.copy()
    for axis in range(3):
        mixed[:, axis] = stream.permutation(cloud[:, axis])
    mixed.setflags(write=False)
    return mixed


def describe(media: Media) -> str:
    """`40,000 points, 6 columns, 7.2 x 4.1 x 2.6 m`."""
    cloud = open_cloud(media)
    extent = " x ".join(f"{side:.1f}" for side in np.ptp(cloud[:, :3], axis=0))
    return f"{len(cloud):,} points, {cloud.shape[1]} columns, {extent} m"


def draw(folder: Path, name: str, number: int) -> Media:
    """A cloud with much of one colour and some of another; the same number gives the same bytes."""
    rng = np.random.default_rng(number)
    most, some = two_colours(number)
    points = rng.uniform((-1, -1, 0), (1, 1, 1 + number / 4), (600, 3))
    colours = np.where(rng.random((600, 1)) < 0.8, most, some)
    path = folder / f"{name}.npy"
    np.save(path, np.concatenate([points, colours], axis=1).astype(np.float32))
    return Media(POINT_CLOUD, str(path))


def odd(folder: Path) -> list[Media]:
    """Clouds of unusual but valid forms."""
    points = np.random.default_rng(0).uniform(-2, 2, (500, 7)).astype(np.float32)
    points[:, 3:6] = np.abs(points[:, 3:6]) * 100
    made = {"xyz-only.npy": points[:, :3], "seven-columns.npy": points, "few-points.npy": points[:5, :6]}
    for name, cloud in made.items():
        np.save(folder / name, cloud)
    return [Media(POINT_CLOUD, str(folder / name)) for name in made]


def from_sides(media: Media, count: int) -> list[Image.Image]:
    """`count` pictures from around the cloud (views.py)."""
    return views.views(open_cloud(media), count)


MODALITIES = (
    Modality(
        name=POINT_CLOUD,
        many="point clouds",
        key="pcl",
        word="cloud",
        command="points",
        decode=decode,
        hidden=hidden,
        weigh=lambda cloud: cloud.nbytes,
        one="a room scanned in 3D",
        shuffled=shuffled,
        describe=describe,
        picture=lambda media: from_sides(media, 1)[0],
        points=open_cloud,
        views=from_sides,
        most_views=views.MOST,
        views_version=views.VERSION,
        plans=lambda media: plans.plans(open_cloud(media)),
        plans_version=plans.VERSION,
        parts=frozenset({"cloud"}),
        probe=Probe(QUESTIONS, tuple(COLOURS), draw, odd),
        tags=("<Pcl>", "</Pcl>"),
        encoders={
            "mini": EncoderKind("lamm_bench.lamm.config:CloudEncoder", "lamm_bench.lamm.point_cloud:MiniCloudEncoder"),
            "epcl": EncoderKind("lamm_bench.lamm.encoder_configs:Epcl", "lamm_bench.lamm.epcl:EpclEncoder", learns=False),
        },
        heavy=True,
        described=True,
        corruptions=CLOUDS,
    ),
)
