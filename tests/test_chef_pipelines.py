"""Instruction x inferencer against ../shared/goldens-chef: what upstream's ChEF asks a model that is a function, and what it concludes.

Our messages have the media first and may have a system message; the texts are compared. Examples in context are in test_examples.py."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.recipe import Recipe, recipe_of
from lamm_bench.ask.runner import flow_of
from lamm_bench.types import Generate, Media, Prediction, Request, Response, Sample, Turn

CASES = (
    ("ScienceQA: Direct", "chef-scienceqa"),
    ("ScienceQA: Direct CoT", "chef-scienceqa"),
    ("ScienceQA: PPL", "chef-scienceqa"),
    ("ScienceQA: PPL CoT", "chef-scienceqa"),
    ("Omnibenchmark multi: Multi_PPL", "chef-omnibenchmark"),
    ("Omnibenchmark multi: Multi_Direct", "chef-omnibenchmark"),
    ("VOC2012 ppl default: Multi_PPL", "chef-voc2012"),
    ("Flickr30k random: PPL", "chef-flickr30k"),
    ("CIFAR10: PPL", "chef-cifar10"),
)
WAYS = {"Direct": "direct", "PPL": "likelihood", "Multi_Direct": "turns", "Multi_PPL": "turns_likelihood"}
RATING = ("likelihood", "turns_likelihood")


class Scenario:
    """A task of upstream's items: what a recipe asks of one, and no more."""

    kind, max_new_tokens = "none", 16

    def __init__(self, name: str) -> None:
        self.name = name


class InTurns(Scenario):
    def turns(self, sample: Sample) -> list[Turn]:
        return list(sample.meta["turns"])


@pytest.fixture(scope="module")
def cases(chef_goldens: Path) -> dict[str, Any]:
    return json.loads((chef_goldens / "expected/pipelines.json").read_text(encoding="utf-8"))["cases"]


@pytest.fixture(scope="module")
def scenarios(chef_goldens: Path) -> dict[str, Any]:
    return json.loads((chef_goldens / "expected/scenarios.json").read_text(encoding="utf-8"))


def sample_of(item: dict[str, Any], asked: list[dict[str, Any]]) -> Sample:
    """Upstream's item; its options are those that were drawn when it was asked about."""
    options = [call["option"] for call in asked if "option" in call]
    turns: list[Turn] = []
    if "multi_turn_prefix" in item:
        given = item.get("options") or [{}] * len(item["multi_turn_prefix"])
        turns = [
            Turn(turn["prompt_idx"], turn["prefix"] or "", tuple(own.get("options", ())))
            for turn, own in zip(item["multi_turn_prefix"], given)
        ]
    letters = bool(options) and options[0] == "(A"
    choices = tuple(item["choices"]) if letters else tuple(dict.fromkeys(options))
    return Sample(
        item["id"], item.get("question", ""), (Media("image", "x"),), 0, "g", choices, meta={"letters": letters, "turns": turns}
    )


def recipe_for(case: dict[str, Any], think: str) -> Recipe:
    """Upstream's two mappings as ours."""
    words, asked = case["instruction"], case["inferencer"]
    inferencer: dict[str, Any] = {"name": WAYS[asked["inferencer_type"]]}
    if inferencer["name"] in RATING:
        inferencer |= {"normalize": "token", "window": "option"}
    if inferencer["name"] == "likelihood":
        inferencer |= {"option": "letter_open", "says": "option"}
    if "max_new_tokens" in asked:
        inferencer["max_new_tokens"] = asked["max_new_tokens"]
    if asked.get("CoT"):
        inferencer["think"] = think
    instruction = {key: words[key] for key in ("defined_prompt", "defined_template")}
    return recipe_of(
        {"scenario": {}, "instruction": {**instruction, "prompts": "none"}, "inferencer": inferencer, "metric": {}}, "x"
    )


def crc(text: str) -> int:
    return zlib.crc32(text.encode("utf-8"))


