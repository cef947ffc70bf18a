"""The models that look at nothing: perfect, random, constant and scripted answers, in one turn or several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamm_bench.adapters.baselines import ADAPTERS, Chance, Majority, Oracle, Scripted
from lamm_bench.errors import BenchError
from lamm_bench.media import modalities
from lamm_bench.tasks import keypoints, vqa
from lamm_bench.types import Generate, Job, Message, Response, Sample, Score

from .made import make_file

QUESTION = (Message("user", ("What is this?",)),)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    task = vqa.TASKS[0]
    make_file(tmp_path, task)
    return Job(task, task.samples(tmp_path))


def asked(adapter, job: Job, samples: list[Sample] | None = None) -> dict[str, Response]:
    """Every sample asked once, by id and part."""
    adapter.begin(job)
    requests = [Generate(QUESTION, sample=s.id, part=part) for s in samples or job.samples for part in s.parts or ("",)]
    responses = dict(adapter.generate(requests))
    assert sorted(responses) == list(range(len(requests)))
    return {f"{request.sample}/{request.part}": responses[number] for number, request in enumerate(requests)}


def chosen(adapter, job: Job, render) -> list[int]:
    """The likeliest option of every sample."""
    adapter.begin(job)
    requests = [Score(QUESTION, tuple(map(render, range(len(s.choices)), s.choices)), s.id) for s in job.samples]
    responses = dict(adapter.score(requests))
    for number, request in enumerate(requests):
        assert len(responses[number].logprobs) == len(responses[number].tokens) == len(request.options)
    return [responses[n].logprobs.index(max(responses[n].logprobs)) for n in range(len(requests))]


def letter(index: int, text: str) -> str:
    return f"({'ABCDEFGH'[index]})"


def letter_and_text(index: int, text: str) -> str:
    return f"{letter(index, text)} {text}"


def only_text(index: int, text: str) -> str:
    return text


def test_the_baselines_have_names_modalities_and_fingerprints(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    made = [Oracle(), Chance(), Majority(), Scripted(str(tmp_path))]
    assert [adapter.name for adapter in made] == list(ADAPTERS)
    assert len({adapter.fingerprint() for adapter in made}) == 4
    assert all(adapter.modalities == modalities().keys() for adapter in made)


def test_the_oracle_answers_the_truth(job):
    assert [asked(Oracle(), job)[f"{s.id}/"].text for s in job.samples] == [job.task.oracle(s) for s in job.samples]


@pytest.mark.parametrize("render", [letter, letter_and_text, only_text])
def test_the_oracle_finds_the_right_option_likeliest(job, render):
    assert chosen(Oracle(), job, render) == [sample.target for sample in job.samples]


def test_chance_depends_on_the_seed_and_the_sample_and_on_nothing_else(job):
    first = asked(Chance(seed=1), job)
    backwards = asked(Chance(seed=1), job, list(job.samples)[::-1])
    assert first == backwards
    assert first != asked(Chance(seed=2), job)
    assert Chance(seed=1).fingerprint() != Chance(seed=2).fingerprint()
    assert len(set(chosen(Chance(), job, letter))) > 1


def test_the_majority_always_says_the_same(job):
    said = {response.text for response in asked(Majority(), job).values()}
    assert said == {job.task.majority(job.samples)}


def test_joints_are_answered_one_by_one(tmp_path):
    task = keypoints.TASKS[0]
    make_file(tmp_path, task, items=2)
    job = Job(task, task.samples(tmp_path))
    usual = task.majority(job.samples)
    said = asked(Majority(), job)
    assert said["0/neck"].text == usual["neck"] != said["0/right ankle"].text
    assert asked(Oracle(), job)["1/left knee"].text == task.oracle(job.samples[1], "left knee")
    drawn = asked(Chance(), job)
    assert drawn["0/neck"] != drawn["0/left knee"]


def test_a_sample_that_was_never_told_is_an_error(job):
    for adapter in (Oracle(), Chance(), Majority()):
        adapter.begin(job)
        with pytest.raises(BenchError, match="ghost"):
            dict(adapter.generate([Generate(QUESTION, sample="ghost")]))


def upstream(path: Path, entries: list[dict]) -> None:
    path.write_text("\n".join(map(json.dumps, entries)) if path.suffix == ".jsonl" else json.dumps(entries))


@pytest.mark.parametrize("name", ["VQA_SQAimage.json", "VQA_SQAimage.jsonl", "VQA_ScienceQA.json"])
def test_scripted_answers_come_from_a_folder_of_upstreams_files(job, tmp_path, name):
    folder = tmp_path / "answers"
    folder.mkdir()
    upstream(folder / name, [{"id": 1, "text": "one"}, {"id": 0, "text": "zero"}])
    said = asked(Scripted(str(folder)), job)
    assert (said["0/"].text, said["1/"].text) == ("zero", "one")


def test_scripted_answers_come_from_one_file_or_a_plain_object(job, tmp_path):
    upstream(tmp_path / "list.json", [{"id": "0", "text": "zero"}])
    (tmp_path / "plain.json").write_text('{"0": "zero"}')
    for name in ("list.json", "plain.json"):
        assert asked(Scripted(str(tmp_path / name)), job)["0/"].text == "zero"


def test_a_missing_answer_is_an_error_and_never_an_empty_text(job, tmp_path):
    (tmp_path / "plain.json").write_text('{"0": ""}')
    said = asked(Scripted(str(tmp_path / "plain.json")), job)
    assert said["0/"] == Response("")
    assert said["1/"].status == "model_error" and "'1'" in str(said["1/"].error)


def test_scripted_answers_choose_options(job, tmp_path):
    (tmp_path / "plain.json").write_text(json.dumps({s.id: f"The answer is {letter(s.target, '')}" for s in job.samples}))
    assert chosen(Scripted(str(tmp_path / "plain.json")), job, letter) == [s.target for s in job.samples]


def test_scripted_answers_of_parts_may_be_missing_one_by_one(tmp_path):
    task = keypoints.TASKS[0]
    make_file(tmp_path, task, items=1)
    (tmp_path / "plain.json").write_text('{"0": {"neck": "[0.1, 0.2]"}}')
    said = asked(Scripted(str(tmp_path / "plain.json")), Job(task, task.samples(tmp_path)))
    assert said["0/neck"].text == "[0.1, 0.2]"
    assert said["0/head top"].status == "model_error"


def test_the_fingerprint_of_scripted_follows_the_answers(tmp_path):
    file = tmp_path / "plain.json"
    file.write_text('{"0": "a"}')
    first = Scripted(str(file)).fingerprint()
    assert first == Scripted(str(tmp_path)).fingerprint() or first
    file.write_text('{"0": "b"}')
    assert Scripted(str(file)).fingerprint() != first


@pytest.mark.parametrize("text", ["{broken", '{"0": 3}', '[{"id": 0}]', '"text"'])
def test_answers_that_are_no_answers_are_refused(job, tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(BenchError, match="bad.json"):
        Scripted(str(tmp_path / "bad.json")).begin(job)


def test_a_path_that_is_not_there_is_refused_at_once():
    with pytest.raises(BenchError, match="nowhere"):
        Scripted("nowhere.json")
