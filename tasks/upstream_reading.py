"""How upstream reads numbers, boxes, points, quotes, counts and option letters out of an answer, faults included.

Everything here reproduces described behaviour (reference 1.3.2, 1.3.4, 1.5.2, 1.6, 1.8, 1.9, 1.12 and Appendix H) and is
used by `classic` and `chef` only; the `standard` protocol reads with `lamm_bench.read.texts`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lamm_bench.errors import UpstreamStops

Box = tuple[float, ...]

LETTERS_2D = "ABCDE"
LETTERS_3D = "ABCDEF"

# reference 1.3.2: the fallback knows unsigned ASCII decimals only
UNSIGNED = re.compile(r"[0-9]+\.?[0-9]*")
# a token holding anything else can never become a number, whatever is glued to it; letters are those of nan, inf, infinity, e
HOPELESS = re.compile(r"[^\d\s+\-._eEiInNfFtTyYaA]")
LONGEST = 1000  # characters that were glued without becoming a number; gives up there, so that no answer takes quadratic time
SEPARATOR = re.compile(r"[, ]")

# reference 1.3.4
COUNT_WORDS = {"no": 0, "zero": 0} | {
    word: value
    for value, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
        "nineteen twenty".split(),
        start=1,
    )
}


def as_number(token: str) -> float | None:
    """What Python's `float` makes of a token; None where it refuses."""
    try:
        return float(token)
    except ValueError:
        return None


def bracketed(text: str, opening: str, closing: str) -> list[float]:
    """One pass of the number parser over one kind of bracket.

    A token that is no number stays in the buffer, so that everything behind it is glued to it (reference O1); opening a
    bracket does not clear the buffer either, and an unclosed bracket loses its last token."""
    numbers: list[float] = []
    buffer = ""
    for group in text.split(opening)[1:]:
        inside, closed, _ = group.partition(closing)
        tokens = SEPARATOR.split(inside)
        for position, token in enumerate(tokens):
            buffer += token
            if position == len(tokens) - 1 and not closed:
                break
            value = as_number(buffer)
            if value is not None:
                numbers.append(value)
                buffer = ""
            elif len(buffer) > LONGEST or HOPELESS.search(token):
                return numbers
    return numbers


def numbers(text: str) -> list[float]:
    """All numbers in square brackets, then all in round ones, in one list.

    >>> numbers("[0.1,0.2] (0.3)")
    [0.1, 0.2, 0.3]
    >>> numbers("[x1, y1] then [0.1, 0.2]")
    []
    """
    return bracketed(text, "[", "]") + bracketed(text, "(", ")")


def groups(text: str, size: int) -> list[Box]:
    """The numbers in groups of `size`; if there is not one group, groups of all unsigned decimals of the text."""
    values = numbers(text)
    if len(values) < size:
        values = [float(match) for match in UNSIGNED.findall(text)]
    return [tuple(values[start : start + size]) for start in range(0, len(values) - size + 1, size)]


def boxes2d(text: str) -> list[Box]:
    """Boxes (x1, y1, x2, y2); doubly reversed ones are turned, those reversed on one axis (or with NaN) dropped.

    >>> boxes2d("[x1, y1] then [0.1, 0.2, 0.3, 0.4]")
    [(0.1, 0.2, 1.0, 1.0)]
    """
    boxes: list[Box] = []
    for x1, y1, x2, y2 in groups(text, 4):
        if x1 > x2 and y1 > y2:
            x1, y1, x2, y2 = x2, y2, x1, y1
        if x1 <= x2 and y1 <= y2:
            boxes.append((x1, y1, x2, y2))
    return boxes


def boxes3d(text: str) -> list[Box]:
    """Boxes (cx, cy, cz, l, w, h) in metres, unchecked."""
    return groups(text, 6)


def points(text: str) -> list[Box]:
    """Points (x, y); a box counts as two of them (reference 1.3.2)."""
    return groups(text, 2)


def quoted_classic(text: str) -> str:
    """What stands between double quotes, joined by blanks; the whole text without any.

    >>> quoted_classic('it says "big" and "hotel"')
    'big hotel'
    """
    return " ".join(text.split('"')[1::2]) if '"' in text else text


BETWEEN_QUOTES = re.compile(r"""(?<=['"]).*?(?=['"])""")


def quoted_chef(text: str) -> str:
    """Every stretch between two quotes of either kind, also the text between two quotations, joined by '. '.

    >>> quoted_chef("'a' b 'c'")
    'a.  b . c'
    """
    spans = BETWEEN_QUOTES.findall(text)
    return ". ".join(spans) if spans else text


def count(text: str) -> int | None:
    """The first blank-separated token that is all digits or a number word; None without one.

    Raises `UpstreamStops` on digits that `int` refuses (superscripts, circled numbers).

    >>> count("I see 1,000 of them, or 12"), count("12."), count("there are no doubt 5")
    (12, None, 0)
    """
    for token in text.lower().split():
        if token.isdigit():
            try:
                return int(token)
            except ValueError:
                raise UpstreamStops(f"upstream stops at '{token}', which is a digit but not a number") from None
        if token in COUNT_WORDS:
            return COUNT_WORDS[token]
    return None


def answer_patterns(letters: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """The three forms of an option letter, in the order in which they decide (reference 1.6)."""
    return (
        re.compile(rf"[Tt]he answer is \(?[{letters}]\)?\W"),
        re.compile(rf"ANSWER: [{letters}]"),
        re.compile(rf"\([{letters}]\)"),
    )


PATTERNS = {letters: answer_patterns(letters) for letters in (LETTERS_2D, LETTERS_3D)}


def chosen(text: str, choices: Sequence[str], right: int, pattern_letters: str, known_letters: str) -> bool:
    """Whether upstream takes `text` for option number `right`.

    `pattern_letters` are the letters that the forms know, `known_letters` those that a choice can have; a choice beyond
    them raises `UpstreamStops`."""
    if not 0 <= right < min(len(known_letters), len(choices)):
        raise UpstreamStops(f"upstream has no letter for choice number {right + 1} of {len(choices)}")
    letter = known_letters[right]
    sentence, capitals, bracket = PATTERNS[pattern_letters]
    hits = sentence.findall(text)
    if hits:
        return all(letter in hit for hit in hits)
    hits = capitals.findall(text)
    if hits:
        return bool(hits[0][-1] == letter)
    hits = bracket.findall(text)
    if hits:
        return all(hit[1] == letter for hit in hits)
    said = text.lower()
    return choices[right].lower() in said and not any(
        choice.lower() in said for number, choice in enumerate(choices) if number != right
    )
