"""What corruptions of pictures share: pixels as numbers, resampling, and blurring with a kernel. No function changes what it is given."""

from __future__ import annotations

import numpy as np
from PIL import Image

SIDE = 224  # pixels of the shorter side for which ImageNet-C's lengths are meant (Hendrycks and Dietterich 2019, section 3)


def unit(image: Image.Image) -> np.ndarray:
    """Float32 [height, width, 3], 0 to 1."""
    return np.asarray(image, np.float32) / np.float32(255)


def picture(pixels: np.ndarray) -> Image.Image:
    """The picture of values that should lie between 0 and 1; what lies outside is cut."""
    return Image.fromarray(np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def scale_of(image: Image.Image) -> float:
    """By how much lengths in pixels grow, so that a severity means the same for pictures of all sizes."""
    return min(image.size) / SIDE


def gray(pixels: np.ndarray) -> np.ndarray:
    """[height, width, 1]: luminance by ITU-R BT.601."""
    return (pixels @ np.array([0.299, 0.587, 0.114], pixels.dtype))[..., None]


def smooth(field: np.ndarray, sigma: float, channels: bool = False, truncate: float = 4.0, border: str = "nearest") -> np.ndarray:
    """Gaussian blur of [height, width] or [height, width, 3]; with `channels` the colour axis is blurred too."""
    from scipy.ndimage import gaussian_filter

    if sigma <= 0:
        return field
    sigmas = [sigma, sigma, *([sigma if channels else 0.0] if field.ndim == 3 else [])]
    return gaussian_filter(field, sigmas, mode=border, truncate=truncate)


def convolved(field: np.ndarray, kernel: np.ndarray, border: str) -> np.ndarray:
    """[height, width] or [height, width, 3] with an odd-sided kernel; `border` is a mode of `numpy.pad`."""
    from scipy.signal import oaconvolve

    high, wide = kernel.shape[0] // 2, kernel.shape[1] // 2
    flat = field.ndim == 2
    padded = np.pad(field[..., None] if flat else field, ((high, high), (wide, wide), (0, 0)), border)  # type: ignore[call-overload]
    made = oaconvolve(padded, kernel[..., None].astype(np.float32), mode="valid", axes=(0, 1))
    return made[..., 0] if flat else made


def zoomed(field: np.ndarray, factor: float, cubic: bool = False) -> np.ndarray:
    """The middle of [height, width] or [height, width, 3], enlarged to the same size."""
    if factor == 1:
        return field
    if field.ndim == 3:
        return np.stack([zoomed(field[..., channel], factor, cubic) for channel in range(3)], axis=2)
    high, wide = field.shape
    left, top = (wide - wide / factor) / 2, (high - high / factor) / 2
    how = Image.Resampling.BICUBIC if cubic else Image.Resampling.BILINEAR
    layer = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(layer.resize((wide, high), how, box=(left, top, wide - left, high - top)))


def stretched(field: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[height, width] as another size (width, height), bilinear."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(field, np.float32)).resize(size, Image.Resampling.BILINEAR))


def motion_kernel(radius: float, sigma: float, angle: float) -> np.ndarray:
    """ImageMagick's motion blur as a kernel: half a Gaussian of 2 x radius + 1 pixels along a direction (degrees), behind each pixel."""
    count = 2 * max(int(round(radius)), 0) + 1
    weights = np.exp(-(np.arange(count) ** 2) / (2 * max(sigma, 1e-3) ** 2))
    slope = np.radians(angle)
    dy, dx = (np.ceil(np.arange(count) * part - 0.5).astype(int) for part in (np.sin(slope), np.cos(slope)))
    kernel = np.zeros((2 * count + 1, 2 * count + 1))
    np.add.at(kernel, (count + dy, count + dx), weights)
    return kernel / kernel.sum()


def in_motion(field: np.ndarray, radius: float, sigma: float, angle: float) -> np.ndarray:
    """Blurred by a movement; what is outside goes on as the edge is."""
    return convolved(field, motion_kernel(radius, sigma, angle), "edge")


def plasma(side: int, decay: float, stream: np.random.Generator) -> np.ndarray:
    """[side, side] between 0 and 1: clouds by the diamond-square algorithm (Fournier et al. 1982) on a torus; `side` a power of two.

    Displacements shrink by the square of `decay` with every halving, as in the published code of ImageNet-C's fog."""
    field, step, reach = np.zeros((side, side)), side, 1.0
    while step >= 2:
        half = step // 2
        corners = field[::step, ::step]
        across = corners + np.roll(corners, -1, 0)
        middle = (across + np.roll(across, -1, 1)) / 4
        field[half::step, half::step] = middle + stream.uniform(-reach, reach, middle.shape)
        middles = field[half::step, half::step]
        for rows, columns, axis in (
            (slice(0, None, step), slice(half, None, step), 0),
            (slice(half, None, step), slice(0, None, step), 1),
        ):
            sides = corners + np.roll(corners, -1, 1 - axis) + middles + np.roll(middles, 1, axis)
            field[rows, columns] = sides / 4 + stream.uniform(-reach, reach, sides.shape)
        step, reach = half, reach / decay**2
    field -= field.min()
    return field / (field.max() or 1.0)
