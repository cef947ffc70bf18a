"""Who learns from which row of a batch. Pure: every process computes the shares of all, and asks nobody."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lamm_bench.errors import BenchError
from lamm_bench.training.config.preset import Preset, Stage


@dataclass(frozen=True)
class Micro:
    """Rows of one forward pass; `blank` ones only fill a place that others have work in, and weigh nothing."""

    rows: tuple[int, ...]  # indices into the batch
    blank: bool = False


def whole_batches(preset: Preset, stage: Stage, processes: int) -> None:
    """Refuses to divide the batches of a stage that needs them whole."""
    if (stage.asked or stage.anchors) and (processes > 1 or preset.speed.micro):
        raise BenchError(f"stage {stage.name} learns from whole batches (asked, anchors) and needs one process and speed.micro=0")


def micros_of(batch: int, world: int, micro: int) -> int:
    """Forward passes of one process in one step, for batches of at most `batch` rows."""
    return math.ceil(batch / (world * micro)) if micro else 1


def shares(lengths: Sequence[int], batch: int, world: int, micro: int) -> list[list[Micro]]:
    """For each process its micro-batches: the same number for all, whatever the size of this batch.

    Rows of like length are put together, so that little is padded, and neighbours in length go to different processes, so that
    none waits long. Which rows make a batch is left as it was drawn: grouping moves no gradient, for a step sums over them all.

    >>> [[m.rows for m in mine] for mine in shares([5, 9, 4, 8], 4, world=2, micro=1)]
    [[(1,), (0,)], [(3,), (2,)]]
    """
    count, size = micros_of(batch, world, micro), micro or math.ceil(batch / world)
    if count == 1 and world == 1:
        return [[Micro(tuple(range(len(lengths))))]]
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    parts = [Micro(tuple(order[at : at + size])) for at in range(0, len(order), size)]
    shortest = Micro((order[-1],), blank=True)
    parts += [shortest] * (count * world - len(parts))
    return [[parts[number * world + rank] for number in range(count)] for rank in range(world)]


def padding(parts: Sequence[Micro], lengths: Sequence[int]) -> tuple[int, int]:
    """Places taken and places there are, over forward passes that each pad to their longest row."""
    taken = sum(lengths[i] for part in parts if not part.blank for i in part.rows)
    return taken, sum(len(part.rows) * max(lengths[i] for i in part.rows) for part in parts)
