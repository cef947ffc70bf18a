"""People made of limbs, with the fourteen joints of LSP, for the keypoint file and the locating file.

Left and right are the person's own. The right arm and leg are warm (red to orange) and the left ones cool (blue to
green-blue), whether we see the person from the front, from behind or from the side; a face with eyes is drawn only in
front views. So the side of every joint can be read off the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from PIL import ImageDraw

from .dialogue import Turn, dialogue_2d, groups, numbers, wording
from .drawn import Drawn, Split, Subject
from .paint import OVER, Colour, backdrop, between, brightness, finish, jpeg, line, oval, rectangle, shade

JOINTS = (
    "right ankle",
    "right knee",
    "right hip",
    "left hip",
    "left knee",
    "left ankle",
    "right wrist",
    "right elbow",
    "right shoulder",
    "left shoulder",
    "left elbow",
    "left wrist",
    "neck",
    "head top",
)
"""LSP's order (reference 1.11)."""

JOINT = ("Where is the {} of the person? Answer as [x, y].", "Point at the {}: [x, y].")
HIP = ("Where is the hip of the person? Answer as [x, y].", "Point at the hip of the person: [x, y].")
DESCRIBE = ("Describe the person.", "What is the person doing, and where are head, hands and feet?")
SKIN: tuple[Colour, ...] = ((246, 210, 184), (222, 172, 136), (180, 126, 92), (122, 80, 58))


@dataclass(frozen=True)
class Limbs:
    """A pose: directions of the limbs in degrees from straight down, positive towards the right of the picture.

    `one` is the side that is drawn at the left of a front view; `two` the other."""

    name: str
    arm_one: tuple[float, float]  # upper arm, forearm
    arm_two: tuple[float, float]
    leg_one: tuple[float, float]  # thigh, shin
    leg_two: tuple[float, float]
    lean: float = 0.0  # of the trunk, clockwise
    width: float = 1.0  # of hips and shoulders: 1 from the front, less from the side
    turned: float = 0.0  # of the whole person, clockwise
    seat: bool = False


def standing(rng: Random, side: int) -> Limbs:
    arms = [rng.uniform(8, 40) for _ in range(2)]
    legs = [rng.uniform(2, 16) for _ in range(2)]
    bend = [rng.uniform(-25, 5) for _ in range(2)]
    one, two = (-arms[0], -arms[0] - bend[0]), (arms[1], arms[1] + bend[1])
    return Limbs("standing", one, two, (-legs[0], -legs[0] * 0.6), (legs[1], legs[1] * 0.6), rng.uniform(-5, 5))


def arms_up(rng: Random, side: int) -> Limbs:
    one, two = rng.uniform(130, 172), rng.uniform(130, 172)
    legs = rng.uniform(3, 18)
    fore = rng.uniform(0, 25), rng.uniform(0, 25)
    arms = (-one, -one - fore[0]), (two, two + fore[1])
    return Limbs("holding both arms up", *arms, (-legs, -legs), (legs, legs), rng.uniform(-5, 5))


def waving(rng: Random, side: int) -> Limbs:
    up, down = rng.uniform(100, 150), rng.uniform(8, 35)
    raised, hanging = (up, up + rng.uniform(20, 60)), (down, down - rng.uniform(0, 20))
    one, two = ((-raised[0], -raised[1]), hanging) if side < 0 else ((-hanging[0], -hanging[1]), raised)
    legs = rng.uniform(2, 14)
    return Limbs("waving", one, two, (-legs, -legs), (legs, legs), rng.uniform(-5, 5))


def arms_out(rng: Random, side: int) -> Limbs:
    one, two = rng.uniform(75, 105), rng.uniform(75, 105)
    legs = rng.uniform(4, 24)
    return Limbs("stretching both arms out", (-one, -one), (two, two), (-legs, -legs), (legs, legs), rng.uniform(-6, 6))


