"""The benchmarks run, with shapes so small that their figures mean nothing."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from .browser import CHROMIUM
from .chef_made import make_scenarios

FOLDER = Path(__file__).parents[1] / "benchmarks"


def benchmark(name: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *words])
    return importlib.import_module(name)


def test_inference_prints_its_ratios(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark("inference", monkeypatch, "--tiny").main()
    printed = capsys.readouterr().out
    assert len(re.findall(r"\d+\.\dx", printed)) == 12  # six rows, on the processor and on the wall
    assert re.findall(r"(\d+) of \1 answers equal", printed) == ["2"] * 4
    assert all(float(worst) < 1e-4 for worst in re.findall(r"log-likelihood: (\S+)", printed))


def test_a_scene_in_two_turns_is_a_row_of_its_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    module = benchmark("inference", monkeypatch, "--tiny", "--only", "turns")
    module.main()
    printed = capsys.readouterr().out
    assert len(re.findall(r"\d+\.\dx", printed)) == 2 and "2 of 2 answers equal in both turns" in printed
    words = importlib.import_module("models").Turned()  # what an answer said is read back as the tokens that it was
    said = (5, 260, 299, 40000)
    assert words.encode("ab" + words.decode(said)) == (*words.encode("ab"), *said)
    assert len(words.encode("\n\n### Assistant:")) == 5 and len(words.encode(" ###\nANSWER:")) == 6  # as SmolLM2's tokenizer


def test_gpu_runs_small_shapes_on_the_cpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark("gpu", monkeypatch, "--tiny", "--batches", "1,3", "--new", "4", "--bandwidth", "10", "--peak", "0.1").main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if re.match(r" +\d+ ", line)]
    assert [row[0] for row in rows] == ["1", "3"] and all(int(row[2]) > 0 and row[6] == "%" for row in rows)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_gpu_says_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="needs a CUDA device, and PyTorch finds none here"):
        benchmark("gpu", monkeypatch).main()


def test_the_roofline_is_that_of_reading_and_of_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = benchmark("gpu", monkeypatch)
    model = module.random_lamm(module.SHAPES["tiny"], {})
    count, size = module.weights(model)
    per_token = 2 * 2 * 64 * size  # keys and values of two layers
    slow_memory = module.limits(model, 3, 10, 2, bandwidth=1.0, peak=1e30)
    assert slow_memory == pytest.approx(count * size + 3 * 11 * per_token)
    slow_computing = module.limits(model, 3, 10, 2, bandwidth=1e30, peak=1.0)
    assert slow_computing == pytest.approx(2 * count * 3 * 10 + 2 * count * 3)


def test_killed_runs_lose_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        benchmark("kills", monkeypatch, "--kills", "4", "--every", "31").main()
    assert ended.value.code == 0 and re.search(r"[1-9]\d* kills: 0 went wrong", capsys.readouterr().out)


def test_workers_and_drivers_that_are_killed_lose_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--questions", "40", "--seconds", "0.01", "--workers", "2", "--deaths", "1", "--shards", "2", "--short")
    with pytest.raises(SystemExit) as ended:
        benchmark("faults", monkeypatch, *words).main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert ended.value.code == 0 and len(rows) == 5
    assert all(row[-5:-1] == ["0", "0", "0", "identical"] for row in rows)
    assert int(rows[3][-6]) >= 1  # a driver died


def test_of_many_workers_a_third_is_killed_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        benchmark("faults_many", monkeypatch, "--workers", "30", "--questions", "480", "--share", "0.3", "--hang", "0.1").main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert ended.value.code == 0 and len(rows) == 2 and int(rows[1][-6]) >= 3  # as many had died
    assert all(row[-5:-1] == ["0", "0", "0", "identical"] for row in rows)


def test_drivers_that_are_killed_and_folders_that_lag_lose_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--questions", "12", "--deaths", "2", "--shards", "2", "--views", "2", "--seconds", "0.001")
    with pytest.raises(SystemExit) as ended:
        benchmark("faults_files", monkeypatch, *words).main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:4]]
    assert ended.value.code == 0 and all(row[-5:-1] == ["0", "0", "0", "identical"] for row in rows)


def test_jobs_with_claims_lose_nothing_and_wait_for_nobody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--questions", "48", "--jobs", "3", "--seconds", "0.02", "--slower", "4", "--patience", "1")
    with pytest.raises(SystemExit) as ended:
        benchmark("faults_claims", monkeypatch, *words).main()
    printed = capsys.readouterr().out
    rows = [line.split() for line in printed.splitlines() if "identical" in line]
    assert ended.value.code == 0 and len(rows) == 4 and rows[1][-6] == "1"  # a job died
    assert all(row[-5:-1] == ["0", "0", "0", "identical"] for row in rows)
    assert re.search(r"\(\d+ files of claims, [1-9]\d* blocks taken over", printed)
    assert re.search(r"fixed shares need \d+\.\d\d times the seconds of claims", printed)


def test_overlap_prints_its_ratio(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    module = benchmark("overlap", monkeypatch, "--only", "batches", "--tasks", "svt,cifar10,scanqa", "--limit", "3")
    monkeypatch.setattr(module, "SECONDS", 0.02)
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 0 and re.search(r"^batches +9 .* \d+\.\d\dx .*identical$", capsys.readouterr().out, re.M)


def test_serving_prints_its_rates(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    benchmark("serving", monkeypatch, "--questions", "40", "--seconds", "0.002", "--failing", "0", "--replicas", "1", "2").main()
    assert re.search(r"0 % of the calls fail: \d+\.\d answers/s, 0 calls repeated", capsys.readouterr().out)


def test_scoring_of_chef_prints_every_scenario(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("lamm_bench.tasks.chef_captions.meteor_absent", lambda: "no Java")
    benchmark("chef_scoring", monkeypatch, str(make_scenarios(tmp_path)), "--answers", "310").main()
    printed = capsys.readouterr().out
    assert re.search(r"^310 answers over 31 scenarios under `chef`: \d+\.\d s$", printed, re.M)


def test_a_page_is_made_opened_scrolled_searched_and_its_cloud_turned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if CHROMIUM is None:
        pytest.skip("needs Chromium (`apt-get install chromium`)")
    benchmark("view", monkeypatch, "--samples", "60", "--pictures", "2", "--times", "1").main()
    printed = capsys.readouterr().out
    assert "open until all 60 are there" in printed and "open a cloud of 200,000 points by webgl2" in printed
    assert len(re.findall(r"script \d+\.\d / \d+\.\d / \d+\.\d ms; with style", printed)) == 4 and "0 left" in printed
    frames = importlib.import_module("devtools").frames_of
    event = {"pid": 1, "tid": 1, "ph": "X"}
    marks = [{**event, "ph": "I", "name": "frame", "ts": ts} for ts in (0, 1000)]
    outer = {**event, "name": "FunctionCall", "ts": 100, "dur": 500, "tdur": 400}
    inner = {**event, "name": "Layout", "ts": 200, "dur": 200, "tdur": 150}
    other = {**outer, "tid": 2}
    assert frames([*marks, outer, inner, other]).cost == [{"script": 0.25, "layout": 0.15}]


UTILS = """
from PIL import Image
import openai

