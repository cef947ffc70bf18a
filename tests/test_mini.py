"""The miniature: the same bytes everywhere, upstream's files, fair labels, nothing shared between splits, never half-made."""

from __future__ import annotations

import collections
import csv
import hashlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from lamm_bench.data.mini import cache, drawing, layout, workers, workshop
from lamm_bench.data.mini.drawn import Split
from lamm_bench.data.mini.objects import CIFAR10, DRAWINGS, VOC, pose
from lamm_bench.data.mini.shapes import OVER, paint
from lamm_bench.data.mini.sheets import SHEETS
from lamm_bench.errors import BenchError

FEW: dict[Split, int] = {"test": 6, "val": 3, "train": 4}
ONE: dict[Split, int] = {"test": 1, "val": 1, "train": 1}
META = (".json", ".tsv")


def tree(folder: Path) -> dict[str, str]:
    """Every file's path and hash."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def entries(folder: Path, stem: str) -> list[dict[str, Any]]:
    return json.loads((folder / "meta_file" / f"{stem}.json").read_text(encoding="utf-8"))


def drawn_items(name: str, stem: str, count: int = 120) -> list[dict[str, Any]]:
    """Test items of one subject, as many as the default miniature has."""
    subject = drawing.subjects()[name]
    return [item for index in range(count) for item in drawing.draw(0, "test", subject, index).items[stem]]


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mini") / "few"
    layout.make(out, workers=1, counts=FEW)
    return out


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "lamm-bench"


# --- laws ---------------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_processes(mini: Path, tmp_path: Path) -> None:
    layout.make(tmp_path / "two", workers=2, counts=FEW)
    assert tree(tmp_path / "two") == tree(mini)


def test_a_picture_does_not_hang_on_how_many_are_drawn(mini: Path, tmp_path: Path) -> None:
    layout.make(tmp_path / "one", parts=("test",), workers=1, counts=ONE)
    full = tree(mini)
    media = {name: digest for name, digest in tree(tmp_path / "one").items() if not name.endswith(META)}
    assert media and all(full[name] == digest for name, digest in media.items())


def test_another_seed_gives_other_pictures(mini: Path, tmp_path: Path) -> None:
    layout.make(tmp_path / "other", seed=1, parts=("test",), workers=1, counts=ONE)
    other = {digest for name, digest in tree(tmp_path / "other").items() if not name.endswith(META)}
    assert other.isdisjoint(tree(mini).values())


@pytest.mark.parametrize("name", drawing.subjects())
def test_train_validation_and_test_never_share_an_item(name: str) -> None:
    subject = drawing.subjects()[name]
    seen: dict[str, str] = {}
    for split in drawing.PARTS:
        for index in range(12 if subject.base == "2D" else 3):
            for path, data in drawing.draw(0, split, subject, index).media.items():
                own = f"{split}/{index}" if name == "mmbench" else f"{split}/{path}"  # which has a picture once for each row
                where = seen.setdefault(hashlib.sha256(data).hexdigest(), own)
                assert where == own


# --- upstream's files ---------------------------------------------------------------------------------------------------

KEYS: dict[str, set[str]] = {
    "Classification": {"label"},
    "Fine-grained": {"label"},
    "Facial": {"attr"},
    "Caption": {"sentences"},
    "Counting": {"num"},
    "OCR": {"word_list"},
    "Keypoints": {"gt_joints"},
    "VQA": {"gt_choice", "gt_choices"},
    "VG": {"object"},
    "Detection": {"object"},
    "Locating_VOC2012": {"object"},
    "Locating_LSP": {"gt_joints"},
    "Locating_FSC147": {"points"},
}


@pytest.mark.parametrize("part", ["", "val/"])
@pytest.mark.parametrize("stem", layout.META)
def test_every_meta_file_has_upstreams_keys_and_its_media(mini: Path, stem: str, part: str) -> None:
    dimensions = layout.META[stem]
    base = mini / f"{part}{dimensions}_Benchmark"
    items = entries(base, stem)
    assert items and len({item["id"] for item in items}) == len(items)
    wanted = next(keys for name, keys in KEYS.items() if stem.startswith(name))
    for item in items:
        assert isinstance(item["id"], str) and isinstance(item["query"], str)
        assert set(item) == {"id", "query", "image" if dimensions == "2D" else "pcl"} | wanted
        if dimensions == "2D":
            with Image.open(base / item["image"]) as image:
                image.load()
                check_2d(stem, item, image.size)
        else:
            assert item["pcl"].startswith("./")
            cloud = np.load(base / item["pcl"], allow_pickle=False)
            assert cloud.ndim == 2 and cloud.shape[1] == 6 and np.isfinite(cloud).all()
        if "gt_choice" in wanted:
            options = item["gt_choices"]
            assert 2 <= len(options) == len(set(options)) and 0 <= item["gt_choice"] < len(options)
            written = " ".join(f"({chr(65 + i)}) {option}" for i, option in enumerate(options))
            assert item["query"].split("Options:")[1].strip() == written
            assert stem != "VQA_SQAimage" or item["query"].split("Options:")[0].count("\nContext: ") == 1


def check_2d(stem: str, item: dict[str, Any], size: tuple[int, int]) -> None:
    """Units and ranges of reference 1.1."""
    for thing in item.get("object", ()):
        x1, y1, x2, y2 = thing["bbox"]
        assert thing["label"] in VOC and 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1
    pixels = item.get("points", []) + item.get("gt_joints", [])
    assert all(0 <= x <= size[0] and 0 <= y <= size[1] for x, y, *_ in pixels)
    if "gt_joints" in item:
        assert len(item["gt_joints"]) == 14
        assert item["query"].count("{}") == (1 if stem.startswith("Keypoints") else 0)
    if "sentences" in item:
        assert len(set(item["sentences"])) == 5
    if "attr" in item:
        assert item["attr"] in (("1", "-1") if "Smile" in stem else ("black", "blond", "brown", "gray"))


def test_points_are_as_many_as_counted(mini: Path) -> None:
    counted = {item["image"]: item["num"] for item in entries(mini / "2D_Benchmark", "Counting_FSC147")}
    pointed = {item["image"]: len(item["points"]) for item in entries(mini / "2D_Benchmark", "Locating_FSC147")}
    assert counted == pointed


def test_the_default_test_and_validation_splits_have_a_hundred_items_in_every_file() -> None:
    found: collections.Counter[str] = collections.Counter()
    for subject in drawing.subjects().values():
        for stem, items in drawing.draw(0, "test", subject, 0).items.items():
            found[stem] += len(items) * min(subject.counts["test"], subject.counts.get("val", subject.counts["test"]))
    assert set(found) == set(layout.META) | set(SHEETS) and min(found.values()) >= 100


@pytest.mark.parametrize(("base", "stem"), [("2D_Instruct", "LAMM_instruct_mini"), ("3D_Instruct", "LAMM_3dinstruct_mini")])
def test_instruction_files_are_lamms_json_with_known_task_types(mini: Path, base: str, stem: str) -> None:
    prompts = Path(__file__).parents[1] / "recipes" / "prompts" / "standard.yaml"
    known = yaml.safe_load(prompts.read_text(encoding="utf-8"))["task_types"]
    items = entries(mini / base, stem)
    assert len({item["id"] for item in items}) == len(items)
    for item in items:
        assert item["task_type"] in known
        assert (mini / base / item.get("image", item.get("pcl"))).is_file()
        talk = item["conversations"]
        assert [turn["from"] for turn in talk] == ["human", "gpt"] * (len(talk) // 2) and talk
        assert all(isinstance(turn["value"], str) and turn["value"].strip() for turn in talk)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("cifar10", "Classification_CIFAR10"),
        ("voc2012", "Detection_VOC2012"),
        ("voc2012", "Locating_VOC2012"),
        ("voc2012", "Caption_flickr30k"),
        ("faces", "Facial_Classification_CelebA(Smile)"),
        ("faces", "Facial_Classification_CelebA(Hair)"),
    ],
)
def test_the_benchmarks_questions_are_among_the_train_questions(mini: Path, name: str, stem: str) -> None:
    subject = drawing.subjects()[name]
    talks = [talk for index in range(20) for talk in drawing.draw(0, "train", subject, index).dialogues]
    taught = {turn["value"] for talk in talks for turn in talk["conversations"] if turn["from"] == "human"}
    assert {item["query"] for item in entries(mini / "2D_Benchmark", stem)} <= taught


# --- fair pictures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAWINGS)
def test_boxes_are_tight_around_the_drawing(name: str) -> None:
    for seed in range(4):
        rng = Random(f"{name}/{seed}")
        sketch, box = pose(name, rng), (11.3, 17.9, 85.2, 70.4)
        canvas = Image.new("RGB", (100 * OVER, 90 * OVER), (1, 2, 3))
        paint(canvas, sketch, box, (200, 60, 60), (0, 0, 0))
        rows, columns = np.nonzero((np.asarray(canvas) != (1, 2, 3)).any(axis=2))
        painted = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / OVER
        assert np.abs(painted - box).max() <= 1.5


def test_objects_of_a_scene_hardly_overlap() -> None:
    from lamm_bench.data.mini.composing import overlap

    for item in drawn_items("voc2012", "Detection_VOC2012", 60):
        boxes = [thing["bbox"] for thing in item["object"]]
        assert 1 <= len(boxes) <= 4
        assert all(overlap(a, b) < 0.07 for i, a in enumerate(boxes) for b in boxes[:i])


def test_no_answer_is_so_frequent_that_guessing_it_pays() -> None:
    def share(answers: list[Any]) -> float:
        return max(collections.Counter(answers).values()) / len(answers)

    labels = [item["label"] for item in drawn_items("cifar10", "Classification_CIFAR10")]
    assert set(labels) == set(CIFAR10) and share(labels) == 0.1
    questions = drawn_items("sqaimage", "VQA_SQAimage")
    assert share([item["gt_choice"] for item in questions]) < 0.42
    assert share([item["gt_choices"][item["gt_choice"]] for item in questions]) < 0.15
    counts = [item["num"] for item in drawn_items("fsc147", "Counting_FSC147")]
    assert share(counts) < 0.25 and max(counts) > 15 and sum(n < 10 for n in counts) > len(counts) / 2
    boxes = [thing["label"] for item in drawn_items("voc2012", "Detection_VOC2012") for thing in item["object"]]
    assert set(boxes) == set(VOC) and share(boxes) < 0.12
    assert share([item["attr"] for item in drawn_items("faces", "Facial_Classification_CelebA(Smile)")]) < 0.6
    assert share([item["attr"] for item in drawn_items("faces", "Facial_Classification_CelebA(Hair)")]) < 0.4


def test_colour_and_ground_do_not_give_the_class_away() -> None:
    from lamm_bench.data.mini.composing import compose

    scenes = [compose(Random(f"colour/{index}"))[1] for index in range(300)]
    for pick in ("colour", "ground"):
        by_class: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        for scene in scenes:
            for thing in scene.things:
                by_class[thing.name][thing.colour if pick == "colour" else scene.ground] += 1
        for seen in by_class.values():
            assert max(seen.values()) <= 0.45 * seen.total()


def test_answers_for_training_have_two_decimals_in_reading_order() -> None:
    subject = drawing.subjects()["voc2012"]
    for index in range(30):
        talks = {
            talk["task_type"]: talk["conversations"][1]["value"] for talk in drawing.draw(0, "train", subject, index).dialogues
        }
        objects = talks["detection"].split("; ")
        assert all(re.fullmatch(r"[a-z]+ \[\d\.\d\d, \d\.\d\d, \d\.\d\d, \d\.\d\d\]", text) for text in objects)
        assert all(re.fullmatch(r"[a-z]+ \[\d\.\d\d, \d\.\d\d\]", text) for text in talks["locating"].split("; "))
        left = [float(text.split("[")[1].split(",")[0]) for text in objects]
        assert left == sorted(left)


def test_pictures_are_varied_in_size_and_not_flat() -> None:
    subject = drawing.subjects()["voc2012"]
    pictures = [Image.open(io.BytesIO(data)) for i in range(12) for data in drawing.draw(0, "test", subject, i).media.values()]
    assert len({picture.size for picture in pictures}) > 8
    assert all(np.asarray(picture.convert("L")).std() > 8 for picture in pictures)


# --- whole or not at all ------------------------------------------------------------------------------------------------


def test_a_miniature_that_fails_half_way_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = workers.draw_chunk

    def fail(chunk: drawing.Chunk) -> drawing.Told:
        if chunk.subject != "aerial":
            raise OSError(28, "No space left on device")
        return first(chunk)

    monkeypatch.setattr(workers, "draw_chunk", fail)
    with pytest.raises(BenchError, match="No space left"):
        layout.make(tmp_path / "out", parts=("test",), workers=1, counts=ONE)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_cannot_write_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    chunks = [drawing.Chunk(str(tmp_path / "file"), 0, "test", "voc2012", start, start + 1) for start in range(4)]
    with pytest.raises(OSError, match="Not a directory"):
        list(workers.run_chunks(chunks, 2))


def test_a_folder_with_other_things_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BenchError, match="holds something that is not a miniature"):
        layout.make(tmp_path, workers=1, counts=ONE)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(BenchError, match="is a file"):
        layout.make(tmp_path / "thesis.txt", workers=1, counts=ONE)


def test_a_miniature_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    layout.make(out, seed=1, parts=("test",), workers=1, counts=ONE)
    layout.make(out, seed=2, parts=("val",), workers=1, counts=ONE)
    mark = layout.read_mark(out)
    assert mark is not None and mark["seed"] == 2 and mark["parts"] == ["val"]
    assert sorted(path.name for path in out.iterdir()) == ["mini.json", "val"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


BUSY = """
import sys
from pathlib import Path
from lamm_bench.data.mini.workshop import Workshop
with Workshop(Path(sys.argv[1])) as shop:
    print(shop, flush=True)
    sys.stdin.read()
