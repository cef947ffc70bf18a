"""Faces with one of four hair colours, smiling or not, for the two CelebA files.

A smile turns the corners of the mouth up; every other mouth is straight, turned down or a small round one. Skin, brows,
glasses, hats, clothes, hair style, tilt and background vary on their own and say nothing about either."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import ImageDraw

from .dialogue import dialogue_2d, wording
from .drawn import Drawn, Split, Subject
from .paint import OVER, Colour, Pose, backdrop, between, blend, brightness, finish, jpeg, line, oval, rectangle, shade

HAIR: dict[str, tuple[Colour, Colour]] = {
    "black": ((12, 10, 12), (36, 32, 38)),
    "blond": ((220, 184, 84), (248, 216, 132)),
    "brown": ((92, 54, 22), (124, 76, 40)),
    "gray": ((148, 148, 150), (192, 192, 196)),
}
"""Darkest and lightest colour of each hair word (CelebA's four, reference 1.1)."""

SKIN: tuple[Colour, ...] = ((250, 216, 190), (236, 188, 152), (206, 150, 112), (168, 114, 80), (122, 80, 58))
STYLES = ("short", "long", "curly", "bob")
SMILE = ("Is this person smiling? Answer yes or no.", "Does the person smile? Answer yes or no.")
COLOUR = ("What colour is the hair: black, blond, brown or gray?", "Which hair colour does the person have?")
DESCRIBE = ("Describe the face.", "What does the person look like?")


@dataclass(frozen=True)
class Face:
    """What is drawn, chosen before the first stroke."""

    hair: str
    smile: bool
    style: str
    glasses: bool
    hat: bool
    hair_colour: Colour
    skin: Colour
    turn: float  # -1 looks to the left of the picture, 1 to the right


def draw_face(rng: Random, index: int, split: Split) -> Drawn:
    """One face, its two questions and, in training, its conversations. Classes alternate with `index`."""
    hair = list(HAIR)[index // 2 % 4]
    style = rng.choice(STYLES)
    face = Face(
        hair=hair,
        smile=index % 2 == 0,
        style=style,
        glasses=rng.random() < 0.2,
        hat=rng.random() < 0.08 and style in ("long", "bob"),
        hair_colour=blend(*HAIR[hair], rng.random()),
        skin=shade(rng.choice(SKIN), rng.uniform(0.93, 1.04)),
        turn=rng.uniform(-1, 1),
    )
    path = f"celeba_images/{split}_{index:05d}.jpg"
    media = {path: paint_face(rng, face)}
    if split != "train":
        items = {
            "Facial_Classification_CelebA(Smile)": [{"image": path, "query": SMILE[0], "attr": "1" if face.smile else "-1"}],
            "Facial_Classification_CelebA(Hair)": [{"image": path, "query": COLOUR[0], "attr": face.hair}],
        }
        return Drawn(media, items=items)
    turns = [(wording(rng, SMILE), "yes" if face.smile else "no"), (wording(rng, COLOUR), face.hair)]
    rng.shuffle(turns)
    dialogues = [
        dialogue_2d(path, "facial_classification", turns),
        dialogue_2d(path, "description", [(wording(rng, DESCRIBE), describe(face))]),
    ]
    return Drawn(media, dialogues=dialogues)


def describe(face: Face) -> str:
    """The caption of the contrastive stage."""
    extras = [word for word, there in (("glasses", face.glasses), ("a hat", face.hat)) if there]
    mood = "smiling" if face.smile else "not smiling"
    worn = f" and {' and '.join(extras)}" if extras else ""
    return f"A face with {face.style} {face.hair} hair{worn}, {mood}."


def paint_face(rng: Random, face: Face) -> bytes:
    """The picture: background, clothes, hair behind, head, features, hair in front, hat."""
    width, height = rng.randint(88, 124) * OVER, rng.randint(104, 140) * OVER
    canvas = backdrop(rng, width, height)
    draw = ImageDraw.Draw(canvas)
    scale = min(width / 2.9, height / 3.3) * rng.uniform(0.88, 1.08)
    pose = Pose(width * rng.uniform(0.45, 0.55), height * rng.uniform(0.46, 0.52), scale, rng.uniform(-0.22, 0.22))
    long = face.style in ("long", "bob")
    if long:
        low = 1.45 if face.style == "long" else 0.85
        draw.polygon(pose(hair_behind(low)), fill=shade(face.hair_colour, 0.85))
    clothes(rng, draw, pose)
    draw.polygon(pose(rectangle(0, 1.0, 0.62, 0.8)), fill=shade(face.skin, 0.82))
    for side in (-1, 1):
        if not long:
            draw.polygon(pose(oval(0.8 * side, 0.08, 0.14, 0.22)), fill=shade(face.skin, 0.88))
    draw.polygon(pose(oval(0, 0, 0.8, 1.0)), fill=face.skin)
    features(rng, draw, pose, face)
    hair_front(rng, draw, pose, face)
    if face.hat:
        hat(rng, draw, pose)
    return jpeg(finish(rng, canvas))


def clothes(rng: Random, draw: ImageDraw.ImageDraw, pose: Pose) -> None:
    """Shoulders in any colour."""
    colour = between(rng, (20, 20, 20), (235, 235, 235))
    draw.polygon(pose(oval(0, 2.3, 1.5, 1.05, 180, 360)), fill=colour)
    if rng.random() < 0.4:
        draw.polygon(pose([(-0.3, 1.27), (0.3, 1.27), (0, 1.75)]), fill=shade(colour, 0.7))


def hair_behind(low: float) -> np.ndarray:
    """The outline of long hair behind the head, down to `low`."""
    return np.concatenate((oval(0, -0.12, 1.0, 1.05, 180, 360), [(1.02, low), (-1.02, low)]))


def features(rng: Random, draw: ImageDraw.ImageDraw, pose: Pose, face: Face) -> None:
    """Eyes, brows, nose, mouth, glasses; all shift a little to the side that the face looks to."""
    x = 0.12 * face.turn
    iris = between(rng, (20, 30, 20), (90, 110, 140))
    ink = shade(face.skin, 0.45)
    for side in (-1, 1):
        eye = x + 0.31 * side
        draw.polygon(pose(oval(eye, -0.08, 0.15, 0.09)), fill=(250, 250, 250))
        draw.polygon(pose(oval(eye + 0.04 * face.turn, -0.08, 0.075, 0.085)), fill=iris)
        raised = rng.uniform(-0.03, 0.03)
        line(draw, pose([(eye - 0.17, -0.27 + raised), (eye + 0.17, -0.27 - raised)]), ink, 0.06 * pose.scale)
    line(draw, pose([(x, 0.0), (x + 0.1 * (1 if face.turn > 0 else -1), 0.28), (x - 0.02, 0.3)]), ink, 0.04 * pose.scale)
    mouth(rng, draw, pose, face, x)
    if face.glasses:
        frame = between(rng, (10, 10, 10), (90, 60, 60))
        for side in (-1, 1):
            ring = pose(oval(x + 0.31 * side, -0.06, 0.24, 0.19))
            line(draw, ring, frame, 0.045 * pose.scale)
        line(draw, pose([(x - 0.08, -0.08), (x + 0.08, -0.08)]), frame, 0.05 * pose.scale)


def mouth(rng: Random, draw: ImageDraw.ImageDraw, pose: Pose, face: Face, x: float) -> None:
    """Corners up for a smile, with or without teeth; else straight, down or round."""
    lips: Colour = between(rng, (150, 30, 40), (200, 70, 80)) if brightness(face.skin) > 130 else (96, 16, 24)
    y, wide = rng.uniform(0.5, 0.56), rng.uniform(0.36, 0.46)
    if face.smile and rng.random() < 0.5:
        draw.polygon(pose(oval(x, y - 0.04, wide, rng.uniform(0.26, 0.34), 0, 180)), fill=lips)
        draw.polygon(pose(oval(x, y - 0.01, wide * 0.84, 0.15, 0, 180)), fill=(252, 250, 246))
    elif face.smile:
        line(draw, pose(oval(x, y - 0.12, wide, rng.uniform(0.26, 0.34), 12, 168)), lips, 0.09 * pose.scale)
    else:
        kind = rng.choice(("straight", "straight", "down", "round"))
        if kind == "straight":
            line(draw, pose([(x - wide * 0.8, y + 0.04), (x + wide * 0.8, y + 0.04)]), lips, 0.09 * pose.scale)
        elif kind == "down":
            line(draw, pose(oval(x, y + 0.3, wide, rng.uniform(0.24, 0.32), 195, 345)), lips, 0.09 * pose.scale)
        else:
            draw.polygon(pose(oval(x, y + 0.05, 0.13, 0.15)), fill=lips)
            draw.polygon(pose(oval(x, y + 0.05, 0.07, 0.09)), fill=shade(lips, 0.4))


def hair_front(rng: Random, draw: ImageDraw.ImageDraw, pose: Pose, face: Face) -> None:
    """The hair that lies over the head: a cap with a parting or fringe, or curls."""
    colour = face.hair_colour
    if face.style == "curly":
        for angle in np.linspace(170, 370, 15):
            cx, cy = 0.82 * np.cos(np.radians(angle)), -0.15 + 0.86 * np.sin(np.radians(angle))
            draw.polygon(pose(oval(cx, cy, 0.25, 0.25, steps=14)), fill=shade(colour, rng.uniform(0.9, 1.1)))
    parting, edge = rng.uniform(-0.5, 0.5), rng.uniform(-0.5, -0.38)
    fringe = [(0.83, -0.2), (0.62, edge), (parting, rng.uniform(-0.72, -0.55)), (-0.62, edge), (-0.83, -0.2)]
    draw.polygon(pose(np.concatenate((oval(0, -0.14, 0.88, 1.0, 184, 356), fringe))), fill=colour)
    if face.style in ("long", "bob"):
        low = 1.3 if face.style == "long" else 0.75
        for side in (-1, 1):
            strand = [(0.86 * side, -0.3), (0.98 * side, low), (0.74 * side, low), (0.68 * side, -0.35)]
            draw.polygon(pose(strand), fill=colour)
    for _ in range(5):
        angle = rng.uniform(200, 340)
        start = oval(0, -0.14, 0.84, 0.95, angle, angle + 4, 2)[0]
        line(draw, pose([start, start * 0.8 + (0, -0.02)]), shade(colour, rng.choice((0.8, 1.2))), 0.03 * pose.scale)


def hat(rng: Random, draw: ImageDraw.ImageDraw, pose: Pose) -> None:
    """A hat on top; the hair at the sides stays in sight."""
    colour = between(rng, (30, 30, 60), (220, 80, 220))
    draw.polygon(pose(oval(0, -0.55, 0.86, 0.85, 180, 360)), fill=colour)
    draw.polygon(pose(rectangle(0, -0.55, 2.2, 0.16)), fill=shade(colour, 0.75))


SUBJECTS = (Subject("faces", "2D", draw_face, {"test": 120, "val": 120, "train": 3000}),)
