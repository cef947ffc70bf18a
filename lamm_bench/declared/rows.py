"""From a row to a sample: templates filled, media found, the target in the form that its reader asks for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from lamm_bench.errors import BenchError, MediaError
from lamm_bench.loading import id_text, shorten
from lamm_bench.media import image_size
from lamm_bench.read import LETTERS
from lamm_bench.types import Media, Sample

from .files import Files
from .filters import LETTER, Unfit, number, yes_no
from .pictures import SHARES, Shown, with_box
from .readers import READERS, YES_NO
from .sources import Source
from .store import Store
from .templates import OPTIONS, Row, Template, empty

MOST_OPTIONS = len(LETTERS)


@dataclass(frozen=True)
class Drawn:
    """A box that is drawn on every picture of a sample."""

    box: Template
    form: str = ""
    scale: str = "fractions"


@dataclass(frozen=True)
class Recast:
    """What a task file says of its samples."""

    question: Template
    target: Template
    readers: Mapping[str, str]  # value of `reader_by` -> reader; one under "" where all have the same
    shown: Shown | None = None
    media: tuple[Template, ...] = ()
    id: Template | None = None
    reader_by: Template | None = None
    choices: tuple[Template, ...] | Template | None = None
    form: str = ""
    scale: str = "fractions"
    flat: bool = True  # whether boxes are of pictures, with four sides, or of rooms, with six
    interleave: str = ""
    drawn: Drawn | None = None
    thing: Template | None = None
    place: Template | None = None  # the box of what a caption is about
    group: Template | None = None
    meta: Mapping[str, Template] = field(default_factory=dict)

    @property
    def columns(self) -> frozenset[str]:
        """Every column that a template names."""
        listed = self.choices if isinstance(self.choices, tuple) else (self.choices,)
        every = (
            self.question,
            self.target,
            self.drawn.box if self.drawn is not None else None,
            self.id,
            self.reader_by,
            self.thing,
            self.place,
            self.group,
            *listed,
            *self.media,
            *self.meta.values(),
        )
        return frozenset().union(*(template.columns for template in every if template is not None))


@dataclass
class Maker:
    """Makes samples; `ids` are those that were given already."""

    recast: Recast
    files: Files
    store: Store | None
    ids: set[str] = field(default_factory=set)

    def sample(self, row: Row) -> Sample:
        own = self.recast
        name = self.name_of(row)
        reader = self.reader(row)
        options = self.options(row, reader)
        listed = "\n".join(f"({letter}) {option}" for letter, option in zip(LETTERS, options))
        filled = row.with_({**row.data, OPTIONS: listed})
        question = own.question.filled(filled).strip()
        if not question:
            raise row.fault("its question is empty")
        media, numbers = self.media(row)
        meta: dict[str, Any] = {"columns": {key: self.told(key, template.value(row), row) for key, template in own.meta.items()}}
        if own.reader_by is not None:
            meta["read"] = reader
        target = self.target(row, reader, options, media, meta)
        if READERS[reader].target == "yes_no":
            options, meta["letters"] = YES_NO, False
        if own.place is not None:
            meta["box"] = self.place(row, media, meta)
        if "rooms" in self.files.found and media:
            meta["rooms"] = self.files.found["rooms"].said
        if own.thing is not None:
            meta["thing"] = own.thing.filled(row)
        if own.interleave:
            meta["interleave"] = {"mark": own.interleave, "numbers": numbers}
        group = own.group.filled(row) if own.group is not None else group_of(media)
        self.ids.add(name)
        return Sample(name, question, tuple(media), target, group or name, tuple(options), (), meta)

    def name_of(self, row: Row) -> str:
        if self.recast.id is not None:
            name = id_text(self.recast.id.value(row)) if len(self.recast.id.parts) == 1 else self.recast.id.filled(row)
        else:
            name = f"{row.number}-{row.data['@number']}" if "@number" in row.data else str(row.number)
        if not name:
            raise row.fault("its id is empty, or neither a text nor a number")
        if name in self.ids:
            raise row.fault(f"the id {shorten(name)} is that of an earlier row too; ids tell samples apart")
        return name

    def told(self, key: str, value: Any, row: Row) -> str | int | float | bool | None:
        """An entry of `meta`, by which samples are put together: no list and nothing that JSON has not."""
        if empty(value):
            return None
        if not isinstance(value, str | int | float | bool):
            raise row.fault(f"its meta `{key}` is {shorten(value)}, expected a text or a number")
        return value

    def reader(self, row: Row) -> str:
        own = self.recast
        if own.reader_by is None:
            return own.readers[""]
        value = own.reader_by.filled(row)
        if value not in own.readers:
            raise row.fault(
                f"{own.reader_by.text} is {shorten(value)}, for which `read.values` names no reader ({', '.join(own.readers)})"
            )
        return own.readers[value]

    def options(self, row: Row, reader: str) -> tuple[str, ...]:
        """The options' texts; those that are empty at the end fall out."""
        if self.recast.choices is None or READERS[reader].target != "choice":
            return ()
        own = self.recast.choices
        values = [template.value(row) for template in own] if isinstance(own, tuple) else own.value(row)
        if not isinstance(values, list | tuple):
            raise row.fault(f"its choices are {shorten(values)}, expected a list (filters: pylist, json, options, split)")
        found = ["" if empty(value) else id_text(value) for value in values]
        while found and (found[-1] == "" or str(found[-1]).casefold() == "nan"):
            found.pop()
        for place, text in enumerate(found):
            if text is None or not text.strip():
                raise row.fault(
                    f"option {LETTERS[place % MOST_OPTIONS]} is {shorten(values[place])}, expected a text or a number"
                )
        if not 2 <= len(found) <= MOST_OPTIONS:
            raise row.fault(f"it has {len(found)} options, expected 2 to {MOST_OPTIONS}")
        return tuple(str(text).strip() for text in found)

    def media(self, row: Row) -> tuple[list[Media], list[int]]:
        """A row's media, and for each its number among the columns (or among the elements of one list), from 1."""
        own = self.recast
        if own.shown is None:
            return [], []
        values = [value for template in own.media for value in template.values(row)]
        if len(values) == 1 and isinstance(values[0], list | tuple):
            values = list(values[0])
        found = [(one, n) for n, value in enumerate(values, 1) for one in own.shown.media(value, row, self.files, self.store)]
        return self.drawn_on([one for one, _ in found], row), [number for _, number in found]

    def drawn_on(self, media: list[Media], row: Row) -> list[Media]:
        """The pictures with the row's box on them, where the file wants one; a picture that does not open stays what it is."""
        own = self.recast.drawn
        if own is None or self.store is None:
            return media
        value = own.box.value(row)
        try:
            if not isinstance(value, list | tuple) or len(value) != 4:
                raise Unfit("4 numbers")
            box = corners([number(each) for each in value], own.form)
        except Unfit as error:
            raise row.fault(f"the box to draw is {shorten(value)}, expected {error}") from None
        for one in media:
            if not one.sha256:
                self.files.note(Path(one.path))
        return [with_box(one, box, own.scale, self.store) for one in media]

    def target(self, row: Row, reader: str, options: Sequence[str], media: Sequence[Media], meta: dict[str, Any]) -> Any:
        form = READERS[reader].target
        value = self.recast.target.value(row)
        try:
            if form == "choice":
                return choice(value, options)
            if form == "yes_no":
                return ("yes", "no").index(yes_no(value))
            if form == "number":
                return number(value)
            if form == "texts":
                return texts(value)
            if form == "boxes":
                if not isinstance(value, list | tuple):
                    raise Unfit("a list of boxes")
                return [self.box(each, media, meta) for each in value]
            if isinstance(value, list | tuple) and value and all(isinstance(each, list | tuple) for each in value):
                meta["others"] = [self.box(each, media, meta) for each in value[1:]]
                value = value[0]
            return self.box(value, media, meta)
        except Unfit as error:
            raise row.fault(f"its target is {shorten(value)}, expected {error}") from None

    def place(self, row: Row, media: Sequence[Media], meta: dict[str, Any]) -> list[float]:
        assert self.recast.place is not None
        value = self.recast.place.value(row)
        try:
            return self.box(value, media, meta)
        except Unfit as error:
            raise row.fault(f"its box is {shorten(value)}, expected {error}") from None

    def box(self, value: Any, media: Sequence[Media], meta: dict[str, Any]) -> list[float]:
        """A box in the one form: two corners in fractions of the picture, or centre and extents in metres."""
        own = self.recast
        sides = 4 if own.flat else 6
        if not own.flat:
            meta["sides"] = 6
        if not isinstance(value, list | tuple) or len(value) != sides:
            raise Unfit(f"{sides} numbers")
        numbers = [number(each) for each in value]
        if not own.flat:
            return room_box(numbers, own.form)
        box = corners(numbers, own.form)
        if own.scale == "pixels":
            meta["size"] = size_of(media)
            width, height = meta["size"] or (max(box[0], box[2], 1), max(box[1], box[3], 1))
        else:
            width = height = SHARES[own.scale]
        found = [box[0] / width, box[1] / height, box[2] / width, box[3] / height]
        if not (found[0] < found[2] and found[1] < found[3] and all(-0.05 <= side <= 1.05 for side in found)):
            raise Unfit(f"a box within the picture, as {own.form or 'xyxy'} in {own.scale}")
        return [min(max(side, 0.0), 1.0) for side in found]


