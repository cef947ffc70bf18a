"""Media in an archive are the same media: same content, same hash; and what no archive should hold is a sentence about one file."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lamm_bench.errors import MediaError
from lamm_bench.media import image_size, is_there, open_cloud, open_image, original, sha256, zipped
from lamm_bench.media.files import file_key, file_stat
from lamm_bench.media.zipped import found
from lamm_bench.types import Media


def png(colour: tuple[int, int, int] = (9, 80, 200)) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (31, 17), colour).save(held, "PNG")
    return held.getvalue()


def archive(path: Path, files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return path


@pytest.mark.parametrize("prefix", ["", "pics/"])
def test_a_member_is_what_its_file_would_be(tmp_path: Path, prefix: str) -> None:
    cloud = io.BytesIO()
    np.save(cloud, np.arange(60, dtype=np.float32).reshape(10, 6))
    files = {"in/a.png": png(), "room.npy": cloud.getvalue()}
    archive(tmp_path / "pics.zip", {f"{prefix}{name}": data for name, data in files.items()})
    for name, data in files.items():
        (tmp_path / "loose" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "loose" / name).write_bytes(data)
    packed, loose = tmp_path / "pics", tmp_path / "loose"
    assert sha256(packed / "in/a.png") == sha256(loose / "in/a.png")
    assert image_size(packed / "in/a.png") == (31, 17) and file_stat(packed / "in/a.png").st_size == len(png())
    one, other = (Media("image", str(base / "in/a.png")) for base in (packed, loose))
    assert open_image(one).tobytes() == open_image(other).tobytes() and original(one) == original(other)
    one, other = (Media("point_cloud", str(base / "room.npy")) for base in (packed, loose))
    assert np.array_equal(open_cloud(one), open_cloud(other))
    assert is_there(packed / "in/a.png") and not is_there(packed / "in/b.png")
    with pytest.raises(MediaError, match=r"in/b.png is missing"):
        sha256(packed / "in/b.png")


def test_a_folder_goes_before_an_archive_and_a_changed_archive_is_read_anew(tmp_path: Path) -> None:
    made = archive(tmp_path / "pics.zip", {"a.png": png((255, 0, 0))})
    key, first = file_key(tmp_path / "pics/a.png"), sha256(tmp_path / "pics/a.png")
    archive(made, {"a.png": png((0, 255, 0)), "b.png": png()})
    os.utime(made, ns=(1, 1))
    assert file_key(tmp_path / "pics/a.png") != key and sha256(tmp_path / "pics/a.png") != first
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics/a.png").write_bytes(png((1, 2, 3)))
    assert open_image(Media("image", str(tmp_path / "pics/a.png"))).getpixel((0, 0)) == (1, 2, 3)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("bomb", "would become"),
        ("link", "link or a device"),
        ("torn", "cannot be read"),
        ("junk", "cannot be read"),
        ("twice", "twice"),
    ],
)
def test_a_member_that_nobody_should_read_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, fault: str
) -> None:
    path = tmp_path / "pics.zip"
    monkeypatch.setattr(zipped, "FREE", 1 << 16)
    if kind == "bomb":
        archive(path, {"a.png": b"\0" * (1 << 20)})
    elif kind == "link":
        with zipfile.ZipFile(path, "w") as opened:
            one = zipfile.ZipInfo("a.png")
            one.external_attr = 0o120777 << 16
            opened.writestr(one, "/etc/passwd")
    elif kind == "torn":
        archive(path, {"a.png": png()}, zipfile.ZIP_STORED)
        data = bytearray(path.read_bytes())
        data[60] ^= 255
        path.write_bytes(data)
    elif kind == "junk":
        path.write_bytes(b"PK no archive at all")
    else:
        with zipfile.ZipFile(path, "w") as opened, pytest.warns(UserWarning, match="Duplicate"):
            opened.writestr("a.png", png())
            opened.writestr("a.png", png((1, 1, 1)))
    with pytest.raises(MediaError, match=fault):
        sha256(tmp_path / "pics/a.png")
    assert not is_there(tmp_path / "pics/a.png") or kind == "torn"


def test_no_path_leaves_the_archive(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png())
    archive(tmp_path / "pics.zip", {"../secret.png": png(), "a.png": png()})
    with pytest.raises(MediaError, match="leaves its folder"):
        found(str(tmp_path / "pics/../secret.png"))
    assert found(str(tmp_path / "a.png")) is None
