"""Laws that every task of the shelf must keep, whoever wrote it: the oracle is perfect, chance is well-formed, bad files are
refused in one sentence that names file, item and key."""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lamm_bench.tasks
from lamm_bench.errors import BenchError
from lamm_bench.measure import scoring
from lamm_bench.measure.floors import chance_answer
from lamm_bench.measure.scoring import Answered, oracle_answer
from lamm_bench.task import is_plain
from lamm_bench.tasks.loading import another
from lamm_bench.types import Answer, Sample

from .made import make_file

SHARED = Path(__file__).parents[1].parent / "shared"
FOUND = pkgutil.walk_packages(lamm_bench.tasks.__path__, "lamm_bench.tasks.")
MODULES = [importlib.import_module(info.name) for info in FOUND]
TASKS = [task for module in MODULES for task in getattr(module, "TASKS", ()) if not getattr(task, "apart", False)]
NAMES = {
    *("cifar10", "voc2012", "sqaimage", "ai2d", "flickr30k", "ucmerced", "fsc147", "svt", "celeba-smile", "celeba-hair", "lsp"),
    *("locating-voc2012", "locating-lsp", "locating-fsc147", "scannet", "scanrefer", "scanqa"),
}
HEADLINES = {
    **dict.fromkeys(["cifar10", "ucmerced", "celeba-smile", "celeba-hair", "sqaimage", "ai2d", "scanqa"], "accuracy"),
    "voc2012": "F1@0.5",
    "scannet": "F1@0.25",
    "scanrefer": "acc@0.25",
    "lsp": "PCK@0.1",
    "fsc147": "MAE",
    **dict.fromkeys(["locating-voc2012", "locating-lsp", "locating-fsc147"], "hit_rate"),
    "svt": "word_recall",
    "flickr30k": "BLEU-4",
}
LOWER = {"median_error", "unread_joints", "MAE", "RMSE", "CER", "ambiguous"}
BEST = {True: 0.0, False: 100.0}

every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


@pytest.fixture(autouse=True)
def no_java(monkeypatch):
    """METEOR starts a Java program; its own test runs it."""
    captioning = importlib.import_module("lamm_bench.measure.caption_scorer")
    monkeypatch.setattr(captioning, "meteor_absent", lambda: "METEOR is absent: this is a test")


def headline(task, samples: list[Sample], answers: dict[str, Answer]) -> float | None:
    stored = {name: Answered(text) for name, text in answers.items()}
    result = scoring.score(task, "standard", samples, stored, references=False)
    return result.headline[1].value


def test_the_seventeen_tasks_are_there_once():
    names = [task.name for task in TASKS]
    assert len(names) == len(set(names))
    assert set(names) >= NAMES


@every_task
def test_a_task_says_what_it_is(task):
    module = sys.modules[type(task).__module__]
    assert module.__doc__ and type(task).__doc__
    assert task.modality in ("image", "point_cloud")
    assert ("3d" if task.modality == "point_cloud" else "2d") in task.groups
    assert ("locating" in task.groups) == task.name.startswith("locating")
    assert task.max_new_tokens > 0 and task.kind and task.meta_files and task.answer_files
    assert task.meta_files[0].startswith("3D_" if "3d" in task.groups else "2D_")


@every_task
def test_every_task_has_the_protocols_and_its_headline_first(task):
    assert list(task.protocols)[0] == "standard"
    if task.name in NAMES:
        assert "classic" in task.protocols
        metrics = task.protocols["standard"].metrics
        assert metrics[0].name == HEADLINES[task.name]
        assert len({metric.name for metric in metrics}) == len(metrics)
        assert all((metric.better == "lower") == (metric.name in LOWER) for metric in metrics)


@every_task
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_the_oracle_is_perfect_on_made_files(task, seed, tmp_path):
    make_file(tmp_path, task, seed)
    samples = list(task.samples(tmp_path))
    answers = {sample.id: oracle_answer(task, sample) for sample in samples}
    stored = {name: Answered(text) for name, text in answers.items()}
    result = scoring.score(task, "standard", samples, stored, references=False)
    for name, estimate in result.metrics.items():
        if name not in ("CIDEr", "METEOR", "ROUGE-L") and estimate.value is not None:
            assert estimate.value == pytest.approx(BEST[name in LOWER], abs=1e-9), name
    assert result.counts["unread"] == 0


@every_task
@pytest.mark.parametrize("data", ["goldens/data", "real"])
def test_the_oracle_is_perfect_on_shared_files(task, data):
    root = SHARED / data
    if not any((root / name).is_file() for name in task.meta_files):
        pytest.skip(f"no {task.meta_files[0]} under ../shared/{data}")
    samples = list(task.samples(root))
    answers = {sample.id: oracle_answer(task, sample) for sample in samples}
    assert headline(task, samples, answers) == BEST[HEADLINES[task.name] in LOWER]


