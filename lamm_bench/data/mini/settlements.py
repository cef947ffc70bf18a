"""Built-up land from above: large roofs, three densities of houses, and trailers."""

from __future__ import annotations

import numpy as np

from .land import ASPHALT, CONCRETE, GRASS, Land, tone
from .paint import rectangle, shade


def buildings(land: Land) -> None:
    """Few, large, flat, grey or white roofs with long shadows and machines on them."""
    rng = land.rng
    land.ground(tone(rng, *ASPHALT), spread=8)
    for cx in (-0.62, 0.62):
        for cy in (-0.62, 0.62):
            wide, high = rng.uniform(0.8, 1.1), rng.uniform(0.75, 1.05)
            roof = shade(tone(rng, (170, 165, 160), (235, 232, 228)), rng.uniform(0.8, 1.0))
            land.box(cx, cy, wide, high, roof, shadow=0.12)
            land.box(cx, cy, wide * 0.9, high * 0.9, shade(roof, 0.9))
            for _ in range(rng.randint(2, 5)):
                land.box(cx + rng.uniform(-0.3, 0.3) * wide, cy + rng.uniform(-0.3, 0.3) * high, 0.12, 0.09, shade(roof, 0.65))


def denseresidential(land: Land) -> None:
    """Small houses wall to wall in many rows."""
    rng = land.rng
    land.ground(tone(rng, (95, 100, 80), (130, 130, 112)), spread=12)
    step = rng.uniform(0.3, 0.36)
    for row, y in enumerate(np.arange(-1.5, 1.5, step)):
        if row % 4 == 3:
            land.box(0, float(y), 4, step * 0.7, tone(rng, *ASPHALT))
            continue
        for x in np.arange(-1.5, 1.5, step):
            land.house(float(x) + rng.uniform(-0.02, 0.02), float(y), step * 0.84)


def houses_with_street(land: Land, columns: int, trees: int, street: float, skip: float = 0.0) -> None:
    """Two rows of houses on either side of a street, `columns` to a row, with trees strewn between."""
    rng = land.rng
    land.ground(tone(rng, *GRASS))
    land.box(0, 0, 4, street, tone(rng, *ASPHALT))
    step = 2.6 / columns
    for row in (-1, 1):
        for back in range(2):
            y = row * (street / 2 + step * (0.55 + back * 1.02))
            for i in range(columns + 1):
                if rng.random() >= skip:
                    land.house(-1.3 + (i + rng.uniform(-0.08, 0.08)) * step, y, step * 0.72)
    for _ in range(trees):
        x, y = land.anywhere()
        if abs(y) > street * 0.6:
            land.tree(x, y, rng.uniform(0.06, 0.11))


def mediumresidential(land: Land) -> None:
    """A street with houses and gardens on both sides."""
    houses_with_street(land, columns=4, trees=16, street=land.rng.uniform(0.2, 0.28))


def sparseresidential(land: Land) -> None:
    """One house with its drive among many trees and open ground."""
    rng = land.rng
    land.ground(tone(rng, (120, 125, 75), (160, 155, 105)))
    x, y = land.anywhere(0.35)
    for _ in range(34):
        tx, ty = land.anywhere()
        if abs(tx - x) + abs(ty - y) > 0.5 and abs(tx - x) > 0.15:
            land.tree(tx, ty, rng.uniform(0.09, 0.16))
    land.box(x, y + 1.0, 0.14, 2.0, tone(rng, *CONCRETE))
    land.house(x, y, rng.uniform(0.42, 0.55))


def mobilehomepark(land: Land) -> None:
    """Rows of slanted, narrow, pale trailers along lanes."""
    rng = land.rng
    land.ground(tone(rng, (120, 118, 108), (150, 145, 132)), spread=10)
    slant, step = rng.choice((-1, 1)) * rng.uniform(0.5, 0.8), rng.uniform(0.25, 0.3)
    for row in range(-2, 3):
        y = row * 0.72
        land.box(0, y + 0.36, 4, 0.14, tone(rng, *ASPHALT))
        for x in np.arange(-1.6, 1.6, step):
            colour = tone(rng, (205, 200, 192), (250, 248, 244))
            corners = rectangle(0, 0, step * 0.5, 0.46)
            land.fill(corners + np.stack((corners[:, 1] * slant + x, np.full(4, y)), axis=1), colour)
            if rng.random() < 0.3:
                land.tree(float(x) + step * 0.5, y, 0.05)
