"""ChEF's hexagon: six desiderata, from 0 in the middle to 100 at the corners; ours large, the published ones small beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, pi, sin

from lamm_bench.desiderata.legs import NAMES

from .drawing import Drawing, Point

LABELS = ("Calibration", "In-context learning", "Instruction following", "Language performance", "Hallucination", "Robustness")
OURS = ("#0b6fa4", "#c8502d", "#3f8f3a", "#7a4fa3")
GRID, TEXT, OTHERS = "#d6d6d6", "#222222", "#6f6f6f"
LARGE, SMALL = 150.0, 50.0  # radii
COLUMNS = 3

Values = Mapping[str, float | None]


def corner(centre: Point, radius: float, number: int) -> Point:
    """Of a hexagon that stands on a corner, clockwise from the top."""
    angle = -pi / 2 + number * pi / 3
    return centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)


def hexagon(ours: Sequence[tuple[str, Values]], published: Sequence[tuple[str, Values]] = ()) -> Drawing:
    """The drawing. Values above 100 or below 0 lie on the edge or in the middle; one that is not there leaves its corner out."""
    rows = -(-len(published) // COLUMNS)
    width = 520 + (COLUMNS * 150 + 20 if published else 0)
    legend = 440 + 16 * len(ours)
    height = max(legend + 20 * len(ours) + 10, rows * 150 + 70 if published else 0)
    told = "; ".join(f"{name}: " + ", ".join(f"{key} {number(values.get(key))}" for key in NAMES) for name, values in ours)
    drawing = Drawing(width, height, f"Desiderata, 0 to 100. {told}")
    centre = (260.0, 240.0)
    web(drawing, centre, LARGE, rings=(25, 50, 75, 100), numbers=True)
    for place, (_, values) in enumerate(ours):
        shape(drawing, centre, LARGE, values, OURS[place % len(OURS)], dots=True)
    spoke_labels(drawing, centre, ours)
    for place, (name, _) in enumerate(ours):
        y = legend + 20 * place
        drawing.dot((190, y), 6, OURS[place % len(OURS)])
        drawing.words((204, y), name, size=14, bold=True)
    if published:
        drawing.words((540, 24), "As published with ChEF (other data: not to be ranked with ours)", size=12, fill=OTHERS)
    for place, (name, values) in enumerate(published):
        at = (600.0 + place % COLUMNS * 150, 105.0 + place // COLUMNS * 150)
        web(drawing, at, SMALL, rings=(50, 100))
        shape(drawing, at, SMALL, values, OTHERS)
        for number_, (_, own) in enumerate(ours):
            outline(drawing, at, SMALL, own, OURS[number_ % len(OURS)])
        drawing.words((at[0], at[1] + SMALL + 16), name, size=11, anchor="middle")
    return drawing


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def web(drawing: Drawing, centre: Point, radius: float, rings: Sequence[int], numbers: bool = False) -> None:
    """Rings and spokes."""
    for ring in rings:
        drawing.area([corner(centre, radius * ring / 100, n) for n in range(6)], line=GRID, width=1.0)
    for n in range(6):
        drawing.line([centre, corner(centre, radius, n)], GRID)
    for ring in rings if numbers else ():
        x, y = corner(centre, radius * ring / 100, 0)
        drawing.words((x + 4, y + 7), str(ring), size=9, fill=OTHERS)


def places(centre: Point, radius: float, values: Values) -> list[Point]:
    """Of the values that are there."""
    found = []
    for n, name in enumerate(NAMES):
        value = values.get(name)
        if value is not None:
            found.append(corner(centre, radius * min(max(value, 0.0), 100.0) / 100, n))
    return found


def shape(drawing: Drawing, centre: Point, radius: float, values: Values, colour: str, dots: bool = False) -> None:
    points = places(centre, radius, values)
    if len(points) > 2:
        drawing.area(points, fill=colour, opacity=0.22, line=colour, width=2.0 if dots else 1.2)
    elif len(points) == 2:
        drawing.line(points, colour, 2.0)
    for point in points if dots else ():
        drawing.dot(point, 4.0, colour)


def outline(drawing: Drawing, centre: Point, radius: float, values: Values, colour: str) -> None:
    points = places(centre, radius, values)
    if len(points) > 1:
        drawing.line([*points, points[0]], colour, 1.0)


def spoke_labels(drawing: Drawing, centre: Point, ours: Sequence[tuple[str, Values]]) -> None:
    """The name of each corner and below it every model's value."""
    for n, (name, label) in enumerate(zip(NAMES, LABELS)):
        x, y = corner(centre, LARGE + 18, n)
        anchor = "middle" if n % 3 == 0 else "start" if n < 3 else "end"
        lines = 1 + len(ours)
        top = y - 16 * (lines - 1) if n == 0 else y - 8 * (lines - 1) if n != 3 else y + 4
        drawing.words((x, top), label, size=13, anchor=anchor, fill=TEXT)
        for place, (_, values) in enumerate(ours):
            told = number(values.get(name))
            drawing.words((x, top + 16 * (place + 1)), told, size=13, anchor=anchor, fill=OURS[place % len(OURS)], bold=True)
