"""Media: what can be decoded is decoded once and alike; what cannot is one sentence with the file's name."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lamm_bench import media
from lamm_bench.errors import MediaError
from lamm_bench.types import Media


@pytest.fixture(autouse=True)
def empty_cache():
    media.cache.clear()


def image(path: Path) -> Media:
    return Media("image", str(path))


def cloud(path: Path) -> Media:
    return Media("point_cloud", str(path))


def save(path: Path, array: np.ndarray) -> Media:
    np.save(path, array, allow_pickle=True)
    return cloud(path)


def noise(width: int, height: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def huge_png(width: int, height: int) -> bytes:
    """A valid header of any size with hardly any data behind it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def refuses(reference: Media, *words: str) -> None:
    for use in (media.check, media.open_image if reference.kind == "image" else media.open_cloud):
        with pytest.raises(MediaError) as caught:
            use(reference)
        message = str(caught.value)
        assert reference.path in message and "\n" not in message
        for word in words:
            assert word in message, message


# laws


def test_an_image_is_read_as_it_was_written(tmp_path):
    pixels = noise(7, 5)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert media.image_size(tmp_path / "a.png") == (7, 5)
    opened = media.open_image(image(tmp_path / "a.png"))
    assert opened.mode == "RGB" and np.array_equal(np.asarray(opened), pixels)


def test_drawing_on_an_opened_image_does_not_change_the_next_one(tmp_path):
    Image.new("RGB", (3, 3), "red").save(tmp_path / "a.png")
    first = media.open_image(image(tmp_path / "a.png"))
    first.paste((0, 255, 0), (0, 0, 3, 3))
    assert media.open_image(image(tmp_path / "a.png")).getpixel((1, 1)) == (255, 0, 0)


def test_a_file_is_decoded_once_and_again_when_it_has_changed(tmp_path, monkeypatch):
    opened = []
    own = media.modality("image")
    counting = replace(own, decode=lambda path: opened.append(path) or own.decode(path))
    monkeypatch.setitem(media.modalities(), "image", counting)
    Image.new("RGB", (2, 2), "red").save(tmp_path / "a.png")
    for _ in range(3):
        media.open_image(image(tmp_path / "a.png"))
    assert len(opened) == 1
    Image.new("RGB", (4, 2), "blue").save(tmp_path / "a.png")
    assert media.open_image(image(tmp_path / "a.png")).size == (4, 2)
    assert len(opened) == 2


def test_the_cache_never_holds_more_than_its_limit():
    cache = media.Cache(100)
    for number in range(20):
        cache.put(("image", str(number), 0, 0), np.zeros(30, np.uint8), 30)
        assert cache.bytes <= 100
    assert cache.get(("image", "0", 0, 0)) is None and cache.get(("image", "19", 0, 0)) is not None
    cache.put(("image", "large", 0, 0), np.zeros(101, np.uint8), 101)
    assert cache.get(("image", "large", 0, 0)) is None and cache.get(("image", "19", 0, 0)) is not None


def test_a_cloud_is_float32_and_cannot_be_changed(tmp_path):
    points = np.random.default_rng(0).normal(size=(10, 6))
    opened = media.open_cloud(save(tmp_path / "a.npy", points))
    assert opened.dtype == np.float32 and np.array_equal(opened, points.astype(np.float32))
    with pytest.raises(ValueError):
        opened[0, 0] = 1


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int16, np.uint8, ">f4"])
@pytest.mark.parametrize("columns", [3, 4, 6, 9])
def test_clouds_of_numbers_with_three_or_more_columns_are_read(tmp_path, dtype, columns):
    points = np.arange(2 * columns).reshape(2, columns).astype(dtype)
    assert np.array_equal(media.open_cloud(save(tmp_path / "a.npy", points)), points.astype(np.float32))