class Model:
    """Upstream's function: what it says is made of what it was asked."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.thought: str | None = None

    def answer(self, request: Request) -> Response:
        (message,) = request.messages
        text = message.text
        if isinstance(request, Generate):
            reasoning = self.thought if self.thought is not None and text.endswith(f"\n{self.thought}") else None
            prompt = text.removesuffix(f"\n{reasoning}") if reasoning is not None else text
            self.calls.append({"generate": prompt, "reasoning": reasoning, "max_new_tokens": request.max_new_tokens})
            said = f" say {crc(prompt + (reasoning or '')) % 1000}."
            self.thought = said if reasoning is None else None
            return Response(said)
        assert request.window == "option"
        reasoning = self.thought if self.thought is not None and request.begun.startswith(f"{self.thought}\n") else None
        begun = request.begun.removeprefix(f"{reasoning}\n") if reasoning is not None else request.begun
        scores = []
        for option in request.options:
            self.calls.append({"score": text, "reasoning": reasoning, "answer": begun + option, "option": option})
            scores.append(-(crc(f"{text}|{reasoning or ''}|{begun + option}") % 997) / 250)
        counts = tuple(2 + len(option) for option in request.options)
        return Response(logprobs=tuple(score * count for score, count in zip(scores, counts)), tokens=counts)


def run(flow: Any, model: Model) -> Prediction:
    request = next(flow)
    while True:
        try:
            request = flow.send(model.answer(request))
        except StopIteration as stop:
            return stop.value


def of_item(prediction: dict[str, Any], item: dict[str, Any], calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The calls of upstream's whole batches that are about one item: by its picture, which each has for itself."""
    return [call for call in calls if call["images"] == prediction["image_path"]]


@pytest.mark.parametrize(("name", "task"), CASES)
def test_every_request_and_conclusion_is_upstreams(
    cases: dict[str, Any], scenarios: dict[str, Any], name: str, task: str
) -> None:
    case = cases[name]
    items = scenarios[case["scenario"]]["items"][: case["items"]]
    think = next((c["generate"] for c in case["calls"] if c.get("max_new_tokens") == 256), "")
    think = "{question}" + think.removeprefix(items[0].get("question", ""))  # upstream's sentence is not ours to ship
    recipe = recipe_for(case, think)
    scenario: Scenario = (InTurns if "multi_turn_prefix" in items[0] else Scenario)(task)
    asked = 0
    for item, wanted in zip(items, case["predictions"]):
        theirs = of_item(wanted, item, case["calls"])
        if "turn_answer" in wanted and any("options" in turn for turn in wanted["turn_answer"]):
            given = [{"options": turn["options"]} for turn in wanted["turn_answer"]]  # as drawn at this look
            item = {**item, "options": given}
        model = Model()
        sample = sample_of(item, theirs)
        prediction = run(flow_of(recipe, scenario, sample, 0), model)  # type: ignore[arg-type]
        keys = ("generate", "score", "reasoning", "answer", "option", "max_new_tokens")
        assert model.calls == [{key: call[key] for key in keys if key in call} for call in theirs]
        asked += len(theirs)
        same_conclusion(prediction, wanted)
    assert asked == len(case["calls"])


def same_conclusion(prediction: Prediction, wanted: dict[str, Any]) -> None:
    if "turn_answer" in wanted:
        turns = wanted["turn_answer"]
        assert prediction.text == {str(number): turn["answer"] for number, turn in enumerate(turns, 1)}
        for number, turn in enumerate(turns, 1):
            if "probs" in turn:
                own = Prediction("", None, prediction.turn_scores[str(number)])
                assert own.probs == pytest.approx(turn["probs"], rel=1e-6)
        return
    # since 2024 upstream joins reasoning and answer where both were generated
    thought = wanted.get("CoT_answer", "") if "probs" not in wanted else ""
    assert thought + str(prediction.text) == wanted["answer"]
    if "probs" in wanted:
        assert prediction.scores == pytest.approx(wanted["ppl_results"], rel=1e-9)
        assert prediction.probs == pytest.approx(wanted["probs"], rel=1e-6)
        assert max(prediction.probs) == pytest.approx(wanted["prob"], rel=1e-6)