@every_task
def test_silence_is_the_worst_answer(task, tmp_path):
    make_file(tmp_path, task)
    samples = list(task.samples(tmp_path))
    scorer = task.protocols["standard"]
    for sample in samples:
        silence = dict.fromkeys(sample.parts, "") if sample.parts else ""
        assert scorer.read(silence, sample) is None
    value = headline(task, samples, {sample.id: "" for sample in samples})
    best, chance = (
        BEST[scorer.metrics[0].better == "lower"],
        headline(task, samples, {s.id: chance_answer(task, s, samples) for s in samples}),
    )
    if scorer.metrics[0].better == "higher":
        assert value == pytest.approx(0.0, abs=1e-6)
    else:
        assert value > best and chance is not None


@every_task
def test_chance_and_majority_can_always_be_read(task, tmp_path):
    make_file(tmp_path, task)
    samples = list(task.samples(tmp_path))
    scorer = task.protocols["standard"]
    usual = task.majority(samples)
    for sample in samples:
        assert scorer.read(chance_answer(task, sample, samples), sample) is not None
        if not sample.choices:  # the usual letter may be one that this question does not have
            assert scorer.read(usual, sample) is not None


@every_task
def test_chance_does_not_look_at_the_answer(task, tmp_path):
    make_file(tmp_path, task)
    samples = list(task.samples(tmp_path))
    for sample in samples[:5]:
        part = sample.parts[0] if sample.parts else ""
        blind = [other if other.id != sample.id else sample_without_target(sample) for other in samples]
        first = task.chance(sample, Random("a"), samples, part)
        assert task.chance(sample_without_target(sample), Random("a"), blind, part) == first


def test_another_sample_is_never_the_same():
    first, second = (Sample(name, "?", (), 0, name) for name in "ab")
    assert {another(first, [first, second], Random(seed)).id for seed in range(20)} == {"b"}
    assert another(first, [first], Random(0)) is None


def sample_without_target(sample: Sample) -> Sample:
    return replace(sample, target=None)


@every_task
def test_the_majority_is_no_worse_than_chance_on_a_lopsided_file(task, tmp_path):
    """Half of the file is one item's twin: a constant answer must then at least do as well as chance."""
    file = make_file(tmp_path, task, items=20)
    entries = json.loads(file.read_text())
    own = {key: value for key, value in entries[0].items() if key not in ("id",)}
    file.write_text(json.dumps([*entries, *({**own, "id": 100 + number} for number in range(60))]))
    samples = list(task.samples(tmp_path))
    usual = headline(task, samples, dict.fromkeys([s.id for s in samples], task.majority(samples)))
    drawn = headline(task, samples, {s.id: chance_answer(task, s, samples) for s in samples})
    assert usual is not None and drawn is not None
    if task.name not in ("voc2012", "scannet", "locating-voc2012", "svt", "scanrefer"):  # a mean box may hit nothing
        assert usual <= drawn if HEADLINES[task.name] in LOWER else usual >= drawn


@pytest.mark.parametrize("name", ["cifar10", "sqaimage", "celeba-smile", "scanqa"])
def test_chance_is_at_chance(name, tmp_path):
    task = next(task for task in TASKS if task.name == name)
    make_file(tmp_path, task, items=1500)
    samples = list(task.samples(tmp_path))
    value = headline(task, samples, {s.id: chance_answer(task, s, samples) for s in samples})
    shares = [1 / len(s.choices) if s.choices else 0.5 if name == "celeba-smile" else 0.1 for s in samples]
    expected, spread = sum(shares), sum(p * (1 - p) for p in shares) ** 0.5
    assert abs(value * len(samples) / 100 - expected) < 4 * spread


@every_task
def test_ids_may_be_missing_or_numbers(task, tmp_path):
    file = make_file(tmp_path, task, items=3)
    entries = json.loads(file.read_text())
    del entries[0]["id"]
    entries[2]["id"] = 7
    file.write_text(json.dumps(entries))
    assert [sample.id for sample in task.samples(tmp_path)] == ["0", "1", "7"]


@every_task
def test_every_accepted_spelling_of_the_meta_file_is_read(task, tmp_path):
    file = make_file(tmp_path, task, items=2)
    for name in task.meta_files[1:]:
        file = file.rename(tmp_path / name)
        assert len(task.samples(tmp_path)) == 2


def test_the_two_misspellings_of_upstream_are_accepted():
    names = {name for task in TASKS for name in task.meta_files}
    assert {"2D_Benchmark/meta_file/Keypoints_Dectection_LSP.json", "2D_Benchmark/meta_file/VQA_ScienceQA.json"} <= names


