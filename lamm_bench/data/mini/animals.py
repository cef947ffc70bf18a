"""Animals and people, seen from the side and looking to the right unless said otherwise."""

from __future__ import annotations

from random import Random

from .shapes import RGB, Sketch

BLACK: RGB = (25, 22, 25)
WHITE: RGB = (245, 245, 245)
HORN: RGB = (214, 196, 158)
PINK: RGB = (238, 158, 164)
SKIN: tuple[RGB, ...] = ((250, 214, 180), (224, 172, 126), (176, 118, 78), (112, 72, 48))


def legs(s: Sketch, rng: Random, xs: tuple[float, ...], top: float, foot: float, width: float, ink: str = "main") -> None:
    """Four legs: the far pair darker, each foot set a little to a side."""
    for number, x in enumerate(xs):
        step = rng.uniform(-0.05, 0.05)
        s.bar("dark" if number % 2 else ink, (x, top), (x + step, foot), width, width * 0.75)


def eye(s: Sketch, x: float, y: float, r: float) -> None:
    s.oval(WHITE, x, y, r, r, corners=10).oval(BLACK, x + r * 0.2, y, r * 0.6, r * 0.6, corners=8)


def bird(rng: Random) -> Sketch:
    """A perching bird: round head with a beak, a wing and a fanned tail."""
    s = Sketch()
    fat, up = rng.uniform(0.17, 0.23), rng.uniform(-0.1, 0.08)
    beak = rng.choice([(245, 170, 30), (90, 80, 70), (225, 90, 40)])
    for x in (0.46, 0.56):
        s.bar(beak, (x, 0.62), (x + 0.02, 0.92), 0.03).bar(beak, (x - 0.04, 0.92), (x + 0.1, 0.92), 0.03)
    s.poly("dark", (0.3, 0.5), (-0.08, 0.52 + up), (-0.1, 0.64 + up), (-0.04, 0.72 + up), (0.34, 0.62))
    s.oval("main", 0.48, 0.52, 0.29, fat, -0.35)
    s.oval("main", 0.72, 0.29, 0.15, 0.145)
    s.poly(beak, (0.84, 0.24), (1.06, 0.31), (0.84, 0.36))
    if rng.random() < 0.5:  # a wing raised or folded
        s.poly("dark", (0.36, 0.48), (0.6, 0.44), (0.3, -0.02), (0.16, 0.1))
    else:
        s.oval("dark", 0.42, 0.53, 0.2, fat * 0.55, -0.25)
    eye(s, 0.76, 0.26, 0.042)
    return s


def cat(rng: Random) -> Sketch:
    """A sitting cat, seen from the front: pointed ears, whiskers, a tail curling up at its side."""
    s = Sketch()
    wide, tall = rng.uniform(0.22, 0.27), rng.uniform(0.27, 0.31)
    reach = rng.uniform(0.0, 0.1)
    s.path("main", 0.08, (0.6, 0.93), (0.84, 0.9), (0.93, 0.72), (0.88 + reach, 0.55), (0.94 + reach, 0.42))
    s.oval("main", 0.45, 0.72, wide, tall)
    s.oval("light", 0.45, 0.74, wide * 0.5, tall * 0.6)
    for x in (0.33, 0.57):
        s.oval("main", x, 0.95, 0.09, 0.055)
    for side in (-1, 1):
        s.poly("main", (0.45 + side * 0.06, 0.16), (0.45 + side * 0.25, -0.06), (0.45 + side * 0.25, 0.28))
        s.poly(PINK, (0.45 + side * 0.13, 0.14), (0.45 + side * 0.215, 0.03), (0.45 + side * 0.215, 0.2))
    s.oval("main", 0.45, 0.3, 0.25, 0.2)
    for side in (-1, 1):
        s.oval((214, 226, 90), 0.45 + side * 0.1, 0.28, 0.05, 0.05).oval(BLACK, 0.45 + side * 0.1, 0.28, 0.018, 0.045)
        for dy in (-0.02, 0.04):
            s.bar("edge", (0.45 + side * 0.07, 0.39), (0.45 + side * 0.33, 0.37 + dy), 0.014)
    return s.poly(PINK, (0.41, 0.35), (0.49, 0.35), (0.45, 0.4))


