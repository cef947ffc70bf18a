"""Things that move people and goods, seen from the side, driving to the right."""

from __future__ import annotations

from random import Random

from .shapes import RGB, Sketch

TYRE: RGB = (34, 34, 38)
METAL: RGB = (178, 182, 190)
GLASS: tuple[RGB, ...] = ((150, 206, 232), (96, 142, 176), (206, 230, 238))
LAMP: RGB = (252, 236, 140)


def wheel(s: Sketch, x: float, y: float, r: float) -> None:
    s.oval(TYRE, x, y, r, r).oval(METAL, x, y, r * 0.48, r * 0.48, corners=10)


def aeroplane(rng: Random) -> Sketch:
    """An airliner: long body, swept wing, tail fin, a row of windows."""
    s = Sketch()
    glass, wing = rng.choice(GLASS), rng.uniform(0.36, 0.5)
    s.poly("dark", (0.5, 0.42), (0.36, 0.42 - wing * 0.55), (0.44, 0.42 - wing * 0.55), (0.68, 0.42))
    s.poly("main", (0.02, 0.46), (-0.06, 0.12), (0.06, 0.12), (0.24, 0.42))
    s.poly("dark", (0.06, 0.46), (-0.08, 0.36), (0.0, 0.35), (0.2, 0.44))
    s.poly("main", (-0.02, 0.42), (0.2, 0.38), (0.92, 0.38), (1.06, 0.46), (1.1, 0.51), (1.02, 0.57), (0.3, 0.58), (0.02, 0.47))
    s.poly(glass, (0.95, 0.41), (1.04, 0.46), (0.94, 0.46))
    for i in range(7):
        s.box(glass, 0.28 + i * 0.085, 0.44, 0.325 + i * 0.085, 0.49)
    s.poly("dark", (0.44, 0.53), (0.2, 0.53 + wing), (0.32, 0.53 + wing), (0.68, 0.53))
    return s.oval(METAL, 0.46, 0.62, 0.08, 0.04)


def car(rng: Random) -> Sketch:
    """A low passenger car with two wheels in sight."""
    s = Sketch()
    glass, roof, tail = rng.choice(GLASS), rng.uniform(0.0, 0.08), rng.uniform(0.12, 0.26)
    s.poly("main", (tail, 0.3), (tail + 0.14, roof), (0.62, roof), (0.82, 0.3))
    s.poly(glass, (tail + 0.07, 0.27), (tail + 0.17, roof + 0.06), (0.42, roof + 0.06), (0.42, 0.27))
    s.poly(glass, (0.47, 0.27), (0.47, roof + 0.06), (0.6, roof + 0.06), (0.73, 0.27))
    s.poly("main", (0.0, 0.34), (0.06, 0.28), (0.84, 0.27), (1.06, 0.33), (1.1, 0.5), (0.0, 0.5))
    s.box("dark", 0.0, 0.45, 1.1, 0.5)
    s.oval(LAMP, 1.05, 0.37, 0.035, 0.035, corners=10)
    s.box((200, 40, 40), 0.0, 0.34, 0.04, 0.4)
    for x in (0.24, 0.84):
        wheel(s, x, 0.5, rng.uniform(0.115, 0.13))
    return s


def truck(rng: Random) -> Sketch:
    """A cab in front of a tall cargo box, three wheels in sight."""
    s = Sketch()
    glass, box = rng.choice(GLASS), rng.uniform(-0.04, 0.06)
    cargo = rng.choice(["light", "main"])
    s.box(cargo, 0.0, box, 0.74, 0.56)
    for i in range(1, 4):
        s.box("dark", 0.74 * i / 4 - 0.008, box + 0.03, 0.74 * i / 4 + 0.008, 0.53)
    s.poly("main", (0.79, 0.16), (0.98, 0.16), (1.08, 0.36), (1.14, 0.4), (1.14, 0.6), (0.79, 0.6))
    s.poly(glass, (0.86, 0.2), (0.965, 0.2), (1.04, 0.36), (0.86, 0.36))
    s.box((70, 70, 76), 0.0, 0.56, 1.1, 0.62)
    s.oval(LAMP, 1.11, 0.47, 0.03, 0.03, corners=10)
    for x in (0.16, 0.4, 0.96):
        wheel(s, x, 0.64, 0.11)
    return s


def bus(rng: Random) -> Sketch:
    """One long tall box with a row of windows and a door."""
    s = Sketch()
    glass, tall, panes = rng.choice(GLASS), rng.uniform(-0.04, 0.06), rng.randint(5, 6)
    s.poly("main", (0.0, tall + 0.04), (0.04, tall), (1.22, tall), (1.26, tall + 0.06), (1.28, 0.58), (0.0, 0.58))
    step = 1.0 / panes
    for i in range(panes):
        s.box(glass, 0.05 + i * step, tall + 0.08, 0.05 + (i + 0.8) * step, tall + 0.28)
    s.box(glass, 1.08, tall + 0.08, 1.19, 0.54).box("dark", 1.13, tall + 0.08, 1.14, 0.54)
    s.box("light", 0.0, 0.42, 1.06, 0.47)
    s.oval(LAMP, 1.25, 0.5, 0.03, 0.03, corners=10)
    for x in (0.25, 0.95):
        wheel(s, x, 0.58, 0.1)
    return s


