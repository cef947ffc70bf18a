"""Workers answer whoever asks a model many questions: judges and constructions have with them what they have without, to the byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import writers
from .annotated import dump, picture, plan_of
from .commands import done, refusal
from .test_judges import PLUGIN

WRITER = """

class Fluent:
    name = "fluent"
    modalities = frozenset()

    def fingerprint(self):
        return "fluent"

    def generate(self, requests):
        for number, request in enumerate(requests):
            yield number, Response(good(request))

ADAPTERS = {"fluent": Fluent}
"""


@pytest.fixture()
def plan(tmp_path: Path) -> Path:
    images = [{"id": number, "file_name": f"{number}.png", "width": 64, "height": 48} for number in range(12)]
    for each in images:
        picture(tmp_path / "pics" / str(each["file_name"]), colour=(20 * int(str(each["id"])), 90, 10))
    told = "A {} horse stands beside the {} gate of a farm near the river."
    words = ("grey", "white", "brown", "young")
    notes = [
        {"id": n, "image_id": n, "caption": told.format(words[n % 4], ("first", "second", "third")[n // 4])} for n in range(12)
    ]
    dump(tmp_path / "i.json", {"images": images, "categories": [{"id": 0, "name": "horse"}], "annotations": []})
    dump(tmp_path / "c.json", {"images": images, "annotations": notes})
    source = {
        "reader": "coco",
        "media": "pics",
        "as": "coco",
        "instances": "i.json",
        "captions": "c.json",
        "licence": "CC BY 4.0",
    }
    return plan_of(tmp_path, source, kinds={"C1": {}, "C3": {}})


def test_a_construction_with_workers_makes_the_same_dialogues(plan: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "fluent.py"
    plugin.write_text(Path(str(writers.__file__)).read_text() + WRITER)
    words = ("data", "construct", plan, "--llm", "fluent", "--plugin", plugin)
    made = {}
    for name, more in (("one", ()), ("two", ("--workers", 2))):
        done(*words, "--out", tmp_path / name, *more)
        made[name] = {
            str(file.relative_to(tmp_path / name)): file.read_bytes() for file in (tmp_path / name).glob("*_Instruct/meta_file/*")
        }
    assert made["one"] == made["two"] and sum(len(json.loads(content)) for content in made["one"].values()) > 0
    done(*words, "--out", tmp_path / "two")  # one process goes on with what workers began: nothing is left to ask


def test_a_judgement_with_workers_is_that_of_one_process(mini_root: Path, tmp_path: Path) -> None:
    (tmp_path / "mild.py").write_text(PLUGIN)
    done(
        "run", "--model", "chance", "--tasks", "svt,cifar10", "--limit", 5, "--data-root", mini_root, "--output", tmp_path / "run"
    )
    words = ("judge", tmp_path / "run", "--judge", "mild", "--plugin", tmp_path / "mild.py", "--data-root", mini_root)
    alone = done(*words, "--json", tmp_path / "one.json")
    crew = done(*words, "--json", tmp_path / "two.json", "--fresh", "--workers", 2)
    assert "Rating by mild" in alone and "Rating by mild" in crew
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one.json", "two.json"))
    assert one["results"] == two["results"] and one["results"]


def test_workers_without_a_model_or_for_servers_are_refused(plan: Path, mini_root: Path, tmp_path: Path) -> None:
    assert "--workers is of a language model" in refusal("data", "construct", plan, "--out", tmp_path / "x", "--workers", 2)
    words = ("data", "construct", plan, "--llm", "chance", "--out", tmp_path / "x")
    assert "--engine is about workers" in refusal(*words, "--engine", "ray")
    for verb in (("judge", tmp_path, "--replay"), ("desiderata", tmp_path), ("robustness", "--runs", tmp_path)):
        for more in (("--workers", 2), ("--engine", "ray"), ("--patience", 3)):
            assert f"{more[0]} is about asking a model" in refusal(*verb, *more)
    server = ("--llm", "openai-chat", "--set", "model=m", "--set", "base_url=http://127.0.0.1:9/v1")
    assert "name several servers instead" in refusal("data", "construct", plan, "--out", tmp_path / "x", *server, "--workers", 2)
    assert not (tmp_path / "x").exists()


def test_corruptions_are_asked_with_workers_too(mini_root: Path, tmp_path: Path) -> None:
    words = ("robustness", "--model", "chance", "--tasks", "svt", "--corruptions", "fog", "--severities", "1,5", "--limit", 4)
    found = []
    for name, more in (("one", ()), ("two", ("--workers", 2))):
        done(*words, "--data-root", mini_root, "--output", tmp_path / name, *more)
        found.append({leg.parent.name: leg.read_bytes() for leg in sorted((tmp_path / name).glob("*/result.json"))})
    assert found[0] == found[1] and len(found[0]) == 3


@pytest.mark.parametrize(
    "more",
    [
        ("--control", "blind"),
        ("--control", "shuffled"),
        ("--control", "swapped"),
        ("--corrupt", "jpeg:2,fog:1"),
        ("--control", "shuffled", "--corrupt", "fog:1"),
        ("--recipe", "lamm/likelihood"),
        ("--override", "instruction.examples.count=2"),
    ],
)
def test_whatever_is_shown_workers_say_the_same(mini_root: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    tasks = "ai2d,scanqa" if "--corrupt" not in more else "ai2d,svt"
    words = ("run", "--model", "oracle", "--tasks", tasks, "--limit", 4, *more)
    for name, crew in (("one", ()), ("two", ("--workers", 2))):
        done(*words, "--data-root", mini_root, "--output", tmp_path / name, *crew)
    for file in sorted((tmp_path / "one").glob("scores/*.json")) + [tmp_path / "one/result.json"]:
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()
