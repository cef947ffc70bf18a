"""Images: the modality, and the only file that decodes pictures.

Decisions that hold for every model:

- Pixels become RGB by Pillow's plain `convert("RGB")`, as upstream does (reference 3.3): alpha is dropped, not laid
  over a colour; 16-bit gray is clipped at 255, not divided by 256; of an animation the first frame counts.
- Floating-point pixels are refused: what would be white is a matter of whoever wrote them.
- EXIF rotation is not applied: boxes and points refer to the pixels as they are stored.
- Truncated files are refused. Upstream switches `LOAD_TRUNCATED_IMAGES` on and lets the model see gray bars."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, features

from lamm_bench.errors import MediaError
from lamm_bench.types import Media

from .cache import cache
from .corruptions import PICTURES
from .files import is_changed, is_corrupted, open_file
from .modality import EncoderKind, Modality, Probe
from .opening import expect, open_media

IMAGE = "image"
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # no format whose decoder starts another program (EPS)
MAX_PIXELS = 100_000_000  # 300 MB as RGB
GRAY = 128
EXIF_ORIENTATION = 0x0112
TILES = 8  # along each side, of the control `shuffled`

LARGE = 20_000_000  # pixels above which pictures are decoded one at a time

PILLOW_WARNINGS = threading.Lock()
ONE_LARGE = threading.Lock()


def open_image(media: Media) -> Image.Image:
    """The picture as RGB; the caller may change it. A blank reference gives mid-gray of the same size."""
    expect(media, IMAGE)
    found = open_media(media)
    assert isinstance(found, Image.Image)
    return found.copy() if found.width * found.height * 3 <= cache.limit else found  # what no cache holds, nobody shares


def original(media: Media) -> tuple[bytes, str] | None:
    """The file's own bytes and their MIME type, where every decoder sees in them what `open_image` gives; None elsewhere.

    That is a JPEG or PNG of one frame, gray or RGB with 8 bits, without transparency and without EXIF rotation."""
    expect(media, IMAGE)
    if is_changed(media):
        return None
    with open_file(media.path) as file, open_header(file, media.path) as image:
        try:
            turned = image.getexif().get(EXIF_ORIENTATION, 1) not in (0, 1)
        except Exception:  # damaged metadata: what another decoder makes of them cannot be known
            turned = True
        odd = "transparency" in image.info or getattr(image, "n_frames", 1) > 1
        if image.format not in ("JPEG", "PNG") or image.mode not in ("L", "RGB") or turned or odd:
            return None
        kind = f"image/{image.format.lower()}"
        file.seek(0)
        return file.read(), kind


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height in pixels, from the header alone."""
    with open_file(path) as file, open_header(file, os.fspath(path)) as image:
        return image.size


def open_header(file: BufferedReader, name: str) -> Image.Image:
    """Pillow's lazy image, after its size has been found acceptable."""
    try:
        # Pillow warns of large images and of odd metadata; our own limit says the first, the second is of no use here
        with PILLOW_WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise MediaError(f"{name} has more pixels than the limit of {MAX_PIXELS:,}") from None
    except Image.UnidentifiedImageError:
        raise MediaError(f"{name} is not an image that can be read ({', '.join(FORMATS)})") from None
    except Exception as error:  # on damaged headers Pillow's plug-ins raise nearly every kind of exception
        raise MediaError(f"{name} has a damaged image header ({reason(error)})") from None
    width, height = image.size
    if width < 1 or height < 1:
        raise MediaError(f"{name} is {width} x {height} pixels, expected at least 1 x 1")
    if width * height > MAX_PIXELS:
        raise MediaError(f"{name} is {width:,} x {height:,} pixels, more than the limit of {MAX_PIXELS:,} in all")
    return image


def decode(path: str) -> Image.Image:
    """The first frame as RGB. Large pictures are decoded one at a time: a small file may hold 300 MB of pixels."""
    with open_file(path) as file, open_header(file, path) as image, alone(image):
        return decoded(image, path)


def alone(image: Image.Image) -> contextlib.AbstractContextManager[Any]:
    """Waits for other large pictures, where this is one."""
    return ONE_LARGE if image.width * image.height > LARGE else contextlib.nullcontext()


def decoded(image: Image.Image, path: str) -> Image.Image:
    """An opened picture as RGB."""
    try:
        image.load()
    except Exception as error:  # as above: the kind of exception depends on the plug-in and on the damage
        raise MediaError(f"{path} is truncated or damaged ({reason(error)})") from None
    if image.mode == "F":
        raise MediaError(f"{path} holds floating-point pixels, of which nobody knows what is white; expected 8 bits a channel")
    image.info.pop("transparency", None)  # `convert` would drop it anyway, but with a warning
    try:
        # `copy` for RGB files: the result must not hang on the closed file
        return image.copy() if image.mode == "RGB" else image.convert("RGB")
    except (ValueError, OSError, MemoryError) as error:
        raise MediaError(f"{path} holds {image.mode} pixels, which cannot become RGB ({reason(error)})") from None


def reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:160] or type(error).__name__