def choice(value: Any, options: Sequence[str]) -> int:
    """The index of the right option, by its letter, its text or its place.

    >>> choice("B", ["a cat", "a dog"]), choice("a dog", ["a cat", "a dog"]), choice(0, ["a cat", "a dog"])
    (1, 1, 0)
    """
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, int) and not isinstance(value, bool):
        found: int | None = value
    elif isinstance(value, float) and value.is_integer():
        found = int(value)
    elif isinstance(value, str):
        text = value.strip()
        letter = LETTER.fullmatch(text)
        found = options.index(text) if text in options else place_of(text, options)
        if letter:
            own = LETTERS.index(letter[1].upper())
            if found not in (None, own) and text in options:
                raise Unfit(
                    "a letter or a text, and not what is the letter of one option and the text of another (write {column|letter})"
                )
            found = own
    else:
        found = None
    if found is None or not 0 <= found < len(options):
        raise Unfit(f"the letter of one of its {len(options)} options, its text, or its place from 0 to {len(options) - 1}")
    return found


PLACE = re.compile(r"[0-9]{1,2}(?:\.0)?")


def place_of(text: str, options: Sequence[str]) -> int | None:
    """A place that a table holds as a text; none where an option is a number, too, which it may be meant for.

    >>> place_of("1", ["x", "y"]), place_of("1", ["3", "4"]), place_of("x", ["a", "b"])
    (1, None, None)
    """
    if not PLACE.fullmatch(text) or any(PLACE.fullmatch(option) for option in options):
        return None
    return int(float(text))


