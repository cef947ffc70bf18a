"""Places as a model of a convention would write them: the other way of reading, for oracles and tests."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from .conventions import Convention, Frame
from .marks import SIDE
from .places import Place


def render(places: Sequence[Place], frame: Frame) -> str:
    """Places in fractions of the original picture, boxes of 4 numbers or points of 2, in the words of the frame's convention.

    >>> from .conventions import known
    >>> dog = [Place("dog", (0.12, 0.34, 0.56, 0.91))]
    >>> render(dog, Frame(known()["paligemma"])), render(dog, Frame(known()["kosmos-2"]))
    ('<loc0348><loc0123><loc0932><loc0573> dog', '<phrase>dog</phrase><object><patch_index_0323><patch_index_0945></object>')
    >>> render([Place("dog", (0.34, 0.625))], Frame(known()["molmo"])), render([Place(None, (0.34, 0.625))], Frame(known()["fractions"]))
    ('<point x="34.0" y="62.5" alt="dog">dog</point>', '[0.34, 0.625]')
    """
    own = frame.convention
    return own.around.format(all=own.between.join(written(place, frame) for place in places))


def written(place: Place, frame: Frame) -> str:
    """One place."""
    own, label = frame.convention, place.label or ""
    if len(place.numbers) == 2 and (own.point or own.box == Convention("").box):
        x, y = (text_of(number, own) for number in frame.numbers(place.numbers))
        return (own.point or "{label} [{x}, {y}]").format(label=label, x=x, y=y).strip()
    box = place.numbers if len(place.numbers) == 4 else (*place.numbers, *place.numbers)
    if own.cells:
        return own.box.format(label=label, **corners(box)).strip()
    numbers = frame.numbers(box)
    return own.box.format(
        label=label, **{key: text_of(number, own) for key, number in zip(("x1", "y1", "x2", "y2"), numbers)}
    ).strip()


def text_of(number: float, own: Convention) -> str:
    """A number as it is written: whole ones within the range, others with at most so many decimals.

    >>> text_of(348.16, Convention("", digits=4, scale=1024, last=1023)), text_of(1024.0, Convention("", digits=4, scale=1024, last=1023))
    ('0348', '1023')
    >>> text_of(62.5, Convention("", scale=100, decimals=1)), text_of(0.5, Convention("", decimals=4))
    ('62.5', '0.5')
    """
    if own.digits or own.decimals == 0:
        nearest = math.floor(number + 0.5)
        held = max(0, nearest if own.pixels else min(nearest, int(own.highest)))
        return f"{held:0{own.digits}d}" if own.digits else str(held)
    text = f"{number:.{own.decimals}f}"
    return text if own.scale == 100 else text.rstrip("0").ljust(text.index(".") + 2, "0")


def corners(box: Sequence[float]) -> Mapping[str, str]:
    """The two cells of a box (transformers, processing_kosmos2.py: coordinate_to_patch_index)."""
    cell = [min(SIDE - 1, max(0, math.floor(value * SIDE))) for value in box[:2]]
    last = [min(SIDE - 1, max(low, math.ceil(value * SIDE - 1))) for value, low in zip(box[2:], cell)]
    return {"first": f"{cell[1] * SIDE + cell[0]:04d}", "last": f"{last[1] * SIDE + last[0]:04d}"}


PLACE = re.compile(r"([^\[\];]*)\[([^\]]*)\]")


def places_of(truth: str) -> list[Place]:
    """The places of a true answer, as tasks write them: `name [numbers]; name [numbers]`.

    >>> places_of("dog [0.1, 0.2, 0.3, 0.4]; [0.5, 0.6]")
    [Place(label='dog', numbers=(0.1, 0.2, 0.3, 0.4)), Place(label=None, numbers=(0.5, 0.6))]
    """
    return [Place(name.strip() or None, tuple(map(float, numbers.split(",")))) for name, numbers in PLACE.findall(truth)]
