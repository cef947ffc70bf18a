"""The forms that values of a task file may have: each checks a value, and describes itself to editors as JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lamm_bench.errors import unknown
from lamm_bench.loading import shorten

from .document import Document, Path
from .sources import said as compared
from .templates import Template, compiled, patterns

TEXT = {"$ref": "#/$defs/text"}  # a text with columns in braces, in the schema for editors


class Form(Protocol):
    """What a value may be."""

    @property
    def said(self) -> str:
        """In a few words, for errors."""

    def fits(self, value: Any) -> bool:
        """Whether a value is of this kind at all, whatever is wrong inside."""

    def take(self, doc: Document, path: Path, value: Any) -> Any:
        """The value as it will be used. Raises `BenchError`."""

    def schema(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Text:
    """A text, that may have to match."""

    pattern: str = ""
    said: str = "a text"

    def fits(self, value: Any) -> bool:
        return isinstance(value, str)

    def take(self, doc: Document, path: Path, value: Any) -> str:
        if not isinstance(value, str) or not value or (self.pattern and not re.fullmatch(self.pattern, value)):
            raise doc.fault(path, f"is {shorten(value)}, expected {self.said}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", **({"pattern": f"^(?:{self.pattern})$(?!\\n)"} if self.pattern else {"minLength": 1})}


@dataclass(frozen=True)
class Number:
    """A number within bounds, whole where it must be."""

    least: float
    most: float
    whole: bool = False

    @property
    def said(self) -> str:
        return f"a {'whole ' * self.whole}number from {self.least:g} to {self.most:g}"

    def fits(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def take(self, doc: Document, path: Path, value: Any) -> Any:
        if not self.fits(value) or not self.least <= value <= self.most or (self.whole and value != int(value)):
            raise doc.fault(path, f"is {shorten(value)}, expected {self.said}")
        return int(value) if self.whole else value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer" if self.whole else "number", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True)
class Scalar:
    """A text, a number or a truth value; it is compared as it is written, and as it is told (`1.0` is also 1, `True` also true)."""

    said: str = "a text or a number"

    def fits(self, value: Any) -> bool:
        return isinstance(value, str | int | float)

    def take(self, doc: Document, path: Path, value: Any) -> tuple[str, ...]:
        if not self.fits(value):
            raise doc.fault(path, f"is {shorten(value)}, expected {self.said}")
        return tuple(dict.fromkeys((compared(value), doc.text(path, value))))

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True)
class OneOf:
    """One of a closed list of names."""

    names: tuple[str, ...]
    kind: str

    @property
    def said(self) -> str:
        return f"one of {', '.join(self.names)}"

    def fits(self, value: Any) -> bool:
        return isinstance(value, str)

    def take(self, doc: Document, path: Path, value: Any) -> str:
        if not isinstance(value, str):
            raise doc.fault(path, f"is {shorten(value)}, expected {self.said}")
        if value not in self.names:
            raise doc.fault(path, f"names {unknown(self.kind, value, self.names)}")
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": sorted(self.names)}


@dataclass(frozen=True)
class Filled:
    """A text with columns in braces."""

    said: str = 'a text with columns in braces, in quotes, such as "{question}"'

    def fits(self, value: Any) -> bool:
        return isinstance(value, str | int | float)

    def take(self, doc: Document, path: Path, value: Any) -> Template:
        if not self.fits(value) or value == "":
            raise doc.fault(path, f"is {shorten(value)}, expected {self.said}")
        return compiled(doc.text(path, value), lambda what: doc.fault(path, what))

    def schema(self) -> dict[str, Any]:
        return dict(TEXT)


@dataclass(frozen=True)
class Side:
    """What rows are joined by: a column's name, or a text with columns in braces."""

    said: str = "a column's name, or a text with columns in braces"

    def fits(self, value: Any) -> bool:
        return isinstance(value, str)

    def take(self, doc: Document, path: Path, value: Any) -> Template:
        if not isinstance(value, str) or not value:
            raise doc.fault(path, f"is {shorten(value)}, expected {self.said}")
        return compiled(value if "{" in value else f"{{{value}}}", lambda what: doc.fault(path, what))

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "anyOf": [{"pattern": patterns()[1]}, {**TEXT, "pattern": r"\{"}]}


