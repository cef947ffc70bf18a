"""A modality is one file: nothing else in the engine names one, each has what the contract asks for, and controls hide or mix."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lamm_bench import media
from lamm_bench.ask.fitting import fitted
from lamm_bench.ask.runner import why_not
from lamm_bench.ask.transforms import CONTROLS
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.media import Frame, Scene, SceneObject, open_scene, save_scene
from lamm_bench.types import Media, Sample

from .commands import done, refusal
from .test_architecture import FILES

MINE = {"image", "point_cloud", "pcl", "scene"}


def words(path: Path) -> Iterator[str]:
    """Every text constant of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_nothing_else_names_a_modality() -> None:
    """Of the engine and of training; the miniature's drawers write meta files, readers know English words, adapters their models', and
    the app for Spaces Gradio's."""
    for name, path in FILES.items():
        if not name.startswith(("media", "data.mini", "read", "adapters", "tasks", "show.demo.space")):
            named = MINE & set(words(path))
            assert not named, f"{path} names {sorted(named)}; ask the modality (lamm_bench/media/modality.py)"


@pytest.fixture(params=["image", "point_cloud"])
def drawn(request: pytest.FixtureRequest, tmp_path: Path) -> Media:
    probe = media.modality(request.param).probe
    assert probe is not None
    return media.seal(probe.draw(tmp_path, "probe", 1))


def as_array(one: Media) -> np.ndarray:
    return np.asarray(media.open_media(one))


def test_a_blank_has_the_shape_and_nothing_to_see(drawn: Media) -> None:
    whole, hidden = as_array(drawn), as_array(media.blank(drawn))
    assert hidden.shape == whole.shape and len(np.unique(hidden.reshape(-1, hidden.shape[-1]), axis=0)) == 1


def test_shuffled_is_the_same_content_out_of_order_and_the_same_each_time(drawn: Media) -> None:
    whole, mixed = as_array(drawn), as_array(media.shuffle(drawn))
    assert mixed.shape == whole.shape and not np.array_equal(mixed, whole)
    for channel in range(3):
        assert np.array_equal(np.sort(mixed[..., channel], axis=None), np.sort(whole[..., channel], axis=None))
    media.cache.clear()
    assert np.array_equal(as_array(media.shuffle(drawn)), mixed)
    assert media.content(media.shuffle(drawn)) != media.content(drawn) != media.content(media.blank(drawn))
    assert media.seal(media.shuffle(drawn)) == media.shuffle(drawn) == media.shuffle(media.shuffle(drawn))


