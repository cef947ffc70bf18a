"""Composing a scene: which objects, how large, where, in which colour."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PIL import Image

from .grounds import GROUNDS, backdrop
from .objects import VOC, pose, word
from .paint import brightness
from .shapes import COLOURS, Box, edge_for, finish, paint, shade


@dataclass(frozen=True)
class Thing:
    """One object of a scene."""

    name: str  # the drawing; VOC2012's label where VOC has it
    colour: str
    box: Box  # x1, y1, x2, y2, normalised to 0-1, tight

    @property
    def centre(self) -> tuple[float, float]:
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2

    @property
    def area(self) -> float:
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    @property
    def phrase(self) -> str:
        """The thing and its colour, with an article; of people and plants only the shirt and the pot have it."""
        coloured = ("an " if self.colour[0] in "aeiou" else "a ") + self.colour
        own = {"person": f"a person in {self.colour}", "pottedplant": f"a plant in {coloured} pot"}
        return own.get(self.name, f"{coloured} {word(self.name)}")

    @property
    def place(self) -> str:
        """Where it stands, in words: thirds of the picture."""
        x, y = self.centre
        side = "left" if x < 0.37 else "right" if x > 0.63 else ""
        height = "top" if y < 0.37 else "bottom" if y > 0.63 else ""
        if height:
            return f"at the {height} {side}".rstrip()
        return f"on the {side}" if side else "in the middle"


@dataclass(frozen=True)
class Scene:
    """What a picture shows; things stand in reading order (left edge, then top edge)."""

    ground: str
    things: tuple[Thing, ...]


def overlap(a: Box, b: Box) -> float:
    """Shared area as a share of the smaller box."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return max(w, 0.0) * max(h, 0.0) / smaller


def draw_scene(rng: Random, names: list[str], width: int, height: int, sizes: tuple[float, float]) -> tuple[Image.Image, Scene]:
    """Paints `names` at free places; a thing that finds none is left out. `sizes`: the longer side, as a share of the
    picture's shorter one."""
    ground = rng.choice(tuple(GROUNDS))
    image = backdrop(rng, ground, width, height)
    behind = brightness(GROUNDS[ground][1])
    things: list[Thing] = []
    for name in names:
        sketch, colour = pose(name, rng), rng.choice(tuple(COLOURS))
        aspect = sketch.aspect() * rng.uniform(0.88, 1.14)
        for attempt in range(24):
            longer = rng.uniform(*sizes) * min(width, height) * (1.0 - attempt * 0.015)
            w, h = (longer, longer / aspect) if aspect > 1 else (longer * aspect, longer)
            x, y = rng.uniform(1, width - w - 1), rng.uniform(1, height - h - 1)
            box = (x / width, y / height, (x + w) / width, (y + h) / height)
            if all(overlap(box, other.box) < 0.06 for other in things):
                main = shade(colour, rng)
                paint(image, sketch, (x, y, x + w, y + h), main, edge_for(main, behind, rng))
                things.append(Thing(name, colour, (round(box[0], 4), round(box[1], 4), round(box[2], 4), round(box[3], 4))))
                break
    things.sort(key=lambda thing: (round(thing.box[0], 2), round(thing.box[1], 2)))
    return finish(image, rng), Scene(ground, tuple(things))


def compose(rng: Random) -> tuple[Image.Image, Scene]:
    """A scene of one to four VOC objects; now and then two of a kind."""
    count = rng.choice((1, 1, 1, 2, 2, 2, 3, 3, 4))
    names: list[str] = []
    for _ in range(count):
        names.append(rng.choice(names) if names and rng.random() < 0.15 else rng.choice(VOC))
    width = rng.randint(104, 156)
    height = round(width * rng.uniform(0.72, 1.05))
    sizes = {1: (0.45, 0.9), 2: (0.36, 0.68), 3: (0.34, 0.56), 4: (0.3, 0.5)}[count]
    return draw_scene(rng, names, width, height, sizes)