@dataclass(frozen=True)
class Listed:
    """A list, or one value that stands for a list of one."""

    form: Form
    alone: bool = True

    @property
    def said(self) -> str:
        return f"a list, each entry {self.form.said}" + (f" (or {self.form.said})" if self.alone else "")

    def fits(self, value: Any) -> bool:
        return isinstance(value, list) or (self.alone and self.form.fits(value))

    def take(self, doc: Document, path: Path, value: Any) -> tuple[Any, ...]:
        if self.alone and self.form.fits(value) and not isinstance(value, list):
            return (self.form.take(doc, path, value),)
        if not isinstance(value, list) or not value:
            raise doc.fault(path, f"is {shorten(value)}, expected {self.said}")
        return tuple(self.form.take(doc, (*path, place), each) for place, each in enumerate(value))

    def schema(self) -> dict[str, Any]:
        listed = {"type": "array", "minItems": 1, "items": self.form.schema()}
        return {"anyOf": [self.form.schema(), listed]} if self.alone else listed


@dataclass(frozen=True)
class Table:
    """Free names with values of one form."""

    form: Form

    @property
    def said(self) -> str:
        return f"a mapping from names to values, each {self.form.said}"

    def fits(self, value: Any) -> bool:
        return isinstance(value, dict)

    def take(self, doc: Document, path: Path, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or not value:
            raise doc.fault(path, f"is {shorten(value)}, expected {self.said}")
        return {name: self.form.take(doc, (*path, name), each) for name, each in value.items()}

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "minProperties": 1, "additionalProperties": self.form.schema()}


@dataclass(frozen=True)
class Either:
    """The first form that fits."""

    forms: tuple[Form, ...]

    @property
    def said(self) -> str:
        return ", or ".join(form.said for form in self.forms)

    def fits(self, value: Any) -> bool:
        return any(form.fits(value) for form in self.forms)

    def take(self, doc: Document, path: Path, value: Any) -> Any:
        for form in self.forms:
            if form.fits(value):
                return form.take(doc, path, value)
        raise doc.fault(path, f"is {shorten(value)}, expected {self.said}")

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [form.schema() for form in self.forms]}


@dataclass(frozen=True)
class Key:
    """One key of a mapping."""

    form: Form
    doc: str
    needed: bool = False


@dataclass(frozen=True)
class Keys:
    """A mapping with a closed set of keys; any other is refused with the nearest."""

    name: str  # in errors: "`sample`"
    keys: Mapping[str, Key] | Callable[[], Mapping[str, Key]]

    @property
    def table(self) -> Mapping[str, Key]:
        return self.keys() if callable(self.keys) else self.keys

    @property
    def said(self) -> str:
        return f"a mapping with keys of {', '.join(self.table)}"

    def fits(self, value: Any) -> bool:
        return isinstance(value, dict)

    def take(self, doc: Document, path: Path, value: Any) -> dict[str, Any]:
        table = self.table
        if not isinstance(value, dict):
            raise doc.fault(
                path, f"is {shorten(value)}, expected {self.said}" if path else f"is no task file: expected {self.said}"
            )
        for name in value:
            if name not in table:
                raise doc.fault((*path, name), f"is not known: {unknown(f'key of {self.name}', name, table)}")
        for name, key in table.items():
            if key.needed and value.get(name) is None:
                raise doc.fault(path, f"{'has' if path else 'the file has'} no `{name}`: {key.doc}")
        return {name: table[name].form.take(doc, (*path, name), each) for name, each in value.items()}

    def schema(self) -> dict[str, Any]:
        table = self.table
        needed = [name for name, key in table.items() if key.needed]
        return {
            "type": "object",
            "additionalProperties": False,
            **({"required": needed} if needed else {}),
            "properties": {name: {"description": key.doc, **key.form.schema()} for name, key in table.items()},
        }
