"""The ledger of reproductions: what may be judged is judged, and what was asked otherwise is said so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .commands import done, refusal

MODEL, TASK, PRINTED = "LAMM-13B", "cifar10", 37.9


def result(folder: Path, value: float, ci95: list[float] | None, **about: Any) -> Path:
    """A run's result with one figure under `classic`."""
    counts = {"expected": 100, "ok": 90, "unread": 10}
    metrics = {"accuracy": {"value": value, "ci95": ci95, "n": 100, "unit": "percent", "better": "higher"}}
    head = {
        "format": 1, "model": {"name": "hf-chat", "settings": {}}, "recipe": "lamm/classic", "source": "LAMM", "limit": None, "seed": 0,
        "control": None, "data": {TASK: "d"}, "skipped": {}, "unavailable": {}, "asking": {"recipe": "x", "decoders": {}}, **about,
    }  # fmt: skip
    folder.mkdir()
    (folder / "result.json").write_text(
        json.dumps({**head, "results": [{"task": TASK, "protocol": "classic", "metrics": metrics, "counts": counts}]})
    )
    return folder


def line(*words: object) -> dict[str, Any]:
    (one,) = json.loads(done("ledger", *words, "--as", MODEL, "--json", "-"))["lines"]
    return dict(one)


@pytest.mark.parametrize(
    ("value", "ci95", "verdict", "cause"),
    [
        (37.94, [30.0, 46.0], "equal", ""),
        (40.0, [37.8, 42.0], "within", ""),
        (45.0, [40.0, 50.0], "outside", "unexplained; of 100 answers 10 could not be read"),
        (37.9, None, "equal", ""),
        (45.0, None, "no interval", "unexplained"),
    ],
)
def test_the_verdict(tmp_path: Path, value: float, ci95: list[float] | None, verdict: str, cause: str) -> None:
    found = line(result(tmp_path / "run", value, ci95))
    assert (found["verdict"], found["cause"], found["published"], found["ours"]) == (verdict, cause, PRINTED, value)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"source": "miniature"}, "the miniature's items"),
        ({"limit": 20, "seed": 3}, "20 samples, drawn with seed 3"),
        ({"control": "blind"}, "control blind"),
        ({"corrupt": "fog:3"}, "corrupted by fog:3"),
        ({"recipe": "lamm/standard"}, "asked by lamm/standard, not by lamm/classic"),
    ],
)
def test_what_was_asked_otherwise_is_never_judged(tmp_path: Path, about: dict[str, Any], said: str) -> None:
    found = line(result(tmp_path / "run", PRINTED, [30.0, 46.0], **about))
    assert found["verdict"] == "not asked so" and said in found["cause"]


def test_a_cause_that_somebody_found_stands_in_the_ledger(tmp_path: Path) -> None:
    run = result(tmp_path / "run", 45.0, [40.0, 50.0])
    (tmp_path / "causes.yaml").write_text("cifar10: the paper counted refusals as right")
    found = done("ledger", run, "--as", MODEL, "--causes", tmp_path / "causes.yaml", "--format", "markdown")
    assert "| cifar10 | accuracy | 37.90 | 45.00 [40.0, 50.0] | outside | the paper counted refusals as right | " in found
    assert "1 figures: 1 outside" in found
    (tmp_path / "causes.yaml").write_text("cifar: what")
    assert "Did you mean 'cifar10'?" in refusal("ledger", run, "--as", MODEL, "--causes", tmp_path / "causes.yaml")
    (tmp_path / "causes.yaml").write_text("- what")
    assert "expected a cause for each task" in refusal("ledger", run, "--as", MODEL, "--causes", tmp_path / "causes.yaml")


def test_what_cannot_be_set_side_by_side(tmp_path: Path, mini_root: Path) -> None:
    run = result(tmp_path / "run", 45.0, [40.0, 50.0])
    assert "no published model called 'LAMM13B'. Did you mean 'LAMM-13B'?" in refusal("ledger", run, "--as", "LAMM13B")
    assert "has no result.json" in refusal("ledger", tmp_path / "nowhere", "--as", MODEL)
    assert "no run has a figure that GPT-4V has in print" in refusal("ledger", run, "--as", "GPT-4V")
    done("run", "--model", "chance", "--tasks", TASK, "--data-root", mini_root, "--output", tmp_path / "own")
    assert "not asked so" in done("ledger", tmp_path / "own", "--as", MODEL)
