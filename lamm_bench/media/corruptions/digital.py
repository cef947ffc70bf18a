"""What cameras, files and editors do to pictures, and pictures that are moved: cut, squeezed, turned."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from .pixels import SIDE, picture, smooth, stretched, unit

Stream = np.random.Generator


def contrast(image: Image.Image, stream: Stream, scale: float, factor: float) -> Image.Image:
    """Nearer to each channel's mean."""
    pixels = unit(image)
    mean = pixels.mean(axis=(0, 1), keepdims=True, dtype=np.float64).astype(np.float32)
    return picture((pixels - mean) * factor + mean)


def saturate(image: Image.Image, stream: Stream, scale: float, factor: float, more: float) -> Image.Image:
    """The saturation of HSV times a factor plus a share; hue and value stay. What is gray has the hue of red, as in HSV."""
    pixels = unit(image)
    value = pixels.max(axis=2, keepdims=True)
    below = value - pixels
    reach = below.max(axis=2, keepdims=True)
    saturation = np.clip(reach / np.maximum(value, 1e-6) * factor + more, 0, 1)
    shape = np.where(reach > 0, below / np.maximum(reach, 1e-6), np.array([0, 1, 1], np.float32))
    return picture(value - shape * saturation * value)


def pixelate(image: Image.Image, stream: Stream, scale: float, share: float, how: int = Image.Resampling.BOX) -> Image.Image:
    small = tuple(max(int(side * share), 1) for side in image.size)
    return image.resize(small, how).resize(image.size, how)  # type: ignore[arg-type]


def pixelate_nearest(image: Image.Image, stream: Stream, scale: float, share: float) -> Image.Image:
    return pixelate(image, stream, scale, share, Image.Resampling.NEAREST)


def jpeg(image: Image.Image, stream: Stream, scale: float, quality: int) -> Image.Image:
    held = io.BytesIO()
    image.save(held, "JPEG", quality=int(quality))
    with Image.open(held) as again:
        return again.convert("RGB")


def elastic(image: Image.Image, stream: Stream, scale: float, alpha: float, sigma: float, affine: float) -> Image.Image:
    """Moved by a random affine map and by a smooth random field; lengths in pixels of a picture whose shorter side is 224.

    The field is drawn at that size and stretched: what varies so slowly needs no more cells."""
    field_size = tuple(max(int(round(side / scale)), 1) for side in image.size)
    longest = 4 * SIDE  # of a very narrow picture
    field_size = (min(field_size[0], longest), min(field_size[1], longest))
    shifts = [stretched(field_of(field_size, sigma, stream) * alpha, image.size) for _ in range(2)]
    return warped(image, affine * scale, [shift * scale for shift in shifts], stream)


def elastic_small(image: Image.Image, stream: Stream, scale: float, alpha: float, sigma: float, affine: float) -> Image.Image:
    """As upstream's: lengths are shares of a fixed 32 pixels, whatever the size (reference 9.2)."""
    shifts = [field_of(image.size, sigma * 32, stream) * alpha * 32 for _ in range(2)]
    return warped(image, affine * 32, shifts, stream)


def field_of(size: tuple[int, int], sigma: float, stream: Stream) -> np.ndarray:
    """[height, width] of noise between -1 and 1, smoothed."""
    return smooth(stream.uniform(-1, 1, size[::-1]).astype(np.float32), sigma, truncate=3, border="reflect")


def warped(image: Image.Image, affine: float, shifts: list[np.ndarray], stream: Stream) -> Image.Image:
    """Three points around the middle are each moved by up to `affine` pixels; then every pixel by its `shifts` (down, right)."""
    from scipy.ndimage import map_coordinates

    wide, high = image.size
    middle, reach = np.array([high // 2, wide // 2], float), max(min(image.size) // 3, 1)
    before = middle + reach * np.array([[1, 1], [1, -1], [-1, -1]])
    after = before + stream.uniform(-affine, affine, before.shape)
    system = np.column_stack([after, np.ones(3)])
    if abs(np.linalg.det(system)) < 0.5:  # three points on a line: on pictures of a few pixels
        return image.copy()
    back = np.linalg.solve(system, before)  # [3, 2]: where a pixel of the new picture was
    rows, columns = np.indices((high, wide), dtype=np.float32)
    rows, columns = rows + shifts[0], columns + shifts[1]
    places = [rows * back[0, axis] + columns * back[1, axis] + back[2, axis] for axis in range(2)]
    pixels = unit(image)
    mode = "mirror" if min(image.size) > 1 else "nearest"
    return picture(np.stack([map_coordinates(pixels[..., band], places, order=1, mode=mode) for band in range(3)], axis=2))


def centre_crop(image: Image.Image, stream: Stream, scale: float, share: float) -> Image.Image:
    """The middle, so much of width and height."""
    wide, high = (max(int(side * share), 1) for side in image.size)
    left, top = (image.width - wide) // 2, (image.height - high) // 2
    return image.crop((left, top, left + wide, top + high))


def resize_x(image: Image.Image, stream: Stream, scale: float, share: float) -> Image.Image:
    return resized(image, (factor(stream, share), 1.0))


def resize_y(image: Image.Image, stream: Stream, scale: float, share: float) -> Image.Image:
    return resized(image, (1.0, factor(stream, share)))


def factor(stream: Stream, share: float) -> float:
    """1 plus or minus a share, the sign drawn."""
    return 1 + share * sign(stream)


def sign(stream: Stream) -> int:
    return 1 if stream.random() < 0.5 else -1


def resized(image: Image.Image, factors: tuple[float, float]) -> Image.Image:
    size = tuple(max(int(side * by), 1) for side, by in zip(image.size, factors))
    return image.resize(size, Image.Resampling.BILINEAR)  # type: ignore[arg-type]


def rotate(image: Image.Image, stream: Stream, scale: float, degrees: float) -> Image.Image:
    """Turned one way or the other; the canvas grows, and is black where nothing is."""
    return image.rotate(degrees * sign(stream), Image.Resampling.BILINEAR, expand=True)
