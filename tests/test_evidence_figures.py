"""Figures of the evidence, by simulation from known truths and by second implementations. Longer series: benchmarks/coverage.py."""

from __future__ import annotations

import numpy as np
import pytest

from lamm_bench.ask.items import discrimination
from lamm_bench.measure import calibration
from lamm_bench.measure.calibration import bins_of, expected_error, interval
from lamm_bench.measure.stats import paired_metric, ratio
from lamm_bench.measure.sure import sure_of, told
from lamm_bench.show.macro import macro
from lamm_bench.types import Metric, Row, Sample

ACCURACY = Metric("accuracy", ratio("right", "items"))


def rows(values: np.ndarray, rooms: np.ndarray) -> list[Row]:
    return [
        Row(Sample(f"{n:04}", "", (), 0, str(room)), "ok", "", 0, {"right": float(value), "items": 1.0})
        for n, (value, room) in enumerate(zip(values, rooms))
    ]


def seen_and_blind(stream: np.random.Generator, rooms: int, gap: float) -> tuple[list[Row], list[Row]]:
    """A run and its blind control on the same questions, four a room; rooms are easy or hard for both, and answers agree by a common draw."""
    ease = np.repeat(stream.uniform(-0.2, 0.2, rooms), 4)
    luck = stream.random(4 * rooms)
    other = np.where(stream.random(4 * rooms) < 0.5, luck, stream.random(4 * rooms))
    where = np.repeat(np.arange(rooms), 4)
    return rows((luck < 0.5 + gap / 2 + ease).astype(float), where), rows((other < 0.5 - gap / 2 + ease).astype(float), where)


@pytest.mark.parametrize("gap", [0.0, 0.2])
def test_the_gap_to_a_control_lies_in_its_interval(gap: float) -> None:
    """95 % are aimed at; and what does not come from seeing is declared seen in 5 % at most."""
    stream, held, found = np.random.default_rng(8), 0, 0
    for _ in range(150):
        own = paired_metric(ACCURACY, *seen_and_blind(stream, 25, gap))
        assert own.ci95 is not None
        held += own.ci95[0] <= 100 * gap <= own.ci95[1]
        found += own.p < 0.05
    assert held >= 134  # of 150; fewer have a chance of 0.3 % at 95 %
    assert found <= 16 if gap == 0 else found >= 75


def test_the_mean_above_chance_lies_in_its_interval_and_is_students() -> None:
    stats = pytest.importorskip("scipy.stats")
    stream, held = np.random.default_rng(9), 0
    for _ in range(400):
        values = stream.normal(40, 12, 8)  # of tasks of a kind; their errors are in it
        own = macro(values.tolist())
        assert own.ci95 is not None
        low, high = stats.t.interval(0.95, 7, values.mean(), stats.sem(values))
        assert own.ci95 == pytest.approx((low, min(high, 100.0)))
        held += own.ci95[0] <= 40 <= own.ci95[1]
    assert 366 <= held <= 394  # 380 +- 3 standard deviations


def drawn(stream: np.random.Generator, count: int, off: float) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and whether right: less often than sure by `off`."""
    confidence = 1 / (1 + np.exp(-stream.normal(0.8, 1, count)))
    return confidence, (stream.random(count) < np.clip(confidence - off, 0, 1)).astype(float)


def test_errors_in_bins_of_equal_width_lie_in_their_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "REPLICATES", 100)
    stream, held = np.random.default_rng(10), 0
    truth = expected_error(bins_of(*drawn(stream, 400_000, 0.15), "equal width"))
    for number in range(60):
        confidence, right = drawn(stream, 100, 0.15)
        ends = interval(confidence, right, np.arange(100), "equal width", seed=number)
        assert ends is not None
        held += ends[0] <= truth <= ends[1]
    assert held >= 51  # 85 %; 95 % are aimed at


def options(stream: np.random.Generator, count: int) -> tuple[list[Row], np.ndarray]:
    """Questions of four options with log-likelihoods; the truth follows somewhat weaker ones than the model has."""
    logits = stream.normal(0, 1.5, (count, 4))
    scores = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)) - 3.0
    weaker = np.exp(0.6 * logits)
    shares = np.cumsum(weaker / weaker.sum(axis=1, keepdims=True), axis=1)
    target = (stream.random((count, 1)) > shares).sum(axis=1)
    return [Row(Sample(f"{n}", "", (), int(t), str(n)), "ok", "", 0, {}) for n, t in enumerate(target)], scores


def test_brier_scores_are_those_of_the_formula_and_lie_in_their_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "REPLICATES", 2)

    def own(samples: list[Row], scores: np.ndarray) -> np.ndarray:
        chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return ((chances - np.eye(4)[[row.sample.target for row in samples]]) ** 2).sum(axis=1)

    stream, held = np.random.default_rng(11), 0
    truth = own(*options(stream, 40_000)).mean()
    for _ in range(80):
        samples, scores = options(stream, 60)
        right = [float(line.argmax() == row.sample.target) for row, line in zip(samples, scores)]
        found = told(sure_of(samples, scores.tolist(), right))["Brier"]
        assert found.value == pytest.approx(own(samples, scores).mean()) and found.ci95 is not None
        held += found.ci95[0] <= truth <= found.ci95[1]
    assert held >= 70  # of 80; fewer have a chance of 0.4 % at 95 %


def test_discrimination_is_scipys_correlation_with_the_rest() -> None:
    stats = pytest.importorskip("scipy.stats")
    stream = np.random.default_rng(12)
    table = (stream.random((6, 20)) < np.linspace(0.2, 0.8, 6)[:, None]).astype(float) * 100
    runs = [{str(n): float(value) for n, value in enumerate(row)} for row in table]
    for item in range(20):
        rest = np.delete(table, item, axis=1).mean(axis=1)
        found = discrimination(str(item), runs)
        if table[:, item].std() == 0:
            assert found is None
        else:
            assert found == pytest.approx(stats.pearsonr(table[:, item], rest).statistic)
