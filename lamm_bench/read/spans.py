"""Where places stand in text: bracket groups, numbers under names, pairs of corners, rows of numbers.

Every bracket group is read for itself (reference, Appendix H, O1): numbers are never carried from one group into another, a
token that is not a plain finite number (`x1`, `79%`, `nan`) is dropped alone, and values are taken as they stand: percent
and pixels are not guessed. Two groups make one place only where words join them: "(0.1, 0.2) to (0.5, 0.6)"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .keyed import by_names, clamped, from_ends, name_before, of_numbers

# a number that no letter, digit or percent sign touches: `x1`, `1_0`, `0.5m`, `79%` and `0.1.2` are not numbers
NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?(?!\.?\w|\s?%|\s?(?:cm|mm|ft|feet|inch|inches)\b)", re.I
)
LONGEST = 4000  # digits of a number that is looked at
BRACKET = re.compile(r"[\[\](){}]")
NAMED = r"(?:[xyz][ _]?(?:min|max|start|end|\d|cent(?:er|re))|(?:min|max)[ _]?[xyz]|c[xyz]|d[xyz]|[xyzwlhd]\d?|left|right|top|bottom|width|height|length|depth)"
BARE = re.compile(
    rf"[\s,;/|\"'>]{{0,6}}(?:and\s|with\s|to\s)?\s?(?:(?:size|extents?|dimensions?|center|centre)\b\s?[:=]?\s?[({{\[]?)?(?:an?\s|the\s|its\s)?(?:{NAMED}\b)?[\s\"'*]{{0,2}}(?:[=:]|is\b|of\b)?[\s\"']{{0,3}}",
    re.I,
)  # between the numbers of a bare run
BARE_WIDTH = 24
LARGEST = 6  # numbers of the largest place
JOINER = re.compile(
    r"[\s,;:)\]*–—-]{0,6}(?:(?:and|with|to|through|until|its|the|a|an|→|->|=>|is|are|of|at|bounding|box|lower|upper|bottom|top|right|left|min|max|minimum|maximum|corner|corners|size|sizes|extents?"
    r"|dimensions?|lwh|whl|width|height|length|end|second|point|scale|center|centre|br|tl|coordinates?|has|measuring|xyz)[\s,;:=*()_-]{0,4}){1,8}[\s(\[*]{0,3}",
    re.I,
)
EXTENT = re.compile(r"\b(?:size|sizes|extents?|dimensions?|lwh|scale|measuring)\b", re.I)
LOW = re.compile(r"\b(?:min|minimum|lower|from|top|start)\b", re.I)
HIGH = re.compile(r"\b(?:max|maximum|upper|to|through|bottom|end|until)\b|→|->|=>", re.I)
BOXED = re.compile(r"(?:box[^<>]{0,12}>|box\s?[:=]?\s?)\s*$", re.I)
FRAME = re.compile(
    r"^\s*(?:is|as|being|at|for|marks|denotes|means|represents|=|and \(1,? ?1(?:\.0)?\) (?:is|the))\s(?:\w+ ){0,4}?(?:top|upper|bottom|lower|origin|corner|centre of the image|center of the image)",
    re.I,
)
FRAMED = re.compile(
    r"(?:\borigin|\bcorner)\s?(?:is|at|=|:)?\s*$|\(x, ?y\)\s*=?\s*$|\b(?:ranges?|range|spans?|normali[sz]ed|scaled?) (?:is |from |to |between |of )?(?:the )?(?:range )?$|\bcoordinates (?:from|in|between) $"
    r"|\b(?:room|scene|floor|whole image|entire image|image) (?:is|spans|extends|measures|has|bounds|covers)\b[^.;\[(\d]{0,24}$|\bnot (?:the |a |an )?(?:\w+ ){0,3}(?:at |in |: )?$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers that belong together, and where they stand in the text."""

    start: int
    end: int
    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number, where it stands, and the name right before it."""

    start: int
    end: int
    value: float
    name: str | None = None


@dataclass(slots=True)
class Group:
    """A bracket group: its place in the text and in the list of all numbers."""

    start: int
    end: int
    first: int
    stop: int
    closed: bool = False
    children: list[Group] = field(default_factory=list)


def numbers(text: str) -> list[Number]:
    """Finite numbers with their start, end and name; one too large for any place is held at 1e12.

    >>> [number.value for number in numbers("x1=0.1, y1: .2; 0.3 nan 79% 0.5m 1_0 1e-1. 1e308")]
    [0.1, 0.2, 0.3, 0.1, 1000000000000.0]
    """
    found: list[Number] = []
    floor = 0
    for match in NUMBER.finditer(text):
        if match.end() == len(text) and text.endswith(".") and any(text.rfind(a) > text.rfind(b) for a, b in ("[]", "()")):
            continue  # the answer was cut within this number
        value = float(match.group()) if match.end() - match.start() < LONGEST else float("inf")
        found.append(Number(match.start(), match.end(), clamped(value), name_before(text, match.start(), floor)))
        floor = match.end()
    return found


def groups(text: str, found: Sequence[Number]) -> list[Group]:
    """The outermost bracket groups with those inside them; any closing bracket closes the group opened last."""
    roots: list[Group] = []
    stack: list[Group] = []
    place = 0
    for match in BRACKET.finditer(text):
        while place < len(found) and found[place].start < match.start():
            place += 1
        if match.group() in "[({":
            group = Group(match.start(), len(text), place, len(found))
            (stack[-1].children if stack else roots).append(group)
            stack.append(group)
        elif stack:
            group = stack.pop()
            group.end, group.stop, group.closed = match.end(), place, True
    return roots


def spans(text: str, size: int) -> list[Span]:
    """The places of a text in order: from bracket groups, or else from bare runs; runs of named numbers count beside groups.

    >>> [span.numbers for span in spans("top-left (0.1, 0.2), bottom-right (0.5, 0.6)", 4)], spans("[0.1, 0.2] [0.3, 0.4]", 4)
    ([(0.1, 0.2, 0.5, 0.6)], [])
    >>> [span.numbers for span in spans("top 0.2, left 0.1, bottom 0.6, right 0.5", 4)]
    [(0.1, 0.2, 0.5, 0.6)]
    """
    found = numbers(text)
    roots = groups(text, found)
    leaves = list(grouped(found, roots, size))
    got = [Span(leaf.start, leaf.end, values) for leaf, taken in leaves for values in taken] + list(
        paired(text, found, leaves, size)
    )
    inside = [(group.start, group.end) for group in roots if group.first < group.stop]
    if not inside:
        return framed(text, list(bare(text, found, size)))
    named = list(bare(text, outside(found, inside), size, named=True))
    return framed(text, sorted(got + named, key=lambda span: span.start))


def outside(found: Sequence[Number], inside: Sequence[tuple[int, int]]) -> list[Number]:
    """The numbers in no bracket group."""
    kept, place = [], 0
    for number in found:
        while place < len(inside) and inside[place][1] <= number.start:
            place += 1
        if place == len(inside) or number.start < inside[place][0]:
            kept.append(number)
    return kept


Leaf = tuple[Group, list[tuple[float, ...]]]  # a group and the places that it is by itself


def grouped(found: Sequence[Number], roots: Sequence[Group], size: int) -> Iterator[Leaf]:
    """Every group that holds numbers and no other such group, or groups that together are exactly one place."""
    pending = list(roots)[::-1]
    while pending:
        group = pending.pop()
        inner = [child for child in group.children if child.first < child.stop]
        if len(inner) == 1 and (inner[0].first, inner[0].stop) == (group.first, group.stop):
            pending.append(inner[0])  # nothing but another bracket around it
            continue
        if inner and group.closed:
            few = group.stop - group.first <= LARGEST
            values = [number.value for number in found[group.first : group.stop]] if few else []
            if len(values) == size and size > 2:
                yield group, [tuple(values)]
            else:
                pending.extend(inner[::-1])
            continue
        stop, end = (inner[0].first, inner[0].start) if inner else (group.stop, group.end)
        inside = found[group.first : stop]
        end = end if group.closed or not inside else inside[-1].end  # one that is never closed ends behind its last number
        if inside:
            yield Group(group.start, end, group.first, stop, group.closed), of_inside(inside, size)
        pending.extend(inner[::-1])


def of_inside(inside: Sequence[Number], size: int) -> list[tuple[float, ...]]:
    """The places in one group's numbers: by their names where all have one, else by their order."""
    names = [number.name for number in inside]
    if all(names) and len(set(names)) == len(names):
        place = by_names({str(number.name): number.value for number in inside}, size)
        if place is not None:
            return [place]
    return of_numbers([number.value for number in inside], size)


