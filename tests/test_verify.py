"""`data verify`: every fault of a data set at once, each with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.data.verify import Finding, shown_findings, verify
from lamm_bench.task import is_numbers, read_items
from lamm_bench.types import Modality, Sample

GOLDENS = Path(__file__).parents[1].parent / "shared" / "goldens" / "data"
REAL = Path(__file__).parents[1].parent / "shared" / "real"


@dataclass(frozen=True)
class Boxes:
    """A task that refuses items without a query or a list `object`, as those of the shelf do."""

    name: str = "boxes"
    modality: Modality = "image"

    @property
    def meta_files(self) -> tuple[str, ...]:
        return (f"{'2D' if self.modality == 'image' else '3D'}_Benchmark/meta_file/Detection_{self.name}.json",)

    def samples(self, root: Path) -> list[Sample]:
        samples = []
        for item in read_items(root, self.meta_files):
            target = item.get("object", check=lambda v: isinstance(v, list), expected="a list of objects")
            for number, thing in enumerate(target):
                size = 4 if self.modality == "image" else 6
                if not isinstance(thing, dict) or not is_numbers(thing.get("bbox"), size):
                    raise item.fault(f"`object` {number} has no box of {size} numbers")
            media = item.media(self.modality)
            samples.append(Sample(item.id, item.text("query"), media, target, media[0].path))
        return samples


def write(root: Path, task: Boxes, items: Any) -> None:
    path = root / task.meta_files[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(items if isinstance(items, str) else json.dumps(items))


def item(id: Any = "a", image: str = "images/a.png", box=(0.1, 0.1, 0.5, 0.5), **more) -> dict[str, Any]:
    return {"id": id, "image": image, "query": "?", "object": [{"label": "cat", "bbox": list(box)}], **more}


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "data"
    (root / "2D_Benchmark" / "images").mkdir(parents=True)
    Image.new("RGB", (20, 10)).save(root / "2D_Benchmark" / "images" / "a.png")
    return root


def found(root: Path, *tasks: Boxes, deep: bool = True) -> list[tuple[str, str, str]]:
    return [(f.item, f.what, f.severity) for f in verify(root, tasks or (Boxes(),), deep)]  # type: ignore[arg-type]


def test_good_data_give_no_findings_and_unknown_keys_are_tolerated(root):
    write(root, Boxes(), [item("a", licence="x"), item("b", gt_joints=[[0, 0, 1], [20, 10, 1]])])
    assert found(root) == []


def test_every_fault_is_found_at_once(root):
    (root / "2D_Benchmark" / "images" / "bad.png").write_bytes(b"no image")
    write(
        root,
        Boxes(),
        [
            item("a"),
            item("b", query=7),
            {"id": "c", "image": "images/a.png", "query": "?"},
            item("d", "images/none.png"),
            item("e", "images/bad.png"),
            item("f", "../secret.png"),
            item("g", "/etc/hosts"),
            item("h", box=(0.5, 0.1, 0.4, 1.5)),
            "not an object",
            item(["no id"]),
            item("a"),
        ],
    )
    findings = found(root)
    expected = [
        ("8", "expected an object", "error"),
        ("9", "`id` is", "error"),
        ("10 (id a)", "also that of item 0", "warning"),
        ("1 (id b)", "`query` is 7, expected a text", "error"),
        ("2 (id c)", "has no key `object`", "error"),
        ("3 (id d)", "is missing", "error"),
        ("4 (id e)", "not an image", "error"),
        ("5 (id f)", "leaves 2D_Benchmark/", "error"),
        ("6 (id g)", "is not relative", "error"),
        ("7 (id h)", "no area", "warning"),
        ("7 (id h)", "outside the image", "warning"),
    ]
    for place, words, severity in expected:
        assert [f for f in findings if f[0] == place and words in f[1] and f[2] == severity], (place, words, findings)
    assert len(findings) == len(expected)


def test_findings_name_files_as_seen_from_the_root_and_never_a_temporary_place(root):
    write(root, Boxes(), [item("a", "images/none.png"), item("b", query=None)])
    for finding in verify(root, [Boxes()]):  # type: ignore[list-item]
        assert finding.file in ("2D_Benchmark/meta_file/Detection_boxes.json", "2D_Benchmark/images/none.png")
        assert str(root) not in finding.what and "tmp" not in finding.what


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[{", "is not JSON"),
        ("{}", "holds dict"),
        ("[]", "holds no items"),
        ("\x00", "is not JSON"),
        ("[" * 99_999, "is not JSON"),
    ],
)
def test_a_file_that_is_no_list_is_one_finding(root, text, words):
    write(root, Boxes(), text)
    ((place, what, severity),) = found(root)
    assert (place, severity) == ("", "error") and words in what


def test_a_missing_meta_file_is_one_finding_and_the_other_tasks_go_on(root):
    other = Boxes("other")
    write(root, other, [item("a", query=1)])
    findings = verify(root, [Boxes(), other])  # type: ignore[list-item]
    assert [(f.task, f.what.split()[-1] if f.task == "boxes" else f.item) for f in findings] == [
        ("boxes", "missing"),
        ("other", "0 (id a)"),
    ]


def test_missing_ids_are_one_warning(root):
    write(root, Boxes(), [{k: v for k, v in item().items() if k != "id"} for _ in range(3)])
    ((_, what, severity),) = found(root)
    assert what.startswith("3 of 3 items have no `id`") and severity == "warning"


def test_a_broken_file_is_one_finding_a_task_however_many_items_use_it(root):
    (root / "2D_Benchmark" / "images" / "bad.png").write_bytes(b"no image")
    for task in (Boxes(), Boxes("other")):
        write(root, task, [item(str(n), "images/bad.png") for n in range(5)])
    assert [f[0] for f in found(root, Boxes(), Boxes("other"))] == ["0 (id 0) (and 4 more items)"] * 2


def test_without_deep_only_headers_are_read(root):
    good = root / "2D_Benchmark" / "images" / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)).save(good)
    good.write_bytes(good.read_bytes()[:2000])
    write(root, Boxes(), [item()])
    assert "truncated" in found(root)[0][1] and found(root, deep=False) == []


def test_joints_and_points_outside_the_image_are_warned_of(root):
    write(root, Boxes(), [item(gt_joints=[[5, 5], [25, 5]], points=[[-3, 0]])])
    assert [f[1] for f in found(root)] == [
        "`gt_joints`: 1 outside the image of 20 x 10 pixels, the first [25, 5]",
        "`points`: 1 outside the image of 20 x 10 pixels, the first [-3, 0]",
    ]


def test_boxes_of_rooms_have_volume_and_hold_points(root):
    task = Boxes(modality="point_cloud")
    (root / "3D_Benchmark").mkdir()
    np.save(root / "3D_Benchmark" / "room.npy", np.array([[0, 0, 0, 9, 9, 9], [1, 1, 1, 9, 9, 9]], np.float32))
    boxes = [(0, 0, 0, 1, 1, 1), (5, 5, 5, 1, 1, 1), (0, 0, 0, 1, 1, 0)]
    write(
        root,
        task,
        [{"id": n, "pcl": "./room.npy", "query": "?", "object": [{"label": "x", "bbox": list(b)}]} for n, b in enumerate(boxes)],
    )
    assert [(place, what.rsplit("] ", 1)[-1]) for place, what, _ in found(root, task)] == [
        ("1 (id 1)", "holds no point of the cloud"),
        ("2 (id 2)", "has no volume; expected three extents above 0"),
    ]
    assert len(found(root, task, deep=False)) == 1


def test_progress_counts_every_media_file_of_every_task(root):
    class Watcher:
        def __init__(self):
            self.total, self.done, self.ended = {}, 0, []

        def begin(self, task, total):
            self.total[task] = total

        def tick(self, count):
            self.done += count

        def end(self, task):
            self.ended.append(task)

    watcher = Watcher()
    tasks = (Boxes(), Boxes("other"))
    for task in tasks:
        write(root, task, [item("a"), item("b"), item("c", "images/none.png")])
    verify(root, tasks, watcher=watcher)  # type: ignore[arg-type]
    assert watcher.total == {"boxes": 2, "other": 2} and watcher.done == 4 and watcher.ended == ["boxes", "other"]


def shown(findings, tasks, limit=20) -> str:
    console = Console(file=StringIO(), width=160)
    console.print(shown_findings(findings, tasks, limit))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_table_counts_what_it_does_not_print():
    findings = [Finding("boxes", "x.json", str(n), f"[red]fault {n}[/red]", "error") for n in range(30)]
    text = shown([*findings, Finding("boxes", "x.json", "", "odd", "warning")], [Boxes(), Boxes("other")], limit=10)
    assert "[red]fault 9[/red]" in text and "fault 10" not in text and "and 21 more findings" in text
    assert "30 errors, 1 warnings in 2 tasks" in text
    assert "2 tasks: all in order" in shown([], [Boxes(), Boxes("other")])


@pytest.mark.skipif(not GOLDENS.is_dir(), reason="the golden data are not beside this checkout")
def test_every_task_of_the_shelf_names_all_faulty_items_and_no_others(tmp_path):
    root = tmp_path / "data"
    for file in GOLDENS.glob("*_Benchmark/meta_file/*.json"):
        folder = root / file.parent.parent.name
        (folder / "meta_file").mkdir(parents=True, exist_ok=True)
        for entry in file.parent.parent.iterdir():
            if entry.is_dir() and entry.name != "meta_file" and not (folder / entry.name).exists():
                (folder / entry.name).symlink_to(entry)
        items = json.loads(file.read_text(encoding="utf-8"))
        medium = "image" if "image" in items[0] else "pcl"
        del items[1]["query"]
        items[3][medium] = "../outside.png"
        items[5][medium] = "none.png"
        for key in items[7].keys() - {"id", "query", medium}:
            items[7][key] = None
        (folder / "meta_file" / file.name).write_text(json.dumps(items), encoding="utf-8")
    tasks = [task for task in load_catalog().ordered() if any((root / name).is_file() for name in task.meta_files)]
    findings = [f for f in verify(root, tasks, deep=False) if f.severity == "error"]
    for task in tasks:
        if "similar" in task.name or "top-p" in task.name:  # which need a file of vectors: said once, as no item's fault
            whole = [f for f in findings if f.task == task.name and f.item == ""]
            assert len(whole) == 1 and "flickr30k_vectors.json is missing" in whole[0].what
            continue
        mine = sorted((int(f.item.split()[0]), f.what.split()[0]) for f in findings if f.task == task.name)
        worded = task.name.startswith(("chef-flickr30k-ppl", "chef-voc2012-ppl"))  # which ask in words of their own
        assert [index for index, _ in mine] == ([3, 5, 7] if worded else [1, 3, 5, 7]), (task.name, mine)
    assert not [f for f in findings if str(tmp_path) in f.what or "item 0" in f.what]


def test_questions_that_do_not_tell_their_options_are_one_warning(root):
    task = load_catalog().tasks["ai2d"]
    shared = {"image": "images/a.png", "gt_choices": ["a cat", "a dog"], "gt_choice": 0, "context": ""}
    items = [{**shared, "id": 1, "query": "Which? (A) a cat (B) a dog"}, {**shared, "id": 2, "query": "Which?"}]
    write(root, task, items)  # type: ignore[arg-type]
    (finding,) = verify(root, [task])
    assert finding.severity == "warning" and "1 of 2 items do not tell their options (the first: id 2)" in finding.what


@pytest.mark.skipif(not REAL.is_dir(), reason="the real miniature is not beside this checkout")
def test_the_real_miniature_has_no_errors():
    tasks = [task for task in load_catalog().select_tasks("all") if any((REAL / name).is_file() for name in task.meta_files)]
    assert len(tasks) == 15  # all but CelebA's two
    assert [f for f in verify(REAL, tasks, deep=False) if f.severity == "error"] == []
