"""Items over runs: a wrong truth stands out, and what nobody can say nobody says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.items import discrimination, items_of

from .commands import done, refusal


def simulated(models: int, items: int, wrong: int, seed: int) -> list[dict[str, float]]:
    """Models of growing skill on items of which the first few have another answer for truth, so that who is right is wrong."""
    stream = np.random.default_rng(seed)
    runs = []
    for skill in np.linspace(0.2, 0.95, models):
        right = stream.random(items) < skill
        right[:wrong] = ~right[:wrong]
        runs.append({f"{n:03}": 100.0 * value for n, value in enumerate(right)})
    return runs


def test_wrong_truths_are_the_most_suspicious() -> None:
    found = items_of("t", simulated(models=24, items=100, wrong=6, seed=0), [])
    assert {item.sample for item in found[:6]} == {f"{n:03}" for n in range(6)}
    assert all(item.discrimination is not None and item.discrimination < -0.2 for item in found[:6])


def test_discrimination_is_the_correlation_with_the_rest() -> None:
    runs = simulated(6, 12, 2, 3)
    item = np.array([run["004"] for run in runs])
    rest = np.array([np.mean([value for name, value in run.items() if name != "004"]) for run in runs])
    assert discrimination("004", runs) == pytest.approx(np.corrcoef(item, rest)[0, 1])


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([0.0, 50.0, 100.0])), max_size=6))
def test_no_runs_break_it_and_counts_are_counts(runs: list[dict[str, float]]) -> None:
    for item in items_of("t", runs, runs[:1]):
        assert 0 <= item.right <= item.runs <= len(runs) and item.runs > 1 and 0 <= item.mean <= 100
        assert item.discrimination is None or -1 - 1e-9 <= item.discrimination <= 1 + 1e-9


@pytest.fixture(scope="module")
def runs(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("items")
    common = ("--tasks", "cifar10,fsc147,scanqa", "--data-root", mini_root)
    for seed in (1, 2, 3):
        done("run", "--model", "chance", "--set", f"seed={seed}", *common, "--output", folder / str(seed))
    done("run", "--model", "chance", *common, "--control", "blind", "--output", folder / "blind")
    done("run", "--model", "chance", *common, "--limit", "3", "--output", folder / "few")
    return folder


def test_items_are_those_of_the_scores(runs: Path, tmp_path: Path) -> None:
    said = done("items", *(runs / name for name in ("1", "2", "3", "blind")), "--json", tmp_path / "i.json")
    told = json.loads((tmp_path / "i.json").read_text())
    assert set(told["tasks"]) == {"cifar10", "scanqa"} and "MAE of one sample is neither" in told["left_out"]["fsc147"]
    assert "Items over 3 runs" in said and "fsc147: left out" in said
    for task, own in told["tasks"].items():
        scores = [
            json.loads((runs / name / f"scores/{task}.json").read_text())["protocols"]["standard"]["samples"]
            for name in ("1", "2", "3", "blind")
        ]
        assert own["counts"]["items"] == len(own["items"]) == len(scores[0])
        for item in own["items"]:
            assert item["right"] == sum(side[item["sample"]]["value"] == 1 for side in scores[:3])
            assert item["blind"] == (scores[3][item["sample"]]["value"] == 1)
        assert own["counts"]["missed by all"] == sum(item["right"] == 0 for item in own["items"])


def test_what_cannot_be_analysed_is_said(runs: Path, tmp_path: Path) -> None:
    assert "there are 1" in refusal("items", runs / "1", runs / "blind")
    assert "asked about other items" in refusal("items", runs / "1", runs / "few", "--tasks", "cifar10")
    assert "is no run folder" in refusal("items", runs / "1", tmp_path)
