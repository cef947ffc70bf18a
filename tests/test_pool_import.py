"""ChEF's pools, from a small checkout with upstream's names and texts of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.pool_import import PROMPTS, TEMPLATES, read_pools
from lamm_bench.ask.pools import pool_file
from lamm_bench.ask.recipe import load_recipe
from lamm_bench.ask.runner import flow_of
from lamm_bench.errors import BenchError
from lamm_bench.types import Sample, Turn

from .commands import lamm_bench
from .test_prompt_import import CONVERSATIONS, SYSMSG

PROMPT_FILE = '''
import os
raise RuntimeError("this file was run")
coarse = ["Toy photo of", "Toy: what" " is it?"]
fine_turns = [["Toy kind?", "Toy kind of {prefix}?"]]
vqa_prompts = ['{question}Toy says', '{question}', """{question} Toy
asks."""]
counting = ['{question}']
singleturn_prompt_dict = {
    'coarse_grained_classification_prompts': coarse,
    'VQA_prompts': vqa_prompts,
    'counting_prompts': counting,
}
singleturn_prompt_dict['caption_prompts'] = ["Toy caption:"]
multiturn_prompt_dict = {'fine_grained_classification_multiturn_prompts': fine_turns}

def singleturn_prompt(task_name, assigned_ids=0):
    return singleturn_prompt_dict[task_name + '_prompts'][assigned_ids]
'''
TEMPLATE_FILE = """
vqa = ['Toy answers {option}', '{option}']
answer_template_dict = {
    'VQA_templates': vqa,
    'detection_templates': [['Toy shows {option}', 'at {option}'], ['{option}', '{option}']],
}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "LAMM"
    for name, text in (
        ("src/ChEF/scenario/lamm_sysmsg.py", SYSMSG),
        ("src/model/LAMM/conversations.py", CONVERSATIONS),
        (PROMPTS, PROMPT_FILE),
        (TEMPLATES, TEMPLATE_FILE),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_pools_come_over_under_upstreams_names_and_a_recipe_asks_with_them(checkout: Path, tmp_path: Path) -> None:
    made = lamm_bench("prompts", "import", checkout, "--output", tmp_path / "upstream.yaml")
    assert made.exit_code == 0, made.stderr
    file = tmp_path / "upstream-pools.yaml"
    assert f"pool file: {file} (6 of ChEF's pools with 12 entries)" in made.stdout.replace("\n", " ")
    found = pool_file(str(file))
    assert found.called("VQA").prompts == ("{question}\nToy says", "{question}", "{question} Toy\nasks.")
    assert found.called("VQA").answers == (("Toy answers {option}",) * 2, ("{option}",) * 2)
    assert found.called("detection").answers[0] == ("Toy shows {option}", "at {option}")
    assert found.called("fine_grained_classification").turns == (("Toy kind?", "Toy kind of {prefix}?"),)
    assert [found.called(name).own_question for name in ("VQA", "counting", "coarse_grained_classification", "caption")] == [
        True,
        True,
        False,
        False,
    ]
    assert found.of_task("chef-mme").name == "VQA" and found.of_task("chef-cifar10").name == "coarse_grained_classification"
    assert found.of_task("chef-pope-random").prompts == ("{question}",)
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        f"scenario: {{}}\ninstruction: {{prompts: none, pool: {file}, prompt: 0, answer: 0}}\n"
        "inferencer: {name: likelihood, window: option}\nmetric: {}\n"
    )
    task, sample = load_catalog().tasks["chef-mme"], Sample("1", "Is it?", (), 0, "g", ("Yes", "No"), meta={"letters": False})
    request = next(flow_of(load_recipe(recipe, "mine"), task, sample, 0))
    assert request.messages[-1].text == "Is it?\nToy says" and request.begun == "Toy answers "
    assert "Toy says" in str(load_recipe(recipe, "mine").identity())


def test_turns_are_asked_with_an_imported_pair(checkout: Path, tmp_path: Path) -> None:
    assert lamm_bench("prompts", "import", checkout, "--output", tmp_path / "u.yaml").exit_code == 0
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        f"scenario: {{}}\ninstruction: {{prompts: none, pool: {tmp_path}/u-pools.yaml}}\ninferencer: {{name: turns}}\nmetric: {{}}\n"
    )

    class Toy:
        name, kind, max_new_tokens = "chef-omnibenchmark", "options", 5

        def turns(self, sample: Sample) -> list[Turn]:
            return [Turn(1, "cat")]

    request = next(flow_of(load_recipe(recipe, "mine"), Toy(), Sample("1", "Q", (), 0, "g"), 0))  # type: ignore[arg-type]
    assert request.messages[-1].text == "Toy kind of cat?"


def test_a_checkout_without_pools_has_none(checkout: Path, tmp_path: Path) -> None:
    (checkout / PROMPTS).unlink()
    assert read_pools(checkout) is None
    made = lamm_bench("prompts", "import", checkout, "--output", tmp_path / "upstream.yaml")
    assert made.exit_code == 0 and "pool file" not in made.stdout and not (tmp_path / "upstream-pools.yaml").exists()


def test_a_pool_file_is_never_written_over(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "new-pools.yaml").write_text("mine")
    refused = lamm_bench("prompts", "import", checkout, "--output", tmp_path / "new.yaml")
    assert refused.exit_code == 2 and "new-pools.yaml is there already" in refused.stderr
    assert not (tmp_path / "new.yaml").exists() and (tmp_path / "new-pools.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("place", "old", "new", "said"),
    [
        (PROMPTS, "singleturn_prompt_dict = {", "other = {", "has no dict called singleturn_prompt_dict"),
        (PROMPTS, "coarse = [", "coarse = make([", "line 4, cannot be read without running the file"),
        (PROMPTS, '"Toy photo of"', "os.name", "entry 0, line 4, cannot be read without running the file (os.name)"),
        (PROMPTS, '"Toy photo of"', "3", "entry 0 is int, expected a text"),
        (TEMPLATES, "vqa = [", "vqa = 'x' or [", "cannot be read without running the file"),
        (TEMPLATES, "'VQA_templates': vqa", "'VQA_templates': 'x'", "is str, expected a list"),
    ],
)
def test_a_pool_that_cannot_be_read_is_named_with_its_line(checkout: Path, place: str, old: str, new: str, said: str) -> None:
    text = (checkout / place).read_text().replace(old, new)
    if "make([" in new:
        text = text.replace('" is it?"]', '" is it?"])')
    (checkout / place).write_text(text)
    with pytest.raises(BenchError) as caught:
        read_pools(checkout)
    assert said in str(caught.value)
