"""`data verify`: media that are there twice, what a training has seen, files that are others than those that are known."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lamm_bench.data.digests import generation
from lamm_bench.data.prints import Library, Print, near, picture_print, print_of
from lamm_bench.keep.seen import read_seen
from lamm_bench.types import Media

from .commands import done, lamm_bench, refusal


def pictures(root: Path) -> list[Path]:
    return sorted(path for path in (root / "2D_Benchmark").rglob("*") if path.suffix in (".png", ".jpg"))


COPIES: list[Callable[[Image.Image], Image.Image]] = [
    lambda image: image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC),
    lambda image: image.resize((max(16, image.width * 2 // 3), max(16, image.height * 2 // 3)), Image.Resampling.LANCZOS),
    lambda image: jpeg(image, 70),
]


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    kept = io.BytesIO()
    image.save(kept, "JPEG", quality=quality)
    return Image.open(kept)


def test_a_copy_of_another_size_or_format_is_seen_and_no_other_picture_is(mini_root: Path) -> None:
    opened = [Image.open(path).convert("RGB") for path in pictures(mini_root) if "cifar" not in str(path)]
    own = [Print("", *picture_print(image)) for image in opened]
    found = sum(near(one, Print("", *picture_print(copy(image)))) for image, one in zip(opened, own) for copy in COPIES)
    assert found >= 0.95 * len(opened) * len(COPIES)
    alike = [pair for pair in combinations(range(len(own)), 2) if near(own[pair[0]], own[pair[1]])]
    assert not [pair for pair in alike if opened[pair[0]].tobytes() != opened[pair[1]].tobytes()]


def test_no_two_real_pictures_are_taken_for_one(real_root: Path) -> None:
    files = pictures(real_root)[::4]
    own = [Print(path.stem, *picture_print(Image.open(path).convert("RGB"))) for path in files]
    assert {(a.sha256, b.sha256) for a, b in combinations(own, 2) if near(a, b) and a.sha256 != b.sha256} == set()


def test_a_room_in_another_order_or_moved_is_the_same_and_another_room_is_not(mini_root: Path, tmp_path: Path) -> None:
    files = sorted((mini_root / "3D_Benchmark").rglob("*.npy"))
    cloud = np.load(files[0])
    np.save(tmp_path / "a.npy", np.random.default_rng(0).permutation(cloud) + np.array([3, 1, 0, 0, 0, 0], dtype=cloud.dtype))
    one, moved = (print_of(Media("point_cloud", str(path))) for path in (files[0], tmp_path / "a.npy"))
    assert near(one, moved) and one.sha256 != moved.sha256
    rooms = {path.stem.split("_")[0]: print_of(Media("point_cloud", str(path))) for path in files}
    assert not [pair for pair in combinations(rooms.values(), 2) if near(*pair)]


@given(st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), max_size=7))
def test_the_library_finds_whatever_is_near(bits: int, flipped: set[int]) -> None:
    library = Library()
    library.add("one", Print("a", bits, b"\x07" * 768))
    other = Print("b", bits ^ sum(1 << bit for bit in flipped), b"\x07" * 768)
    assert library.find(other) == ("one", "near") and library.find(Print("a")) == ("one", "exact")
    assert library.find(Print("c", bits, b"\xff" * 768)) is None


def instruction(root: Path, of: list[tuple[Path, str]]) -> Path:
    """An instruction file about copies of these media, with one question each."""
    items = []
    for number, (path, question) in enumerate(of):
        key, top = ("pcl", "3D_Instruct") if path.suffix == ".npy" else ("image", "2D_Instruct")
        place = root / top / "pics" / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
        turns = [{"from": "human", "value": question}, {"from": "gpt", "value": "x"}]
        items.append({"id": str(number), key: f"pics/{path.name}", "conversations": turns, "task_type": "normal"})
        file = root / top / "meta_file" / "train.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        known = json.loads(file.read_text()) if file.exists() else []
        file.write_text(json.dumps([*known, items[-1]]))
    return root


def test_what_a_training_has_seen_is_told_and_kept(mini_root: Path, tmp_path: Path) -> None:
    queries = {one["image"]: one["query"] for one in json.loads((mini_root / "2D_Benchmark/meta_file/VQA_AI2D.json").read_text())}
    (first, asked), (second, _), *_ = queries.items()
    rooms = sorted((mini_root / "3D_Benchmark").rglob("*.npy"))
    base = mini_root / "2D_Benchmark"
    train = instruction(tmp_path / "train", [(base / first, asked.upper()), (base / second, "What else?"), (rooms[0], "Where?")])
    Image.open(train / "2D_Instruct/pics" / Path(second).name).resize((150, 150)).save(
        train / "2D_Instruct/pics" / Path(second).name, quality=90
    )
    words = ("data", "verify", "--quick", "--tasks", "ai2d,scanqa,svt", "--data-root", mini_root)
    shown = done(*words, "--train", train, "--ledger", tmp_path / "seen.json")
    assert "ledger:" in shown
    told = json.loads((tmp_path / "seen.json").read_text())
    assert {name: [one[k] for k in ("media", "seen", "exact", "near", "same_question")] for name, one in told["tasks"].items()} == {
        "ai2d": [6, 2, 1, 1, 1], "scanqa": [18, 1, 1, 0, 0], "svt": [6, 0, 0, 0, 0],
    }  # fmt: skip
    assert [one["dialogues"] for one in told["training"]] == [2, 1] and told["tasks"]["ai2d"]["pairs"][0][
        0
    ] == f"2D_Benchmark/{first}"
    (tmp_path / "checkpoint").mkdir()
    assert "checkpoint/seen.json" in "".join(done(*words, "--train", train, "--ledger", tmp_path / "checkpoint").split())
    source, seen = read_seen(tmp_path / "checkpoint/seen.json")
    assert source == "miniature" and seen["ai2d"].text == "seen 2 of 6" and seen["svt"].seen == 0


def test_media_that_a_task_has_twice_are_one_warning(mini_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(mini_root, root)
    files = sorted((root / "2D_Benchmark/svt_images").iterdir())
    shutil.copy(files[0], files[1])
    Image.open(files[2]).resize((200, 120)).save(files[3])
    shown = " ".join(done("data", "verify", "--quick", "--tasks", "svt", "--data-root", root, "--duplicates").split())
    assert "2 of 6 media are others again (1 byte by byte, 1 nearly)" in shown


def test_training_media_that_cannot_be_read_are_named(mini_root: Path, tmp_path: Path) -> None:
    broken = tmp_path / "b.jpg"
    broken.write_bytes(b"no picture")
    train = instruction(tmp_path / "train", [(broken, "What?")])
    shown = " ".join(done("data", "verify", "--quick", "--tasks", "svt", "--data-root", mini_root, "--train", train).split())
    assert "1 media cannot be read" in shown


def test_files_are_compared_with_known_digests(mini_root: Path, tmp_path: Path) -> None:
    name = "2D_Benchmark/meta_file/OCR_SVT.json"
    right = hashlib.sha256((mini_root / name).read_bytes()).hexdigest()
    words = ("data", "verify", "--quick", "--tasks", "svt", "--data-root", mini_root, "--digests", tmp_path / "sums")
    (tmp_path / "sums").write_text(f"{right}  ./{name}\n")
    done(*words)
    (tmp_path / "sums").write_text(json.dumps({name: "0" * 64, "gone.json": right, "../x": right}))
    result = lamm_bench(*words)
    said = " ".join(result.output.split())
    assert (
        result.exit_code == 3 and "another file, or damaged" in said and "is missing" in said and "leaves the data root" in said
    )
    for text, fault in (("abc  x\n", "line 1"), ("", "names no file"), ('{"a": 3}', "64 hexadecimal digits")):
        (tmp_path / "sums").write_text(text)
        assert fault in refusal(*words)


def test_both_generations_of_3d_files_are_told_apart(tmp_path: Path) -> None:
    box = [0, 0, 0, 1, 1, 1]
    file = tmp_path / "VG_ScanRefer.json"
    file.write_text("x")
    assert "first generation" in (generation(file, [{"gt_bbox": box}]) or "")
    assert generation(file, [{"object": box}]) is None
    file.write_bytes(b" " * 3_700_000)
    assert "3,700,000 bytes" in (generation(file, [{"object": box}]) or "")


@pytest.mark.parametrize(
    ("text", "fault"), [("{}", "expected a list of dialogues"), ("[3]", "item 0 is int"), ("nonsense", "is not JSON")]
)
def test_a_bad_instruction_file_is_one_sentence(mini_root: Path, tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "t.json").write_text(text)
    words = ("data", "verify", "--quick", "--tasks", "svt", "--data-root", mini_root)
    assert fault in refusal(*words, "--train", tmp_path / "t.json")
    assert "holds no 2D_Instruct" in refusal(*words, "--train", mini_root)
    assert "name its files with --train" in refusal(*words, "--ledger", tmp_path / "l.json")
