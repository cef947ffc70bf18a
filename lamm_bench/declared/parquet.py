"""Rows of parquet files by pyarrow, streamed: memory is bounded whatever the row groups are (extra `data`)."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from lamm_bench.errors import BenchError, unknown

from .files import Files
from .tables import told_json
from .templates import Row

BATCH = 64  # rows that are decoded at a time
BUFFER = 1 << 20  # bytes of a column that are read at a time; without it whole columns of a row group would be


def library() -> Any:
    """pyarrow.parquet, which no other format needs."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise BenchError("parquet files are read by pyarrow: pip install 'lamm-bench[data]'") from None
    return pyarrow.parquet


def parquet(files: Files, name: str, columns: set[str], skip: int = 0) -> Iterator[Row]:
    """The rows of one file, with those of its columns that are wanted; the first `skip` of them are passed over, whole groups unread."""
    pq = library()
    path = files.path(name)
    if path is None:
        raise BenchError(f"{name}: parquet files cannot be read inside an archive; unpack it")
    import pyarrow

    number = 0
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER) as file:
            there = [column.name for column in file.schema_arrow]
            wanted = wanted_of(name, columns, there)
            groups, number = groups_from(file.metadata, skip)
            for batch in file.iter_batches(BATCH, row_groups=groups, columns=wanted, use_threads=False):
                for data in batch.to_pylist():
                    number += 1
                    if number > skip:
                        yield Row(f"{name} row {number}", number, {**told_json(data), "@row": number, "@file": name})
    except (pyarrow.ArrowException, OSError) as error:
        behind = f" behind row {number}" if number else ""
        raise BenchError(f"{name} cannot be read as parquet{behind}: {' '.join(str(error).split())[:200]}") from None
    finally:
        pyarrow.default_memory_pool().release_unused()


def rows_of(files: Files, name: str) -> int:
    """How many rows a file has, by what stands at its end; 0 where that cannot be read."""
    import pyarrow

    try:
        path = files.path(name)
        return library().read_metadata(path).num_rows if path is not None else 0
    except (pyarrow.ArrowException, OSError):
        return 0


def wanted_of(name: str, columns: set[str], there: list[str]) -> list[str]:
    """The columns to read: those that templates name, by path or pattern too. One that is not there is refused with the nearest."""
    found: set[str] = set()
    for column in sorted(columns):
        wanted = column.removesuffix("?")
        own = [each for each in there if fnmatchcase(each, wanted)] or [
            each for each in there if each == wanted.partition(".")[0]
        ]
        if not own and not column.endswith("?"):
            raise BenchError(f"{name}: {unknown('column', wanted, there)}")
        found.update(own)
    return [each for each in there if each in found]


def groups_from(metadata: Any, skip: int) -> tuple[list[int], int]:
    """The row groups from the one on that holds the first wanted row, and how many rows stand before it."""
    passed = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if passed + rows > skip:
            return list(range(group, metadata.num_row_groups)), passed
        passed += rows
    return [], passed
