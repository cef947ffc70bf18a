"""The YAML of a task file as plain values, with the line of each, safe whatever the file holds.

Values are built from the parser's events, so that nothing nests, repeats or names a type behind our back: anchors, aliases and tags are
refused. Plain words follow YAML 1.2's core schema, where `yes` and `no` are words and no truth values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from lamm_bench.errors import BenchError
from lamm_bench.loading import shorten, whole

LARGEST = 256 * 1024  # bytes of a task file; the largest of ours has a hundredth
DEEPEST, MOST = 12, 20_000  # levels and values
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
WORDS: dict[str, Any] = {"": None, "~": None}
for _name, _value in {"null": None, "true": True, "false": False}.items():
    WORDS |= {_name: _value, _name.capitalize(): _value, _name.upper(): _value}
WHOLE, DECIMAL = (
    re.compile(r"[-+]?[0-9]{1,18}"),
    re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?"),
)

Path = tuple["str | int", ...]


@dataclass(frozen=True)
class Document:
    """A task file's value; `lines` has the line of every value by its path, `written` how numbers and truth values stand there."""

    file: str
    value: Any
    lines: Mapping[Path, int] = field(default_factory=dict)
    written: Mapping[Path, str] = field(default_factory=dict)

    def text(self, path: Path, value: Any) -> str:
        """A plain value as it is written: `1.0`, `007`, `True`."""
        return self.written.get(path, str(value))

    def fault(self, path: Path, what: str) -> BenchError:
        """An error that names the file, the line and the key."""
        line = next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), 1)
        key = ".".join(map(str, path))
        return BenchError(f"{self.file}, line {line}: {f'`{key}` ' if key else ''}{what}")


def parse(text: str, file: str) -> Document:
    """The document of one YAML file. Raises `BenchError` with the line of what is wrong."""
    if len(text) > LARGEST:
        raise BenchError(f"{file} has {len(text):,} characters, more than the {LARGEST:,} that a task file may have")
    builder = Builder(file)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        said = getattr(error, "problem", None) or " ".join(str(error).split())
        raise BenchError(f"{file}{where}: it is not YAML: {said}{hint(text, mark.line if mark else 0)}") from None
    return Document(file, builder.value, builder.lines, builder.written)


BARE = re.compile(r":\s+(\{[^{}]*\}[^\s,}\]#][^#]*?)\s*$")


def hint(text: str, line: int) -> str:
    """What is most often wrong where YAML ends: a text that begins with a brace, without quotes."""
    for each in text.splitlines()[max(0, line - 1) : line + 1]:
        if found := BARE.search(each):
            return f' (a text that begins with a brace stands in quotes: "{found[1]}")'
    return ""


@dataclass
class Builder:
    """Puts events together. `open` holds the collections that have not ended, each with the path of its values."""

    file: str
    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)
    open: list[tuple[Any, Path, list[Any]]] = field(default_factory=list)  # collection, its path, [key that waits for a value]
    documents: int = 0

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise BenchError(f"{self.file}, line {line}: a second document begins; a task file holds one")
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise BenchError(f"{self.file}, line {line}: anchors and aliases (& and *) are not allowed; write the value out")
        elif getattr(event, "tag", None) is not None:
            raise BenchError(f"{self.file}, line {line}: the tag {event.tag} is not allowed; a task file holds plain values")
        elif isinstance(event, yaml.ScalarEvent):
            plain = event.style in (None, "") and not self.wants_key()
            value = resolved(event.value) if plain else whole(event.value)
            path = self.put(value, line)
            if isinstance(value, int | float):
                self.written[path] = event.value
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if self.wants_key():
                raise BenchError(f"{self.file}, line {line}: a key must be a word")
            if len(self.open) >= DEEPEST:
                raise BenchError(f"{self.file}, line {line}: values nest deeper than {DEEPEST} levels")
            collection: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            path = self.put(collection, line)
            self.open.append((collection, path, []))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.open.pop()

    def wants_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1][0], dict) and not self.open[-1][2]

    def put(self, value: Any, line: int) -> Path:
        """A value where the next one belongs; gives its path."""
        if len(self.lines) >= MOST:
            raise BenchError(f"{self.file}, line {line}: more than {MOST:,} values")
        if not self.open:
            self.value = value
            self.lines[()] = line
            return ()
        collection, path, waiting = self.open[-1]
        if isinstance(collection, list):
            own: Path = (*path, len(collection))
            collection.append(value)
        elif not waiting:
            if value in collection:
                raise BenchError(f"{self.file}, line {line}: the key {shorten(value)} stands here a second time")
            waiting.append(value)
            collection[value] = None
            own = (*path, value)
        else:
            own = (*path, waiting.pop())
            collection[own[-1]] = value
        self.lines.setdefault(own, line)
        return own


def resolved(text: str) -> Any:
    """A plain word as a value.

    >>> [resolved(text) for text in ("no", "true", "~", "12", "-0.5", "1e3", "1.2.3", "12345678901234567890")]
    ['no', True, None, 12, -0.5, 1000.0, '1.2.3', '12345678901234567890']
    """
    if text in WORDS:
        return WORDS[text]
    if WHOLE.fullmatch(text):
        return int(text)
    return float(text) if DECIMAL.fullmatch(text) else whole(text)