def texts(value: Any) -> list[str]:
    """The texts that are right."""
    given = list(value) if isinstance(value, list | tuple) else [value]
    found = [id_text(one) for one in given if not empty(one)]
    if not found or any(text is None or not text.strip() for text in found):
        raise Unfit("a text, or a list of texts, one of them at least (filters: pluck, list, split)")
    return [str(text) for text in found]


def corners(numbers: Sequence[float], form: str) -> list[float]:
    """
    >>> corners([1, 2, 3, 4], "xywh"), corners([2, 2, 2, 2], "cxcywh"), corners([1, 2, 3, 4], "")
    ([1, 2, 4, 6], [1.0, 1.0, 3.0, 3.0], [1, 2, 3, 4])
    """
    x, y, a, b = numbers
    if form == "xywh":
        return [x, y, x + a, y + b]
    return [x - a / 2, y - b / 2, x + a / 2, y + b / 2] if form == "cxcywh" else [x, y, a, b]


def room_box(numbers: Sequence[float], form: str) -> list[float]:
    """Centre and extents.

    >>> room_box([0, 0, 0, 2, 4, 6], "corners"), room_box([0, 0, 0, 2, 4, 6], "centre")
    ([1.0, 2.0, 3.0, 2, 4, 6], [0, 0, 0, 2, 4, 6])
    """
    low, high = list(numbers[:3]), list(numbers[3:])
    found = [(a + b) / 2 for a, b in zip(low, high)] + [b - a for a, b in zip(low, high)] if form == "corners" else [*low, *high]
    if not all(side > 0 and math.isfinite(side) for side in found[3:]):
        raise Unfit("a box with extents above 0")
    return found


def size_of(media: Sequence[Media]) -> tuple[int, int] | None:
    """Width and height in pixels of the first picture; None where it cannot be opened."""
    try:
        return image_size(media[0].path) if media else None
    except MediaError:
        return None


def group_of(media: Sequence[Media]) -> str:
    """What samples of the same media share: the content's hash, or the name in its folder."""
    return " ".join(one.sha256[:24] or "/".join(PurePosixPath(one.path).parts[-2:]) for one in media)


def samples(source: Source, maker: Maker, skip: int = 0) -> Iterator[tuple[int, Sample]]:
    """The samples of all rows behind the first `skip`, each with its row's number. Raises `BenchError` at the first wrong row."""
    for row in source.rows(maker.files, skip):
        yield row.number, maker.sample(row)


def faults(source: Source, maker: Maker) -> Iterator[tuple[str, Sample | BenchError]]:
    """Every row's place, with its sample or what is wrong with it."""
    for row in source.rows(maker.files):
        try:
            yield row.where, maker.sample(row)
        except BenchError as error:
            yield row.where, error
