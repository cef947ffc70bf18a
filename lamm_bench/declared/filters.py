"""The closed list of filters of task files: what may be done to a column's value. None runs anything, and none guesses.

To add one, write a function of the value (and of a text behind a colon) that raises `Unfit` for what it cannot take."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import id_text, parse_json
from lamm_bench.read.letters import LETTERS

from .literals import list_of


class Unfit(Exception):
    """A value that a filter cannot take; says what it could."""


@dataclass(frozen=True)
class Filter:
    """`apply(value, argument)`; the argument is what stands behind the colon, of the form `argument`, without which there is none."""

    apply: Callable[[Any, str], Any]
    doc: str
    argument: str = ""
    example: str = ""


def applied(name: str, value: Any, argument: str | None) -> Any:
    return FILTERS[name].apply(value, argument or "")


def text(value: Any) -> str:
    """A text; numbers become one."""
    found = id_text(value)
    if found is None:
        raise Unfit("a text")
    return found


def listed(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise Unfit("a list")
    return list(value)


def number(value: Any, _: str = "") -> float:
    """
    >>> number("1,204.5"), number(3), number(" -2 ")
    (1204.5, 3.0, -2.0)
    """
    try:
        if isinstance(value, bool):
            raise ValueError
        found = float(value.strip().replace(",", "") if isinstance(value, str) else value)
        if not math.isfinite(found):
            raise ValueError
        return found
    except (TypeError, ValueError, OverflowError):
        raise Unfit("a finite number") from None


def whole(value: Any, _: str = "") -> int:
    found = number(value)
    if not found.is_integer():
        raise Unfit("a whole number")
    return int(found)


def from_one(value: Any, _: str = "") -> int:
    """
    >>> from_one("1"), from_one(4)
    (0, 3)
    """
    try:
        found = whole(value)
    except Unfit:
        found = 0
    if found < 1:
        raise Unfit("a whole number from 1 on")
    return found - 1


LETTER = re.compile(r"\(?\[?([A-Za-z])\]?[).:]?")


def letter(value: Any, _: str = "") -> int:
    """The index of an option's letter.

    >>> letter("B"), letter("(c)"), letter("a.")
    (1, 2, 0)
    """
    found = LETTER.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise Unfit("one letter of A to Z, alone or as in (B)")
    return LETTERS.index(found[1].upper())


YES, NO = ("yes", "y", "true", "1"), ("no", "n", "false", "0")


def yes_no(value: Any, _: str = "") -> str:
    """
    >>> yes_no("Yes"), yes_no(0), yes_no(True)
    ('yes', 'no', 'yes')
    """
    word = {True: "yes", False: "no"}[value] if isinstance(value, bool) else text(value).strip().strip(".").casefold()
    if word in YES or word in NO:
        return "yes" if word in YES else "no"
    raise Unfit("yes or no, true or false, 1 or 0")


def from_json(value: Any, _: str = "") -> Any:
    try:
        return parse_json(text(value), "it")
    except BenchError:
        raise Unfit("a text that is JSON") from None


def pylist(value: Any, _: str = "") -> list[Any]:
    """A list that is written out as Python writes it, or as NumPy prints it; read as one, never run. A list stays what it is.

    >>> pylist("['a', \\"b's\\"]"), pylist(["a"])
    (['a', "b's"], ['a'])
    """
    if isinstance(value, list | tuple):
        return list(value)
    found = list_of(value) if isinstance(value, str) else None
    if found is None:
        raise Unfit("a list as Python writes it, such as ['a', 'b']")
    return found


def item(value: Any, argument: str) -> Any:
    try:
        return listed(value)[int(argument)]
    except IndexError:
        raise Unfit(f"a list with an element {argument}") from None


MARK = r"(?:^|(?<=[\s,;:]))\(?{letter}[).:]\s*"


def options(value: Any, _: str = "") -> list[str]:
    """The options that a text lists behind their letters, (A) first and none left out.

    >>> options("Which?\\nOptions: A: a cat, B: a dog, C: none")
    ['a cat', 'a dog', 'none']
    >>> options("Vitamin A: what? Options: A: one, B: two")
    ['one', 'two']
    >>> options("Which?\\n(A) a cat\\n(B) a dog\\nAnswer with the letter.")
    ['a cat', 'a dog']
    """
    said, found = text(value), []
    second = re.compile(MARK.format(letter="B"))
    starts = [match for match in re.finditer(MARK.format(letter="A"), said) if second.search(said, match.end())]
    start = starts[-1] if starts else None  # an A before it may be a vitamin
    place = start.end() if start else -1
    for following in [*LETTERS[1:], ""]:
        if place < 0:
            break
        mark = re.compile(MARK.format(letter=following)).search(said, place) if following else None
        end = mark.start() if mark else len(said)
        option = said[place:end] if mark else said[place:end].partition("\n")[0]
        found.append(option.strip().rstrip(",;").strip())
        place = mark.end() if mark else -1
    if len(found) < 2 or not all(found):
        raise Unfit("a text that lists its options behind letters, (A) and (B) and so on")
    return found


def writes_list(value: Any, _: str = "") -> list[Any]:
    """A list, also one that is written out as Python writes it; any other text as the only element of one.

    >>> writes_list("['24/7', '3.43']"), writes_list("[sic] a"), writes_list("3")
    (['24/7', '3.43'], ['[sic] a'], ['3'])
    """
    try:
        return pylist(value)
    except Unfit:
        return [text(value)]


def is_letter(value: Any, _: str = "") -> str:
    """
    >>> is_letter("B"), is_letter("blue")
    ('yes', 'no')
    """
    return "yes" if isinstance(value, str) and LETTER.fullmatch(value.strip()) else "no"


def pluck(value: Any, key: str) -> list[Any]:
    """The values under a key of every element.

    >>> pluck([{"answer": "left", "answer_id": 1}], "answer")
    ['left']
    """
    if not all(isinstance(each, dict) and key in each for each in listed(value)):
        raise Unfit(f"a list of objects with `{key}`")
    return [each[key] for each in value]


def take(value: Any, count: str) -> list[Any]:
    """So many first elements; of a list of lists, of each of them.

    >>> take([1, 2, 3], "2"), take([[1, 2, 3], [4, 5, 6]], "2"), take([], "2")
    ([1, 2], [[1, 2], [4, 5]], [])
    """
    if listed(value) and all(isinstance(each, list) for each in value):
        return [each[: int(count)] for each in value]
    return list(value)[: int(count)]


def one_of(value: Any, names: str) -> str:
    """
    >>> one_of("what", "what,how"), one_of("Do", "what,how")
    ('what', 'other')
    """
    said = text(value)
    return said if said in [name.strip() for name in names.split(",")] else "other"


def drop(value: Any, count: str) -> list[Any]:
    """
    >>> drop(["scene0000_00", "chair", "2", "7", "9"], "3")
    ['7', '9']
    """
    return listed(value)[int(count) :]


def by_number(value: Any, _: str = "") -> list[Any]:
    """The elements by their numbers, so that their order tells nothing.

    >>> by_number(["12", "7", 9])
    ['7', 9, '12']
    """
    return sorted(listed(value), key=number)


MOST_DIGITS = 3  # of metres and of pixels in a text


def box_text(value: Any, _: str = "") -> Any:
    """A box as an answer writes it; of a list of boxes each.

    >>> box_text([1.23456, 2, -0.5, 1, 1, 1]), box_text([[0, 0, 1, 1], [0, 0, 2, 2]])
    ('[1.235, 2, -0.5, 1, 1, 1]', ['[0, 0, 1, 1]', '[0, 0, 2, 2]'])
    """
    found = listed(value)
    if found and all(isinstance(each, list | tuple) for each in found):
        return [box_text(each) for each in found]
    return "[" + ", ".join(f"{round(number(each), MOST_DIGITS):g}" for each in found) + "]"


def any_of(value: Any, names: str) -> str:
    """
    >>> any_of(["the", "left", "chair"], "left,right"), any_of(["chair"], "left")
    ('yes', 'no')
    """
    wanted = {name.strip() for name in names.split(",")}
    return "yes" if any(text(each) in wanted for each in listed(value)) else "no"


def called(value: Any, names: str) -> str:
    """
    >>> called(1, "1=unique,other=multiple"), called(3, "1=unique,other=multiple"), called("x", "1=unique")
    ('unique', 'multiple', 'x')
    """
    said = text(value)
    table = dict(pair.partition("=")[::2] for pair in names.split(","))
    return table.get(said, table.get("other", said))


def start(value: Any, count: str) -> str:
    """
    >>> start(22060200003501, "12")
    '220602000035'
    """
    return text(value)[: int(count)]


def before(value: Any, argument: str) -> str:
    return text(value).partition(argument)[0]


def after(value: Any, argument: str) -> str:
    said = text(value)
    return said.partition(argument)[2] if argument in said else said


ANY, SOME = r"[^{}|]*", r"[^{}|]+"  # what may stand behind a colon; also part of a pattern for editors
PLACES, COUNT, PAIRS = r"-?[0-9]{1,6}", r"[0-9]{1,6}", r"[^{}|=,]*=[^{}|,]*(?:,[^{}|=,]*=[^{}|,]*)*"

FILTERS: dict[str, Filter] = {
    "text": Filter(lambda value, _: text(value), "as a text"),
    "strip": Filter(lambda value, _: text(value).strip(), "without blanks at its ends"),
    "lower": Filter(lambda value, _: text(value).lower(), "in small letters"),
    "upper": Filter(lambda value, _: text(value).upper(), "in capital letters"),
    "int": Filter(whole, "a whole number"),
    "float": Filter(number, "a number; commas between thousands are left out"),
    "from_one": Filter(from_one, "a place that is counted from 1, as it is from 0"),
    "letter": Filter(letter, "the place of an option's letter: A is 0, (B) is 1"),
    "yes_no": Filter(yes_no, "yes or no, of yes, Yes, true, 1 ..."),
    "json": Filter(from_json, "the value of a text that is JSON"),
    "pylist": Filter(pylist, "the list of a text as Python writes lists"),
    "options": Filter(options, "the options that a text lists behind letters"),
    "first": Filter(lambda value, _: item(value, "0"), "the first element of a list"),
    "last": Filter(lambda value, _: item(value, "-1"), "the last element of a list"),
    "item": Filter(item, "an element of a list, from 0", PLACES, "{answers|item:2}"),
    "join": Filter(lambda value, by: by.join(map(text, listed(value))), "the elements as one text, with this between them", ANY, "{words|join: }"),
    "split": Filter(lambda value, by: [part.strip() for part in text(value).split(by)], "the parts of a text between these marks", SOME, "{answers|split:;}"),
    "lines": Filter(lambda value, _: [line for line in text(value).splitlines() if line.strip()], "the lines of a text"),
    "before": Filter(before, "what stands before a mark", SOME, "{question|before:Options:}"),
    "after": Filter(after, "what stands behind a mark", SOME, "{id|after:/}"),
    "before_last": Filter(lambda value, mark: text(value).rpartition(mark)[0] or text(value), "what stands before the last of these marks", SOME, "{id|before_last:_}"),
    "first_word": Filter(lambda value, _: (text(value).split() or [""])[0], "the first word"),
    "one_of": Filter(one_of, "itself where it is one of these, else `other`", SOME, "{word|one_of:what,how}"),
    "unless": Filter(lambda value, this: None if value == this else value, "nothing where it is this, as tables write `nan`", SOME, "{hint?|unless:nan}"),
    "ends": Filter(lambda value, this: value if text(value).endswith(this) else None, "itself where it ends so, else nothing", SOME, "{id?|ends:_0}"),
    "spaced": Filter(lambda value, _: " ".join(text(value).replace("_", " ").split()), "with blanks where _ stands"),
    "called": Filter(called, "by other names; `other` for those that have none", PAIRS, "{count|called:1=unique,other=multiple}"),
    "any_of": Filter(any_of, "yes where any element is one of these, else no", SOME, "{words|any_of:left,right}"),
    "start": Filter(start, "so many first characters", COUNT, "{id|start:12}"),
    "drop": Filter(drop, "a list without so many first elements", COUNT, "{parts|drop:3}"),
    "by_number": Filter(by_number, "the elements by their numbers"),
    "box": Filter(box_text, "a box as an answer writes it, of a list of boxes each"),
    "is_letter": Filter(is_letter, "yes where it is an option's letter, else no"),
    "list": Filter(writes_list, "a list, also one that a text writes out; a text alone as its only element"),
    "pluck": Filter(pluck, "the values under this key of every element", SOME, "{answers|pluck:answer}"),
    "take": Filter(take, "so many first elements, of a list of lists of each", COUNT, "{values|take:6}"),
    "default": Filter(lambda value, this: this if value in (None, []) else value, "this, where the column or its list is empty", SOME, "{split|default:test}"),
    "stem": Filter(lambda value, _: PurePosixPath(text(value)).stem, "the name in a path, without folders and ending"),
    "parent": Filter(lambda value, _: PurePosixPath(text(value)).parent.name, "the name of the folder in a path"),
}  # fmt: skip
