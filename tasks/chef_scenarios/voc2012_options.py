"""What VOC2012's likelihoods decide among in ChEF: classes with an article, and boxes in one of three forms (reference 1.5.4, 9.3).

A picture is asked about once for each of its classes, then once for each of its boxes; the options of both are drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal

from lamm_bench.tasks.upstream_boxes import iou2d
from lamm_bench.types import Turn

Form = Literal["default", "shikra", "kosmos"]
Box = Sequence[float]
OTHERS = 3  # wrong options beside the right one
VARIANTS = 3  # of each box of the picture
GRID = 32  # patches along a side, by which Kosmos-2 says places

# spoken with a consonant though written with a vowel, and the reverse; the words of pictures, after inflect's rules
AS_CONSONANT = re.compile(r"(?:eu|ewe|uni(?!n|m)|us[aeiu]|ut[ei]|ur[aeiou]|one(?:\b|-)|once)", re.I)
AS_VOWEL = re.compile(r"(?:[aeiou]|hour|heir|honou?r|honest)", re.I)


def with_article(name: str) -> str:
    """
    >>> with_article("car"), with_article("aeroplane"), with_article("unicorn"), with_article("hourglass")
    ('a car', 'an aeroplane', 'a unicorn', 'an hourglass')
    """
    return f"{'an' if AS_VOWEL.match(name) and not AS_CONSONANT.match(name) else 'a'} {name}"


def box_text(label: str, box: Box, form: Form) -> str:
    """A box as an option.

    >>> box_text("cat", (0.0321, 0.1017, 0.5, 1.0), "default"), box_text("cat", (0.0321, 0.1017, 0.5, 1.0), "shikra")
    ('[0.03, 0.1, 0.5, 1.0]', 'cat[0.032,0.102,0.500,1.000]')
    >>> box_text("cat", (0.0321, 0.1017, 0.5, 0.99), "kosmos")
    '<object><patch_index_0097><patch_index_1008></object>'
    """
    if form == "default":
        return "[" + ", ".join(str(round(value, 2)) for value in box) + "]"
    if form == "shikra":
        return f"{label}[" + ",".join(f"{value:.3f}" for value in box) + "]"
    places = (int(y * GRID) * GRID + int(x * GRID) for x, y in (box[:2], box[2:]))
    return "<object>" + "".join(f"<patch_index_{place:04}>" for place in places) + "</object>"


def by_class(objects: Sequence[Mapping[str, object]]) -> dict[str, list[Box]]:
    """The boxes of each class, first seen first."""
    found: dict[str, list[Box]] = {}
    for thing in objects:
        found.setdefault(str(thing["label"]), []).append(thing["bbox"])  # type: ignore[arg-type]
    return found


def turns_of(boxes: Mapping[str, Sequence[Box]], pool: Sequence[str], rng: Random, form: Form, own: bool = True) -> list[Turn]:
    """The turns about one picture, the right option first in each.

    As upstream draws: one list of the other classes is shuffled on from class to class; boxes are drawn about those of the class and
    then about all of the picture, the class's own once more. What fills up too few boxes may overlap the truth upstream, not in `own`."""
    others = [name for name in pool if name not in boxes]
    turns = []
    for name in boxes:
        rng.shuffle(others)
        turns.append(Turn(0, "", tuple(map(with_article, (name, *others[:OTHERS])))))
    everything = [box for several in boxes.values() for box in several]
    for name, true in boxes.items():
        candidates = [near for box in (*true, *everything) for near in variants(box, rng) if apart(near, true)]
        while len(candidates) < OTHERS:
            x, y, width, height = (rng.uniform(0, 1) for _ in range(4))
            drawn = clipped(x, y, width, height)
            if not own or apart(drawn, true):
                candidates.append(drawn)
        for box in true:
            rng.shuffle(candidates)
            turns.append(Turn(1, name, tuple(box_text(name, each, form) for each in (box, *candidates[:OTHERS]))))
    return turns


def variants(box: Box, rng: Random) -> list[Box]:
    """Boxes about a box: 0.5 to 1.5 times as large, moved by up to half of its width and height."""
    x1, y1, x2, y2 = box
    width, height, found = x2 - x1, y2 - y1, []
    for _ in range(VARIANTS):
        scale = rng.uniform(0.5, 1.5)
        x = (x1 + x2) / 2 + rng.uniform(-width / 2, width / 2)
        y = (y1 + y2) / 2 + rng.uniform(-height / 2, height / 2)
        found.append(clipped(x, y, width * scale, height * scale))
    return found


def clipped(x: float, y: float, width: float, height: float) -> Box:
    """The corners of a box about a place, cut at the picture's edges."""
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return tuple(min(1.0, max(0.0, value)) for value in corners)


def apart(box: Box, true: Sequence[Box]) -> bool:
    return all(iou2d(box, other) <= 0.5 for other in true)