def hands_on_hips(rng: Random, side: int) -> Limbs:
    out, back, legs = rng.uniform(42, 58), rng.uniform(32, 48), rng.uniform(4, 18)
    return Limbs("standing with hands on hips", (-out, back), (out, -back), (-legs, -legs), (legs, legs))


def jumping(rng: Random, side: int) -> Limbs:
    arms, legs = rng.uniform(110, 150), rng.uniform(30, 50)
    return Limbs("jumping", (-arms, -arms), (arms, arms), (-legs, -legs * 0.8), (legs, legs * 0.8), rng.uniform(-8, 8))


def running(rng: Random, side: int) -> Limbs:
    front, back = rng.uniform(40, 70), rng.uniform(20, 45)
    shin_front, shin_back = front - rng.uniform(45, 75), back + rng.uniform(35, 70)
    arm_front, arm_back = rng.uniform(30, 55), rng.uniform(30, 60)
    forward = (side * arm_front, side * (arm_front + rng.uniform(50, 85)))
    backward = (-side * arm_back, -side * (arm_back - rng.uniform(50, 85)))
    legs = (side * front, side * shin_front), (-side * back, -side * shin_back)
    lean = side * rng.uniform(6, 18)
    if rng.random() < 0.5:
        return Limbs("running", backward, forward, *legs, lean, 0.45)
    return Limbs("running", forward, backward, legs[1], legs[0], lean, 0.45)


def sitting(rng: Random, side: int) -> Limbs:
    thigh, shin, arm = rng.uniform(74, 92), rng.uniform(-12, 14), rng.uniform(15, 45)
    apart = rng.uniform(8, 16)
    one, two = (side * arm, side * (arm + 40)), (side * (arm + 22), side * (arm + 70))
    legs = (side * (thigh - apart), side * (shin - apart)), (side * thigh, side * (shin + apart))
    return Limbs("sitting", one, two, *legs, side * rng.uniform(-8, 4), 0.4, seat=True)


def lying(rng: Random, side: int) -> Limbs:
    arms, legs = rng.uniform(10, 60), rng.uniform(4, 20)
    limbs = (-arms, -arms), (arms, arms * 0.6), (-legs, -legs), (legs, legs)
    return Limbs("lying on the ground", *limbs, turned=side * rng.uniform(70, 100))


POSES: tuple[Callable[[Random, int], Limbs], ...] = (
    standing,
    arms_up,
    waving,
    arms_out,
    hands_on_hips,
    jumping,
    running,
    running,
    sitting,
    lying,
)


def direction(degrees: float) -> np.ndarray:
    """The unit vector [2] of a limb: 0 points down, 90 to the right of the picture."""
    return np.array((np.sin(np.radians(degrees)), np.cos(np.radians(degrees))))


def skeleton(limbs: Limbs, mirrored: bool) -> np.ndarray:
    """The joints [14, 2] in the person's own units (trunk = 1), in LSP's order.

    `mirrored` gives `one`, the limbs at the left of a front view, to the person's left: a view from behind."""
    up = -direction(-limbs.lean)
    across = np.array((-up[1], up[0]))
    neck = up * 1.0
    joints: dict[str, np.ndarray] = {"neck": neck, "head top": neck + up * 0.62}
    sides = ("left", "right") if mirrored else ("right", "left")
    for name, sign, arm, leg in zip(sides, (-1, 1), (limbs.arm_one, limbs.arm_two), (limbs.leg_one, limbs.leg_two)):
        hip = across * sign * 0.2 * limbs.width
        shoulder = neck * 0.93 + across * sign * 0.31 * limbs.width
        elbow = shoulder + direction(arm[0]) * 0.55
        knee = hip + direction(leg[0]) * 0.78
        joints |= {
            f"{name} hip": hip,
            f"{name} shoulder": shoulder,
            f"{name} elbow": elbow,
            f"{name} wrist": elbow + direction(arm[1]) * 0.52,
            f"{name} knee": knee,
            f"{name} ankle": knee + direction(leg[1]) * 0.76,
        }
    points = np.stack([joints[name] for name in JOINTS])
    cos, sin = np.cos(np.radians(limbs.turned)), np.sin(np.radians(limbs.turned))
    return points @ np.array(((cos, sin), (-sin, cos)))