def paired(text: str, found: Sequence[Number], leaves: Sequence[Leaf], size: int) -> Iterator[Span]:
    """Two neighbouring groups of half a place each that words join into one."""
    half = size // 2
    place = 0
    while size > 2 and place + 1 < len(leaves):
        (first, taken), (second, others) = leaves[place], leaves[place + 1]
        between = text[first.end : second.start]
        fits = not taken and not others and first.stop - first.first == half and second.stop - second.first == half
        tagged = between.strip() in (",", "") and BOXED.search(text[max(0, first.start - 24) : first.start]) is not None
        if fits and len(between) < 64 and (JOINER.fullmatch(between) or tagged):
            one, two = ([n.value for n in found[group.first : group.stop]] for group in (first, second))
            before = (
                text[max(0, first.start - 24) : first.start].rpartition("\n")[2] or text[max(0, first.start - 12) : first.start]
            )
            yield Span(first.start, second.end, put_together(before, between, one, two, size))
            place += 2
        else:
            place += 1


def put_together(before: str, between: str, one: Sequence[float], two: Sequence[float], size: int) -> tuple[float, ...]:
    """The place of two halves: corners, or a centre and a size in either order."""
    if EXTENT.search(before) and not EXTENT.search(between):
        one, two = two, one
        before, between = between, before
    if EXTENT.search(between):
        place = by_names(dict(zip(("cx", "cy", "w", "h"), (*one, *two))), 4) if size == 4 else None
        return place or (*one, *two)
    if size == 6 and (HIGH.search(between) or LOW.search(before)):
        return from_ends(one, two)
    return (*one, *two)


