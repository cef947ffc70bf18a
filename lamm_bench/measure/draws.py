"""Upstream's draws: which samples a subset has, which go to which process, which examples stand before a question (reference 2.7, 2.13).

They are numpy's legacy generator, seeded anew and asked in upstream's order, so that one of ChEF's runs can be repeated item by item.
Ours are drawn by the samples' names instead (ask/shots.py): no order of a file, no shard and no limit moves them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

SUBSET_SEED = 0  # of `--sample_len`, whatever the recipe's seeds are


def subset(count: int, sample_len: int) -> list[int]:
    """The places that `--sample_len` takes of `count` items, in the order drawn; all of them, in order, where there are no more.

    >>> subset(10, 4), subset(3, 32)
    ([2, 8, 4, 9], [0, 1, 2])
    """
    if sample_len >= count:
        return list(range(count))
    return [int(place) for place in np.random.RandomState(SUBSET_SEED).choice(count, sample_len, replace=False)]


def ranks(items: Sequence[int], processes: int) -> list[list[int]]:
    """The items of each process: contiguous slices of equal length, the last with what is left.

    >>> ranks(range(10), 3)
    [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]
    """
    each = len(items) // processes
    ends = [each * (number + 1) for number in range(processes - 1)] + [len(items)]
    return [list(items[begin:end]) for begin, end in zip([0, *ends], ends)]


def random_rows(count: int, examples: int, seed: int) -> list[list[int]]:
    """For each of `count` items the places of its examples, which may be its own; one generator goes through the items in order."""
    generator = np.random.RandomState(seed)
    return [[int(place) for place in generator.choice(count, examples, replace=False)] for _ in range(count)]


def fixed_rows(count: int, examples: int, seed: int, places: Sequence[int] = ()) -> list[list[int]]:
    """The same examples for every item: `places`, or drawn once."""
    row = list(places) or [int(place) for place in np.random.RandomState(seed).choice(count, examples, replace=False)]
    return [list(row) for _ in range(count)]


def nearest_rows(vectors: Any, examples: int, removed: Collection[int] = ()) -> list[list[int]]:
    """For each item the nearest others by inner product, `vectors` being [items, width], dense or sparse; those `removed` are nobody's
    examples.

    The nearest are one more than wanted. The item itself is taken out where it is among them, else the last one is (reference 2.7)."""
    table = vectors.astype(np.float32)
    count = table.shape[0]
    index = np.array([place for place in range(count) if place not in removed], dtype=np.int64)
    candidates, rows = table[index], []
    for place in range(count):
        near = [int(index[number]) for number in most_alike(products(candidates, table[place]), examples + 1)]
        rows.append([other for other in near if other != place][:examples])
    return rows


def products(table: Any, vector: Any) -> np.ndarray:
    """Inner products [rows] of a table's rows with a vector; of a sparse table the vector is a row of one."""
    if isinstance(table, np.ndarray):
        return np.asarray(table @ vector)
    return np.asarray((table @ vector.T).todense()).ravel()


def most_alike(values: np.ndarray, count: int) -> list[int]:
    """Places of the `count` greatest values, in FAISS's order: of equal ones the later first.

    FAISS keeps a heap. A value enters it where it is above the heap's least; of equal least ones the earliest leaves. Values below the
    `count`-th greatest never stay, so they are left out from the beginning."""
    if count >= len(values):
        chosen = list(range(len(values)))
    else:
        least = np.partition(values, len(values) - count)[len(values) - count]
        chosen = []
        for place in np.flatnonzero(values >= least):
            if len(chosen) < count:
                chosen.append(int(place))
            elif values[place] > (low := min(values[chosen])):
                chosen.remove(min(other for other in chosen if values[other] == low))
                chosen.append(int(place))
    return sorted(chosen, key=lambda place: (-values[place], -place))


def sliced(rows: Sequence[Sequence[int]], batch: int) -> list[list[int]]:
    """The rows that ChEF's batches read: batch number b of m items reads the rows from b * m on, m being *this* batch's length, so that
    a last, shorter batch reads other items' rows. With batches of one, as in upstream's recipes, every item has its own."""
    found = []
    for begin in range(0, len(rows), batch):
        length = min(batch, len(rows) - begin)
        first = begin // batch * length
        found += [list(row) for row in rows[first : first + length]]
    return found
