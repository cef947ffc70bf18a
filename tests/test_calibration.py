"""Calibration: bins, errors and intervals, against the goldens, scikit-learn and simulation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.desiderata.calibrated import sure
from lamm_bench.desiderata.gathering import Asked
from lamm_bench.keep.answers import read_answers
from lamm_bench.measure import calibration
from lamm_bench.measure.calibration import Bin, bins_of, brier, expected_error, interval, probabilities
from lamm_bench.measure.scoring import score

ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def columns(answers: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(answers, dtype=np.float64)
    return table[:, 0], table[:, 1]


@given(ANSWERS, st.sampled_from(["equal mass", "equal width"]), st.integers(1, 12))
def test_bins_hold_every_answer_once(answers: list[tuple[float, bool]], binning: calibration.Binning, bins: int) -> None:
    confidence, right = columns(answers)
    found = bins_of(confidence, right, binning, bins)
    assert sum(each.n for each in found) == len(answers)
    assert sum(each.n * each.accuracy for each in found) == pytest.approx(right.sum())
    assert sum(each.n * each.confidence for each in found) == pytest.approx(confidence.sum())
    assert 0 <= expected_error(found) <= 1
    if binning == "equal mass":
        sizes = [each.n for each in found]
        assert sizes == sorted(sizes, reverse=True) and max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("binning", ["equal mass", "equal width"])
@pytest.mark.parametrize("names", [12, 40])
def test_an_interval_is_that_of_a_plain_bootstrap(binning: calibration.Binning, names: int) -> None:
    """Bit by bit, though bins are not made one by one: ties of confidence, pictures with several answers and empty bins among them."""
    stream = np.random.default_rng(names)
    confidence = np.round(stream.uniform(0.3, 1, 40), 1)
    right = (stream.random(40) < 0.4).astype(float)
    clusters = np.array([str(n % names) for n in range(40)])
    index = np.unique(clusters, return_inverse=True)[1]
    again, perfect, draw = [], [], np.random.default_rng(7)
    for _ in range(calibration.REPLICATES):
        drawn = np.concatenate([np.flatnonzero(index == each) for each in draw.integers(0, names, names)])
        again.append(expected_error(bins_of(confidence[drawn], right[drawn], binning)))
        lucky = (draw.random(40) < confidence).astype(float)
        perfect.append(expected_error(bins_of(confidence, lucky, binning)))
    own = expected_error(bins_of(confidence, right, binning))
    reach = 1.96 * float(np.std(again, ddof=1))
    low = 0.0 if own <= np.quantile(perfect, 0.975) else own - reach - max(0.0, float(np.mean(again)) - own)
    assert interval(confidence, right, clusters, binning, seed=7) == (min(own, max(0.0, low)), min(1.0, own + reach))


@given(ANSWERS)
def test_one_bin_is_the_distance_of_the_means(answers: list[tuple[float, bool]]) -> None:
    confidence, right = columns(answers)
    assert expected_error(bins_of(confidence, right, bins=1)) == pytest.approx(abs(confidence.mean() - right.mean()))


def test_bins_of_equal_width_are_those_of_scikit_learn() -> None:
    sklearn = pytest.importorskip("sklearn.calibration")
    stream = np.random.default_rng(3)
    confidence = stream.random(500)
    right = (stream.random(500) < confidence).astype(float)
    found = bins_of(confidence, right, "equal width")
    accuracy, mean = sklearn.calibration_curve(right, confidence, n_bins=10)
    assert [each.accuracy for each in found] == pytest.approx(accuracy.tolist())
    assert [each.confidence for each in found] == pytest.approx(mean.tolist())


def test_brier_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    stream = np.random.default_rng(4)
    chances = [probabilities(stream.normal(size=2)) for _ in range(50)]
    targets = stream.integers(0, 2, 50).tolist()
    half = metrics.brier_score_loss(targets, [chance[1] for chance in chances])  # of two classes it counts one
    assert brier(chances, targets).mean() == pytest.approx(2 * half)


def test_a_sure_and_right_answer_has_no_brier_score_and_a_sure_and_wrong_one_two() -> None:
    sure = np.array([1.0, 0.0, 0.0])
    assert brier([sure, sure], [0, 2]).tolist() == [0.0, 2.0]


def test_errors_and_bins_are_those_of_upstream(chef_goldens: Path) -> None:
    golden = json.loads((chef_goldens / "expected/desiderata.json").read_text(encoding="utf-8"))["ECE"]
    assert golden["cases"]
    for case in golden["cases"]:
        confidence, right = columns(case["rows"])
        found = bins_of(confidence, right, bins=case.get("bins", 10))
        assert expected_error(found) == pytest.approx(case["result"]["ECE"], rel=1e-9, abs=1e-12)
        assert [each.accuracy for each in found] == pytest.approx(case["result"]["Acc_bins"], rel=1e-9)
        assert [each.confidence for each in found] == pytest.approx(case["result"]["Prob_bins"], rel=1e-9)


@pytest.mark.parametrize("off", [0.0, 0.15])
def test_intervals_hold_the_truth(off: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that are right less often than they are sure, by `off`: the interval of 100 answers holds what 400,000 show."""
    monkeypatch.setattr(calibration, "REPLICATES", 100)
    stream = np.random.default_rng(5)

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        confidence = 1 / (1 + np.exp(-stream.normal(0.8, 1, count)))
        return confidence, (stream.random(count) < np.clip(confidence - off, 0, 1)).astype(float)

    truth = expected_error(bins_of(*draw(400_000)))
    held = 0
    for number in range(60):
        confidence, right = draw(100)
        low, high = interval(confidence, right, np.arange(100), seed=number) or (1.0, 0.0)
        held += low <= truth <= high
    assert held >= 51  # 85 %; 95 % are aimed at


def test_few_images_have_no_interval_and_clusters_widen_it() -> None:
    stream = np.random.default_rng(6)
    confidence = stream.random(200)
    right = np.repeat((stream.random(20) < 0.3).astype(float), 10)
    assert interval(confidence, right, np.zeros(200)) is None
    alone = interval(confidence, right, np.arange(200))
    together = interval(confidence, right, np.repeat(np.arange(20), 10))
    assert alone is not None and together is not None
    assert together[1] - together[0] > alone[1] - alone[0]


def test_an_empty_bin_weighs_nothing() -> None:
    assert expected_error([Bin(4, 0.5, 0.5)]) == 0.0


@pytest.mark.parametrize(("case", "name"), [("ScienceQA.calibration", "chef-scienceqa"), ("MMBench.calibration", "chef-mmbench")])
def test_answer_files_have_upstreams_error_and_bins(chef_goldens: Path, case: str, name: str) -> None:
    task = load_catalog().tasks[name]
    samples = task.samples(chef_goldens / "data")
    answered, _ = read_answers(chef_goldens / "answers" / f"{case}.json").join(samples, "chef")
    scores = {protocol: score(task, protocol, samples, answered, keep_rows=True) for protocol in ("standard", "chef")}
    asked = Asked(Path(), task, {sample.id: sample for sample in samples}, scores, answered, {})
    own = sure(asked, "chef")
    wanted = json.loads((chef_goldens / "expected/metrics.json").read_text(encoding="utf-8"))[case]["figures"]
    found = bins_of(own.confidence, own.right)
    assert expected_error(found) == pytest.approx(wanted["ECE"], rel=1e-9)
    assert [each.accuracy for each in found] == pytest.approx(wanted["Acc_bins"], rel=1e-9)
    assert [each.confidence for each in found] == pytest.approx(wanted["Prob_bins"], rel=1e-9)
