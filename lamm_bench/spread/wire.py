"""What goes between the driver and its workers: values as JSON, one object a line, nothing lost on the way.

Tuples stay tuples and the nouns of `lamm_bench.types` stay what they are, so that a worker is asked exactly what one process would be."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from lamm_bench import media
from lamm_bench.ask.identity import version_of
from lamm_bench.errors import BenchError, MediaError, Stopped
from lamm_bench.types import Generate, Media, Message, Response, Sample, Score, Turn
from lamm_bench.version import __version__

NOUNS = {kind.__name__: kind for kind in (Generate, Media, Message, Response, Sample, Score, Turn)}
ERRORS = {kind.__name__: kind for kind in (BenchError, MediaError, Stopped)}
VALUES = (
    "exact",
    "ignores",
    "needs",
    "coordinates",
    "speaks",
    "thinking",
    "one_medium",
    "begins",
    "overlaps",
)  # what an adapter may have, told in a hello
FORM = "@"  # the key under which a value says what it is


def pack(value: Any) -> Any:
    """A value that JSON can hold. Raises `BenchError` for what a worker could not be told.

    >>> unpack(pack((1, {2: "a"}, frozenset({"b"}))))
    (1, {2: 'a'}, frozenset({'b'}))
    """
    if value is None or isinstance(value, bool | int | float | str) and type(value).__module__ == "builtins":
        return value
    if isinstance(value, list):
        return [pack(one) for one in value]
    if type(value).__name__ in NOUNS and type(value) is NOUNS[type(value).__name__]:
        return {FORM: type(value).__name__, "fields": [pack(getattr(value, one.name)) for one in fields(value)]}
    if isinstance(value, tuple | frozenset | set):
        form = "tuple" if isinstance(value, tuple) else "frozenset"
        return {FORM: form, "items": [pack(one) for one in (value if form == "tuple" else sorted(value))]}
    if isinstance(value, Mapping):
        return {FORM: "dict", "items": [[pack(key), pack(one)] for key, one in value.items()]}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {FORM: "array", "dtype": value.dtype.str, "items": value.tolist()}
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return value.item()
    raise BenchError(f"a {type(value).__name__} cannot be sent to a worker process; leave --workers out")


def unpack(value: Any) -> Any:
    """The other way of `pack`."""
    if isinstance(value, list):
        return [unpack(one) for one in value]
    if not isinstance(value, dict):
        return value
    form = value[FORM]
    if form in NOUNS:
        return NOUNS[form](*map(unpack, value["fields"]))
    if form == "dict":
        return {unpack(key): unpack(one) for key, one in value["items"]}
    if form == "array":
        return np.array(value["items"], dtype=value["dtype"])
    return (tuple if form == "tuple" else frozenset)(map(unpack, value["items"]))


def line_of(message: Mapping[str, Any]) -> bytes:
    """A message on one line of ASCII."""
    return json.dumps(message).encode("ascii") + b"\n"


def failure_of(error: BaseException, trace: str) -> list[str]:
    """An error as it travels: what it is called, what it says, and where it came from."""
    return [type(error).__name__, str(error), trace]


def error_of(failure: list[str]) -> Exception:
    """The error as one process would have raised it; that of a stranger keeps its name, and its worker's traceback as the cause."""
    name, said, trace = failure
    if name in ERRORS:
        return ERRORS[name](said)
    error = type(name, (RuntimeError,), {})(said)
    error.__cause__ = RuntimeError(f"in a worker process:\n{trace}")
    return error


def versions() -> dict[str, str | None]:
    """What a worker must share with the driver, lest its answers be others."""
    return {
        "lamm-bench": __version__,
        "python": platform.python_version(),
        **{name: version_of(name) for name in ("torch", "transformers")},
        **media.decoder_versions(),
    }
