"""Laws of ChEF's scenarios on small folders of our own: floor and ceiling, every way of asking, answer files, and bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.inferencers import Likelihood
from lamm_bench.ask.instruction import Prompt
from lamm_bench.keep.answers import read_answers
from lamm_bench.measure.floors import chance_answer
from lamm_bench.measure.scoring import Answered, oracle_answer, score
from lamm_bench.tasks.chef_scenarios.extractor import Extracted, extract
from lamm_bench.tasks.chef_scenarios.mme import SUBTASKS
from lamm_bench.types import Response, Sample, Scorer

from .chef_made import make_scenarios
from .commands import done, lamm_bench, refusal

SCENARIOS = load_catalog().select_tasks("chef,chef-forms")
IN_TURNS = [task for task in SCENARIOS if getattr(task, "in_turns", False)]  # which no single question can ask
CHOICES = [task for task in SCENARIOS if "lamm/likelihood" in task.suits]  # type: ignore[attr-defined]
WEIGHED = ("chef-winoground", "chef-winoground-cap")  # of which upstream reads nothing but likelihoods, the lower the better
BY_LIKELIHOOD = (*WEIGHED, "chef-flickr30k-ppl-top-p")
COARSE = ("chef-voc2012-kosmos",)  # whose marks are cells, so that even the truth told in them is not quite the truth
BEST = {"higher": 100.0, "lower": 0.0}
every_scenario = pytest.mark.parametrize("task", SCENARIOS, ids=lambda task: task.name)


def figures_of(scorer: Scorer) -> Any:
    """A task that is nothing but one scorer under `chef`."""
    return SimpleNamespace(name="one", protocols={"chef": scorer})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scenarios(tmp_path_factory.mktemp("chef"))


@every_scenario
def test_the_oracle_is_perfect_and_chance_is_not(task, made: Path) -> None:
    samples = task.samples(made)
    assert len({sample.id for sample in samples}) == len(samples) > 7
    right = score(task, "standard", samples, {sample.id: Answered(oracle_answer(task, sample)) for sample in samples})
    assert right.counts["ok"] == len(samples)
    told = {name: each for name, each in right.metrics.items() if each.unit != "score" and each.n and name != "yes_ratio"}
    if task.name in COARSE:
        assert right.metrics["F1@0.25"].value > 90
        return
    assert {name: each.value for name, each in told.items()} == {
        name: pytest.approx(BEST[each.better]) for name, each in told.items()
    }
    oracle, chance = right.references["oracle"], right.references["chance"]
    assert oracle == BEST[right.headline[1].better] and chance is not None and 0 < chance < 80
    drawn = {sample.id: Answered(chance_answer(task, sample, samples)) for sample in samples}
    assert score(task, "standard", samples, drawn).counts["ok"] == len(samples)


@every_scenario
def test_the_oracle_is_perfect_by_upstreams_count_too(task, made: Path) -> None:
    samples = task.samples(made)
    answers = {
        sample.id: Answered(oracle_answer(task, sample), scores=(-2.0, -1.0)[:: 1 - 2 * sample.target])
        for sample in samples
        if task.name in WEIGHED
    }
    if task.name == "chef-winoground-cap":
        answers = {sample.id: Answered("", scores=(-4.0, -3.0, -2.0, -5.0)) for sample in samples}
    if task.name == "chef-flickr30k-ppl-top-p":  # sorted as losses
        answers = {s.id: Answered("", scores=tuple(-float(choice in s.target) for choice in s.choices)) for s in samples}
    answers = answers or {sample.id: Answered(oracle_answer(task, sample)) for sample in samples}
    headline = score(task, "chef", samples, answers).headline[1]
    assert headline.value == pytest.approx(BEST[headline.better], rel=0.4 if task.name in COARSE else 1e-6)


@every_scenario
def test_no_protocol_sees_the_truth_before_it_has_read(task, made: Path) -> None:
    """The same text is read the same whatever the truth is."""
    samples = task.samples(made)
    for sample in samples[:5]:
        for protocol, scorer in task.protocols.items():
            if protocol == "chef" and task.name in BY_LIKELIHOOD:
                continue
            texts = [
                oracle_answer(task, sample),
                *(() if task in IN_TURNS else ("It is (B).", "yes", "No, not at all", "I cannot tell")),
            ]
            for text in texts:
                others = {repr(scorer.read(text, other)) for other in (sample, with_target(sample, 0), with_target(sample, 1))}
                assert len(others) == 1, (protocol, text)


def with_target(sample: Sample, target: int) -> Sample:
    return replace(sample, target=target)


@every_scenario
def test_figures_do_not_know_the_order_of_the_samples(task, made: Path) -> None:
    samples, stream = list(task.samples(made)), Random(task.name)
    answers = {
        s.id: Answered(oracle_answer(task, s) if stream.random() < 0.6 else chance_answer(task, s, samples)) for s in samples
    }
    found = {
        json.dumps(score(task, "standard", mixed, answers, references=False).to_json()["metrics"])
        for mixed in (samples, samples[::-1], stream.sample(samples, len(samples)))
    }
    assert len(found) == 1


def test_every_scenario_is_asked_and_scored_under_both_protocols(made: Path, tmp_path: Path) -> None:
    for model in ("chance", "oracle", "majority"):
        words = ("run", "--model", model, "--tasks", "chef,chef-forms", "--data-root", made, "--output", tmp_path / model)
        said = done(*words, "--json", tmp_path / "r.json")
        results = json.loads((tmp_path / "r.json").read_text())["results"]
        asked = [task for task in SCENARIOS if task not in IN_TURNS]
        assert all(f"no single question asks {task.name}" in " ".join(said.split()) for task in IN_TURNS)
        assert {(each["task"], each["protocol"]) for each in results} == {
            (task.name, protocol) for task in asked for protocol in task.protocols
        }
        ours = [each for each in results if each["protocol"] == "standard"]
        unread = {each["task"] for each in ours if each["counts"]["ok"] < each["counts"]["expected"]}
        assert not unread or model == "majority"  # the option that is most often right is none of many another question's
        if model == "oracle":
            asked = [task for task in asked if task.name not in COARSE]
            assert perfect(results) >= {(task.name, "standard") for task in asked}
            assert perfect(results) >= {(task.name, "chef") for task in asked if task.name not in BY_LIKELIHOOD}


def perfect(results: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """The tasks and protocols whose headline cannot be better."""
    headlines = {(each["task"], each["protocol"]): next(iter(each["metrics"].values())) for each in results}
    return {name for name, each in headlines.items() if each["value"] == pytest.approx(BEST[each["better"]])}


def test_stored_scenarios_are_scored_and_compared_without_being_named(made: Path, tmp_path: Path) -> None:
    for model in ("chance", "majority"):
        words = ("--tasks", "chef-mme,chef-winoground", "--data-root", made, "--output", tmp_path / model)
        done("run", "--model", model, *words, "--json", tmp_path / f"{model}.json")
    again = tmp_path / "again.json"
    done("score", tmp_path / "chance", "--data-root", made, "--json", again)
    assert json.loads(again.read_text())["results"] == json.loads((tmp_path / "chance.json").read_text())["results"]
    said = done("compare", tmp_path / "chance", tmp_path / "majority", "--data-root", made)
    assert "chef-mme" in said and "chef-winoground" in said
    done("report", tmp_path / "chance", "--data-root", made, "--out", tmp_path / "report.html")
    assert "chef-winoground" in (tmp_path / "report.html").read_text()


def test_options_are_asked_by_likelihood_where_there_are_any(made: Path, tmp_path: Path) -> None:
    words = ("run", "--model", "oracle", "--recipe", "lamm/likelihood", "--data-root", made, "--output", tmp_path / "r")
    done(*words, "--tasks", "chef,chef-forms", "--json", tmp_path / "r.json")
    results = json.loads((tmp_path / "r.json").read_text())["results"]
    assert {each["task"] for each in results} == {task.name for task in CHOICES}
    assert {(task.name, "standard") for task in CHOICES} <= perfect(results)
    assert {(task.name, "chef") for task in CHOICES if task.name not in BY_LIKELIHOOD} <= perfect(results)
    lines = [json.loads(line) for line in (tmp_path / "r/records/chef-pope-random.jsonl").read_text().splitlines()]
    said = {line["end"]["prediction"]["text"] for line in lines}
    assert said == {"Yes", "No"}  # options without letters are scored, and answered, by their texts


def test_all_leaves_them_out_and_their_data_are_checked(made: Path) -> None:
    assert "chef" not in refusal("run", "--model", "chance", "--tasks", "all", "--data-root", made, "--recipe", "lamm/none")
    assert "all in order" in done("data", "verify", "--data-root", made, "--tasks", "chef")


# answer files in ChEF's format


def answer_file(folder: Path, name: str, entries: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(entries), encoding="utf-8")
    return folder


def results_of(folder: Path, made: Path, tasks: str, *more: str) -> dict[str, dict[str, Any]]:
    out = folder.parent / "out.json"
    lamm_bench("score", "--answers", folder, "--data-root", made, "--tasks", tasks, "--json", out, *more)
    return {each["protocol"]: each for each in json.loads(out.read_text())["results"]}


def test_likelihoods_thoughts_and_times_in_names_are_accepted(made: Path, tmp_path: Path) -> None:
    task = load_catalog().tasks["chef-scienceqa"]
    entries = []
    for sample in task.samples(made):
        letter = "ABCDE"[sample.target]
        thought = f"It is not ({letter}) perhaps, but so it goes. "
        entries.append({"id": int(sample.id), "CoT_answer": thought, "answer": f"{thought}({letter})"})
    folder = answer_file(tmp_path / "a", "ScienceQA_20240329120000.json", entries)
    found = results_of(folder, made, "chef-scienceqa")
    assert found["standard"]["metrics"]["accuracy"]["value"] == 100
    said = read_answers(folder / "ScienceQA_20240329120000.json")
    assert said.said(0, thoughts=False).text.startswith("(")  # type: ignore[union-attr]
    assert said.said(0, thoughts=True).text.startswith("It is not")  # type: ignore[union-attr]


def test_several_answer_files_of_a_scenario_are_refused(made: Path, tmp_path: Path) -> None:
    folder = answer_file(tmp_path / "a", "POPE.random.direct.json", [{"id": "1", "answer": "Yes"}])
    answer_file(folder, "POPE.random.ppl.json", [{"id": "1", "answer": "Yes"}])
    said = refusal("score", "--answers", folder, "--data-root", made, "--tasks", "chef-pope-random")
    assert "POPE.random.direct.json, POPE.random.ppl.json" in said and "leave one" in said


def test_only_answered_items_count_with_subset(made: Path, tmp_path: Path) -> None:
    task = load_catalog().tasks["chef-pope-random"]
    entries = [{"id": s.id, "answer": s.choices[s.target], "ppl_results": [-1, -2]} for s in task.samples(made)[:6]]
    folder = answer_file(tmp_path / "a", "POPE_COCO_random.json", entries)
    part, whole = (results_of(folder, made, "chef-pope-random", *more) for more in (("--subset",), ()))
    assert part["chef"]["metrics"]["Accuracy"] | {"ci95": None} == part["chef"]["metrics"]["Accuracy"] | {
        "value": 100,
        "n": 6,
        "ci95": None,
    }
    assert whole["chef"]["metrics"]["Accuracy"]["value"] == 50 and whole["standard"]["counts"]["missing"] == 6


def test_a_sampled_file_is_scored_as_upstream_does_and_says_so_once(made: Path, tmp_path: Path) -> None:
    samples = load_catalog().tasks["chef-scienceqa"].samples(made)[:8]
    entries = [{"id": s.id, "answer": f"({'ABCDE'[s.target]})" if place else "(Z)"} for place, s in enumerate(samples)]
    folder = answer_file(tmp_path / "a", "ScienceQA.json", entries)
    words = ("score", "--answers", folder, "--data-root", made, "--tasks", "chef-scienceqa")
    said = " ".join(lamm_bench(*words, "--subset").output.split())
    assert "ACC 87.50" in said and said.count("8 of 10") == 1 and said.count("--subset") == 1
    said = " ".join(lamm_bench(*words).output.split())
    assert "ACC 70.00" in said and "8 of 10 items have an answer and all count; of a sampled file upstream scores those" in said


def test_answers_to_mme_are_joined_by_picture_and_question_where_they_tell_them(made: Path, tmp_path: Path) -> None:
    task = load_catalog().tasks["chef-mme"]
    samples = list(task.samples(made))
    entries = [
        {"id": str(place), "image_path": f"data/{s.group}", "question": s.question, "answer": s.choices[s.target]}
        for place, s in enumerate(Random(0).sample(samples, len(samples)))  # another file system's order
    ]
    folder = answer_file(tmp_path / "a", "MME.json", entries)
    found = results_of(folder, made, "chef-mme")
    assert found["chef"]["metrics"]["overall"]["value"] == 100
    assert found["standard"]["metrics"]["acc+"]["value"] == 100
    assert (
        found["standard"]["metrics"]["perception"]["value"] == 2000 and found["standard"]["metrics"]["cognition"]["value"] == 800
    )


# readings, one by one


def test_letters_are_read_as_upstream_reads_them() -> None:
    four = ("oak", "red leaf", "U.S. mail", "iron")
    assert extract("It is made in the U.S. (B)", four) == Extracted(None)  # the first capital with a full stop is no option
    assert extract("G", four) == Extracted("G", "option")  # beyond the options
    assert extract("A ring of oak", four) == Extracted("A", "content")
    assert extract("red leaf or iron", four) == Extracted(None)
    assert extract("###(A)", four) == Extracted(None)


def test_a_turned_question_is_right_only_where_every_row_is(made: Path) -> None:
    task = load_catalog().tasks["chef-mmbench"]
    samples = task.samples(made)
    answers = {s.id: Answered(oracle_answer(task, s)) for s in samples}
    turned = next(s for s in samples if s.id != s.meta["base"])
    wrong = next(c for c in range(len(turned.choices)) if c != turned.target)
    answers[turned.id] = Answered(f"({'ABCD'[wrong]})")
    ours, theirs = (score(task, protocol, samples, answers).metrics for protocol in ("standard", "chef"))
    assert ours["vanilla"].value == theirs["vanilla_acc"].value == 100
    assert ours["circular"].value == theirs["circular_acc"].value == 100 * 7 / 8
    assert ours["circular"].clusters == 4  # questions about one picture are one cluster
    without = {name: each for name, each in answers.items() if name != turned.meta["base"]}
    asked = [sample for sample in samples if sample.id in without]
    assert score(task, "chef", asked, without).metrics["circular_acc"].value == 100  # upstream does not find the rest of it
    left = score(task, "standard", asked, without).metrics["circular"]
    assert left.n == 7 and "1 of 8 groups left out" in left.note


def test_a_belief_is_weighed_for_winoground_and_text_stands_for_certainty(made: Path) -> None:
    task = load_catalog().tasks["chef-winoground"]
    samples = task.samples(made)
    sure = {s.id: Answered(s.choices[s.target]) for s in samples}
    weak = {s.id: Answered("Yes", scores=(-1.0, -1.5) if s.target == 0 else (-1.0, -1.1)) for s in samples}
    for answers, accuracy in ((sure, 100), (weak, 50)):
        found = score(task, "standard", samples, answers).metrics
        assert found["accuracy"].value == accuracy
        assert [found[name].value for name in ("text", "image", "group")] == [100, 100, 100]
        assert found["group"].n == 8 and found["group"].clusters == 8
    lost = score(task, "standard", samples, {**sure, samples[0].id: Answered("Maybe.")}).metrics
    assert lost["group"].value == 87.5
    assert "upstream's evaluator stops here" in score(task, "chef", samples, sure).notes[0]  # no likelihoods


def test_statements_of_winoground_are_weighed_together(made: Path) -> None:
    task = load_catalog().tasks["chef-winoground-cap"]
    samples = task.samples(made)
    answers = {s.id: Answered("", scores=(-1.0, -2.0, -3.0, -1.5)) for s in samples}
    assert all(each.value == 100 for each in score(task, "standard", samples, answers).metrics.values())
    assert score(task, "chef", samples, answers).metrics["Group"].value == 0  # the lower the better, as upstream has it


def test_the_right_option_of_ch3ef_is_not_where_the_file_has_it(made: Path) -> None:
    task = load_catalog().tasks["chef-ch3ef-honest"]
    samples = task.samples(made)
    assert len({sample.target for sample in samples}) > 1
    unsure = next(sample for sample in samples if "I don't know." in sample.choices)
    for protocol in ("standard", "chef"):
        place = unsure.choices.index("I don't know.")
        position = unsure.meta["options"].index("I don't know.")
        found = score(task, protocol, [unsure], {unsure.id: Answered(unsure.choices[place])})
        assert found.headline[1].value == (100 if protocol == "standard" or position < 2 else 0)


# bad input


def test_what_is_missing_or_wrong_is_one_sentence(tmp_path: Path) -> None:
    root = make_scenarios(tmp_path / "c")
    words = ("run", "--model", "chance", "--data-root", root, "--output", tmp_path / "r", "--tasks")
    (root / "coco_pope/coco_pope_random.json").write_text('{"question_id": 1, "image": "a.jpg", "text": "?", "label": "maybe"}\n')
    assert 'item 0 (id 1): `label` is "maybe", expected `yes` or `no`' in refusal(*words, "chef-pope-random")
    (root / "SEED-Bench/SEED-Bench.json").write_text("[]")
    assert "no list under `questions`" in refusal(*words, "chef-seedbench")
    table = root / "MMBench/mmbench_dev_20230712.tsv"
    text = table.read_text()
    table.write_text(text.replace("\tquestion\t", "\tquery\t"))
    assert "no column `question`" in refusal(*words, "chef-mmbench")
    (root / "MMMU/validation.json").write_text(
        json.dumps([{"id": "v_Art_1", "question": "?", "options": "__import__('os')", "answer": "A", "question_type": "open"}])
    )
    assert "expected a list of texts as Python writes it" in refusal(*words, "chef-mmmu")
    (root / "Winoground/examples.jsonl").write_text('{"id": 0}\n')
    assert "has no key `caption_0`" in refusal(*words, "chef-winoground")
    (root / "Ch3Ef/meta_file/Honest.json").unlink()
    assert "Honest.json" in refusal(*words, "chef-ch3ef-honest")
    texts = next((root / "MME" / SUBTASKS[1]).glob("*.txt"))
    texts.write_text("Is it?\tPerhaps\n")
    assert f"{texts.name} line 1" in refusal(*words, "chef-mme")
    texts.parent.rename(root / "elsewhere")
    assert f"{SUBTASKS[1]} is missing; MME has a folder for each" in refusal(*words, "chef-mme")


def test_files_of_mme_that_belong_to_nothing_are_told(tmp_path: Path) -> None:
    root = make_scenarios(tmp_path / "c")
    folder = root / "MME" / SUBTASKS[1]
    (folder / "lonely.txt").write_text("Is it?\tYes\n")
    (folder / f"{SUBTASKS[1]}0.txt").unlink()
    said = done("data", "verify", "--data-root", root, "--tasks", "chef-mme")
    assert "lonely.txt" in said and "has no picture, and is passed over" in " ".join(said.split()) and "has no questions" in said
    assert len(load_catalog().tasks["chef-mme"].samples(root)) == 2 * (2 * len(SUBTASKS) - 1)


def test_options_that_are_level_are_unread_by_us_and_the_first_by_upstreams_count(made: Path) -> None:
    for name in ("chef-pope-random", "chef-mme", "chef-ch3ef-honest", "chef-fsc147", "chef-cifar10", "chef-scienceqa"):
        task = load_catalog().tasks[name]
        sample = task.samples(made)[0]
        level = (-1.0,) * len(sample.choices)
        flow = Likelihood().infer(sample, lambda part: Prompt(()), 9, 0)
        next(flow)
        with pytest.raises(StopIteration) as stop:
            flow.send(Response(logprobs=level, tokens=(1,) * len(level)))
        said = {sample.id: Answered(stop.value.value.text, scores=level)}
        assert score(task, "standard", [sample], said).counts["unread"] == 1, name
        first = {sample.id: Answered(sample.choices[0])}
        theirs = [score(task, "chef", [sample], answers).samples[sample.id] for answers in (said, first)]
        assert theirs[0]["right"] == (theirs[1]["right"] if name != "chef-scienceqa" else int(sample.target == 0))


def test_a_picture_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    root = make_scenarios(tmp_path / "c")
    line = {"question_id": 1, "image": "../../secret.jpg", "text": "?", "label": "no"}
    (root / "coco_pope/coco_pope_popular.json").write_text(json.dumps(line))
    said = refusal("run", "--model", "chance", "--data-root", root, "--output", tmp_path / "r", "--tasks", "chef-pope-popular")
    assert "leaves val2014/" in said


def test_questions_without_a_picture_are_counted_as_such(tmp_path: Path) -> None:
    root = make_scenarios(tmp_path / "c")
    (root / "coco_pope/val2014/COCO_val2014_000000000000.jpg").unlink()
    words = ("run", "--model", "chance", "--data-root", root, "--output", tmp_path / "r", "--tasks", "chef-pope-random")
    assert lamm_bench(*words, "--json", tmp_path / "r.json").exit_code != 0
    results = json.loads((tmp_path / "r.json").read_text())["results"]
    assert all(each["counts"]["media_error"] == 3 for each in results)
