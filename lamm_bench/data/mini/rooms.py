"""Rooms of furniture as coloured point clouds, for ScanNet, ScanRefer and ScanQA.

A cloud is float32 [N, 6]: x, y, z in metres (z up, floor at 0, the room's middle at x = y = 0) and red, green, blue
(0-255). Boxes are those of the surfaces that can be seen; sampling reaches their edges, so that they are the extents
of the points up to noise. The scans of one room differ in points and noise and share the boxes."""

from __future__ import annotations

import io
from collections import Counter
from random import Random

import numpy as np

from .drawn import Drawn, Split, Subject
from .furniture import COLOURS, KINDS, Piece, Room, Surfaces, cuboid, joined
from .paint import arrays
from .room_talk import descriptions, room_dialogues, room_items

NOISE = (0.005, 0.010)
"""Metres: the range from which a scan's standard deviation is drawn."""

SCANS = 3
"""Scans of each benchmark room; ScanNet, too, has several of many of its rooms."""

SCENES = {"test": 0, "val": 100, "train": 200}
"""The first scene number of each split."""

GAP = 0.12
"""Metres between two pieces on the floor, at least."""


def furnish(rng: Random) -> Room:
    """A room of 3 to 5 m with three to seven pieces that neither touch nor leave it."""
    while True:
        length, width = rng.uniform(3.0, 5.0), rng.uniform(3.0, 5.0)
        pieces: list[Piece] = []
        for _ in range(rng.randint(3, 7)):
            label = next_label(rng, Counter(piece.label for piece in pieces))
            for _ in range(15):
                piece = build(rng, label, length, width)
                if not any(touch(piece, other) for other in pieces):
                    pieces.append(piece)
                    break
        room = Room(length, width, tuple(sorted(pieces, key=lambda piece: (piece.label, piece.box[0]))))
        if len(pieces) >= 3 and len(descriptions(room)) >= SCANS:  # each scan is asked for something else
            return room


def next_label(rng: Random, counted: Counter[str]) -> str:
    """A class with room for one more; three times in ten one that is there already, so that descriptions have work to do."""
    free = [name for name, kind in KINDS.items() if counted[name] < kind.most]
    again = [name for name in counted if name in free]
    return rng.choice(again if again and rng.random() < 0.3 else free)


def build(rng: Random, label: str, length: float, width: float) -> Piece:
    """One piece at a random place that suits its class."""
    kind = KINDS[label]
    colour = rng.choice(kind.colours)
    red, green, blue = (max(0, min(255, c + rng.randint(-12, 12))) for c in COLOURS[colour])
    surfaces = joined(kind.build(rng, (red, green, blue)))
    turns = rng.randrange(4)
    surfaces = surfaces.turned(turns)
    cx, cy, _, size_x, size_y, _ = surfaces.box()
    gap = 0.15 if kind.place == "floor" else 0.0
    free_x, free_y = (length - size_x) / 2 - gap, (width - size_y) / 2 - gap
    x, y = rng.uniform(-free_x, free_x), rng.uniform(-free_y, free_y)
    if kind.place != "floor":  # the back, +y before turning, goes to its wall; doors and windows into it by 3 cm
        into = 0.03 if kind.place == "in wall" else -0.02
        x, y = ((x, free_y + into), (-free_x - into, y), (x, -free_y - into), (free_x + into, y))[turns]
    surfaces = surfaces.moved(x - cx, y - cy)
    return Piece(label, colour, tuple(round(value, 4) for value in surfaces.box()), surfaces)


def touch(one: Piece, two: Piece) -> bool:
    """Whether the floor plans of two pieces, with a gap between them, overlap."""
    return all(abs(one.box[i] - two.box[i]) < (one.box[i + 3] + two.box[i + 3]) / 2 + GAP for i in (0, 1))


def shell(rng: Random, room: Room) -> Surfaces:
    """Floor and four walls 2.2 to 2.5 m high, in pale colours."""
    x, y, high = room.length / 2, room.width / 2, rng.uniform(2.2, 2.5)
    tone = rng.randint(185, 225)
    wall = (tone, tone - rng.randint(0, 12), tone - rng.randint(5, 25))
    boards = (rng.randint(140, 185), rng.randint(120, 150), rng.randint(90, 130))
    box = cuboid((-x, -y, 0), (x, y, high), wall)
    origin, colour = box.origin.copy(), box.colour.copy()
    origin[0, 2], colour[0] = 0.0, boards  # the lid becomes the floor
    return Surfaces(origin, box.u, box.v, colour, box.triangle)


def scan(rng: Random, room: Room, walls: Surfaces, points: int) -> tuple[np.ndarray, np.ndarray]:
    """A cloud [points, 6] float32, and for each point the index of its piece, -1 for the room itself [points].

    A third of the points lie on floor and walls; the rest are shared among the pieces by the square root of their
    areas, so that a chair is not lost beside a bed."""
    stream = arrays(rng)
    background = points // 3
    roots = np.sqrt([piece.surfaces.area.sum() for piece in room.pieces])
    shares = [background, *np.floor((points - background) * roots / roots.sum()).astype(int)]
    shares[0] += points - sum(shares)
    sets = [walls, *(piece.surfaces for piece in room.pieces)]
    faces = np.concatenate([
        stream.choice(len(s.area), size=count, p=s.area / s.area.sum()) + offset
        for s, count, offset in zip(sets, shares, np.cumsum([0, *(len(s.area) for s in sets)]))
    ])  # fmt: skip
    every = joined(sets)
    # stretched and clipped, so that some points of each face lie exactly on its edges: the box is then reached
    ab = np.clip(stream.random((points, 2)) * 1.1 - 0.05, 0, 1)
    folded = every.triangle[faces] & (ab.sum(axis=1) > 1)
    ab[folded] = 1 - ab[folded]
    xyz = every.origin[faces] + ab[:, :1] * every.u[faces] + ab[:, 1:] * every.v[faces]
    xyz += stream.normal(0, rng.uniform(*NOISE), xyz.shape)
    rgb = np.clip(every.colour[faces] * rng.uniform(0.94, 1.04) + stream.normal(0, 6, xyz.shape), 0, 255)
    owner = np.repeat(np.arange(-1, len(room.pieces)), shares)
    order = stream.permutation(points)
    return np.concatenate((xyz, rgb), axis=1).astype(np.float32)[order], owner[order]


def npy(cloud: np.ndarray) -> bytes:
    """The bytes of a `.npy` file without pickled objects."""
    buffer = io.BytesIO()
    np.save(buffer, cloud, allow_pickle=False)
    return buffer.getvalue()


def draw_room(rng: Random, index: int, split: Split) -> Drawn:
    """One room: its scans with items in the benchmark, one smaller scan with conversations in training."""
    room = furnish(rng)
    walls = shell(rng, room)
    name = f"scene{SCENES[split] + index:04d}"
    if split == "train":
        path = f"scannet_pcls/{name}_00.npy"
        cloud, _ = scan(rng, room, walls, 2048)
        return Drawn({path: npy(cloud)}, dialogues=room_dialogues(rng, room, path, name))
    media: dict[str, bytes] = {}
    paths = [f"scannet_pcls/{name}_{number:02d}.npy" for number in range(SCANS)]
    for path in paths:
        cloud, _ = scan(rng, room, walls, 4096 + rng.randint(-200, 200))
        media[path] = npy(cloud)
    items = room_items(rng, room, [f"./{path}" for path in paths], index)
    return Drawn(media, items=items)


SUBJECTS = (Subject("rooms", "3D", draw_room, {"test": 40, "val": 40, "train": 6000}),)