def bare(text: str, found: Sequence[Number], size: int, named: bool = False) -> Iterator[Span]:
    """Runs of numbers without brackets; each is written with a decimal point or has a name, so that counts are no coordinates.

    With `named` only runs whose numbers all have names count."""
    run: list[Number] = []
    for number in [*found, None]:
        if run and (
            number is None or number.start - run[-1].end > BARE_WIDTH or not BARE.fullmatch(text, run[-1].end, number.start)
        ):
            if len(run) > 1 and not (named and not all(each.name for each in run)):
                yield from (Span(run[0].start, run[-1].end, values) for values in of_inside(run, size))
            run = []
        if number is not None and (number.name or "." in text[number.start : number.end]):
            run.append(number)


def framed(text: str, found: list[Span]) -> list[Span]:
    """The spans without those that only explain the frame: "with (0, 0) as the top-left corner"."""
    if len(found) < 2:
        return found
    kept = [
        span
        for span in found
        if not FRAME.match(text[span.end : span.end + 60])
        and not FRAMED.search(text[max(0, span.start - 40) : span.start])
        and not mirrored(text, span)
    ]
    return kept or found


def mirrored(text: str, span: Span) -> bool:
    """Whether a span is a second corner that is explained after a first: "(0, 0) is the top-left and (1, 1) the bottom-right"."""
    return re.match(r"\s(?:is )?the (?:bottom|lower|top|upper)[ -](?:right|left)", text[span.end : span.end + 32]) is not None