def deer(rng: Random) -> Sketch:
    """A slender animal with branching antlers and spots."""
    s = Sketch()
    lean = rng.uniform(-0.03, 0.05)
    legs(s, rng, (0.2, 0.28, 0.55, 0.62), 0.6, 1.08, 0.055)
    s.poly("light", (0.12, 0.45), (0.03, 0.42), (0.08, 0.56))
    s.oval("main", 0.4, 0.54, 0.3, 0.125)
    s.bar("main", (0.62, 0.54), (0.78 + lean, 0.22), 0.17, 0.1)
    s.poly("main", (0.72 + lean, 0.14), (0.84 + lean, 0.13), (1.0 + lean, 0.26), (0.97 + lean, 0.31), (0.78 + lean, 0.3))
    s.oval("dark", 0.7 + lean, 0.17, 0.07, 0.03, 0.4)
    for x, dx in ((0.75, -0.1), (0.81, 0.06)):
        top = (x + dx + lean, -0.26)
        s.path(HORN, 0.032, (x + lean, 0.15), (x + dx * 0.9 + lean, -0.05), top)
        s.bar(HORN, (x + dx * 0.9 + lean, -0.05), (x + dx + 0.11 + lean, -0.16), 0.03)
        s.bar(HORN, (x + dx * 0.95 + lean, -0.12), (x + dx - 0.1 + lean, -0.22), 0.03)
    for _ in range(6):
        s.oval("light", rng.uniform(0.2, 0.55), rng.uniform(0.46, 0.58), 0.024, 0.024, corners=8)
    eye(s, 0.85 + lean, 0.19, 0.028)
    return s


def dog(rng: Random) -> Sketch:
    """A standing dog: blunt snout, hanging ear, tail up, collar."""
    s = Sketch()
    wag = rng.uniform(-0.08, 0.08)
    legs(s, rng, (0.2, 0.3, 0.58, 0.67), 0.62, 0.98, 0.1)
    s.path("main", 0.065, (0.16, 0.52), (0.02 + wag, 0.36), (0.0 + wag, 0.16))
    s.oval("main", 0.43, 0.56, 0.31, 0.165)
    s.bar("main", (0.64, 0.52), (0.76, 0.32), 0.24, 0.2)
    s.bar(rng.choice([(210, 40, 40), (40, 90, 210), (240, 200, 40)]), (0.63, 0.36), (0.8, 0.5), 0.05)
    s.oval("main", 0.78, 0.27, 0.17, 0.145)
    s.poly("main", (0.82, 0.22), (1.08, 0.25), (1.09, 0.37), (0.82, 0.4))
    s.oval(BLACK, 1.07, 0.26, 0.04, 0.035)
    s.oval("dark", 0.68, 0.33, 0.065, 0.17, rng.uniform(-0.1, 0.3))
    eye(s, 0.86, 0.22, 0.032)
    return s


def frog(rng: Random) -> Sketch:
    """A squatting frog from the front: bulging eyes, wide mouth, folded hind legs."""
    s = Sketch()
    wide = rng.uniform(0.32, 0.38)
    for side in (-1, 1):
        s.oval("dark", 0.5 + side * 0.38, 0.62, 0.13, 0.2, side * 0.5)
        s.oval("dark", 0.5 + side * 0.4, 0.83, 0.19, 0.055)
    s.oval("main", 0.5, 0.58, wide, 0.28)
    s.oval("light", 0.5, 0.68, wide * 0.68, 0.17)
    for side in (-1, 1):
        s.bar("main", (0.5 + side * 0.2, 0.66), (0.5 + side * 0.17, 0.86), 0.09, 0.07).oval(
            "main", 0.5 + side * 0.17, 0.88, 0.1, 0.04
        )
        s.oval("main", 0.5 + side * 0.2, 0.29, 0.125, 0.125)
        eye(s, 0.5 + side * 0.2, 0.27, 0.085)
    s.path("edge", 0.025, (0.26, 0.47), (0.38, 0.53), (0.5, 0.545), (0.62, 0.53), (0.74, 0.47))
    return s


def horse(rng: Random) -> Sketch:
    """A tall animal with a long neck, a mane and a hanging tail."""
    s = Sketch()
    lift = rng.uniform(-0.04, 0.06)
    legs(s, rng, (0.2, 0.29, 0.6, 0.68), 0.55, 1.12, 0.08)
    s.path("dark", 0.09, (0.13, 0.42), (0.03, 0.56), (0.02 - lift, 0.86))
    s.oval("main", 0.43, 0.5, 0.32, 0.17)
    s.poly("main", (0.56, 0.4), (0.74, 0.02 - lift), (0.88, 0.08 - lift), (0.78, 0.56))
    s.poly("main", (0.72, 0.0 - lift), (0.86, 0.02 - lift), (1.09, 0.25 - lift), (1.03, 0.33 - lift), (0.8, 0.2 - lift))
    s.poly("main", (0.74, 0.03 - lift), (0.79, -0.1 - lift), (0.83, 0.03 - lift))
    s.poly("dark", (0.74, -0.03 - lift), (0.68, 0.0 - lift), (0.5, 0.35), (0.54, 0.44), (0.66, 0.22), (0.78, 0.03 - lift))
    eye(s, 0.88, 0.1 - lift, 0.026)
    return s


