"""What conversations have said so far, kept so that a later turn passes over its new tokens only.

A conversation's next prompt begins with its last one, or with much of it. What was computed for that part (keys and values of
the tokens behind the shared beginning) is found again by the longest common beginning of tokens, media included, and so can
never come from a conversation that differs there."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from .encode import Encoded
from .plan import WORTH, Kept, KeyOf
from .shared_attention import Beginnings

Signature = tuple[int, ...]
"""A row's token ids; where a media begins stands a negative number that is this media's own."""


@dataclass(frozen=True)
class Past:
    """What was computed for one row."""

    signature: Signature  # of all tokens from the conversation's first on
    begin: int  # the tokens before this place are those of a shared beginning, which is kept elsewhere
    own: Beginnings  # a single one: keys and values of the tokens from `begin` on

    @property
    def bytes(self) -> int:
        return self.own.bytes


class Turns:
    """Pasts of at most `limit` bytes together; those that went on, then the least recently kept, are dropped first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._kept: OrderedDict[Signature, Past] = OrderedDict()
        self._sorted: list[Signature] = []  # rows that begin alike are neighbours
        self._media: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def sign(self, row: Encoded, key: KeyOf) -> Signature:
        """Equal up to where tokens or media (as `key` tells them apart) begin to differ.

        >>> Turns(0).sign(Encoded((5, 6), (-100, -100), (0, 1), (0, 0), ()), str)
        (5, 6)
        """
        if not row.media:
            return row.ids
        ids = list(row.ids)
        for start, one in row.media:
            ids[start] = -1 - self._media.setdefault(key(one), len(self._media))
        return tuple(ids)

    def find(self, signature: Signature) -> tuple[Past, int] | None:
        """The past that has most in common with a row, and how many tokens; the row's last token is never among them.

        None unless at least `WORTH` tokens behind the past's shared beginning are in common."""
        place = bisect_left(self._sorted, signature)
        near = [self._kept[one] for one in self._sorted[max(0, place - 1) : place + 1]]
        found = [(min(alike(past.signature, signature), len(signature) - 1), past) for past in near]
        common, best = max(found, key=lambda one: (one[0], one[1].begin), default=(0, None))
        return (best, common) if best is not None and common - best.begin >= WORTH else None

    def recall(self, signature: Signature, shared: int) -> Beginnings | None:
        """Keys and values of the row's tokens from `shared` on, as many as are known.

        The past is the first to be dropped from now on: what comes of this row will hold the same and more."""
        found = self.find(signature)
        if found is None or found[0].begin > shared or found[1] <= shared:
            return None
        past, common = found
        self._kept.move_to_end(past.signature, last=False)
        return past.own.part(shared - past.begin, common - past.begin)

    def put(self, past: Past) -> None:
        if past.bytes > self.limit:
            return
        if past.signature in self._kept:
            self.bytes -= self._kept.pop(past.signature).bytes
        else:
            insort(self._sorted, past.signature)
        while self._kept and self.bytes + past.bytes > self.limit:
            signature, dropped = self._kept.popitem(last=False)
            self.bytes -= dropped.bytes
            del self._sorted[bisect_left(self._sorted, signature)]
        self._kept[past.signature] = past
        self.bytes += past.bytes

    def clear(self) -> None:
        self._kept.clear()
        self._sorted.clear()
        self.bytes = 0

    def known(self, key: KeyOf) -> Callable[[Encoded], Kept | None]:
        """What `plan.resumed` asks: where a row's past begins, and up to where it agrees."""

        def look(row: Encoded) -> Kept | None:
            found = self.find(self.sign(row, key))
            return None if found is None else Kept(found[0].begin, found[1])

        return look


def alike(left: Signature, right: Signature) -> int:
    """How many tokens both begin with.

    >>> alike((1, 2, 3), (1, 2, 4, 5))
    2
    """
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