def show(doc):
    return [doc["image"].convert("RGB")]

def draw(doc):
    ImageDraw.Draw(doc["image"])
    return [doc["image"]]

def ask(doc, lmms_eval_specific_kwargs=None):
    listed = " ".join(doc["options"])
    return doc["question"] + listed + lmms_eval_specific_kwargs["post_prompt"]

def plain(doc, lmms_eval_specific_kwargs=None):
    return doc["question"]

def count(doc, results):
    return {"accuracy": results[0].strip() == doc["answer"]}

def rate(doc, results):
    return {"accuracy": openai.rate(results[0], doc["answer"])}

def listen(doc):
    return [doc["audio"]["array"]]
"""
COMMON = "dataset_path: me/Some\ntest_split: val\noutput_type: generate_until\nlmms_eval_specific_kwargs: {default: {post_prompt: Answer.}}\n"


def test_the_share_of_lmms_evals_tasks_is_told_with_its_reasons(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow", reason="parquet needs the extra `data`")
    folder = tmp_path / "lmms_eval/tasks/some"
    folder.mkdir(parents=True)
    (folder / "utils.py").write_text(UTILS)
    (folder / "_common").write_text(COMMON)
    for name, functions in {
        "letters": ("show", "ask", "count"), "words": ("show", "plain", "count"), "boxed": ("draw", "plain", "count"),
        "rated": ("show", "plain", "rate"), "heard": ("listen", "plain", "count"),
    }.items():  # fmt: skip
        shown, asked, counted = (f"!function utils.{one}" for one in functions)
        text = f"include: _common\ntask: {name}\ndoc_to_visual: {shown}\ndoc_to_text: {asked}\ndoc_to_target: answer\nprocess_results: {counted}\n"
        (folder / f"{name}.yaml").write_text(text)
    benchmark("lmms_eval_share", monkeypatch, str(folder.parent), "--output", str(tmp_path / "out")).main()
    printed = capsys.readouterr().out
    assert "5 leaf tasks: 4 of image, 1 of audio" in printed and "declared: 2 of 4 (50 %), in 1 folders" in printed
    assert "| **declared** by the converter | 2 | 1 | 50 % |" in printed and "letter/accuracy 1, text/accuracy 1" in printed
    assert "| a judge rates answers | 1 |" in printed and "| pictures are drawn or put together | 1 |" in printed
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["letters.yaml", "words.yaml"]
    assert "{question}" in (tmp_path / "out/letters.yaml").read_text()
