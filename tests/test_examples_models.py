"""Examples in context with real models: encoded once, answered as without anything shared, from one process or several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.runner import flow_of
from lamm_bench.ask.session import Options, run
from lamm_bench.ask.shots import Shots
from lamm_bench.types import Generate, Media, Score

from .commands import done, refusal
from .fakes import ColourTask, catalog_with, draw_root
from .test_examples import recipe
from .test_hf_reuse import count_images
from .toys import toy_checkpoint

torch.set_num_threads(1)
ICL = """
scenario: {tasks: [all]}
instruction: {prompts: none, examples: {count: 2}}
inferencer: {name: direct, max_new_tokens: 4}
metric: {protocols: [standard]}
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_checkpoint(tmp_path_factory.mktemp("toy"))


def asked(tmp_path: Path, name: str, adapter: Any, examples: str, inferencer: str) -> dict[str, Any]:
    """Runs the colours, and gives what was said by sample."""
    catalog = catalog_with(ColourTask())
    catalog.recipes["mine"] = lambda: recipe(examples, inferencer)
    root = draw_root(tmp_path / "data", count=6, choices=True)
    run(Options("toy", tasks="colours", output=tmp_path / name, recipe="mine"), catalog, adapter, root, "test", Watcher())
    lines = map(json.loads, (tmp_path / name / "records/colours.jsonl").read_text().splitlines())
    return {line["sample"]: line.get("response", line) for line in lines}


@pytest.mark.parametrize("form", ["turns", "text"])
@pytest.mark.parametrize("inferencer", ["name: direct, max_new_tokens: 4", "name: likelihood, option: text"])
def test_lamm_encodes_each_picture_once_however_many_examples_show_it(
    toy: Path, tmp_path: Path, form: str, inferencer: str
) -> None:
    lamm = catalog_with().adapter("lamm", {"checkpoint": str(toy)})
    model, seen = lamm.asker.model, []
    see = model.see
    model.see = lambda kind, inputs: seen.append(len(inputs)) or see(kind, inputs)
    asked(tmp_path, "run", lamm, f"count: 2, form: {form}", inferencer)
    assert sum(seen) == 6  # pictures of the file, each in three conversations or so


def test_lamm_answers_conversations_of_several_pictures_as_one_by_one(toy: Path, tmp_path: Path) -> None:
    """What is shared between conversations moves no likelihood, and each picture counts where it stands."""
    task, root = ColourTask(), draw_root(tmp_path / "data", count=6, choices=True)
    file = task.samples(root)
    for examples in ("count: 2, retriever: fixed", "count: 2, form: text"):
        own = recipe(examples, "name: likelihood, option: text")
        choose = Shots(task, file, own.instruction.examples)
        requests = [next(flow_of(own, task, sample, 0, None, choose(sample))) for sample in file]
        together = dict(catalog_with().adapter("lamm", {"checkpoint": str(toy)}).score(requests))
        apart = {"batch_size": 1, "prefix_cache": 0, "turn_cache": 0, "cache": 0, "attn": "sdpa"}
        alone = catalog_with().adapter("lamm", {"checkpoint": str(toy), **apart})
        for number, request in enumerate(requests):
            ((_, single),) = alone.score([request])
            assert together[number].logprobs == pytest.approx(single.logprobs, abs=1e-4)
            assert single.logprobs == pytest.approx([-loss for loss in alone.loss(request)], abs=1e-4)
        wishes = [Generate(request.messages, 5, sample=request.sample) for request in requests]
        joint = dict(catalog_with().adapter("lamm", {"checkpoint": str(toy)}).generate(wishes))
        assert [joint[n].text for n in range(6)] == [next(alone.generate([wish]))[1].text for wish in wishes]
        first = requests[0]
        swapped = tuple(
            type(message)(message.role, tuple(file[5].media[0] if isinstance(part, Media) else part for part in message.parts))
            if message == first.messages[0]
            else message
            for message in first.messages
        )
        ((_, other),) = alone.score([Score(swapped, first.options, first.sample)])
        assert other.logprobs != pytest.approx(together[0].logprobs, abs=1e-6)  # the example's picture is looked at


def test_hf_chat_encodes_each_picture_once_too(tiny_models: dict[str, Path], tmp_path: Path) -> None:
    adapter = catalog_with().adapter("hf-chat", {"model": str(tiny_models["qwen2-vl"]), "device": "cpu"})
    seen = count_images(adapter)
    asked(tmp_path, "run", adapter, "count: 2", "name: direct, max_new_tokens: 2")
    before = sum(seen)
    asked(tmp_path, "again", adapter, "count: 2, seed: 1", "name: direct, max_new_tokens: 2")
    assert adapter.asker.reuse.faults == {} and sum(seen) == before <= 6 + 3  # the trial encodes its own once more


@pytest.mark.parametrize("name", ["llava", "qwen2-vl"])
def test_hf_chat_weighs_options_behind_examples_as_training_does(name: str, tiny_models: dict[str, Path], tmp_path: Path) -> None:
    task, root = ColourTask(), draw_root(tmp_path / "data", count=4, choices=True)
    file, own = task.samples(root), recipe("count: 2", "name: likelihood, option: text")
    choose = Shots(task, file, own.instruction.examples)
    requests = [next(flow_of(own, task, sample, 0, None, choose(sample))) for sample in file]
    adapter = catalog_with().adapter("hf-chat", {"model": str(tiny_models[name]), "device": "cpu", "batch_size": 3})
    for number, response in adapter.score(requests):
        assert response.logprobs == pytest.approx([-loss for loss in adapter.loss(requests[number])], abs=1e-3)


def test_several_workers_ask_what_one_asks(toy: Path, tmp_path: Path) -> None:
    (tmp_path / "icl.yaml").write_text(ICL)
    root = draw_root(tmp_path / "data", "Classification_CIFAR10", 6)
    meta = root / "2D_Benchmark/meta_file/Classification_CIFAR10.json"
    items = [{**item, "label": "cat"} for item in json.loads(meta.read_text())]
    meta.write_text(json.dumps(items))
    words = ("run", "--model", "lamm", "--set", f"checkpoint={toy}", "--device", "cpu", "--tasks", "cifar10")
    words = (*words, "--data-root", root, "--recipe", tmp_path / "icl.yaml")
    for name, more in (("one", ()), ("two", ("--workers", "2"))):
        done(*words, "--output", tmp_path / name, *more)
    assert (tmp_path / "one/result.json").read_bytes() == (tmp_path / "two/result.json").read_bytes()


def test_show_tells_the_examples_of_a_sample(mini_root: Path, tmp_path: Path) -> None:
    (tmp_path / "icl.yaml").write_text(ICL)
    told = done("show", "cifar10", "--recipe", tmp_path / "icl.yaml", "--data-root", mini_root)
    (line,) = [line for line in told.splitlines() if line.startswith("examples: ")]
    assert line.endswith("(2 random, seed 0, as turns)") and told.count("asked (assistant):") == 2
    assert "examples" not in done("show", "cifar10", "--data-root", mini_root)
    (tmp_path / "icl.yaml").write_text(ICL.replace("count: 2", "count: 2000"))
    assert "2000 examples of other images" in refusal(
        "show", "cifar10", "--recipe", tmp_path / "icl.yaml", "--data-root", mini_root
    )
