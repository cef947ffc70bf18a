"""The drawn vocabulary: one drawing for each class of CIFAR10 and of VOC, shared where both mean the same thing.

To add a class, write a function `Random -> Sketch` and name it in DRAWINGS. Class lists: reference 1.1 and VOC2012's own."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from . import animals, household, vehicles
from .shapes import Sketch

DRAWINGS: dict[str, Callable[[Random], Sketch]] = {
    "aeroplane": vehicles.aeroplane,
    "bicycle": vehicles.bicycle,
    "bird": animals.bird,
    "boat": vehicles.boat,
    "bottle": household.bottle,
    "bus": vehicles.bus,
    "car": vehicles.car,
    "cat": animals.cat,
    "chair": household.chair,
    "cow": animals.cow,
    "deer": animals.deer,
    "diningtable": household.diningtable,
    "dog": animals.dog,
    "frog": animals.frog,
    "horse": animals.horse,
    "motorbike": vehicles.motorbike,
    "person": animals.person,
    "pottedplant": household.pottedplant,
    "sheep": animals.sheep,
    "ship": vehicles.ship,
    "sofa": household.sofa,
    "train": vehicles.train,
    "truck": vehicles.truck,
    "tvmonitor": household.tvmonitor,
}

CIFAR10: dict[str, str] = {
    "airplane": "aeroplane",
    "automobile": "car",
    "bird": "bird",
    "cat": "cat",
    "deer": "deer",
    "dog": "dog",
    "frog": "frog",
    "horse": "horse",
    "ship": "ship",
    "truck": "truck",
}
"""CIFAR10's label -> the drawing."""

VOC: tuple[str, ...] = tuple(name for name in DRAWINGS if name not in ("deer", "frog", "ship", "truck"))
"""VOC2012's twenty labels, which are also the names of their drawings."""

WORDS: dict[str, str] = {
    "aeroplane": "airplane",
    "diningtable": "table",
    "motorbike": "motorbike",
    "pottedplant": "plant",
    "tvmonitor": "television",
}
"""What a sentence calls a thing, where that differs from the name of the drawing."""


def word(name: str) -> str:
    """The everyday noun of a drawing.

    >>> word("tvmonitor"), word("cat")
    ('television', 'cat')
    """
    return WORDS.get(name, name)


def plural(noun: str) -> str:
    """
    >>> plural("bus"), plural("person"), plural("sheep"), plural("sofa")
    ('buses', 'people', 'sheep', 'sofas')
    """
    irregular = {"person": "people", "sheep": "sheep", "bus": "buses"}
    return irregular.get(noun, noun + "s")


def pose(name: str, rng: Random) -> Sketch:
    """A drawing with its own proportions, looking left or right, and a little tilted."""
    lean = 18.0 if name in ("aeroplane", "bird") else 7.0
    return DRAWINGS[name](rng).turned(rng.uniform(-lean, lean), flip=rng.random() < 0.5)
