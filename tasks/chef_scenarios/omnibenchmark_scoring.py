"""How deep an answer agrees with a chain of four names, under upstream's reading and ours (reference 1.17.1, 9.1, 9.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.stats import estimates, ratio
from lamm_bench.read import read_choice, text_of
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

LEVELS = 4


def depth_of_turns(texts: Sequence[str], chain: Sequence[str]) -> int:
    """How many levels are named one after the other, each in its own turn."""
    depth = 0
    while depth < min(LEVELS, len(texts)) and chain[depth] in texts[depth]:
        depth += 1
    return depth


def depth_of_text(text: str, chain: Sequence[str], ids: Sequence[Sequence[str]]) -> int:
    """The last level that is named; a sibling's id sets the depth to the level above it, also back from a deeper one."""
    depth = 0
    for level in range(LEVELS):
        if chain[level] in text:
            depth = level + 1
        elif any(one in text for one in ids[level]):
            depth = level
    return depth


@dataclass(frozen=True, eq=False)
class ChainScorer:
    """Upstream's metric class, in percent: the depth of agreement as a share of four levels. Names count as parts of longer words too."""

    metrics: tuple[Metric, ...] = (Metric("weighted accuracy", ratio("depth", "levels"), n="items"),)

    def read(self, answer: Answer, sample: Sample) -> str | tuple[str, ...]:
        if isinstance(answer, str):
            return answer
        if len(answer) != LEVELS:
            raise UpstreamStops(f"upstream stops at {len(answer)} turns, where {LEVELS} are asked")
        return tuple(answer.values())

    def score(self, sample: Sample, prediction: str | tuple[str, ...] | None) -> dict[str, float]:
        chain = sample.meta["chain"]
        if prediction is None:
            return {"items": 1, "levels": LEVELS, "depth": 0}
        turns = isinstance(prediction, tuple)
        depth = depth_of_turns(prediction, chain) if turns else depth_of_text(str(prediction), chain, sample.meta["ids"])
        return {"items": 1, "levels": LEVELS, "depth": depth}

    def show(self, sample: Sample, prediction: Any, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"value": stats["depth"] / LEVELS}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return {}


@dataclass(frozen=True, eq=False)
class ChainStandard:
    """Ours: whether the finest name is chosen of its siblings; of four turns also how many from the top are right, one after the other."""

    metrics: tuple[Metric, ...] = (Metric("accuracy", ratio("right", "items")),)

    def read(self, answer: Answer, sample: Sample) -> tuple[str | None, ...] | None:
        """The name that each turn chooses of its options; of one text the finest only."""
        options = sample.meta["turns"]
        if not isinstance(answer, str) and len(answer) == LEVELS:
            found = tuple(chosen(text, names) for text, names in zip(answer.values(), options))
            return found if any(found) else None
        name = chosen(text_of(answer), sample.choices)
        return None if name is None else (name,)

    def score(self, sample: Sample, prediction: tuple[str | None, ...] | None) -> dict[str, float]:
        chain, said = sample.meta["chain"], prediction or ()
        return {"items": 1.0, "right": float(bool(said) and said[-1] == chain[-1])}

    def show(self, sample: Sample, prediction: tuple[str | None, ...] | None, stats: Mapping[str, float]) -> dict[str, Any]:
        return {"value": stats["right"], "predicted": list(prediction or ()), "expected": list(sample.meta["chain"])}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        """Of answers in turns, the share of levels that are right one after the other from the top."""
        turned = [row for row in rows if isinstance(row.answer, Mapping)]
        levels = [replace(row, stats={"levels": LEVELS, "depth": agreed(row)}) for row in turned]
        return estimates((Metric("depth", ratio("depth", "levels"), n="levels"),), levels) if levels else {}


def agreed(row: Row) -> float:
    said, chain = row.prediction or (), row.sample.meta["chain"]
    wrong = [level for level in range(LEVELS) if said[level : level + 1] != chain[level : level + 1]]
    return float(wrong[0] if wrong else LEVELS)


def chosen(text: str, names: Sequence[str]) -> str | None:
    """The name of a choice; None where it cannot be read."""
    place = names.index(text.strip()) if text.strip() in names else read_choice(text, names)
    return None if place is None else names[place]
