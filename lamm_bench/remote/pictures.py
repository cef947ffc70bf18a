"""Images as data URLs, clouds as rendered views: what of a sample's media goes over the wire."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from PIL import Image

from lamm_bench import media as files
from lamm_bench.media.renderings import Rendering
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
    rendering: Rendering = Rendering()  # of a cloud; nothing: clouds are refused

    def urls(self, media: Media) -> list[str]:
        """The data URLs of one image or cloud. Raises `MediaError` when the file cannot be used."""
        own = files.modality(media.kind)
        if not own.flat:
            return [encoded(picture, "png") for picture in self.rendering.of(own, media)]
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
            return [f"{own.short} {content(media)} views {self.rendering.key(own)}"]
        return [] if self.form == "none" else [f"image {content(media)} {self.form} {self.max_side}"]


def nearest(exact: float, off: Callable[[int], float]) -> int:
    """The whole number beside `exact` that keeps the aspect best, at least 1, as Pillow's `thumbnail` rounds."""
    return max(1, min(math.floor(exact), math.ceil(exact), key=off))


def content(media: Media) -> str:
    """The hash of the content, with a word where it is hidden, out of order or corrupted."""
    if files.is_changed(media) and not files.is_blank(media):
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
