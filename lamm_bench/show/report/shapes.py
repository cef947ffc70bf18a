"""Boxes and points to be drawn: found in what a scorer has read and in a sample's target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamm_bench.read.places import Place

MOST = 200  # shapes drawn of one sample


@dataclass(frozen=True)
class Shape:
    """A point (x, y) or box (x1, y1, x2, y2) in fractions of the image, or a room's box (centre and extents in metres)."""

    label: str
    numbers: tuple[float, ...]


def shapes_of(prediction: Any, label: str = "") -> tuple[Shape, ...]:
    """Every place in what a scorer read: places, objects with a `bbox`, bare runs of two, four or six numbers.

    >>> shapes_of({"neck": [Place(None, (0.5, 0.2))]})
    (Shape(label='neck', numbers=(0.5, 0.2)),)
    >>> shapes_of([0.1, 0.2, 0.3, 0.4]), shapes_of("cat"), shapes_of(7), shapes_of(None)
    ((Shape(label='', numbers=(0.1, 0.2, 0.3, 0.4)),), (), (), ())
    """
    if isinstance(prediction, Place):
        return one(prediction.label or label, prediction.numbers)
    if isinstance(prediction, Mapping):
        if "bbox" in prediction:
            return one(str(prediction.get("label") or label), prediction["bbox"])
        return tuple(shape for name, value in prediction.items() for shape in shapes_of(value, str(name)))[:MOST]
    if isinstance(prediction, Sequence) and not isinstance(prediction, str | bytes):
        if prediction and all(is_number(value) for value in prediction):
            return one(label, prediction)
        return tuple(shape for value in prediction for shape in shapes_of(value, label))[:MOST]
    return ()


def one(label: str, numbers: Any) -> tuple[Shape, ...]:
    if not isinstance(numbers, Sequence) or len(numbers) not in (2, 4, 6) or not all(is_number(x) for x in numbers):
        return ()
    return (Shape(label, tuple(float(x) for x in numbers)),)


def true_shapes(target: Any) -> tuple[Shape, ...]:
    """The boxes of a target that is a list of objects with `bbox`; of another target the oracle's answer tells more."""
    if isinstance(target, Sequence) and target and all(isinstance(entry, Mapping) and "bbox" in entry for entry in target):
        return shapes_of(target)
    return ()


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
