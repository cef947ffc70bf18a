"""A run in ChEF's answer files: what is exported and scored again has the run's figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.keep.answers import read_answers
from lamm_bench.keep.chef_answers import entries
from lamm_bench.keep.ledger import Ledger
from lamm_bench.measure.scoring import Answered, from_records, score
from lamm_bench.types import Prediction, Record, Response, Sample

from .chef_made import make_scenarios
from .commands import done, refusal


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scenarios(tmp_path_factory.mktemp("chef"))


@pytest.fixture(autouse=True)
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    """METEOR's program takes seconds to start, and says nothing of exporting."""
    for module in ("measure.caption_scorer", "tasks.chef_captions"):
        monkeypatch.setattr(f"lamm_bench.{module}.meteor_absent", lambda: "left out")


def figures(path: Path) -> dict[tuple[str, str], Any]:
    results = json.loads(path.read_text())["results"]
    return {(each["task"], each["protocol"]): each["metrics"] for each in results}


@pytest.mark.parametrize(
    "asked",
    [
        ("lamm/standard", "chef", ()),
        ("lamm/likelihood", "chef,chef-forms", ()),
        ("lamm/standard", "chef", ("--limit", "5")),
        ("chef/omnibenchmark/multiturn_direct", "chef", ()),
        ("chef/omnibenchmark/multiturn_ppl", "chef", ()),
        ("chef/voc2012/multiturn_direct", "chef", ()),
        ("chef/voc2012/multiturn_ppl", "chef", ()),
        ("chef/voc2012/multiturn_ppl", "chef", ("--override", "scenario.draws=upstream")),
        ("chef/flickr30k/random_ppl", "chef", ("--override", "scenario.draws=upstream")),
    ],
)
def test_what_is_exported_and_scored_has_the_runs_figures(
    made: Path, tmp_path: Path, asked: tuple[str, str, tuple[str, ...]]
) -> None:
    recipe, tasks, more = asked
    words = ("run", "--model", "chance", "--tasks", tasks, "--recipe", recipe, "--data-root", made, "--output", tmp_path / "run")
    done(*words, *more, "--json", tmp_path / "run.json")
    said = done("export", tmp_path / "run", "--to", "chef", "--output", tmp_path / "answers")
    found = figures(tmp_path / "run.json")
    named = ",".join(sorted({task for task, _ in found}))
    assert len(said.splitlines()) >= len(list((tmp_path / "answers").glob("*.json"))) == len({task for task, _ in found})
    subset = ("--subset",) if "--limit" in more else ()
    done(
        "score", "--answers", tmp_path / "answers", "--data-root", made, "--tasks", named, "--json", tmp_path / "s.json", *subset
    )
    assert figures(tmp_path / "s.json") == found


@pytest.mark.parametrize("recipe", ["voc2012/multiturn_ppl", "flickr30k/random_ppl", "flickr30k/top_similarity_ppl"])
def test_a_perfect_model_is_perfect_whoever_drew_the_options(made: Path, tmp_path: Path, recipe: str) -> None:
    words = ("run", "--model", "oracle", "--tasks", "chef,chef-forms", "--recipe", f"chef/{recipe}", "--data-root", made)
    for draws in ("own", "upstream"):
        done(*words, "--override", f"scenario.draws={draws}", "--output", tmp_path / draws, "--json", tmp_path / "run.json")
        for metrics in figures(tmp_path / "run.json").values():
            assert next(iter(metrics.values()))["value"] == 100.0


def test_lamms_own_tasks_too(mini_root: Path, tmp_path: Path) -> None:
    words = ("--data-root", mini_root, "--json")
    done(
        "run", "--model", "chance", "--tasks", "all", "--limit", "6", "--output", tmp_path / "run", *words, tmp_path / "run.json"
    )
    done("export", tmp_path / "run", "--to", "chef", "--output", tmp_path / "answers")
    done("score", "--answers", tmp_path / "answers", "--subset", *words, tmp_path / "s.json")
    found, again = figures(tmp_path / "run.json"), figures(tmp_path / "s.json")
    own = [key for key in found if key[1] != "classic"]  # which joins by position
    assert len(own) > 17 and {key: again[key] for key in own} == {key: found[key] for key in own}


