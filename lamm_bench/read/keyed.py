"""Places whose numbers carry names: `x1`, `ymin`, `left`, `width`, `center`, `size`, `min` ... in JSON, in brackets and in prose.

A name says more than an order does: `{"ymin": 0.2, "xmin": 0.1, ...}` is read by its names. That is reading, not guessing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .wrappers import KEY

LARGEST = 1e12  # a number beyond it is no place in any image or room: it is kept there, misses, and overflows nowhere
LABELS = ("label", "class", "name", "category", "object", "classname", "labelname", "objectname", "type", "objecttype", "title", "entity", "item", "phrase", "keypoint", "joint", "text", "description")  # fmt: skip
PLACES = ("bbox2d", "bbox3d", "box2d", "box3d", "bbox", "box", "boundingbox", "point2d", "point3d", "point", "coordinates", "coordinate", "coords", "position", "location", "rect", "rectangle", "region", "xyxy", "bndbox", "points", "boxes", "bboxes", "boundingboxes", "center", "centre")  # fmt: skip
UNSAID = frozenset({"score", "confidence", "conf", "probability", "id", "index", "size2d", "imagesize", "imagewidth", "imageheight", "visibility", "visible", "area", "count", "reasoning", "thought", "rotation", "yaw"})  # fmt: skip

# each set of names and how its numbers make the corners x1, y1, x2, y2
CORNERS: tuple[tuple[str, str, str, str], ...] = (
    ("x1", "y1", "x2", "y2"), ("x0", "y0", "x1", "y1"), ("xmin", "ymin", "xmax", "ymax"), ("minx", "miny", "maxx", "maxy"), ("left", "top", "right", "bottom"),
    ("xstart", "ystart", "xend", "yend"), ("xleft", "ytop", "xright", "ybottom"), ("l", "t", "r", "b"),
)  # fmt: skip
SIZED = (("x", "y", "width", "height"), ("x", "y", "w", "h"), ("left", "top", "width", "height"), ("xmin", "ymin", "width", "height"), ("x1", "y1", "width", "height"), ("x1", "y1", "w", "h"))  # fmt: skip
CENTRED = (
    ("cx", "cy", "w", "h"),
    ("cx", "cy", "width", "height"),
    ("xcenter", "ycenter", "width", "height"),
    ("centerx", "centery", "width", "height"),
)
CENTRES = (("cx", "cy", "cz"), ("x", "y", "z"), ("xcenter", "ycenter", "zcenter"), ("centerx", "centery", "centerz"))
EXTENTS = (("l", "w", "h"), ("length", "width", "height"), ("dx", "dy", "dz"), ("sx", "sy", "sz"), ("sizex", "sizey", "sizez"), ("xsize", "ysize", "zsize"), ("w", "l", "h"), ("w", "h", "d"), ("width", "height", "depth"), ("width", "depth", "height"))  # fmt: skip
ENDS = (
    ("xmin", "ymin", "zmin", "xmax", "ymax", "zmax"),
    ("minx", "miny", "minz", "maxx", "maxy", "maxz"),
    ("x1", "y1", "z1", "x2", "y2", "z2"),
)
MIDDLE = ("center", "centre", "centroid", "position", "location", "boxcenter", "bboxcenter", "origin", "translation")
EXTENT = ("size", "dimensions", "dimension", "extent", "extents", "scale", "lwh", "dims", "whl", "sizes")
LOW, HIGH = ("min", "mincorner", "lower", "minimum", "cornermin", "minbound", "start", "topleft", "upperleft", "p1", "from"), ("max", "maxcorner", "upper", "maximum", "cornermax", "maxbound", "end", "bottomright", "lowerright", "p2", "to")  # fmt: skip


class Named(tuple[float, ...]):
    """Numbers of a place whose names said which is which: x first, whatever order a convention has for those without names."""

    __slots__ = ()


def clamped(value: float) -> float:
    """A number that no sum or product of places can overflow.

    >>> clamped(0.5), clamped(-1e308), clamped(float("inf"))
    (0.5, -1000000000000.0, 1000000000000.0)
    """
    return max(-LARGEST, min(LARGEST, value))


def by_names(named: Mapping[str, float], size: int) -> tuple[float, ...] | None:
    """The place that these names and numbers make: 4 corners, 6 of centre and extents, 2 of a point; None when they make none.

    >>> by_names({"ymin": 0.2, "xmin": 0.1, "ymax": 0.6, "xmax": 0.5}, 4), by_names({"x": 0.1, "y": 0.2, "w": 0.4, "h": 0.5}, 4)
    ((0.1, 0.2, 0.5, 0.6), (0.1, 0.2, 0.5, 0.7))
    >>> by_names({"cx": 1, "cy": 2, "cz": 3, "l": 4, "w": 5, "h": 6}, 6), by_names({"x": 1, "y": 2}, 2), by_names({"x": 1}, 2)
    ((1, 2, 3, 4, 5, 6), (1, 2), None)
    """
    if size == 6:
        return in_room(named)
    if size == 4:
        for names in CORNERS:
            if all(name in named for name in names):
                return Named(named[name] for name in names)
        for names in SIZED:
            if all(name in named for name in names):
                x, y, width, height = (named[name] for name in names)
                return Named((x, y, tenth(x + width), tenth(y + height)))
        for names in CENTRED:
            if all(name in named for name in names):
                x, y, width, height = (named[name] for name in names)
                return Named((tenth(x - width / 2), tenth(y - height / 2), tenth(x + width / 2), tenth(y + height / 2)))
        return None
    box = by_names(named, 4)
    if box is not None:
        return Named((tenth((box[0] + box[2]) / 2), tenth((box[1] + box[3]) / 2)))
    for x_name, y_name in (("x", "y"), ("cx", "cy"), ("x1", "y1")):
        if x_name in named and y_name in named:
            return Named((named[x_name], named[y_name]))
    return None


def in_room(named: Mapping[str, float]) -> tuple[float, ...] | None:
    """Centre and extents from six names."""
    for names in ENDS:
        if all(name in named for name in names):
            return from_ends([named[name] for name in names[:3]], [named[name] for name in names[3:]])
    for middle in CENTRES:
        for extent in EXTENTS:
            names = (*middle, *extent)
            if all(name in named for name in names):
                # of a room's box the second and third name may be said the other way round; the axes are x, y, z
                return tuple(named[name] for name in names)
    return None


def from_ends(low: Sequence[float], high: Sequence[float]) -> tuple[float, ...]:
    """Centre and extents of a box between two corners.

    >>> from_ends([0, 0, 0], [2, 1, 4])
    (1.0, 0.5, 2.0, 2, 1, 4)
    """
    return (*(tenth((a + b) / 2) for a, b in zip(low, high)), *(tenth(b - a) for a, b in zip(low, high)))


def tenth(value: float) -> float:
    """A number without the last digits that adding fractions leaves (0.1 + 0.2 is 0.3)."""
    return round(value, 12)


def key_of(name: str) -> str:
    """A key without case and marks.

    >>> key_of("x_min"), key_of("Bounding Box")
    ('xmin', 'boundingbox')
    """
    return KEY.sub("", name.casefold())


Found = tuple[str | None, tuple[float, ...]]  # what is said of the class, and the numbers in their order


def places_in(value: Any, size: int, said: str | None = None, depth: int = 0) -> Iterator[Found]:
    """The places of a JSON value, each with the text of its class; `size` as in `by_names`.

    >>> list(places_in([{"bbox": [0, 0, 1, 1], "label": "cat"}, {"dog": [[0, 0, 2, 2]]}], 4))
    [('cat', (0.0, 0.0, 1.0, 1.0)), ('dog', (0.0, 0.0, 2.0, 2.0))]
    >>> list(places_in({"label": "bed", "center": [1, 2, 3], "size": [4, 5, 6]}, 6))
    [('bed', (1.0, 2.0, 3.0, 4.0, 5.0, 6.0))]
    """
    if depth > 20:
        return
    if isinstance(value, dict):
        yield from of_object(value, size, said, depth)
    elif isinstance(value, list):
        numbers = numeric(value)
        if numbers is not None:
            yield from ((said, place) for place in of_numbers(numbers, size))
            return
        pair = [numeric(entry) for entry in value]
        if len(value) == 2 and size > 2 and all(part is not None and len(part) == size // 2 for part in pair):
            yield said, (*pair[0], *pair[1])  # type: ignore[misc]
            return
        texts = [entry for entry in value if isinstance(entry, str)]
        rest = [entry for entry in value if not isinstance(entry, str)]
        if len(texts) == 1 and (numbers := numeric(rest)) is not None:  # ["cat", 0.1, 0.2, 0.5, 0.6]
            yield from ((texts[0], place) for place in of_numbers(numbers, size))
            return
        for entry in value:
            yield from places_in(entry, size, texts[0] if len(texts) == 1 else said, depth + 1)


def of_object(data: Mapping[str, Any], size: int, said: str | None, depth: int) -> Iterator[Found]:
    """The places of one JSON object: by its names, under a key of a place, or under the name of a class."""
    named = {key_of(key): value for key, value in data.items()}
    label = next((named[key] for key in LABELS if isinstance(named.get(key), str)), said)
    plain = {key: numbers[0] for key, value in named.items() if (numbers := numeric([value])) is not None}
    place = by_names(plain, size) or of_parts(named, size)
    if place is not None:
        yield label, type(place)(clamped(x) for x in place)
        return
    names = next(
        (
            value
            for key, value in named.items()
            if key in ("labels", "classes", "names", "categories") and isinstance(value, list)
        ),
        None,
    )
    for key in PLACES:
        inside = named.get(key)
        if inside is None:
            continue
        if isinstance(names, list) and isinstance(inside, list) and len(names) == len(inside):
            for name, entry in zip(names, inside):
                yield from places_in(entry, size, name if isinstance(name, str) else None, depth + 1)
        else:
            yield from places_in(inside, size, label, depth + 1)
        return
    for key, inside in data.items():
        if key_of(key) not in UNSAID and isinstance(inside, dict | list):
            generic = key_of(key) in (
                "objects",
                "detections",
                "results",
                "annotations",
                "items",
                "predictions",
                "answer",
                "data",
                "instances",
                "entities",
                "output",
            )
            yield from places_in(inside, size, label if generic or label is not None else key, depth + 1)


def of_parts(named: Mapping[str, Any], size: int) -> tuple[float, ...] | None:
    """A place of two lists under names: centre and size, lower and upper corner."""
    if size < 4:
        return None
    parts = {key: numeric(list(value.values()) if isinstance(value, dict) else value) for key, value in named.items()}
    half = size // 2

    def under(keys: Sequence[str]) -> list[float] | None:
        return next((numbers for key in keys if (numbers := parts.get(key)) is not None and len(numbers) == half), None)

    low, high, middle, extent = under(LOW), under(HIGH), under(MIDDLE), under(EXTENT)
    if low and high:
        return (*low, *high) if size == 4 else from_ends(low, high)
    if middle and extent:
        return (*middle, *extent) if size == 6 else by_names(dict(zip(("cx", "cy", "w", "h"), (*middle, *extent))), 4)
    return None


def numeric(value: Any) -> list[float] | None:
    """A list of finite numbers within bounds; None for anything else.

    >>> numeric([1, 2.5]), numeric([10**400]), numeric([float("nan")]), numeric(["a"]), numeric([])
    ([1.0, 2.5], [1000000000000.0], None, None, None)
    """
    if not isinstance(value, list) or not value:
        return None
    if not all(
        isinstance(x, int | float) and not isinstance(x, bool) and (isinstance(x, int) or math.isfinite(x)) for x in value
    ):
        return None
    return [float(max(-LARGEST, min(LARGEST, x))) for x in value]


def of_numbers(numbers: Sequence[float], size: int) -> list[tuple[float, ...]]:
    """The places that a plain list of numbers holds; a confidence or a rotation behind one place is dropped."""
    if size == 2:
        if len(numbers) in (4, 5):
            return [(tenth((numbers[0] + numbers[2]) / 2), tenth((numbers[1] + numbers[3]) / 2))]
        if len(numbers) == 3:  # a visibility flag
            return [(numbers[0], numbers[1])]
        return [(numbers[at], numbers[at + 1]) for at in range(0, len(numbers), 2)] if len(numbers) % 2 == 0 else []
    if len(numbers) % size == 0:
        return [tuple(numbers[at : at + size]) for at in range(0, len(numbers), size)]
    return [tuple(numbers[:size])] if size < len(numbers) < 2 * size else []


NAME = re.compile(
    r"(?P<name>[xyz][ _]?(?:min|max|start|end|[012]|cent(?:er|re))|(?:min|max)[ _]?[xyz]|c[xyz]|d[xyz]|[xyzwlhd]|left|right|top|bottom|width|height|length|depth)\b[\s\"'`*]{0,3}(?:=|:|is|of|at|from|≈|~)?[\s\"'`(]{0,3}$",
    re.I,
)


def name_before(text: str, start: int, floor: int) -> str | None:
    """The name that stands right before a number, such as `x1` in "x1 = 0.2".

    >>> name_before("x_min: 0.2", 7, 0), name_before("top 0.2", 4, 0), name_before("the 0.2", 4, 0)
    ('xmin', 'top', None)
    """
    match = NAME.search(text, max(floor, start - 18), start)
    return key_of(match["name"]) if match and (match.start() == 0 or not text[match.start() - 1].isalnum()) else None