"""


def busy(out: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that works beside `out` until its input ends, and its folder."""
    command = [sys.executable, "-c", BUSY, str(out)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@pytest.mark.skipif(importlib.util.find_spec("fcntl") is None, reason="this system locks no folders")
def test_what_a_killed_process_has_left_goes_with_the_next_drawing_and_what_another_is_drawing_stays(tmp_path: Path) -> None:
    out = tmp_path / "mini[1]"
    killed, left = busy(out)
    killed.kill()
    killed.communicate()
    (left / "2D_Benchmark").mkdir()
    old = left.with_name(left.name + ".old")  # it was killed while it took the place of an older one
    old.mkdir()
    alive, theirs = busy(out)
    try:
        assert not left.exists() and not old.exists()  # another beginning is enough
        left.mkdir()
        layout.make(out, parts=("test",), workers=1, counts=ONE)
        assert sorted(tmp_path.iterdir()) == sorted([theirs, out])
    finally:
        alive.communicate()
    assert list(tmp_path.iterdir()) == [out] and alive.returncode == 0


def test_where_folders_cannot_be_locked_only_what_is_a_day_old_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    fresh, stale, other = (tmp_path / name for name in (".out.partial-1", ".out.partial-2", ".outer.partial-3"))
    for folder in (fresh, stale, other):
        folder.mkdir()
    os.utime(stale, (0, 0))
    with workshop.Workshop(tmp_path / "out") as shop:
        assert sorted(tmp_path.iterdir()) == sorted([shop, fresh, other])
    assert sorted(tmp_path.iterdir()) == sorted([fresh, other])


def test_an_unknown_part_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="Did you mean 'train'"):
        layout.make(tmp_path / "out", parts=("trian",))
    with pytest.raises(BenchError, match="no part of the miniature is named"):
        layout.make(tmp_path / "out", parts=())


