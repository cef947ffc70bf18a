"""Scores: no number without its counts, pooled results that agree with their members, intervals that cover."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.measure.pooling import Pool
from lamm_bench.measure.scoring import Answered, Score, pooled, score
from lamm_bench.measure.stats import estimates, median, ratio
from lamm_bench.types import STATUSES, Metric, Row, Sample, Turn

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


def test_floor_and_ceiling_are_worked_out_once_for_the_same_samples_and_anew_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    chance = ColourTask.chance

    def counted(self: ColourTask, sample: Sample, *others: Any) -> str:
        asked.append(sample.id)
        return chance(self, sample, *others)

    monkeypatch.setattr(ColourTask, "chance", counted)
    task = ColourTask()

    def floors(samples: list[Sample]) -> tuple[dict[str, float | None], int]:
        before = len(asked)
        return dict(score(task, "standard", samples, {}).references), len(asked) - before

    first, again, backward = floors(SAMPLES), floors([*SAMPLES]), floors(SAMPLES[::-1])
    assert first[1] > 0 and again == (first[0], 0)
    assert backward == first  # what the file's order is, is asked and not remembered
    other = floors([replace(SAMPLES[0], target="no colour"), *SAMPLES[1:]])
    assert other[1] == first[1] and other[0]["chance"] < first[0]["chance"]  # type: ignore[operator]
    turned = [replace(each, meta={"turns": (Turn(), Turn(1, "a dog"))}) for each in SAMPLES]
    assert [floors(turned)[1] for _ in range(2)] == [first[1], 0]
    strange = [replace(each, meta={"of": object()}) for each in SAMPLES]  # no JSON: nothing is kept of them
    assert floors(strange) == floors(strange) == first


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
        low, high = estimates([metric], rows(per_group))["accuracy"].ci95 or (0, 0)
        return high - low

    assert 2.5 < width(10) / width(1) < 4.0  # about the square root of ten


def test_the_interval_of_a_mean_covers_it_about_as_often_as_it_says() -> None:
    metric = Metric("mean", ratio("x", "items", scale=1.0), "score")
    covered = 0
    for trial in range(120):
        values = np.random.default_rng(trial).normal(size=60)
        rows = [Row(replace(SAMPLES[0], group=str(n)), "ok", "", 1, {"x": v, "items": 1.0}) for n, v in enumerate(values)]
        low, high = estimates([metric], rows)["mean"].ci95 or (0, 0)
        covered += low <= 0 <= high
    assert 104 <= covered <= 120  # 114 expected


def shares(right: list[int], questions: list[int]) -> list[Row]:
    """Rows of clusters with so many questions, the first of each answered rightly."""
    return [
        Row(replace(SAMPLES[0], id=f"{group}/{n}", group=str(group)), "ok", "", 1, {"right": float(n < good), "items": 1.0})
        for group, (good, count) in enumerate(zip(right, questions))
        for n in range(count)
    ]


ACCURACY = Metric("accuracy", ratio("right", "items"))


@pytest.mark.parametrize(
    ("right", "questions", "ends"),
    [([1] * 10, [1] * 10, (72.2, 100.0)), ([0] * 30, [1] * 30, (0.0, 11.4)), ([10] * 5, [10] * 5, (56.6, 100.0))],
)
def test_what_is_all_right_or_all_wrong_is_not_certain(right: list[int], questions: list[int], ends: tuple[float, float]) -> None:
    found = estimates([ACCURACY], shares(right, questions))["accuracy"]
    assert found.ci95 == pytest.approx(ends, abs=0.06)
    assert ("fewer than 6 images" in found.note) == (len(right) < 6)


def test_no_interval_where_there_is_one_image_and_none_of_squares_of_few() -> None:
    assert estimates([ACCURACY], shares([7], [10]))["accuracy"].ci95 is None
    root = Metric("RMSE", lambda sums: np.sqrt(sums["right"] / sums["items"]), "count", "lower", shape="root")
    found = estimates([root], shares([1] * 20, [2] * 20))["RMSE"]
    assert found.ci95 is None and "below 300 images" in found.note


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30), st.integers(0, 9))
def test_an_interval_holds_its_value_and_does_not_know_the_order(pairs: list[tuple[int, int]], seed: int) -> None:
    rows = shares([good for good, _ in pairs], [good + bad for good, bad in pairs])
    mixed = [rows[at] for at in np.random.default_rng(seed).permutation(len(rows))]
    found, again = (estimates([ACCURACY], each)["accuracy"] for each in (rows, mixed))
    assert found.value == pytest.approx(again.value) and found.ci95 == pytest.approx(again.ci95)
    if found.ci95 is not None and found.value is not None:
        assert 0 <= found.ci95[0] <= found.value + 1e-9 and found.value <= found.ci95[1] + 1e-9 <= 100 + 1e-6
        assert found.ci95[0] < found.ci95[1]


def test_the_median_stands_still_where_the_mean_runs_away() -> None:
    groups = [str(n) for n in range(21)]
    calm, wild = (median([*range(20), last], groups, "count", "lower") for last in (20.0, 1e9))
    assert calm.value == wild.value == 10 and calm.ci95 == wild.ci95 == (6.0, 14.0)


def test_bounds_are_of_shares_that_no_answer_can_leave() -> None:
    answered = {sample.id: Answered("no idea" if n % 3 else sample.target) for n, sample in enumerate(SAMPLES)}
    found = score(ColourTask(), "standard", SAMPLES, answered).metrics["accuracy"]
    right = sum(n % 3 == 0 for n in range(12))
    assert found.bounds == pytest.approx((100 * right / 12, 100.0))
    for said in COLOURS:  # whatever the unread ones had said
        other = {key: value if value.text != "no idea" else Answered(said) for key, value in answered.items()}
        value = score(ColourTask(), "standard", SAMPLES, other).metrics["accuracy"].value
        assert value is not None and found.bounds is not None and found.bounds[0] <= value <= found.bounds[1]


def test_chance_is_what_is_expected_and_the_majority_is_the_files() -> None:
    file = [replace(sample, id=f"more{n}", target=COLOURS[0]) for n, sample in enumerate(SAMPLES * 3)]
    few = SAMPLES[1:3]  # neither is of the colour that most of the file has
    references = score(ColourTask(), "standard", few, {s.id: Answered("red") for s in few}, file=[*SAMPLES, *file]).references
    assert references["chance"] == pytest.approx(100 / 3, abs=6) and references["majority"] == 0.0
