"""From a cell to media: bytes and base64 go into the store, paths lead to files beside the data or into an archive."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import ImageDraw

from lamm_bench.errors import MediaError
from lamm_bench.loading import shorten
from lamm_bench.media import open_image
from lamm_bench.media.point_cloud import POINT_CLOUD
from lamm_bench.types import Media

from . import rooms
from .files import LARGEST, Files, Unusable, safe
from .store import Store
from .templates import Row, Template, empty

ENCODINGS = ("path", "base64", "bytes", "scannet")


SHARES = {"fractions": 1.0, "percent": 100.0, "thousandths": 1000.0}
ZIPPED = re.compile(r"([^{}]*?\.zip)/", re.IGNORECASE)
RED = (255, 0, 0)
THIN = 150  # a line has a 150th of the picture's shorter side, two pixels at least


def with_box(media: Media, box: Sequence[float], scale: str, store: Store) -> Media:
    """A picture with a red box [x1, y1, x2, y2], kept as PNG; the picture itself where it cannot be opened."""
    try:
        picture = open_image(media).copy()
    except MediaError:
        return media
    whole = SHARES.get(scale)
    sides = box if whole is None else [side * size / whole for side, size in zip(box, picture.size * 2)]
    x1, x2 = sorted(min(max(side, 0), picture.width - 1) for side in sides[::2])
    y1, y2 = sorted(min(max(side, 0), picture.height - 1) for side in sides[1::2])
    ImageDraw.Draw(picture).rectangle((x1, y1, x2, y2), outline=RED, width=max(2, round(min(picture.size) / THIN)))
    out = io.BytesIO()
    picture.save(out, "PNG")
    path, sha = store.put(out.getvalue())
    return Media(media.kind, path, sha)


@dataclass(frozen=True)
class Shown:
    """How the media of a task are found in its rows."""

    kind: str
    encoding: str = "path"  # of texts; bytes and {bytes, path} tell themselves
    folder: str = ""  # below the data root, of paths; `images.zip/val` goes into an archive

    def media(self, value: Any, row: Row, files: Files, store: Store | None) -> list[Media]:
        """All media of a cell: one, several in a list, none where it is empty."""
        if isinstance(value, list | tuple):
            return [one for each in value for one in self.media(each, row, files, store)]
        if isinstance(value, Mapping):
            value = self.inner(value, row)
        if empty(value):
            return []
        if isinstance(value, bytes | bytearray):
            return [self.kept(bytes(value), row, store)]
        if not isinstance(value, str):
            raise row.fault(f"its media are {shorten(value)}, expected {self.encoding}")
        if self.encoding == "base64":
            return [self.kept(self.decoded(value, row), row, store)]
        if self.encoding == "bytes":
            raise row.fault(f"its media are the text {shorten(value)}, expected bytes (`encoding` may be path or base64)")
        if self.encoding == "scannet":
            return [self.room(value, row, files, store)]
        return [self.file(value, row, files, store)]

    def inner(self, value: Mapping[str, Any], row: Row) -> Any:
        """Of a struct as the `datasets` library writes pictures: the bytes, or else the path."""
        if not {"bytes", "path"} & value.keys():
            raise row.fault(f"its media are an object with {', '.join(value) or 'nothing'}, expected `bytes` or `path`")
        return value.get("path") if empty(value.get("bytes")) else value["bytes"]

    def decoded(self, text: str, row: Row) -> bytes:
        if text.startswith("data:"):
            text = text.partition(",")[2]
        try:
            return base64.b64decode("".join(text.split()), validate=True)  # broken into lines, as mail and `base64` write it
        except (binascii.Error, ValueError):
            raise row.fault(f"its media are {shorten(text, 30)}, which is no base64") from None

    def kept(self, data: bytes, row: Row, store: Store | None) -> Media:
        if not data or len(data) > LARGEST:
            raise row.fault(f"its media have {len(data):,} bytes, expected 1 to {LARGEST:,}")
        if store is None:
            raise row.fault("its media are bytes, which nothing here keeps")
        path, sha = store.put(data)
        return Media(self.kind, path, sha)

    def file(self, path: str, row: Row, files: Files, store: Store | None) -> Media:
        try:
            name = safe(f"{self.folder}/{safe(path)}" if self.folder else path)
            place = files.path(name)
            if self.kind == POINT_CLOUD and name.endswith(rooms.CONVERTED):
                files.note(name)
                return self.kept(rooms.converted(files.read(name), name), row, store)
            if place is not None:
                return Media(self.kind, str(place))
            files.note(name)
            return self.kept(files.read(name), row, store)
        except Unusable as error:
            raise row.fault(f"its media {shorten(path)}: {error}") from None

    def room(self, name: str, row: Row, files: Files, store: Store | None) -> Media:
        """A room of ScanNet, from the place that was decided on for all of them."""
        try:
            found, data = rooms.cloud(files, rooms.place_of(files), name)
            if data is not None:
                files.note(found)
                return self.kept(data, row, store)
            files.stamp(found)
            return Media(self.kind, str(files.path(found)))
        except Unusable as error:
            raise row.fault(f"its room {shorten(name)}: {error}") from None

    def converts(self, templates: Sequence[Template]) -> bool:
        """Whether clouds may be made of meshes or of texts."""
        return self.kind == POINT_CLOUD and not all(template.text.endswith(".npy") for template in templates)

    def archives(self, templates: Sequence[Template]) -> list[str]:
        """The archives that paths are known to lead into."""
        every = (self.folder, *(f"{self.folder}/{template.text}" for template in templates if ".zip/" in template.text.lower()))
        found = (ZIPPED.match(f"{one.strip('/')}/") for one in every)
        return list(dict.fromkeys(one[1] for one in found if one is not None))
