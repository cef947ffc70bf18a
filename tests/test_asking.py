"""How a question is worded: pools of prompts and answer templates, own texts, other words for options, and questions in turns."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lamm_bench.ask.answering import status_of
from lamm_bench.ask.asking import Asking, why_unworded
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.pools import Pool, pool_file, pool_of
from lamm_bench.ask.recipe import Recipe, parse_recipe
from lamm_bench.ask.runner import flow_of
from lamm_bench.ask.verbalizers import introduced, verbalizers, words_for
from lamm_bench.errors import BenchError
from lamm_bench.types import Media, Response, Sample, Score, Turn

from .test_recipe import talk

CHOICE = Sample("7", "Which one?", (Media("image", "/p.png"),), 1, "/p.png", ("cat", "a dog"), meta={"letters": "alone"})
LIKELY = "{name: likelihood, option: letter_open, normalize: token, window: option}"
# number of prompts, pairs for turns and answer templates (reference 9.4)
SIZES = {
    "coarse_grained_classification": (20, 0, 4),
    "fine_grained_classification": (1, 1, 1),
    "caption": (21, 0, 2),
    "vqa": (8, 0, 3),
    "question": (1, 0, 1),
    "yes_no": (1, 0, 2),
    "detection": (2, 3, 3),
}


class Toy:
    """A task of one kind of question."""

    kind, max_new_tokens = "vqa", 9

    def __init__(self, name: str = "chef-scienceqa", turns: Sequence[Turn] = ()) -> None:
        self.name = name
        if turns:
            self.turns = lambda sample: list(turns)


def recipe(instruction: str, inferencer: str = LIKELY) -> Recipe:
    return parse_recipe(f"scenario: {{}}\ninstruction: {{{instruction}}}\ninferencer: {inferencer}\nmetric: {{}}\n", "x")


def first(made: Recipe, task: Any = None, sample: Sample = CHOICE, seed: int = 0) -> Any:
    return next(flow_of(made, task or Toy(), sample, seed))


def texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [text for one in value for text in texts(one)]


def test_our_pools_have_as_many_entries_as_upstreams_and_each_can_be_asked_with() -> None:
    pools = pool_file("chef").pools
    assert {name: (len(p.prompts), len(p.turns), len(p.answers)) for name, p in pools.items()} == SIZES
    for pool in pools.values():
        assert all("{option}" in text for text in texts(pool.answers))
        assert all(("{question}" in text) is pool.own_question for text in pool.prompts)
        assert len(set(pool.prompts)) == len(pool.prompts)
        assert not any("{question}" in text for text in texts(pool.turns))
        assert all("{prefix}" in later for _, later in pool.turns)
    assert pools["vqa"].prompts[2] == "{question}" and pools["vqa"].prompts[5].rpartition("\n")[2].isupper()


def test_a_prompt_and_an_answer_template_are_taken_by_their_numbers() -> None:
    request = first(recipe("prompts: none, prompt: 1, answer: 1"))
    pool = pool_file("chef").called("vqa")
    assert request.messages[-1].text == pool.prompts[1].replace("{question}", "Which one?")
    assert request.messages[-1].parts[0] == CHOICE.media[0]
    assert request.begun == pool.answers[1][0].replace("{option}", "")
    assert (request.options, request.window) == (("(A", "(B"), "option")


def test_the_recipes_template_stands_around_the_pools_prompt() -> None:
    request = first(recipe("prompts: none, defined_prompt: '{question} Say.', template: '<{question}>'"))
    assert request.messages[-1].text == "<Which one? Say.>" and request.begun == ""


def test_what_is_asked_about_is_never_filled_again() -> None:
    odd = Sample("7", "Why {question} {option} {prefix}?", (), 0, "g", ("a", "b"))
    assert first(recipe("defined_prompt: '{question}!'"), sample=odd).messages[-1].text == "Why {question} {option} {prefix}?!"


@given(st.text(), st.integers(0, 2**31))
def test_a_drawn_prompt_depends_on_seed_and_sample_alone(name: str, seed: int) -> None:
    made = recipe("prompts: none, prompt: seed")
    sample = Sample(name, "Q", (), 0, "g", ("a", "b"))
    one, two = first(made, sample=sample, seed=seed), first(made, sample=sample, seed=seed)
    assert one == two
    assert one.messages[-1].text in [text.replace("{question}", "Q") for text in pool_file("chef").called("vqa").prompts]


def test_all_prompts_are_drawn_and_other_seeds_draw_others() -> None:
    made = recipe("prompts: none, prompt: seed")
    samples = [Sample(str(n), "Q", (), 0, "g", ("a", "b")) for n in range(400)]
    drawn = Counter(first(made, sample=sample).messages[-1].text for sample in samples)
    assert len(drawn) == 8 and min(drawn.values()) > 20
    others = [first(made, sample=sample, seed=1).messages[-1].text for sample in samples]
    assert others != [first(made, sample=sample).messages[-1].text for sample in samples]


@pytest.mark.parametrize(
    ("task", "pool"),
    [
        ("chef-mme", "vqa"),
        ("chef-pope-random", "yes_no"),
        ("chef-mmmu", "question"),
        ("chef-flickr30k-ppl", "caption"),
        ("svt", "question"),
    ],
)
def test_a_task_has_a_pool_of_its_own(task: str, pool: str) -> None:
    assert pool_of("", task).name == pool


def test_a_pool_is_named_alone_or_behind_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("pools: {short: {prompts: ['{question} Quick!']}}\ntasks: {chef-mme: short}\n")
    for named, task, text in (
        ("vqa", "chef-pope-random", "Which one?\nWhich option is right?"),
        ("chef:vqa", "svt", "Which one?\nWhich option is right?"),
    ):
        assert first(recipe(f"prompts: none, prompt: 1, pool: '{named}'"), Toy(task)).messages[-1].text == text
    made = recipe(f"prompts: none, prompt: 0, pool: '{tmp_path}/mine.yaml'")
    assert first(made, Toy("chef-mme")).messages[-1].text == "Which one? Quick!"
    assert first(made, Toy("svt")).messages[-1].text == "Which one?"
    named = recipe(f"prompts: none, prompt: 0, pool: '{tmp_path}/mine.yaml:short'")
    assert first(named, Toy("svt")).messages[-1].text == "Which one? Quick!"
    before = made.identity()
    (tmp_path / "mine.yaml").write_text("pools: {short: {prompts: ['{question} Slowly!']}}\n")
    pool_file.cache_clear()
    assert made.identity() != before and json.dumps(made.identity())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "must be a mapping with the keys pools and tasks"),
        ("pools: {}", "must be a mapping with the keys pools and tasks"),
        ("pools: {a: {}}\nmore: 1", "no key of mine.yaml called 'more'"),
        ("pools: {a: {promts: []}}", "Did you mean 'prompts'"),
        ("pools: {a: {prompts: [1]}}", "entry 0 of `prompts` is 1, expected a text"),
        ("pools: {a: {prompts: x}}", '`prompts` is "x", expected a list'),
        ("pools: {a: {turns: [[a]]}}", "expected a text or a pair of texts"),
        ("pools: {a: {own_question: maybe}}", "expected true or false"),
        ("pools: {a: 1}", "expected a mapping with prompts"),
        ("pools: {a: {}}\ntasks: {svt: b}", "called 'b'"),
    ],
)
def test_a_wrong_pool_file_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(BenchError, match=re.escape(message)):
        recipe(f"pool: '{tmp_path}/mine.yaml'")


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ("prompt: 8", "the pool vqa has no prompt 8; there are 0 to 7"),
        ("answer: 3", "the pool vqa has no answer template 3; there are 0 to 2"),
        ("prompt: 0, pool: caption", "prompt 0 of the pool caption has no {question}, so the questions of chef-scienceqa"),
        ("prompt: seed, pool: caption", "has no {question}"),
        (
            "defined_prompt: Describe.",
            "`defined_prompt` has no {question}, so the questions of chef-scienceqa would not be asked",
        ),
        ("prompt: 0, pool: vqua", "Did you mean 'vqa'"),
        ("prompt: 0, pool: 'chef:vqua'", "Did you mean 'vqa'"),
        ("prompt: 0, pool: 'cheff:vqa'", "no pool file called 'cheff'"),
    ],
)
def test_what_does_not_fit_a_task_is_told_before_it_is_asked(instruction: str, message: str) -> None:
    assert message in (why_unworded(recipe(instruction), Toy()) or "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ("prompt: first", "expected the number of a prompt, or seed"),
        ("prompt: -1", "`prompt` is -1, expected a number from 0 on"),
        ("answer: 1.5", "expected a whole number"),
        ("prompt: 1, defined_prompt: '{question}'", "`defined_prompt` and `prompt` exclude each other"),
        ("answer: 1, defined_template: '{option}'", "`defined_template` and `answer` exclude each other"),
        ("defined_prompt: [a, b, c]", "holds 3 texts, expected one, or two"),
        ("defined_template: Nothing", "has no {option}"),
        ("verbalizer: natural-9", "no verbalizer in recipe x called 'natural-9'"),
        ("pool: nowhere.yaml", "pool file nowhere.yaml is missing"),
    ],
)
def test_a_wrong_instruction_is_refused_at_once(instruction: str, message: str) -> None:
    with pytest.raises(BenchError, match=re.escape(message)):
        recipe(instruction)


def test_a_task_without_questions_of_its_own_is_asked_with_the_prompt_alone() -> None:
    request = first(recipe("prompts: none, prompt: 2, answer: 1"), Toy("chef-cifar10"))
    assert request.messages[-1].text == "What is it?"
    assert why_unworded(recipe("prompt: seed"), Toy("chef-cifar10")) is None  # type: ignore[arg-type]


def test_recipes_that_say_nothing_of_it_are_the_runs_that_they_were() -> None:
    for name in ("lamm/standard", "lamm/classic", "lamm/likelihood", "lamm/reasoning"):
        assert load_catalog().recipe(name).identity()["instruction"].keys() == {"prompts", "template", "layout"}
    assert recipe("prompt: 0").identity() != recipe("").identity() != recipe("answer: 0").identity()


def test_words_for_options_are_introduced_and_weighed_in_their_place() -> None:
    request = first(recipe("prompts: none, prompt: 2, verbalizer: neutral-1"))
    assert request.options == ("foo", "dog")
    assert request.messages[-1].text == 'Which one?\nSay "foo" for (A). Say "dog" for (B). '
    flow = flow_of(recipe("verbalizer: unnatural-0"), Toy(), CHOICE, 0)  # type: ignore[arg-type]
    asked, prediction = talk(flow, Response(logprobs=(-1.0, -3.0), tokens=(1, 1)))
    assert asked[0].options == ("(B", "(A") and (prediction.choice, prediction.text) == (0, "(A)")


def test_words_go_with_options_that_have_letters_and_with_likelihoods() -> None:
    with pytest.raises(BenchError, match="goes with the inferencer likelihood"):
        recipe("verbalizer: natural-0", "{name: direct}")
    plain = Sample("1", "Q", (), 0, "g", ("Yes", "No"), meta={"letters": False})
    with pytest.raises(BenchError, match="sample 1 of chef-scienceqa has no options with letters"):
        first(recipe("verbalizer: natural-0"), sample=plain)
    many = Sample("1", "Q", (), 0, "g", tuple("abcdefg"))
    with pytest.raises(BenchError, match="natural-2 has 6 words, and a sample has 7 options"):
        first(recipe("verbalizer: natural-2"), sample=many)


@pytest.mark.parametrize("setting", ["natural 0", "natural 1", "natural 2", "neutral 0", "neutral 1", "unnatural 0"])
@pytest.mark.parametrize("name", ["ScienceQA", "MMBench"])
def test_the_words_and_their_places_are_upstreams(chef_goldens: Path, name: str, setting: str) -> None:
    """With upstream's sentence, which is not ours to ship, the questions are upstream's to the last character."""
    golden = json.loads((chef_goldens / "expected/scenarios.json").read_text())
    reference = chef_goldens.parent / "reference/lamm-upstream.md"
    found = re.search(r"For each option a sentence `([^`]*)`", reference.read_text()) if reference.is_file() else None
    if found is None:
        pytest.skip("the reference is not here")
    sentence = found[1].replace("(X)", "{option}").replace('"V"', '"{word}"')
    plain = {item["id"]: item for item in golden[name]["items"]}
    seen = 0
    for item in golden[f"{name} option_map {setting}"]["items"]:
        letters = [f"({chr(ord('A') + n)})" for n in range(len(item["choices"]))]
        words = [
            word.removesuffix(")") if setting.startswith("un") else word for word in words_for(setting.replace(" ", "-"), letters)
        ]
        assert words == item["options"]
        if "question" in plain[item["id"]]:
            text = plain[item["id"]]["question"] + introduced(letters, words, sentence)
            assert hashlib.sha256(text.encode()).hexdigest() == item["question_sha256"]
            seen += 1
    assert seen or name == "MMBench"  # whose question has another sentence of upstream's in it


def test_every_verbalizer_gives_different_words() -> None:
    for name in verbalizers():
        words = words_for(name, ["(A)", "(B)", "(C)", "(D)", "(E)"])
        assert len(set(words)) == 5


TURNS = (Turn(0, "", ("tree", "animal")), Turn(1, "animal", ("cat", "dog", "cow")), Turn(1, "cat", ()))
IN_TURNS = "defined_prompt: ['What?', 'Which {prefix}?'], defined_template: ['a {option}', 'kind {option}']"


def test_a_task_is_asked_turn_by_turn_and_nothing_of_before_is_in_the_prompt() -> None:
    task = Toy("chef-omnibenchmark", TURNS)
    flow = flow_of(recipe(f"prompts: none, {IN_TURNS}", "{name: turns, max_new_tokens: 5}"), task, CHOICE, 0)  # type: ignore[arg-type]
    asked, prediction = talk(flow, Response("animal"), Response("cat"), Response("tabby"))
    assert [[message.text for message in request.messages] for request in asked] == [["What?"], ["Which animal?"], ["Which cat?"]]
    assert all(request.messages[-1].parts[0] == CHOICE.media[0] and request.max_new_tokens == 5 for request in asked)
    assert [request.part for request in asked] == ["1", "2", "3"]
    assert prediction.text == {"1": "animal", "2": "cat", "3": "tabby"}


def test_the_likeliest_option_of_each_turn_is_kept_with_the_scores_of_all() -> None:
    task = Toy("chef-omnibenchmark", TURNS)
    way = "{name: turns_likelihood, normalize: token, window: option}"
    flow = flow_of(recipe(f"prompts: none, {IN_TURNS}", way), task, CHOICE, 0)  # type: ignore[arg-type]
    said = (
        Response(logprobs=(-4.0, -2.0), tokens=(2, 2)),
        Response(logprobs=(-1.0, -3.0, -9.0), tokens=(1, 1, 1)),
        Response("tabby"),
    )
    asked, prediction = talk(flow, *said)
    assert [request.begun for request in asked if isinstance(request, Score)] == ["a ", "kind "]
    assert [request.options for request in asked if isinstance(request, Score)] == [TURNS[0].options, TURNS[1].options]
    assert prediction.text == {"1": "animal", "2": "cat", "3": "tabby"}  # a turn without options is answered in words
    assert prediction.turn_scores == {"1": (-2.0, -1.0), "2": (-1.0, -3.0, -9.0)}
    flow = flow_of(recipe(f"prompts: none, {IN_TURNS}", way), Toy("chef-omnibenchmark", TURNS[:1]), CHOICE, 0)  # type: ignore[arg-type]
    _, level = talk(flow, Response(logprobs=(-2.0, -2.0), tokens=(1, 1)))
    assert level.text["1"].startswith("tie: ")


def test_turns_are_worded_by_the_tasks_own_pool_where_the_recipe_does_not_say() -> None:
    flow = flow_of(recipe("prompts: none", "{name: turns}"), Toy("chef-omnibenchmark", TURNS), CHOICE, 0)  # type: ignore[arg-type]
    first, later = pool_file("chef").called("fine_grained_classification").turns[0]
    asked, _ = talk(flow, Response("a"), Response("b"), Response("c"))
    assert [request.messages[-1].text for request in asked] == [
        first,
        later.replace("{prefix}", "animal"),
        later.replace("{prefix}", "cat"),
    ]


def test_tasks_that_know_no_turns_and_pools_without_any_are_told() -> None:
    way = recipe("", "{name: turns}")
    assert "is not asked in turns" in (why_unworded(way, Toy()) or "")  # type: ignore[arg-type]
    assert "the pool vqa has no prompt for turns 0; there are none" in (why_unworded(way, Toy("chef-mme", TURNS)) or "")  # type: ignore[arg-type]
    assert "{prefix} is what they know" in (
        why_unworded(recipe("defined_prompt: '{question}'", "{name: turns}"), Toy("x", TURNS)) or ""
    )  # type: ignore[arg-type]


def test_reasoning_stands_behind_the_question_or_begins_the_answer() -> None:
    think = 'think: "{question} Think!", reasoning_tokens: 33'
    made = recipe(
        "prompts: none, defined_prompt: '{question} Say:', defined_template: 'It is {option}'", f"{{name: direct, {think}}}"
    )
    asked, prediction = talk(flow_of(made, Toy(), CHOICE, 0), Response("Paws."), Response("(B)"))  # type: ignore[arg-type]
    assert asked[0].messages[-1].text == "Which one? Think!" and asked[0].max_new_tokens == 33
    assert asked[1].messages[-1].text == "Which one? Say:\nPaws." and prediction.text == "(B)"
    made = recipe(
        "prompts: none, defined_prompt: '{question} Say:', defined_template: 'It is {option}'", LIKELY[:-1] + f", {think}}}"
    )
    asked, _ = talk(flow_of(made, Toy(), CHOICE, 0), Response("Paws."), Response(logprobs=(-1.0, -2.0), tokens=(1, 1)))  # type: ignore[arg-type]
    assert asked[1].messages[-1].text == "Which one? Say:" and asked[1].begun == "Paws.\nIt is "


def test_what_follows_an_option_counts_only_where_the_whole_message_does() -> None:
    words = "defined_template: 'It is {option}, I say.'"
    request = first(recipe(words))
    assert (request.begun, request.options) == ("It is ", ("(A", "(B"))
    request = first(recipe(words, "{name: likelihood, option: text}"))
    assert (request.begun, request.options, request.window) == ("It is ", ("cat, I say.", "a dog, I say."), "message")


def test_a_conclusion_can_be_the_option_as_it_was_asked() -> None:
    scored = Response(logprobs=(-3.0, -1.0), tokens=(1, 1))
    for option, said in (("letter_open", "(B"), ("letter", "(B)"), ("text", "a dog"), ("letter_text", "(B) a dog")):
        flow = flow_of(recipe("", f"{{name: likelihood, option: {option}, says: option}}"), Toy(), CHOICE, 0)  # type: ignore[arg-type]
        assert talk(flow, scored)[1].text == said
    assert status_of(scored) == "ok"


def test_probabilities_are_the_scores_soft_maximum() -> None:
    flow = flow_of(recipe("", LIKELY), Toy(), CHOICE, 0)  # type: ignore[arg-type]
    _, prediction = talk(flow, Response(logprobs=(-2.0, -2.0 - 1.0986122886681098), tokens=(1, 1)))
    assert prediction.probs == pytest.approx((0.75, 0.25)) and sum(prediction.probs) == pytest.approx(1)


def test_asking_needs_no_pool_where_nothing_of_it_is_asked_for() -> None:
    asking = Asking(recipe("").instruction, CHOICE, "anything")
    assert asking("").question == "Which one?" and asking("").answer == "{option}" and Pool("x").prompt(0) == "{question}"


def test_the_shipped_pool_file_is_read_as_it_stands() -> None:
    text = (Path(__file__).parents[1] / "recipes/prompts/pools/chef.yaml").read_text()
    assert pool_file("chef").tasks == yaml.safe_load(text)["tasks"]
    chef = {name for name in load_catalog().tasks if name.startswith("chef-")}
    assert all(
        any(name == key or name.startswith(f"{key}-") for name in chef | {"chef-flickr30k", "chef-voc2012"})
        for key in pool_file("chef").tasks
    )
