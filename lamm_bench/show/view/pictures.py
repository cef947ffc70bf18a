"""Media as files beside the page: pictures that are small enough, clouds as scripts. Each is written once, whoever shows it."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lamm_bench.errors import MediaError
from lamm_bench.media import GRAY, modality
from lamm_bench.show.report.pictures import SMALL, packed_cloud
from lamm_bench.show.report.text import clean
from lamm_bench.types import Media

POINTS = 200_000  # of one cloud
QUALITY = 82  # of JPEG
ICON, ICON_POINTS = 128, 20_000  # pixels of a picture in the list, points of a cloud in it


class Pictures:
    """Writes media below `folder/media`; `side` is the longer side of a picture in pixels, 0 for none at all."""

    def __init__(self, folder: Path, side: int, points: int = POINTS) -> None:
        self.folder, self.side, self.points = folder, side, points
        self.known: dict[str, dict[str, Any]] = {}

    def of(self, medium: Media) -> dict[str, Any]:
        """What the page knows of one medium: `file` with width and height in pixels, `cloud`, or `broken` with a reason."""
        key = name_of(medium)
        if key not in self.known:
            name = medium.path.replace("\\", "/").rsplit("/", 1)[-1]
            try:
                self.known[key] = {"name": clean(name, 200), **self.made(medium, key)}
            except MediaError as error:
                self.known[key] = {"name": clean(name, 200), "broken": clean(error, 500)}
        return self.known[key]

    def made(self, medium: Media, name: str) -> dict[str, Any]:
        """Writes one medium. Raises `MediaError`."""
        if not self.side:
            return {}
        own = modality(medium.kind)
        place = self.folder / "media" / name[:2]
        points = own.points(medium) if own.points is not None else None
        if points is None and own.picture is None:
            return {"broken": f"{own.many} cannot be drawn"}
        place.mkdir(parents=True, exist_ok=True)
        if points is not None:
            packed = json.dumps(asdict(packed_cloud(points, self.points)))
            (place / f"{name}.js").write_text(f"lammView.cloud({json.dumps(name)}, {packed});\n", encoding="utf-8")
            (place / f"{name}.png").write_bytes(from_above(points))
            return {"cloud": name, "file": f"media/{name[:2]}/{name}.png"}
        assert own.picture is not None
        image = own.picture(medium)
        width, height = image.size
        tiny = max(image.size) <= SMALL
        file = place / f"{name}.{'png' if tiny else 'jpg'}"
        told: dict[str, Any] = {"file": f"media/{name[:2]}/{file.name}", "width": width, "height": height, "tiny": tiny}
        image.info.clear()  # a comment of megabytes has no place here, and JPEG none for it
        if tiny:
            image.save(file, "PNG")
            return told
        image = image.convert("RGB")
        image.thumbnail((self.side, self.side), Image.Resampling.LANCZOS)
        image.save(file, "JPEG", quality=QUALITY)
        if max(image.size) > 2 * ICON:  # a list of large pictures would be busy unpacking them
            thumb = f"{name}s.jpg"
            told["thumb"] = f"media/{name[:2]}/{thumb}"
            image.thumbnail((ICON, ICON), Image.Resampling.BICUBIC)
            image.save(place / thumb, "JPEG", quality=QUALITY)
        return told


def name_of(medium: Media) -> str:
    """The name of a medium's file without its ending: nothing of a data set's own names reaches the disk."""
    key = f"{medium.kind} {medium.path} {medium.sha256}"
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:20]


def from_above(points: np.ndarray) -> bytes:
    """A cloud [N, >= 3] for the list: seen from above, what is highest in front, without the topmost tenth, where ceilings are."""
    cloud = points[:: max(1, len(points) // ICON_POINTS)]
    low, high = np.percentile(cloud[:, :3], 1, axis=0), np.percentile(cloud[:, :3], 99, axis=0)
    cloud = cloud[cloud[:, 2] <= low[2] + 0.9 * (high[2] - low[2])] if high[2] > low[2] else cloud
    cloud = cloud[np.argsort(cloud[:, 2], kind="stable")]
    reach = max(float((high - low)[:2].max()), 1e-9)
    at = ((cloud[:, :2] - (low + high)[:2] / 2) / reach + 0.5) * (ICON - 4)
    x, y = np.clip(at[:, 0], 0, ICON - 3).astype(int), np.clip(ICON - 4 - at[:, 1], 0, ICON - 3).astype(int)
    colours = np.clip(cloud[:, 3:6], 0, 255).astype(np.uint8) if cloud.shape[1] >= 6 else np.full((len(cloud), 3), GRAY, np.uint8)
    pixels = np.full((ICON, ICON, 3), 30, np.uint8)
    for right in (0, 1):
        for down in (0, 1):
            pixels[y + down, x + right] = colours
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
