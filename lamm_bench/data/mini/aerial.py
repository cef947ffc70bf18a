"""The 21 land-use classes of UC Merced seen from straight above, as textures and layouts turned any way.

Each class has one painter; what tells it from its neighbours is said there. Colours, sizes, numbers, turn and light vary."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image

from .dialogue import dialogue_2d, wording
from .drawn import Drawn, Split, Subject
from .land import ASPHALT, CONCRETE, GRASS, SOIL, WATER, Land, crossing, road, tone
from .paint import OVER, Pose, finish, jpeg, oval, shade
from .settlements import buildings, denseresidential, mediumresidential, mobilehomepark, sparseresidential

QUESTION = ("Which kind of land is seen from above?", "What does this aerial picture show?")
DESCRIBE = ("Describe the aerial picture.", "What is in the picture?")


def agricultural(land: Land) -> None:
    """Straight parallel crop rows from edge to edge."""
    rng = land.rng
    crop, ground = tone(rng, (70, 110, 40), (130, 160, 70)), tone(rng, *SOIL)
    land.box(0, 0, 4, 4, ground)
    step = rng.uniform(0.11, 0.2)
    for y in np.arange(-1.6, 1.6, step):
        land.box(0, float(y), 4, step * rng.uniform(0.45, 0.6), shade(crop, rng.uniform(0.9, 1.1)))
    if rng.random() < 0.5:
        land.box(rng.uniform(-0.7, 0.7), 0, 0.1, 4, shade(ground, 0.9))


def airplane(land: Land) -> None:
    """One to three white aeroplanes on concrete."""
    rng = land.rng
    land.ground(tone(rng, *CONCRETE), spread=8)
    for _ in range(3):
        land.strip(np.array([land.anywhere(), land.anywhere()]), 0.03, (200, 180, 90))
    number = rng.choice((1, 1, 2, 3))
    for i in range(number):
        size = rng.uniform(0.6, 0.8) if number == 1 else rng.uniform(0.36, 0.46)
        spot = (
            (rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2))
            if number == 1
            else (-0.75 + i * 1.5 / (number - 1), rng.uniform(-0.3, 0.3))
        )
        (x, y), turn = land.pose([spot])[0], rng.uniform(-0.4, 0.4)
        for shift, colour in ((0.08, (95, 95, 98)), (0.0, tone(rng, (228, 228, 230), (252, 252, 252)))):
            move = shift * size * land.pose.scale
            place = Pose(x + move, y + move, size * land.pose.scale, land.pose.angle + turn)
            for part in plane_parts():
                land.draw.polygon(place(part), fill=colour)


def plane_parts() -> tuple[np.ndarray, ...]:
    """Fuselage, swept wings and tail of an aeroplane that heads up, from -1 to 1."""
    wings = np.array([(0, -0.25), (0.95, 0.3), (0.95, 0.45), (0, 0.2), (-0.95, 0.45), (-0.95, 0.3)])
    tail = np.array([(0, 0.65), (0.38, 0.9), (0.38, 1.0), (0, 0.9), (-0.38, 1.0), (-0.38, 0.9)])
    return oval(0, 0, 0.13, 1.0), wings, tail


def baseballdiamond(land: Land) -> None:
    """A fan of brown earth with a green square in it, on a lawn."""
    rng = land.rng
    land.ground(tone(rng, *GRASS), spread=10)
    size, earth = rng.uniform(0.9, 1.15), tone(rng, (165, 115, 75), (200, 150, 105))
    corner = np.array((rng.uniform(-0.15, 0.15), 0.75 * size))
    fan = np.concatenate(([corner], oval(corner[0], corner[1], 1.25 * size, 1.25 * size, 225, 315)))
    land.fill(fan, earth)
    inner = 0.52 * size
    square = corner + np.array([(0, -0.12), (inner, -inner - 0.1), (0, -2 * inner - 0.08), (-inner, -inner - 0.1)])
    land.fill(square, tone(rng, *GRASS))
    land.disc(float(corner[0]), float(corner[1] - inner - 0.1), 0.09, earth)
    for side in (-1, 1):
        land.strip(np.array([corner, corner + (side * 1.5 * size, -1.5 * size)]), 0.025, (240, 240, 235))
    land.disc(float(corner[0]), float(corner[1]), 0.13, earth)


def beach(land: Land) -> None:
    """Sand, a white line of foam, and the sea."""
    rng = land.rng
    land.ground(tone(rng, (205, 180, 135), (235, 215, 175)), spread=8)
    x = np.linspace(-2, 2, 30)
    shore = rng.uniform(-0.35, 0.35) + 0.1 * np.sin(x * rng.uniform(1.5, 3.5) + rng.uniform(0, 6))
    sea = tone(rng, (20, 100, 130), (70, 160, 190))
    for depth, colour in ((0.0, (238, 244, 244)), (0.1, shade(sea, 1.2)), (0.3, sea), (0.6, shade(sea, 0.8))):
        edge = np.stack((x, shore + depth), axis=1)
        land.fill(np.concatenate((edge, [(2, 3), (-2, 3)])), colour)
    for _ in range(rng.randint(0, 8)):
        land.disc(rng.uniform(-1, 1), rng.uniform(-1.0, -0.5), 0.035, tone(rng, (60, 30, 30), (240, 90, 90)))


def chaparral(land: Land) -> None:
    """Small dark bushes strewn over bare ground."""
    rng = land.rng
    land.ground(tone(rng, (185, 165, 125), (215, 195, 155)), spread=12)
    for _ in range(rng.randint(90, 130)):
        land.disc(*land.anywhere(), rng.uniform(0.025, 0.065), tone(rng, (60, 72, 38), (92, 100, 62)))


def forest(land: Land) -> None:
    """Nothing but tree crowns."""
    rng = land.rng
    land.box(0, 0, 4, 4, (20, 44, 20))
    for _ in range(100):
        land.tree(*land.anywhere(), rng.uniform(0.11, 0.22))


def freeway(land: Land) -> None:
    """Two wide carriageways of several lanes side by side, with cars."""
    rng = land.rng
    land.ground(tone(rng, *rng.choice((GRASS, SOIL))))
    asphalt, width = tone(rng, *ASPHALT), rng.uniform(0.48, 0.58)
    middle, gap = rng.uniform(-0.15, 0.15), rng.uniform(0.05, 0.14)
    for side in (-1, 1):
        road(land, middle + side * (width + gap) / 2, width, 4, rng.randint(4, 7), asphalt)


def golfcourse(land: Land) -> None:
    """Light fairways and a green between trees, with pale sand bunkers."""
    rng = land.rng
    land.ground(tone(rng, (50, 92, 40), (78, 118, 58)), spread=14)
    light = tone(rng, (120, 170, 80), (150, 195, 105))
    for _ in range(2):
        x, y = land.anywhere(0.5)
        land.fill(oval(x, y, rng.uniform(0.6, 0.9), rng.uniform(0.28, 0.42)), light)
    x, y = land.anywhere(0.5)
    land.disc(x, y, 0.26, shade(light, 1.15))
    for _ in range(rng.randint(3, 5)):
        x, y = land.anywhere(0.8)
        land.fill(oval(x, y, rng.uniform(0.12, 0.22), rng.uniform(0.08, 0.14)), tone(rng, (228, 214, 180), (248, 238, 210)))
    for _ in range(rng.randint(12, 22)):
        x, y = land.anywhere()
        if abs(x) + abs(y) > 0.7:
            land.tree(x, y, rng.uniform(0.07, 0.12))


def harbor(land: Land) -> None:
    """Rows of white boats along piers on dark water."""
    rng = land.rng
    land.ground(tone(rng, *WATER), spread=8)
    rows = rng.choice((2, 3))
    for row in range(rows):
        y = -1 + (row + 0.5) * 2 / rows
        land.box(0, y, 4, 0.09, tone(rng, *CONCRETE))
        step = rng.uniform(0.17, 0.22)
        for x in np.arange(-1.4, 1.4, step):
            for side in (-1, 1):
                if rng.random() < 0.88:
                    boat = tone(rng, (220, 222, 226), (252, 252, 252))
                    land.fill(oval(float(x), y + side * 0.21, step * 0.36, rng.uniform(0.12, 0.16), steps=12), boat)
                    land.box(float(x), y + side * 0.18, step * 0.25, 0.07, shade(boat, 0.6))


def intersection(land: Land) -> None:
    """Two streets that meet on one level, with zebra crossings round an empty middle and roofs at the corners."""
    rng = land.rng
    land.ground(tone(rng, *rng.choice((GRASS, CONCRETE))))
    width, asphalt = rng.uniform(0.42, 0.56), tone(rng, *ASPHALT)
    for sx in (-1, 1):
        for sy in (-1, 1):
            land.house(sx * 0.78, sy * 0.78, rng.uniform(0.45, 0.62))
    for box in ((4, width), (width, 4)):
        land.box(0, 0, box[0], box[1], asphalt)
    for side in (-1, 1):
        for along in np.arange(-width / 2 + 0.05, width / 2, 0.1):
            land.box(side * (width / 2 + 0.09), float(along), 0.12, 0.05, (238, 238, 238))
            land.box(float(along), side * (width / 2 + 0.09), 0.05, 0.12, (238, 238, 238))
        land.dashes((side * 0.5, 0), (side * 1.5, 0), 5, 0.025, (225, 190, 60))
        land.dashes((0, side * 0.5), (0, side * 1.5), 5, 0.025, (225, 190, 60))
    for _ in range(rng.randint(1, 4)):
        land.car(rng.choice((-1, 1)) * rng.uniform(0.55, 1.0), rng.choice((-1, 1)) * width / 4, 0.16, 0.08)


def overpass(land: Land) -> None:
    """A pale bridge with railings and a shadow that carries one freeway over another."""
    rng = land.rng
    land.ground(tone(rng, *rng.choice((GRASS, SOIL))))
    crossing(land, rng.uniform(0.55, 0.7), 4, rng.randint(3, 6))
    bridge = tone(rng, (175, 172, 166), (205, 200, 194))
    width = rng.uniform(0.44, 0.56)
    land.box(0, width / 2 + 0.07, 4, 0.16, (45, 46, 48))
    road(land, 0, width, 3, rng.randint(2, 4), bridge)
    for side in (-1, 1):
        land.box(0, side * width / 2, 4, 0.04, (240, 240, 236))


def parkinglot(land: Land) -> None:
    """Rows of parked cars, side by side, filling the lot."""
    rng = land.rng
    land.ground(tone(rng, *ASPHALT), spread=6)
    step, full = rng.uniform(0.17, 0.21), rng.uniform(0.75, 0.95)
    for y in (-1.05, -0.78, -0.15, 0.12, 0.75, 1.02):
        for x in np.arange(-1.4, 1.4, step):
            land.box(float(x) + step / 2, y, 0.015, 0.24, (230, 230, 230))
            if rng.random() < full:
                turned = Pose(*land.pose([(float(x), y)])[0], land.pose.scale, land.pose.angle + np.pi / 2)
                Land(rng, land.canvas, turned).car(0, 0, 0.2, step * 0.6)


def river(land: Land) -> None:
    """A winding band of water through trees."""
    rng = land.rng
    land.ground(tone(rng, (60, 95, 45), (110, 130, 70)))
    for _ in range(60):
        land.tree(*land.anywhere(), rng.uniform(0.06, 0.13))
    x = np.linspace(-2, 2, 40)
    bend = rng.uniform(0.2, 0.38) * np.sin(x * rng.uniform(1.8, 3.0) + rng.uniform(0, 6)) + rng.uniform(-0.2, 0.2)
    course, width = np.stack((x, bend), axis=1), rng.uniform(0.36, 0.55)
    land.strip(course, width + 0.1, tone(rng, *SOIL))
    land.strip(course, width, tone(rng, (40, 70, 70), (75, 115, 125)))


def runway(land: Land) -> None:
    """One broad, empty strip with white edge lines, centre dashes and the bars of its threshold."""
    rng = land.rng
    land.ground(tone(rng, *rng.choice((GRASS, SOIL))))
    width, y = rng.uniform(0.75, 0.95), rng.uniform(-0.15, 0.15)
    land.box(0, y, 4, width, shade(tone(rng, *ASPHALT), 0.85))
    for side in (-1, 1):
        land.box(0, y + side * width * 0.45, 4, 0.03, (245, 245, 245))
    land.dashes((-0.3, y), (1.8, y), 7, 0.05, (245, 245, 245))
    for i in range(8):
        if i not in (3, 4):
            land.box(-0.62, y + (i - 3.5) * width * 0.1, 0.4, width * 0.05, (245, 245, 245))


def storagetanks(land: Land) -> None:
    """Round white tanks with shadows."""
    rng = land.rng
    land.ground(tone(rng, *rng.choice((SOIL, CONCRETE, GRASS))))
    across = rng.choice((2, 2, 3))
    step = 2.0 / across
    for i in range(across):
        for j in range(across):
            cx, cy = -1 + step * (i + 0.5), -1 + step * (j + 0.5)
            radius, colour = step * rng.uniform(0.3, 0.42), tone(rng, (205, 205, 205), (250, 250, 250))
            land.disc(cx + radius * 0.25, cy + radius * 0.25, radius, (60, 60, 60))
            land.disc(cx, cy, radius, shade(colour, 0.8))
            land.disc(cx, cy, radius * 0.9, colour)
            land.disc(cx, cy, radius * 0.12, shade(colour, 0.6))


def tenniscourt(land: Land) -> None:
    """Courts with white lines and a net, green, blue or red, on a surround of another colour."""
    rng = land.rng
    pairs = (
        ((50, 110, 80), (150, 80, 65)),
        ((50, 90, 150), (70, 120, 80)),
        ((150, 85, 65), (60, 110, 80)),
        ((45, 120, 110), (60, 90, 70)),
    )
    court, around = rng.choice(pairs)
    land.ground(tone(rng, *GRASS))
    number = rng.choice((1, 2, 2))
    land.box(0, 0, 1.0 if number == 1 else 1.9, 1.7, shade(around, rng.uniform(0.9, 1.15)))
    for i in range(number):
        x, white = (0.0 if number == 1 else -0.46 + 0.92 * i), (245, 245, 245)
        land.box(x, 0, 0.72, 1.42, white)
        land.box(x, 0, 0.67, 1.37, court)
        for side in (-1, 1):
            land.box(x + side * 0.26, 0, 0.025, 1.4, white)
            land.box(x, side * 0.38, 0.52, 0.025, white)
        land.box(x, 0, 0.025, 0.76, white)
        land.box(x, 0, 0.8, 0.035, (30, 30, 30))


LAND: dict[str, Callable[[Land], None]] = {
    "agricultural": agricultural,
    "airplane": airplane,
    "baseballdiamond": baseballdiamond,
    "beach": beach,
    "buildings": buildings,
    "chaparral": chaparral,
    "denseresidential": denseresidential,
    "forest": forest,
    "freeway": freeway,
    "golfcourse": golfcourse,
    "harbor": harbor,
    "intersection": intersection,
    "mediumresidential": mediumresidential,
    "mobilehomepark": mobilehomepark,
    "overpass": overpass,
    "parkinglot": parkinglot,
    "river": river,
    "runway": runway,
    "sparseresidential": sparseresidential,
    "storagetanks": storagetanks,
    "tenniscourt": tenniscourt,
}
"""UC Merced's class names (reference 1.1) and their painters."""