def ledger_of(path: Path, told: dict[str, tuple[Prediction, list[Response]]]) -> Ledger:
    ledger = Ledger.open(path, write=True)
    for name, (prediction, said) in told.items():
        for step, response in enumerate(said):
            ended = Record(name, "ok", prediction) if step == len(said) - 1 else None
            ledger.append(name, step, "digest", response, ended)
    ledger.flush()
    return Ledger.open(path)


def test_thoughts_stand_beside_their_answers(made: Path, tmp_path: Path) -> None:
    task = load_catalog().tasks["chef-scienceqa"]
    samples = task.samples(made)[:3]
    told = {
        samples[0].id: (Prediction("(B)"), [Response("Perhaps (A)?"), Response("(B)")]),
        samples[1].id: (Prediction("(A) oak"), [Response("(A)"), Response("(A) oak")]),  # begins with its thought
        samples[2].id: (Prediction("(A)"), [Response("(A)", reasoning="Hm.")]),
    }
    ledger = ledger_of(tmp_path / "r.jsonl", told)
    found = entries(task, samples, ledger)
    assert [entry.get("CoT_answer") for entry in found] == ["Perhaps (A)?", None, "Hm."]
    (tmp_path / "ScienceQA.json").write_text(json.dumps(found))
    for protocol in ("standard", "chef"):
        answered = read_answers(tmp_path / "ScienceQA.json").join(samples, protocol)[0]
        assert {name: each.text for name, each in answered.items()} == {name: each[0].text for name, each in told.items()}


def test_turns_are_told_with_what_they_were_about(made: Path, tmp_path: Path) -> None:
    for name in ("chef-voc2012-ppl", "chef-voc2012", "chef-omnibenchmark"):
        task: Any = load_catalog().tasks[name]
        samples = task.samples(made)
        told = {}
        for sample in samples:
            turns = task.turns(sample)
            texts = {str(number): (turn.options or ("a cat",))[0] for number, turn in enumerate(turns, 1)}
            told[sample.id] = (Prediction(texts), [Response("")])
        ledger = ledger_of(tmp_path / f"{name}.jsonl", told)
        (tmp_path / f"{name}.json").write_text(json.dumps(entries(task, samples, ledger)))
        answered, notes = read_answers(tmp_path / f"{name}.json").by_id(samples)
        assert not notes
        for protocol in ("standard", "chef"):
            first, second = (score(task, protocol, samples, said).metrics for said in (from_records(ledger.ended), answered))
            assert first == second


def test_samples_that_share_an_id_keep_their_places(tmp_path: Path) -> None:
    """The second of them was answered and the first was not."""
    task = load_catalog().tasks["chef-scienceqa"]
    samples = [Sample(name, "", (), 0, "g", ("oak", "iron")) for name in ("7", "7#1", "8")]
    found = entries(task, samples, ledger_of(tmp_path / "r.jsonl", {"7#1": (Prediction("(B)"), [Response("(B)")])}))
    (tmp_path / "ScienceQA.json").write_text(json.dumps(found))
    answered, _ = read_answers(tmp_path / "ScienceQA.json").by_id(samples)
    assert answered == {"7#1": Answered("(B)")}


def test_exporting_is_refused_in_one_sentence(made: Path, tmp_path: Path) -> None:
    done("run", "--model", "chance", "--tasks", "chef-mme", "--data-root", made, "--output", tmp_path / "run")
    words = ("export", tmp_path / "run", "--output", tmp_path / "out", "--to")
    assert "no format called 'chefs'. Did you mean 'chef'?" in refusal(*words, "chefs")
    assert "was not asked about chef-mmmu" in refusal(*words, "chef", "--tasks", "chef-mmmu")
    done(*words, "chef")
    assert "MME.json is there already" in refusal(*words, "chef")
    assert "is no folder" in refusal("export", tmp_path / "run", "--to", "chef", "--output", tmp_path / "out/MME.json")
    assert "is a run's own folder" in refusal("export", tmp_path / "run", "--to", "chef", "--output", tmp_path / "run")
    assert not (tmp_path / "run/MME.json").exists()
