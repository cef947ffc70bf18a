"""Formulas of the desiderata against ChEF's, and over sums as over accuracies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.desiderata.formulas import CHANCE, apart, joined, metric_of, riam
from lamm_bench.desiderata.legs import NAMES, PLAIN, Way, legs, role_of
from lamm_bench.errors import BenchError
from lamm_bench.measure.robustness import rr, rrm
from lamm_bench.measure.stats import estimates, ratio
from lamm_bench.types import Row, Sample

PERCENT = st.floats(0, 100)
SETS = {"ScienceQA": "chef-scienceqa", "MMBench": "chef-mmbench"}


def golden(folder: Path, name: str) -> list[dict]:
    return json.loads((folder / "expected/desiderata.json").read_text(encoding="utf-8"))[name]["cases"]


def test_relative_in_context_accuracy_is_upstreams(chef_goldens: Path) -> None:
    for case in golden(chef_goldens, "RIAM"):
        plain, *shots = case["accuracy_0_to_3"]
        assert riam(plain, shots, CHANCE[SETS[case["dataset"]]]) == pytest.approx(case["RIAM"], rel=1e-9)


@given(PERCENT, st.lists(PERCENT, min_size=1, max_size=4), PERCENT)
def test_nothing_gained_is_fifty_and_nothing_lost_a_hundred(plain: float, shots: list[float], chance: float) -> None:
    if plain != chance:
        assert riam(plain, [plain] * len(shots), chance) == pytest.approx(50)
        assert rrm(plain, plain, chance) == pytest.approx(100)
        assert rrm(plain, chance, chance) == pytest.approx(0)
    else:
        assert riam(plain, shots, chance) is None
    if plain:
        assert rr(plain, plain) == pytest.approx(100)


def rows(right: list[int], prefix: str = "") -> list[Row]:
    return [
        Row(Sample(f"{prefix}{n}", "", (), 0, f"picture {n}"), "ok", None, None, {"items": 1.0, "right": float(each)})
        for n, each in enumerate(right)
    ]


def test_a_formula_over_sums_is_that_of_the_accuracies() -> None:
    plain, shot = [1, 1, 1, 0, 1, 1, 1, 1], [1, 0, 1, 0, 1, 1, 0, 1]
    table = apart(joined({PLAIN: rows(plain), "shot": rows(shot)}, "items"), "set")
    metric = metric_of(
        "riam",
        {"set": ratio("right", "items")},
        [PLAIN, "shot"],
        {"set": lambda accuracy: (accuracy["shot"] - accuracy[PLAIN]) / (accuracy[PLAIN] - 25.0) * 50 + 50},
    )
    found = estimates([metric], table)["riam"]
    assert found.value == pytest.approx(riam(87.5, [62.5], 25.0)) and found.n == 8 and found.clusters == 8
    assert found.ci95 is not None and found.ci95[0] < found.value < found.ci95[1]


def test_only_what_every_leg_answered_is_compared() -> None:
    first, second = rows([1, 0, 1]), rows([1, 1, 1])[1:]
    assert [row.sample.id for row in joined({"a": first, "b": second}, "items")] == ["1", "2"]


def test_intervals_of_a_relative_measure_hold_the_truth() -> None:
    """200 questions, of which examples in context lose a fifth of the right ones: in 60 studies the truth lies in the interval."""
    stream, held = np.random.default_rng(0), 0
    truth = riam(80.0, [64.0], 30.0)
    metric = metric_of(
        "riam",
        {"set": ratio("right", "items")},
        ["a", "b"],
        {"set": lambda accuracy: (accuracy["b"] - accuracy["a"]) / (accuracy["a"] - 30.0) * 50 + 50},
    )
    for _ in range(60):
        plain = (stream.random(200) < 0.8).astype(int)
        shot = plain * (stream.random(200) < 0.8)
        table = apart(joined({"a": rows(plain.tolist()), "b": rows(shot.tolist())}, "items"), "set")
        ends = estimates([metric], table)["riam"].ci95
        held += ends is not None and ends[0] <= truth <= ends[1]
    assert held >= 53


def test_each_leg_is_known_again_by_what_its_manifest_says() -> None:
    for leg in legs(NAMES, way=Way(retrievers=("random", "topk_text"))):
        name = "chain_of_thought" if leg.recipe == "desiderata/reasoning" else "likelihood"
        instruction: dict = {}
        for path, value in leg.overrides.items():
            place = instruction
            *above, last = path.split(".")[1:]
            for part in above:
                place = place.setdefault(part, {})
            place[last] = value
        identity = {
            "recipe": {"instruction": instruction, "inferencer": {"name": name}},
            "data": dict.fromkeys(leg.tasks, ""),
            "control": None,
            **({"corrupt": leg.corrupt} if leg.corrupt else {}),
        }
        assert role_of(identity) == leg.name
        assert role_of({**identity, "control": "blind"}) == ""


def test_a_wrong_name_is_told_with_the_nearest() -> None:
    with pytest.raises(BenchError, match="calibration"):
        legs(["calibratoin"])
    with pytest.raises(BenchError, match="at least one"):
        legs([])
