"""Small diagrams of labelled pictograms joined by arrows, with AI2D's multiple-choice questions.

A diagram is a chain (arrows from each thing to the next), a cycle (the last points at the first too) or a scheme
without arrows (things with letters only). Which thing stands where is drawn by lot, so that only the picture answers."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from .dialogue import choices, dialogue_2d, groups, numbers, options_text
from .drawn import Drawn, Split, Subject
from .font import mask
from .paint import OVER, Colour, between, finish, gradient, jpeg, line
from .pictograms import PICTOGRAMS, paint_pictogram

LETTERS = "HKLMPRSTXZ"
"""Letters of the labels: none of A to F, which name the options."""

DESCRIBE = "Describe the diagram."
POINT = "Name everything in the diagram and point at it as [x, y]."


@dataclass(frozen=True)
class Diagram:
    """What is drawn: things in reading order of their arrows, their letters, their places."""

    kind: str  # "chain", "cycle" or "scheme"
    things: tuple[str, ...]
    letters: tuple[str, ...]
    places: tuple[tuple[float, float], ...]  # centres as fractions of the picture

    @property
    def arrows(self) -> tuple[tuple[int, int], ...]:
        """Index pairs: from, to."""
        count = len(self.things)
        steps = {"chain": count - 1, "cycle": count, "scheme": 0}[self.kind]
        return tuple((i, (i + 1) % count) for i in range(steps))


@dataclass(frozen=True)
class Question:
    """One question with its right option and the wrong ones to draw from."""

    family: str
    text: str
    right: str
    wrong: tuple[str, ...]


def design(rng: Random, index: int) -> Diagram:
    """A diagram of three to five things; the three kinds take turns with `index`."""
    kind = ("chain", "cycle", "scheme")[index % 3]
    count = rng.randint(3, 5)
    things = tuple(rng.sample(list(PICTOGRAMS), count))
    letters = tuple(rng.sample(LETTERS, count))
    return Diagram(kind, things, letters, layout(rng, kind, count))


def layout(rng: Random, kind: str, count: int) -> tuple[tuple[float, float], ...]:
    """Places round a circle for a cycle; on a grid that is walked like a snake for the others, mirrored at random."""
    if kind == "cycle":
        start, way = rng.uniform(0, 360), rng.choice((-1, 1))
        angles = [np.radians(start + way * 360 * i / count) for i in range(count)]
        return tuple((0.5 + 0.32 * float(np.cos(a)), 0.5 + 0.32 * float(np.sin(a))) for a in angles)
    cells = {3: [(0, 0), (1, 0), (2, 0)], 4: [(0, 0), (1, 0), (1, 1), (0, 1)], 5: [(0, 0), (1, 0), (2, 0), (2, 1), (1, 1)]}[count]
    if count == 3 and rng.random() < 0.5:
        cells = [(0, 0), (1, 0), (1, 1)]
    columns, rows = max(c for c, _ in cells) + 1, max(r for _, r in cells) + 1
    flip_x, flip_y, back = rng.random() < 0.5, rng.random() < 0.5, rng.random() < 0.5
    spots = []
    for column, row in reversed(cells) if back else cells:
        x, y = (column + 0.5) / columns, (row + 0.5) / rows
        spots.append((1 - x if flip_x else x, 1 - y if flip_y else y))
    return tuple((x + rng.uniform(-0.02, 0.02), y + rng.uniform(-0.02, 0.02)) for x, y in spots)


def questions(rng: Random, diagram: Diagram) -> list[Question]:
    """Everything that may be asked about the diagram."""
    things, letters = diagram.things, diagram.letters
    absent = tuple(rng.sample([name for name in PICTOGRAMS if name not in things], 4))
    asked = []
    for thing, letter in zip(things, letters):
        others = tuple(t for t in things if t != thing) + absent[:1]
        asked.append(Question("label", f"Which thing has the label {letter}?", thing, others))
        spare = rng.sample([x for x in LETTERS if x not in letters], 1)
        wrong_letters = (*(x for x in letters if x != letter), *spare)
        asked.append(Question("letter", f"Which letter labels the {thing}?", letter, wrong_letters))
    for start, end in diagram.arrows:
        wrong = tuple(t for i, t in enumerate(things) if i not in (start, end)) + absent[:2]
        asked.append(Question("points", f"What does the arrow from the {things[start]} point at?", things[end], wrong))
    present = rng.choice(things)
    asked.append(Question("present", "Which of these is in the diagram?", present, absent))
    missing = absent[0]
    asked.append(Question("absent", "Which of these is not in the diagram?", missing, things))
    arrows = len(diagram.arrows)
    counts = tuple(str(n) for n in (0, 2, 3, 4, 5) if n != arrows)
    asked.append(Question("count", "How many arrows are there?", str(arrows), counts))
    numbers = tuple(str(n) for n in (3, 4, 5) if n != len(things))
    asked.append(Question("things", "How many things have a label?", str(len(things)), numbers))
    if diagram.kind == "chain":
        asked.append(Question("first", "With which thing does the chain begin?", things[0], things[1:] + absent[:1]))
        asked.append(Question("last", "With which thing does the chain end?", things[-1], things[:-1] + absent[:1]))
    return asked


def with_options(rng: Random, question: Question, place: int) -> tuple[str, list[str], int]:
    """The query, two to four options, and the index of the right one: `place` modulo their number."""
    count = min(1 + len(question.wrong), rng.choice((4, 4, 4, 4, 4, 4, 4, 3, 2)))
    right = place % count
    options = choices(rng, question.right, rng.sample(question.wrong, count - 1), right)
    return f"{question.text} {options_text(options)}", options, right


FAMILIES = {
    "chain": ("points", "label", "first", "present", "points", "last", "letter", "absent"),
    "cycle": ("points", "count", "letter", "present", "points", "label"),
    "scheme": ("label", "letter", "things", "label", "absent", "present", "count"),
}
"""What the benchmark asks about each kind of diagram, in turns."""


def draw_diagram(rng: Random, index: int, split: Split) -> Drawn:
    """One diagram: one question in the benchmark, all of them in training."""
    diagram = design(rng, index)
    path = f"ai2d_images/{split}_{index:05d}.jpg"
    media = {path: paint_diagram(rng, diagram)}
    asked = questions(rng, diagram)
    if split != "train":
        turn = index // 3
        families = FAMILIES[diagram.kind]
        family = families[turn % len(families)]
        question = rng.choice([q for q in asked if q.family == family])
        query, options, right = with_options(rng, question, rng.randrange(12))
        item: dict[str, Any] = {"image": path, "query": query, "gt_choice": right, "gt_choices": options}
        return Drawn(media, items={"VQA_AI2D": [item]})
    turns = []
    for question in asked:
        query, _, _ = with_options(rng, question, rng.randrange(12))
        turns.append((query, question.right))
    dialogues = [dialogue_2d(path, "VQA", dealt) for dealt in groups(rng, turns, 4)]
    dialogues.append(dialogue_2d(path, "description", [(DESCRIBE, describe(diagram))]))
    spots = [
        f"{thing} {letter} {numbers(place)}" for thing, letter, place in zip(diagram.things, diagram.letters, diagram.places)
    ]
    dialogues.append(dialogue_2d(path, "locating", [(POINT, "; ".join(spots))]))
    return Drawn(media, dialogues=dialogues)


def describe(diagram: Diagram) -> str:
    """The caption of the contrastive stage: things with their letters, in the order of the arrows."""
    named = [f"{thing} {letter}" for thing, letter in zip(diagram.things, diagram.letters)]
    if diagram.kind == "scheme":
        return f"A scheme of {', '.join(named)}."
    if diagram.kind == "cycle":
        named.append(named[0])
    return f"A {diagram.kind}: {' to '.join(named)}."


def paint_diagram(rng: Random, diagram: Diagram) -> bytes:
    """The picture: paper, arrows, then the things with their letters on small tags."""
    across = sorted(x for x, _ in diagram.places)
    columns = 1 + sum(b - a > 0.1 for a, b in zip(across, across[1:]))
    wide = diagram.kind != "cycle" and columns > 2
    width, height = (rng.randint(150, 164), rng.randint(96, 112)) if wide else (rng.randint(120, 148), rng.randint(120, 148))
    width, height = width * OVER, height * OVER
    light = (205, 205, 200), (255, 255, 255)
    canvas = gradient(rng, width, height, between(rng, *light), between(rng, *light))
    draw = ImageDraw.Draw(canvas)
    spots = [(x * width, y * height) for x, y in diagram.places]
    size = min(width, height) * (0.15 if len(spots) > 3 else 0.17)
    ink = between(rng, (0, 0, 0), (90, 60, 90))
    for start, end in diagram.arrows:
        width_of_line = rng.uniform(0.017, 0.025) * min(width, height)
        arrow(draw, np.array(spots[start]), np.array(spots[end]), size * 1.12, ink, width_of_line)
    framed = rng.choice(("none", "box", "circle"))
    for thing, letter, (x, y) in zip(diagram.things, diagram.letters, spots):
        if framed != "none":
            box = (x - size, y - size, x + size, y + size)
            paper = between(rng, (225, 225, 225), (255, 255, 255))
            if framed == "box":
                draw.rectangle(box, fill=paper, outline=ink, width=3)
            else:
                draw.ellipse(box, fill=paper, outline=ink, width=3)
        paint_pictogram(rng, draw, thing, x, y, size * rng.uniform(0.72, 0.82))
        tag(draw, canvas, letter, x + size * 0.78, y + size * 0.78, size * 0.9, ink)
    return jpeg(finish(rng, canvas, noise=rng.choice((0, 3, 5))))


def arrow(draw: ImageDraw.ImageDraw, start: np.ndarray, end: np.ndarray, gap: float, colour: Colour, width: float) -> None:
    """A straight arrow from near one place to near another."""
    along = (end - start) / np.hypot(*(end - start))
    across = np.array((-along[1], along[0]))
    a, b = start + along * gap, end - along * gap
    if float(np.dot(b - a, along)) < width * 4:
        a, b = start + along * gap * 0.85, end - along * gap * 0.85
    head = width * 3.2
    line(draw, [tuple(a), tuple(b - along * head * 0.7)], colour, width)
    draw.polygon(
        [tuple(b), tuple(b - along * head + across * head * 0.62), tuple(b - along * head - across * head * 0.62)], fill=colour
    )


def tag(draw: ImageDraw.ImageDraw, canvas: Image.Image, letter: str, x: float, y: float, size: float, ink: Colour) -> None:
    """A white tag with one letter, its corner on the thing."""
    half = size / 2
    x = min(max(x, half + 1), canvas.width - half - 1)
    y = min(max(y, half + 1), canvas.height - half - 1)
    draw.rectangle((x - half, y - half, x + half, y + half), fill=(255, 255, 255), outline=ink, width=2)
    glyph = mask(letter, round(size * 0.56), round(size * 0.74))
    canvas.paste((20, 20, 20), (round(x - size * 0.28), round(y - size * 0.37)), glyph)


SUBJECTS = (Subject("diagrams", "2D", draw_diagram, {"test": 120, "val": 120, "train": 6000}),)