def draw_person(rng: Random, index: int, split: Split) -> Drawn:
    """One person with the items of both files and, in training, conversations about joints, place and pose."""
    limbs = POSES[index % len(POSES)](rng, rng.choice((-1, 1)))
    behind = rng.random() < 0.5
    width, height = rng.randint(88, 128), rng.randint(96, 140)
    if limbs.turned:
        width, height = height, width
    joints = placed(rng, skeleton(limbs, behind), width, height)
    path = f"lsp_images/{split}_{index:05d}.jpg"
    media = {path: paint_person(rng, joints, width, height, limbs, behind)}
    fractions = {name: (x / width, y / height) for name, (x, y) in zip(JOINTS, joints)}
    if split != "train":
        gt_joints = [[round(float(x), 2), round(float(y), 2), 1] for x, y in joints]
        items: dict[str, list[dict[str, Any]]] = {
            "Keypoints_Detection_LSP": [{"image": path, "query": JOINT[0], "gt_joints": gt_joints}],
            "Locating_LSP": [{"image": path, "query": HIP[0], "gt_joints": gt_joints}],
        }
        return Drawn(media, items=items)
    turns: list[Turn] = [(wording(rng, JOINT).format(name), numbers(fractions[name])) for name in JOINTS]
    hips = [(a + b) / 2 for a, b in zip(fractions["right hip"], fractions["left hip"])]
    dialogues = [dialogue_2d(path, "keypoint_detection", dealt) for dealt in groups(rng, turns, 4)]
    dialogues.append(dialogue_2d(path, "locating", [(wording(rng, HIP), numbers(hips))]))
    dialogues.append(dialogue_2d(path, "description", [(wording(rng, DESCRIBE), describe(limbs, fractions))]))
    return Drawn(media, dialogues=dialogues)


