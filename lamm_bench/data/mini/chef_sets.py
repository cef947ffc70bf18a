"""Two drawn sets in the files of ChEF's scenarios: questions asked again with their options turned (MMBench), and whether a thing is
there (POPE). ChEF's third, ScienceQA, is the miniature's `sqaimage`.

They are there to be evaluated on: nothing of them is drawn for training, and no dialogue of the training data asks in their words."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from .composing import draw_scene
from .describing import Question, questions
from .drawn import Drawn, Split, Subject
from .objects import VOC, word
from .paint import jpeg, png

TURN = 1_000_000  # added to a row's index for each place that its options are turned by (reference 9.3)
LETTERS = "ABCD"
FIRST = 101  # index of the first question
POPULAR = ("person", "car", "chair", "bottle", "dog")  # drawn four times as often as other things
ALIKE = (
    ("bird", "cat", "cow", "dog", "horse", "sheep"),
    ("aeroplane", "bicycle", "boat", "bus", "car", "motorbike", "train"),
    ("bottle", "chair", "diningtable", "pottedplant", "sofa", "tvmonitor"),
)
SETTINGS = ("random", "popular", "adversarial")
ASKED = 2  # things that are there, and as many that are not, for each picture and setting


def article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def draw_mmbench(rng: Random, index: int, split: Split) -> Drawn:
    """One picture with one question of up to four options, a row for each way of turning them."""
    image, scene = draw_scene(rng, some_things(rng), rng.randint(112, 156), rng.randint(96, 132), (0.34, 0.62))
    asked = of_four(questions(scene, rng)[0])
    data, media, rows = png(image.quantize(128)), {}, []  # the same bytes in each file, as MMBench has it
    for turn in range(len(asked.options)):
        number = FIRST + index + TURN * turn
        options = asked.options[turn:] + asked.options[:turn]
        right = options.index(asked.options[asked.right])
        media[f"MMBench/images/mmbench_image_{number}.png"] = data
        row: dict[str, Any] = {"index": number, "question": asked.text, "hint": asked.context}
        row |= {letter: options[place] if place < len(options) else "" for place, letter in enumerate(LETTERS)}
        rows.append({**row, "answer": LETTERS[right], "category": "drawn", "image": f"drawn {FIRST + index}"})
    return Drawn(media, {"MMBench": rows})


def some_things(rng: Random) -> list[str]:
    """One to three different things, some of them popular."""
    weights = [4 if name in POPULAR else 1 for name in VOC]
    wanted = rng.choice((1, 2, 2, 3, 3))
    found: list[str] = []
    while len(found) < wanted:
        (name,) = rng.choices(VOC, weights)
        if name not in found:
            found.append(name)
    return found


def of_four(question: Question) -> Question:
    """The question with no more options than MMBench has columns: the last wrong one goes."""
    options = list(question.options)
    while len(options) > len(LETTERS):
        del options[-1 if question.right != len(options) - 1 else -2]
    return replace(question, options=tuple(options), right=options.index(question.options[question.right]))


def draw_pope(rng: Random, index: int, split: Split) -> Drawn:
    """One picture with questions about things that are there and, by three ways of choosing them, things that are not."""
    image, scene = draw_scene(rng, some_things(rng), rng.randint(112, 156), rng.randint(96, 132), (0.34, 0.62))
    there = list(dict.fromkeys(thing.name for thing in scene.things))
    gone = [name for name in VOC if name not in there]
    name = f"COCO_val2014_{index + 1:012d}.jpg"
    items: dict[str, list[dict[str, Any]]] = {}
    present = rng.sample(there, min(ASKED, len(there)))
    for setting in SETTINGS:
        absent = chosen(rng, setting, there, gone)[: len(present)]
        pairs = [(thing, "yes") for thing in present] + [(thing, "no") for thing in absent]
        items[f"coco_pope_{setting}"] = [
            {"image": name, "text": f"Is there {article(word(thing))} in the image?", "label": label} for thing, label in pairs
        ]
    return Drawn({f"coco_pope/val2014/{name}": jpeg(image)}, items)


def chosen(rng: Random, setting: str, there: list[str], gone: list[str]) -> list[str]:
    """Absent things, those to be asked first: any, the popular ones, or those of the kinds that are there (Li et al. 2023)."""
    mixed = rng.sample(gone, len(gone))
    if setting == "popular":
        mixed.sort(key=lambda name: name not in POPULAR)
    elif setting == "adversarial":
        alike = {name for kind in ALIKE if set(kind) & set(there) for name in kind}
        mixed.sort(key=lambda name: name not in alike)
    return mixed


SUBJECTS = (
    Subject("mmbench", "ChEF", draw_mmbench, {"test": 100}),
    Subject("pope", "ChEF", draw_pope, {"test": 100}),
)
