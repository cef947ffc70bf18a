"""Simple things to be counted and pointed at, among things of another kind."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from PIL import Image, ImageDraw

from .dialogue import dialogue_2d, numbers
from .drawn import Drawn, Split, Subject
from .paint import OVER, blend, brightness, jpeg
from .shapes import COLOURS, RGB, Sketch, circle, edge_for, finish, paint, shade

COUNT = "How many {} are there in this image?"
CAPTION = "Describe this image in one sentence."
POINT = "Point at each of the {} in this image as [x, y]."


def star(rng: Random) -> Sketch:
    corners = [(math.sin(math.pi * i / 5), -math.cos(math.pi * i / 5)) for i in range(10)]
    return Sketch().poly("main", *[(x * (0.42 if i % 2 else 1), y * (0.42 if i % 2 else 1)) for i, (x, y) in enumerate(corners)])


def heart(rng: Random) -> Sketch:
    turns = [2 * math.pi * i / 24 for i in range(24)]
    shape = [
        (math.sin(t) ** 3, -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16) for t in turns
    ]
    return Sketch().poly("main", *shape)


def disc(rng: Random) -> Sketch:
    return Sketch().oval("main", 0, 0, 1, 1, corners=22)


def square(rng: Random) -> Sketch:
    return Sketch().box("main", -1, -1, 1, 1)


def triangle(rng: Random) -> Sketch:
    return Sketch().poly("main", (0, -1), (1, 0.8), (-1, 0.8))


def cross(rng: Random) -> Sketch:
    return Sketch().box("main", -1, -0.32, 1, 0.32).box("main", -0.32, -1, 0.32, 1).box("main", -1, -0.32, 1, 0.32)


def moon(rng: Random) -> Sketch:
    """A crescent: the outer circle one way round, the inner one back."""
    outer = [(math.cos(a), math.sin(a)) for a in (math.radians(60 + i * 15) for i in range(17))]
    inner = [(0.38 + 0.82 * math.cos(a), 0.82 * math.sin(a)) for a in (math.radians(278 - i * 13.0) for i in range(16))]
    return Sketch().poly("main", *outer, *inner)


def ring(rng: Random) -> Sketch:
    return Sketch().ring("main", 0, 0, 1, 0.42)


def fish(rng: Random) -> Sketch:
    s = Sketch().poly("dark", (-0.45, 0), (-1.1, -0.6), (-1.1, 0.6)).oval("main", 0.15, 0, 0.85, 0.55)
    return s.oval((250, 250, 250), 0.6, -0.12, 0.16, 0.16, corners=10).oval((20, 20, 20), 0.63, -0.12, 0.08, 0.08, corners=8)


def apple(rng: Random) -> Sketch:
    s = Sketch().bar((96, 64, 40), (0, -0.5), (0.12, -1.1), 0.14).oval((80, 160, 60), 0.4, -0.9, 0.32, 0.14, -0.5)
    s.oval("main", -0.33, 0.15, 0.62, 0.75).oval("main", 0.33, 0.15, 0.62, 0.75)
    return s.oval("light", -0.45, -0.1, 0.14, 0.22, 0.4, corners=10)


def mushroom(rng: Random) -> Sketch:
    s = Sketch().poly((236, 222, 196), (-0.3, 0.1), (0.3, 0.1), (0.38, 1), (-0.38, 1))
    s.poly("main", *[p for p in circle(0, 0.2, 1, 1.05, corners=24) if p[1] < 0.26])
    return s.oval("light", -0.4, -0.25, 0.2, 0.2, corners=10).oval("light", 0.35, -0.35, 0.2, 0.2, corners=10)


def flower(rng: Random) -> Sketch:
    s = Sketch()
    for x, y, *_ in (circle(0, 0, 0.62, 0.62, corners=6)[i] for i in range(6)):
        s.oval("main", x, y, 0.38, 0.38, corners=12)
    centre: RGB = (120, 70, 30)
    return s.oval(centre, 0, 0, 0.34, 0.34, corners=12)


THINGS: dict[str, Callable[[Random], Sketch]] = {
    "stars": star,
    "hearts": heart,
    "circles": disc,
    "squares": square,
    "triangles": triangle,
    "crosses": cross,
    "moons": moon,
    "rings": ring,
    "fish": fish,
    "apples": apple,
    "mushrooms": mushroom,
    "flowers": flower,
}
SINGULAR = {"crosses": "cross", "fish": "fish"}


def ground(rng: Random, width: int, height: int) -> tuple[Image.Image, RGB]:
    """Paper of some pale or dark colour with stripes, dots or scribbles in a near tone."""
    base = blend(rng.choice(tuple(COLOURS.values())), rng.choice(((250, 250, 250), (30, 30, 40))), rng.uniform(0.72, 0.92))
    w, h = width * OVER, height * OVER
    image = Image.new("RGB", (w, h), base)
    draw, tone = ImageDraw.Draw(image), blend(base, rng.choice(((0, 0, 0), (255, 255, 255))), 0.12)
    pattern = rng.randrange(4)
    if pattern == 0:
        step, lean = rng.uniform(14, 40), rng.uniform(-60, 60)
        for i in range(int(w / step) + 3):
            draw.line([i * step, 0, i * step + lean, h], fill=tone, width=rng.randint(3, 9))
    elif pattern == 1:
        for _ in range(30):
            x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(2, 5)
            draw.ellipse([x - r, y - r, x + r, y + r], fill=tone)
    elif pattern == 2:
        for _ in range(12):
            draw.line([rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0, w), rng.uniform(0, h)], fill=tone, width=3)
    return image, base


def amount(rng: Random) -> int:
    """Three in four below ten, so that most pictures count for the locating metric (reference 1.13)."""
    return rng.randint(1, 9) if rng.random() < 0.75 else rng.randint(10, 20)


@dataclass(frozen=True)
class Group:
    """The things of one kind in a picture."""

    kind: str
    count: int
    colours: tuple[str, ...]  # each thing gets one of them

    @property
    def phrase(self) -> str:
        """
        >>> Group("hearts", 1, ("red",)).phrase, Group("fish", 3, ("red", "blue")).phrase
        ('1 red heart', '3 fish')
        """
        noun = self.kind if self.count > 1 else SINGULAR.get(self.kind, self.kind.removesuffix("s"))
        return " ".join((str(self.count), *(self.colours if len(self.colours) == 1 else ()), noun))


def scatter(image: Image.Image, base: RGB, groups: Sequence[Group], rng: Random) -> list[tuple[float, float]]:
    """Paints the groups into cells of a grid, each thing anywhere in its cell; the centres of the first group, in pixels of
    the finished picture, from left to right."""
    width, height = image.width // OVER, image.height // OVER
    total = sum(group.count for group in groups)
    columns = max(3, math.ceil(math.sqrt(total * width / height)))
    rows = max(2, math.ceil(total / columns))
    wide, high = width / columns, height / rows
    cells = iter(rng.sample([(column, row) for column in range(columns) for row in range(rows)], total))
    size = min(min(wide, high) * rng.uniform(0.66, 0.86), 34.0)
    points: list[tuple[float, float]] = []
    for group in groups:
        for column, row in itertools.islice(cells, group.count):
            sketch = THINGS[group.kind](rng).turned(rng.uniform(-14, 14), flip=rng.random() < 0.5)
            longer, aspect = size * rng.uniform(0.85, 1.0), sketch.aspect()
            w, h = (longer, longer / aspect) if aspect > 1 else (longer * aspect, longer)
            x = (column + 0.5) * wide + rng.uniform(-1, 1) * max(wide - w - 1, 0) / 2
            y = (row + 0.5) * high + rng.uniform(-1, 1) * max(high - h - 1, 0) / 2
            main = shade(rng.choice(group.colours), rng)
            paint(image, sketch, (x - w / 2, y - h / 2, x + w / 2, y + h / 2), main, edge_for(main, brightness(base), rng), 1.0)
            if group is groups[0]:
                points.append((round(x, 1), round(y, 1)))
    return sorted(points)


def draw_counting(rng: Random, index: int, split: Split) -> Drawn:
    """Things to count, half of the time among things of another kind, on a patterned ground."""
    kind, other = rng.sample(tuple(THINGS), 2)
    width = rng.randint(104, 144)
    height = round(width * rng.uniform(0.8, 1.1))
    image, base = ground(rng, width, height)
    visible = tuple(name for name, colour in COLOURS.items() if math.dist(colour, base) > 90)
    mixed = rng.random() < 0.25
    groups = [Group(kind, amount(rng), visible if mixed else (rng.choice(visible),))]
    if others := rng.choice((0, 0, 0, 1, 2, 3, 5, 7)):
        groups.append(Group(other, others, visible if mixed else (rng.choice(visible),)))
    points = scatter(image, base, groups, rng)
    path = f"fsc147_images/{split}_{index:05d}.jpg"
    count: dict[str, Any] = {"image": path, "query": COUNT.format(kind), "num": len(points)}
    point: dict[str, Any] = {"image": path, "query": POINT.format(kind), "points": [list(p) for p in points]}
    items = {"Counting_FSC147": [count], "Locating_FSC147": [point]}
    spots = [numbers((x / width, y / height)) for x, y in points]
    return Drawn({path: jpeg(finish(image, rng))}, items, teach(path, groups, spots) if split == "train" else [])


def teach(path: str, groups: Sequence[Group], spots: Sequence[str]) -> list[dict[str, Any]]:
    """Counts of every kind, one sentence, and the points of what is counted."""
    kind = groups[0].kind
    talk = [
        dialogue_2d(path, "counting", [(COUNT.format(group.kind), str(group.count)) for group in groups]),
        dialogue_2d(path, "description", [(CAPTION, " and ".join(group.phrase for group in groups) + ".")]),
    ]
    return [*talk, dialogue_2d(path, "locating", [(POINT.format(kind), "; ".join(spots))])]


# more test pictures than elsewhere: a mean of errors varies more than a share of right answers
SUBJECTS = (Subject("fsc147", "2D", draw_counting, {"test": 300, "val": 100, "train": 5000}),)
