"""What is told by several rows together: columns collected from rows that belong together, and how many of a kind there are.

Both need all rows before the first can be given, so they are for tables without pictures inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .templates import MISSING, Row, Template, find, nearest


@dataclass(frozen=True)
class Count:
    """How many different values `of` has among the rows that agree in all of `among`."""

    of: Template
    among: tuple[Template, ...]


def counted(rows: Iterable[Row], counts: Mapping[str, Count]) -> Iterator[Row]:
    """The rows, each with a column for every count."""
    kept = list(rows)
    tables: dict[str, list[tuple[str, ...]]] = {}
    for name, count in counts.items():
        if kept and name in kept[0].data:
            raise kept[0].fault(f"there is a column `{name}` already, so that `count` has to call its own otherwise")
        keys = [tuple(template.filled(row) for template in count.among) for row in kept]
        different: dict[tuple[str, ...], set[str]] = {}
        for key, row in zip(keys, kept):
            different.setdefault(key, set()).add(count.of.filled(row))
        tables[name] = keys
        sizes = {key: len(values) for key, values in different.items()}
        kept = [row.with_({name: sizes[key], **row.data}) for key, row in zip(keys, kept)]
    yield from kept


def gathered(rows: Iterable[Row], columns: Sequence[str]) -> Iterator[Row]:
    """One row for all that agree in these columns, where the first of them stood; every other column is then the list of their values."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        key = []
        for column in columns:
            found = find(row, column)
            if found is MISSING:
                raise row.fault(f"there is no column `{column}`, which `gather` looks at. {nearest(column, row.data)}")
            key.append(repr(found))
        groups.setdefault(tuple(key), []).append(row)
    for own in groups.values():
        first = own[0]
        names = dict.fromkeys(name for row in own for name in row.data if not name.startswith("@"))
        same = {name: first.data[name] for name in columns if name in first.data}
        lists: dict[str, Any] = {name: [row.data.get(name) for row in own] for name in names if name not in same}
        given = {name: first.data[name] for name in ("@row", "@file", "@key") if name in first.data}
        yield first.with_({**lists, **same, **given})


def levelled(value: Any, names: Sequence[str], above: Mapping[str, str] = {}) -> Iterator[tuple[Mapping[str, str], Any]]:
    """What lies so deep in mappings of mappings, with the keys that lead there by their names.

    >>> list(levelled({"a": {"x": 1}, "b": {"y": 2}}, ["room", "object"]))
    [({'room': 'a', 'object': 'x'}, 1), ({'room': 'b', 'object': 'y'}, 2)]
    """
    if not names:
        yield above, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from levelled(inner, names[1:], {**above, names[0]: key})
    else:
        raise ValueError(names[0])
