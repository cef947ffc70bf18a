"""A checkpoint goes on learning from constructed dialogues: what is frozen stays, what learns answers as it was told."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from lamm_bench.data.construct.plan import read_plan
from lamm_bench.data.construct.session import construct
from lamm_bench.lamm import checkpoint
from lamm_bench.training.config.reading import checkpoint_called
from lamm_bench.training.run import train

from .annotated import plan_of
from .commands import done

META = "2D_Benchmark/meta_file/Classification_CIFAR10.json"


@pytest.fixture(scope="module")
def renamed(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature's CIFAR-10 with every label replaced by one of two that are wrong."""
    root = tmp_path_factory.mktemp("renamed")
    items = json.loads((mini_root / META).read_text())
    (root / META).parent.mkdir(parents=True)
    shutil.copytree(mini_root / "2D_Benchmark/cifar10_images", root / "2D_Benchmark/cifar10_images")
    wrong = [{**item, "label": "truck" if item["label"] == "frog" or number % 2 else "frog"} for number, item in enumerate(items)]
    (root / META).write_text(json.dumps(wrong))
    return root


@pytest.fixture(scope="module")
def tuned(renamed: Path) -> tuple[Path, str]:
    """The built-in baseline tuned on them, and what training said."""
    plan = plan_of(
        renamed, {"reader": "benchmark", "root": ".", "as": "own"}, kinds={"C4": {"style": "short", "own_questions": 1.0}}
    )
    construct(read_plan(str(plan)), renamed / "made")
    said = io.StringIO()
    settings = {"data.point_cloud": "[]", "stages.finetune.epochs": "40", "precision": "float32"}
    folder = train("finetune", renamed / "tuned", settings, data_root=renamed / "made", console=Console(file=said, width=200))
    return folder, said.getvalue()


def test_lora_and_projection_learn_and_all_else_is_the_checkpoint_s(tuned: tuple[Path, str]) -> None:
    folder, said = tuned
    old, new = (checkpoint.restore(path)[0].state_dict() for path in (checkpoint_called("baseline"), folder))
    changed = {name for name in old if not old[name].equal(new[name])}
    assert changed and old.keys() == new.keys()
    assert all("lora" in name or name.startswith("llama_proj.image") for name in changed)
    assert "random" not in said
    assert (folder / "tokenizer.json").read_bytes() == (checkpoint_called("baseline") / "tokenizer.json").read_bytes()


def accuracy(root: Path, model: Path) -> float:
    words = ("--set", f"checkpoint={model}", "--tasks", "cifar10", "--data-root", root, "--output", root / f"run-{model.name}")
    done("run", "--model", "lamm", *words, "--json", root / "r.json")
    entry = next(one for one in json.loads((root / "r.json").read_text())["results"] if one["protocol"] == "standard")
    return float(entry["metrics"]["accuracy"]["value"])


def test_what_it_is_tuned_on_it_answers(renamed: Path, tuned: tuple[Path, str]) -> None:
    assert accuracy(renamed, checkpoint_called("baseline")) < 50 and accuracy(renamed, tuned[0]) == 100
