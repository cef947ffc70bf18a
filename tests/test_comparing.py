"""Two runs compared sample by sample: the right sign, the right width, and never across different questions."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamm_bench.measure.intervals import holm
from lamm_bench.measure.stats import estimates, f1, paired_metric, ratio
from lamm_bench.types import Metric, Row, Sample

from .commands import lamm_bench

MEAN = Metric("mean", ratio("hits", "items", 1.0), "score")


def rows(values: list[float], clusters: int) -> list[Row]:
    return [
        Row(Sample(str(n), "", (), None, str(n % clusters)), "ok", None, None, {"hits": value, "items": 1.0})
        for n, value in enumerate(values)
    ]


def exact_p(first: list[float], second: list[float]) -> float:
    """What a sign-flip test of differences of equal clusters gives, by another way: t of each pattern of signs."""
    gaps = np.array(first) - np.array(second)

    def strength(values: np.ndarray) -> float:
        error = values.std(ddof=1) / np.sqrt(len(values))
        return 0.0 if abs(values.mean()) < 1e-12 else abs(values.mean()) / error if error > 1e-12 else np.inf

    patterns = [gaps * np.array(signs) for signs in itertools.product((1, -1), repeat=len(gaps))]
    return float(np.mean([strength(each) >= strength(gaps) * (1 - 1e-9) for each in patterns]))


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=8))
def test_few_images_are_tested_exactly(pairs: list[tuple[int, int]]) -> None:
    first, second = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    found = paired_metric(MEAN, rows(first, len(pairs)), rows(second, len(pairs)))
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second))
    assert found.p >= exact_p(first, second) - 1e-9
    assert found.p >= min(1.0, 2 / 2 ** len(pairs)) - 1e-9  # so five images or fewer never give a verdict


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=11, max_size=40))
def test_of_a_mean_of_single_questions_it_is_the_paired_t_test(pairs: list[tuple[int, int]]) -> None:
    stats = pytest.importorskip("scipy.stats")
    first, second = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    found = paired_metric(MEAN, rows(first, len(pairs)), rows(second, len(pairs)))
    if len({a - b for a, b in pairs}) > 1:
        same = stats.ttest_rel(first, second)
        assert found.p == pytest.approx(same.pvalue, abs=1e-6)
        assert found.ci95 == pytest.approx(tuple(same.confidence_interval()), abs=1e-6)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=12, max_size=40))
def test_no_interval_of_a_difference_goes_where_no_difference_can(pairs: list[tuple[int, int]]) -> None:
    accuracy = Metric("accuracy", ratio("hits", "items"))
    found = paired_metric(accuracy, *(rows([float(pair[side]) for pair in pairs], len(pairs)) for side in (0, 1)))
    assert found.ci95 is None or -100 <= found.ci95[0] <= found.difference <= found.ci95[1] <= 100
    most = paired_metric(accuracy, rows([0.0] * 39 + [1.0], 40), rows([1.0] * 40, 40))
    assert most.ci95 is not None and most.ci95[0] == -100
    error = Metric("CER", ratio("hits", "items", counts=False), better="lower")  # insertions: more than there were letters
    wide = paired_metric(error, rows([3.0] * 39 + [9.0], 40), rows([1.0] * 40, 40))
    assert wide.ci95 is not None and wide.ci95[1] > 200


def test_a_difference_that_is_there_is_found_and_none_that_is_not() -> None:
    rng = np.random.default_rng(3)
    base = rng.random(200)
    found = paired_metric(MEAN, rows((base + 0.1 + 0.05 * rng.normal(size=200)).tolist(), 50), rows(base.tolist(), 50))
    assert found.ci95 is not None and found.ci95[0] < found.difference < found.ci95[1]
    assert 0.08 < found.difference < 0.12 and found.p < 0.01
    assert found.detectable is not None and 0 < found.detectable < 0.05
    noisy = rows((base + 0.05 * rng.normal(size=200)).tolist(), 50)
    assert paired_metric(MEAN, noisy, rows(base.tolist(), 50)).p > 0.01


def test_sides_can_be_swapped_and_no_difference_is_none() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random(60).tolist(), (rng.random(60) + 0.4).tolist()
    there, back = paired_metric(MEAN, rows(a, 60), rows(b, 60)), paired_metric(MEAN, rows(b, 60), rows(a, 60))
    assert there.difference == pytest.approx(-back.difference) and there.p == pytest.approx(back.p) and there.p < 0.01
    assert there.ci95 is not None and back.ci95 is not None
    assert there.ci95 == pytest.approx((-back.ci95[1], -back.ci95[0])) and there.ci95[1] < 0
    same = paired_metric(MEAN, rows(a, 60), rows(a, 60))
    assert (same.difference, same.p) == (0.0, 1.0)


def test_a_single_image_gives_a_difference_without_an_interval() -> None:
    found = paired_metric(MEAN, rows([1.0, 1.0], 1), rows([0.0, 1.0], 1))
    assert (found.difference, found.ci95, found.p) == (0.5, None, 1.0)


@pytest.mark.parametrize("gaps", [[1, 1, 1, 1, 0], [1] * 5, [1] * 4, [0.2, 0, 0.2, 0.2, 0]])
def test_five_images_never_give_a_verdict(gaps: list[float]) -> None:
    found = paired_metric(MEAN, rows([0.5 + gap for gap in gaps], len(gaps)), rows([0.5] * len(gaps), len(gaps)))
    assert found.p >= 2 / 2 ** len(gaps) - 1e-12 > 0.05


def test_cautious_and_talkative_models_of_equal_f1_are_not_told_apart() -> None:
    """Swapping sides would test that the two are exchangeable, which they are not; their F1 is equal all the same."""
    metric = Metric("F1", f1("hits", "predicted", "expected"), n="expected")
    found = 0
    for trial in range(120):
        rng = np.random.default_rng(trial)
        sides: list[list[Row]] = [[], []]
        for image in range(30):
            expected = 1 + int(rng.poisson(2))
            for side, hit, more in ((0, 0.5, 0.0), (1, 0.8, 1.8)):
                hits = int(rng.binomial(expected, hit))
                stats = {"hits": float(hits), "predicted": float(hits + rng.poisson(more)), "expected": float(expected)}
                sides[side].append(Row(Sample(str(image), "", (), None, str(image)), "ok", None, None, stats))
        found += paired_metric(metric, *sides).p < 0.05
    assert found <= 14  # 6 expected; swapping gave 12 to 15


def test_holm_keeps_a_comparison_of_many_tasks_honest() -> None:
    assert holm([0.04] * 17) == [0.68] * 17
    assert holm([0.001, 0.2, None]) == [0.002, 0.2, None]


def test_pairing_narrows_the_interval_where_images_differ_in_difficulty() -> None:
    rng = np.random.default_rng(2)
    hard = rng.random(80)
    a, b = hard.tolist(), (hard * 0.9 + 0.02 * rng.random(80)).tolist()
    found = paired_metric(MEAN, rows(a, 80), rows(b, 80)).ci95
    alone = estimates([MEAN], rows(a, 80))["mean"].ci95
    assert found is not None and alone is not None
    assert found[1] - found[0] < (alone[1] - alone[0]) / 4


@pytest.fixture(scope="module")
def runs(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compare")
    for model in ("oracle", "chance"):
        words = ("--model", model, "--tasks", "cifar10,fsc147,voc2012", "--data-root", mini_root, "--output", folder / model)
        assert lamm_bench("run", *words).exit_code == 0
    return folder


def test_the_oracle_beats_chance_in_table_and_json(runs: Path, mini_root: Path, tmp_path: Path) -> None:
    result = lamm_bench("compare", runs / "oracle", runs / "chance", "--data-root", mini_root, "--json", tmp_path / "c.json")
    assert result.exit_code == 0, result.output
    written = {row["task"]: row for row in json.loads((tmp_path / "c.json").read_text())["differences"]}
    assert set(written) == {"cifar10", "fsc147", "voc2012"}
    for row in written.values():
        assert row["difference"] == pytest.approx(row["first"] - row["second"]) and row["n"] == 6
        assert row["verdict"] in ("first", "")
    assert written["fsc147"]["difference"] < 0 and written["fsc147"]["better"] == "lower"
    own = json.loads(lamm_bench("compare", runs / "oracle", runs / "oracle", "--data-root", mini_root, "--json", "-").stdout)
    assert all(row["difference"] == 0.0 and row["p"] == 1.0 and row["verdict"] == "" for row in own["differences"])
    said = lamm_bench("compare", runs / "oracle", runs / "chance/../oracle", "--data-root", mini_root).output
    assert "(same" in said and "(too" not in said


def test_an_answer_that_one_side_lacks_is_left_out_of_both(runs: Path, mini_root: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(runs / "chance", tmp_path / "chance")
    path = tmp_path / "chance/records/cifar10.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
    words = ("compare", runs / "oracle", tmp_path / "chance", "--data-root", mini_root, "--tasks", "cifar10", "--json", "-")
    (row,) = json.loads(lamm_bench(*words).stdout)["differences"]
    assert (row["n"], row["left_out"]) == (4, 2)


def test_what_cannot_be_compared_is_said(runs: Path, mini_root: Path, tmp_path: Path) -> None:
    words = ("--model", "chance", "--tasks", "cifar10,svt", "--limit", "3", "--data-root", mini_root, "--output", tmp_path / "s")
    lamm_bench("run", *words)
    result = lamm_bench("compare", runs / "oracle", tmp_path / "s", "--data-root", mini_root)
    assert result.exit_code == 3 and "svt: NOT COMPARED" in result.output  # cifar10 is, on the three items of both
    samples = json.loads(lamm_bench("compare", runs / "oracle", tmp_path / "s", "--data-root", mini_root, "--json", "-").stdout)[
        "differences"
    ]
    assert {row["n"] for row in samples} == {3}
    for words, message in (
        ((runs / "oracle", tmp_path), "is no run folder"),
        ((runs / "oracle", runs / "chance", "--protocol", "new"), "no protocol called 'new'"),
        ((runs / "oracle", runs / "chance", "--tasks", "svt"), "neither was asked"),
    ):
        result = lamm_bench("compare", *words, "--data-root", mini_root)
        assert result.exit_code == 2 and message in " ".join(result.output.split()), result.output
