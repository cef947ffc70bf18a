"""A checkpoint is tuned on a task's train split by one command, asked before and after, and nobody learns what was to be left out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lamm_bench.errors import BenchError
from lamm_bench.training.config.preset import Data
from lamm_bench.training.config.reading import checkpoint_called, read_preset
from lamm_bench.training.config.tasks import asked_by, tasks_named
from lamm_bench.training.data.dialogues import read_dialogues
from lamm_bench.training.data.without import TAUGHT, left_out
from lamm_bench.training.tuning import constructed

from .commands import done, refusal

FACES = "2D_Benchmark/meta_file/Facial_Classification_CelebA(Hair).json"
WORDS = ("train-baseline", "--preset", "finetune", "--set", "start=baseline", "--set", "tasks=celeba-hair")


@pytest.fixture(scope="module")
def faces(mini_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six faces to be asked about, and a train split of the same six and no others, whose hair is called by another colour."""
    root = tmp_path_factory.mktemp("faces")
    items = json.loads((mini_root / FACES).read_text())[:6]
    for base, colour in ((root, ""), (root / "train", "gray")):
        (base / FACES).parent.mkdir(parents=True)
        shutil.copytree(mini_root / "2D_Benchmark/celeba_images", base / "2D_Benchmark/celeba_images")
        (base / FACES).write_text(json.dumps([{**item, "attr": colour or item["attr"]} for item in items]))
    return root


@pytest.fixture(scope="module")
def tuned(faces: Path) -> tuple[Path, str]:
    """The checkpoint, and what the command printed."""
    output = faces / "out"
    return output, done(*WORDS, "--set", "stages.finetune.epochs=30", "--data-root", faces, "--output", output)


def test_the_command_trains_and_shows_both_with_intervals(tuned: tuple[Path, str]) -> None:
    output, said = tuned
    assert "celeba-hair" in said and f"compare {output}-after {output}-before" in " ".join(said.split())
    before, after = (json.loads((Path(f"{output}-{when}") / "result.json").read_text()) for when in ("before", "after"))
    first, second = (next(one for one in run["results"] if one["protocol"] == "standard") for run in (before, after))
    assert first["metrics"]["accuracy"]["value"] > 60 > second["metrics"]["accuracy"]["value"]  # all are called gray now
    assert second["metrics"]["accuracy"]["ci95"]
    answers = (Path(f"{output}-after") / "records/celeba-hair.jsonl").read_text()
    assert answers.count('"gray"') >= 5


def test_the_checkpoint_knows_what_it_has_seen(tuned: tuple[Path, str], faces: Path) -> None:
    seen = json.loads((tuned[0] / "seen.json").read_text())
    assert seen["tasks"]["celeba-hair"]["seen"] == seen["tasks"]["celeba-hair"]["media"] == 6
    assert "6 of 6" in done("leaderboard", "--results", faces, "--no-published", "--format", "markdown")


def test_the_same_command_finds_all_of_it_there_and_another_is_refused(tuned: tuple[Path, str], faces: Path) -> None:
    output, said = tuned
    before = (output / "lamm.safetensors").stat().st_mtime_ns
    again = done(*WORDS, "--set", "stages.finetune.epochs=30", "--data-root", faces, "--output", output)
    assert (output / "lamm.safetensors").stat().st_mtime_ns == before
    assert again.split("first")[-1] == said.split("first")[-1]
    words = (*WORDS, "--set", "stages.finetune.epochs=31", "--data-root", faces, "--output", output)
    assert "stages differs" in refusal(*words)


def test_a_start_stands_in_the_place_of_what_is_extended() -> None:
    plan = read_preset("finetune", {"start": "baseline"})
    assert (plan.extends, plan.start) == ("baseline", "") and plan.model.encoders
    with pytest.raises(BenchError, match="encoders_from"):
        read_preset("finetune", {"start": "baseline", "encoders_from": "baseline"})


