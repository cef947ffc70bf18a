"""The forms in which annotations are published, one reader a file.

To add one, write a module here with `OPTIONS`, the keys that a source of a plan may have, and
`read(source, reject) -> Iterator[Facts]`. What is wrong with one entry is told to `reject` and costs that entry; a file that
cannot be read at all is a `BenchError`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from lamm_bench.data.construct.facts import Facts
from lamm_bench.data.construct.plan import Source
from lamm_bench.errors import unknown

Reject: TypeAlias = Callable[[str, str, str], None]
"""Told of an entry that is left out: which, the reason in one word, and what is wrong with it."""


def known() -> list[str]:
    """The readers on this shelf."""
    return sorted(info.name for info in pkgutil.iter_modules([str(Path(__file__).parent)]) if not info.name.startswith("_"))


def read(source: Source, reject: Reject) -> Iterator[Facts]:
    """The facts of one source. Raises `BenchError` for a reader or an option that does not exist."""
    if source.reader not in known():
        raise unknown("reader", source.reader, known())
    module = importlib.import_module(f"{__name__}.{source.reader}")
    for key in source.options:
        if key not in module.OPTIONS:
            raise unknown(f"option of the reader {source.reader} ({source.where})", str(key), module.OPTIONS)
    yield from module.read(source, reject)
