"""What can be said and asked about a scene: captions by grammar and questions with one clear answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from .composing import Scene
from .dialogue import choices, options_text
from .grounds import GROUNDS
from .objects import VOC, plural, word
from .shapes import COLOURS


def join(parts: list[str]) -> str:
    """
    >>> join(["a", "b", "c"])
    'a, b and c'
    """
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def caption(scene: Scene) -> str:
    """The one sentence that names everything: objects, colours, places and the ground."""
    return sentence(join([f"{t.phrase} {t.place}" for t in scene.things]) + f", {scene.ground}")


def references(scene: Scene, rng: Random) -> list[str]:
    """Five descriptions by five people, as Flickr30k has."""
    things = list(scene.things)
    phrases = [t.phrase for t in things]
    verb = "is" if len(things) == 1 else "are"
    if len(things) > 1:
        a, b = things[0], things[1]
        across = abs(a.centre[0] - b.centre[0]) >= abs(a.centre[1] - b.centre[1])
        relation = "to the left of" if across else "above" if a.centre[1] < b.centre[1] else "below"
        if across and a.centre[0] > b.centre[0]:
            relation = "to the right of"
        rest = f" with {join(phrases[2:])}" if len(things) > 2 else ""
        related = f"{a.phrase} {relation} {b.phrase}{rest} {scene.ground}"
    else:
        related = f"there is {phrases[0]} {things[0].place} of the picture".replace("in the middle", "in the centre")
    said = [
        caption(scene),
        sentence(join(phrases) + f" {scene.ground}"),
        sentence(related),
        sentence(f"{join(phrases[::-1])} {verb} seen {scene.ground}"),
        sentence(f"{scene.ground}, " + join([f"{t.phrase} is {t.place}" for t in things])),
    ]
    rng.shuffle(said)
    return said


@dataclass(frozen=True)
class Question:
    """A multiple-choice question about a scene."""

    text: str
    context: str
    options: tuple[str, ...]  # two to five, without letters
    right: int  # index into `options`

    @property
    def query(self) -> str:
        """Upstream's form for ScienceQA (reference 1.1): question, `Context:`, `Options:`."""
        return f"{self.text}\nContext: {self.context}\n{options_text(self.options)}"

    @property
    def answer(self) -> str:
        """The right option's text: what is seen is said, not where it stands in a list."""
        return self.options[self.right]


def pose_question(rng: Random, text: str, context: str, right: str, wrong: Sequence[str]) -> Question:
    """Draws two to five options (four or five most often); the right one is equally likely to stand anywhere."""
    count = min(len(wrong) + 1, rng.choice((2, 3, 4, 4, 4, 5, 5)))
    place = rng.randrange(count)
    return Question(text, context, tuple(choices(rng, right, rng.sample(list(wrong), count - 1), place)), place)


def questions(scene: Scene, rng: Random) -> list[Question]:
    """Every kind of question that has one clear answer here, in random order."""
    names = [word(thing.name) for thing in scene.things]
    absent = [word(name) for name in VOC if word(name) not in names]
    alone = [thing for thing in scene.things if names.count(word(thing.name)) == 1]
    asked = [
        pose_question(rng, "Which of these is in the picture?", "Only one of the options is there.", rng.choice(names), absent),
        pose_question(rng, "Where is this?", "Look at the background.", scene.ground, [g for g in GROUNDS if g != scene.ground]),
        count_question(rng, "How many objects are there?", "Count things, not the background.", len(names)),
    ]
    if alone:
        thing = rng.choice(alone)
        others = [colour for colour in COLOURS if colour != thing.colour]
        coloured = {"person": "person's shirt", "pottedplant": "pot of the plant"}.get(thing.name, word(thing.name))
        text = f"What colour is the {coloured}?"
        asked.append(pose_question(rng, text, "Look at its main part.", thing.colour, others))
    if len(alone) == len(names) > 1:
        asked += comparisons(scene, rng)
        gone = rng.choice(absent)
        asked.append(pose_question(rng, "Which of these is not in the picture?", "All the other options are there.", gone, names))
    for name in sorted({name for name in names if names.count(name) > 1})[:1]:
        asked.append(count_question(rng, f"How many {plural(name)} are there?", "Count only these.", names.count(name)))
    rng.shuffle(asked)
    return asked


def count_question(rng: Random, text: str, context: str, count: int) -> Question:
    return pose_question(rng, text, context, str(count), [str(n) for n in range(1, 6) if n != count])


def comparisons(scene: Scene, rng: Random) -> list[Question]:
    """Which object is farthest to a side, which is largest: asked only where the margin is plain to see."""
    all_there = "All of them are in the picture."
    by_x = sorted(scene.things, key=lambda thing: thing.centre[0])
    by_area = sorted(scene.things, key=lambda thing: -thing.area)
    asked = []
    for order, side in ((by_x, "left"), (by_x[::-1], "right")):
        if abs(order[0].centre[0] - order[1].centre[0]) > 0.1:
            wrong = [word(thing.name) for thing in order[1:]]
            asked.append(pose_question(rng, f"Which object is farthest to the {side}?", all_there, word(order[0].name), wrong))
    if by_area[0].area > 1.35 * by_area[1].area:
        wrong = [word(thing.name) for thing in by_area[1:]]
        asked.append(pose_question(rng, "Which object takes up most room?", all_there, word(by_area[0].name), wrong))
    return asked
