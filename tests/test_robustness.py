"""RR and RRM against ChEF's figures, their guard, and whole curves: legs that are runs, resumed, shown, kept."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.robust import chosen, families, legs, levels
from lamm_bench.errors import BenchError
from lamm_bench.measure.robustness import CHEF_CHANCE, guard, mean, robustness, rr, rrm
from lamm_bench.measure.stats import ratio
from lamm_bench.types import Metric, Row, Sample

from .commands import done, lamm_bench, refusal

ACCURACY = Metric("accuracy", ratio("right", "items"))
ERROR = Metric("MAE", ratio("right", "items", 1.0), "count", "lower")


def rows(values: list[float]) -> list[Row]:
    return [Row(Sample(str(n), "", (), 0, str(n)), "ok", "", 0, {"right": value, "items": 1.0}) for n, value in enumerate(values)]


def test_chefs_figures(chef_goldens: Path) -> None:
    cases = json.loads((chef_goldens / "expected/desiderata.json").read_text())["robustness"]["cases"]
    assert len(cases) > 10
    for case in cases:
        chance = CHEF_CHANCE[case["dataset"]]
        if case["RRM"] is None:  # upstream divides by zero
            with pytest.raises(ZeroDivisionError):
                rrm(case["clean"], case["corrupted"], chance)
            assert guard(case["clean"], (case["clean"] - 1, case["clean"] + 1), chance, "higher")
        else:
            assert rrm(case["clean"], case["corrupted"], chance) == pytest.approx(case["RRM"], rel=1e-9)
        if case.get("RR") is not None:
            assert rr(case["clean"], case["corrupted"]) == pytest.approx(case["RR"], rel=1e-9)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=12, max_size=60), st.floats(0, 50))
def test_ours_are_chefs_where_those_mean_something(pairs: list[tuple[int, int]], chance: float) -> None:
    clean, worse = ([float(pair[side]) for pair in pairs] for side in (0, 1))
    found = robustness(ACCURACY, rows(clean), rows(worse), chance)
    a, b = 100 * float(np.mean(clean)), 100 * float(np.mean(worse))
    if a:
        assert found.rr.value == pytest.approx(rr(a, b))
        assert found.rr.ci95 is None or found.rr.ci95[0] <= found.rr.value <= found.rr.ci95[1]
    else:
        assert found.rr.value is None and "zero" in found.rr.note
    if found.rrm.value is not None:
        assert a > chance and found.rrm.value == pytest.approx(rrm(a, b, chance))
    else:
        assert "not above chance" in found.rrm.note or "no interval" in found.rrm.note


def test_nothing_lost_is_a_hundred_and_guessing_is_nothing() -> None:
    half = rows([1.0, 0.0] * 50)
    assert robustness(ACCURACY, half, half, 10).rr.value == robustness(ACCURACY, half, half, 10).rrm.value == 100
    guessing = rows(([1.0] + [0.0] * 9) * 10)
    assert robustness(ACCURACY, half, guessing, 10).rrm.value == pytest.approx(0, abs=1e-9)


def test_of_errors_less_is_left_when_they_grow() -> None:
    clean, worse = rows([1.0, 2.0, 3.0, 2.0] * 10), rows([2.0, 4.0, 6.0, 4.0] * 10)
    found = robustness(ERROR, clean, worse, 6.0)
    assert found.rr.value == pytest.approx(50) and found.rrm.value == pytest.approx(50)
    assert robustness(ERROR, worse, clean, 3.0).rrm.note == "the clean figure is not better than chance (3.00)"
    assert "error is zero" in robustness(ERROR, clean, rows([0.0] * 40), 6.0).rr.note


def test_near_chance_nothing_is_divided() -> None:
    assert "lies within its interval" in guard(52.0, (45.0, 59.0), 50.0, "higher")
    assert "not above chance" in guard(40.0, (35.0, 45.0), 50.0, "higher")  # ChEF's formula would praise what is lost
    assert guard(60.0, (55.0, 65.0), 50.0, "higher") == "" == guard(3.0, (2.0, 4.0), 9.0, "lower")
    assert guard(60.0, None, 50.0, "higher") and guard(60.0, (55.0, 65.0), None, "higher") and guard(None, None, 1.0, "higher")
    assert robustness(ACCURACY, [], [], 10).rr.value is None
    assert mean([]) is None


def test_an_interval_covers_what_is_left() -> None:
    """Of a model that is right on 80 % and loses a quarter of that."""
    stream, inside = np.random.default_rng(0), 0
    for _ in range(200):
        clean = (stream.random(120) < 0.8).astype(float)
        worse = clean * (stream.random(120) < 0.75)
        ends = robustness(ACCURACY, rows(clean.tolist()), rows(worse.tolist()), 25.0).rr.ci95
        inside += ends is not None and ends[0] <= 75 <= ends[1]
    assert inside >= 180


def test_corruptions_are_named_by_themselves_by_family_or_all() -> None:
    tasks = load_catalog().tasks
    flat, room = tasks["cifar10"], tasks["scanqa"]
    assert chosen("fog, noise", [flat])[:2] == ["fog", "gaussian_noise"]
    assert len(chosen("all", [flat])) == 23 and len(chosen("all", [room])) == 16
    assert set(chosen("all", [flat, room])) == set(chosen("all", [flat])) | set(chosen("all", [room]))
    assert chosen("chef", [flat]) == ["chef-images", "chef-texts"] and chosen("characters", [room]) == families()["characters"]
    assert [str(leg) for leg in legs(["fog", "lower_case"], [1, 4])] == ["fog:1", "fog:4", "lower_case"]
    assert levels("5,1-2") == [1, 2, 5]
    for text in ("", "0", "1-6", "3-1", "x", "1,"):
        with pytest.raises(BenchError, match="levels from 1 to 5"):
            levels(text)
    with pytest.raises(BenchError, match="Did you mean 'fog'"):
        chosen("fogg:3", [flat])
    with pytest.raises(BenchError, match="names none"):
        chosen(" , ", [flat])


@pytest.fixture(scope="module")
def curves(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curves")
    words = ("--model", "lamm", "--tasks", "cifar10,scanrefer", "--corruptions", "gaussian_noise,jitter,rotation,lower_case")
    done("robustness", *words, "--severities", "1,5", "--data-root", mini_root, "--output", folder)
    return folder


def test_every_leg_is_a_run_and_goes_on(curves: Path, mini_root: Path) -> None:
    legs_there = {path.parent.name for path in curves.glob("*/result.json")}
    assert legs_there == {"clean", "gaussian_noise-1", "gaussian_noise-5", "jitter-1", "jitter-5", "lower_case"}
    told = json.loads((curves / "robustness.json").read_text())
    assert {(cell["task"], cell["corruption"], cell["severity"]) for cell in told["cells"]} == {
        *(("cifar10", "gaussian_noise", level) for level in (1, 5)),
        *(("scanrefer", "jitter", level) for level in (1, 5)),
        *((task, "lower_case", None) for task in ("cifar10", "scanrefer")),
    }
    assert "its truth would not follow" in told["skipped"]["rotation:1"]["scanrefer"]
    assert "shows images" in told["skipped"]["jitter:5"]["cifar10"]
    before = {path: path.stat().st_mtime_ns for path in curves.glob("*/records/*.jsonl")}
    words = ("--model", "lamm", "--tasks", "cifar10,scanrefer", "--corruptions", "gaussian_noise,jitter,rotation,lower_case")
    again = done("robustness", *words, "--severities", "1,5", "--data-root", mini_root, "--output", curves)
    assert {path: path.stat().st_mtime_ns for path in curves.glob("*/records/*.jsonl")} == before
    assert json.loads((curves / "robustness.json").read_text()) == told
    assert "gaussian_noise" in again and "not asked" in again


def test_stored_runs_are_shown_without_a_model(curves: Path, mini_root: Path, tmp_path: Path) -> None:
    told = json.loads((curves / "robustness.json").read_text())
    said = done("robustness", "--runs", curves, "--data-root", mini_root, "--json", tmp_path / "a.json")
    again = json.loads((tmp_path / "a.json").read_text())
    assert again["cells"] == told["cells"] and again["means"] == told["means"] and "cifar10, accuracy" in said
    for cell in told["cells"]:
        clean = told["clean"][cell["task"]]
        assert cell["n"] == clean["n"] or clean["metric"] != "accuracy"
        assert cell["difference"] == pytest.approx(cell["corrupted"] - cell["clean"])


def test_the_picture_is_sound_and_holds_every_corruption(curves: Path) -> None:
    text = (curves / "robustness.svg").read_text()
    root = ElementTree.fromstring(text)
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"gaussian_noise", "jitter", "lower_case"} <= set(words)
    assert "nan" not in text and "href" not in text and "<script" not in text


def test_what_is_wrong_is_said_before_anything_is_asked(curves: Path, mini_root: Path, tmp_path: Path) -> None:
    common = ("robustness", "--model", "lamm", "--data-root", mini_root, "--tasks", "cifar10", "--output", tmp_path / "new")
    assert "Did you mean 'fog'" in refusal(*common, "--corruptions", "fgo")
    assert "levels from 1 to 5" in refusal(*common, "--severities", "0-5")
    assert "name either a model" in refusal("robustness")
    assert "name either a model" in refusal("robustness", "--model", "lamm", "--runs", curves)
    assert "name the folder" in refusal("robustness", "--model", "lamm", "--data-root", mini_root)
    assert "is a run itself" in refusal(*common[:-1], curves / "clean")
    assert "no run with --corrupt" in refusal("robustness", "--runs", curves / "clean", "--data-root", mini_root)
    assert not (tmp_path / "new").exists()
    done("run", "--model", "lamm", "--tasks", "svt", "--limit", "2", "--data-root", mini_root, "--output", tmp_path / "two/a")
    done(
        "run",
        "--model",
        "lamm",
        "--tasks",
        "svt",
        "--limit",
        "1",
        "--corrupt",
        "fog:1",
        "--data-root",
        mini_root,
        "--output",
        tmp_path / "two/b",
    )
    assert "holds 0 runs without corruptions that were asked as those" in refusal("robustness", "--runs", tmp_path / "two")


def test_a_curve_whose_answers_are_missing_says_so(mini_root: Path, tmp_path: Path) -> None:
    (tmp_path / "moody.py").write_text(
        "from lamm_bench.types import Response\n"
        "class Moody:\n"
        "    name, modalities = 'moody', frozenset({'image'})\n"
        "    def fingerprint(self): return 'm'\n"
        "    def generate(self, requests):\n"
        "        for index, request in enumerate(requests):\n"
        "            worse = any('corrupted' in getattr(part, 'sha256', '') for m in request.messages for part in m.parts)\n"
        "            yield index, Response(error='no', status='model_error') if worse else (index, Response('cat'))[1]\n"
        "ADAPTERS = {'moody': Moody}\n"
    )
    words = ("robustness", "--plugin", tmp_path / "moody.py", "--model", "moody", "--tasks", "cifar10", "--data-root", mini_root)
    found = lamm_bench(*words, "--corruptions", "fog", "--severities", "2", "--output", tmp_path / "curves")
    assert found.exit_code == 3 and "answers are missing: fog:2" in found.output
    (cell,) = json.loads((tmp_path / "curves/robustness.json").read_text())["cells"]
    assert cell["corrupted"] is None and cell["n"] == 0 and cell["rr"]["value"] is None
