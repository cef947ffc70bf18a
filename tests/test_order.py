"""The same bytes whatever the process hashes, and the same figures whatever the order of a file's items."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.measure.floors import chance_answer
from lamm_bench.measure.scoring import Answered, oracle_answer, score

from .commands import done

ROOT = Path(__file__).parents[1]
TASKS = load_catalog().select_tasks("all")


def test_scores_do_not_know_how_the_process_hashes(mini_root: Path, tmp_path: Path) -> None:
    done("run", "--model", "chance", "--tasks", "all", "--data-root", mini_root, "--output", tmp_path / "run")
    found = set()
    for seed in ("0", "4711"):
        words = ("-m", "lamm_bench", "score", str(tmp_path / "run"), "--data-root", str(mini_root), "--json", "-")
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        found.add(subprocess.run([sys.executable, *words], check=False, cwd=ROOT, env=environment, capture_output=True).stdout)
    assert len(found) == 1 and len(found.pop()) > 10_000


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_figures_do_not_know_the_order_of_the_file(task, mini_root: Path) -> None:
    samples = list(task.samples(mini_root))
    stream = Random(task.name)
    answers = {
        s.id: Answered(oracle_answer(task, s) if stream.random() < 0.6 else chance_answer(task, s, samples, 3)) for s in samples
    }
    found, references = [], []
    for order in (samples, *(stream.sample(samples, len(samples)) for _ in range(2))):
        again = score(task, "standard", order, answers)
        found.append(json.dumps(again.to_json()["metrics"]))
        references.append(again.references)
    assert len(set(found)) == 1
    assert all(each == references[0] for each in references)


def test_a_limit_is_part_of_a_larger_one_and_draws_the_same_images_for_tasks_that_share_them(mini_root: Path) -> None:
    from lamm_bench.ask.runner import limited

    voc, locating = (load_catalog().tasks[name].samples(mini_root) for name in ("voc2012", "locating-voc2012"))
    drawn = [{sample.id for sample in limited(voc, count, 0)} for count in (2, 4)]
    assert drawn[0] < drawn[1]
    both = [{Path(sample.group).name for sample in limited(samples, 3, 5)} for samples in (voc, locating)]
    shared = {Path(s.group).name for s in voc} == {Path(s.group).name for s in locating}
    assert not shared or both[0] == both[1]
    assert [s.id for s in limited(list(reversed(voc)), 3, 5)] == [s.id for s in reversed(limited(voc, 3, 5))]
    assert {s.id for s in limited(voc, 3, 5)} != {s.id for s in limited(voc, 3, 6)} or len(voc) < 5