def placed(rng: Random, points: np.ndarray, width: int, height: int) -> np.ndarray:
    """The joints [14, 2] in pixels, scaled to the picture and moved to a random place inside a margin of 5 %."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.array((width, height)) * 0.9
    scale = float(np.min(room / (high - low))) * rng.uniform(0.75, 1.0)
    free = room - (high - low) * scale
    corner = np.array((width, height)) * 0.05 + free * (rng.random(), rng.random())
    return (points - low) * scale + corner


def place_words(x: float, y: float) -> str:
    """A ninth of the picture in words.

    >>> place_words(0.1, 0.9), place_words(0.5, 0.5)
    ('bottom left', 'middle')
    """
    row, column = ("top", "", "bottom")[min(2, int(y * 3))], ("left", "", "right")[min(2, int(x * 3))]
    return f"{row} {column}".strip() or "middle"


def describe(limbs: Limbs, fractions: Mapping[str, Sequence[float]]) -> str:
    """The caption of the contrastive stage: the pose, and the places of head, hands and feet."""
    parts = {"head": "head top", "right hand": "right wrist", "left hand": "left wrist"}
    parts |= {"right foot": "right ankle", "left foot": "left ankle"}
    places = ", ".join(f"{word} {place_words(fractions[j][0], fractions[j][1])}" for word, j in parts.items())
    return f"A person {limbs.name}: {places}."


def paint_person(rng: Random, joints: np.ndarray, width: int, height: int, limbs: Limbs, behind: bool) -> bytes:
    """The picture: background, seat, far limbs, trunk, head, near limbs."""
    canvas = backdrop(rng, width * OVER, height * OVER, low=110, high=235)
    draw = ImageDraw.Draw(canvas)
    at = {name: (float(x) * OVER, float(y) * OVER) for name, (x, y) in zip(JOINTS, joints)}
    trunk = float(np.hypot(*(np.array(at["neck"]) - (np.array(at["right hip"]) + np.array(at["left hip"])) / 2)))
    thick = trunk * rng.uniform(0.19, 0.25)
    colours = {"right": warm(rng), "left": cool(rng)}
    skin = rng.choice(SKIN)
    if limbs.seat:
        hip = (np.array(at["right hip"]) + np.array(at["left hip"])) / 2
        draw.polygon(
            [(float(x), float(y)) for x, y in rectangle(hip[0], hip[1] + 0.5 * trunk, trunk, 0.8 * trunk)],
            fill=between(rng, (70, 60, 50), (130, 120, 110)),
        )
    first, second = ("right", "left") if rng.random() < 0.5 else ("left", "right")
    limb(draw, at, first, colours[first], thick, skin)
    body = between(rng, (90, 90, 90), (245, 245, 245))
    grey = round(brightness(body))
    shirt = (grey, grey, min(255, grey + 6))
    corners = ("right shoulder", "left shoulder", "left hip", "right hip")
    draw.polygon([at[name] for name in corners], fill=shirt)
    for a, b in zip(corners, (*corners[1:], corners[0])):
        line(draw, [at[a], at[b]], shirt, thick)
    head(rng, draw, np.array(at["neck"]), np.array(at["head top"]), thick, skin, behind)
    limb(draw, at, second, colours[second], thick, skin)
    return jpeg(finish(rng, canvas))


def limb(
    draw: ImageDraw.ImageDraw, at: Mapping[str, tuple[float, float]], side: str, colour: Colour, thick: float, skin: Colour
) -> None:
    """One leg and one arm; forearm and shin a little darker than upper arm and thigh, with a skin-coloured hand."""
    dark = shade(colour, 0.72)
    for start, middle, end in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")):
        a, b, c = (at[f"{side} {joint}"] for joint in (start, middle, end))
        line(draw, [b, c], dark, thick * 0.8)
        line(draw, [a, b], colour, thick)
    x, y = at[f"{side} wrist"]
    r = thick * 0.42
    draw.ellipse((x - r, y - r, x + r, y + r), fill=skin)


def head(
    rng: Random, draw: ImageDraw.ImageDraw, neck: np.ndarray, top: np.ndarray, thick: float, skin: Colour, behind: bool
) -> None:
    """An oval from a little above the neck to the head's top; hair all over it from behind, eyes from the front."""
    up = top - neck
    length = float(np.hypot(*up))
    across = np.array((-up[1], up[0])) / length
    hair = shade(rng.choice(((30, 26, 24), (110, 70, 40), (225, 190, 110), (160, 160, 160))), rng.uniform(0.9, 1.05))
    line(draw, [tuple(neck), tuple(neck + up * 0.4)], shade(skin, 0.8), thick * 0.7)

    def on_head(shape: np.ndarray) -> list[tuple[float, float]]:
        return [tuple(neck + up * (0.6 - 0.4 * y) + across * (0.32 * length * x)) for x, y in shape]

    draw.polygon(on_head(oval(0, 0, 1, 1)), fill=hair if behind else skin)
    if not behind:
        draw.polygon(on_head(oval(0, 0, 1, 1, 195, 345)), fill=hair)
        for side in (-1, 1):
            draw.polygon(on_head(oval(0.4 * side, 0.05, 0.16, 0.14, steps=10)), fill=(20, 20, 30))


def warm(rng: Random) -> Colour:
    """Red to orange: the person's right."""
    return (rng.randint(205, 250), rng.randint(20, 110), rng.randint(10, 50))


def cool(rng: Random) -> Colour:
    """Blue to green-blue: the person's left."""
    return (rng.randint(10, 50), rng.randint(60, 150), rng.randint(195, 250))


SUBJECTS = (Subject("people", "2D", draw_person, {"test": 120, "val": 120, "train": 5000}),)
