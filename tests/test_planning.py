"""A plan: what it says is found is found, in 80 % of comparisons, and what it says is enough is enough."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from lamm_bench.measure.power import assumed, detectable, needed, of_one, of_two
from lamm_bench.measure.stats import by_cluster, paired_metric, ratio
from lamm_bench.types import Metric, Row, Sample

from .commands import done, lamm_bench, refusal

ACCURACY = Metric("accuracy", ratio("right", "items"))


def rows(values: np.ndarray) -> list[Row]:
    return [
        Row(Sample(str(n), "", (), 0, str(n)), "ok", "", 0, {"right": float(value), "items": 1.0})
        for n, value in enumerate(values)
    ]


def power(first: float, second: float, images: int, tables: int = 250) -> float:
    """How often a difference is found between two models that are right with these chances."""
    stream, found = np.random.default_rng(0), 0
    for _ in range(tables):
        sides = [rows((stream.random(images) < share).astype(float)) for share in (first, second)]
        found += paired_metric(ACCURACY, *sides).p < 0.05
    return found / tables


def test_the_smallest_difference_is_found_in_80_percent_of_comparisons() -> None:
    images = 200
    least = detectable(assumed() / math.sqrt(images), images) / 100
    assert 0.13 < least < 0.15
    assert 0.73 < power(0.5 + least / 2, 0.5 - least / 2, images) < 0.88
    assert power(0.5 + least / 4, 0.5 - least / 4, images) < 0.4


def test_what_is_needed_is_what_shows_it() -> None:
    for wanted in (3.0, 10.0, 40.0):
        images = needed(assumed(), wanted)
        assert detectable(assumed() / math.sqrt(images), images) == pytest.approx(wanted, rel=1e-3)
    assert needed(assumed(), 5) == pytest.approx(4 * needed(assumed(), 10), rel=0.02)


def test_pilots_say_how_answers_vary() -> None:
    stream = np.random.default_rng(3)
    ease = stream.random(400)
    a, b = rows((ease < 0.6).astype(float)), rows(((ease < 0.6) ^ (stream.random(400) < 0.1)).astype(float))
    sums = [by_cluster(side, ["items", "right"]) for side in (a, b)]
    one, two = of_one(ACCURACY, sums[0]), of_two(ACCURACY, *sums)
    assert one is not None and two is not None
    assert one == pytest.approx(math.sqrt(2) * 49, rel=0.02)  # sqrt(0.6 x 0.4) of a hundred
    found = paired_metric(ACCURACY, a, b).detectable
    assert found == pytest.approx(detectable(two / math.sqrt(400), 400), rel=1e-6) and two < one / 1.8


@pytest.fixture(scope="module")
def pilots(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pilots")
    for seed in (1, 2):
        words = ("--tasks", "cifar10,fsc147", "--limit", "30", "--data-root", mini_root, "--output", folder / str(seed))
        done("run", "--model", "chance", "--set", f"seed={seed}", *words)
    return folder


def told(root: Path, *more: object) -> dict:
    result = lamm_bench("plan", "--data-root", root, "--json", "-", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.output[result.output.index("{") :])


def test_a_plan_says_what_a_limit_can_show_and_a_larger_one_more(mini_root: Path) -> None:
    few, many = (told(mini_root, "--tasks", "cifar10,sqaimage", "--limit", limit, "--difference", 20) for limit in (3, 6))
    for small, large in zip(few["tasks"], many["tasks"]):
        assert small["samples"] == 3 and large["samples"] == 6 and small["by"] == "assumed"
        assert large["detectable"] < small["detectable"] and large["clusters"] <= large["samples"]
    assert few["pooled"]["detectable"] < min(line["detectable"] for line in few["tasks"]) and few["pooled"]["tasks"] == 2
    assert few["tasks"][0]["needed"] == pytest.approx(many["tasks"][0]["needed"], abs=2)  # one question an image
    assert few["total"]["seconds"] is None


def test_pilots_measure_and_their_seconds_are_scaled(mini_root: Path, pilots: Path) -> None:
    one = told(mini_root, "--tasks", "cifar10,fsc147", "--limit", 4, "--pilot", pilots / "1")
    two = told(mini_root, "--tasks", "cifar10,fsc147", "--limit", 4, "--pilot", pilots / "1", "--pilot", pilots / "2")
    assert (
        one["tasks"][1]["by"] == "one pilot" and two["tasks"][1]["by"] == "two pilots"
    )  # of an error, of which nothing is assumed
    assert all(line["detectable"] > 0 for line in (*one["tasks"], *two["tasks"]))
    rates = json.loads((pilots / "1/timing.json").read_text())["samples_per_second"]
    assert one["tasks"][0]["seconds"] == pytest.approx(4 / rates["cifar10"], rel=1e-6)
    assert one["total"]["samples"] == 8 and one["total"]["cost"] is None


def test_tokens_and_cost_are_the_pilots_by_sample(mini_root: Path, pilots: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(pilots / "1", tmp_path / "paid")
    asked = sum(json.loads((tmp_path / "paid/manifest.json").read_text())["samples"].values())
    (tmp_path / "paid/usage.json").write_text(
        json.dumps([{"calls": asked, "prompt_tokens": 1000 * asked, "new_tokens": 10 * asked, "cost": 0.02 * asked}])
    )
    plan = told(mini_root, "--tasks", "cifar10,fsc147", "--limit", 5, "--pilot", tmp_path / "paid")
    assert plan["total"]["prompt_tokens"] == pytest.approx(10_000) and plan["total"]["cost"] == pytest.approx(0.2)
    other = told(mini_root, "--tasks", "cifar10", "--limit", 5, "--pilot", tmp_path / "paid")
    assert "other tasks" in " ".join(other["notes"])


def test_the_table_and_what_is_wrong(mini_root: Path, pilots: Path, tmp_path: Path) -> None:
    said = done("plan", "--tasks", "cifar10,fsc147", "--data-root", mini_root, "--difference", "5", "--limit", "40")
    assert "(of " in said and "assumed: scores of 50 %" in said and "fsc147" in said
    assert "is no run folder" in refusal("plan", "--data-root", mini_root, "--pilot", tmp_path)
    three = [word for _ in range(3) for word in ("--pilot", pilots / "1")]
    assert "one run or two" in refusal("plan", "--data-root", mini_root, *three)
    assert "both --price-in" in refusal("plan", "--data-root", mini_root, "--price-in", "1")
    assert "cifar10 is scored in percent" in refusal(
        "plan", "--data-root", mini_root, "--tasks", "cifar10", "--difference", "101"
    )
    done("plan", "--data-root", mini_root, "--tasks", "fsc147", "--difference", "101")  # an error in things