@pytest.mark.parametrize("size", [(8, 8), (64, 48), (3, 5), (65, 9)])
def test_a_picture_of_any_size_is_shuffled(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    mixed = as_array(media.shuffle(Media("image", str(tmp_path / "a.png"))))
    assert sorted(map(tuple, mixed.reshape(-1, 3).tolist())) == sorted(map(tuple, pixels.reshape(-1, 3).tolist()))


def test_a_run_under_the_control_shuffled_is_another_run(mini_root: Path, tmp_path: Path) -> None:
    common = ("--model", "lamm", "--tasks", "cifar10,scanqa", "--limit", "2", "--data-root", mini_root)
    for name, more in (("plain", ()), ("mixed", ("--control", "shuffled"))):
        done("run", *common, *more, "--output", tmp_path / name)
    plain, mixed = (json.loads((tmp_path / name / "manifest.json").read_text())["identity"] for name in ("plain", "mixed"))
    assert mixed["control"] == "shuffled" and plain["data"] == mixed["data"]
    first = [(tmp_path / name / "records/cifar10.jsonl").read_text().splitlines()[0] for name in ("plain", "mixed")]
    assert json.loads(first[0])["request"] != json.loads(first[1])["request"]
    assert "shuffled" in refusal("run", *common, "--control", "shufled")


def test_no_two_modalities_share_a_name_or_a_key() -> None:
    image = media.modality("image")
    with pytest.raises(BenchError, match="second modality whose key is 'image'"):
        media.register(replace(image, name="photo", word="photo", command="photo"), "photo.py")
    media.register(image, "again.py")  # the same one once more is no fault
    with pytest.raises(BenchError, match="Did you mean 'image'"):
        media.modality("imaeg")


def room(folder: Path, parts: tuple[str, ...] = ("cloud", "frames", "objects")) -> Media:
    """A scene of a cloud, two frames and two objects, or of some of them."""
    stream = np.random.default_rng(0)
    np.save(folder / "room.npy", stream.uniform(0, 3, (50, 6)).astype(np.float32))
    for number in range(2):
        Image.new("RGB", (8, 6), (90 * number, 50, 60)).save(folder / f"{number}.png")
    eye = tuple(tuple(float(i == j) for j in range(4)) for i in range(4))
    inner = tuple(row[:3] for row in eye[:3])
    scene = Scene(
        Media("point_cloud", str(folder / "room.npy")),
        tuple(Frame(Media("image", str(folder / f"{number}.png")), eye, inner) for number in range(2)),
        (SceneObject("1", "chair", (1.0, 1.0, 0.5, 0.5, 0.5, 1.0)), SceneObject("2", "table", (2.0, 1.0, 0.4, 1.0, 0.7, 0.8))),
        {"cloud": "drawn", "frames": "drawn, every one", "objects": "ground-truth masks"},
    )
    empty = {"cloud": None, "frames": (), "objects": ()}
    left = {part: empty[part] for part in empty if part not in parts}
    kept = {part: words for part, words in scene.provenance.items() if part in parts}
    return save_scene(replace(scene, provenance=kept, **left), folder / "scene.json")


def test_a_scene_keeps_its_parts_and_where_they_come_from(tmp_path: Path) -> None:
    one = room(tmp_path)
    scene = open_scene(one)
    assert scene.parts == {"cloud", "frames", "objects"} and scene.objects[1].label == "table"
    describe = media.modality("scene").describe
    assert describe is not None
    assert describe(one) == "cloud (drawn), 2 frames (drawn, every one), 2 objects (ground-truth masks)"


def test_a_scene_is_another_one_when_a_picture_of_it_changes(tmp_path: Path) -> None:
    one = room(tmp_path)
    before = media.content(one)
    Image.new("RGB", (9, 6), (1, 2, 3)).save(tmp_path / "1.png")
    assert media.content(one) != before


def test_a_blank_scene_shows_nothing_and_a_shuffled_one_out_of_order(tmp_path: Path) -> None:
    one = room(tmp_path)
    hidden, mixed = open_scene(media.blank(one)), open_scene(media.shuffle(media.seal(one)))
    assert hidden.parts == {"cloud", "frames", "objects"} and all(not any(o.box) and not o.label for o in hidden.objects)
    assert all(media.is_blank(frame.image) for frame in hidden.frames)
    assert all(media.is_shuffled(frame.image) for frame in mixed.frames)
    assert sorted(o.box for o in mixed.objects) == sorted(o.box for o in open_scene(one).objects)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"provenance": {}}, "does not say where its"),
        ({"cloud": "../room.npy"}, "no path within"),
        ({"cloud": "/etc/passwd"}, "no path within"),
        ({"frames": [{"image": "0.png", "pose": [[1]], "intrinsics": [[1, 0, 0]] * 3}]}, "finite numbers of shape"),
        ({"objects": [{"id": "1"}]}, "neither a box nor points"),
        ({"objects": [{"id": "1", "box": [0, 0, 0, 1, 1, float("nan")]}]}, "finite numbers"),
        ({"objects": {"id": "1"}}, "a list of objects"),
        ({"clouds": "room.npy"}, "holds no scene"),
    ],
)
def test_a_scene_that_cannot_be_used_is_one_sentence(tmp_path: Path, change: dict, fault: str) -> None:
    path = Path(room(tmp_path).path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(MediaError, match=fault):
        open_scene(Media("scene", str(path)))


class Watching:
    """A model that looks at the frames of a scene."""

    name = "watching"
    modalities = frozenset({"scene"})
    needs = frozenset({"frames"})


class Eyes:
    name = "eyes"
    modalities = frozenset({"image"})


class Rooms:
    """A task of rooms."""

    name, modality, groups = "rooms", "scene", ("3d",)


def test_a_model_is_not_asked_without_the_parts_that_it_needs() -> None:
    from lamm_bench.ask.catalog import load_catalog

    catalog = load_catalog()
    recipe = catalog.recipe("lamm/standard")
    assert why_not(Rooms(), recipe, Watching()) is None  # type: ignore[arg-type]
    clouds = type("Clouds", (Rooms,), {"gives": frozenset({"cloud"})})()
    assert why_not(clouds, recipe, Watching()) == "watching needs frames, and rooms gives cloud only"  # type: ignore[arg-type]
    assert why_not(Rooms(), recipe, Eyes()) is None  # type: ignore[arg-type]
    assert why_not(catalog.tasks["scanqa"], recipe, Eyes()) == "eyes takes no point clouds"  # type: ignore[arg-type]


@pytest.mark.parametrize(("taken", "kinds"), [("scene", ["scene"]), ("image", ["image"] * 2), ("point_cloud", ["point_cloud"])])
def test_a_scene_becomes_what_the_model_takes(tmp_path: Path, taken: str, kinds: list[str]) -> None:
    one = media.seal(room(tmp_path))
    adapter = type("Some", (), {"modalities": frozenset({taken})})()
    for control, marked in ((None, lambda m: bool(m.sha256)), ("blind", media.is_blank), ("shuffled", media.is_shuffled)):
        sample = Sample("1", "What?", (one,), "x", "g")
        sample = CONTROLS[control](sample) if control else sample
        ((found,), unfit) = fitted([sample], adapter)
        assert [m.kind for m in found.media] == kinds and not unfit and all(map(marked, found.media))


def test_a_scene_without_what_the_model_takes_ends_its_own_sample(tmp_path: Path) -> None:
    one = media.seal(room(tmp_path, ("objects",)))
    found, unfit = fitted([Sample("1", "What?", (one,), "x", "g")], Eyes())  # type: ignore[arg-type]
    assert not found and "has no frames" in unfit["1"]


def broken(**functions) -> media.Modality:
    """A modality of text files, some of whose functions are somebody's first try."""
    sound = {"decode": lambda path: Path(path).read_text(), "hidden": lambda path: "", "weigh": len}
    return media.Modality(name="prose", many="texts", key="prose", **{**sound, **functions})


@pytest.mark.parametrize("part", ["decode", "hidden", "weigh"])
@pytest.mark.parametrize("error", [ValueError("boom"), TypeError("not this"), OSError("disk"), ZeroDivisionError()])
def test_whatever_a_modality_raises_costs_one_sample(tmp_path: Path, part: str, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    (tmp_path / "a.txt").write_text("words")
    media.register(broken(**{part: fail}), "prose.py")
    try:
        one = Media("prose", str(tmp_path / "a.txt"))
        with pytest.raises(MediaError, match=f"a.txt: `{part}` of the modality prose raised {type(error).__name__}"):
            media.open_media(media.blank(one) if part == "hidden" else one)
    finally:
        media.forget("prose")


def test_a_modality_without_its_functions_is_refused_at_once() -> None:
    with pytest.raises(BenchError, match="`decode` of the modality prose is None, expected a function"):
        media.register(broken(decode=None), "prose.py")


def test_a_task_of_a_modality_that_nobody_knows_says_so() -> None:
    from lamm_bench.ask.catalog import load_catalog

    unheard = type("Unheard", (Rooms,), {"modality": "imagee"})()
    assert "Did you mean 'image'" in str(why_not(unheard, load_catalog().recipe("lamm/standard"), Eyes()))  # type: ignore[arg-type]
