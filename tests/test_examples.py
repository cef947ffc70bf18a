"""Examples in context: whose they are, in which form, and what moves them (nothing but names, seed and the file's content)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.coordinates import Wording, frame_of
from lamm_bench.ask.exampled import why_no_examples
from lamm_bench.ask.examples import Examples, Shot, with_examples
from lamm_bench.ask.instruction import Prompt
from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.recipe import Recipe, parse_recipe
from lamm_bench.ask.runner import flow_of
from lamm_bench.ask.session import Options, run
from lamm_bench.ask.shares import Share
from lamm_bench.ask.shots import Shots
from lamm_bench.ask.transforms import CONTROLS
from lamm_bench.ask.verbalizers import words_for
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.read import Frame, convention, read_boxes
from lamm_bench.tasks.chef_scenarios import mmbench, scienceqa
from lamm_bench.types import Media, Message, Sample, to_json

from .fakes import COLOURS, ColourTask, Looker, catalog_with, draw_root

RECIPE = """
scenario: {tasks: [all]}
instruction: {prompts: none, examples: {EXAMPLES}}
inferencer: {INFERENCER}
metric: {protocols: [standard]}
"""


def recipe(examples: str, inferencer: str = "name: direct") -> Recipe:
    return parse_recipe(RECIPE.replace("EXAMPLES", examples).replace("INFERENCER", inferencer), "mine")


def grouped(folder: Path, pictures: int = 8, each: int = 3) -> list[Sample]:
    """So many pictures with so many questions about each, two pictures of one content among them."""
    found = []
    for number in range(pictures):
        path = folder / f"{number}.png"
        Image.new("RGB", (6, 4), (number // 2 * 60 % 256, number * 30 % 256 if number > 1 else 0, 90)).save(path)
        for question in range(each):
            text = f"What is thing {question} of {'left' if number % 2 else 'right'} kind {number % 3}?"
            target = COLOURS[(number + question) % 3]
            found.append(Sample(f"s{number}-{question}", text, (Media("image", str(path)),), target, str(path), COLOURS))
    return found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return grouped(tmp_path_factory.mktemp("pictures"))


WAYS = [
    Examples(3, retriever, seed=seed, **more)
    for seed in (0, 1)
    for retriever, more in (
        ("random", {}),
        ("fixed", {}),
        ("fixed", {"ids": ["s5-1", "s0-0", "s2-2"]}),
        ("topk_text", {}),
        ("topk_image", {}),
    )
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def chosen(file: Sequence[Sample], examples: Examples, **more: Any) -> dict[str, list[str]]:
    choose = Shots(ColourTask(), file, examples, **more)
    assert choose.why_not is None
    return {sample.id: [one.id for one in choose(sample)] for sample in file}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.retriever}-{way.seed}-{len(way.ids)}")
def test_no_example_is_the_samples_own_nor_of_its_picture_and_no_two_are_of_one(file: list[Sample], way: Examples) -> None:
    by_id = {sample.id: sample for sample in file}
    pictures = {sample.id: Path(sample.media[0].path).read_bytes() for sample in file}
    assert pictures["s0-0"] == pictures["s1-0"]  # one content under two names
    for sample, shown in chosen(file, way).items():
        groups = [by_id[one].group for one in shown]
        assert len(set(groups)) == 3 == len(shown) and by_id[sample].group not in groups
        assert pictures[sample] not in [pictures[one] for one in shown]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.retriever}-{way.seed}-{len(way.ids)}")
def test_the_order_of_the_file_moves_no_example(file: list[Sample], way: Examples) -> None:
    mixed = list(file)
    Random(7).shuffle(mixed)
    assert chosen(mixed, way) == chosen(file, way)


def test_another_seed_draws_other_examples_and_each_sample_has_its_own(file: list[Sample]) -> None:
    first, second = (chosen(file, Examples(3, "random", seed=seed)) for seed in (0, 1))
    assert first != second and len({tuple(shown) for shown in first.values()}) > len(file) // 2


def test_fixed_examples_are_the_same_for_all_but_those_that_are_of_their_pictures(file: list[Sample]) -> None:
    for ids in ((), ("s5-1", "s2-2", "s7-0")):
        shown = chosen(file, Examples(3, "fixed", ids=list(ids)))
        usual = max({tuple(one) for one in shown.values()}, key=[tuple(one) for one in shown.values()].count)
        assert not ids or usual == ids
        for sample, mine in shown.items():
            assert tuple(mine) == usual or {one[:2] for one in usual} & {sample[:2], "s0", "s1"}


def test_the_nearest_question_and_the_nearest_picture_come_first(tmp_path: Path) -> None:
    file = []
    for number, (text, colour) in enumerate(
        [
            ("Where is the red bicycle?", (200, 0, 0)),
            ("How many apples are there?", (0, 0, 200)),
            ("Where is the red car?", (0, 200, 0)),
            ("How many apples are on it?", (210, 10, 0)),
        ]
    ):
        Image.new("RGB", (9, 9), colour).save(tmp_path / f"{number}.png")
        file.append(Sample(str(number), text, (Media("image", str(tmp_path / f"{number}.png")),), "red", str(number)))
    assert {k: v[0] for k, v in chosen(file, Examples(1, "topk_text")).items()} == {"0": "2", "1": "3", "2": "0", "3": "1"}
    assert chosen(file, Examples(1, "topk_image"))["0"] == ["3"] and chosen(file, Examples(1, "topk_image"))["3"] == ["0"]


def test_a_picture_that_cannot_be_read_is_no_example_and_costs_no_other_sample(tmp_path: Path) -> None:
    file = grouped(tmp_path)
    (tmp_path / "4.png").unlink()
    for way in WAYS:
        if not way.ids:
            choose = Shots(ColourTask(), file, way)
            assert all(one.group != str(tmp_path / "4.png") for sample in file if sample.id[:2] != "s4" for one in choose(sample))
    for number in (2, 3, 5, 6):
        (tmp_path / f"{number}.png").unlink()
    with pytest.raises(MediaError, match="only 1 have media that can be read"):
        Shots(ColourTask(), file, Examples(3))(file[0])


def test_controls_hide_the_examples_too_and_what_they_hide_chooses_none(tmp_path: Path) -> None:
    file = grouped(tmp_path)
    assert all(one.media[0].sha256 == "blank" for one in Shots(ColourTask(), file, Examples(2), None, CONTROLS["blind"])(file[0]))
    root = draw_root(tmp_path / "data")
    catalog = catalog_with(ColourTask())
    catalog.recipes["mine"] = lambda: recipe("count: 1, retriever: topk_image")
    with pytest.raises(BenchError, match="topk_image chooses examples by what the control blind hides"):
        options = Options("looker", tasks="colours", output=tmp_path / "run", recipe="mine", control="blind")
        run(options, catalog, Looker(), root, "test", Watcher())
    assert not (tmp_path / "run").exists()


# ChEF's rules


def test_chefs_rules_may_show_a_sample_itself_and_read_other_rows_in_a_short_last_batch(file: list[Sample]) -> None:
    rows = chosen(file, Examples(2, "random", rules="chef", seed=1))
    assert any(sample in shown for sample, shown in rows.items())
    ids = [sample.id for sample in file]
    wanted = np.random.RandomState(1)
    assert list(rows.values()) == [[ids[i] for i in wanted.choice(len(ids), 2, replace=False)] for _ in ids]
    batched = chosen(file, Examples(2, "random", rules="chef", seed=1, batch=5))
    assert batched[ids[0]] == rows[ids[0]] and batched[ids[-1]] == rows[ids[4 * 4 + 3]]
    assert chosen(file, Examples(2, "fixed", rules="chef", ids=["4", "1"]))[ids[4]] == [ids[4], ids[1]]


def test_chefs_neighbours_are_no_turned_rows_of_mmbench(file: list[Sample]) -> None:
    turned = [replace(sample, meta={"base": "s0-0"}) if sample.id[:2] == "s1" else sample for sample in file]
    for retriever in ("topk_text", "topk_image"):
        shown = chosen(turned, Examples(2, retriever, rules="chef"))
        assert not any(one[:2] == "s1" for some in shown.values() for one in some) and set(shown) >= {"s1-0"}


GOLDENS = Path(__file__).parents[2] / "shared/goldens-chef"


def test_requests_with_examples_are_upstreams() -> None:
    """The four cases of pipelines.json: what is asked, word for word, and which pictures in which order."""
    if not GOLDENS.is_dir():
        pytest.skip(f"{GOLDENS} is not here")
    cases = json.loads((GOLDENS / "expected/pipelines.json").read_text())["cases"]
    held = 0
    for case in cases.values():
        told = case["instruction"].get("incontext_cfg")
        if not told:
            continue
        make = {"ScienceQA": scienceqa, "MMBench": mmbench}[case["scenario"]]
        samples = []
        for item in list(make.items(GOLDENS / "data"))[: case["items"]]:
            picture = Media("image", str(GOLDENS / "data" / item["image_path"]))
            samples.append(Sample(item["id"], item["question"], (picture,), item["gt_answers"], "", ()))
        way = Examples(
            told["ice_num"],
            told["retriever_type"],
            "text",
            seed=told.get("random_seed", 0),
            rules="chef",
            batch=case["inferencer"]["batch_size"],
        )
        choose = Shots(ColourTask(), samples, way)
        words = {key: (case["instruction"][key],) for key in ("defined_prompt", "defined_template")}
        asking = parse_recipe(RECIPE.replace("{EXAMPLES}", "{}").replace("INFERENCER", "name: direct"), "mine")
        asking = replace(asking, instruction=replace(asking.instruction, examples=way, **words))
        asked = {}
        for sample in samples:
            request = next(flow_of(asking, ColourTask(), sample, 0, None, choose(sample)))
            (message,) = request.messages
            media = [part.path.removeprefix(f"{GOLDENS}/data/") for part in message.parts if isinstance(part, Media)]
            asked[message.text] = media
        wanted = {call.get("score", call.get("generate")): call["images"] for call in case["calls"]}
        assert asked == wanted
        held += 1
    assert held >= 4


# forms


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4), st.text())
def test_turns_keep_every_question_and_answer_whole_and_the_query_last(pairs: list[tuple[str, str]], query: str) -> None:
    opening = Prompt((Message("system", ("Look.",)), Message("user", (Media("image", "/q.png"), query))))
    shots = [Shot(Message("user", (Media("image", "/e.png"), asked)), asked, said) for asked, said in pairs]
    found = with_examples(opening, shots, "turns")
    assert found.messages[0].role == "system" and found.messages[-1] == opening.messages[-1]
    assert [(m.role, m.text) for m in found.messages[1:-1]] == [
        pair for asked, said in pairs for pair in (("user", asked), ("assistant", said))
    ]
    one = with_examples(opening, shots, "text")
    assert len(one.messages) == 2 and one.question.endswith(query)
    assert one.question == "\n".join(f"{asked}\n{said}" for asked, said in pairs) + query
    assert [part.path for part in one.messages[-1].parts if isinstance(part, Media)] == ["/e.png"] * len(pairs) + ["/q.png"]


def first_of(recipe: Recipe, name: str, root: Path) -> tuple[Any, Sample, tuple[Sample, ...]]:
    task = load_catalog().tasks[name]
    file = task.samples(root)
    shots = Shots(task, file, recipe.instruction.examples)(file[0])
    return next(flow_of(recipe, task, file[0], 0, None, shots)), file[0], shots


@pytest.mark.parametrize("option", ["letter", "text", "letter_text"])
def test_answers_of_examples_have_the_form_in_which_options_are_scored(option: str, mini_root: Path) -> None:
    asked, query, shots = first_of(recipe("count: 2", f"name: likelihood, option: {option}"), "sqaimage", mini_root)
    forms = {"letter": "({0})", "text": "{1}", "letter_text": "({0}) {1}"}
    wanted = [forms[option].format("ABCDE"[one.target], one.choices[one.target]) for one in shots]
    assert [message.text for message in asked.messages if message.role == "assistant"] == wanted
    assert list(asked.options) == [forms[option].format(*pair) for pair in zip("ABCDE", query.choices)]


def test_a_model_that_reasons_is_shown_examples_except_by_chefs_rules(mini_root: Path) -> None:
    ours, query, _ = first_of(recipe("count: 1", "name: chain_of_thought"), "sqaimage", mini_root)
    chefs, _, _ = first_of(recipe("count: 1, rules: chef", "name: chain_of_thought"), "sqaimage", mini_root)
    assert [message.role for message in ours.messages] == ["user", "assistant", "user"] and len(chefs.messages) == 1
    assert query.question in ours.messages[-1].text and query.question not in ours.messages[0].text


# settings


def test_without_examples_a_recipe_is_what_it_always_was() -> None:
    plain = parse_recipe(RECIPE.replace(", examples: {EXAMPLES}", "").replace("INFERENCER", "name: direct"), "mine")
    assert plain.identity() == recipe("").identity() == recipe("count: 0").identity() == recipe("count: 0, seed: 4").identity()
    assert to_json(plain.identity())["instruction"] == {"prompts": "none", "template": "{question}", "layout": "training"}
    two = recipe("count: 2, retriever: fixed, ids: [4, b]").identity()["instruction"]
    assert two["examples"] == {"count": 2, "retriever": "fixed", "ids": [4, "b"]}


@pytest.mark.parametrize(
    "examples, said",
    [
        ("count: 1, retriver: random", "Did you mean 'retriever'"),
        ("count: 1, retriever: topk_txt", "Did you mean 'topk_text'"),
        ("count: 1, form: turn", "Did you mean 'turns'"),
        ("count: 1, rules: classic", "rules in examples of recipe mine"),
        ("count: -1", "expected 0 or more"),
        ("count: two", "expected a whole number"),
        ("count: 1, ids: [a]", "`ids` of examples go with `retriever: fixed`"),
        ("count: 2, retriever: fixed, ids: [a]", "names 1, and `count` is 2"),
        ("count: 1, retriever: fixed, ids: [a, a]", "names one twice"),
        ("count: 1, retriever: fixed, ids: a", "expected a list of sample ids"),
        ("count: 1, retriever: fixed, rules: chef, ids: [a]", "are places in the file"),
        ("count: 1, embedder: lamm", "goes with topk_text and topk_image"),
        ("count: 1, retriever: topk_text, embedder: {model: x}", "needs a `name`"),
        ("count: 1, retriever: topk_text, embedder: [x]", "expected a name"),
        ("count: 1, batch: 4", "with `rules: chef`"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(examples: str, said: str) -> None:
    with pytest.raises(BenchError, match=said.replace("(", r"\(").replace("{", r"\{").replace("}", r"\}")):
        recipe(examples)


def test_examples_must_be_a_mapping() -> None:
    with pytest.raises(BenchError, match="expected a mapping with the keys count, retriever"):
        parse_recipe(RECIPE.replace("{EXAMPLES}", "3").replace("INFERENCER", "name: direct"), "mine")


# a run


def asked_by(tmp_path: Path, name: str, examples: str, adapter: Looker | None = None, **changes: Any) -> dict[str, Any]:
    """What a run asked of each sample."""
    root = draw_root(tmp_path / "data", count=12)
    catalog = catalog_with(ColourTask())
    catalog.recipes["mine"] = lambda: recipe(examples)
    looker = adapter or Looker()
    run(
        Options("looker", tasks="colours", output=tmp_path / name, recipe="mine", **changes),
        catalog,
        looker,
        root,
        "test",
        Watcher(),
    )
    return {request.sample: request.messages for request in looker.asked}


@pytest.mark.parametrize("examples", ["count: 2", "count: 2, retriever: fixed", "count: 2, retriever: topk_image"])
def test_limit_shards_batches_and_order_move_no_example(tmp_path: Path, examples: str) -> None:
    whole = asked_by(tmp_path, "whole", examples)
    assert len(whole) == 12 and all(
        [m.role for m in messages] == ["user", "assistant"] * 2 + ["user"] for messages in whole.values()
    )
    some = asked_by(tmp_path, "some", examples, limit=5)
    assert len(some) == 5 and some == {name: whole[name] for name in some}
    parts = [asked_by(tmp_path, f"part{n}", examples, share=Share(n, 3)) for n in (1, 2, 3)]
    assert {name: part for some in parts for name, part in some.items()} == whole
    assert asked_by(tmp_path, "other", examples, Looker(batch_size=1, reverse=True)) == whole


def test_manifest_and_result_say_what_stood_before_the_questions(tmp_path: Path) -> None:
    asked_by(tmp_path, "run", "count: 1, retriever: topk_image")
    manifest, result = (json.loads((tmp_path / "run" / name).read_text()) for name in ("manifest.json", "result.json"))
    assert manifest["identity"]["recipe"]["instruction"]["examples"] == {"count": 1, "retriever": "topk_image"}
    assert manifest["identity"]["compared_by"] == manifest["examples"]["compared_by"] == "picture-descriptor 1"
    assert result["examples"] == manifest["examples"] and "a built-in fallback" in result["examples"]["fallback"]
    asked_by(tmp_path, "plain", "")
    plain = json.loads((tmp_path / "plain/manifest.json").read_text())
    assert "examples" not in plain and "compared_by" not in plain["identity"]


def test_an_interrupted_run_with_examples_goes_on_to_the_same_records(tmp_path: Path) -> None:
    asked_by(tmp_path, "whole", "count: 2")
    with pytest.raises(KeyboardInterrupt):
        asked_by(tmp_path, "killed", "count: 2", Looker(die_after=7))
    second = asked_by(tmp_path, "killed", "count: 2")
    assert len(second) == 12 - 7
    assert (tmp_path / "whole/result.json").read_bytes() == (tmp_path / "killed/result.json").read_bytes()


@pytest.mark.parametrize(
    "examples, said",
    [
        ("count: 12", "12 examples of other images or scenes are wanted, and colours has 12 images or scenes in all"),
        ("count: 13, rules: chef", "13 examples are wanted, and colours has 12 samples"),
        ("count: 1, retriever: fixed, ids: [99]", "names '99', and colours has no such sample"),
        ("count: 1, retriever: fixed, rules: chef, ids: [12]", "names place 12, and colours has 12 samples"),
        ("count: 1, retriever: topk_text", "topk_text compares questions, and all of colours ask the same"),
        ("count: 1, retriever: topk_text, embedder: tf_idf", "no embedder called 'tf_idf'"),
        ("count: 1, retriever: topk_image, embedder: looker", "embeds nothing: its adapter has no `embed`"),
    ],
)
def test_a_file_without_such_examples_is_not_asked(tmp_path: Path, examples: str, said: str) -> None:
    root = draw_root(tmp_path / "data", count=12)
    catalog = catalog_with(ColourTask(), looker=lambda: Looker())
    catalog.recipes["mine"] = lambda: recipe(examples)
    looker = Looker()
    with pytest.raises(BenchError, match=said):
        run(Options("looker", tasks="colours", output=tmp_path / "run", recipe="mine"), catalog, looker, root, "test", Watcher())
    assert not looker.asked and not (tmp_path / "run").exists()


def test_a_file_of_one_picture_has_no_examples(tmp_path: Path) -> None:
    one = [replace(sample, group="g") for sample in grouped(tmp_path, 2)]
    assert Shots(ColourTask(), one, Examples(1)).why_not == (
        "1 examples of other images or scenes are wanted, and colours has 1 image or scene in all"
    )


def test_a_model_that_takes_one_picture_says_so_before_it_is_asked(tmp_path: Path) -> None:
    class OneEye(Looker):
        one_medium = True

    with pytest.raises(BenchError, match="takes one of its images a conversation, and the examples of recipe mine bring more"):
        asked_by(tmp_path, "run", "count: 1", OneEye())
    assert len(asked_by(tmp_path, "plain", "", OneEye())) == 12


def test_places_of_examples_have_two_decimals_and_a_native_recipe_the_models_own(mini_root: Path) -> None:
    asked, _, shots = first_of(recipe("count: 1"), "voc2012", mini_root)
    said = asked.messages[1].text
    exact = load_catalog().tasks["voc2012"].oracle(shots[0])
    assert said != exact and re.sub(r"[\d.]+", "", said) == re.sub(r"[\d.]+", "", exact)
    assert all(re.fullmatch(r"\d\.\d\d?", number) for number in re.findall(r"[\d.]+", said))
    task, own = load_catalog().tasks["voc2012"], convention("qwen3-vl")
    file, native = task.samples(mini_root), recipe("count: 1")
    native = replace(native, instruction=replace(native.instruction, coordinates="qwen3-vl"))
    example, answer, query = next(flow_of(native, task, file[0], 0, Wording(own), shots)).messages
    assert example.text == query.text != file[0].question  # asked in the words of the convention, as the query is
    right = read_boxes(exact, None, 4, Frame(convention("fractions")))
    given = read_boxes(answer.text, None, 4, frame_of(shots[0], own, ()))
    assert right and given and np.allclose([place.numbers for place in given], [place.numbers for place in right], atol=2e-3)


def test_examples_are_said_by_the_recipes_answer_template_and_reasoned_about_behind_the_bare_question(mini_root: Path) -> None:
    words = 'defined_prompt: "{question} Say which.", defined_template: "It is {option}.", examples: {count: 1, form: FORM}'
    for form in ("turns", "text"):
        text = RECIPE.replace("examples: {EXAMPLES}", words.replace("FORM", form))
        own = parse_recipe(text.replace("INFERENCER", 'name: likelihood, think: "{question} Think."'), "mine")
        thinking, query, (shot,) = first_of(own, "sqaimage", mini_root)
        answer = f"It is ({'ABCDE'[shot.target]})."
        if form == "turns":
            assert [message.text for message in thinking.messages] == [
                f"{shot.question} Say which.",
                answer,
                f"{query.question} Think.",
            ]
        else:
            (message,) = thinking.messages
            assert message.text == f"{shot.question}\n{answer}{query.question} Think." and len(message.parts) == 3


def test_options_by_other_words_are_answered_by_them_in_examples(mini_root: Path) -> None:
    text = RECIPE.replace("examples: {EXAMPLES}", "verbalizer: neutral-0, examples: {count: 2}")
    asked, _, shots = first_of(parse_recipe(text.replace("INFERENCER", "name: likelihood"), "mine"), "sqaimage", mini_root)
    words = words_for("neutral-0", [f"({letter})" for letter in "ABCDE"])
    said = [message.text for message in asked.messages if message.role == "assistant"]
    assert said == [words[shot.target] for shot in shots] and list(asked.options) == list(words[: len(asked.options)])


def test_questions_in_turns_take_no_examples() -> None:
    task = load_catalog().tasks["chef-omnibenchmark"]
    told = why_no_examples(task, recipe("count: 1", "name: turns"), Looker())  # type: ignore[arg-type]
    assert told == "recipe mine asks in turns, each a conversation of its own, before which no examples stand"