def cow(rng: Random) -> Sketch:
    """A heavy box of an animal with patches, horns and an udder."""
    s = Sketch()
    low = rng.uniform(-0.03, 0.1)
    legs(s, rng, (0.14, 0.24, 0.6, 0.7), 0.62, 0.98, 0.1)
    s.path("dark", 0.03, (0.08, 0.32), (-0.02, 0.42), (-0.02, 0.68)).oval(BLACK, -0.02, 0.71, 0.03, 0.06)
    s.oval(PINK, 0.32, 0.72, 0.1, 0.08)
    s.poly("main", (0.06, 0.32), (0.14, 0.27), (0.72, 0.27), (0.8, 0.36), (0.78, 0.64), (0.68, 0.7), (0.14, 0.7), (0.06, 0.6))
    for _ in range(3):
        s.oval("light", rng.uniform(0.2, 0.62), rng.uniform(0.38, 0.58), rng.uniform(0.07, 0.12), rng.uniform(0.06, 0.1))
    s.bar("main", (0.74, 0.42), (0.88, 0.3 + low), 0.26, 0.22)
    s.poly("main", (0.8, 0.2 + low), (0.98, 0.18 + low), (1.07, 0.44 + low), (0.95, 0.5 + low), (0.84, 0.42 + low))
    s.oval(PINK, 1.0, 0.47 + low, 0.085, 0.06, 0.3)
    s.path(HORN, 0.045, (0.82, 0.2 + low), (0.74, 0.12 + low), (0.78, 0.0 + low))
    s.path(HORN, 0.045, (0.94, 0.18 + low), (1.03, 0.1 + low), (1.0, -0.02 + low))
    eye(s, 0.94, 0.29 + low, 0.03)
    return s


def sheep(rng: Random) -> Sketch:
    """A cloud of wool on four short legs, with a dark face."""
    s = Sketch()
    face = rng.choice([(40, 36, 38), (92, 74, 62), (60, 60, 70)])
    for x in (0.24, 0.34, 0.58, 0.68):
        s.bar(face, (x, 0.62), (x + rng.uniform(-0.03, 0.03), 0.94), 0.06)
    for x, y, r in ((0.16, 0.46, 0.14), (0.28, 0.34, 0.16), (0.46, 0.29, 0.17), (0.63, 0.34, 0.16), (0.74, 0.46, 0.14)):
        s.oval("main", x, y + rng.uniform(-0.02, 0.02), r, r, corners=12)
    for x, y, r in ((0.24, 0.6, 0.14), (0.42, 0.63, 0.15), (0.6, 0.62, 0.15), (0.45, 0.46, 0.26)):
        s.oval("main", x, y, r, r, corners=12)
    for x, y in ((0.3, 0.46), (0.45, 0.42), (0.57, 0.5), (0.38, 0.58)):
        s.path("dark", 0.018, (x - 0.05, y), (x, y + 0.04), (x + 0.05, y))
    nod = rng.uniform(-0.06, 0.08)
    s.oval(face, 0.92, 0.4 + nod, 0.1, 0.15, -0.5).oval(face, 0.82, 0.33 + nod, 0.09, 0.04, 0.5)
    s.oval("main", 0.86, 0.27 + nod, 0.09, 0.07)
    eye(s, 0.92, 0.36 + nod, 0.03)
    return s


def person(rng: Random) -> Sketch:
    """Somebody standing, seen from the front, in a shirt of the main colour."""
    s = Sketch()
    skin = rng.choice(SKIN)
    hair = rng.choice([(40, 30, 26), (112, 68, 36), (214, 178, 92), (150, 150, 152)])
    trousers = rng.choice([(52, 58, 84), (92, 78, 64), (60, 60, 62), (40, 82, 92)])
    stance, left, right = rng.uniform(0.06, 0.16), rng.uniform(-0.45, 0.35), rng.uniform(-0.45, 0.35)
    for side, height in ((-1, left), (1, right)):
        hand = (0.3 + side * 0.3, 0.5 + height * 0.8) if height > 0 else (0.3 + side * 0.34, 0.44 + height * 0.9)
        s.path("main", 0.085, (0.3 + side * 0.12, 0.34), (0.3 + side * 0.24, 0.5 + height * 0.3), hand)
        s.oval(skin, *hand, 0.05, 0.05, corners=10)
        s.bar(trousers, (0.3 + side * 0.07, 0.66), (0.3 + side * stance, 1.12), 0.13, 0.09)
        s.oval(BLACK, 0.3 + side * (stance + 0.025), 1.13, 0.075, 0.035, corners=10)
    s.poly("main", (0.14, 0.3), (0.46, 0.3), (0.45, 0.7), (0.15, 0.7))
    s.box(skin, 0.26, 0.22, 0.34, 0.32)
    s.oval(hair, 0.3, 0.1, 0.125, 0.135).oval(skin, 0.3, 0.14, 0.1, 0.115)
    for x in (0.26, 0.34):
        s.oval(BLACK, x, 0.13, 0.015, 0.02, corners=8)
    return s
