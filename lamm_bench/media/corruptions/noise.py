"""Noise in pictures. `scale` is not used: a sensor's noise is drawn for each pixel, whatever the size of the picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .pixels import picture, unit

Stream = np.random.Generator


def gaussian(image: Image.Image, stream: Stream, scale: float, deviation: float) -> Image.Image:
    pixels = unit(image)
    return picture(pixels + np.float32(deviation) * stream.standard_normal(pixels.shape, np.float32))


def shot(image: Image.Image, stream: Stream, scale: float, photons: float) -> Image.Image:
    """A Poisson draw of so many photons where it is white."""
    return picture(stream.poisson(unit(image) * photons) / photons)


def impulse(image: Image.Image, stream: Stream, scale: float, amount: float) -> Image.Image:
    """Salt and pepper, each colour of a pixel for itself."""
    pixels = unit(image)
    struck, white = stream.random(pixels.shape, np.float32) < amount, stream.random(pixels.shape, np.float32) < 0.5
    return picture(np.where(struck, white, pixels))


def speckle(image: Image.Image, stream: Stream, scale: float, deviation: float) -> Image.Image:
    pixels = unit(image)
    return picture(pixels + pixels * np.float32(deviation) * stream.standard_normal(pixels.shape, np.float32))
