"""Which rows go through the model together, and behind which common beginning. Nothing here computes with tensors.

Rows about one image or cloud share everything up to its last token, and whatever follows alike; rows without such company
share what all of those begin with that have the same words before their medium, which is mostly the task's system message."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass, replace

from lamm_bench.media import modality
from lamm_bench.types import Media

from .encode import Encoded

WORTH = 8  # tokens: a shorter beginning costs more in bookkeeping than it saves

KeyOf = Callable[[Media], Hashable]


@dataclass(frozen=True)
class Kept:
    """What an earlier turn left of a row: its tokens from `begin`, where its own began, to `end`."""

    begin: int
    end: int


@dataclass(frozen=True)
class Placed:
    """One row of a call with its place in the plan."""

    index: int  # in the order of the requests
    row: Encoded
    shared: int  # tokens of the common beginning; 0 for none
    group: int  # rows of one group have the same beginning
    new: int  # tokens that may follow
    points: int = 0  # bytes of the row's clouds: what encoding them costs before they are thinned
    kept: int = 0  # tokens behind the beginning that an earlier turn has passed over; more a hope than a promise

    @property
    def cost(self) -> int:
        """Places in memory: text, media and new tokens."""
        return len(self.row) + self.new


def cut(row: Encoded, begin: int, end: int | None = None) -> Encoded:
    """The tokens from `begin` to `end`, positions unchanged; media are whole or not in it."""
    end = len(row) if end is None else end
    media = tuple((start - begin, one) for start, one in row.media if begin <= start < end)
    parts = (row.ids[begin:end], row.labels[begin:end], row.positions[begin:end], row.segments[begin:end])
    return Encoded(*parts, media)


def place(
    rows: Sequence[Encoded], news: Sequence[int], slots: dict[str, int], key: KeyOf, kept: Container[Hashable] = ()
) -> list[Placed]:
    """All rows, longest groups first and longest rows first inside a group.

    `kept` are beginnings (as `identity` names them) that are there already, so that a single row stands behind one too."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[identity(cut(row, 0, head(row, slots)), key) if row.media else None].append(index)
    for name in [name for name, members in groups.items() if name is not None and len(members) == 1 and name not in kept]:
        (alone,) = groups.pop(name)
        groups[before(rows[alone])].append(alone)  # with those of its task, where several are asked together
    for name in [name for name, members in groups.items() if isinstance(name, Before) and len(members) == 1]:
        groups[None] += groups.pop(name)
    placed: list[list[Placed]] = []
    for number, members in enumerate(groups.values()):
        least = head(rows[members[0]], slots) if len(members) == 1 else 0
        shared = max(least, common([rows[i] for i in members], key) if len(members) > 1 else 0)
        shared = shared if shared >= WORTH else 0
        own = [Placed(i, rows[i], shared, number, news[i], points(rows[i])) for i in members]
        placed.append(sorted(own, key=lambda p: (-p.cost, -p.points, p.index)))
    placed.sort(key=lambda group: (-group[0].cost, -group[0].points, group[0].index))
    return [one for group in placed for one in group]


def resumed(placed: Sequence[Placed], kept: Callable[[Encoded], Kept | None], key: KeyOf) -> list[Placed]:
    """The same rows; those of which more is `kept` than they have in common with others stand behind the beginning that they
    had then, and come first, before new answers push out what is kept."""
    first: list[Placed] = []
    rest: list[Placed] = []
    names: dict[Hashable, int] = {}
    after = max((one.group for one in placed), default=0) + 1
    for one in placed:
        found = kept(one.row)
        if found is None or found.end == found.begin or found.end - one.shared < WORTH:
            rest.append(one)
            continue
        number = names.setdefault(identity(cut(one.row, 0, found.begin), key), len(names))
        first.append(replace(one, shared=found.begin, group=after + number, kept=found.end - found.begin))
    return sorted(first, key=lambda one: one.group) + rest


@dataclass(frozen=True)
class Before:
    """What stands before a row's first medium: mostly its task's system message."""

    ids: tuple[int, ...]


def before(row: Encoded) -> Before:
    return Before(row.ids[: min((start for start, _ in row.media), default=0)])


def head(row: Encoded, slots: dict[str, int]) -> int:
    """Where the row's last media ends; one token is always left for after it."""
    end = max((start + slots[one.kind] for start, one in row.media), default=0)
    return min(end, len(row) - 1)


def identity(row: Encoded, key: KeyOf) -> Hashable:
    """Equal for equal tokens and equal media."""
    return (row.ids, tuple((start, key(one)) for start, one in row.media))


def common(rows: Sequence[Encoded], key: KeyOf) -> int:
    """How many tokens all rows begin with; each row keeps at least one of its own, and no media is cut."""
    low, high = min(rows, key=lambda r: r.ids), max(rows, key=lambda r: r.ids)
    most = min(min(len(row) for row in rows) - 1, len(os.path.commonprefix([low.ids, high.ids])))
    places = {tuple((start, key(one)) for start, one in row.media) for row in rows}
    if len(places) > 1:
        longest = os.path.commonprefix([list(p) for p in places])
        starts = [p[len(longest)][0] for p in places if len(p) > len(longest)]
        most = min([most, *starts])
    return most


def next_batch(placed: Sequence[Placed], at: int, size: int, budget: float) -> list[Placed]:
    """The rows from `at` on that go together: at most `size`, at most `budget` places of memory, one at the least.

    A batch ends early where rows with and without a beginning meet, and where one more beginning would leave the rows so
    unevenly spread that more than half of the work were padding."""
    chosen: list[Placed] = []
    counts: dict[int, int] = defaultdict(int)
    longest = 0
    for one in placed[at : at + max(1, size)]:
        longest = max(longest, one.cost)
        many = len(chosen) + 1
        fresh = one.group not in counts
        counts[one.group] += 1
        uneven = fresh and len(counts) * max(counts.values()) > 2 * many
        if chosen and (many * longest > budget or uneven or (one.shared > 0) != (chosen[0].shared > 0)):
            break
        chosen.append(one)
    return chosen


def load(chosen: Sequence[Placed]) -> int:
    """Places of memory that a batch takes: every row is padded to the longest."""
    return len(chosen) * max(one.cost for one in chosen)


def points(row: Encoded) -> int:
    """Bytes of the row's files that cost an encoder the more the larger they are, 0 where they cannot be told (the encoder says why)."""
    total = 0
    for _, one in row.media:
        if modality(one.kind).heavy:
            try:
                total += os.stat(one.path).st_size
            except OSError:
                continue
    return total