def test_the_kinds_of_media_are_those_of_the_tasks() -> None:
    assert list(read_preset("finetune", {"tasks": "ucmerced,svt"}).data.media) == ["image"]
    assert list(read_preset("finetune", {"tasks": "ucmerced,scanqa"}).data.media) == ["image", "point_cloud"]
    assert list(read_preset("finetune").data.media) == ["image", "point_cloud"]


def test_a_checkpoint_of_pictures_alone_is_tuned_on_a_task_of_pictures(tmp_path: Path) -> None:
    own = checkpoint_called("baseline")
    shutil.copytree(own, tmp_path / "flat")
    config = json.loads((own / "config.json").read_text())
    del config["point_cloud"]
    (tmp_path / "flat/config.json").write_text(json.dumps(config))
    plan = read_preset("finetune", {"start": str(tmp_path / "flat"), "tasks": "celeba-hair"})
    assert list(plan.model.encoders) == list(plan.data.media) == ["image"]


def test_every_task_of_lamms_benchmark_has_its_kind_of_question_and_its_place_in_the_miniature() -> None:
    tasks = tasks_named(read_preset("finetune", {"tasks": "all"}))
    assert all(asked_by(task) for task in tasks)
    assert {task.name for task in tasks} == TAUGHT.keys()


@pytest.mark.parametrize(
    ("tasks", "fault"), [("sqaimages", "sqaimage"), ("mmstar", "mmstar is no file"), ("ucmerced", "train split of ucmerced")]
)
def test_tasks_that_cannot_be_learnt_are_one_sentence(faces: Path, tmp_path: Path, tasks: str, fault: str) -> None:
    with pytest.raises(BenchError, match=fault):
        constructed(read_preset("finetune", {"tasks": tasks}), tmp_path / "made", faces)
    assert not (tmp_path / "made").exists()


# what is left out


@pytest.fixture
def dialogues(tmp_path: Path):
    file = tmp_path / "2D_Instruct/meta_file/a.json"
    file.parent.mkdir(parents=True)
    told = [
        ("celeba_images/1.jpg", "facial_classification"),
        ("celeba_images/1.jpg", "description"),
        ("voc2012_images/2.jpg", "VQA"),
    ]
    told += [("voc2012_images/2.jpg", "detection"), ("voc2012_images/3.jpg", "description")]
    turns = [{"from": "human", "value": "What?"}, {"from": "gpt", "value": "That."}]
    items = [{"id": i, "image": image, "task_type": kind, "conversations": turns} for i, (image, kind) in enumerate(told)]
    file.write_text(json.dumps(items))
    return read_dialogues(tmp_path, Data(media={"image": ("2D_Instruct/meta_file/a.json",)}))


@pytest.mark.parametrize(
    ("without", "left"),
    [
        ((), 5), (("celeba-hair",), 3), (("celeba_images",), 3), (("sqaimage",), 4), (("voc2012_images/detection",), 4),
        (("sqaimage", "voc2012"), 3), (("celeba-smile", "flickr30k"), 2),
    ],
)  # fmt: skip
def test_a_task_a_folder_or_a_kind_is_left_out_whole(dialogues, without: tuple[str, ...], left: int) -> None:
    kept, gone = left_out(dialogues, Data(without=without))
    assert len(kept) == left and len(gone) == 5 - left


@pytest.mark.parametrize(
    ("without", "fault"),
    [(("sqaimges",), "sqaimage"), (("ucmerced",), "nothing"), (("celeba_images", "voc2012_images"), "leaves nothing")],
)
def test_what_leaves_nothing_out_or_nothing_over_is_refused(dialogues, without: tuple[str, ...], fault: str) -> None:
    with pytest.raises(BenchError, match=fault):
        left_out(dialogues, Data(without=without))


def test_the_preset_that_leaves_one_out_is_the_baselines_but_for_that() -> None:
    plan, whole = read_preset("leave-one-out"), read_preset("mini")
    assert plan.data.without == ("celeba-hair",) and (plan.stages, plan.model) == (whole.stages, whole.model)
