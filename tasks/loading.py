"""From the items of a meta file to samples: what the task files of this shelf share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path, PurePosixPath
from random import Random
from typing import Any, TypeAlias

from lamm_bench.errors import MediaError
from lamm_bench.media import image_size, modality
from lamm_bench.read import Frame
from lamm_bench.read.vocabulary import words
from lamm_bench.task import Item, first_items, is_numbers, is_plain, read_items
from lamm_bench.types import Media, Modality, Sample, Scorer

SCAN = re.compile(r"(scene\d+)_\d+")  # ScanNet's names: the space, then the number of the scan


Make: TypeAlias = Callable[[Item, tuple[Media, ...]], dict[str, Any]]
"""Of an item and what it shows the fields of its sample that are the task's own."""


def load(root: Path, names: Sequence[str], kind: Modality, make: Make) -> list[Sample]:
    """All samples of a meta file."""
    return list(samples_of(read_items(root, names), kind, make))


def samples_of(items: Iterable[Item], kind: Modality, make: Make) -> Iterator[Sample]:
    """Each item's sample. What many of them have is in memory once."""
    texts: dict[str, str] = {}
    shown: dict[str, tuple[tuple[Media, ...], str]] = {}  # what an item shows, and its group
    key = modality(kind).key
    for item in items:
        told = item.text(key)
        if told not in shown:
            group = group_of(item, kind)
            shown[told] = item.media(kind), texts.setdefault(group, group)
        media, group = shown[told]
        own = make(item, media)
        question = item.text("query")
        question = texts.setdefault(question, question)
        yield Sample(id=item.id, question=question, media=media, group=group, **own)


class ItemByItem:
    """A task of a meta file, each item of which makes a sample without a look at the others."""

    meta_files: tuple[str, ...]
    modality: Modality
    make: Make

    def samples(self, root: Path) -> list[Sample]:
        return load(root, self.meta_files, self.modality, self.make)

    def first(self, root: Path) -> Iterator[Sample]:
        """The samples while their file is still being read, as far as that can be said of them."""
        return samples_of(first_items(root, self.meta_files), self.modality, self.make)


class Labelled(ItemByItem):
    """Such a task whose samples hold the labels of the whole file too (`meta["labels"]`), by which answers are read. They are no part of
    what is asked in LAMM's words, and `first` leaves them out."""

    closed: tuple[str, ...] = ()  # labels that belong to the set even where the file has none of them

    def samples(self, root: Path) -> list[Sample]:
        found = super().samples(root)
        labels = tuple(sorted({*self.closed, *(label for sample in found for label in labels_of(sample.target))}))
        return [replace(sample, meta={"labels": labels}) for sample in found]


def group_of(item: Item, kind: Modality) -> str:
    """The image's path in the benchmark folder; in 3D the room, whose scans are not independent of each other."""
    told = item.text("image" if kind == "image" else "pcl")
    if kind == "image":
        return told if is_plain(told) else str(PurePosixPath(told))
    path = PurePosixPath(told)
    scan = SCAN.fullmatch(path.stem)
    return scan.group(1) if scan else path.stem


def protocols(standard: Scorer, name: str, *others: tuple[str, Mapping[str, Scorer]]) -> dict[str, Scorer]:
    """The protocols of a task: `standard`, then those of upstream's that know it."""
    return {"standard": standard} | {protocol: scorers[name] for protocol, scorers in others if name in scorers}


def size_of(media: tuple[Media, ...]) -> tuple[int, int] | None:
    """Width and height in pixels; None when the image cannot be opened (its sample ends as `media_error`)."""
    try:
        return image_size(media[0].path)
    except MediaError:
        return None


def label_of(item: Item, *keys: str) -> str:
    """A class name: a text with at least one letter or digit."""
    return str(
        item.get(*keys, check=lambda v: isinstance(v, str) and bool(words(v)), expected="a class name (a text with letters)")
    )


