"""The demo: a page on `serving` in which one talks with a model, or with two side by side, about a picture or a cloud.

The page asks the same address as every other client. What it needs besides are two small helps: the places that stand in an answer, read
by the model's own convention, and a cloud's points as the page draws them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lamm_bench import media
from lamm_bench.ask.coordinates import spoken_by
from lamm_bench.read import Frame
from lamm_bench.read.places import read_boxes, read_points
from lamm_bench.serving import Parts, Refused
from lamm_bench.show.report.pictures import packed_cloud
from lamm_bench.show.report.text import clean
from lamm_bench.types import Adapter

HERE = Path(__file__).parent
SHARED = HERE.parent / "view"  # the view's tools for pictures and clouds
FILES = {name: SHARED / name for name in ("page.css", "parts.css", "base.js", "cloud.js", "picture.js")}
FILES |= {name: HERE / name for name in ("demo.css", "demo.js")}
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
POINTS = 100_000  # drawn of a cloud
LONGEST = 20_000  # characters of an answer in which places are looked for
MOST = 200  # places of an answer that are drawn


class Demo:
    """What the demo's server answers beside the interface (serving's `more`)."""

    def __init__(self, adapters: Mapping[str, Adapter]) -> None:
        self.adapters = adapters

    def __call__(self, path: str, body: Any) -> tuple[str, bytes] | None:
        if body is None:
            return self.file(path.partition("?")[0])
        if not isinstance(body, dict):
            raise Refused(400, "the body is no JSON object")
        if path == "/demo/places":
            return "application/json", json.dumps(self.places(body)).encode()
        if path == "/demo/cloud":
            return "application/json", json.dumps(self.cloud(body)).encode()
        return None

    def file(self, path: str) -> tuple[str, bytes] | None:
        if path == "/":
            return "text/html; charset=utf-8", page(list(self.adapters)).encode()
        if path == "/favicon.ico":  # every browser asks for it
            return "image/x-icon", b""
        known = FILES.get(path.removeprefix("/page/"))
        return (KINDS[known.suffix], known.read_bytes()) if known is not None and path.startswith("/page/") else None

    def places(self, body: Mapping[str, Any]) -> list[list[Any]]:
        """Label and numbers of every box or point in `text`: fractions of the picture of `size`, or six numbers in metres."""
        text, size, adapter = body.get("text"), body.get("size"), self.adapters.get(str(body.get("model")))
        if not isinstance(text, str) or adapter is None:
            raise Refused(400, "places are read in a `text` of a `model` that is served here")
        flat = isinstance(size, list) and len(size) == 2 and all(type(side) is int and 0 < side < 10**6 for side in size)
        return places_in(adapter, text, (size[0], size[1]) if flat else None)  # type: ignore[index]

    def cloud(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The points of a data URL, packed as the page draws them."""
        with tempfile.TemporaryDirectory(prefix="lamm-bench-demo-") as folder:
            kinds = frozenset(media.modalities())
            told = {"type": body.get("type"), str(body.get("type")): {"url": body.get("url")}}
            for part in Parts(kinds, Path(folder))(told, "what was chosen"):
                own = media.modality(part.kind) if not isinstance(part, str) else None
                points = own.points(part) if own is not None and own.points is not None and not isinstance(part, str) else None
                if points is not None:
                    return asdict(packed_cloud(points, POINTS))
        raise Refused(400, "the file has no points that could be drawn")


def places_in(adapter: Adapter, text: str, size: tuple[int, int] | None) -> list[list[Any]]:
    """Label and numbers of every box or point in an answer about a picture of `size` (width, height), or (None) about a cloud."""
    text = text[:LONGEST]
    if size is None:
        found = read_boxes(text, None, 6) or []
    else:
        frame = Frame(spoken_by(adapter), size, size)
        found = read_boxes(text, None, 4, frame) or read_points(text, None, frame) or []
    several = len(found) > 1  # nobody says which classes there may be: they are told apart by their order in the text
    numbered = enumerate(found[:MOST], 1)
    return [[clean(one.label or (str(place) if several else ""), 60), list(one.numbers)] for place, one in numbered]


def page(names: list[str]) -> str:
    """The page; the models' names stand in it as escaped data."""
    from lamm_bench.show.report.text import esc

    styles = "".join(f'<link rel="stylesheet" href="/page/{name}">' for name in FILES if name.endswith(".css"))
    scripts = "".join(f'<script src="/page/{name}"></script>' for name in FILES if name.endswith(".js"))
    clouds = [one for one in media.modalities().values() if one.points is not None]
    kind = f"{clouds[0].name}_url" if clouds else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>lamm-bench demo</title>{styles}</head>\n"
        f'<body data-models="{esc(json.dumps(names), 10_000)}" data-cloud="{esc(kind)}"><div id="page"></div>{scripts}</body></html>\n'
    )


__all__ = ["Demo", "places_in"]
