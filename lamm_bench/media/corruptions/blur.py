"""Blur in pictures; lengths in pixels times `scale`."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .pixels import convolved, in_motion, picture, smooth, unit, zoomed

Stream = np.random.Generator
CORNER = 32  # pixels of each side that upstream's glass blur of CIFAR-10-C shuffles, whatever the size (reference 9.2)


def gaussian(image: Image.Image, stream: Stream, scale: float, sigma: float) -> Image.Image:
    return picture(smooth(unit(image), sigma * scale))


def gaussian_and_colours(image: Image.Image, stream: Stream, scale: float, sigma: float) -> Image.Image:
    """Blurs the colour axis too, as a library did that was not told which axis it is (reference 9.2)."""
    return picture(smooth(unit(image), sigma * scale, channels=True))


def glass(image: Image.Image, stream: Stream, scale: float, sigma: float, reach: float, rounds: int) -> Image.Image:
    """Blurred, each pixel replaced by one nearby, blurred again.

    The published code means to swap pixels and copies them; here all are copied at once and not one after another."""
    most = max(int(round(reach * scale)), 1)
    pixels = smooth(unit(image), sigma * scale)
    high, wide = pixels.shape[:2]
    rows, columns = np.indices((high, wide))
    for _ in range(int(rounds)):
        dy, dx = stream.integers(-most, most, (2, high, wide))
        pixels = pixels[np.clip(rows + dy, 0, high - 1), np.clip(columns + dx, 0, wide - 1)]
    return picture(smooth(pixels, sigma * scale))


def glass_in_a_corner(image: Image.Image, stream: Stream, scale: float, sigma: float, reach: int, rounds: int) -> Image.Image:
    """As upstream's, made for 32 x 32 pixels: one pixel after another, in the upper left corner of the picture alone."""
    pixels = np.rint(smooth(unit(image), sigma, channels=True) * 255).astype(np.uint8)
    high, wide = (min(CORNER, side) for side in pixels.shape[:2])
    for _ in range(int(rounds)):
        for row in range(high - reach - (high < CORNER), reach, -1):
            for column in range(wide - reach - (wide < CORNER), reach, -1):
                dx, dy = stream.integers(-reach, reach, 2)
                if row < pixels.shape[0] and column < pixels.shape[1]:
                    pixels[row, column] = pixels[row + dy, column + dx]
    return picture(smooth(pixels.astype(np.float32) / 255, sigma, channels=True))


def defocus(image: Image.Image, stream: Stream, scale: float, radius: float, alias: float) -> Image.Image:
    """Out of focus: the mean of a disk whose edge is smoothed."""
    reach = radius * scale if scale != 1 else radius
    side = max(int(np.ceil(reach)) + 1, 1)
    there = np.arange(-side, side + 1)
    disk = (there[:, None] ** 2 + there[None] ** 2 <= reach**2).astype(np.float64)
    edge = np.exp(-np.array([1.0, 0.0, 1.0]) / (2 * alias**2))
    edge /= edge.sum()
    disk = np.apply_along_axis(np.convolve, 0, np.apply_along_axis(np.convolve, 1, disk, edge, "same"), edge, "same")
    return picture(convolved(unit(image), disk / disk.sum(), "reflect" if min(image.size) > 1 else "edge"))


def motion(image: Image.Image, stream: Stream, scale: float, radius: float, sigma: float) -> Image.Image:
    return picture(in_motion(unit(image), radius * scale, sigma * scale, stream.uniform(-45, 45)))


def zoom(image: Image.Image, stream: Stream, scale: float, most: float, step: float, cubic: bool = False) -> Image.Image:
    """The mean of the picture and of its enlargements from 1 to below `most`, in steps."""
    pixels = unit(image)
    factors = np.arange(1, most, step)
    whole = pixels.copy()
    for factor in factors:
        whole += zoomed(pixels, float(factor), cubic)
    return picture(whole / (len(factors) + 1))


def zoom_cubic(image: Image.Image, stream: Stream, scale: float, most: float, step: float) -> Image.Image:
    return zoom(image, stream, scale, most, step, cubic=True)
