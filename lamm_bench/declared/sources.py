"""Where rows come from: the files that `data` of a task file names, what is joined to them, taken apart and kept."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import id_text, shorten

from . import rooms
from .files import PACKED, Files, Unusable
from .gathering import Count, counted, gathered
from .parquet import parquet, rows_of
from .tables import arrays, folders, json_lines, json_value, separated, text_lines
from .tars import tar
from .templates import MISSING, Row, Template, find, nearest

FORMATS = ("tsv", "csv", "json", "jsonl", "parquet", "npy", "tar", "folders", "text", "scannet")
ENDINGS = {"ndjson": "jsonl", "txt": "text", "tgz": "tar", **{name: name for name in FORMATS[:-3]}}
OTHERWISE = ("drop", "empty")


def format_of(name: str) -> str:
    """The form that a file's ending tells, with or without .gz behind it; empty where it tells none.

    >>> format_of("a.jsonl"), format_of("b/a.CSV.gz"), format_of("*.tgz"), format_of("a.xml")
    ('jsonl', 'csv', 'tar', '')
    """
    return ENDINGS.get(PurePosixPath(name.lower().removesuffix(PACKED)).suffix[1:], "")


@dataclass(frozen=True)
class Source:
    """Files of one form. `columns` are those that somebody looks at; others need not be read."""

    files: tuple[str, ...]
    format: str = ""  # empty: by the files' endings
    at: str = ""
    keep: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    join: tuple[Join, ...] = ()
    each: str = ""
    levels: tuple[str, ...] = ()  # names for the keys of mappings within mappings
    counts: Mapping[str, Count] = field(default_factory=dict)  # column -> what it counts
    gather: tuple[str, ...] = ()  # columns: rows that agree in them become one
    columns: frozenset[str] = frozenset()

    def names(self, files: Files) -> list[str]:
        """The files that are there. Raises `BenchError` where a pattern matches none."""
        found = []
        if self.format == "scannet":
            return []
        for pattern in self.files:
            try:
                own = files.find(pattern)
            except Unusable as error:
                raise BenchError(f"{files.root}: {error}") from None
            if not own:
                raise BenchError(f"{files.root / pattern} is missing")
            found += own
        return list(dict.fromkeys(found))

    def stamps(self, files: Files) -> list[tuple[str, int, int]]:
        """What tells that any file has changed, those that are joined among them."""
        own = [files.stamp(name) for name in self.names(files)]
        if self.format == "scannet":
            own = [
                files.stamp(name)
                for place in rooms.PLACES
                if place.boxes
                for name in files.find(place.boxes.replace("{room}", "*"))
            ]
        return own + [stamp for join in self.join for stamp in join.source.stamps(files)]

    def rows(self, files: Files, skip: int = 0) -> Iterator[Row]:
        """The rows to make samples of, the first `skip` of the files' own rows left out."""
        whole = bool(self.counts or self.gather)  # then no row is made without the others
        found = self.joined(files, 0 if whole else skip)
        if self.counts:
            found = counted(found, self.counts)
        if self.gather:
            found = gathered(found, self.gather)
        for row in found:
            if not whole or row.number > skip:
                yield row

    def joined(self, files: Files, skip: int) -> Iterator[Row]:
        """The rows with what is joined to them, taken apart and kept."""
        partners = [join.table(files) for join in self.join]
        for row in self.raw(files, skip):
            early = bool(self.each) and find(row, self.each) is not MISSING  # else the list is one of what is joined
            for one in self.apart(row) if early else (row,):
                whole: Row | None = one
                for join, table in zip(self.join, partners):
                    whole = join.joined(whole, table) if whole is not None else None
                for each in () if whole is None else (whole,) if early else self.apart(whole):
                    if self.kept(each):
                        yield each

    def raw(self, files: Files, skip: int) -> Iterator[Row]:
        """The files' own rows in their order; `number` goes on from file to file."""
        if self.format == "scannet":
            yield from islice(rooms.objects(files), skip, None)
            return
        names = self.names(files)
        if self.format == "folders":
            yield from islice(folders(files, names), skip, None)
            return
        before = 0
        for name in names:
            last = 0
            try:
                with contextlib.closing(self.opened(files, name, max(0, skip - before))) as own:
                    for row in own:
                        last = row.number
                        if before + row.number > skip:
                            yield replace(row, number=before + row.number, data={**row.data, "@row": before + row.number})
            except Unusable as error:
                raise BenchError(f"{name} cannot be used: {error}") from None
            before += last

    def count(self, files: Files) -> int | None:
        """How many rows there are, where that is known before they are read: in parquet files."""
        own = [(self.format or format_of(name), name) for name in self.names(files)]
        return sum(rows_of(files, name) for _, name in own) if all(format == "parquet" for format, _ in own) else None

    def opened(self, files: Files, name: str, skip: int) -> Any:
        format = self.format or format_of(name)
        if format in ("tsv", "csv"):
            return separated(files, name, "\t" if format == "tsv" else ",")
        if format == "jsonl":
            return json_lines(files, name)
        if format == "json":
            return json_value(files, name, self.at, self.levels)
        if format == "parquet":
            return parquet(files, name, set(self.columns), skip)
        if format == "npy":
            return arrays(files, name)
        if format == "text":
            return text_lines(files, name)
        if format == "tar":
            return tar(files, name)
        raise BenchError(f"{name}: its ending tells no format; `data.format` names one of {', '.join(FORMATS)}")

    def apart(self, row: Row) -> Iterator[Row]:
        """The row, or one for each element of its list `each`."""
        if not self.each:
            yield row
            return
        found = find(row, self.each)
        if found is MISSING:
            raise row.fault(f"there is no column `{self.each}`. {nearest(self.each, row.data)}")
        if not isinstance(found, list):
            raise row.fault(f"column `{self.each}` is {shorten(found)}, expected a list, which `each` takes apart")
        for number, item in enumerate(found, 1):
            inner = item if isinstance(item, dict) else {}
            yield row.with_({**row.data, **inner, "@item": item, "@number": number}, f", element {number} of `{self.each}`")

    def kept(self, row: Row) -> bool:
        """Whether a row has the values that `keep` wants."""
        for column, wanted in self.keep.items():
            found = find(row, column)
            if found is MISSING and column.endswith("?"):
                found = find(row, column[:-1])
                found = None if found is MISSING else found
            if found is MISSING:
                there = nearest(column, row.data)
                raise row.fault(f"there is no column `{column}`, which `keep` looks at (`{column}?` may be missing). {there}")
            if said(found) not in wanted:
                return False
        return True