def objects(item: Item, size: int, fits: Callable[[Sequence[float]], bool], form: str) -> list[dict[str, Any]]:
    """The item's objects, each a class name and a box of `size` numbers that `fits`."""

    def whole(value: Any) -> bool:
        return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)

    found = []
    for number, entry in enumerate(
        item.get("object", check=whole, expected="a list of at least one object with `label` and `bbox`")
    ):
        part = Item(item.file, item.index, f"{item.id}, `object` {number}", entry)
        label = label_of(part, "label")
        box = part.get("bbox", check=lambda v: is_numbers(v, size) and fits(v), expected=form)
        found.append({"label": label, "bbox": [float(x) for x in box]})
    return found


def labels_of(target: Any) -> list[str]:
    """The labels of a sample's target: a class name, or objects that have one each."""
    return [target] if isinstance(target, str) else [entry["label"] for entry in target]


def most_frequent(values: Iterable[Any]) -> Any:
    """The most frequent value; of several the one that comes first."""
    counts: dict[Any, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return max(counts, key=lambda value: counts[value])


def number_text(value: float, digits: int | None = None) -> str:
    """A number as short as it can be written without loss, or with `digits` decimals; never with an exponent.

    >>> number_text(0.1), number_text(1e-7), number_text(3.0), number_text(0.125, 2)
    ('0.1', '0.0000001', '3.0', '0.12')
    """
    if digits is not None:
        return f"{value:.{digits}f}"
    return format(Decimal(repr(float(value))), "f")


def place_text(numbers: Iterable[float], digits: int | None = None) -> str:
    """Numbers in square brackets, as places are answered.

    >>> place_text([0.25, 1], 2)
    '[0.25, 1.00]'
    """
    return "[" + ", ".join(number_text(float(x), digits) for x in numbers) + "]"


def another(sample: Sample, samples: Sequence[Sample], rng: Random) -> Sample | None:
    """Some other sample of the file, drawn evenly; None when there is no other."""
    if len(samples) < 2:
        return None
    drawn = rng.choice(samples)
    while drawn.id == sample.id:
        drawn = rng.choice(samples)
    return drawn


def frame_of(sample: Sample) -> Frame | None:
    """Whose numbers the answer about a sample speaks; None: fractions of the picture."""
    return sample.meta.get("frame")


EDGE = 0.02  # fractions of the picture: a place that goes so little beyond it is a place in it, drawn generously


def outside(places: Iterable[Sequence[float]]) -> int:
    """How many places lie, in part, outside of the picture: a sign of another convention than the one they were read by.

    >>> outside([(0.1, 1.01), (0.5, 340.0), (-3, 0.5, 0.6, 0.7)])
    2
    """
    return sum(any(not -EDGE <= number <= 1 + EDGE for number in place) for place in places)


WORDS = r"(?P<thing>[^,.?;:]{2,60}?)"
END = r"(?= in (?:the|this|all)\b| on (?:the|this)\b| as \[| visible| that\b| are\b| is\b|[,.?;:]|$)"
THINGS = (
    re.compile(rf"\b(?:each(?: one)?|every one|every|all)(?: of)?(?: the| these| those)? {WORDS}{END}", re.I),
    re.compile(rf"\bhow many {WORDS} (?:are|is|can|could|do|does|did|appear|exist|have|there|in|you)\b", re.I),
    re.compile(rf"\bnumber of {WORDS}{END}", re.I),
    re.compile(rf"\b(?:locate|point (?:at|to)|mark|find|count) (?:the )?{WORDS}{END}", re.I),
)
FORM = re.compile(r"(?:[.?!]\s+|\s+)(?:answer|reply|give|respond|as \[).*$", re.I | re.S)


def thing_in(question: str) -> str:
    """The thing that a question is about, to be asked for in a model's own words; the question itself where its form is another.

    >>> thing_in("Point at each of the squares in this image as [x, y]."), thing_in("How many birds can be counted in this image? Reply with a number.")
    ('squares', 'birds')
    >>> thing_in("Give the position of every one of the balls as [x, y] between 0 and 1."), thing_in("Where are the cars? Answer as [x, y].")
    ('balls', 'Where are the cars')
    """
    for form in THINGS:
        found = form.search(question)
        if found:
            return found["thing"].strip()
    return FORM.sub("", question).strip(" ?.!") or question
