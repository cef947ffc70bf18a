"""What drawings are made of; units are SVG's pixels, y grows downward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]


@dataclass(frozen=True)
class Area:
    """A polygon, or with `closed` False a line."""

    points: tuple[Point, ...]
    fill: str = "none"  # `#rrggbb`
    opacity: float = 1.0  # of the fill
    line: str = "none"
    width: float = 1.0
    closed: bool = True


@dataclass(frozen=True)
class Dot:
    """A filled circle."""

    at: Point
    radius: float
    fill: str


@dataclass(frozen=True)
class Words:
    """A text whose middle, beginning or end stands at a point, on the height of its middle."""

    at: Point
    text: str
    size: float = 12.0
    fill: str = "#222222"
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False