def test_a_fortran_ordered_cloud_keeps_its_points(tmp_path):
    points = np.asfortranarray(np.arange(12, dtype=np.float32).reshape(4, 3))
    assert np.array_equal(media.open_cloud(save(tmp_path / "a.npy", points)), points)


def test_sealing_says_what_bytes_were_seen(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert media.sha256(tmp_path / "a") == known
    assert media.seal(image(tmp_path / "a")) == Media("image", str(tmp_path / "a"), known)
    (tmp_path / "a").write_bytes(b"abcd")
    assert media.sha256(tmp_path / "a") != known


def test_a_blank_image_has_the_size_and_nothing_else(tmp_path):
    Image.fromarray(noise(6, 4)).save(tmp_path / "a.png")
    hidden = media.blank(image(tmp_path / "a.png"))
    assert hidden.path == str(tmp_path / "a.png") and media.seal(hidden) == hidden
    opened = media.open_image(hidden)
    assert opened.size == (6, 4) and opened.getcolors() == [(24, (128, 128, 128))]


def test_a_blank_cloud_has_the_shape_and_one_gray_point(tmp_path):
    points = np.random.default_rng(0).uniform(0, 255, size=(50, 7)).astype(np.float32)
    hidden = media.open_cloud(media.blank(save(tmp_path / "a.npy", points)))
    assert hidden.shape == points.shape and len(np.unique(hidden, axis=0)) == 1
    assert not hidden[:, :3].any() and np.all(hidden[:, 3:6] == 128)  # at the origin: not even where the room lies is told


def test_a_broken_file_is_broken_under_the_blind_control_too(tmp_path):
    refuses(media.blank(image(tmp_path / "none.png")), "missing")
    (tmp_path / "a.npy").write_bytes(b"no")
    refuses(media.blank(cloud(tmp_path / "a.npy")), "not a .npy array")


# images of every kind


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb_as_pillow_converts_it(tmp_path, mode):
    if mode == "I;16":
        source = Image.fromarray(np.array([[0, 100, 255, 256, 65535]], dtype=np.uint16))
    else:
        source = Image.fromarray(noise(5, 4, 4), "RGBA").convert("RGB" if mode in ("CMYK", "P") else "RGBA").convert(mode)
    name = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    source.save(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = media.open_image(image(name))
    assert opened.mode == "RGB" and np.array_equal(np.asarray(opened), np.asarray(Image.open(name).convert("RGB")))


def test_alpha_is_dropped_without_a_warning_even_from_a_palette(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png", transparency=bytes([0, 255]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = media.open_image(image(tmp_path / "a.png"))
    assert [opened.getpixel((x, 0)) for x in (0, 1)] == [(10, 20, 30), (200, 100, 50)]


def test_sixteen_bit_gray_is_clipped_as_upstream_does(tmp_path):
    Image.fromarray(np.array([[0, 100, 255, 256, 65535]], dtype=np.uint16)).save(tmp_path / "a.png")
    assert np.asarray(media.open_image(image(tmp_path / "a.png")))[0, :, 0].tolist() == [0, 100, 255, 255, 255]


def test_exif_rotation_is_not_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees
    Image.new("RGB", (8, 4)).save(tmp_path / "a.jpg", exif=exif)
    assert media.image_size(tmp_path / "a.jpg") == (8, 4)
    assert media.open_image(image(tmp_path / "a.jpg")).size == (8, 4)


def test_one_pixel_is_an_image(tmp_path):
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "a.png")
    assert media.open_image(image(tmp_path / "a.png")).getpixel((0, 0)) == (1, 2, 3)


# faults


@pytest.mark.parametrize("size", [(20_000, 20_000), (10_001, 10_000), (12_000, 8_500), (1, 2_000_000_000)])
def test_a_picture_above_the_limit_is_refused_before_it_is_decoded(tmp_path, size, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    (tmp_path / "a.png").write_bytes(huge_png(*size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refuses(image(tmp_path / "a.png"), "limit of 100,000,000")


def test_a_picture_under_the_limit_gives_no_warning_of_pillows(tmp_path):
    (tmp_path / "a.png").write_bytes(huge_png(10_000, 9_990))  # above Pillow's own threshold of 89 megapixels
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert media.image_size(tmp_path / "a.png") == (10_000, 9_990)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM"])
def test_every_format_is_read_whole_and_refused_when_truncated(tmp_path, format):
    buffer = io.BytesIO()
    Image.fromarray(noise(64, 64)).save(buffer, format)
    path = tmp_path / "a"
    path.write_bytes(buffer.getvalue())
    assert media.open_image(image(path)).size == (64, 64)
    path.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    refuses(image(path))


def test_what_is_not_an_image_is_refused(tmp_path):
    refuses(image(tmp_path / "none.jpg"), "missing")
    refuses(image(tmp_path), "not a file")
    (tmp_path / "a.jpg").write_bytes(b"")
    refuses(image(tmp_path / "a.jpg"), "empty")
    (tmp_path / "b.jpg").write_text("<html>Not found</html>")
    refuses(image(tmp_path / "b.jpg"), "not an image")
    (tmp_path / "c.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    refuses(image(tmp_path / "c.eps"), "not an image")


def test_paths_that_no_system_has_are_refused_in_words():
    for path in ("a\0b.png", "x" * 5000):
        with pytest.raises(MediaError):
            media.check(Media("image", path))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((0, 6), np.float32), "0 points"),
        (np.zeros(12, np.float32), "shape [12]"),
        (np.zeros((5, 2), np.float32), "shape [5, 2]"),
        (np.zeros((5, 3, 1), np.float32), "shape [5, 3, 1]"),
        (np.float32(1), "shape []"),
        (np.array([[0, 0, np.nan], [0, 0, 0]]), "NaN or infinite values in 1 of 2 points"),
        (np.array([[0, 0, np.inf]]), "NaN or infinite"),
        (np.array([[0, 0, 1e300]]), "NaN or infinite"),  # more than float32 can hold
        (np.zeros((5, 3), bool), "holds bool"),
        (np.zeros((5, 3), complex), "holds complex128"),
        (np.array([["a", "b", "c"]]), "holds <U1"),
        (np.zeros(5, dtype=[("x", "f4")]), "expected an array of float32"),
    ],
)
def test_a_cloud_that_is_not_one_is_refused(tmp_path, array, words):
    refuses(save(tmp_path / "a.npy", array), words)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_an_array_of_objects_is_never_unpickled(tmp_path):
    reference = save(tmp_path / "a.npy", np.array([[Trap(str(tmp_path / "sprung"))] * 3], dtype=object))
    refuses(reference, "Python objects")
    assert not (tmp_path / "sprung").exists()


def test_a_truncated_cloud_and_a_cloud_of_another_format_are_refused(tmp_path):
    save(tmp_path / "a.npy", np.zeros((100, 6), np.float32))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:1000])
    refuses(cloud(tmp_path / "a.npy"), "truncated", "2,400")
    np.savez(tmp_path / "b.npz", a=np.zeros((5, 3)))
    refuses(cloud(tmp_path / "b.npz"), "not a .npy array")
    (tmp_path / "c.npy").write_text("ply\n")
    refuses(cloud(tmp_path / "c.npy"), "not a .npy array")


def test_a_header_that_announces_more_than_there_is_allocates_nothing(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (40000000, 6)}"
    header += b" " * (118 - len(header) - 1) + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 24)
    refuses(cloud(tmp_path / "a.npy"), "truncated")


