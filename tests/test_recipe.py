"""Recipes: four keys, nothing unknown, one inferencer each; and the inferencers' dialogues turn by turn."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.inferencers import INFERENCERS, ChainOfThought, Direct, Likelihood, MultiTurn
from lamm_bench.ask.instruction import Prompt, fill, opening, prompt_file
from lamm_bench.ask.recipe import parse_recipe
from lamm_bench.errors import BenchError
from lamm_bench.task import options_unseen
from lamm_bench.types import Generate, Media, Response, Sample, Score

GOOD = "scenario: {}\ninstruction: {}\ninferencer: {name: direct}\nmetric: {}\n"
SAMPLE = Sample("7", "Which one?", (Media("image", "/p.png"),), 1, "/p.png", ("cat", "a dog"))


def ask(part: str) -> Prompt:
    return opening(SAMPLE, part, "Be brief.", "{question}")


def talk(flow, *answers: Response):
    """All requests of a flow that is sent these responses, and its conclusion."""
    asked = [next(flow)]
    for answer in answers:
        try:
            asked.append(flow.send(answer))
        except StopIteration as stop:
            return asked, stop.value
    raise AssertionError("the flow has not ended")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "must be a mapping"),
        ("scenario: {}", "has no `instruction`"),
        (GOOD + "extra: {}", "no key of recipe x called 'extra'"),
        (GOOD.replace("scenario: {}", "scenario: {taks: [all]}"), "Did you mean 'tasks'"),
        (GOOD.replace("direct}", "direct, temprature: 1}"), "Did you mean 'temperature'"),
        (GOOD.replace("direct}", "direct, temperature: hot}"), "expected a number"),
        (GOOD.replace("direct}", "likelyhood}"), "Did you mean 'likelihood'"),
        (GOOD.replace("{name: direct}", "{}"), "needs a `name`"),
        (GOOD.replace("metric: {}", "metric: {protocols: [classical]}"), "Did you mean 'classic'"),
        (GOOD.replace("scenario: {}", "scenario: {image_transform: crap}"), "Did you mean 'crop'"),
        (GOOD.replace("{name: direct}", "{name: direct, tasks: {svt: {name: dirct}}}"), "Did you mean 'direct'"),
        ("scenario: [", "is not YAML"),
    ],
)
def test_a_wrong_recipe_is_refused_with_the_key_and_the_nearest_name(text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message.replace("(", r"\(")):
        parse_recipe(text, "x")


@given(st.text())
def test_any_text_is_a_recipe_or_a_sentence(text: str) -> None:
    try:
        parse_recipe(text, "x")
    except BenchError as error:
        assert str(error)


def test_every_recipe_on_the_shelf_loads_and_names_its_command() -> None:
    catalog = load_catalog()
    assert {"lamm/standard", "lamm/classic"} <= set(catalog.recipes)
    for name in catalog.recipes:
        recipe = catalog.recipe(name)
        assert recipe.name == name
        text = (Path(__file__).parents[1] / "recipes" / f"{name}.yaml").read_text()
        assert text.startswith(("# lamm-bench run --model ", "# lamm-bench desiderata --model "))
        for task in catalog.tasks:
            assert recipe.inferencer_for(task)


def test_every_inferencer_is_used_by_a_recipe() -> None:
    catalog = load_catalog()
    used = set()
    for name in catalog.recipes:
        recipe = catalog.recipe(name)
        used |= {settings["name"] for settings in (recipe.inferencer, *recipe.inferencer.get("tasks", {}).values())}
    assert used == set(INFERENCERS)


def test_direct_asks_once_and_gives_the_text() -> None:
    asked, prediction = talk(Direct().infer(SAMPLE, ask, 9, 0), Response("B"))
    assert prediction.text == "B"
    (request,) = asked
    assert [message.role for message in request.messages] == ["system", "user"]
    assert request.messages[1].parts == (SAMPLE.media[0], "Which one?")
    assert (request.max_new_tokens, request.temperature, request.seed) == (9, 0.0, None)


def test_a_sample_with_parts_is_asked_once_for_each() -> None:
    sample = Sample("7", "Where is the {}?", (), [], "g", parts=("knee", "{}"))
    flow = Direct().infer(sample, lambda part: opening(sample, part, "", "{question}"), 9, 0)
    asked, prediction = talk(flow, Response("[1, 2]"), Response("[3, 4]"))
    assert [request.messages[-1].text for request in asked] == ["Where is the knee?", "Where is the {}?"]
    assert prediction.text == {"knee": "[1, 2]", "{}": "[3, 4]"}


def test_the_two_turns_of_classic_quote_the_first_answer_as_upstream_does() -> None:
    inferencer = load_catalog().recipe("lamm/classic").inferencer_for("sqaimage")
    asked, prediction = talk(inferencer.infer(SAMPLE, ask, 400, 3), Response("It barks.\n"), Response("(B)\n"))
    assert asked[1].messages[-1].text == "Which one?It barks.\n ###\nANSWER:"
    assert len(asked[1].messages) == 2  # a conversation of its own, not a continuation
    assert prediction.text == "It barks.\n\n The answer is (B)\n"
    assert (asked[0].temperature, asked[0].top_p) == (1.0, 0.9)
    assert asked[0].seed is not None
    assert asked[0].seed != asked[1].seed


def test_multi_turn_with_history_keeps_what_was_said() -> None:
    flow = MultiTurn(turns=("{question}", "Why {answer1}?"), answer="{answer1}: {answer2}").infer(SAMPLE, ask, 9, 0)
    asked, prediction = talk(flow, Response("B"), Response("barks"))
    assert [m.text for m in asked[1].messages] == ["Be brief.", "Which one?", "B", "Why B?"]
    assert prediction.text == "B: barks"


def test_chain_of_thought_thinks_then_concludes_in_the_same_conversation() -> None:
    flow = ChainOfThought(reasoning_tokens=50).infer(SAMPLE, ask, 9, 0)
    asked, prediction = talk(flow, Response("Paws."), Response("(B)"))
    assert asked[0].messages[-1].text.startswith("Which one?\n")
    assert asked[0].max_new_tokens == 50
    assert [m.role for m in asked[1].messages] == ["system", "user", "assistant", "user"]
    assert prediction.text == "(B)"


def test_likelihood_asks_for_the_options_and_takes_the_likeliest() -> None:
    flow = Likelihood().infer(SAMPLE, ask, 9, 0)
    asked, prediction = talk(flow, Response(logprobs=(-2.0, -1.0), tokens=(2, 2)))
    assert isinstance(asked[0], Score)
    assert asked[0].options == ("(A)", "(B)")
    assert (prediction.choice, prediction.text) == (1, "(B) a dog")


def test_normalising_by_tokens_can_change_the_choice() -> None:
    logprobs = Response(logprobs=(-2.0, -3.0), tokens=(1, 3))
    assert talk(Likelihood(normalize="sum").infer(SAMPLE, ask, 9, 0), logprobs)[1].choice == 0
    assert talk(Likelihood(normalize="token").infer(SAMPLE, ask, 9, 0), logprobs)[1].choice == 1
    assert talk(Likelihood("text", "character").infer(SAMPLE, ask, 9, 0), logprobs)[1].choice == 1


def test_sampling_seeds_depend_on_sample_and_run_only() -> None:
    first = next(Direct(temperature=1.0).infer(SAMPLE, ask, 9, 5))
    again = next(Direct(temperature=1.0).infer(SAMPLE, ask, 9, 5))
    other = next(Direct(temperature=1.0).infer(SAMPLE, ask, 9, 6))
    assert isinstance(first, Generate) and isinstance(other, Generate)
    assert first == again
    assert first.seed != other.seed


@given(st.text(), st.text())
def test_replaced_text_is_never_filled_again(question: str, answer: str) -> None:
    assert fill("{question}|{answer1}", {"question": question, "answer1": answer}) == f"{question}|{answer}"


def test_the_prompt_file_covers_every_kind_of_task_and_upstreams_task_types() -> None:
    prompts = prompt_file("standard")
    for task in load_catalog().tasks.values():
        assert prompts.of_kind(task.kind), task.kind
    for name in ("classification", "keypoint_detection", "commomsenseqa", "VQA3d", "visual_grounding3d"):
        assert prompts.of_task_type(name)
    with pytest.raises(BenchError, match="Did you mean 'counting'"):
        prompts.of_task_type("countin")


@pytest.mark.parametrize(
    ("question", "choices", "unseen"),
    [
        ("Which one? (A) cat (B) a dog", ("cat", "a dog"), False),
        ("Which one? A. Cat B. A dog", ("cat", "a dog"), False),
        ("Which one?", ("cat", "a dog"), True),
        ("Which category does a catfish belong to?", ("cat", "dog"), True),
        ("Which of the cats is red?", ("red", "blue", "green"), True),  # one word stands there by chance
        ("是猫吗？A猫 B狗", ("猫", "狗"), False),
        ("How many? (A) 1 (B) 10", ("1", "10"), False),
        ("In 2010, how many were there?", ("1", "10"), True),
        ("Which? (A) C++ (B) C#", ("C++", "C#"), False),
        ("Describe it.", (), False),
        ("Describe it.", ("it",), False),
        ("Which?", ("", ""), True),
    ],
)
def test_options_that_a_question_does_not_tell_are_noticed(question: str, choices: tuple[str, ...], unseen: bool) -> None:
    assert options_unseen(Sample("1", question, (), 0, "g", choices)) is unseen


def test_a_template_can_show_the_options() -> None:
    sample = Sample("1", "Which {options}?", (), 0, "g", ("cat", "a {question}"))
    (message,) = opening(sample, "", "", "{question}\n{options}\nAnswer:").messages
    assert message.text == "Which {options}?\n(A) cat\n(B) a {question}\nAnswer:"
