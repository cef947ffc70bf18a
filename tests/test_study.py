"""A study of recipes and seeds: runs like any other, and variance that is what it was made of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.study import seeds_of
from lamm_bench.errors import BenchError
from lamm_bench.measure.components import components

from .commands import done, refusal


def test_variance_within_and_between_is_what_it_was_made_of() -> None:
    stream = np.random.default_rng(0)
    found = []
    for _ in range(400):
        recipes = stream.normal(50, 4, 5)
        found.append(components({str(n): list(mean + stream.normal(0, 2, 6)) for n, mean in enumerate(recipes)}))
    assert np.mean([each.within**2 for each in found]) == pytest.approx(4, rel=0.06)
    assert np.mean([each.between**2 for each in found]) == pytest.approx(16, rel=0.1)
    still = [components({str(n): list(stream.normal(50, 2, 6)) for n in range(5)}) for _ in range(200)]
    assert np.mean([each.between for each in still]) < 0.7  # recipes that move nothing


@given(st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=5), min_size=1, max_size=5))
def test_no_table_breaks_it(table: list[list[float]]) -> None:
    found = components({str(n): values for n, values in enumerate(table)})
    assert found is not None and found.low <= found.mean + 1e-9 and found.mean <= found.high + 1e-9
    assert (found.within is None) == all(len(values) == 1 for values in table)
    assert (found.between is None) == (len(table) == 1) and (found.between is None or found.between >= 0)
    assert components({}) is None and components({"a": []}) is None


def test_seeds_are_ranges_and_lists() -> None:
    assert seeds_of("0..4") == (0, 1, 2, 3, 4) == seeds_of("0-3, 4,4")
    for text in ("", "a", "4..1", "1..", "-3", "0..99999", "1.5"):
        with pytest.raises(BenchError, match="expected whole numbers"):
            seeds_of(text)


def words(folder: Path, root: Path) -> tuple[object, ...]:
    return ("run", "--model", "chance", "--tasks", "cifar10,scanqa", "--data-root", root, "--output", folder / "study")


def test_a_study_asks_runs_and_goes_on(mini_root: Path, tmp_path: Path) -> None:
    own = words(tmp_path, mini_root)
    more = ("--recipes", "lamm/standard,lamm/classic", "--seeds", "0..2", "--json", tmp_path / "told.json")
    said = done(*own, *more)
    folders = {path.parent.name for path in tmp_path.glob("study/*/result.json")}
    assert folders == {f"lamm-{recipe}-seed{seed}" for recipe in ("standard", "classic") for seed in range(3)}
    told = json.loads((tmp_path / "told.json").read_text())
    assert told == json.loads((tmp_path / "study/study.json").read_text())
    for line in told["lines"]:
        for recipe, values in line["values"].items():
            for seed, value in values.items():
                result = json.loads((tmp_path / f"study/{recipe.replace('/', '-')}-seed{seed}/result.json").read_text())
                (entry,) = [e for e in result["results"] if (e["task"], e["protocol"]) == (line["task"], "standard")]
                assert next(iter(entry["metrics"].values()))["value"] == value
        groups = {recipe: list(values.values()) for recipe, values in line["values"].items()}
        assert line["found"] == vars(components(groups))
    assert "2 recipes x 3 seeds" in said and "sd recipes" in said
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("study/*/records/*.jsonl")}
    done(*own, *more)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("study/*/records/*.jsonl")} == before


def test_a_recipe_that_asks_nothing_is_said_and_costs_no_other(mini_root: Path, tmp_path: Path) -> None:
    """`majority` gives no likelihoods."""
    own = ("run", "--model", "majority", "--tasks", "cifar10", "--data-root", mini_root, "--output", tmp_path / "s")
    said = done(*own, "--recipes", "lamm/standard,lamm/likelihood", "--seeds", "1")
    assert "lamm/likelihood: NOT ASKED" in said and "cifar10" in said
    assert "no recipe could be asked" in refusal(*own[:-1], tmp_path / "t", "--recipes", "lamm/likelihood")


def test_what_is_wrong_is_said_before_anything_is_asked(mini_root: Path, tmp_path: Path) -> None:
    own = words(tmp_path, mini_root)
    assert "Did you mean" in refusal(*own, "--recipes", "lamm/standrd")
    assert "expected whole numbers" in refusal(*own, "--seeds", "x")
    assert "name the folder" in refusal(*own[:-2], "--seeds", "0..1")
    assert "leave out --controls" in refusal(*own, "--seeds", "0..1", "--controls")
    assert "names none" in refusal(*own, "--recipes", " , ")
    assert not (tmp_path / "study").exists()