def test_a_picture_opened_as_a_cloud_is_a_bug_and_not_a_media_error(tmp_path):
    with pytest.raises(ValueError, match="point_cloud"):
        media.open_image(cloud(tmp_path / "a.npy"))


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise(16, 16)).save(buffer, "JPEG")
    return buffer.getvalue()


SEEDS = [
    huge_png(3, 3),
    jpeg(),
    b"GIF89a\x02\x00\x02\x00\x80\x00\x00",
    b"BM",
    b"RIFF\x10\0\0\0WEBPVP8 ",
    b"II*\0\x08\0\0\0",
    b"P6 2 2 255 ",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.sampled_from([b"", *SEEDS]), cut=st.integers(0, 800), tail=st.binary(max_size=200), at=st.integers(0, 400))
def test_any_bytes_are_an_image_or_a_media_error(tmp_path, seed, cut, tail, at):
    data = bytearray(seed[:cut] + tail)
    if tail and at < len(data):
        data[at] = tail[0]
    path = tmp_path / "a"
    path.write_bytes(bytes(data))
    media.cache.clear()
    try:
        assert media.open_image(image(path)).mode == "RGB"
    except MediaError as error:
        assert str(path) in str(error)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.text("0123456789,() -", max_size=12),
    descr=st.sampled_from(["<f4", "|O", "<U4", "f", "V8", "?"]),
    tail=st.binary(max_size=100),
)
def test_any_header_is_a_cloud_or_a_media_error(tmp_path, shape, descr, tail):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n".encode()
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + tail)
    media.cache.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            assert media.open_cloud(cloud(path)).ndim == 2
        except MediaError as error:
            assert str(path) in str(error)


