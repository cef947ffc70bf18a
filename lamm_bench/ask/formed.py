"""Sees that a response of somebody's adapter has the form of one, before it is kept: a small mistake costs its own sample and no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

from lamm_bench.types import Response


def formed(response: Response) -> Response:
    """The response, its sizes as plain whole numbers; one that cannot be kept as it is becomes an error with the reason.

    >>> formed(Response("a", sizes=(640, 480))).sizes, formed(Response("a", sizes=[[640, 480, 644, 476]])).sizes
    (((640, 480),), ((640, 480, 644, 476),))
    >>> formed(Response("a", finish="eos")).error
    "the adapter's response has finish 'eos', expected 'stop' or 'length'"
    """
    if response.error is not None:
        return replace(response, sizes=())
    for key in ("text", "reasoning"):
        if not isinstance(getattr(response, key), str):
            return faulty(key, getattr(response, key), "a text")
    if response.finish not in ("stop", "length"):
        return faulty("finish", response.finish, "'stop' or 'length'")
    sizes = response.sizes
    if not sized(sizes):
        return response
    found = sizes_in(sizes)
    if found is None:
        return faulty(
            "sizes", sizes, "for each picture (width, height) as sent, or these and (width, height) as resized, in whole pixels"
        )
    return replace(response, sizes=found)


def sized(sizes: Any) -> bool:
    """Whether there are any."""
    return not (isinstance(sizes, tuple) and not sizes)


def sizes_in(sizes: Any) -> tuple[tuple[int, ...], ...] | None:
    """Two or four sides for each picture; those of a single one may stand by themselves. None for anything else."""
    rows = list(sizes) if isinstance(sizes, Sequence) and not isinstance(sizes, str) or hasattr(sizes, "tolist") else None
    if rows is None:
        return None
    if rows and all(isinstance(side, Integral) for side in rows):
        rows = [rows]
    found = []
    for row in rows:
        sides = list(row) if isinstance(row, Sequence) and not isinstance(row, str) or hasattr(row, "tolist") else []
        if len(sides) not in (2, 4) or not all(
            isinstance(side, Integral) and not isinstance(side, bool) and int(side) > 0 for side in sides
        ):
            return None
        found.append(tuple(int(side) for side in sides))
    return tuple(found)


def faulty(key: str, value: Any, form: str) -> Response:
    return Response(error=f"the adapter's response has {key} {str(value)[:60]!r}, expected {form}", status="model_error")
