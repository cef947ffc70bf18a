"""Benchmarks of rooms: ScanNet's rooms in each of their forms, figures worked out by hand, and what is told of files that are not as they should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamm_bench.ask.catalog import FOLDER
from lamm_bench.declared import DeclaredTask, load_task
from lamm_bench.declared.files import Files
from lamm_bench.declared.rooms import objects, ply, rows_of_numbers
from lamm_bench.errors import BenchError
from lamm_bench.measure import caption_scorer
from lamm_bench.media import open_cloud
from lamm_bench.types import Sample

from .declared_kit import cloud, declared, scored, write_json, write_jsonl
from .declared_made_rooms import MADE, arrays, box, mesh, meshes, room, scan2cap, scanrefer_val


@pytest.fixture(autouse=True)
def no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caption_scorer, "meteor_absent", lambda: "METEOR is absent: this is a test")


def shipped(name: str, root: Path) -> tuple[DeclaredTask, list[Sample]]:
    task = load_task(FOLDER / f"tasks/{name}.yaml")
    return task, task.samples(root)


def values(task: DeclaredTask, samples: list[Sample], say: Callable[[Sample], str]) -> dict[str, float | None]:
    found = scored(task, samples, {sample.id: say(sample) for sample in samples})
    return {name: each.value if each.value is None else round(each.value, 4) for name, each in found.metrics.items()}


def test_boxes_of_meshes_are_those_of_arrays(tmp_path: Path) -> None:
    arrays(tmp_path / "a", 3)
    meshes(tmp_path / "b", 3)
    first, second = (list(objects(Files(tmp_path / name))) for name in "ab")
    assert len(first) == len(second) == 12
    for one, other in zip(first, second):
        assert (one.data["scene_id"], one.data["object_id"]) == (other.data["scene_id"], other.data["object_id"])
        assert one.data["values"] == pytest.approx(other.data["values"], abs=1e-5)


@pytest.mark.parametrize("make, said", [(arrays, "ScanRefer's arrays"), (meshes, "ScanNet's own meshes")])
def test_a_result_says_which_rooms_were_shown(tmp_path: Path, make: Any, said: str) -> None:
    scanrefer_val(tmp_path / "labels", 12)
    make(tmp_path, 3)
    (tmp_path / "labels/ScanRefer").rename(tmp_path / "ScanRefer")
    task, samples = shipped("scanrefer-val", tmp_path)
    found = scored(task, samples)
    assert found.notes[0].startswith(f"rooms: {said}") and found.headline[1].value == 100
    points = open_cloud(samples[0].media[0])
    assert points.shape[1] == 6 and (
        said != "ScanNet's own meshes"
        or points[1, :3] == pytest.approx(np.array(box(0, 0)[:3]) - np.array(box(0, 0)[3:]) / 2, abs=1e-4)
    )


def test_rooms_of_lamm_serve_questions_and_none_are_told(tmp_path: Path) -> None:
    write_json(
        tmp_path / "ScanQA/ScanQA_v1.0_val.json",
        [{"question_id": "q", "question": "What?", "answers": ["a bag"], "scene_id": room(0)}],
    )
    with pytest.raises(BenchError, match=r"holds no rooms of ScanNet; expected ScanNet/scannet_data/<scene>_aligned_vert.npy, "):
        shipped("scanqa-open", tmp_path)
    cloud(tmp_path / f"3D_Benchmark/scannet_pcls/{room(0)}.npy")
    task, samples = shipped("scanqa-open", tmp_path)
    assert scored(task, samples).notes == ("rooms: LAMM's arrays (3D_Benchmark/scannet_pcls/*.npy)",)
    arrays(tmp_path, 2)  # the better form, once it is there
    assert "ScanRefer's" in scored(*shipped("scanqa-open", tmp_path)).notes[0]


def test_unique_is_the_only_object_of_its_class_in_the_room(tmp_path: Path) -> None:
    scanrefer_val(tmp_path, 12)
    task, samples = shipped("scanrefer-val", tmp_path)
    kinds = {sample.id.partition("-")[2].partition("-")[0]: sample.meta["columns"]["kind"] for sample in samples}
    assert kinds == {"0": "unique", "2": "multiple", "4": "multiple", "6": "unique"}  # chairs and office chairs are one class
    found = values(
        task, samples, lambda sample: task.oracle(sample) if sample.meta["columns"]["kind"] == "unique" else "[9, 9, 9, 1, 1, 1]"
    )
    assert (found["acc@0.25"], found["acc@0.25/unique"], found["acc@0.25/multiple"]) == (50, 100, 0)


def test_a_caption_counts_where_its_box_is_near_enough(tmp_path: Path) -> None:
    scan2cap(tmp_path, 12)
    task, samples = shipped("scan2cap", tmp_path)
    assert len(samples) == 12 and all(len(sample.target) == 2 for sample in samples)

    def shifted(share: float) -> Callable[[Sample], str]:
        def say(sample: Sample) -> str:
            x, *rest = sample.meta["box"]
            return f"[{x + share * sample.meta['box'][3]}, {', '.join(map(str, rest))}] {sample.target[0]}"

        return say

    for share, half, quarter in ((0.0, True, True), (0.45, False, True), (0.8, False, False)):  # IoU 1, 0.38, 0.11
        found = values(task, samples, shifted(share))
        assert (found["BLEU-4@0.5"] == 100) is half and (found["BLEU-4@0.25"] == 100) is quarter and found["BLEU-4"] == 100
        assert ((found["CIDEr@0.5"] or 0) > 0) is half and ((found["CIDEr@0.25"] or 0) > 0) is quarter
    plain = values(task, samples, lambda sample: sample.target[0])
    assert plain["BLEU-4@0.5"] == 0 and plain["BLEU-4"] == 100


def test_figures_without_boxes_are_those_of_captions(tmp_path: Path) -> None:
    scan2cap(tmp_path, 12)
    task, samples = shipped("scan2cap", tmp_path)
    text = Path(task.file).read_text().replace("read: located", "read: caption").replace(", at: [0.5, 0.25]", "")
    other = declared("\n".join(line for line in text.splitlines() if not line.startswith(("  box:", "  form:"))), tmp_path)
    said = {sample.id: sample.target[n % 2].replace("brown", "big") for n, sample in enumerate(samples)}
    own, plain = (scored(one, one.samples(tmp_path), said).metrics for one in (task, other))
    for name in ("BLEU-4", "BLEU-1", "ROUGE-L", "CIDEr"):
        assert own[name].value == pytest.approx(plain[name].value) and (plain[name].value or 0) > 0


@pytest.mark.parametrize("ids", ["turned ids with two more digits", "the same ids"])
def test_vrs_is_the_mean_of_the_shares_right_so_often(tmp_path: Path, ids: str) -> None:
    MADE["real-3dqa-rotations"](tmp_path, 12)
    if ids == "the same ids":
        for path in sorted((tmp_path / "Real-3DQA").glob("*.json")):
            data = json.loads(path.read_text())
            for one in data["questions"]:
                one["question_id"] = int(str(one["question_id"])[:12])
            write_json(path, data)
    task, samples = shipped("real-3dqa-rotations", tmp_path)
    order = sorted({sample.meta["columns"]["question"] for sample in samples})
    assert len(samples) == 16 and len(order) == 4

    def say(sample: Sample) -> str:  # question k is right from k of the four directions
        right = int(sample.meta["columns"]["turned"]) // 90 < order.index(sample.meta["columns"]["question"])
        return f"the {sample.target[0]} there" if right else "nobody"

    found = values(task, samples, say)
    assert [found[f"VRS/at least {k}"] for k in (1, 2, 3, 4)] == [75, 50, 25, 0] and found["VRS"] == 37.5
    assert (found["EM-R"], found["EM"]) == (37.5, 0)


def test_chains_and_objects_are_right_together(tmp_path: Path) -> None:
    MADE["beacon3d-grounding"](tmp_path, 12)
    task, samples = shipped("beacon3d-grounding", tmp_path)
    fine = values(task, samples, lambda sample: task.oracle(sample) if sample.id.endswith("-1") else "[9, 9, 9, 1, 1, 1]")
    assert (fine["acc@0.5"], fine["chain"], fine["object"]) == (50, 0, 100)
    one = values(task, samples, lambda sample: task.oracle(sample) if "-0-" in sample.id else "[9, 9, 9, 1, 1, 1]")
    assert (one["chain"], one["object"]) == (round(100 / 3, 4), 0)
    second = values(
        task, samples, lambda sample: str(sample.meta["others"][-1]) if sample.id.endswith("-2") else task.oracle(sample)
    )
    assert second["chain"] == 100  # any of several right boxes will do


def test_choices_do_not_tell_which_is_right(tmp_path: Path) -> None:
    MADE["nr3d"](tmp_path, 12)
    task, samples = shipped("nr3d", tmp_path)
    assert len(samples) == 12  # one row names no class, one lies in a room of another split
    assert len({sample.target for sample in samples}) > 1 and {len(sample.choices) for sample in samples} == {2, 3, 4}
    found = values(task, samples, task.oracle)
    assert {"accuracy/easy", "accuracy/hard", "accuracy/dependent", "accuracy/independent"} <= set(found)


def test_clouds_of_texts_have_no_colours(tmp_path: Path) -> None:
    MADE["modelnet40"](tmp_path, 4)
    task, samples = shipped("modelnet40", tmp_path)
    assert open_cloud(samples[0].media[0]).shape == (40, 3)
    assert values(task, samples, lambda sample: f"It is a small {sample.target[0]}s, or a carpet.")["accuracy"] == 100
    assert values(task, samples, lambda sample: f"a {sample.target[0]}board")["accuracy"] == 0


BAD = {
    "cut": (lambda data: data[:-60], "holds no vertices with x, y and z, or is cut off"),
    "ascii": (lambda data: data.replace(b"binary_little_endian", b"ascii"), "is no mesh in binary PLY"),
    "no x": (lambda data: data.replace(b"float x", b"float q"), "holds no vertices with x, y and z"),
    "odd": (
        lambda data: data.replace(b"property float x", b"property list uchar int x"),
        "has vertices of a kind that is not known",
    ),
    "faces first": (lambda data: data.replace(b"element vertex", b"element faces"), "does not begin with its vertices"),
    "empty": (lambda data: b"ply\n", "is no mesh in binary PLY"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mesh_that_is_none_is_told_with_its_row(tmp_path: Path, name: str) -> None:
    scan2cap(tmp_path, 2)
    change, said = BAD[name]
    path = tmp_path / f"ScanNet/scans/{room(1)}/{room(1)}_vh_clean_2.ply"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BenchError, match=rf"scene0001_01.*{said}") as caught:
        shipped("scan2cap", tmp_path)
    assert "\n" not in str(caught.value)


def test_other_damages_of_rooms_are_told(tmp_path: Path) -> None:
    scan2cap(tmp_path, 2)
    scene = tmp_path / f"ScanNet/scans/{room(1)}/{room(1)}"
    texts = {
        f"{scene}.txt": "axisAlignment = 1 2 3\n",
        f"{scene}_vh_clean_2.0.010000.segs.json": '{"segIndices": [1]}',
        f"{scene}.aggregation.json": '{"segGroups": [{}]}',
    }
    said = ("expected 16 numbers", "1 segments for 33 vertices", "are not as ScanNet writes them")
    for (path, text), wanted in zip(texts.items(), said):
        before = Path(path).read_text()
        Path(path).write_text(text)
        with pytest.raises(BenchError, match=wanted):
            shipped("scan2cap", tmp_path)
        Path(path).write_text(before)
    write_json(
        tmp_path / "ScanQA/ScanQA_v1.0_val.json",
        [{"question_id": "q", "question": "What?", "answers": ["a"], "scene_id": "../etc"}],
    )
    with pytest.raises(BenchError, match='entry 1: its room "../etc": "../etc" is no scene of ScanNet'):
        shipped("scanqa-open", tmp_path)
    with pytest.raises(Exception, match="no table of points"):
        rows_of_numbers(b"a,b\n", "x.txt")
    assert ply(mesh(np.zeros((3, 3))), "m.ply").shape == (3, 6)


ROWS = [{"a": 1, "b": "x", "n": n} for n in range(2)] + [{"a": 2, "b": "x", "n": 2}]
TEXT = """
name: made
data: {files: q.jsonl, %s}
sample: {id: "{a}-{n?|first}-{@row}", question: "{b?|join: } {k?|first}", target: "{a}"}
read: number
metric: error
"""


def test_rows_are_gathered_and_counted(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "q.jsonl", ROWS)
    found = declared(TEXT % 'gather: a, count: {k: {of: "{n}", among: "{a}"}}', tmp_path).samples(tmp_path)
    assert [(sample.id, sample.question) for sample in found] == [("1-0-1", "x x 2"), ("2-2-3", "x 1")]
    with pytest.raises(BenchError, match=r"q.jsonl line 1: there is no column `c`, which `gather` looks at. There are: a, b, n"):
        declared(TEXT % "gather: c", tmp_path).samples(tmp_path)


WRONG = {
    "levels: [one, two, three]": r"q.json holds no mapping where the keys `three` should be",
    "join: {on: a}": r"`data.join.0` has no `files`",
    "join: {format: scannet, on: a, otherwise: lose}": r"no fate called 'lose'",
    'count: {k: {of: "{n}"}}': r"has no `among`",
}


@pytest.mark.parametrize("data", WRONG)
def test_what_a_file_says_wrong_of_its_rows_is_told(tmp_path: Path, data: str) -> None:
    write_json(tmp_path / "q.json", {"x": {"y": [1]}})
    with pytest.raises(BenchError, match=WRONG[data]):
        declared(TEXT.replace("q.jsonl", "q.json") % data, tmp_path).samples(tmp_path)


def test_a_box_goes_with_its_reader(tmp_path: Path) -> None:
    text = 'name: made\ndata: {files: q.jsonl}\nsample: {question: q, target: "{a}"%s}\nread: %s\nmetric: %s\n'
    for more, read, metric, said in (
        ("", "located", "captions", "has a `box` where the reader is `located`"),
        (', box: "{b}"', "caption", "captions", "has a `box` where the reader is `located`"),
        ("", "caption", "{name: captions, at: 0.5}", "holds thresholds of IoU, which iou, f1_boxes and captions of the reader"),
        (', encoding: scannet, image: "{b}"', "text", "exact", "is scannet, which is about clouds"),
        ("", "text", "{name: exact, words: yes}", "is about the metric `contains`"),
        ("", "text", "{name: contains, also: f_value}", "names f_value, which the metric `exact` has"),
        (
            "",
            "text",
            "{name: exact, at_least: {x: y}}",
            "names no entry of `sample.meta` called 'y'|no entry of `sample.meta` called 'y'",
        ),
    ):
        with pytest.raises(BenchError, match=said):
            declared(text % (more, read, metric), tmp_path)


def test_meshes_of_ones_own_are_clouds(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"q": "How many?", "a": 3, "f": "m.ply"}\n{"q": "How many?", "a": 2, "f": "n.txt"}\n')
    (tmp_path / "m.ply").write_bytes(mesh(np.arange(9.0).reshape(3, 3)))
    (tmp_path / "n.txt").write_text("0 1 2\n3 4 5\n")
    text = 'name: made\ndata: {files: q.jsonl}\nsample: {question: "{q}", cloud: "{f}", target: "{a}"}\nread: number\nmetric: error\n'
    first, second = declared(text, tmp_path).samples(tmp_path)
    assert open_cloud(first.media[0]).shape == (3, 6) and open_cloud(second.media[0]).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_the_most_usual_answer_is_the_mean_box_and_the_most_usual_caption(tmp_path: Path) -> None:
    scan2cap(tmp_path, 12)
    task, samples = shipped("scan2cap", tmp_path)
    said = task.scorer.read(task.majority(samples), samples[0])
    assert said.box == pytest.approx(np.mean([sample.meta["box"] for sample in samples], axis=0), abs=1e-3)
    assert " ".join(said.tokens).startswith("this is a brown")