def train(rng: Random) -> Sketch:
    """A steam locomotive on rails: boiler, chimney, cab and many wheels."""
    s = Sketch()
    tall = rng.uniform(-0.14, -0.04)
    s.box((112, 84, 62), -0.06, 0.78, 1.26, 0.82)
    for i in range(9):
        s.box((86, 64, 48), -0.04 + i * 0.145, 0.82, 0.03 + i * 0.145, 0.87)
    s.poly("dark", (0.96, tall), (1.12, tall), (1.08, 0.22), (1.0, 0.22))
    s.oval("dark", 0.68, 0.21, 0.07, 0.09)
    s.box("main", 0.36, 0.2, 1.12, 0.52).oval("light", 1.12, 0.36, 0.06, 0.16)
    for x in (0.52, 0.76, 0.96):
        s.box("dark", x, 0.2, x + 0.025, 0.52)
    s.box("main", 0.0, 0.02, 0.38, 0.58).box("dark", -0.04, -0.05, 0.42, 0.03)
    s.box(rng.choice(GLASS), 0.08, 0.1, 0.28, 0.3)
    s.box((60, 60, 66), 0.0, 0.52, 1.14, 0.6).poly("dark", (1.1, 0.56), (1.26, 0.78), (1.06, 0.78))
    for x in (0.14, 0.38, 0.6):
        wheel(s, x, 0.66, 0.12)
    for x in (0.8, 0.98):
        wheel(s, x, 0.7, 0.08)
    return s


def ship(rng: Random) -> Sketch:
    """An ocean liner: a long hull with portholes, white decks and funnels."""
    s = Sketch()
    funnels, high = rng.randint(2, 3), rng.uniform(-0.12, 0.0)
    band = rng.choice([(30, 30, 34), (230, 226, 220), (190, 60, 50)])
    for i in range(funnels):
        x = 0.4 + i * 0.19
        s.poly("main", (x, high), (x + 0.11, high), (x + 0.09, 0.24), (x - 0.02, 0.24))
        s.box(band, x - 0.004, high, x + 0.11, high + 0.06)
    s.box((238, 238, 232), 0.28, 0.2, 0.98, 0.34).box((214, 216, 214), 0.18, 0.32, 1.08, 0.48)
    for i in range(8):
        s.box((70, 96, 122), 0.24 + i * 0.1, 0.37, 0.29 + i * 0.1, 0.43)
    s.poly("main", (0.0, 0.44), (1.34, 0.4), (1.18, 0.74), (0.1, 0.74))
    s.poly("dark", (0.07, 0.65), (1.22, 0.65), (1.18, 0.74), (0.1, 0.74))
    for i in range(7):
        s.oval((235, 235, 220), 0.22 + i * 0.13, 0.54, 0.022, 0.022, corners=8)
    return s


def boat(rng: Random) -> Sketch:
    """A small sailing boat: a mast with two triangular sails."""
    s = Sketch()
    top = rng.uniform(-0.14, 0.02)
    cloth = rng.choice([(244, 240, 228), (250, 230, 190), (226, 236, 244)])
    s.box((104, 72, 46), 0.49, top, 0.525, 0.78)
    s.poly("main", (0.54, top + 0.02), (0.54, 0.7), (1.0, 0.7))
    s.poly(cloth, (0.47, top + 0.1), (0.47, 0.7), (0.12, 0.7))
    s.poly("main", (0.0, 0.76), (1.12, 0.76), (0.94, 1.0), (0.2, 1.0))
    return s.box("dark", 0.02, 0.76, 1.1, 0.81)


def bicycle(rng: Random) -> Sketch:
    """Two thin wheels and a frame of tubes."""
    s = Sketch()
    r = rng.uniform(0.25, 0.28)
    back, front, crank, seat, head = (0.27, 0.7), (1.0, 0.7), (0.58, 0.72), (0.47, 0.34), (0.88, 0.34)
    for x, y in (back, front):
        s.ring(TYRE, x, y, r, 0.05)
        for dx, dy in ((1.0, 0.0), (0.5, 0.87), (-0.5, 0.87)):
            s.bar(METAL, (x - dx * (r - 0.05), y - dy * (r - 0.05)), (x + dx * (r - 0.05), y + dy * (r - 0.05)), 0.012)
    for start, end in ((back, crank), (back, seat), (seat, crank), (crank, head), (seat, head), (front, head)):
        s.bar("main", start, end, 0.062)
    s.bar("main", head, (0.86, 0.22), 0.05).path(TYRE, 0.045, (0.78, 0.18), (0.88, 0.22), (0.99, 0.2))
    s.bar("main", seat, (0.455, 0.28), 0.05).oval(TYRE, 0.46, 0.25, 0.12, 0.04)
    return s.oval(METAL, *crank, 0.06, 0.06, corners=10)


def motorbike(rng: Random) -> Sketch:
    """Two fat wheels around an engine, a tank and a long seat."""
    s = Sketch()
    r = rng.uniform(0.2, 0.23)
    wheel(s, 0.22, 0.72, r)
    wheel(s, 1.02, 0.72, r)
    s.bar(METAL, (1.02, 0.72), (0.86, 0.26), 0.055)
    s.bar(METAL, (0.0, 0.8), (0.62, 0.76), 0.075)
    s.oval((92, 94, 100), 0.58, 0.66, 0.19, 0.15)
    s.oval(METAL, 0.58, 0.64, 0.1, 0.08, corners=10)
    s.poly(TYRE, (0.08, 0.36), (0.5, 0.4), (0.54, 0.5), (0.2, 0.5))
    s.poly("main", (0.02, 0.42), (0.2, 0.5), (0.34, 0.56), (0.1, 0.5))
    s.oval("main", 0.66, 0.41, 0.2, 0.12, -0.12)
    s.poly("main", (0.8, 0.46), (1.02, 0.42), (1.22, 0.5), (1.2, 0.55), (1.02, 0.49))
    s.path(TYRE, 0.05, (0.72, 0.16), (0.86, 0.22), (0.9, 0.3))
    return s.oval(LAMP, 0.97, 0.29, 0.06, 0.07)