def hidden(path: str) -> Image.Image:
    """Mid-gray of the same size; nothing of the file is decoded but its header."""
    return Image.new("RGB", image_size(path), (GRAY, GRAY, GRAY))


def shuffled(image: Image.Image, stream: np.random.Generator) -> Image.Image:
    """Its tiles, 8 x 8 of them, in another order: the same colours and textures, nothing where it was.

    What does not fill a whole tile at the right and lower edge stays."""
    pixels = np.array(image)
    high, wide = pixels.shape[0] // TILES, pixels.shape[1] // TILES
    if not high or not wide:
        return Image.fromarray(stream.permutation(pixels.reshape(-1, 3)).reshape(pixels.shape))
    inner = pixels[: high * TILES, : wide * TILES].reshape(TILES, high, TILES, wide, 3).transpose(0, 2, 1, 3, 4)
    mixed = stream.permutation(inner.reshape(TILES * TILES, high, wide, 3)).reshape(TILES, TILES, high, wide, 3)
    pixels[: high * TILES, : wide * TILES] = mixed.transpose(0, 2, 1, 3, 4).reshape(high * TILES, wide * TILES, 3)
    return Image.fromarray(pixels)


def describe(media: Media) -> str:
    """`640 x 480 pixels`."""
    width, height = open_image(media).size if is_corrupted(media) else image_size(media.path)
    return f"{width} x {height} pixels"


def versions() -> dict[str, str]:
    """JPEG decoders differ in the last bit."""
    turbo = features.version_feature("libjpeg_turbo") if features.check_feature("libjpeg_turbo") else None
    return {"pillow": Image.__version__, "numpy": np.__version__, "libjpeg-turbo": str(turbo or "absent")}


COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 30),
    "green": (30, 170, 50),
    "blue": (30, 60, 220),
    "yellow": (235, 215, 40),
}
QUESTIONS = ("Which colour is it?", "Name the colour that most of it has, in one word.", "What is it?", "Colour?")
UNEQUAL = ((320, 80), (60, 240), (160, 160), (40, 40))
SIZES = ((64, 48), (48, 64), (56, 56), (96, 40), (40, 72), (64, 64))


def two_colours(number: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The colour that most of a probe has, and that of a smaller part of it."""
    most, some = (tuple(COLOURS.values())[(number + step) % len(COLOURS)] for step in (0, 2))
    return most, some


def draw(folder: Path, name: str, number: int) -> Media:
    """A picture with much of one colour and some of another; the same number gives the same bytes."""
    rng = np.random.default_rng(number)
    most, some = two_colours(number)
    wide, high = SIZES[number % len(SIZES)]
    pixels = np.empty((high, wide, 3), dtype=np.int64)
    pixels[:] = most
    pixels[high // 3 : high // 2, wide // 4 : wide // 2] = some
    pixels += rng.integers(-15, 16, pixels.shape)
    path = folder / f"{name}.png"
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return Media(IMAGE, str(path))


def odd(folder: Path) -> list[Media]:
    """Pictures of unusual but valid forms."""
    base = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    colour = Image.fromarray(base)
    made = {
        "alpha.png": colour.convert("RGBA"),
        "gray.png": colour.convert("L"),
        "palette.gif": colour.convert("P"),
        "cmyk.jpg": colour.convert("CMYK"),
        "sixteen-bit.png": Image.fromarray(base[:, :, 0].astype(np.uint16) * 257),
        "narrow.png": colour.resize((12, 60)),
    }
    for name, image in made.items():
        image.save(folder / name)
    return [Media(IMAGE, str(folder / name)) for name in made]


def unequal(folder: Path) -> list[Media]:
    """Pictures that models cut into different numbers of tiles or patches."""
    found = []
    for number, size in enumerate(UNEQUAL):
        path = folder / f"{size[0]}x{size[1]}.png"
        open_image(draw(folder, f"unequal-{number}", number)).resize(size).save(path)
        found.append(Media(IMAGE, str(path)))
    return found


MODALITIES = (
    Modality(
        name=IMAGE,
        many="images",
        key="image",
        decode=decode,
        hidden=hidden,
        weigh=lambda image: image.width * image.height * 3,
        one="an image",
        glance=image_size,
        shuffled=shuffled,
        describe=describe,
        picture=open_image,
        views=lambda media, count: [open_image(media)],
        probe=Probe(QUESTIONS, tuple(COLOURS), draw, odd, unequal),
        tags=("<Img>", "</Img>"),
        encoders={
            "mini": EncoderKind("lamm_bench.lamm.config:ImageEncoder", "lamm_bench.lamm.vision:MiniImageEncoder"),
            "clip": EncoderKind("lamm_bench.lamm.encoder_configs:ClipTower", "lamm_bench.lamm.clip:ClipEncoder", learns=False),
            "tower": EncoderKind(
                "lamm_bench.lamm.encoder_configs:VisionTower", "lamm_bench.lamm.tower:TowerEncoder", learns=False
            ),
        },
        flat=True,
        square=True,
        corruptions=PICTURES,
        versions=versions,
    ),
)