def test_the_cache_is_drawn_once_and_grows_by_parts(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = cache.ensure(("test",), workers=1, counts=ONE)
    before = tree(out / "2D_Benchmark")
    assert cache.ensure(("train", "test"), workers=1, counts=ONE) == out
    assert tree(out / "2D_Benchmark") == before and (out / "2D_Instruct" / "meta_file").is_dir()
    assert out.parent == cached and list(cached.glob(".*partial*")) == []

    def never(*_: object) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr(cache, "write_parts", never)
    left = cached / f".{out.name}.partial-killed"
    left.mkdir()
    assert cache.ensure(("test", "train"), workers=1, counts=ONE) == out and not left.exists()


def test_a_half_made_cache_is_never_accepted(cached: Path) -> None:
    out = cache.ensure(("test",), workers=1, counts=ONE)
    whole = tree(out)
    (out / "mini.json").unlink()  # a process that was killed before it wrote the mark
    (out / "2D_Benchmark" / "meta_file" / "OCR_SVT.json").unlink()
    left = cached / f".{out.name}.partial-killed"
    left.mkdir()
    assert tree(cache.ensure(("test",), workers=1, counts=ONE)) == whole
    assert not left.exists()


def test_a_mark_that_is_not_json_is_no_miniature(cached: Path) -> None:
    out = cache.ensure(("test",), workers=1, counts=ONE)
    whole = tree(out)
    (out / "mini.json").write_bytes(b'{"miniature": "lamm-ben\xff')
    assert tree(cache.ensure(("test",), workers=1, counts=ONE)) == whole


SCRIPT = """
import sys
from lamm_bench.data.mini import ensure, make
counts = {"test": 2, "val": 1, "train": 1}
print(ensure(("test",), workers=int(sys.argv[1]), counts=counts))
"""


def run_script(path: Path, home: Path, workers: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, str(path), str(workers)]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_processes_that_need_the_cache_at_once_all_get_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    told = [process.communicate(timeout=600) for process in [run_script(script, tmp_path, 1) for _ in range(3)]]
    places = {out.strip() for out, _ in told}
    assert len(places) == 1, told
    mark = layout.read_mark(Path(places.pop()))
    assert mark is not None and mark["parts"] == ["test"]
    assert list((tmp_path / "lamm-bench").glob(".*partial*")) == []


def test_a_script_without_a_main_guard_gets_its_miniature(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    out, errors = run_script(script, tmp_path, 2).communicate(timeout=600)
    assert layout.read_mark(Path(out.strip())) is not None, errors


# --- ChEF's sets ----------------------------------------------------------------------------------------------------------


def test_questions_are_asked_once_for_each_way_of_turning_their_options(mini: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((mini / "MMBench/mmbench_dev_20230712.tsv").read_text("utf-8")), delimiter="\t"))
    by_question: dict[int, list[dict[str, str]]] = {}
    for row in rows:
        by_question.setdefault(int(row["index"]) % 1_000_000, []).append(row)
        assert (mini / f"MMBench/images/mmbench_image_{row['index']}.png").is_file()
    for turned in by_question.values():
        options = [[row[letter] for letter in "ABCD" if row[letter]] for row in turned]
        assert 2 <= len(options[0]) == len(turned) <= 4
        assert [row[row["answer"]] for row in turned] == [turned[0][turned[0]["answer"]]] * len(turned)
        assert {row["answer"] for row in turned} == set("ABCD"[: len(turned)])


@pytest.mark.parametrize("setting", ["random", "popular", "adversarial"])
def test_things_are_asked_for_that_are_there_and_as_many_that_are_not(setting: str) -> None:
    subject = drawing.subjects()["pope"]
    for index in range(30):
        drawn = drawing.draw(0, "test", subject, index)
        labels = [item["label"] for item in drawn.items[f"coco_pope_{setting}"]]
        assert labels.count("yes") == labels.count("no") >= 1
        asked = [item["text"] for item in drawn.items[f"coco_pope_{setting}"]]
        assert len(set(asked)) == len(asked)