@dataclass(frozen=True)
class Join:
    """Columns of other files, joined by the values of keys. Raises `BenchError` for rows without a partner, and keys that recur.

    Where one key of a row holds a list, there is a partner for each of its elements, and the joined columns hold lists."""

    source: Source
    left: tuple[Template, ...]  # the keys in the rows
    right: tuple[Template, ...]  # and in the other files
    name: str = ""  # under which the joined columns stand; empty: among the row's own
    otherwise: str = ""  # what becomes of a row without a partner: `drop`, `empty`; else it is a fault

    def table(self, files: Files) -> dict[tuple[str, ...], Mapping[str, Any]]:
        found: dict[tuple[str, ...], Mapping[str, Any]] = {}
        for row in self.source.rows(files):
            key = tuple(said(template.value(row)) for template in self.right)
            if key in found:
                raise row.fault(f"{self.named(self.right, key)} stands here a second time, so that nothing can be joined by it")
            found[key] = {name: value for name, value in row.data.items() if not name.startswith("@")}
        return found

    def joined(self, row: Row, table: Mapping[tuple[str, ...], Mapping[str, Any]]) -> Row | None:
        """The row with its partner's columns; None where it is dropped."""
        values = [template.value(row) for template in self.left]
        lists = [place for place, value in enumerate(values) if isinstance(value, list)]
        if not lists:
            if self.otherwise and tuple(map(said, values)) not in table:
                return row if self.otherwise == "empty" else None
            return self.beside(row, self.partner(row, values, table))
        place = lists[0]
        every = [[*values[:place], each, *values[place + 1 :]] for each in values[place]]
        if self.otherwise == "drop" and any(tuple(map(said, each)) not in table for each in every):
            return None
        lacking = self.otherwise == "empty"  # then nothing stands in the lists for those without a partner
        partners = [{} if lacking and tuple(map(said, each)) not in table else self.partner(row, each, table) for each in every]
        names = dict.fromkeys(name for one in (partners or list(table.values())[:1]) for name in one)
        return self.beside(row, {name: [one.get(name) for one in partners] for name in names})

    def beside(self, row: Row, found: Mapping[str, Any]) -> Row:
        return row.with_({**row.data, self.name: found} if self.name else {**found, **row.data})

    def partner(self, row: Row, values: Sequence[Any], table: Mapping[tuple[str, ...], Mapping[str, Any]]) -> Mapping[str, Any]:
        key = tuple(map(said, values))
        if key not in table:
            raise row.fault(
                f"{self.named(self.left, key)} is not in {', '.join(self.source.files) or 'the rooms'}, which is joined by it"
            )
        return table[key]

    def named(self, keys: Sequence[Template], values: Sequence[str]) -> str:
        return ", ".join(f"`{bare(key.text)}` {shorten(value)}" for key, value in zip(keys, values))


def bare(text: str) -> str:
    """A template that is one column, as the column's name.

    >>> bare("{id}"), bare("{a}/{b}")
    ('id', '{a}/{b}')
    """
    return text[1:-1] if re.fullmatch(r"\{[^{}]*\}", text) else text


def said(value: Any) -> str:
    """A value as `keep` and `join` compare it: as a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = id_text(value)
    return text if text is not None else "" if value is None else shorten(value, 1000)


def is_there(root: Path, patterns: Sequence[str]) -> bool:
    """Whether any file of the patterns is there."""
    files = Files(root)
    try:
        return any(files.find(pattern) for pattern in patterns)
    except Unusable:
        return False
    finally:
        files.close()
