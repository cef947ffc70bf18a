"""The recipes of recipes/chef: each can word its tasks' questions, and the oracle is perfect however it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from lamm_bench.ask.asking import begins, why_unworded
from lamm_bench.ask.catalog import load_catalog

from .chef_made import make_scenarios
from .commands import done
from .test_chef_made import perfect

CATALOG = load_catalog()
NAMES = sorted(name for name in CATALOG.recipes if name.startswith("chef/"))
FOLDER = Path(__file__).parents[1] / "recipes"
# of which a likelihood alone says all: upstream takes the lower one
WEIGHED = ("chef-winoground", "chef-winoground-cap")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scenarios(tmp_path_factory.mktemp("chef"))


def tasks_of(name: str) -> list[str]:
    return [task for task in CATALOG.recipe(name).scenario.tasks if task in CATALOG.tasks]


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_can_word_its_tasks_and_its_first_line_is_its_command(name: str) -> None:
    recipe = CATALOG.recipe(name)
    first, second = (FOLDER / f"{name}.yaml").read_text().splitlines()[:2]
    assert first.endswith(f" --tasks {','.join(recipe.scenario.tasks)} --recipe {name} --data-root DATA") and second.startswith(
        "# "
    )
    assert len(recipe.scenario.tasks) == 1
    for task in tasks_of(name):
        reason = why_unworded(recipe, CATALOG.tasks[task])
        assert reason is None or "is not asked in turns" in reason
        weighing = recipe.inferencer["name"] in ("likelihood", "turns_likelihood")
        assert begins(recipe, CATALOG.tasks[task]) == weighing  # by the option's own tokens


def test_there_is_a_recipe_for_every_scenario_and_one_in_the_docs_for_each() -> None:
    asked = {task for name in NAMES for task in CATALOG.recipe(name).scenario.tasks}
    assert {task.name for task in CATALOG.select_tasks("chef")} <= asked
    page = (FOLDER.parent / "docs/chef.md").read_text()
    assert [name for name in NAMES if f"`{name.removeprefix('chef/')}`" not in page] == []


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("chef/lamm/", "chef/octavius3d/"))])
def test_the_oracle_is_perfect_however_it_is_asked(name: str, made: Path, tmp_path: Path) -> None:
    recipe = CATALOG.recipe(name)
    tasks = tasks_of(name)
    assert tasks and not why_unworded(recipe, CATALOG.tasks[tasks[0]])
    words = ("run", "--model", "oracle", "--recipe", name, "--data-root", made, "--output", tmp_path / "r", "--limit", 8)
    done(*words, "--tasks", tasks[0], "--json", tmp_path / "r.json")
    results = json.loads((tmp_path / "r.json").read_text())["results"]
    assert {each["task"] for each in results} == {tasks[0]}
    assert all(each["counts"]["ok"] == each["counts"]["expected"] == 8 for each in results if each["protocol"] == "standard")
    if not (tasks[0].startswith("chef-voc2012") and recipe.inferencer["name"] == "turns"):  # whose oracle tells all at every turn
        assert (tasks[0], "standard") in perfect(results)
    if recipe.inferencer["name"] == "likelihood":
        kept = json.loads((tmp_path / f"r/scores/{tasks[0]}.json").read_text())["protocols"]["standard"]["samples"]
        assert all(sum(one["probs"]) == pytest.approx(1) and one["prob"] == max(one["probs"]) for one in kept.values())


def test_other_words_for_options_are_understood_by_the_oracle(made: Path, tmp_path: Path) -> None:
    for word in ("natural-2", "unnatural-0", "neutral-1"):
        words = ("run", "--model", "oracle", "--recipe", "chef/desiderata/instruction_scienceqa", "--data-root", made)
        words += ("--override", f"instruction.verbalizer={word}", "--override", "inferencer.says=choice")
        done(*words, "--tasks", "chef-scienceqa", "--output", tmp_path / word, "--json", tmp_path / "r.json", "--limit", 6)
        found = json.loads((tmp_path / "r.json").read_text())
        assert perfect(found["results"]) >= {("chef-scienceqa", "standard"), ("chef-scienceqa", "chef")}


def test_the_built_in_model_is_asked_with_reasoning_before_likelihoods(made: Path, tmp_path: Path) -> None:
    words = ("run", "--model", "lamm", "--recipe", "chef/mmbench/default", "--data-root", made, "--limit", 2)
    done(*words, "--override", "inferencer.reasoning_tokens=8", "--output", tmp_path / "r")
    lines = [json.loads(line) for line in (tmp_path / "r/records/chef-mmbench.jsonl").read_text().splitlines()]
    assert {line["step"] for line in lines if "step" in line} == {0, 1}
    result = json.loads((tmp_path / "r/result.json").read_text())
    assert result["recipe"] == "chef/mmbench/default with inferencer.reasoning_tokens=8"
    assert result["results"][0]["counts"]["ok"] + result["results"][0]["counts"]["unread"] == 2


def test_upstreams_effective_prompts_are_those_of_the_recipes() -> None:
    """Prompt and answer template as HEAD takes them (reference 9.4)."""
    wanted = {
        "mmbench/ppl": (1, 1),
        "mmbench/direct": (1, 1),
        "mme/ppl": (2, 0),
        "seedbench/ppl": (4, 0),
        "seedbench2/ppl": (2, 0),
        "scienceqa/ppl": (0, 0),
        "desiderata/calibration_mmbench": (1, 1),
        "desiderata/instruction_mmbench": (1, 1),
        "desiderata/icl_mmbench": (1, 1),
        "desiderata/calibration_scienceqa": (0, 1),
        "desiderata/instruction_scienceqa": (0, 0),
        "desiderata/robust_scienceqa": (0, 0),
        "desiderata/robust_mmbench": (0, 1),
        "cifar10/ppl": (0, 0),
    }
    for name, ids in wanted.items():
        instruction = CATALOG.recipe(f"chef/{name}").instruction
        assert (instruction.prompt, instruction.answer) == ids, name
        assert yaml.safe_load((FOLDER / f"chef/{name}.yaml").read_text())["instruction"]["prompts"] == "none"
