"""Weather in pictures. Frost is drawn here, where the published sets lay photographs of it over a picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .pixels import gray, in_motion, picture, plasma, smooth, stretched, unit, zoomed

Stream = np.random.Generator
LARGEST = 1024  # cells of a side of a field of fog or frost; larger ones are stretched
NEEDLES = 6  # directions in which ice grows
ICE = np.array([0.82, 0.92, 1.0], np.float32)  # its tint
WATER = np.array([175, 238, 238], np.float32) / 255  # pale turquoise, as ImageNet-C has it
MUD = np.array([63, 42, 20], np.float32) / 255


def snow(
    image: Image.Image, stream: Stream, scale: float, mean: float, deviation: float, zoom: float, least: float,
    radius: float, sigma: float, mix: float,
) -> Image.Image:  # fmt: skip
    """Flakes that fall, over a picture that is whiter."""
    pixels = unit(image)
    layer = stream.normal(mean, deviation, pixels.shape[:2]).astype(np.float32)
    layer = zoomed(layer, max(zoom * scale, 1.0))
    layer = np.clip(np.where(layer < least, 0, layer), 0, 1)
    layer = np.clip(in_motion(layer, radius * scale, sigma * scale, stream.uniform(-135, -45)), 0, 1)[..., None]
    white = mix * pixels + (1 - mix) * np.maximum(pixels, gray(pixels) * 1.5 + 0.5)
    return picture(white + layer + layer[::-1, ::-1])


def frost(image: Image.Image, stream: Stream, scale: float, own: float, ice: float) -> Image.Image:
    return picture(own * unit(image) + ice * frosted(image.size, stream))


def frosted(size: tuple[int, int], stream: Stream) -> np.ndarray:
    """[height, width, 3] between 0 and 1: needles of ice in several directions on a pane that is blind in places, thickest at its edges."""
    side = field_side(size)
    thick = stretched(plasma(side, 1.8, stream), size)
    field = np.zeros((min(size[1], LARGEST), min(size[0], LARGEST)), np.float32)
    reach = max(min(field.shape) / 14, 1.0)
    for number in range(NEEDLES):
        seeds = (stream.random(field.shape) < 0.004).astype(np.float32)
        field = np.maximum(field, in_motion(seeds, reach, reach, 180 * number / NEEDLES + stream.uniform(0, 30)))
    field = stretched(field / (float(field.max()) or 1.0), size)
    across, down = (np.abs(np.linspace(-1, 1, count)) for count in size)
    edge = np.maximum(across[None], down[:, None]) ** 2
    return np.clip(0.25 + 0.3 * thick + 0.45 * field + 0.25 * edge * thick, 0, 1)[..., None].astype(np.float32) * ICE


def field_side(size: tuple[int, int]) -> int:
    """The power of two from which a field for this size is cut."""
    return min(2 ** max(int(np.ceil(np.log2(max(size)))), 1), LARGEST)


def fog(image: Image.Image, stream: Stream, scale: float, amount: float, decay: float) -> Image.Image:
    side = field_side(image.size)
    field = plasma(side, decay, stream)
    if max(image.size) > side:
        return fogged(image, amount, stretched(field, image.size))
    return fogged(image, amount, field[: image.height, : image.width])


def fog_of_few_cells(image: Image.Image, stream: Stream, scale: float, amount: float, decay: float) -> Image.Image:
    """As upstream's, made for 32 x 32 pixels: a part of a field of that size, which is stretched over the picture (reference 9.2)."""
    wide, high = (min(max(side // 32, 1), 32) for side in image.size)
    return fogged(image, amount, stretched(plasma(32, decay, stream)[:high, :wide], image.size))


def fogged(image: Image.Image, amount: float, field: np.ndarray) -> Image.Image:
    pixels = unit(image)
    white = float(pixels.max())
    return picture((pixels + amount * field[..., None].astype(np.float32)) * white / (white + amount))


def brightness(image: Image.Image, stream: Stream, scale: float, more: float) -> Image.Image:
    """The value of HSV plus a share; hue and saturation stay."""
    pixels = unit(image)
    value = pixels.max(axis=2, keepdims=True)
    brighter = np.clip(value + more, 0, 1)
    return picture(np.where(value > 0, pixels * (brighter / np.maximum(value, 1e-6)), brighter))


def spatter(
    image: Image.Image, stream: Stream, scale: float, mean: float, deviation: float, sigma: float, least: float, strength: float, mud: int
) -> Image.Image:  # fmt: skip
    """Drops of water, or of mud, on the lens."""
    pixels = unit(image)
    liquid = smooth(stream.normal(mean, deviation, pixels.shape[:2]).astype(np.float32), sigma * scale)
    liquid = np.where(liquid < least, 0, liquid)
    if mud:
        cover = smooth((liquid > least).astype(np.float32), strength * scale)
        cover = np.where(cover < 0.8, 0, cover)[..., None]
        return picture(pixels * (1 - cover) + MUD * cover)
    cover = liquid * relief(liquid > 0)
    return picture(pixels + strength * (cover / (float(cover.max()) or 1.0))[..., None] * WATER)


def relief(drops: np.ndarray) -> np.ndarray:
    """How bright drops are, 0 to 1: by the distance to their edge, lit from above on the left.

    Stands for ImageNet-C's edges by Canny, distances and equalised histogram, of which OpenCV has the definitions."""
    from scipy.ndimage import binary_erosion, distance_transform_edt, uniform_filter

    if not drops.any():
        return np.zeros(drops.shape, np.float32)
    edges = drops & ~binary_erosion(drops, border_value=1)
    far = np.minimum(distance_transform_edt(~edges), 20) if edges.any() else np.full(drops.shape, 20.0)
    far = uniform_filter(far, 3)
    order = np.searchsorted(np.sort(far, axis=None), far, side="right") / far.size
    lit = convolve3(order, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
    return uniform_filter(np.clip(lit, 0, 1), 3).astype(np.float32)


def convolve3(field: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    from scipy.ndimage import correlate

    return correlate(field, kernel, mode="mirror" if min(field.shape) > 1 else "nearest")
