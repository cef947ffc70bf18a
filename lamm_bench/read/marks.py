"""Places in marks of models: location tokens, cells, tagged boxes, points in XML. None where a text holds no such mark.

    <loc0348><loc0123><loc0932><loc0573> dog        PaliGemma (transformers, processing_paligemma.py)
    dog<loc_120><loc_340><loc_560><loc_910>         Florence-2 (transformers, processing_florence2.py)
    <phrase>a dog</phrase><object><patch_index_0323><patch_index_0945></object>     Kosmos-2 (transformers, processing_kosmos2.py)
    <ref>dog</ref><box>[[120, 340, 560, 910]]</box> InternVL, Qwen-VL, MiniCPM-V, DeepSeek-VL2 in their own spellings of the tags
    <point x="34.0" y="62.5" alt="dog">dog</point>  Molmo (olmo/data/data_formatter.py)
    <points coords="1 1 340 625 2 560 910">dog</points>  Molmo 2 (olmo/preprocessing/point_formatter.py)

Numbers are given as they stand, cells as column and row: what they mean is the convention's business (`conventions`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .keyed import Named, clamped, of_numbers, tenth

SIDE = 32  # cells of Kosmos-2's grid a side
MOST = 20_000  # tokens of one answer that are looked at

LOCATION = re.compile(r"<loc_?(\d{1,5})>")
SEGMENT = re.compile(r"<seg\d{1,4}>")
CELLS = re.compile(r"<patch_index_(\d{1,4})>\s?<patch_index_(\d{1,4})>")
CELL = re.compile(r"<patch_index_(\d{1,4})>")
PHRASE = re.compile(r"<phrase>([^<]{0,400})</phrase>\s?<object>(.{0,4000}?)</object>", re.S)
REFERRED = (
    r"(?:<ref>|<\|object_ref_start\|>|<\|ref\|>|<p>)(?P<ref>[^<]{0,400})(?:</ref>|<\|object_ref_end\|>|<\|/ref\|>|</p>)\s{0,3}"
)
PLACED = r"(?:<box>|<\|box_start\|>|<\|det\|>|<point>|<\|point_start\|>|<quad>)(?P<inside>[^<>|]{0,4000})(?:</box>|<\|box_end\|>|<\|/det\|>|</point>|<\|point_end\|>|</quad>|$)"
TAGGED = re.compile(rf"(?:{REFERRED})?{PLACED}")
POINT = re.compile(r"<points?\b(?P<attributes>[^>]{0,20000})>(?P<text>[^<]{0,400})(?:</points?>|$)")
PLACES = re.compile(  # tokens that mark places in what models say
    r"<loc_?\d{1,5}>|<patch_index_\d{1,4}>|</?(?:ref|box|quad|object|phrase|point|points|p|delimiter_of_multi_objects)/?>"
    r"|<\|/?(?:ref|det|grounding)\|>|<\|(?:box|object_ref|point|quad)_(?:start|end)\|>|<\|(?:begin|end)_of_box\|>"
)
ATTRIBUTE = re.compile(r"\b([a-z]+)(\d*)\s?=\s?(?:\"([^\"]*)\"|'([^']*)')")
NUMBER = re.compile(r"-?(?:\d{1,9}(?:\.\d{1,12})?|\.\d{1,12})")


@dataclass(frozen=True, slots=True)
class Marked:
    """One place, where its mark stands, and what the mark itself says of its name: None where it says nothing."""

    numbers: tuple[float, ...]
    start: int
    end: int
    name: str | None = None


def marked(text: str, size: int) -> list[Marked] | None:
    """The places of 4 numbers (boxes) or 2 (points; of a box the middle) in marks; None where there is none.

    >>> def told(text, size=4): return [(place.name, place.numbers) for place in marked(text, size)]
    >>> told("<loc0348><loc0123><loc0932><loc0573> dog ; <loc0001><loc0002><loc0003><loc0004> cat")
    [('dog', (348.0, 123.0, 932.0, 573.0)), ('cat', (1.0, 2.0, 3.0, 4.0))]
    >>> told("dog<loc_120><loc_340><loc_560><loc_910>", 2), told("<phrase>a dog</phrase><object><patch_index_0323><patch_index_0945></object>")
    ([('dog', (340.0, 625.0))], [('a dog', (3.0, 10.0, 17.0, 29.0))])
    >>> told("<ref>dog</ref><box>(120,340),(560,910)</box>"), told("<box>120 340 560 910</box> is a dog")
    ([('dog', (120.0, 340.0, 560.0, 910.0))], [(None, (120.0, 340.0, 560.0, 910.0))])
    >>> told('<points x1="1.5" y1="2" x2="3" y2="4" alt="dogs">dogs</points>', 2), told('<points coords="1 1 340 625 2 560 910">dog</points>', 2)
    ([('dogs', (1.5, 2.0)), ('dogs', (3.0, 4.0))], [('dog', (340.0, 625.0)), ('dog', (560.0, 910.0))])
    >>> marked("a dog at [0.1, 0.2]", 2) is None
    True
    """
    if "<" not in text or size > 4:
        return None
    for mark, read in (("<loc", locations), ("<patch_index_", cells), ("<point", points), ("<", tags)):
        if mark in text and (found := list(read(text, size))):
            return found
    return None


def locations(text: str, size: int) -> Iterator[Marked]:
    """Runs of location tokens, each with the words that name it."""
    text = SEGMENT.sub("", text)
    tokens = list(LOCATION.finditer(text))[:MOST]
    runs: list[list[re.Match[str]]] = []
    for token in tokens:
        if runs and not text[runs[-1][-1].end() : token.start()].strip(" ,"):
            runs[-1].append(token)
        else:
            runs.append([token])
    before = "<loc_" in text  # Florence-2 names a thing before its tokens, PaliGemma behind them
    for number, run in enumerate(runs):
        ends = (runs[number - 1][-1].end() if number else 0, run[0].start())
        if not before:
            ends = (run[-1].end(), runs[number + 1][0].start() if number + 1 < len(runs) else len(text))
        for place in of_run([float(token[1]) for token in run], size):
            yield Marked(place, run[0].start(), run[-1].end(), name_of(text[slice(*ends)]) or "")


def of_run(values: Sequence[float], size: int) -> list[tuple[float, ...]]:
    """Boxes of a run of tokens, four by four; of two tokens a point."""
    if len(values) == 2:
        return [tuple(values)] if size == 2 else []
    return [sized(values[at : at + 4], size) for at in range(0, len(values) - 3, 4)]


def sized(box: Sequence[float], size: int) -> tuple[float, ...]:
    """A box as it is wanted: itself, or its middle."""
    return tuple(box) if size == 4 else (tenth((box[0] + box[2]) / 2), tenth((box[1] + box[3]) / 2))


def cells(text: str, size: int) -> Iterator[Marked]:
    """Boxes between two cells, as columns and rows; of two cells' middle as a point nothing is lost by taking the mean of both."""
    phrases = [(match.start(2), match.end(2), name_of(match[1])) for match in PHRASE.finditer(text)]
    for match in CELLS.finditer(text):
        name = next((name for start, end, name in phrases if start <= match.start() < end), None)
        first, last = int(match[1]), int(match[2])
        numbers = sized([float(v) for cell in (first, last) for v in (cell % SIDE, cell // SIDE)], size)
        yield Marked(numbers, match.start(), match.end(), name)


def tags(text: str, size: int) -> Iterator[Marked]:
    """Numbers in tags of boxes, whatever stands between them; a name in the tag before, which boxes in a row share."""
    name, end = None, 0
    for match in TAGGED.finditer(text):
        if match["ref"] is not None or text[end : match.start()].strip(" ,;\n"):
            name = name_of(match["ref"] or "")
        end = match.end()
        values = [clamped(float(number)) for number in NUMBER.findall(match["inside"])]
        if len(values) > 5 and len(values) % 4:
            continue
        for start in range(0, max(len(values), 1), 4) if len(values) > 5 else [0]:
            for place in of_numbers(values[start : start + 4] if len(values) > 5 else values, size) if values else []:
                yield Marked(place, match.start(), match.end(), name)


def points(text: str, size: int) -> Iterator[Marked]:
    """Points in XML, by attributes x and y, x1 and y1 ..., or in one list of number, x, y."""
    for match in POINT.finditer(text):
        told = {(name, number): one or other for name, number, one, other in ATTRIBUTE.findall(match["attributes"])}
        name = name_of(match["text"]) or name_of(told.get(("alt", ""), "")) or ""
        found = [Named((value(told["x", n]), value(told["y", n]))) for key, n in told if key == "x" and ("y", n) in told]
        if ("coords", "") in told:
            found += in_list(told["coords", ""])
        if size == 2:
            yield from (Marked(one, match.start(), match.end(), name) for one in found if all(number == number for number in one))


def in_list(text: str) -> list[Named]:
    """Points of `image number, (number x y) ...`; images are parted by tabs or semicolons."""
    found = []
    for part in re.split(r"[\t;]", text):
        values = [float(number) for number in NUMBER.findall(part)]
        if len(values) % 3 == 1:
            found += [Named(values[at + 1 : at + 3]) for at in range(1, len(values) - 2, 3)]
    return found


def value(text: str) -> float:
    """A number in quotes; NaN for anything else."""
    return clamped(float(text)) if NUMBER.fullmatch(text.strip()) else float("nan")


def name_of(text: str) -> str | None:
    """The words that name a place, without marks around them."""
    return re.sub(r"<[^<>]{0,40}>", " ", text).strip(" \t\n;,.:|-") or None


def apart(text: str) -> tuple[str, int]:
    """A text without its points in XML, and how many those are.

    >>> apart('There are <points coords="1 1 340 625 2 560 910">dogs</points> here.'), apart("three dogs")
    (('There are  here.', 2), ('three dogs', 0))
    """
    if "<point" not in text:
        return text, 0
    return POINT.sub("", text), sum(1 for _ in points(text, 2))
