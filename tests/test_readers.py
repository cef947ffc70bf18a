"""Agreement of readers: what is said plainly all read alike; what says more is named; judges stand beside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamm_bench.ask.catalog import load_catalog

from .commands import done, refusal


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, mini_root: Path) -> Path:
    """Three tasks answered by a script: right and bare, right with more words, wrong, and nothing that could be read."""
    folder = tmp_path_factory.mktemp("readers")
    task = load_catalog().tasks["cifar10"]
    samples = list(task.samples(mini_root))
    other = {sample.id: next(s for s in samples if s.target != sample.target) for sample in samples}
    says = [
        lambda s: task.oracle(s),
        lambda s: f"The photo shows a {task.oracle(s)}, I think.",
        lambda s: task.oracle(other[s.id]),
        lambda s: "...",
    ]
    answers = {sample.id: says[number % 4](sample) for number, sample in enumerate(samples)}
    (folder / "answers.json").write_text(json.dumps(answers))
    words = ("--model", "scripted", "--set", f"answers={folder / 'answers.json'}", "--tasks", "cifar10")
    done("run", *words, "--data-root", mini_root, "--output", folder / "run")
    return folder / "run"


def test_what_is_plain_is_read_alike_and_what_says_more_is_named(run: Path, mini_root: Path) -> None:
    found = json.loads(done("score", run, "--readers", "--data-root", mini_root, "--json", "-"))
    (own,) = found["tasks"]
    plain, more = (len(range(start, own["n"], 4)) for start in (0, 1))
    assert own["right"]["strict"] == pytest.approx(100 * plain / own["n"])
    assert own["right"]["standard"] == pytest.approx(100 * (plain + more) / own["n"])
    assert own["misread"] == [] and len(own["generous"]) == more
    assert own["same"]["strict"] == pytest.approx(100 * (own["n"] - more) / own["n"])


def test_kappa_is_scikit_learns(run: Path, mini_root: Path) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    (own,) = json.loads(done("score", run, "--readers", "--data-root", mini_root, "--json", "-"))["tasks"]
    n = own["n"]
    strict = [number % 4 == 0 for number in range(n)]
    ours = [number % 4 < 2 for number in range(n)]
    assert own["kappa"]["strict"] == pytest.approx(metrics.cohen_kappa_score(strict, ours))


def test_a_judges_marks_stand_beside(run: Path, mini_root: Path) -> None:
    folder = run / "judgements" / "rating-toy-1"
    (folder / "scores").mkdir(parents=True)
    samples = json.loads((run / "scores/cifar10.json").read_text())["protocols"]["standard"]["samples"]
    marks = {name: {"status": "ok", "value": 9.0 if own["value"] else 2.0} for name, own in samples.items()}
    (folder / "scores/cifar10.json").write_text(json.dumps({"task": "cifar10", "samples": marks}))
    (folder / "manifest.json").write_text("{}")
    said = done("score", run, "--readers", "--data-root", mini_root)
    assert "ρ 1.00" in said and "rating-toy-1" in said and "cifar10, generous: " in said


def test_what_has_no_readers_to_compare(mini_root: Path, tmp_path: Path) -> None:
    done("run", "--model", "chance", "--tasks", "voc2012", "--data-root", mini_root, "--output", tmp_path / "run")
    words = ("score", tmp_path / "run", "--readers", "--data-root", mini_root)
    assert "F1@0.5 of one answer is neither right nor wrong" in refusal(*words)
    assert "--readers is about a run" in refusal(*words, "--metrics")


def test_the_truth_in_its_own_form_is_right_for_every_reader(mini_root: Path, tmp_path: Path) -> None:
    done("run", "--model", "oracle", "--tasks", "all", "--data-root", mini_root, "--output", tmp_path / "run")
    found = json.loads(done("score", tmp_path / "run", "--readers", "--data-root", mini_root, "--json", "-"))
    assert len(found["tasks"]) >= 6
    for own in found["tasks"]:
        said = own["right"].get("strict", 100.0)  # of answers in parts there is no strict reading
        assert (said, own["right"]["standard"], own["misread"]) == (100.0, 100.0, []), own["task"]
