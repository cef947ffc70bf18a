"""Images as data URLs, clouds as rendered views: what of a sample's media goes over the wire."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from lamm_bench import media as files
from lamm_bench.errors import BenchError
from lamm_bench.media import Modality
from lamm_bench.media.views import LEAST, MOST
from lamm_bench.types import Media

Form = Literal["auto", "png", "jpeg", "none"]
JPEG_QUALITY = 95  # without chroma subsampling: hardly to be told from the original


@dataclass(frozen=True)
class Pictures:
    """How media are sent.

    `auto` sends the file's own bytes where every decoder sees in them what our own models see, and a PNG of the decoded
    pixels elsewhere; `png` and `jpeg` always encode anew; `none` leaves images out (a text-only model: a blind control)."""

    form: Form = "auto"
    max_side: int = 0  # larger images are shrunk to this many pixels; 0: never
    views: int = 0  # rendered views of a cloud; 0: clouds are refused

    def urls(self, media: Media) -> list[str]:
        """The data URLs of one image or cloud. Raises `MediaError` when the file cannot be used."""
        own = files.modality(media.kind)
        if not own.flat:
            return [encoded(picture, "png") for picture in drawn(own)(media, min(self.views, own.most_views))]
        if self.form == "none":
            return []
        picture = files.open_image(media)  # decoded in any case: a damaged file must not be sent
        large = bool(self.max_side) and max(picture.size) > self.max_side
        plain = files.original(media) if self.form == "auto" and not large else None
        if plain is not None:
            return [data_url(*plain)]
        if large:
            picture.thumbnail((self.max_side, self.max_side), Image.Resampling.LANCZOS)
        return [encoded(picture, "jpeg" if self.form == "jpeg" else "png")]

    def size(self, media: Media) -> tuple[int, int]:
        """Width and height in which a picture is sent, from its header alone. Raises `MediaError`."""
        width, height = files.image_size(media.path)
        most = self.max_side
        if not most or max(width, height) <= most:
            return width, height
        aspect = width / height
        if width <= height:
            return nearest(most * aspect, lambda side: abs(aspect - side / most)), most
        return most, nearest(most / aspect, lambda side: abs(aspect - most / side) if side else 0.0)

    def marks(self, media: Media) -> list[str]:
        """What stands for the media in a cache key: content and treatment, without encoding anything."""
        own = files.modality(media.kind)
        if not own.flat:
            return [f"{own.short} {content(media)} views {self.views}.{own.views_version}"]
        return [] if self.form == "none" else [f"image {content(media)} {self.form} {self.max_side}"]


def nearest(exact: float, off: Callable[[int], float]) -> int:
    """The whole number beside `exact` that keeps the aspect best, at least 1, as Pillow's `thumbnail` rounds."""
    return max(1, min(math.floor(exact), math.ceil(exact), key=off))


def drawn(own: Modality) -> Callable[[Media, int], list[Image.Image]]:
    """How it becomes pictures; `renderable` has been asked before."""
    assert own.views is not None
    return own.views


def content(media: Media) -> str:
    """The hash of the content, with a word where it is hidden or out of order."""
    if files.is_shuffled(media):
        return media.sha256
    return f"{files.content(replace(media, sha256=''))}{' blank' if files.is_blank(media) else ''}"


def encoded(picture: Image.Image, form: str) -> str:
    buffer = io.BytesIO()
    if form == "jpeg":
        picture.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    else:
        picture.save(buffer, "PNG", compress_level=6)
    return data_url(buffer.getvalue(), f"image/{form}")


def data_url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def parse_render(text: str) -> int:
    """The number of views in `render=4views`; 0 for none.

    >>> parse_render(""), parse_render("4views")
    (0, 4)
    """
    if not text or text == "none":
        return 0
    found = re.fullmatch(r"(\d{1,3})\s*views?", text)
    if not found or not LEAST <= int(found[1]) <= MOST:
        raise BenchError(f"render={text}: expected {LEAST}view to {MOST}views, such as render=4views")
    return int(found[1])
