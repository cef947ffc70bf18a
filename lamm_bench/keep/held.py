"""What the two mappings share that hold a million things as bytes until somebody looks (ends.py, said.py)."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Held(MutableMapping[str, T], Generic[T]):
    """By name, in the order in which they came first: bytes, or the thing itself where it does not fit into them."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes | T] = {}

    def __delitem__(self, name: str) -> None:
        del self._kept[name]

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"
