"""MMBench's figures: vanilla (each question as it stands first) and circular accuracy (right however its options are turned)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.stats import ratio
from lamm_bench.tasks.upstream_scorer import plain
from lamm_bench.tasks.vqa import ChoiceScorer
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .extractor import Extracted, extract
from .groups import all_right, gathered, noted, share, whole_groups
from .letters import LetterScorer

TURN = 1_000_000  # added to a row's index for each place that its options are turned by
RANDOM = {"vanilla_acc": 27.57, "circular_acc": 2.55}  # percent by chance, ChEF's constants (reference 9.6)


def base_of(name: str) -> str:
    """The question that a row belongs to.

    >>> base_of("2000289"), base_of("289"), base_of("a1")
    ('289', '289', 'a1')
    """
    return str(int(name) % TURN) if name.isdecimal() else name


def number_of(name: str) -> int:
    try:
        return int(name)
    except ValueError:
        raise UpstreamStops(f"upstream stops at the id {name[:30]}, which is no number") from None


@dataclass(frozen=True, eq=False)
class CircularScorer(ChoiceScorer):
    """Ours: `vanilla` counts the rows as they stand first, `accuracy` all rows, `circular` the questions with every row right."""

    metrics: tuple[Metric, ...] = (
        Metric("vanilla", ratio("first_right", "first"), n="first"),
        Metric("accuracy", ratio("right", "items")),
    )

    def score(self, sample: Sample, prediction: int | None) -> dict[str, float]:
        stats = super().score(sample, prediction)
        first = float(sample.id == sample.meta["base"])
        return {**stats, "first": first, "first_right": first * stats["right"]}

    def whole(self, rows: Sequence[Row]) -> dict[str, Estimate]:
        groups, note = whole_groups(list(gathered(rows, lambda row: row.sample.meta["base"]).values()))
        return {**share("circular", groups, all_right, note), **super().whole(rows)} if groups else super().whole(rows)


@dataclass(frozen=True, eq=False)
class MMBenchScorer(LetterScorer):
    """Upstream's metric class (reference 1.17.2, 9.8), in percent. A question whose first row is not there counts as right in circular."""

    metrics: tuple[Metric, ...] = ()
    known: str = "ABCD"
    content_only: bool = False

    def read(self, answer: Answer, sample: Sample) -> Extracted:
        number_of(sample.id)
        if sample.target >= len(self.known):
            raise UpstreamStops(f"upstream has no letter for choice number {sample.target + 1}: its letters end at D")
        return extract(plain(answer, sample), sample.choices, self.content_only)

    def show(self, sample: Sample, prediction: Extracted | None, stats: Mapping[str, float]) -> dict[str, Any]:
        shown = super().show(sample, prediction, stats)
        return {"letter": shown["letter"]} if self.content_only else shown

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        ordered = sorted(rows, key=lambda row: (int(row.sample.id) if row.sample.id.isdecimal() else TURN**2, row.sample.id))
        questions = list(gathered(ordered, lambda row: base_of(row.sample.id)).values())
        firsts = [group[:1] for group in questions]
        complete = [row for group in questions if base_of(group[0].sample.id) == group[0].sample.id for row in group]
        lost = sum(base_of(group[0].sample.id) != group[0].sample.id for group in questions)
        note = f"{lost} questions without their first row count as right, as upstream counts them" if lost else ""
        found = share("vanilla_acc", firsts, all_right)
        found |= share("circular_acc", questions, counted_right, note)
        inside = {id(row) for row in complete}
        for way in ("option", "content"):
            rows_of = [[row] for row in ordered]
            found |= share(f"{way}_match", rows_of, lambda group: id(group[0]) in inside and bool(group[0].stats[f"by_{way}"]))  # noqa: B023
        chance = {
            name: noted(found[name], f"{found[name].note}; ".lstrip("; ") + f"by chance {value}")
            for name, value in RANDOM.items()
        }
        return {**found, **chance}


def counted_right(group: Sequence[Row]) -> bool:
    """Whether upstream counts a question as right: it looks its rows up by the id of the first one it has seen."""
    first = group[0].sample.id
    return base_of(first) != first or all_right(group)
