"""Corruptions of media: the same each time, whatever the order; nothing is harmed that is small, narrow or without colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lamm_bench import media
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.media import Corruption, open_cloud, open_image, open_scene
from lamm_bench.media.corruptions import CLOUDS, FAMILIES, PICTURES
from lamm_bench.media.corruptions.pixels import plasma
from lamm_bench.types import Media

from .test_modalities import room

SIZES = [(1, 1), (5, 3), (1, 40), (300, 2), (33, 31)]
NOISE = [name for name in PICTURES if name.endswith(("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise"))]
BLUR = [
    "gaussian_blur",
    "defocus_blur",
    "motion_blur",
    "chef/gaussian_blur",
    "jpeg",
    "contrast",
    "brightness",
]


def stream(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def photo(wide: int, high: int) -> Image.Image:
    """Something with edges, a gradient and colours."""
    x, y = np.meshgrid(np.linspace(0, 1, wide), np.linspace(0, 1, high))
    bands = [0.5 + 0.5 * np.sin(9 * x + 4 * y), y, (np.hypot(x - 0.5, y - 0.5) < 0.3).astype(float)]
    return Image.fromarray((np.stack(bands, axis=2) * 255).astype(np.uint8))


def cloud(points: int = 400, columns: int = 6) -> np.ndarray:
    found = stream(1).uniform(-2, 2, (points, columns)).astype(np.float32)
    found[:, 3:6] = np.abs(found[:, 3:6]) * 120
    found.setflags(write=False)
    return found


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_any_size_stays_a_picture(name: str) -> None:
    for size in SIZES:
        image = photo(*size)
        before = image.tobytes()
        for severity in (1, 3, 5):
            made = PICTURES[name].change(image, severity, stream())
            assert made.mode == "RGB" and min(made.size) >= 1
            assert made.size == size or PICTURES[name].moves
            assert made.tobytes() == PICTURES[name].change(image, severity, stream()).tobytes()
        assert image.tobytes() == before


@pytest.mark.parametrize("name", CLOUDS)
def test_a_cloud_of_any_size_stays_a_cloud(name: str) -> None:
    for points, columns in ((1, 3), (1, 6), (2, 4), (30, 6), (400, 3), (400, 7)):
        whole = cloud(points, columns)
        for severity in range(1, 6):
            made = CLOUDS[name].change(whole, severity, stream())
            assert made.dtype == np.float32 and made.shape[1] == columns and len(made) >= 1
            assert np.isfinite(made).all() and not made.flags.writeable
            assert np.array_equal(made, CLOUDS[name].change(whole, severity, stream()))
            if columns >= 6:
                assert made[:, 3:6].min() >= 0 and made[:, 3:6].max() <= 255


def distance(one: Image.Image, other: Image.Image) -> float:
    return float(((np.asarray(one, float) - np.asarray(other, float)) ** 2).mean())


@pytest.mark.parametrize("name", [*NOISE, *BLUR])
def test_a_higher_severity_is_worse(name: str) -> None:
    image = photo(120, 90)
    found = [
        np.mean([distance(image, PICTURES[name].change(image, level, stream(seed))) for seed in range(3)])
        for level in range(1, 6)
    ]
    assert all(low < high for low, high in zip(found, found[1:])), found


@pytest.mark.parametrize("name", ["jitter", "uniform_jitter", "colour_noise", "colour_loss"])
def test_points_stray_further_with_the_severity(name: str) -> None:
    whole = cloud()
    found = [np.abs(CLOUDS[name].change(whole, level, stream()) - whole).mean() for level in range(1, 6)]
    assert all(low < high for low, high in zip(found, found[1:])), found


@pytest.mark.parametrize("name", ["dropout_global", "dropout_local", "density", "cutout", "crop", "occlusion"])
def test_fewer_points_are_left_with_the_severity_and_none_is_new(name: str) -> None:
    whole = cloud(3000)
    left = [np.mean([len(CLOUDS[name].change(whole, level, stream(seed))) for seed in range(4)]) for level in range(1, 6)]
    assert len(whole) > left[0] and all(high > low for high, low in zip(left, left[1:])), left
    rows = {row.tobytes() for row in whole}
    assert all(row.tobytes() in rows for row in CLOUDS[name].change(whole, 4, stream()))


def test_constants_are_those_of_the_papers() -> None:
    gray = Image.new("RGB", (200, 200), (128, 128, 128))
    for name, deviations in (("gaussian_noise", (0.08, 0.12, 0.18)), ("chef/gaussian_noise", (0.04, 0.06, 0.08))):
        for severity, deviation in enumerate(deviations, 1):
            assert np.asarray(PICTURES[name].change(gray, severity, stream()), float).std() / 255 == pytest.approx(
                deviation, rel=0.02
            )
    struck = np.asarray(PICTURES["impulse_noise"].change(gray, 5, stream()))
    assert np.isin(struck, (0, 255)).mean() == pytest.approx(0.27, abs=0.01)  # each colour for itself
    assert len(CLOUDS["dropout_global"].change(cloud(10000), 5, stream())) == pytest.approx(2500, rel=0.05)
    assert (CLOUDS["jitter"].change(cloud(10000), 5, stream()) - cloud(10000))[:, :3].std() == pytest.approx(0.05, rel=0.03)
    assert len(CLOUDS["add_global"].change(cloud(1024), 3, stream())) == 1024 + 30
    assert len(CLOUDS["add_local"].change(cloud(1024), 2, stream())) == 1024 + 200
    assert PICTURES["centre_crop"].change(photo(200, 100), 5, stream()).size == (180, 90)
    assert PICTURES["resize_x"].change(photo(200, 100), 5, stream()).size in ((100, 100), (300, 100))
    assert {len(members) for family, members in FAMILIES.items()} == {4, 5}


def test_hue_and_value_stay_when_colours_fade() -> None:
    """HSV as the standard library has it."""
    import colorsys

    image = photo(30, 20)
    faded = np.asarray(PICTURES["saturate"].change(image, 1, stream()), float) / 255
    for was, now in zip((np.asarray(image, float) / 255).reshape(-1, 3), faded.reshape(-1, 3)):
        hue, saturation, value = colorsys.rgb_to_hsv(*was)
        assert now == pytest.approx(colorsys.hsv_to_rgb(hue, saturation * 0.3, value), abs=0.003)
    brighter = np.asarray(PICTURES["brightness"].change(image, 2, stream()), float) / 255
    for was, now in zip((np.asarray(image, float) / 255).reshape(-1, 3), brighter.reshape(-1, 3)):
        hue, saturation, value = colorsys.rgb_to_hsv(*was)
        assert now == pytest.approx(colorsys.hsv_to_rgb(hue, saturation, min(value + 0.2, 1)), abs=0.003)


@pytest.mark.parametrize("side", [2, 8, 64])
def test_clouds_of_fog_fill_their_field(side: int) -> None:
    field = plasma(side, 2, stream())
    assert field.shape == (side, side) and field.min() == 0 and field.max() == 1


def saved(folder: Path, image: Image.Image, name: str = "a.png") -> Media:
    image.save(folder / name)
    return Media("image", str(folder / name))


def test_a_reference_says_what_is_done_and_the_file_stays(tmp_path: Path) -> None:
    one = media.seal(saved(tmp_path, photo(40, 30)))
    before = Path(one.path).read_bytes()
    worse = media.corrupt(one, [("fog", 3), ("jpeg", 1)], 7)
    assert media.is_corrupted(worse) and media.seal(worse) == worse == media.corrupt(worse, [("snow", 1)], 7)
    said = media.corruption_of(worse)
    assert (said.clean, said.steps, said.seed) == (one, (("fog", 3), ("jpeg", 1)), 7)
    first = open_image(worse).tobytes()
    media.cache.clear()
    assert open_image(worse).tobytes() == first != open_image(one).tobytes()
    assert Path(one.path).read_bytes() == before and list(tmp_path.iterdir()) == [tmp_path / "a.png"]
    others = [media.corrupt(one, [("fog", 2), ("jpeg", 1)], 7), media.corrupt(one, [("fog", 3), ("jpeg", 1)], 8), one]
    assert len({media.content(each) for each in (worse, *others)}) == 4
    assert media.original(one) is not None and media.original(worse) is None
    assert media.corrupt(one, [], 7) == one


def test_what_is_drawn_depends_on_the_content_and_not_on_its_place(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, second = saved(tmp_path, photo(20, 10)), saved(tmp_path / "other", photo(20, 10), "b.png")
    worse = [open_image(media.corrupt(media.seal(one), [("gaussian_noise", 2)], 0)).tobytes() for one in (first, second)]
    assert worse[0] == worse[1]


def test_noise_of_two_severities_is_the_same_noise_louder(tmp_path: Path) -> None:
    one = media.seal(saved(tmp_path, Image.new("RGB", (60, 60), (128, 128, 128))))
    low, high = (np.asarray(open_image(media.corrupt(one, [("gaussian_noise", level)], 0)), float) - 128 for level in (1, 2))
    assert np.corrcoef(low.ravel(), high.ravel())[0, 1] > 0.99


def test_steps_of_one_name_are_drawn_apart(tmp_path: Path) -> None:
    one = media.seal(saved(tmp_path, Image.new("RGB", (60, 60), (128, 128, 128))))
    once, twice = (open_image(media.corrupt(one, [("gaussian_noise", 1)] * times, 0)) for times in (1, 2))
    assert np.asarray(twice, float).std() == pytest.approx(np.sqrt(2) * np.asarray(once, float).std(), rel=0.05)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "I;16"])
def test_files_of_every_kind_are_corrupted_as_they_are_shown(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30))
    else:
        image = photo(30, 20).convert(mode)
    one = media.seal(saved(tmp_path, image, "a.tiff" if mode == "CMYK" else "a.png"))
    assert open_image(media.corrupt(one, [("fog", 3), ("rotate", 2)], 0)).mode == "RGB"


def test_a_corrupted_medium_can_be_put_out_of_order_and_hidden(tmp_path: Path) -> None:
    one = media.corrupt(media.seal(saved(tmp_path, photo(64, 64))), [("contrast", 5)], 0)
    mixed = media.shuffle(one)
    assert sorted(open_image(mixed).tobytes()) == sorted(open_image(one).tobytes())
    assert open_image(mixed).tobytes() != open_image(one).tobytes()
    assert len(set(open_image(media.blank(one)).tobytes())) == 1


def test_a_corruption_of_another_kind_costs_its_sample(tmp_path: Path) -> None:
    one = media.seal(saved(tmp_path, photo(8, 8)))
    with pytest.raises(MediaError, match="images cannot be corrupted by jitter"):
        media.open_media(media.corrupt(one, [("jitter", 1)], 0))


def test_a_scene_gets_it_through_its_parts(tmp_path: Path) -> None:
    one = media.seal(room(tmp_path))
    scene, jittered = open_scene(one), open_scene(media.corrupt(one, [("jitter", 3)], 0))
    assert jittered.cloud is not None and scene.cloud is not None
    assert media.is_corrupted(jittered.cloud) and not any(media.is_corrupted(frame.image) for frame in jittered.frames)
    assert not np.array_equal(open_cloud(jittered.cloud), open_cloud(scene.cloud))
    assert [thing.box for thing in jittered.objects] == [thing.box for thing in scene.objects]
    (frame, _) = media.instead(media.corrupt(one, [("fog", 3)], 0), frozenset({"image"}))
    assert media.is_corrupted(frame) and open_image(frame).tobytes() != open_image(scene.frames[0].image).tobytes()
    mixed = media.instead(media.shuffle(media.corrupt(one, [("fog", 3)], 0)), frozenset({"image"}))
    assert all(media.is_shuffled(each) and "fog:3" in each.sha256 for each in mixed)


def test_a_corruption_can_be_added_and_no_second_one_of_its_name() -> None:
    dark = Corruption(lambda image, severity, stream: image.point(lambda value: value // (severity + 1)))
    media.add_corruptions("image", {"dark": dark}, "dark.py")
    try:
        media.add_corruptions("image", {"dark": Corruption(dark.change, "mine")}, "dark.py")  # the same file, edited
        with pytest.raises(BenchError, match="second corruption of images called 'fog'"):
            media.add_corruptions("image", {"fog": dark}, "dark.py")
        with pytest.raises(BenchError, match="needs a name of letters"):
            media.add_corruptions("image", {"so dark": dark}, "dark.py")
        with pytest.raises(BenchError, match="expected lamm_bench.media.Corruption"):
            media.add_corruptions("image", {"darker": lambda image: image}, "dark.py")  # type: ignore[dict-item]
    finally:
        PICTURES.pop("dark")


def test_a_corruption_that_fails_is_a_sentence_about_one_file(tmp_path: Path) -> None:
    media.add_corruptions("image", {"broken": Corruption(lambda image, severity, stream: 1 / 0)}, "broken.py")
    try:
        one = media.corrupt(media.seal(saved(tmp_path, photo(8, 8))), [("broken", 1)], 0)
        with pytest.raises(MediaError, match=r"a.png: `corruptions\[broken\]` of the modality image raised ZeroDivisionError"):
            media.open_media(one)
    finally:
        PICTURES.pop("broken")


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from(sorted(PICTURES)), st.integers(1, 5), st.integers(0, 9))
def test_no_picture_is_too_odd(wide: int, high: int, name: str, severity: int, seed: int) -> None:
    image = Image.fromarray(stream(seed).integers(0, 256, (high, wide, 3), dtype=np.uint8))
    assert PICTURES[name].change(image, severity, stream(seed)).mode == "RGB"
