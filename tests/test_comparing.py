"""Two runs compared sample by sample: the right sign, the right width, and never across different questions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamm_bench.measure.stats import REPLICATES, draws, estimates, paired_metric, ratio
from lamm_bench.types import Metric, Row, Sample

from .commands import lamm_bench

MEAN = Metric("mean", ratio("hits", "items", 1.0), "score")


def rows(values: list[float], clusters: int) -> list[Row]:
    return [
        Row(Sample(str(n), "", (), None, str(n % clusters)), "ok", None, None, {"hits": value, "items": 1.0})
        for n, value in enumerate(values)
    ]


def paired_difference(
    first: Sequence[float], second: Sequence[float], groups: Sequence[str], seed: int
) -> tuple[float, tuple[float, float], float]:
    """What `paired_metric` must give for a mean, by another way: differences first, then a sign-flip test over clusters."""
    numbers: dict[str, int] = {}
    index = np.array([numbers.setdefault(group, len(numbers)) for group in groups])
    difference = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    sums = np.bincount(index, weights=difference, minlength=len(numbers))
    counts = np.bincount(index, minlength=len(numbers)).astype(np.float64)
    mean = float(sums.sum() / counts.sum())
    means = np.concatenate([(weights @ sums) / (weights @ counts) for weights in draws(len(numbers), seed)])
    low, high = np.percentile(means, [2.5, 97.5])
    signs = np.random.default_rng(seed + 1).choice([-1.0, 1.0], size=(REPLICATES, len(numbers)))
    extreme = int(np.sum(np.abs(signs @ sums) >= abs(sums.sum()) - 1e-12))
    return mean, (float(low), float(high)), (1 + extreme) / (1 + REPLICATES)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=8, max_size=40), st.integers(2, 7))
def test_of_a_mean_it_is_the_paired_difference(pairs: list[tuple[int, int]], clusters: int) -> None:
    first, second = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    groups = [str(n % clusters) for n in range(len(pairs))]
    value, spread, p = paired_metric(MEAN, rows(first, clusters), rows(second, clusters), 5)
    mean, ends, same_p = paired_difference(first, second, groups, 5)
    assert value == pytest.approx(mean) and spread == pytest.approx(ends) and p == pytest.approx(same_p)


def test_a_difference_that_is_there_is_found_and_none_that_is_not() -> None:
    rng = np.random.default_rng(3)
    base = rng.random(200)
    mean, spread, p = paired_metric(
        MEAN, rows((base + 0.1 + 0.05 * rng.normal(size=200)).tolist(), 50), rows(base.tolist(), 50), 0
    )
    assert spread is not None and spread[0] < mean < spread[1] and 0.08 < mean < 0.12 and p < 0.01
    noisy = rows((base + 0.05 * rng.normal(size=200)).tolist(), 50)
    assert paired_metric(MEAN, noisy, rows(base.tolist(), 50), 0)[2] > 0.01


def test_sides_can_be_swapped_and_no_difference_is_none() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random(60).tolist(), (rng.random(60) + 0.4).tolist()
    gap, spread, p = paired_metric(MEAN, rows(a, 60), rows(b, 60), 0)
    back, mirrored, q = paired_metric(MEAN, rows(b, 60), rows(a, 60), 0)
    assert gap == pytest.approx(-back) and p == q < 0.01 and spread is not None and mirrored is not None
    assert spread == pytest.approx((-mirrored[1], -mirrored[0])) and spread[1] < 0
    assert paired_metric(MEAN, rows(a, 60), rows(a, 60), 0) == (0.0, (0.0, 0.0), 1.0)


def test_a_single_image_gives_a_difference_without_an_interval() -> None:
    assert paired_metric(MEAN, rows([1.0, 1.0], 1), rows([0.0, 1.0], 1), 0) == (0.5, None, 1.0)


def test_under_no_difference_small_p_values_are_as_rare_as_they_say() -> None:
    rng = np.random.default_rng(1)
    small = sum(
        paired_metric(MEAN, rows(rng.random(30).tolist(), 30), rows(rng.random(30).tolist(), 30), seed)[2] <= 0.1
        for seed in range(200)
    )
    assert 5 <= small <= 40  # 20 expected


def test_pairing_narrows_the_interval_where_images_differ_in_difficulty() -> None:
    rng = np.random.default_rng(2)
    hard = rng.random(80)
    a, b = hard.tolist(), (hard * 0.9 + 0.02 * rng.random(80)).tolist()
    _, spread, _ = paired_metric(MEAN, rows(a, 80), rows(b, 80), 0)
    alone = estimates([MEAN], rows(a, 80), 0)["mean"].ci95
    assert spread is not None and alone is not None
    assert spread[1] - spread[0] < (alone[1] - alone[0]) / 4


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
