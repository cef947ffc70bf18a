"""The closed list of readers of task files: what an answer says, and what a perfect, a random and the most usual one would be.

They are `lamm_bench.read`'s, by the names of task files; none sees the truth. To add one, write a `Reader` and name it in READERS."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from lamm_bench.measure.caption_scorer import most_usual, perfect_caption
from lamm_bench.measure.captions import tokenize
from lamm_bench.measure.texts import as_number
from lamm_bench.read import (
    LETTERS,
    answer_of,
    read_boxes,
    read_caption,
    read_choice,
    read_number,
    read_points,
    read_sign,
    read_yes_no,
    refuses,
)
from lamm_bench.types import Sample

from .located import Found

YES_NO = ("Yes", "No")
EMPTY = " .…\n\t"  # marks that alone say nothing; `none`, `nothing` and `[]` are answers
LEAD = re.compile(
    r"^\W{0,3}(?:so,? |thus,? |therefore,? )?(?:the |my |final |correct |short )*answer(?: to the question)?(?: is|:| would be| should be)+:?\s*",
    re.I,
)
SAID = re.compile(
    r"\b(?:answer|result|total|value)\s?(?:is|:|=|would be)\s?(?:about |approximately |around )?[$€£]?(-?\d[\d,]*\.?\d*%?)", re.I
)
UNIT = re.compile(r"^[$€£]?(-?\d[\d,]*\.?\d*(?:e-?\d{1,2})?)\s?(?:[a-zA-Z°²³/]{1,12}\.?(?: [a-zA-Z²³]{1,12})?)?\.?$")
WRITTEN_BOX = re.compile(r"[\[({]\s*-?\d[\d\s.,;:+-]*[\])}]")
NONE = re.compile(
    r"^\W*(?:\[\s*\]|none|nothing|no (?:such )?(?:objects?|boxes|box|match(?:es)?|targets?)\b[^\d\[]*|there (?:is|are) (?:no|none)\b[^\d\[]*|not (?:present|there|found)[^\d\[]*)\W*$",
    re.I,
)


def read_letter(text: str, sample: Sample) -> int | None:
    return read_choice(text, sample.choices)


def read_yes(text: str, sample: Sample) -> int | None:
    """0 for yes, 1 for no."""
    found = read_yes_no(text)
    return None if found is None else int(not found)


def read_value(text: str, sample: Sample) -> float | None:
    """A number: the whole answer with or without a unit, else one that is said to be the answer, else as things are counted.

    >>> one = Sample("1", "", (), 0, "")
    >>> [read_value(text, one) for text in ("-3.5", "2.4 meters", "The answer is 1,204.", "I see two dogs and a cat, so three", "12%", "many")]
    [-3.5, 2.4, 1204.0, 3.0, 0.12, None]
    """
    said = answer_of(text).strip()
    alone = UNIT.match(said)
    if alone or as_number(said) is not None:
        return as_number(alone[1] if alone else said)
    told = SAID.findall(said)
    if told and len({as_number(each.rstrip(".")) for each in told}) == 1:
        return as_number(told[-1].rstrip("."))
    return read_number(text)


def read_short(text: str, sample: Sample) -> str | None:
    """A short answer without thoughts, wrappers and what leads to it.

    >>> read_short("none", Sample("1", "", (), 0, "")), read_short("...", Sample("1", "", (), 0, ""))
    ('none', None)
    >>> one = Sample("1", "", (), 0, "")
    >>> read_short("The answer is 1.50.", one), read_short("in the U.S.", one), read_short("section 3.1.2.", one)
    ('1.50', 'in the U.S.', 'section 3.1.2.')
    >>> [read_short(text, one) for text in ("**Blue**.", "The answer is: blue", "<think>red?</think>blue", "I cannot answer this.", " ")]
    ['Blue', 'blue', 'blue', None, None]
    """
    said = answer_of(text).strip()
    if not said.strip(EMPTY) or refuses(said):
        return None
    rest = LEAD.sub("", said, count=1).strip()
    said = rest or said
    if len(said) > 1 and said[0] in "\"'“" and said[-1] in "\"'”" and said[1:-1].count(said[-1]) == 0:
        said = said[1:-1].strip()
    if said.endswith(".") and (as_number(said[:-1]) is not None or not re.search(r"\b(?:[A-Za-z]\.){2,}$|\d\.\d*\.$", said)):
        said = said[:-1].rstrip()
    return said or None


def read_whole(text: str, sample: Sample) -> str | None:
    """All that is said, without thoughts and wrappers."""
    said = answer_of(text).strip()
    return said if said.strip(EMPTY) else None


def read_signs(text: str, sample: Sample) -> list[str] | None:
    return read_sign(text)


def read_sentence(text: str, sample: Sample) -> tuple[str, ...] | None:
    """The tokens of a caption."""
    said = read_caption(text)
    return tuple(tokenize(said)) or None if said is not None else None


def read_located(text: str, sample: Sample) -> Found | None:
    """The words of a caption and the first box, whose numbers are no words of it.

    >>> room = Sample("1", "", (), [], "", meta={"sides": 6})
    >>> read_located("[1, 2, 3, 1, 1, 1] A red chair.", room)
    Found(tokens=('a', 'red', 'chair'), box=(1.0, 2.0, 3.0, 1.0, 1.0, 1.0))
    """
    boxes = boxes_in(text, sample)
    said = read_caption(WRITTEN_BOX.sub(" ", answer_of(text)))
    tokens = tuple(tokenize(said)) if said is not None else ()
    return Found(tokens, tuple(boxes[0]) if boxes else None) if tokens else None


def read_box(text: str, sample: Sample) -> list[float] | None:
    """The first box: two corners in fractions of the picture, or centre and extents in metres, as the target has."""
    found = boxes_in(text, sample)
    return found[0] if found else None


def read_all_boxes(text: str, sample: Sample) -> list[list[float]] | None:
    """All boxes; none where the answer says so and holds no box.

    >>> room = Sample("1", "", (), [], "", meta={"sides": 6})
    >>> read_all_boxes("There is no such object.", room), read_all_boxes("[1, 2, 3, 1, 1, 1]", room), read_all_boxes("hm", room)
    ([], [[1.0, 2.0, 3.0, 1.0, 1.0, 1.0]], None)
    """
    found = boxes_in(text, sample)
    if found:
        return found
    return [] if NONE.match(answer_of(text).strip()) else None


def boxes_in(text: str, sample: Sample) -> list[list[float]]:
    sides = sample.meta.get("sides", 4)
    frame = sample.meta.get("frame") if sides == 4 else None
    return [list(place.numbers) for place in read_boxes(text, size=sides, frame=frame) or ()]


def read_point(text: str, sample: Sample) -> list[float] | None:
    """The first point, in fractions of the picture."""
    found = read_points(text, frame=sample.meta.get("frame"))
    return list(found[0].numbers) if found else None


# ------------------------------------------------------------------------------------------------ perfect answers


def option(sample: Sample, index: int) -> str:
    return f"({LETTERS[index]})" if sample.meta.get("letters", True) else sample.choices[index]


def digits(value: float) -> str:
    """A number as short as it can be written without loss, never with an exponent.

    >>> digits(3.0), digits(0.1), digits(1e-7)
    ('3', '0.1', '0.0000001')
    """
    text = format(Decimal(repr(float(value))), "f")
    return text.removesuffix(".0")


def place(numbers: Sequence[float]) -> str:
    return "[" + ", ".join(digits(float(number)) for number in numbers) + "]"


def places(boxes: Sequence[Sequence[float]]) -> str:
    return "; ".join(map(place, boxes)) or "none"


def middle(box: Sequence[float]) -> str:
    return place([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])


def usual(texts: Sequence[str]) -> str:
    """The most frequent text; of several the one that comes first."""
    return Counter(texts).most_common(1)[0][0]


def usual_caption(samples: Sequence[Sample]) -> str:
    return most_usual([list(dict.fromkeys(sample.target)) for sample in samples])


def mean_box(samples: Sequence[Sample]) -> str:
    return mean_of_boxes([sample.target for sample in samples])


def mean_of_boxes(boxes: Sequence[Sequence[float]]) -> str:
    return place([round(sum(side) / len(boxes), 4) for side in zip(*boxes)])


@dataclass(frozen=True)
class Reader:
    """How one kind of answer is read. `target` says what a row's target must be."""

    read: Callable[[str, Sample], Any | None]
    write: Callable[[Sample], str]  # the truth as an answer
    target: str  # choice, yes_no, number, texts, box, boxes
    kind: str  # of the system message (recipes/prompts)
    doc: str
    constant: str  # an answer that is always the same
    asks_for: str = ""
    most_new_tokens: int = 32
    majority: Callable[[Sequence[Sample]], str] | None = None  # None: the most frequent true answer


