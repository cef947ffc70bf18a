"""Pictures of drawn objects: classification, detection, locating, captions and questions."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from .composing import Scene, compose, draw_scene
from .describing import Question, caption, questions, references
from .dialogue import dialogue_2d, numbers
from .drawn import Drawn, Split, Subject
from .objects import CIFAR10
from .paint import jpeg

CLASSIFY = ("What is the category label of this image?", "Which category does this image show?")
DETECT = ("Name every object in the image and give its box as [x1, y1, x2, y2].",)
LOCATE = ("Name every object in the image and point at it as [x, y].",)
CAPTION = ("Describe this image in one sentence.",)


def draw_cifar10(rng: Random, index: int, split: Split) -> Drawn:
    """One object that fills most of a small picture; the classes take turns, so that every class is equally frequent."""
    label = tuple(CIFAR10)[index % len(CIFAR10)]
    width = rng.randint(64, 104)
    height = round(width * rng.uniform(0.85, 1.18))
    image, scene = draw_scene(rng, [CIFAR10[label]], width, height, (0.55, 0.92))
    path = f"cifar10_images/{split}_{index:05d}.jpg"
    query = rng.choice(CLASSIFY)
    talk = []
    if split == "train":
        talk = [
            dialogue_2d(path, "classification", [(query, label)]),
            dialogue_2d(path, "description", [(CAPTION[0], caption(scene))]),
        ]
    return Drawn({path: jpeg(image)}, {"Classification_CIFAR10": [{"image": path, "query": query, "label": label}]}, talk)


def drawer(folder: str) -> Callable[[Random, int, Split], Drawn]:
    """The drawer of one picture set; all three show the same kind of scene and ask different things of it."""

    def draw(rng: Random, index: int, split: Split) -> Drawn:
        image, scene = compose(rng)
        path = f"{folder}/{split}_{index:05d}.jpg"
        objects = [{"label": t.name, "bbox": list(t.box)} for t in scene.things]
        asked = questions(scene, rng)
        items: dict[str, list[dict[str, Any]]] = {}
        if folder == "voc2012_images":
            items["Detection_VOC2012"] = [{"image": path, "query": rng.choice(DETECT), "object": objects}]
            items["Locating_VOC2012"] = [{"image": path, "query": rng.choice(LOCATE), "object": objects}]
        elif folder == "flickr30k_images":
            said = references(scene, rng)
            items["Caption_flickr30k"] = [{"image": path, "query": rng.choice(CAPTION), "sentences": said}]
        else:
            question = asked[0]
            options = list(question.options)
            items["VQA_SQAimage"] = [{"image": path, "query": question.query, "gt_choice": question.right, "gt_choices": options}]
        return Drawn({path: jpeg(image)}, items, teach(path, scene, asked, rng) if split == "train" else [])

    return draw


def teach(path: str, scene: Scene, asked: list[Question], rng: Random) -> list[dict[str, Any]]:
    """Everything there is to learn from a scene: boxes, points, the caption and up to four questions."""
    boxes = "; ".join(f"{t.name} {numbers(t.box)}" for t in scene.things)
    points = "; ".join(f"{t.name} {numbers(t.centre)}" for t in scene.things)
    turns = [(question.query, question.answer) for question in asked[:4]]
    return [
        dialogue_2d(path, "detection", [(rng.choice(DETECT), boxes)]),
        dialogue_2d(path, "locating", [(rng.choice(LOCATE), points)]),
        dialogue_2d(path, "description", [(rng.choice(CAPTION), caption(scene))]),
        dialogue_2d(path, "VQA", turns),
    ]


SUBJECTS = (
    Subject("cifar10", "2D", draw_cifar10, {"test": 120, "val": 100, "train": 8000}),
    Subject("voc2012", "2D", drawer("voc2012_images"), {"test": 120, "val": 100, "train": 12000}),
    Subject("flickr30k", "2D", drawer("flickr30k_images"), {"test": 120, "val": 100, "train": 0}),
    Subject("sqaimage", "2D", drawer("sqaimage_images"), {"test": 120, "val": 100, "train": 0}),
)