def test_manifests_name_every_decoder():
    versions = media.decoder_versions()
    assert set(versions) == {"pillow", "numpy", "libjpeg-turbo"} and all(versions.values())


def test_sealing_and_hiding_leave_the_reference_untouched(tmp_path):
    reference = image(tmp_path / "a.png")
    assert media.blank(reference) == replace(reference, sha256="blank") and reference.sha256 == ""


@pytest.mark.parametrize("columns", [6, 7])
def test_colours_from_zero_to_one_become_those_from_zero_to_255(tmp_path, columns):
    points = np.random.default_rng(0).uniform(0, 1, size=(50, columns)).astype(np.float32)
    opened = media.open_cloud(save(tmp_path / "a.npy", points))
    assert np.allclose(opened[:, 3:6], 255 * points[:, 3:6])
    assert np.array_equal(opened[:, :3], points[:, :3]) and np.array_equal(opened[:, 6:], points[:, 6:])


def test_only_colours_that_cannot_be_meant_otherwise_are_scaled(tmp_path):
    dark = np.zeros((9, 6), np.uint8) + 1  # whole numbers are 0-255 already
    bright = np.full((9, 6), 0.5, np.float32)
    bright[0, 3] = 2.0
    five = np.full((9, 5), 0.5, np.float32)  # no colours at all
    for name, points in (("a.npy", dark), ("b.npy", bright), ("c.npy", five)):
        assert np.array_equal(media.open_cloud(save(tmp_path / name, points)), points.astype(np.float32))


def test_floating_point_pixels_are_refused(tmp_path):
    Image.fromarray(np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8), "F").save(tmp_path / "a.tif")
    with pytest.raises(MediaError, match="a.tif holds floating-point pixels"):
        media.open_image(image(tmp_path / "a.tif"))


def test_a_header_that_says_true_is_no_shape(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (True, 3), }"
    header += b" " * (64 - (10 + len(header) + 1) % 64) + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(12))
    with pytest.raises(MediaError, match="expected .points, 3 or more columns."):
        media.open_cloud(Media("point_cloud", str(tmp_path / "a.npy")))


def test_columns_of_any_order_and_width_are_the_same_cloud(tmp_path):
    points = np.random.default_rng(0).uniform(-3, 3, (1000, 6))
    for name, array in (("c", points), ("fortran", np.asfortranarray(points)), ("wide", points.astype(np.longdouble))):
        np.save(tmp_path / f"{name}.npy", array)
        assert np.array_equal(media.open_cloud(save_as(tmp_path / f"{name}.npy")), points.astype(np.float32)), name


def save_as(path):
    return Media("point_cloud", str(path))