READERS: dict[str, Reader] = {
    "letter": Reader(read_letter, lambda s: option(s, s.target), "choice", "vqa", "the option that is chosen, by its letter or text", "(A)"),
    "yes_no": Reader(read_yes, lambda s: option(s, s.target), "yes_no", "yes_no", "yes or no", "Yes", most_new_tokens=16),
    "number": Reader(read_value, lambda s: digits(s.target), "number", "number", "a number, in digits or words", "1"),
    "text": Reader(read_short, lambda s: usual(s.target), "texts", "short_answer", "a word or a short phrase", "unknown"),
    "whole": Reader(read_whole, lambda s: usual(s.target), "texts", "short_answer", "all that is said", "unknown", most_new_tokens=128),
    "words": Reader(read_signs, lambda s: " ".join(s.target), "texts", "ocr", "the words of a sign or a page, in any order", "the", most_new_tokens=128),
    "caption": Reader(
        read_sentence, lambda s: perfect_caption(s.target), "texts", "captioning", "a sentence", "A photo of something.", most_new_tokens=128,
        majority=usual_caption,
    ),
    "located": Reader(
        read_located, lambda s: f"{place(s.meta['box'])} {perfect_caption(s.target)}", "texts", "captioning", "a box and a sentence about what it holds",
        "[0, 0, 0, 1, 1, 1] A thing.", most_new_tokens=192,
        majority=lambda samples: f"{mean_of_boxes([sample.meta['box'] for sample in samples])} {usual_caption(samples)}",
    ),
    "box": Reader(read_box, lambda s: place(s.target), "box", "grounding", "the first box", "[0, 0, 1, 1]", "boxes", 64, mean_box),
    "boxes": Reader(read_all_boxes, lambda s: places(s.target), "boxes", "grounding", "all boxes, or that there is none", "none", "boxes", 256),
    "point": Reader(
        read_point, lambda s: middle(s.target), "box", "locating", "the first point", "[0.5, 0.5]", "points", 64,
        lambda samples: middle([sum(side) / len(samples) for side in zip(*(sample.target for sample in samples))]),
    ),
}  # fmt: skip


def name_of(sample: Sample, usual_name: str) -> str:
    """The reader of a sample: the task's, or its own where the task has several."""
    return str(sample.meta.get("read", usual_name))


def chance(sample: Sample, rng: Random, samples: Sequence[Sample], name: str) -> str:
    """An option, drawn evenly; where there are none, the true answer of another sample with the same reader."""
    if sample.choices:
        return option(sample, rng.randrange(len(sample.choices)))
    others = len(samples) > 1
    for _ in range(100 * others):
        drawn = rng.choice(samples)
        if drawn.id != sample.id and not drawn.choices:
            return READERS[name_of(drawn, name)].write(drawn)
    return READERS[name].constant