@every_task
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_broken_item_is_refused_with_file_item_and_key(task, data, tmp_path):
    """One key of one item is taken out or replaced by something wrong; the error says where."""
    file = make_file(tmp_path, task, items=3)
    entries = json.loads(file.read_text())
    keys = sorted(set(entries[1]) - {"id"})
    key = data.draw(st.sampled_from(keys))
    wrong = data.draw(st.sampled_from([None, [], {}, 3.5, [1, "two"], [[]], [{}], [[1.0, 2.0], [3.0]], True]))
    if data.draw(st.booleans()):
        del entries[1][key]
    else:
        entries[1][key] = wrong
    file.write_text(json.dumps(entries))
    with pytest.raises(BenchError) as caught:
        task.samples(tmp_path)
    said = str(caught.value)
    assert str(file) in said and "item 1" in said and "`" in said and "\n" not in said
    assert f"`{key}`" in said or key in ("object", "gt_bbox", "gt_choice", "gt_choices", "image", "pcl")


@pytest.mark.parametrize(
    ("name", "key", "wrong"),
    [
        ("sqaimage", "gt_choice", 9),
        ("sqaimage", "gt_choice", -1),
        ("sqaimage", "gt_choices", ["only one"]),
        ("voc2012", "object", [{"label": "cat", "bbox": [0.1, 0.2, 0.3]}]),
        ("voc2012", "object", [{"label": "cat", "bbox": [10, 20, 300, 400]}]),
        ("voc2012", "object", [{"label": "cat", "bbox": [0.5, 0.2, 0.3, 0.4]}]),
        ("voc2012", "object", [{"label": "...", "bbox": [0.1, 0.2, 0.3, 0.4]}]),
        ("scannet", "object", [{"label": "bed", "bbox": [0, 0, 0, 1, 1, 0]}]),
        ("scanrefer", "gt_bbox", [1, 2, 3, 4, 5]),
        ("celeba-smile", "attr", "0"),
        ("celeba-smile", "attr", 1),
        ("fsc147", "num", -1),
        ("fsc147", "num", 2.5),
        ("lsp", "gt_joints", [[1.0, 2.0]] * 13),
        ("lsp", "gt_joints", [[float("nan"), 2.0]] * 14),
        ("lsp", "query", "Where is the knee?"),
        ("svt", "word_list", ["...", ""]),
        ("flickr30k", "sentences", ["..."]),
        ("locating-fsc147", "points", [[1.0, 2.0, 3.0]]),
        ("cifar10", "image", "../../secret.png"),
        ("scanqa", "pcl", "/etc/passwd"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(name, key, wrong, tmp_path):
    task = next(task for task in TASKS if task.name == name)
    file = make_file(tmp_path, task, items=2)
    entries = json.loads(file.read_text())
    if name == "scanrefer":
        entries[1].pop("object", None)
    entries[1][key] = wrong
    file.write_text(json.dumps(entries))
    with pytest.raises(BenchError, match="item 1"):
        task.samples(tmp_path)


def test_an_image_that_cannot_be_opened_ends_its_samples_not_the_run(tmp_path):
    for name in ("lsp", "locating-lsp", "locating-fsc147"):
        task = next(task for task in TASKS if task.name == name)
        file = make_file(tmp_path, task, items=3)
        (file.parent.parent / json.loads(file.read_text())[1]["image"]).write_bytes(b"not an image")
        samples = task.samples(tmp_path)
        assert [sample.meta["size"] is None for sample in samples] == [False, True, False]
        stored = {sample.id: Answered(oracle_answer(task, sample)) for sample in samples}
        result = scoring.score(task, "standard", samples, stored)
        assert result.counts["media_error"] == 1 and result.headline[1].value == 100.0


def test_scans_of_one_room_are_one_cluster_and_other_rooms_keep_their_names(tmp_path):
    task = next(task for task in TASKS if task.name == "scanqa")
    file = make_file(tmp_path, task, items=4)
    entries = json.loads(file.read_text())
    entries[3]["pcl"] = "./scannet_pcls/room_dev_03.npy"
    file.write_text(json.dumps(entries))
    assert [sample.group for sample in task.samples(tmp_path)] == ["scene0000", "scene0000", "scene0000", "room_dev_03"]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_examples_in_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


def test_no_task_module_loads_torch_or_pycocotools():
    code = "import sys, lamm_bench.tasks.detection, lamm_bench.tasks.captioning; print([m for m in ('torch', 'pycocotools') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_paths_that_nobody_takes_apart_are_what_taking_them_apart_gives() -> None:
    rng = Random(0)
    found = ["".join(rng.choice("a./.\n:b") for _ in range(rng.randint(0, 6))) for _ in range(3000)]
    plain = [path for path in found if is_plain(path)]
    assert 300 < len(plain) < len(found)
    for path in plain:
        assert str(Path("/x/y") / path) == f"/x/y/{path}" and str(PurePosixPath(path)) == path
        assert ".." not in Path(path).parts and ":" not in path
