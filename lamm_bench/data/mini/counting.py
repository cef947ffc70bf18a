"""Simple things to be counted and pointed at, among things of another kind."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw

from .dialogue import dialogue_2d, numbers
from .drawn import Drawn, Split, Subject
from .paint import OVER, blend, brightness, jpeg
from .shapes import COLOURS, RGB, Sketch, circle, edge_for, finish, paint, shade

COUNT = "How many {} are there in this image?"
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


def draw_counting(rng: Random, index: int, split: Split) -> Drawn:
    kind, other = rng.sample(tuple(THINGS), 2)
    count = amount(rng)
    others = rng.choice((0, 0, 1, 2, 3, 4, 5, 7))
    width = rng.randint(104, 144)
    height = round(width * rng.uniform(0.8, 1.1))
    columns = max(3, math.ceil(math.sqrt((count + others) * width / height)))
    rows = max(2, math.ceil((count + others) / columns))
    cells = rng.sample([(c, r) for c in range(columns) for r in range(rows)], count + others)
    image, base = ground(rng, width, height)
    colours = [c for c in COLOURS if distance(COLOURS[c], base) > 90]
    colour, other_colour = rng.choice(colours), rng.choice(colours)
    mixed = rng.random() < 0.25
    room = min(width / columns, height / rows)
    size = min(room * rng.uniform(0.66, 0.86), 34.0)
    points: list[tuple[float, float]] = []
    for number, (column, row) in enumerate(cells):
        wanted = number < count
        name = kind if wanted else other
        sketch = THINGS[name](rng).turned(rng.uniform(-14, 14), flip=rng.random() < 0.5)
        longer = size * rng.uniform(0.85, 1.0)
        aspect = sketch.aspect()
        w, h = (longer, longer / aspect) if aspect > 1 else (longer * aspect, longer)
        slack_x, slack_y = max(width / columns - w - 1, 0) / 2, max(height / rows - h - 1, 0) / 2
        x = (column + 0.5) * width / columns + rng.uniform(-slack_x, slack_x)
        y = (row + 0.5) * height / rows + rng.uniform(-slack_y, slack_y)
        main = shade(rng.choice(colours) if mixed else colour if wanted else other_colour, rng)
        paint(image, sketch, (x - w / 2, y - h / 2, x + w / 2, y + h / 2), main, edge_for(main, brightness(base), rng), 1.0)
        if wanted:
            points.append((round(x, 1), round(y, 1)))
    points.sort()
    path = f"fsc147_images/{split}_{index:05d}.jpg"
    items = {
        "Counting_FSC147": [{"image": path, "query": COUNT.format(kind), "num": count}],
        "Locating_FSC147": [{"image": path, "query": POINT.format(kind), "points": [list(p) for p in points]}],
    }
    if split != "train":
        return Drawn({path: jpeg(finish(image, rng))}, items)
    turns = [(COUNT.format(kind), str(count))] + ([(COUNT.format(other), str(others))] if others else [])
    told = phrase(kind, count, "" if mixed else colour)
    if others:
        told += " and " + phrase(other, others, "" if mixed else other_colour)
    talk = [
        dialogue_2d(path, "counting", turns),
        dialogue_2d(path, "description", [("Describe this image in one sentence.", told[0].upper() + told[1:] + ".")]),
    ]
    if count < 10:
        spots = "; ".join(numbers((x / width, y / height)) for x, y in points)
        talk.append(dialogue_2d(path, "locating", [(POINT.format(kind), spots)]))
    return Drawn({path: jpeg(finish(image, rng))}, items, talk)


def distance(a: RGB, b: RGB) -> float:
    """Euclidean distance of two colours in 8-bit RGB."""
    return math.dist(a, b)


def phrase(kind: str, count: int, colour: str) -> str:
    """
    >>> phrase("hearts", 1, "red"), phrase("fish", 3, "")
    ('1 red heart', '3 fish')
    """
    noun = kind if count > 1 else SINGULAR.get(kind, kind.removesuffix("s"))
    return " ".join(filter(None, (str(count), colour, noun)))


SUBJECTS = (Subject("fsc147", "2D", draw_counting, {"test": 120, "val": 100, "train": 1600}),)
