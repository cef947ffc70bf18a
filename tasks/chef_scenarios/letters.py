"""Figures over letters that ChEF's extractor reads: ScienceQA and both SEED-Benches (reference 1.16.2, 9.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lamm_bench.errors import UpstreamStops
from lamm_bench.measure.stats import ratio
from lamm_bench.tasks.upstream_scorer import plain
from lamm_bench.types import Answer, Estimate, Metric, Row, Sample

from .extractor import LETTERS, Extracted, extract


@dataclass(frozen=True, eq=False)
class LetterScorer:
    """ACC: how many letters are right; match_ratio: how many answers a letter could be read out of. Both in percent, as printed."""

    metrics: tuple[Metric, ...] = (Metric("ACC", ratio("right", "items")), Metric("match_ratio", ratio("read", "items")))
    known: str = LETTERS  # the letters that the truth may have

    def read(self, answer: Answer, sample: Sample) -> Extracted:
        if sample.target >= len(self.known):
            raise UpstreamStops(f"upstream has no letter for choice number {sample.target + 1} of {len(sample.choices)}")
        return extract(plain(answer, sample), sample.choices)

    def score(self, sample: Sample, prediction: Extracted | None) -> dict[str, float]:
        found = prediction or Extracted(None)
        right = found.letter is not None and found.letter == self.known[sample.target : sample.target + 1]
        return {
            "items": 1,
            "read": float(found.letter is not None),
            "by_option": float(found.way == "option"),
            "by_content": float(found.way == "content"),
            "right": float(right),
        }

    def show(self, sample: Sample, prediction: Extracted | None, stats: Mapping[str, float]) -> dict[str, Any]:
        letter = prediction.letter if prediction is not None else None
        ways = {name: bool(stats[name]) for name in ("by_option", "by_content")}
        return {"letter": letter, **ways, "right": int(stats["right"])}

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        return {}
