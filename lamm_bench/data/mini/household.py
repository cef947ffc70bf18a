"""Things that stand about in a house, seen from the front."""

from __future__ import annotations

import math
from random import Random

from .shapes import RGB, Sketch

WOOD: tuple[RGB, ...] = ((150, 104, 64), (112, 74, 46), (196, 154, 104))


def bottle(rng: Random) -> Sketch:
    """A narrow neck on a tall round body, with a label and a cap."""
    s = Sketch()
    wide, shoulder = rng.uniform(0.15, 0.19), rng.uniform(0.34, 0.44)
    s.box("main", 0.5 - 0.06, 0.06, 0.5 + 0.06, shoulder)
    s.poly(
        "main",
        (0.44, shoulder - 0.08),
        (0.56, shoulder - 0.08),
        (0.5 + wide, shoulder + 0.08),
        (0.5 + wide, 0.98),
        (0.5 + wide - 0.03, 1.0),
        (0.5 - wide + 0.03, 1.0),
        (0.5 - wide, 0.98),
        (0.5 - wide, shoulder + 0.08),
    )
    s.box(rng.choice([(60, 50, 46), (206, 170, 70), (190, 190, 196)]), 0.42, 0.0, 0.58, 0.09)
    s.box((244, 240, 224), 0.5 - wide, 0.58, 0.5 + wide, 0.82)
    s.box("dark", 0.5 - wide * 0.6, 0.66, 0.5 + wide * 0.6, 0.7)
    return s.box("light", 0.5 - wide * 0.75, shoulder + 0.1, 0.5 - wide * 0.5, 0.55)


def chair(rng: Random) -> Sketch:
    """A tall back with slats, a seat and four legs, seen at an angle."""
    s = Sketch()
    tall, deep = rng.uniform(-0.06, 0.04), rng.uniform(0.1, 0.16)
    s.box("dark", 0.12, 0.5, 0.19, 0.92).box("dark", 0.5 + deep, 0.5, 0.57 + deep, 0.92)
    s.box("main", 0.1, tall, 0.18, 0.6).box("main", 0.46, tall, 0.54, 0.6)
    for y in (0.04, 0.18, 0.32):
        s.box("main", 0.14, y + max(tall, 0.0), 0.5, y + max(tall, 0.0) + 0.08)
    s.poly("light", (0.08, 0.54), (0.54, 0.54), (0.62 + deep, 0.66), (0.16, 0.66))
    s.poly("main", (0.16, 0.66), (0.62 + deep, 0.66), (0.62 + deep, 0.72), (0.16, 0.72))
    return s.box("main", 0.16, 0.7, 0.24, 1.08).box("main", 0.54 + deep, 0.7, 0.62 + deep, 1.08)


def diningtable(rng: Random) -> Sketch:
    """A wide top in perspective, four legs, plates on it."""
    s = Sketch()
    slant = rng.uniform(0.1, 0.2)
    for x in (slant + 0.06, 1.26 - slant):
        s.box("dark", x, 0.3, x + 0.06, 0.72)
    s.poly("light", (slant, 0.14), (1.4 - slant, 0.14), (1.4, 0.4), (0.0, 0.4)).box("main", 0.0, 0.4, 1.4, 0.47)
    for x in (0.06, 1.25):
        s.box("main", x, 0.47, x + 0.09, 0.92)
    for i in range(rng.randint(2, 3)):
        s.oval((240, 240, 240), 0.38 + i * 0.32, 0.27, 0.12, 0.055).oval((196, 204, 214), 0.38 + i * 0.32, 0.27, 0.07, 0.03)
    return s


def pottedplant(rng: Random) -> Sketch:
    """Leaves that fan out of a pot; the pot has the main colour."""
    s = Sketch()
    green: RGB = rng.choice([(52, 128, 56), (92, 150, 52), (30, 96, 70), (150, 160, 50)])
    count = rng.randint(5, 7)
    for i in range(count):
        angle = math.radians(-160 + 140 * i / (count - 1) + rng.uniform(-6, 6))
        length = rng.uniform(0.42, 0.56)
        x, y = 0.5 + math.cos(angle) * length * 0.6, 0.56 + math.sin(angle) * length * 0.6
        s.bar(green, (0.5, 0.6), (x, y), 0.03).oval(green, x, y, length * 0.48, 0.085, angle)
    if rng.random() < 0.4:
        bloom = rng.choice([(236, 90, 120), (250, 210, 70), (230, 230, 240)])
        for _ in range(3):
            s.oval(bloom, rng.uniform(0.3, 0.7), rng.uniform(0.16, 0.4), 0.06, 0.06, corners=10)
    s.poly("main", (0.28, 0.64), (0.72, 0.64), (0.65, 1.0), (0.35, 1.0))
    return s.box("dark", 0.25, 0.58, 0.75, 0.67)


def sofa(rng: Random) -> Sketch:
    """A wide padded seat with a back and two arm rests."""
    s = Sketch()
    back, seats = rng.uniform(0.0, 0.1), rng.randint(2, 3)
    for x in (0.1, 1.22):
        s.box((74, 54, 40), x, 0.72, x + 0.07, 0.84)
    s.box("main", 0.1, back, 1.3, 0.6)
    width = 1.06 / seats
    for i in range(seats):
        s.box("dark", 0.17 + i * width + 0.015, back + 0.06, 0.17 + (i + 1) * width - 0.015, 0.42)
        s.box("light", 0.17 + i * width + 0.01, 0.42, 0.17 + (i + 1) * width - 0.01, 0.56)
    s.box("main", 0.06, 0.56, 1.34, 0.74)
    for x in (0.0, 1.22):
        s.box("main", x, 0.32, x + 0.18, 0.74).oval("main", x + 0.09, 0.32, 0.09, 0.08)
    return s


def tvmonitor(rng: Random) -> Sketch:
    """A screen with a frame on a stand."""
    s = Sketch()
    tall = rng.uniform(0.58, 0.7)
    picture: RGB = rng.choice([(88, 150, 196), (40, 62, 84), (150, 196, 160), (190, 170, 210)])
    s.box("dark", 0.48, tall, 0.6, tall + 0.14).oval("dark", 0.54, tall + 0.15, 0.24, 0.04)
    s.box("main", 0.0, 0.0, 1.08, tall).box(picture, 0.08, 0.08, 1.0, tall - 0.08)
    s.poly((226, 236, 240), (0.16, tall - 0.14), (0.4, 0.12), (0.5, 0.12), (0.26, tall - 0.14))
    return s.oval((90, 220, 110), 0.98, tall - 0.04, 0.02, 0.02, corners=8)
