"""What readers share: numbers that are numbers, boxes in pixels as fractions, files within their folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import id_text, load_json, shorten
from lamm_bench.task import is_numbers

from . import Reject

EDGE = 1.0  # pixels by which a box may reach over: annotators draw to the last pixel's far edge
LARGEST = 10**9  # pixels of a side that a picture could have
DIGITS = 4  # of fractions: a pixel of a picture of 10,000


def fraction_box(box: Any, size: tuple[int, int]) -> tuple[float, ...] | str:
    """A box x1, y1, x2, y2 in pixels as fractions of the picture; a sentence where it is none, or lies outside."""
    if not is_numbers(list(box), 4):
        return f"the box {shorten(list(box))} is not four numbers"
    width, height = size
    x1, y1, x2, y2 = box
    if x1 >= x2 or y1 >= y2:
        return f"the box {shorten(list(box))} has no area"
    if x1 < -EDGE or y1 < -EDGE or x2 > width + EDGE or y2 > height + EDGE:
        return f"the box {shorten(list(box))} reaches outside the picture of {width} x {height} pixels"
    shares = (x1 / width, y1 / height, x2 / width, y2 / height)
    found = tuple(round(min(1.0, max(0.0, each)), DIGITS) for each in shares)
    return found if found[0] < found[2] and found[1] < found[3] else f"the box {shorten(list(box))} has no area"


def fraction_point(point: Any, size: tuple[int, int]) -> tuple[float, float] | str:
    """A point x, y in pixels as fractions; a sentence where it is none, or lies outside."""
    if not is_numbers(list(point), 2, least=2):
        return f"the point {shorten(list(point))} is not two numbers"
    x, y = float(point[0]), float(point[1])
    if not (-EDGE <= x <= size[0] + EDGE and -EDGE <= y <= size[1] + EDGE):
        return f"the point {shorten(list(point)[:2])} lies outside the picture of {size[0]} x {size[1]} pixels"
    return round(min(1.0, max(0.0, x / size[0])), DIGITS), round(min(1.0, max(0.0, y / size[1])), DIGITS)


def size_in(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """Width and height of an entry that tells them as whole numbers above 0."""
    width, height = entry.get("width"), entry.get("height")
    sound = all(isinstance(side, int) and not isinstance(side, bool) and 0 < side < LARGEST for side in (width, height))
    return (int(width), int(height)) if sound else None  # type: ignore[arg-type]


def name_in(value: Any) -> str:
    """A label without blanks around it; empty for what is none."""
    return " ".join(value.split()) if isinstance(value, str) else ""


def within(relative: Any) -> str | None:
    """A path that stays in its folder, without a leading `./`; None for any other."""
    if not isinstance(relative, str):
        return None
    path = relative.removeprefix("./")
    bad = not path or path.startswith(("/", "\\")) or "\\" in path or "\0" in path or path[1:2] == ":"
    return None if bad or ".." in Path(path).parts else path


def id_in(entry: Mapping[str, Any], key: str) -> str:
    """An id as a text, so that `"7"` is 7; empty for what is none.

    >>> id_in({"id": 7}, "id"), id_in({"id": "7"}, "id"), id_in({"id": [7]}, "id"), id_in({}, "id")
    ('7', '7', '', '')
    """
    return id_text(entry.get(key)) or ""


def parts(entry: Mapping[str, Any], key: str, where: str, reject: Reject) -> list[dict[str, Any]]:
    """The objects in a list of an entry; what else stands there is told, and left out."""
    value = entry.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        reject(where, "form", f"its {key} is {shorten(value)}, expected a list of objects")
        return []
    for one in value:
        if not isinstance(one, dict):
            reject(where, "form", f"among its {key} is {shorten(one)}, expected an object")
    return [one for one in value if isinstance(one, dict)]


def objects(path: Path, value: Any, what: str) -> Iterable[dict[str, Any]]:
    """A list of objects. Raises `BenchError` that says where it is none."""
    if not isinstance(value, list):
        raise BenchError(f"{path}: {what} is {type(value).__name__}, expected a list of objects")
    for index, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise BenchError(f"{path}: {what}, entry {index} is {shorten(entry)}, expected an object")
        yield entry


def mapping(path: Path) -> dict[str, Any]:
    """A file that holds one object."""
    data = load_json(path)
    if not isinstance(data, dict):
        raise BenchError(f"{path} holds {type(data).__name__}, expected an object")
    return data
