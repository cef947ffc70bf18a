"""`data get` of what only looks like a file of LAMM's: pages to sign in, pointers, halves, archives with folders around and rubbish in them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from lamm_bench.data.get.unpack import sound, unpack
from lamm_bench.errors import BenchError
from lamm_bench.media import is_there, sha256

from .commands import done, lamm_bench, refusal
from .file_server import file_server

SVT, PICS = "2D_Benchmark/meta_file/OCR_SVT.json", "2D_Benchmark/svt_images.zip"
META = json.dumps([{"id": "0", "image": "svt_images/a.png", "query": "Read.", "word_list": ["HI"]}]).encode()
RUBBISH = {"__MACOSX/pics/._a.png": b"?", "pics/.DS_Store": b"?", "pics/Thumbs.db": b"?"}


def zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"<html>Please sign in</html>", "is no meta file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 3\n", "pointer of Git LFS"),
        (META[:-9], "is no meta file"),
        (b"", "is no meta file"),
    ],
)
def test_what_is_no_meta_file_is_not_put_under_its_name(data: bytes, fault: str, tmp_path: Path) -> None:
    with file_server({SVT: data}) as server:
        result = lamm_bench("data", "get", "svt", "--meta-only", "--data-root", tmp_path, "--from", server.url)
        assert result.exit_code == 3 and fault in " ".join(result.output.split()) and not (tmp_path / SVT).exists()
        server.files[SVT] = b"\xef\xbb\xbf" + META + b"\r\n"
        done("data", "get", "svt", "--meta-only", "--data-root", tmp_path, "--from", server.url)
    assert (tmp_path / SVT).is_file()


def test_a_page_in_the_place_of_the_list_is_told_by_its_address(tmp_path: Path) -> None:
    with file_server({"SHA256SUMS": b"<html>Please sign in</html>"}) as server:
        said = refusal("data", "get", "svt", "--data-root", tmp_path / "root", "--from", server.url)
        assert f"{server.url}/SHA256SUMS is no list of digests" in said
    assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file()]


@pytest.mark.parametrize("above", ["", "pics/", "LAMM/2D_Benchmark/pics/"])
def test_folders_around_and_what_a_file_manager_left_move_no_picture(above: str, tmp_path: Path) -> None:
    archive = tmp_path / "pics.zip"
    archive.write_bytes(zipped({f"{above}a.png": b"1", f"{above}in/b.png": b"22", **RUBBISH}))
    assert is_there(tmp_path / "pics/a.png") and is_there(tmp_path / "pics/in/b.png")
    inside = sha256(tmp_path / "pics/in/b.png")
    assert sound(archive, tmp_path / "pics") == unpack(archive, tmp_path / "pics") == 2
    assert sorted(path.relative_to(tmp_path / "pics").as_posix() for path in (tmp_path / "pics").rglob("*")) == [
        "a.png",
        "in",
        "in/b.png",
    ]
    assert sha256(tmp_path / "pics/in/b.png") == inside


def test_an_archive_of_rubbish_alone_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "pics.zip").write_bytes(zipped(RUBBISH))
    with pytest.raises(BenchError, match="holds no files"):
        unpack(tmp_path / "pics.zip", tmp_path / "pics")


def test_an_empty_folder_is_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "2D_Benchmark/svt_images").mkdir(parents=True)
    with file_server({SVT: META, PICS: zipped({"svt_images/a.png": b"1"})}) as server:
        assert "new: 2" in done("data", "get", "svt", "--data-root", tmp_path, "--from", server.url)
    assert (tmp_path / "2D_Benchmark/svt_images/a.png").is_file()
