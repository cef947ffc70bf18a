"""Boxes and points in text, each with the class named next to it. None when no place can be read.

Every bracket group is read for itself (reference, Appendix H, O1): numbers are never carried from one group into another, a
token that is not a plain finite number (`x1`, `79%`, `nan`) is dropped alone, and values are taken as they stand: percent
and pixels are not guessed. Only a text without any numbers in brackets may hold bare runs of decimals."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .vocabulary import Vocabulary, words

# a number that no letter, digit or percent sign touches: `x1`, `1_0`, `0.5m`, `79%` and `0.1.2` are not numbers
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?(?!\.?\w|\s?%)", re.I)
METRES = re.compile(r"(?<=\d)\s?m(?:et(?:er|re)s?)?\b", re.I)
BRACKET = re.compile(r"[\[\](){}【】]")
BARE = re.compile(r"[\s,;/]*(?:and\s)?\s*(?:[xyzwhlc]{1,2}\d?)?\s*[=:]?\s*", re.I)  # between the numbers of a bare run
BARE_WIDTH = 16
LARGEST = 6  # numbers of the largest place
Parts: TypeAlias = Callable[[Sequence[float], bool], list[tuple[float, ...]]]

STRONG = re.compile(r"[;\n]|[.!?](?=\s|$)")  # ends what is said about a place
JOINERS = frozenset({"and", "or", "also", "plus"})


@dataclass(frozen=True, slots=True)
class Place:
    """A box or point and the class named next to it."""

    label: str | None  # None when no known class stands next to it
    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers that belong together, and where they stand in the text."""

    start: int
    end: int
    numbers: tuple[float, ...]


@dataclass(slots=True)
class Group:
    """A bracket group: its place in the text and in the list of all numbers."""

    start: int
    end: int
    first: int
    stop: int
    closed: bool = False
    children: list[Group] = field(default_factory=list)


def read_boxes(text: str, vocabulary: Vocabulary | None = None, size: int = 4) -> list[Place] | None:
    """Boxes of `size` numbers (4: x1, y1, x2, y2; 6: centre and extents in metres, a unit `m` allowed), in order.

    >>> read_boxes("[0.1, 0.2, 0.3, 0.4] and (x1=0.5, y1=.6, x2=0.7, y2=0.8)")[1].numbers
    (0.5, 0.6, 0.7, 0.8)
    >>> [place.numbers for place in read_boxes("[(0.1, 0.2), (0.3, 0.4)], [[0, 0, 1, 1], [0.5, 0.5, 1, 1, 0.97]]")]
    [(0.1, 0.2, 0.3, 0.4), (0.0, 0.0, 1.0, 1.0), (0.5, 0.5, 1.0, 1.0)]
    >>> read_boxes("[10%, 20%, 30%, 40%]") is None, read_boxes("[0.1, 0.2] [0.3, 0.4]") is None
    (True, True)
    >>> read_boxes("at 0.1, 0.2, 0.3 and 0.4.")[0].numbers
    (0.1, 0.2, 0.3, 0.4)
    """
    return read(text, lambda values, whole: box_parts(values, size, whole), vocabulary, metres=size == 6)


def read_points(text: str, vocabulary: Vocabulary | None = None) -> list[Place] | None:
    """Points (x, y), in order; a box of four numbers counts as its centre (reference, Appendix H, O14).

    >>> [place.numbers for place in read_points("[0.1, 0.2], (x: 0.3; y: 0.4; visible 1) and [0.0, 0.0, 1.0, 0.5]")]
    [(0.1, 0.2), (0.3, 0.4), (0.5, 0.25)]
    """
    return read(text, point_parts, vocabulary)


def box_parts(values: Sequence[float], size: int, whole: bool) -> list[tuple[float, ...]]:
    """The boxes in one group's numbers. `whole`: the group holds other groups, so only an exact fit counts."""
    if len(values) == size:
        return [tuple(values)]
    if whole:
        return []
    if len(values) % size == 0:
        return [tuple(values[at : at + size]) for at in range(0, len(values), size)]
    return [tuple(values[:size])] if size < len(values) < 2 * size else []  # a confidence or the like behind the box


def point_parts(values: Sequence[float], whole: bool) -> list[tuple[float, ...]]:
    """The points in one group's numbers."""
    if whole:
        return []
    if len(values) in (4, 5):
        return [((values[0] + values[2]) / 2, (values[1] + values[3]) / 2)]
    if len(values) == 3:  # a visibility flag
        return [(values[0], values[1])]
    return [(values[at], values[at + 1]) for at in range(0, len(values), 2)] if len(values) % 2 == 0 else []


def numbers(text: str) -> list[tuple[int, int, float]]:
    """Finite numbers with their start and end.

    >>> [value for _, _, value in numbers("x1=0.1, y1: .2; 0.3 nan 79% 0.5m 1_0 1e-1.")]
    [0.1, 0.2, 0.3, 0.1]
    """
    found = []
    for match in NUMBER.finditer(text):
        value = float(match.group())
        if math.isfinite(value):
            found.append((match.start(), match.end(), value))
    return found


