"""A setting of a recipe said otherwise for one run: checked as a recipe is, called by what was changed, and part of what the run is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench import evaluate
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.overrides import overridden
from lamm_bench.ask.recipe import parse_recipe
from lamm_bench.errors import BenchError

from .commands import lamm_bench

PLAIN = parse_recipe("scenario: {}\ninstruction: {}\ninferencer: {name: direct}\nmetric: {}\n", "plain")


def test_what_is_overridden_is_what_is_asked_and_how_the_recipe_is_called() -> None:
    found = overridden(
        PLAIN, ["inferencer.max_new_tokens=7", "instruction.template=Say: {question}", "scenario.tasks=[svt, ai2d]"]
    )
    assert found.inferencer == {"name": "direct", "max_new_tokens": 7}
    assert found.instruction.template == "Say: {question}" and found.scenario.tasks == ("svt", "ai2d")
    assert found.name == (
        "plain with inferencer.max_new_tokens=7, instruction.template=Say: {question}, scenario.tasks=[svt, ai2d]"
    )
    assert found.base == "plain" and found.identity() != PLAIN.identity()


def test_order_and_repeats_and_what_changes_nothing_move_no_identity() -> None:
    one = overridden(PLAIN, ["inferencer.top_p=0.5", "instruction.prompts=none"])
    other = overridden(PLAIN, ["instruction.prompts=standard", "instruction.prompts=none", "inferencer.top_p=0.5"])
    assert one.identity() == other.identity()
    assert overridden(PLAIN, ["instruction.prompts=standard"]) is PLAIN
    assert overridden(overridden(PLAIN, ["instruction.prompts=none"]), ["inferencer.top_p=0.5"]).base == "plain"


@pytest.mark.parametrize("name", sorted(load_catalog().recipes))
def test_every_recipe_comes_out_of_its_own_mapping_as_it_went_in(name: str) -> None:
    recipe = load_catalog().recipe(name)
    assert overridden(recipe, ["scenario.image_transform=" + recipe.scenario.image_transform]) == recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prompt=3", "expected a setting's path and value"),
        ("instruction.template", "expected a setting's path and value"),
        ("instruction..x=1", "expected a setting's path and value"),
        ("instruction.tempalte=x", "Did you mean 'template'"),
        ("instruction.template.x=1", "instruction.template is '{question}', which has no settings"),
        ("inferencer.temperature=warm", "expected a number"),
        ("inferencer.name=dirct", "Did you mean 'direct'"),
        ("metric.protocols=classical", "Did you mean 'classic'"),
    ],
)
def test_what_is_no_setting_or_no_value_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message.replace("(", r"\(")):
        overridden(PLAIN, [text])


@given(st.text())
def test_any_text_is_a_setting_or_one_sentence(text: str) -> None:
    try:
        overridden(PLAIN, [text, f"instruction.template={text}"])
    except BenchError as error:
        assert "\n" not in str(error).strip() or "\n" in text


def test_a_run_is_called_by_what_was_overridden_and_goes_on_as_the_same(mini_root: Path, tmp_path: Path) -> None:
    words = ("run", "--model", "majority", "--tasks", "svt", "--data-root", mini_root, "--output", tmp_path / "run")
    made = lamm_bench(*words, "--override", "instruction.prompts=none")
    assert made.exit_code == 0, made.stderr
    assert json.loads((tmp_path / "run/result.json").read_text())["recipe"] == "lamm/standard with instruction.prompts=none"
    again = lamm_bench(*words, "--override", "instruction.prompts=none")
    assert again.exit_code == 0 and "they are not asked again" in again.stderr
    other = lamm_bench(*words)
    assert other.exit_code == 2 and "holds another run" in other.stderr
    run = evaluate("majority", "svt", mini_root, output=tmp_path / "api", overrides="instruction.prompts=none")
    assert run.result["identity"] == json.loads((tmp_path / "run/result.json").read_text())["identity"]
    with pytest.raises(BenchError, match="overrides is 3, expected texts"):
        evaluate("majority", "svt", mini_root, overrides=3)  # type: ignore[arg-type]


def test_show_says_how_a_sample_would_be_asked_then(mini_root: Path) -> None:
    shown = lamm_bench("show", "svt", "--data-root", mini_root, "--override", "instruction.template=Please: {question}")
    assert shown.exit_code == 0 and "asked (user): <image>\nPlease: " in shown.output