def draw_land(rng: Random, index: int, split: Split) -> Drawn:
    """One aerial picture; the classes take turns with `index`."""
    label = list(LAND)[index % len(LAND)]
    path = f"ucmerced_images/{split}_{index:05d}.jpg"
    media = {path: paint_land(rng, label)}
    if split != "train":
        items = {"Fine-grained_Classification_UCMerced": [{"image": path, "query": QUESTION[0], "label": label}]}
        return Drawn(media, items=items)
    dialogues = [
        dialogue_2d(path, "fine_grained_classification", [(wording(rng, QUESTION), label)]),
        dialogue_2d(path, "description", [(wording(rng, DESCRIBE), f"An aerial picture of the class {label}.")]),
    ]
    return Drawn(media, dialogues=dialogues)


def paint_land(rng: Random, label: str) -> bytes:
    """The picture of one class, turned any way, nearly square."""
    side = rng.randint(96, 124) * OVER
    canvas = Image.new("RGB", (side, side), (120, 120, 110))
    pose = Pose(side / 2, side / 2, side / 2 * rng.uniform(0.92, 1.12), rng.uniform(0, 2 * np.pi))
    LAND[label](Land(rng, canvas, pose))
    return jpeg(finish(rng, canvas, noise=rng.choice((6, 10, 14))))


SUBJECTS = (Subject("aerial", "2D", draw_land, {"test": 126, "val": 126, "train": 2100}),)