def groups(text: str, found: Sequence[tuple[int, int, float]]) -> list[Group]:
    """The outermost bracket groups with those inside them; any closing bracket closes the group opened last."""
    roots: list[Group] = []
    stack: list[Group] = []
    place = 0
    for match in BRACKET.finditer(text):
        while place < len(found) and found[place][0] < match.start():
            place += 1
        if match.group() in "[({【":
            group = Group(match.start(), len(text), place, len(found))
            (stack[-1].children if stack else roots).append(group)
            stack.append(group)
        elif stack:
            group = stack.pop()
            group.end, group.stop, group.closed = match.end(), place, True
    return roots


def spans(text: str, parts: Parts) -> Iterator[Span]:
    """The places of a text in order: from bracket groups, or else from bare runs."""
    found = numbers(text)
    pending = groups(text, found)[::-1]
    if not any(group.first < group.stop for group in pending):
        yield from bare(text, found, parts)
        return
    while pending:
        group = pending.pop()
        inner = [child for child in group.children if child.first < child.stop]
        if len(inner) == 1 and (inner[0].first, inner[0].stop) == (group.first, group.stop):
            pending.append(inner[0])  # nothing but another bracket around it
            continue
        if inner and group.closed:
            few = group.stop - group.first <= LARGEST
            got = parts([value for _, _, value in found[group.first : group.stop]], True) if few else []
            if got:
                yield from (Span(group.start, group.end, values) for values in got)
            else:
                pending.extend(inner[::-1])
            continue
        stop, end = (inner[0].first, inner[0].start) if inner else (group.stop, group.end)
        yield from leaf(found, Group(group.start, end, group.first, stop, group.closed), parts)
        pending.extend(inner[::-1])


def leaf(found: Sequence[tuple[int, int, float]], group: Group, parts: Parts) -> Iterator[Span]:
    """The places of a group without groups in it. One that is never closed ends behind its last number."""
    inside = found[group.first : group.stop]
    end = group.end if group.closed or not inside else inside[-1][1]
    for values in parts([value for _, _, value in inside], False) if inside else []:
        yield Span(group.start, end, values)


def bare(text: str, found: Sequence[tuple[int, int, float]], parts: Parts) -> Iterator[Span]:
    """Runs of numbers without brackets; each must be written with a decimal point, so that counts are no coordinates."""
    run: list[tuple[int, int, float]] = []
    for item in [*found, None]:
        if run and (item is None or item[0] - run[-1][1] > BARE_WIDTH or not BARE.fullmatch(text, run[-1][1], item[0])):
            if len(run) > 1:
                got = parts([value for _, _, value in run], False)
                yield from (Span(run[0][0], run[-1][1], values) for values in got)
            run = []
        if item is not None and "." in text[item[0] : item[1]]:
            run.append(item)


def read(text: str, parts: Parts, vocabulary: Vocabulary | None, metres: bool = False) -> list[Place] | None:
    """All places of a text; None when there is none."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("−", "-")
    if metres:
        text = METRES.sub("", text)
    found = list(spans(text, parts))
    if not found:
        return None
    labels = label_places(text, found, vocabulary) if vocabulary is not None else [None] * len(found)
    return [Place(label, span.numbers) for label, span in zip(labels, found, strict=True)]


def label_places(text: str, found: Sequence[Span], vocabulary: Vocabulary) -> list[str | None]:
    """The class next to each place: the nearest before it in its sentence, else the nearest behind it, else the last
    before its sentence. A list of places without words between them shares one class.

    >>> from .vocabulary import Lexicon
    >>> pets = Lexicon({"cat": (), "dog": ()}).vocabulary(())
    >>> def labels(text): return [place.label for place in read_points(text, pets)]
    >>> labels("cat [0, 0], [0, 1]; dogs [1, 1]"), labels("[0, 0] is a cat and [1, 1] is a dog"), labels("a parrot [0, 0]")
    (['cat', 'cat', 'dog'], ['cat', 'dog'], [None])
    >>> labels("The region [0, 0] holds a dog. At [1, 1] there is a cat."), labels("I see a cat. It is at [0, 0].")
    (['dog', 'cat'], ['cat'])
    """
    ends = [0, *(span.end for span in found)]
    starts = [*(span.start for span in found), len(text)]
    gaps = [text[end:start] if start > end else "" for end, start in zip(ends, starts, strict=True)]
    labels: list[str | None] = []
    behind: list[str] = []  # sentences between the last place and this one, but for what belongs to the last place
    for number in range(len(found)):
        sentences = STRONG.split(gaps[number])
        if number == 0:
            behind = sentences
        elif not worded(gaps[number]):
            labels.append(labels[-1])
            continue
        elif len(sentences) > 1:
            behind = sentences[1:]
        else:
            behind = sentences if before(behind, vocabulary) else []
        label = before(behind, vocabulary)
        if label is None:
            after = vocabulary.find(STRONG.split(gaps[number + 1], 1)[0])
            label = after[0] if after else None
        if label is None:
            label = next((named[-1] for named in map(vocabulary.find, behind[::-1]) if named), None)
        labels.append(label)
    for number in range(len(found) - 1, 0, -1):
        if labels[number - 1] is None and not worded(gaps[number]):
            labels[number - 1] = labels[number]
    return labels


def before(sentences: Sequence[str], vocabulary: Vocabulary) -> str | None:
    """The last class named in the last of these sentences that has words."""
    for sentence in reversed(sentences):
        if worded(sentence):
            named = vocabulary.find(sentence)
            return named[-1] if named else None
    return None


def worded(gap: str) -> bool:
    """Whether something other than `and` is said."""
    return any(word not in JOINERS for word in words(gap))
