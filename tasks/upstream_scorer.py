"""The shape that the scorers of `classic` and `chef` share: parse an answer, count it, show what was counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.stats import ratio
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

Stats = dict[str, float]


def plain(answer: Answer, sample: Sample) -> str:
    """The answer itself; upstream stops at anything that is not one text."""
    if not isinstance(answer, str):
        raise UpstreamStops("upstream stops at an answer that is not a text")
    return answer


def nothing(rows: Sequence[Row]) -> dict[str, Estimate]:
    """No metric beyond the additive ones."""
    return {}


def no_more(rows: Sequence[Row]) -> list[dict[str, float]]:
    """No value of a sample beyond those counted for it alone."""
    return [{} for _ in rows]


@dataclass(frozen=True)
class UpstreamScorer:
    """One evaluator of upstream as a `Scorer`. Its answers are never unread: upstream makes something of every text."""

    metrics: tuple[Metric, ...]
    count: Callable[[Sample, Any], Stats]  # statistics of a parsed answer; may raise `UpstreamStops`
    worst: Callable[[Sample], Stats]  # statistics of a sample without an answer, or at which upstream stops
    values: tuple[str, ...] = ("value",)  # the statistics that are shown per sample; a single one is shown as `value`
    parse: Callable[[Answer, Sample], Any] = plain
    display: Callable[[Sample, Mapping[str, float]], Mapping[str, Any]] | None = None  # instead of `values`
    beyond: Callable[[Sequence[Row]], dict[str, Estimate]] = nothing  # metrics that are not sums, and notes on the whole set
    among: Callable[[Sequence[Row]], Sequence[Mapping[str, float]]] = no_more  # values of samples that the whole set decides

    def read(self, answer: Answer, sample: Sample) -> Any:
        return self.parse(answer, sample)

    def score(self, sample: Sample, prediction: Any | None) -> Mapping[str, float]:
        return self.worst(sample) if prediction is None else self.count(sample, prediction)

    def show(self, sample: Sample, prediction: Any | None, stats: Mapping[str, float]) -> Mapping[str, Any]:
        if self.display is not None:
            return self.display(sample, stats)
        if len(self.values) == 1:
            return {"value": stats[self.values[0]]}
        return {name: stats[name] for name in self.values}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return self.beyond(rows)

    def each(self, rows: Sequence[Row]) -> Sequence[Mapping[str, float]]:
        """What is shown of each sample beside `show` and depends on the other samples, as its CIDEr does."""
        return self.among(rows)


def one_of(
    right: Callable[[Sample, Any], bool], name: str = "accuracy", parse: Callable[[Answer, Sample], Any] = plain
) -> UpstreamScorer:
    """A scorer whose samples are right or wrong; the metric is the percentage of right ones."""
    return UpstreamScorer(
        metrics=(Metric(name, ratio("correct", "items"), n="items"),),
        count=lambda sample, prediction: {"correct": int(right(sample, prediction)), "items": 1},
        worst=lambda sample: {"correct": 0, "items": 1},
        values=("correct",),
        parse=parse,
    )


def pooled(
    name: str,
    hits: Callable[[Sample, Any], int],
    total: Callable[[Sample], int],
    parse: Callable[[Answer, Sample], Any],
    stop: str = "",
) -> UpstreamScorer:
    """A scorer that pools objects over samples: 100 x hits / total. `stop` says why upstream cannot score a set without any."""

    def beyond(rows: Sequence[Row]) -> dict[str, Estimate]:
        if any(row.stats["total"] for row in rows):
            return {}
        return {
            name: Estimate(
                None, None, 0, "percent", "higher", note=stop or "upstream divides by zero: no object in the whole set"
            )
        }

    return UpstreamScorer(
        metrics=(Metric(name, ratio("hits", "total"), n="total"),),
        count=lambda sample, prediction: {"hits": hits(sample, prediction), "total": total(sample)},
        worst=lambda sample: {"hits": 0, "total": total(sample)},
        values=("hits", "total"),
        parse=parse,
        beyond=beyond,
    )
