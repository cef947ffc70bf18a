"""Texts with columns in braces: `{column}`, `{column.path.0}`, `{column|filter|filter:argument}`. Nothing else stands in braces.

`{column?}` may be missing or empty and is then nothing. `{{` and `}}` are braces. Names that begin with `@` are given by the loader:
`{@row}` (the row's number, from 1), `{@file}` (its file), `{@key}` (its name, in a file that maps names to rows), `{@item}` and `{@number}`
(the element of a list that `each` takes apart, and its place from 1), `{@options}` (the sample's options, one a line, (A) first)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import id_text, shorten

from .filters import FILTERS, Unfit, applied

PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
OPTIONS = "@options"
GIVEN = ("@row", "@file", "@key", "@item", "@number", OPTIONS)
MISSING = object()


@dataclass(frozen=True)
class Row:
    """One row of the data and where it stands."""

    where: str  # "signs.tsv row 7"
    number: int
    data: Mapping[str, Any]

    def fault(self, what: str) -> BenchError:
        return BenchError(f"{self.where}: {what}")

    def with_(self, data: Mapping[str, Any], behind: str = "") -> Row:
        return Row(self.where + behind, self.number, data)


@dataclass(frozen=True)
class Place:
    """A column in braces."""

    name: str
    optional: bool
    filters: tuple[tuple[str, str | None], ...]

    def value(self, row: Row) -> Any:
        """What stands there; None where it may be missing and is."""
        found = find(row, self.name)
        if empty(found):
            filled = any(name == "default" for name, _ in self.filters)
            if (self.optional and not filled) or self.name == OPTIONS:
                return None
            if found is MISSING and not self.optional:
                raise row.fault(f"there is no column `{self.name}`. {nearest(self.name, row.data)}")
            if not filled:
                raise row.fault(f"column `{self.name}` is empty (`{{{self.name}?}}` allows that)")
            found = None
        for name, argument in self.filters:
            if (
                found is None and name != "default"
            ):  # nothing stays nothing, whatever is done to it, until something stands for it
                continue
            try:
                found = applied(name, found, argument)
            except Unfit as error:
                raise row.fault(
                    f"column `{self.name}` is {shorten(found)}, which `{name}` cannot take: expected {error}"
                ) from None
        return found


@dataclass(frozen=True)
class Template:
    """A text with places; one that is a single place gives the value itself and not a text."""

    text: str
    parts: tuple[str | Place, ...]

    @property
    def columns(self) -> set[str]:
        """The names that it looks at, paths and patterns as they are, with `?` where they may be missing."""
        places = [part for part in self.parts if isinstance(part, Place)]
        return {f"{place.name}{'?' * place.optional}" for place in places if not place.name.startswith("@")}

    def value(self, row: Row) -> Any:
        if len(self.parts) == 1 and isinstance(self.parts[0], Place):
            return self.parts[0].value(row)
        return self.filled(row)

    def values(self, row: Row) -> list[Any]:
        """Its values, one for each column where a place is a pattern (`{image_*}`), in the order of their numbers."""
        place = self.parts[0] if len(self.parts) == 1 else None
        if not isinstance(place, Place) or "*" not in place.name:
            return [self.value(row)]
        names = sorted((name for name in row.data if fnmatchcase(name, place.name)), key=natural)
        if not names and not place.optional:
            raise row.fault(f"there is no column like `{place.name}`. {nearest(place.name, row.data)}")
        own = [Place(name, True, place.filters) for name in names]
        return [one.value(row) for one in own]

    def filled(self, row: Row) -> str:
        return "".join(part if isinstance(part, str) else told(part, part.value(row), row) for part in self.parts)


def told(place: Place, value: Any, row: Row) -> str:
    """A value within a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = id_text(value)
    if text is None:
        raise row.fault(
            f"column `{place.name}` is {shorten(value)}, expected a text or a number; filters such as first and join make one"
        )
    return text


def find(row: Row, name: str) -> Any:
    """The value under a column's name, or under a path into it; `MISSING` where there is none."""
    if name in row.data:
        return row.data[name]
    first, *path = name.split(".")
    found: Any = row.data.get(first, MISSING)
    for step in path:
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif isinstance(found, Sequence) and not isinstance(found, str | bytes) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return MISSING
    return found


def empty(value: Any) -> bool:
    """Whether nothing stands there: also the NaN that tables have for it."""
    return value is MISSING or value is None or value == "" or (isinstance(value, float) and value != value)


def nearest(name: str, data: Mapping[str, Any]) -> str:
    """Which columns there are, and the one that was probably meant."""
    said = str(unknown("column", name, (column for column in data if not column.startswith("@"))))
    return said.partition("'. ")[2] or said.partition(".")[2].strip()


def natural(name: str) -> list[tuple[int, int | str]]:
    """A key that sorts `image_10` behind `image_9`."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name) if part]


def compiled(text: str, fault: Callable[[str], BenchError]) -> Template:
    """A template. `fault` makes an error of what is wrong with it."""
    parts: list[str | Place] = []
    at = 0
    for found in PIECE.finditer(text):
        if found.start() > at:
            parts.append(text[at : found.start()])
        at = found.end()
        if found[0] in ("{{", "}}"):
            parts.append(found[0][0])
        elif found[1] is None:
            raise fault(f"is {shorten(text)}: a brace has no partner (write {{{{ or }}}} for one that is meant)")
        else:
            parts.append(place_of(found[1], fault))
    if at < len(text):
        parts.append(text[at:])
    return Template(text, merged(parts))


def patterns() -> tuple[str, str]:
    """What a text with columns must match, and what stands between two braces, as regular expressions for editors (ECMA-262)."""
    steps = "|".join(rf"\s*{name}\s*" + (f":{own.argument}" if own.argument else "") for name, own in sorted(FILTERS.items()))
    place = rf"\s*(?!\??\s*[|}}])(?:@(?:{'|'.join(name[1:] for name in GIVEN)})\s*\??\s*|[^@\s{{}}|][^{{}}|]*)(?:\|(?:{steps}))*"
    return rf"^(?:[^{{}}]|\{{\{{|\}}\}}|\{{{place}\}})+$", rf"^{place}$(?!\n)"


def merged(parts: Sequence[str | Place]) -> tuple[str | Place, ...]:
    """Texts that follow each other as one."""
    found: list[str | Place] = []
    for part in parts:
        if found and isinstance(part, str) and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return tuple(found)


def place_of(inside: str, fault: Callable[[str], BenchError]) -> Place:
    """What stands between two braces."""
    name, *behind = inside.split("|")
    optional = name.strip().endswith("?")
    name = name.strip().removesuffix("?").strip()
    if not name or (name.startswith("@") and name not in GIVEN):
        raise fault(f"has {{{inside}}}, which names no column; with @ there are {', '.join(GIVEN)}")
    filters = []
    for each in behind:
        called, colon, argument = each.partition(":")
        if called.strip() not in FILTERS:
            raise fault(f"names {unknown('filter', called.strip(), FILTERS)}")
        own = FILTERS[called.strip()]
        if own.argument and not colon:
            raise fault(f"needs an argument for `{called.strip()}`, as in {own.example}")
        if colon and not own.argument:
            raise fault(f"gives `{called.strip()}` an argument, which it does not take")
        if colon and not re.fullmatch(own.argument, argument):
            raise fault(f"gives `{called.strip()}` {shorten(argument)}, expected what it takes, as in {own.example}")
        filters.append((called.strip(), argument if colon else None))
    return Place(name, optional, tuple(filters))
