"""Scores: no number without its counts, pooled results that agree with their members, intervals that cover."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.measure.pooling import Pool
from lamm_bench.measure.scoring import Answered, Score, pooled, score
from lamm_bench.measure.stats import REPLICATES, estimates, interval, ratio
from lamm_bench.types import STATUSES, Metric, Row, Sample

from .fakes import COLOURS, ColourTask

SAMPLES = [Sample(str(n), "Which colour?", (), COLOURS[n % 3], f"group{n // 2}") for n in range(12)]
POOL = Pool("both", "standard", {"hit_rate": ("first", "second")})


def member(task: str, said: list[tuple[str, float | None]]) -> Score:
    """A member of a pool: each sample's status and hit, None where nothing could be read."""
    rows = [
        Row(SAMPLES[n], status, "x", None if hit is None else hit, {"hits": hit or 0.0, "total": 1.0})
        for n, (status, hit) in enumerate(said)
    ]
    counts = {"expected": len(rows)} | {name: sum(row.status == name for row in rows) for name in STATUSES}
    return Score(task, "standard", {}, counts, {}, rows=tuple(rows))


@given(st.lists(st.tuples(st.sampled_from(STATUSES), st.sampled_from([*COLOURS, "mauve", ""])), min_size=12, max_size=12))
def test_every_sample_is_counted_once_and_the_value_lies_within_its_bounds(said: list[tuple[str, str]]) -> None:
    answered = {
        sample.id: Answered(None if status in ("model_error", "media_error", "judge_error") else text, status)
        for sample, (status, text) in zip(SAMPLES, said)
        if status != "missing"
    }
    found = score(ColourTask(), "standard", SAMPLES, answered)
    assert found.counts["expected"] == 12 == sum(found.counts[name] for name in STATUSES)
    estimate = found.metrics["accuracy"]
    assert estimate.n == 12 - sum(found.counts[name] for name in ("model_error", "media_error", "judge_error", "missing"))
    if estimate.value is not None and estimate.bounds is not None:
        assert estimate.bounds[0] <= estimate.value + 1e-9
        assert estimate.value <= estimate.bounds[1] + 1e-9


def test_scoring_twice_gives_the_same_and_order_of_answers_does_not_matter() -> None:
    answered = {sample.id: Answered("red") for sample in SAMPLES}
    backward = dict(reversed(answered.items()))
    assert score(ColourTask(), "standard", SAMPLES, answered) == score(ColourTask(), "standard", SAMPLES, backward)


def test_a_pool_leaves_failed_samples_out_as_its_members_do_and_has_bounds() -> None:
    scores = [member("first", [("ok", 1.0), ("model_error", None)]), member("second", [("ok", 0.0), ("unread", None)])]
    (found,) = pooled([POOL], scores)
    estimate = found.metrics["hit_rate"]
    assert estimate.value == pytest.approx(100 / 3)
    assert estimate.bounds == (25.0, 75.0)
    assert found.counts["expected"] == 4


def test_a_pool_without_one_of_its_members_is_not_shown() -> None:
    assert pooled([POOL], [member("first", [("ok", 1.0)])]) == []


def test_clusters_of_equal_questions_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    hits = np.repeat(rng.random(100) < 0.5, 10)
    metric = Metric("accuracy", ratio("right", "items"))

    def rows(per_group: int) -> list[Row]:
        samples = [replace(SAMPLES[0], id=str(n), group=str(n // per_group)) for n in range(1000)]
        return [Row(s, "ok", "", 1, {"right": float(h), "items": 1.0}) for s, h in zip(samples, hits)]

    def width(per_group: int) -> float:
        low, high = estimates([metric], rows(per_group), 1)["accuracy"].ci95 or (0, 0)
        return high - low

    assert 2.5 < width(10) / width(1) < 4.0  # about the square root of ten


def test_the_interval_of_a_mean_covers_it_about_as_often_as_it_says() -> None:
    metric = Metric("mean", ratio("x", "items", scale=1.0))
    covered = 0
    for trial in range(120):
        values = np.random.default_rng(trial).normal(size=60)
        rows = [Row(replace(SAMPLES[0], group=str(n)), "ok", "", 1, {"x": v, "items": 1.0}) for n, v in enumerate(values)]
        low, high = estimates([metric], rows, trial)["mean"].ci95 or (0, 0)
        covered += low <= 0 <= high
    assert 104 <= covered <= 120  # 114 expected; a percentile interval of 60 values is slightly short


def test_an_interval_is_the_middle_95_percent_of_the_replicates_that_are_defined() -> None:
    values = np.linspace(0, 1, REPLICATES)
    assert interval(values) == pytest.approx((0.025, 0.975))
    half = np.where(np.arange(REPLICATES) % 2, np.nan, values)
    assert interval(half) == pytest.approx((0.025, 0.974), abs=2e-3)
    half[0] = np.nan  # now fewer than half are defined
    assert interval(half) is None
