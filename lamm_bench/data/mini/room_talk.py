"""What is said about a room: descriptions that fit one object only, questions with six options, and conversations.

Whatever compares (largest, nearest) is said only where the runner-up is clearly behind, so that noise decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from random import Random
from typing import Any

from .dialogue import Turn, choices, dialogue_3d, groups, number, numbers, options_text, wording
from .furniture import COLOURS, KINDS, Piece, Room

DETECT = ("Which objects are in the room? Give each name and box [x, y, z, l, w, h].", "List all objects with their boxes.")
GROUND = ("Give the box [x, y, z, l, w, h] of {}.", "Where is {}? Answer with its box.")
DESCRIBE = ("Describe the room.", "What is in the room?")

SIZE_MARGIN = 1.25
"""A piece is called the largest when its box has at least this many times the volume of the next."""

DISTANCE_MARGIN = 0.4
"""A piece is called the nearest when the next is at least this much farther away, in metres on the floor plan."""


@dataclass(frozen=True)
class Description:
    """A noun phrase that fits exactly one piece."""

    family: str  # "class", "colour", "size" or "near"
    text: str
    piece: Piece


@dataclass(frozen=True)
class Question:
    """A question with its right option and at least five wrong ones."""

    family: str  # "count", "colour", "present" or "near"
    text: str
    right: str
    wrong: tuple[str, ...]


def distance(one: Piece, two: Piece) -> float:
    """Metres between the centres on the floor plan."""
    return hypot(one.box[0] - two.box[0], one.box[1] - two.box[1])


def nearest(anchor: Piece, pieces: Sequence[Piece]) -> Piece | None:
    """The piece nearest to the anchor, or None when it is too close to call."""
    ranked = sorted(pieces, key=lambda piece: distance(anchor, piece))
    if len(ranked) > 1 and distance(anchor, ranked[1]) - distance(anchor, ranked[0]) < DISTANCE_MARGIN:
        return None
    return ranked[0] if ranked else None


def by_size(pieces: Sequence[Piece]) -> dict[str, Piece]:
    """`largest` and `smallest` of two or more pieces, each where it is clear."""
    ranked = sorted(pieces, key=lambda piece: piece.box[3] * piece.box[4] * piece.box[5])
    volume = [piece.box[3] * piece.box[4] * piece.box[5] for piece in ranked]
    found = {}
    if len(ranked) > 1 and volume[-1] > SIZE_MARGIN * volume[-2]:
        found["largest"] = ranked[-1]
    if len(ranked) > 1 and volume[1] > SIZE_MARGIN * volume[0]:
        found["smallest"] = ranked[0]
    return found


def descriptions(room: Room) -> list[Description]:
    """Every description of the room that fits exactly one of its objects."""
    counted = Counter(piece.label for piece in room.pieces)
    coloured = Counter((piece.label, piece.colour) for piece in room.pieces)
    single = [piece for piece in room.pieces if counted[piece.label] == 1]
    found = [Description("class", f"the {piece.label}", piece) for piece in single]
    for piece in room.pieces:
        if coloured[piece.label, piece.colour] == 1:
            found.append(Description("colour", f"the {piece.colour} {piece.label}", piece))
    for label in sorted(name for name, count in counted.items() if count > 1):
        same = [piece for piece in room.pieces if piece.label == label]
        found += [Description("size", f"the {word} {label}", piece) for word, piece in by_size(same).items()]
        for anchor in single:
            if target := nearest(anchor, same):
                found.append(Description("near", f"the {label} nearest to the {anchor.label}", target))
    return found


def questions(rng: Random, room: Room) -> list[Question]:
    """Everything that is asked about the room."""
    counted = Counter(piece.label for piece in room.pieces)
    absent = [label for label in KINDS if label not in counted]
    asked = []
    for label in [*counted, *rng.sample(absent, 1)]:
        right = str(counted[label])
        asked.append(Question("count", f"How many {plural(label)} are there?", right, tuple(n for n in "012345" if n != right)))
    for piece in room.pieces:
        if counted[piece.label] == 1:
            others = tuple(colour for colour in COLOURS if colour != piece.colour)
            asked.append(Question("colour", f"What colour is the {piece.label}?", piece.colour, others))
            if neighbour := nearest(piece, [other for other in room.pieces if other is not piece]):
                wrong = tuple(label for label in KINDS if label not in (piece.label, neighbour.label))
                asked.append(Question("near", f"What is nearest to the {piece.label}?", neighbour.label, wrong))
    if len(absent) >= 5:
        for label in rng.sample(sorted(counted), min(2, len(counted))):
            asked.append(Question("present", "Which of these is in the room?", label, tuple(absent)))
    return asked


def plural(label: str) -> str:
    """The class name in the plural."""
    return {"bookshelf": "bookshelves"}.get(label, f"{label}s")


def with_options(rng: Random, question: Question, place: int) -> tuple[str, list[str]]:
    """The query and its six options, the right one at `place`."""
    options = choices(rng, question.right, rng.sample(question.wrong, 5), place)
    return f"{question.text} {options_text(options)}", options


def room_items(rng: Random, room: Room, paths: Sequence[str], index: int) -> dict[str, list[dict[str, Any]]]:
    """For every scan: all boxes, one description and one question of changing family."""
    boxes = [{"label": piece.label, "bbox": list(piece.box)} for piece in room.pieces]
    detection = [{"pcl": path, "query": DETECT[0], "object": boxes} for path in paths]
    grounding, asking = [], []
    said, asked = descriptions(room), questions(rng, room)
    for turn, path in enumerate(paths):
        description = take(rng, said, ("class", "colour", "near", "size"), index + turn)
        query = GROUND[0].format(description.text)
        grounding.append({"pcl": path, "query": query, "object": list(description.piece.box)})
        question = take(rng, asked, ("count", "colour", "present", "near"), index + turn)
        place = (index * len(paths) + turn + index // 2) % 6
        query, options = with_options(rng, question, place)
        asking.append({"pcl": path, "query": query, "gt_choice": place, "gt_choices": options})
    return {"Detection_ScanNet": detection, "VG_ScanRefer": grounding, "VQA_ScanQA_multiplechoice": asking}


def take(rng: Random, pool: list[Any], families: Sequence[str], turn: int) -> Any:
    """Takes one out of the pool: of the family whose turn it is, else of the next family that is there."""
    for step in range(len(families)):
        family = families[(turn + step) % len(families)]
        fitting = [entry for entry in pool if entry.family == family]
        if fitting:
            chosen = rng.choice(fitting)
            pool.remove(chosen)
            return chosen
    raise AssertionError(f"nothing of {families} is left to say about the room")


def room_dialogues(rng: Random, room: Room, path: str, name: str) -> list[dict[str, Any]]:
    """The conversations of a training room: all boxes, the descriptions, the questions, a caption."""
    boxes = "; ".join(f"{piece.label} {numbers(piece.box)}" for piece in room.pieces)
    found: list[Turn] = [(wording(rng, GROUND).format(d.text), numbers(d.piece.box)) for d in descriptions(room)]
    answered: list[Turn] = []
    for question in questions(rng, room):
        place = rng.randrange(6)
        answered.append((with_options(rng, question, place)[0], question.right))
    dialogues = [dialogue_3d(path, "detection3d", [(wording(rng, DETECT), boxes)], name)]
    dialogues += [dialogue_3d(path, "visual_grounding3d", dealt, name) for dealt in groups(rng, found, 3)]
    dialogues += [dialogue_3d(path, "VQA3D", dealt, name) for dealt in groups(rng, answered, 4)]
    dialogues.append(dialogue_3d(path, "description3d", [(wording(rng, DESCRIBE), caption(room))], name))
    return dialogues


def caption(room: Room) -> str:
    """Size of the room, and every piece with colour and place."""
    named = [f"a {piece.colour} {piece.label} {place_words(piece)}" for piece in room.pieces]
    return f"A room of {number(room.length, 1)} by {number(room.width, 1)} m with {', '.join(named)}."


def place_words(piece: Piece) -> str:
    """A ninth of the room in words: left and right along x, front and back along y."""
    x, y = piece.box[0], piece.box[1]
    row = "back" if y > 0.6 else "front" if y < -0.6 else ""
    column = "right" if x > 0.6 else "left" if x < -0.6 else ""
    return f"{row} {column}".strip() or "middle"
