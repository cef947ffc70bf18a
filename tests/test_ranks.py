"""Places: all true ones inside at once, found where they can be, and from the samples that runs share."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.comparing import compare_runs
from lamm_bench.keep.manifest import asking_of
from lamm_bench.measure.ranks import from_intervals, rank_sets, shown_better
from lamm_bench.measure.stats import paired_metric, ratio
from lamm_bench.measure.sums import paired_sums, sums_of
from lamm_bench.show.figures import read_run, read_runs
from lamm_bench.show.paired import Paired, unpaired
from lamm_bench.show.ranking import leaderboard
from lamm_bench.types import Metric, Row, Sample

from .commands import done

ACCURACY = Metric("accuracy", ratio("right", "items"))


def rows(values: np.ndarray, clusters: int | None = None) -> list[Row]:
    return [
        Row(Sample(f"{n}", "", (), 0, str(n % (clusters or len(values)))), "ok", "", 0, {"right": float(value), "items": 1.0})
        for n, value in enumerate(values)
    ]


def simulated(truth: list[float], images: int, seed: int) -> list[tuple[int, int]]:
    """Places of models that are right with these chances on the same images, some of which are hard for all."""
    stream = np.random.default_rng(seed)
    ease = stream.uniform(-0.25, 0.25, images)
    sides = [rows((stream.random(images) < np.clip(each + ease, 0, 1)).astype(float)) for each in truth]
    p = np.ones((len(truth), len(truth)))
    for i in range(len(truth)):
        for j in range(i):
            p[i, j] = p[j, i] = paired_metric(ACCURACY, sides[j], sides[i]).p
    return rank_sets(shown_better([float(np.mean([row.stats["right"] for row in side])) for side in sides], p))


def true_places(truth: list[float]) -> list[tuple[int, int]]:
    return [(1 + sum(t > own for t in truth), len(truth) - sum(t < own for t in truth)) for own in truth]


@pytest.mark.parametrize("truth", [[0.5] * 5, [0.5, 0.5, 0.6, 0.65, 0.65], [0.3, 0.4, 0.5, 0.6, 0.7]])
def test_all_true_places_lie_inside_at_once_in_95_percent_of_tables(truth: list[float]) -> None:
    tables, kept = 120, 0
    for seed in range(tables):
        found = simulated(truth, 60, seed)
        kept += all(low <= first and last <= high for (low, high), (first, last) in zip(found, true_places(truth)))
    assert kept >= 107  # 114 expected at the least; 107 or fewer of 120 at 95 % has a chance of 0.5 %


def test_models_that_differ_by_far_have_one_place_each() -> None:
    assert simulated([0.2, 0.5, 0.8], 300, 0) == [(3, 3), (2, 2), (1, 1)]


def test_holm_steps_and_no_model_is_better_than_its_better() -> None:
    p = np.array([[1, 0.021, 0.001], [0.021, 1, 0.021], [0.001, 0.021, 1]])
    better = shown_better([3.0, 2.0, 1.0], p)
    assert better.tolist() == [
        [False, False, True],
        [False] * 3,
        [False] * 3,
    ]  # 0.001 / 2 x 6 is below 0.05, 0.021 / 2 x 5 is not
    assert not (better & better.T).any()


def test_intervals_alone_are_cautious_about_shared_items() -> None:
    stream = np.random.default_rng(1)
    ease = stream.random(200)
    a, b = rows((stream.random(200) < ease).astype(float)), rows((stream.random(200) < ease * 0.9).astype(float))
    from lamm_bench.measure.stats import estimates

    one, two = (estimates([ACCURACY], side)["accuracy"] for side in (a, b))
    assert one.value is not None and two.value is not None
    assert from_intervals(one.value, one.ci95, two.value, two.ci95) > paired_metric(ACCURACY, a, b).p * 0.9


def test_sums_that_were_kept_give_the_test_of_the_rows() -> None:
    stream = np.random.default_rng(2)
    a, b = (rows((stream.random(90) < share).astype(float), 30) for share in (0.5, 0.7))
    kept = [json.loads(json.dumps(sums_of(side))) for side in (a, b)]
    found, told = paired_sums(ACCURACY, *kept), paired_metric(ACCURACY, a, b)
    assert found is not None and found.p == pytest.approx(told.p) and found.difference == pytest.approx(told.difference)
    assert paired_sums(ACCURACY, kept[0], {}) is None and paired_sums(ACCURACY, {"1": "x"}, {"1": "y"}) is None


@pytest.fixture(scope="module")
def runs(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranked")
    common = ("--tasks", "cifar10,fsc147,voc2012", "--data-root", mini_root, "--limit", "30")
    for seed in (1, 2):
        done("run", "--model", "chance", "--set", f"seed={seed}", *common, "--output", folder / f"c{seed}")
    return folder


def test_runs_are_tested_on_the_samples_that_they_share(runs: Path, mini_root: Path) -> None:
    catalog = load_catalog()
    test = Paired(catalog.tasks)
    told = compare_runs(runs / "c1", runs / "c2", catalog, mini_root, "all", "standard")
    entries = [
        {e.task: e for e in read_run(runs / name / "result.json") if e.headline and e.protocol == "standard"}
        for name in ("c1", "c2")
    ]
    for each in told.differences:
        pair = [side[each.task] for side in entries]
        assert test(*pair) == pytest.approx(each.p)
    assert any(unpaired(*(side[e.task] for side in entries)) != pytest.approx(e.p, abs=1e-3) for e in told.differences)
    assert Paired({})(entries[0]["cifar10"], entries[1]["cifar10"]) == unpaired(entries[0]["cifar10"], entries[1]["cifar10"])


def test_runs_that_lack_answers_are_tested_on_those_that_both_have(runs: Path, tmp_path: Path) -> None:
    import shutil

    for name in ("c1", "c2"):
        shutil.copytree(runs / name, tmp_path / name)
    path = tmp_path / "c2/scores/cifar10.json"
    scores = json.loads(path.read_text())
    kept = scores["protocols"]["standard"]["sums"]
    del kept[next(iter(kept))]
    path.write_text(json.dumps(scores))
    pair = [
        next(e for e in read_run(tmp_path / n / "result.json") if e.task == "cifar10" and e.protocol == "standard")
        for n in ("c1", "c2")
    ]
    other = json.loads((tmp_path / "c1/scores/cifar10.json").read_text())["protocols"]["standard"]["sums"]
    metric = Paired(load_catalog().tasks).metric(pair[0])
    assert metric is not None
    found = paired_sums(metric, {name: other[name] for name in kept}, kept)
    assert found is not None and Paired(load_catalog().tasks)(*pair) == pytest.approx(found.p)


def test_a_run_says_how_it_was_asked_and_an_older_one_by_its_manifest(runs: Path, tmp_path: Path) -> None:
    result = json.loads((runs / "c1/result.json").read_text())
    manifest = json.loads((runs / "c1/manifest.json").read_text())
    assert result["asking"] == asking_of(manifest) and "pillow" in result["asking"]["decoders"]
    now = read_run(runs / "c1/result.json")[0].conditions
    del result["asking"]
    (tmp_path / "result.json").write_text(json.dumps(result))
    assert read_run(tmp_path / "result.json")[0].conditions != now
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert read_run(tmp_path / "result.json")[0].conditions == now
    (tmp_path / "manifest.json").write_text("[")
    assert dict(read_run(tmp_path / "result.json")[0].conditions)["recipe"] == "lamm/standard"


def test_an_overridden_recipe_stands_apart(runs: Path, mini_root: Path, tmp_path: Path) -> None:
    for name, more in (("plain", ()), ("other", ("--override", "inferencer.temperature=0.5"))):
        words = ("--tasks", "cifar10", "--data-root", mini_root, "--limit", "6", "--output", tmp_path / name)
        done("run", "--model", "lamm", *words, *more)
    board = leaderboard(read_runs(tmp_path)[0])
    assert (
        all(len(group.rows) == 1 for group in board.groups) and len(board.reasons) == 1 and "recipe differs" in board.reasons[0]
    )
