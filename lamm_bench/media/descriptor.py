"""A picture as a short vector of its colours and edges: enough to find pictures that look alike, blind to what they show.

Two parts of equal weight: the picture shrunk to 8 x 8 pixels, as distances from mid-gray, and histograms of the directions of its
edges in 4 x 4 cells (eight bins without sign, weighed by strength: Dalal and Triggs 2005, histograms of oriented gradients)."""

from __future__ import annotations

import numpy as np
from PIL import Image

from lamm_bench.types import Media

from .image import GRAY
from .opening import open_media

DESCRIPTOR_VERSION = 1  # raise it when any number of a vector changes
SIDE, CELLS, BINS, SEEN = 8, 4, 8, 64  # pixels, cells and bins of directions; pixels a side in which edges are looked for


def descriptor(media: Media) -> np.ndarray:
    """float32 [SIDE x SIDE x 3 + CELLS x CELLS x BINS], each part of length 1 where it is not all zeros. Raises `MediaError`."""
    picture = open_media(media).convert("RGB")
    colours = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64) - GRAY
    return np.concatenate([unit(colours.ravel()), unit(edges(picture))]).astype(np.float32)


def edges(picture: Image.Image) -> np.ndarray:
    """Strength of edges by cell and direction, float64 [CELLS x CELLS x BINS]."""
    gray = np.asarray(picture.convert("L").resize((SEEN, SEEN), Image.Resampling.BOX), dtype=np.float64)
    down, right = np.gradient(gray)
    bins = np.floor(np.arctan2(down, right) % np.pi / np.pi * BINS).astype(int) % BINS
    rows, columns = np.indices(gray.shape) * CELLS // SEEN
    found = np.zeros((CELLS, CELLS, BINS))
    np.add.at(found, (rows, columns, bins), np.hypot(down, right))
    return found.ravel()


def unit(vector: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vector)
    return vector / length if length else vector
