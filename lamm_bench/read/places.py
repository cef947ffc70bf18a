"""Boxes and points in text, each with the class named next to it. None when no place can be read.

Marks of models are read first (`marks`), JSON by its keys (`keyed`), all other text by its brackets and names (`spans`), and classes
by where they stand (`beside`). Values are taken as they stand: percent and pixels are not guessed. What the numbers mean is declared
by a `Frame` (`conventions`); without one they are fractions of the picture."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .beside import head, label_places
from .conventions import Frame
from .keyed import places_in
from .marks import Marked, marked
from .spans import Span, spans
from .thoughts import visible
from .vocabulary import Vocabulary
from .wrappers import boxed, tagged, values

FINAL = re.compile(r"<\|(?:begin|end)_of_box\|>")  # GLM-V's around any final answer; of several boxes each may have its own
PAIR = re.compile(r"\(\s?(-?\d{1,5})\s?,\s?(-?\d{1,5})\s?\)\s?,\s?\(\s?(-?\d{1,5})\s?,\s?(-?\d{1,5})\s?\)")
METRES = re.compile(r"(?<=\d)\s?m(?:et(?:er|re)s?)?\b", re.I)
DASH = re.compile(r"(?<![\d\w])[–—](?=\d)")
LATEX = re.compile(r"\\(?:left|right|text|mathrm)\b|\\[,;!]")
BRACKETS = str.maketrans("【】〔〕｛｝", "[][]{}")
DECIMAL_COMMA = re.compile(r"[\[(][^\[\]()]{0,200};[^\[\]()]{0,200}[\])]")
TIMES = re.compile(
    r"(?<![\w.\[(])(\d{1,9}(?:\.\d{1,12})?|\.\d{1,12})\s?[x×]\s?(\d{1,9}(?:\.\d{1,12})?|\.\d{1,12})\s?[x×]\s?(\d{1,9}(?:\.\d{1,12})?|\.\d{1,12})(?![\w.])"
)
RANGE = re.compile(
    r"\b([xyz])(?:\s?[:=])?\s(?:ranges\s|goes\s|runs\s)?(?:from|between|in|:)?\s?[\[(]?\s?(-?(?:\d{1,9}(?:\.\d{1,12})?|\.\d{1,12}))\s?(?:m\b)?\s?(?:to|and|–|-|,|\.\.)\s?(-?(?:\d{1,9}(?:\.\d{1,12})?|\.\d{1,12}))\s?(?:m\b)?[\])]?",
    re.I,
)
RANGED = re.compile(r"\b[xyz](?:\s?[:=])?\s(?:ranges\s|goes\s|runs\s)?(?:from|between|in)\b", re.I)
TURNED = re.compile(
    r"(?<=Bbox\()\s*([\w ]+,(?:\s*-?[\d.]+\s*,){3})\s*-?[\d.]+\s*,(?=(?:\s*-?[\d.]+\s*,?){3}\))"
)  # an angle between centre and size


@dataclass(frozen=True, slots=True)
class Place:
    """A box or point and the class named next to it."""

    label: str | None  # None when no known class stands next to it
    numbers: tuple[float, ...]


def read_boxes(text: str, vocabulary: Vocabulary | None = None, size: int = 4, frame: Frame | None = None) -> list[Place] | None:
    """Boxes of `size` numbers (4: x1, y1, x2, y2; 6: centre and extents in metres, a unit `m` allowed), in order.

    With a `frame` those of 4 numbers are converted from its convention to fractions of the original picture.

    >>> read_boxes("[0.1, 0.2, 0.3, 0.4] and (x1=0.5, y1=.6, x2=0.7, y2=0.8)")[1].numbers
    (0.5, 0.6, 0.7, 0.8)
    >>> [place.numbers for place in read_boxes("[(0.1, 0.2), (0.3, 0.4)], [[0, 0, 1, 1], [0.5, 0.5, 1, 1, 0.97]]")]
    [(0.1, 0.2, 0.3, 0.4), (0.0, 0.0, 1.0, 1.0), (0.5, 0.5, 1.0, 1.0)]
    >>> read_boxes("[10%, 20%, 30%, 40%]") is None, read_boxes("[0.1, 0.2] [0.3, 0.4]") is None
    (True, True)
    >>> read_boxes("at 0.1, 0.2, 0.3 and 0.4.")[0].numbers
    (0.1, 0.2, 0.3, 0.4)
    >>> from .vocabulary import Lexicon
    >>> pets = Lexicon({"cat": (), "dog": ()}).vocabulary(())
    >>> [place.label for place in read_boxes('[{"box": [0, 0, 1, 1],\\n "label": "cat"},\\n {"box": [0, 0, 1, 1],\\n "label": "dog"}]', pets)]
    ['cat', 'dog']
    >>> read_boxes("center (1, 2, 3), size (4, 5, 6)", size=6)[0].numbers
    (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    """
    return converted(read(corners(text, frame), vocabulary, size), frame if size == 4 else None)


def read_points(text: str, vocabulary: Vocabulary | None = None, frame: Frame | None = None) -> list[Place] | None:
    """Points (x, y), in order; a box of four numbers counts as its centre (reference, Appendix H, O14).

    >>> [place.numbers for place in read_points("[0.1, 0.2], (x: 0.3; y: 0.4; visible 1) and [0.0, 0.0, 1.0, 0.5]")]
    [(0.1, 0.2), (0.3, 0.4), (0.5, 0.25)]
    """
    return converted(read(corners(text, frame), vocabulary, 2), frame)


def corners(text: str, frame: Frame | None) -> str:
    """Two corners as one group where the convention writes boxes so: servers drop the tags around them.

    >>> from .conventions import known
    >>> corners("dog(120,340),(560,910)", Frame(known()["qwen2-vl"])), corners("(1,2),(3,4)", None)
    ('dog[120, 340, 560, 910]', '(1,2),(3,4)')
    """
    if frame is None or "({x1},{y1}),({x2},{y2})" not in frame.convention.box:
        return text
    return PAIR.sub(r"[\1, \2, \3, \4]", text)


def converted(found: list[Place] | None, frame: Frame | None) -> list[Place] | None:
    """The places in fractions of the original picture; None where the size that their numbers refer to is not known.

    >>> from .conventions import known
    >>> converted(read_boxes('[{"box_2d": [340, 120, 910, 560], "label": "dog"}]'), Frame(known()["gemini"]))[0].numbers
    (0.12, 0.34, 0.56, 0.91)
    """
    if frame is None or found is None:
        return found
    return [Place(place.label, frame.fractions(place.numbers)) for place in found] if frame.known else None


def read(text: str, vocabulary: Vocabulary | None, size: int) -> list[Place] | None:
    """All places of a text; None when there is none."""
    text = FINAL.sub(" ", visible(text))
    for unwrap in (tagged, boxed):
        inside = unwrap(text)
        text = inside if inside is not None and any(c.isdigit() for c in inside) else text
    marks = marked(text, size)
    if marks is not None:
        return of_marks(text, marks, vocabulary)
    found = of_json(text, vocabulary, size)
    if found is not None:
        return found
    text = prepared(text, size)
    places = spans(text, size)
    if not places:
        return None
    labels = label_places(text, places, vocabulary) if vocabulary is not None else [None] * len(places)
    return [Place(label, span.numbers) for label, span in zip(labels, places, strict=True)]


def of_marks(text: str, marks: Sequence[Marked], vocabulary: Vocabulary | None) -> list[Place]:
    """Places in marks: named by the mark, or by the words around it as any other place is."""
    if vocabulary is None:
        return [Place(None, one.numbers) for one in marks]
    around = label_places(text, [Span(one.start, one.end, one.numbers) for one in marks], vocabulary)
    return [
        Place(head(one.name, vocabulary) if one.name is not None else label, one.numbers) for one, label in zip(marks, around)
    ]


def of_json(text: str, vocabulary: Vocabulary | None, size: int) -> list[Place] | None:
    """The places of the JSON objects in a text; None where there are none, or the classes stand outside of them."""
    if "{" not in text and not ("[" in text and '"' in text):
        return None
    found = [place for value in values(text) for place in places_in(value, size)]
    if not found or (vocabulary is not None and not any(said for said, _ in found)):
        return None
    return [Place(head(said, vocabulary) if vocabulary is not None and said else None, numbers) for said, numbers in found]


def decimal(group: str) -> str:
    """A bracket group whose commas are decimal points, `[0,1; 0,2]`; one of several places, `[1,2,3,4;5,6,7,8]`, stays as it is."""
    few = all(part.count(",") <= 1 for part in group.split(";"))
    return re.sub(r"(?<=\d),(?=\d)", ".", group) if few else group.replace(";", ", ")


def prepared(text: str, size: int) -> str:
    """One spelling of brackets, minus signs, decimal commas and units."""
    if not text.isascii():
        text = DASH.sub("-", unicodedata.normalize("NFKC", text.translate(BRACKETS)).replace("−", "-"))
    if "\\" in text:
        text = LATEX.sub(" ", text)
    if ";" in text:
        text = DECIMAL_COMMA.sub(lambda match: decimal(match.group()), text)
    if size == 6:
        text = TURNED.sub(r"\1", TIMES.sub(r"size (\1, \2, \3)", METRES.sub("", text)))
    if size > 2 and RANGED.search(text):
        text = RANGE.sub(r"\1min: \2, \1max: \3", text)
    return text
