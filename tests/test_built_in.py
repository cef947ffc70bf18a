"""The checkpoint that ships: small enough, whole, seeing, and the same answers whatever the batch."""

from __future__ import annotations

import json
from pathlib import Path

from .commands import done

BASELINE = Path(__file__).parents[1] / "results" / "baseline"
TASKS = "ucmerced,celeba-hair,locating-fsc147,scanqa"


def ask(root: Path, output: Path, *more: str) -> dict[str, dict]:
    words = [
        "run",
        "--model",
        "lamm",
        "--tasks",
        TASKS,
        "--data-root",
        str(root),
        "--output",
        str(output),
        "--json",
        str(output) + ".json",
    ]
    done(*words, *more)
    written = json.loads(Path(str(output) + ".json").read_text())["results"]
    return {entry["task"]: entry for entry in written if entry["protocol"] == "standard"}


def said(output: Path) -> list[str]:
    lines = [line for path in sorted(output.glob("records/*.jsonl")) for line in path.read_text().splitlines()]
    return sorted(json.dumps([(entry := json.loads(line))["sample"], entry["response"]["text"]]) for line in lines)


def test_the_checkpoint_is_at_most_25_megabytes() -> None:
    assert sum(path.stat().st_size for path in BASELINE.iterdir()) <= 25e6


def test_it_sees_images_and_takes_clouds_and_every_sample_is_accounted_for(mini_root: Path, tmp_path: Path) -> None:
    seen = ask(mini_root, tmp_path / "seen")
    assert {task: entry["counts"]["ok"] for task, entry in seen.items()} == {
        task: entry["counts"]["expected"] for task, entry in seen.items()
    }
    assert seen["ucmerced"]["metrics"]["accuracy"]["value"] >= 80
    assert seen["celeba-hair"]["metrics"]["accuracy"]["value"] >= 60
    assert seen["locating-fsc147"]["metrics"]["hit_rate"]["value"] >= 25
    blind = ask(mini_root, tmp_path / "blind", "--control", "blind")
    assert blind["ucmerced"]["metrics"]["accuracy"]["value"] <= 40


def test_answers_do_not_depend_on_the_batch_size(mini_root: Path, tmp_path: Path) -> None:
    ask(mini_root, tmp_path / "many")
    ask(mini_root, tmp_path / "one", "--batch-size", "1")
    assert said(tmp_path / "many") == said(tmp_path / "one")
