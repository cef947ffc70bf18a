"""Rows of tables and of JSON, by the standard library: TSV, CSV, JSON, JSON lines, and folders whose files are the rows."""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np

from lamm_bench.errors import BenchError
from lamm_bench.loading import decode, parse_json, shorten, whole

from .files import LARGEST, Files, lines_of
from .gathering import levelled
from .templates import MISSING, Row, find

NAMES = {",": "commas", "\t": "tabs", ";": "semicolons"}
LARGEST_JSON = 2**31  # bytes


def separated(files: Files, name: str, mark: str) -> Iterator[Row]:
    """The rows of a CSV or TSV file with a line of names; empty cells are None."""
    csv.field_size_limit(LARGEST)
    with files.open(name) as stream:
        reader = csv.reader(lines_of(stream, name), delimiter=mark)
        number, header = 0, []
        try:
            header = [column.strip() for column in next(reader, [])]
            if not any(header):
                raise BenchError(f"{name} is empty; expected a first line with the names of its columns")
            other = next((each for each in ";\t," if each != mark and len(header) == 1 and each in header[0]), None)
            if other is not None:
                raise BenchError(
                    f"{name}: its first line is one column, {shorten(header[0])}; expected names parted by {NAMES[mark]}, not by {NAMES[other]}"
                )
            twice = next((column for place, column in enumerate(header) if column and column in header[:place]), None)
            if twice is not None:
                raise BenchError(f"{name} has two columns `{twice}`")
            for cells in reader:
                if not cells:
                    continue
                number += 1
                if len(cells) != len(header):
                    raise BenchError(
                        f"{name} row {number}: it has {len(cells)} cells, expected {len(header)} as the first line names them"
                    )
                data = {column: cell or None for column, cell in zip(header, cells)}
                yield Row(f"{name} row {number}", number, {**data, "@row": number, "@file": name})
        except csv.Error as error:
            told = "a carriage return stands alone, outside of quotes" if "new-line" in str(error) else error
            raise BenchError(f"{name} row {number + 1}: it cannot be read ({told})") from None


def json_lines(files: Files, name: str) -> Iterator[Row]:
    """One JSON object a line; blank lines are passed over."""
    with files.open(name) as stream:
        for number, line in enumerate(lines_of(stream, name), 1):
            if line.strip():
                value = parse_json(line, f"{name} line {number}")
                yield row_of(value, f"{name} line {number}", number, name)


def text_lines(files: Files, name: str) -> Iterator[Row]:
    """The lines of a text, each a row with one column, `line`; blank ones are passed over."""
    with files.open(name) as stream:
        for number, line in enumerate(lines_of(stream, name), 1):
            if line.strip():
                yield Row(f"{name} line {number}", number, {"line": line.strip(), "@row": number, "@file": name})


def json_value(files: Files, name: str, at: str, levels: Sequence[str] = ()) -> Iterator[Row]:
    """The objects of a list in a JSON file, or of a mapping, whose keys are then `@key`. With `levels` those that lie so deep in mappings
    of mappings, with a column for the key of each."""
    data = parse_json(decode(files.read(name, LARGEST_JSON), name), name)
    if at:
        inside = find(Row(name, 0, data if isinstance(data, dict) else {}), at)
        if inside is MISSING:
            there = ", ".join(data) if isinstance(data, dict) else type(data).__name__
            raise BenchError(f"{name} has nothing at `{shorten(at)}`; it holds {shorten(there)}")
        data = inside
    if levels:
        try:
            for number, (keys, value) in enumerate(levelled(data, levels), 1):
                row = row_of(value, f"{name} entry {number}", number, name)
                yield row.with_({**row.data, **keys})
        except ValueError as error:
            raise BenchError(
                f"{name} holds no mapping where the keys `{error}` should be (`levels` names them, outermost first)"
            ) from None
    elif isinstance(data, dict):
        tables = [key for key, value in data.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
        if tables and not all(isinstance(value, dict | list) for value in data.values()):
            raise BenchError(f"{name} holds its rows at {' or '.join(map(shorten, tables))}; `data.at` says where")
        for number, (key, value) in enumerate(data.items(), 1):
            yield row_of(value, f"{name} entry {number}", number, name, key)
    elif isinstance(data, list):
        for number, value in enumerate(data, 1):
            yield row_of(value, f"{name} entry {number}", number, name)
    else:
        raise BenchError(f"{name} holds {type(data).__name__}, expected a list or a mapping (`at` names a place inside)")


def row_of(value: Any, where: str, number: int, name: str, key: str | None = None) -> Row:
    """A JSON value as a row; what is no object has one column, `value`."""
    data = value if isinstance(value, dict) else {"value": value}
    return Row(where, number, {**data, "@row": number, "@file": name, **({"@key": key} if key is not None else {})})


def folders(files: Files, names: list[str]) -> Iterator[Row]:
    """Each file as a row: `path`, `name` (without its ending) and `class`, the folder that it lies in."""
    for number, name in enumerate(names, 1):
        path = PurePosixPath(name)
        data = {"path": name, "name": path.stem, "class": path.parent.name}
        yield Row(name, number, {**data, "@row": number, "@file": name})


def arrays(files: Files, name: str) -> Iterator[Row]:
    """Each line of a two-dimensional array of numbers as a row with one column, `values`. Nothing is ever unpickled."""
    data = io.BytesIO(files.read(name))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = np.load(data, allow_pickle=False)
        if not isinstance(table, np.ndarray) or table.ndim != 2 or table.dtype.kind not in "fiu":
            raise ValueError("its shape or type is another")
    except Exception as error:  # NumPy parses headers as literals, which on damaged bytes fails in many ways
        raise BenchError(f"{name} is no two-dimensional array of numbers ({str(error)[:80]})") from None
    for number, values in enumerate(table.tolist(), 1):
        yield Row(f"{name} row {number}", number, {"values": values, "@row": number, "@file": name})


def told_json(value: Any) -> Any:
    """What columns of other libraries hold, as JSON would: bytes stay bytes, decimals and dates become the texts that they are."""
    if isinstance(value, Mapping):
        return {str(key): told_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [told_json(each) for each in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | timedelta | UUID):
        return str(value)
    return whole(value) if isinstance(value, str) else value


def as_json(data: bytes, where: str) -> Any:
    """The JSON of a member of an archive."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise BenchError(f"{where}: it is not JSON") from None
