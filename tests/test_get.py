"""`data get`: from a hub, a mirror and a folder that cut, stall and lie; killed and gone on; archives that nobody should trust."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lamm_bench.data.get.fetch import Fetcher, Want
from lamm_bench.data.get.sets import known, wanted
from lamm_bench.data.get.unpack import unpack
from lamm_bench.errors import BenchError

from .commands import done, lamm_bench, refusal
from .file_server import Files, Odd, file_server

DATA = bytes(range(256)) * 4000  # 1,024,000 bytes
SHA = hashlib.sha256(DATA).hexdigest()


def fetcher(**more: Any) -> Fetcher:
    return Fetcher(sleep=lambda seconds: None, timeout=20.0, **more)


def zipped(files: dict[str, bytes], packed: int = zipfile.ZIP_STORED) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", packed) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return kept.getvalue()


# one file


def test_a_file_arrives_whole(tmp_path: Path) -> None:
    with file_server({"a": DATA}) as server:
        fetcher().fetch(f"{server.url}/a", tmp_path / "x/a", Want(len(DATA), SHA))
    assert (tmp_path / "x/a").read_bytes() == DATA and [p.name for p in (tmp_path / "x").iterdir()] == ["a"]


@pytest.mark.parametrize("want", [Want(), Want(len(DATA)), Want(None, SHA), Want(len(DATA), SHA)])
def test_a_cut_or_stalled_connection_is_gone_on_with(tmp_path: Path, want: Want) -> None:
    odd = {0: Odd(cut=300_000), 1: Odd(cut=100, stall=True), 2: Odd(cut=0), 3: Odd(status=503, headers={"Retry-After": "1"})}
    waited: list[float] = []
    with file_server({"a": DATA}, lambda number, path: odd.get(number)) as server:
        Fetcher(sleep=waited.append, timeout=1.0).fetch(f"{server.url}/a", tmp_path / "a", want)
    assert (tmp_path / "a").read_bytes() == DATA and 1.0 in waited
    assert [range_ for _, range_, _ in server.asked] == ["", "bytes=300000-", "bytes=300100-", "bytes=300100-", "bytes=300100-"]


def test_what_came_before_a_death_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(DATA[:500_000])
    with file_server({"a": DATA}) as server:
        fetcher().fetch(f"{server.url}/a", tmp_path / "a", Want(len(DATA), SHA))
    assert server.asked[0][1] == "bytes=500000-" and (tmp_path / "a").read_bytes() == DATA


@pytest.mark.parametrize("odd", [Odd(no_range=True), Odd(shift=7), Odd(status=416)])
def test_a_server_that_knows_no_range_or_answers_another_begins_anew(tmp_path: Path, odd: Odd) -> None:
    (tmp_path / "a.part").write_bytes(DATA[:500_000])
    with file_server({"a": DATA}, lambda number, path: odd if number == 0 else None) as server:
        fetcher().fetch(f"{server.url}/a", tmp_path / "a", Want(len(DATA), SHA))
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_part_of_another_file_never_becomes_one(tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 500_000)
    with file_server({"a": DATA}) as server:
        fetcher().fetch(f"{server.url}/a", tmp_path / "a", Want(len(DATA), SHA))
    assert (tmp_path / "a").read_bytes() == DATA and len(server.asked) == 2


def test_a_file_that_changes_on_the_server_begins_anew(tmp_path: Path) -> None:
    with file_server({"a": b"y" * 1000}, lambda number, path: Odd(cut=100) if number == 0 else None) as server:

        def change(seconds: float) -> None:
            server.files["a"] = DATA

        Fetcher(sleep=change, timeout=20.0).fetch(f"{server.url}/a", tmp_path / "a", Want())
    assert (tmp_path / "a").read_bytes() == DATA


@pytest.mark.parametrize("other", [DATA[:-1] + b"!", DATA + b"more", DATA[:10], b""])
def test_other_bytes_than_were_announced_are_never_taken(tmp_path: Path, other: bytes) -> None:
    with file_server({"a": DATA}, lambda number, path: Odd(other=other)) as server, pytest.raises(BenchError):
        fetcher().fetch(f"{server.url}/a", tmp_path / "a", Want(len(DATA), SHA))
    assert not (tmp_path / "a").exists()


def test_a_server_that_gives_nothing_is_left_after_a_few_tries(tmp_path: Path) -> None:
    with (
        file_server({"a": DATA}, lambda number, path: Odd(cut=400) if number == 0 else Odd(cut=0)) as server,
        pytest.raises(BenchError, match="400 bytes have come and are kept"),
    ):
        fetcher().fetch(f"{server.url}/a", tmp_path / "a", Want(len(DATA), SHA))
    assert (tmp_path / "a.part").stat().st_size == 400 and len(server.asked) < 10


@pytest.mark.parametrize(
    ("status", "fault"), [(403, "accept the terms"), (401, "HF_TOKEN"), (404, "is not there"), (400, "was refused")]
)
def test_what_cannot_be_had_is_told_at_once(tmp_path: Path, status: int, fault: str) -> None:
    with file_server({"a": DATA}, lambda number, path: Odd(status=status)) as server:
        with pytest.raises(BenchError, match=fault):
            fetcher().fetch(f"{server.url}/a", tmp_path / "a", Want())
        assert len(server.asked) == 1


def test_another_host_is_told_no_secret(tmp_path: Path) -> None:
    with file_server({"a": DATA}) as far, file_server({"a": DATA}, lambda number, path: Odd(to=f"{far.url}/a")) as near:
        fetcher(headers={"authorization": "Bearer hf_secret"}).fetch(f"{near.url}/a", tmp_path / "a", Want(len(DATA), SHA))
    assert near.asked[0][2] == "Bearer hf_secret" and far.asked[0][2] == ""


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "/etc/passwd"])
def test_only_the_web_is_fetched_from(tmp_path: Path, url: str) -> None:
    with pytest.raises(BenchError, match="no http or https address"):
        fetcher().fetch(url, tmp_path / "a", Want())
    with file_server({}, lambda number, path: Odd(to="file:///etc/passwd")) as server, pytest.raises(BenchError):
        fetcher().fetch(f"{server.url}/a", tmp_path / "a", Want())
    assert not (tmp_path / "a").exists()


# archives


def archive(tmp_path: Path, files: dict[str, bytes], **more: Any) -> Path:
    path = tmp_path / "pics.zip"
    path.write_bytes(zipped(files, **more))
    return path


@pytest.mark.parametrize("prefix", ["", "pics/"])
def test_an_archive_becomes_a_folder_with_or_without_its_own(tmp_path: Path, prefix: str) -> None:
    assert unpack(archive(tmp_path, {f"{prefix}a.jpg": b"1", f"{prefix}in/b.jpg": b"2"}), tmp_path / "pics") == 2
    assert (tmp_path / "pics/in/b.jpg").read_bytes() == b"2" and sorted(p.name for p in tmp_path.iterdir()) == [
        "pics",
        "pics.zip",
    ]


def link(tmp_path: Path) -> Path:
    path = tmp_path / "pics.zip"
    with zipfile.ZipFile(path, "w") as opened:
        one = zipfile.ZipInfo("evil")
        one.external_attr = (stat.S_IFLNK | 0o777) << 16
        opened.writestr(one, "/etc/passwd")
    return path


def lying(tmp_path: Path) -> Path:
    """A member that unpacks to more than its entry says."""
    data = bytearray(zipped({"a.jpg": b"0" * 5000}, zipfile.ZIP_DEFLATED))
    for place in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
        data[place : place + 4] = (100).to_bytes(4, "little")
    (tmp_path / "pics.zip").write_bytes(bytes(data))
    return tmp_path / "pics.zip"


BAD = {
    "up": lambda t: archive(t, {"a.jpg": b"1", "../evil.txt": b"2"}),
    "absolute": lambda t: archive(t, {"/abs/evil.txt": b"2"}),
    "within": lambda t: archive(t, {f"pics/{t}/evil.txt": b"2"}),
    "within up": lambda t: archive(t, {"pics/../../evil.txt": b"2"}),
    "within drive": lambda t: archive(t, {"pics/C:/evil.txt": b"2"}),
    "drive": lambda t: archive(t, {"C:/evil.txt": b"2"}),
    "backslash": lambda t: archive(t, {"..\\evil.txt": b"2"}),
    "capitals": lambda t: archive(t, {"a.jpg": b"1", "A.JPG": b"2"}),
    "link": link,
    "lying": lying,
    "bomb": lambda t: archive(t, {"a.jpg": b"0" * (300 << 20)}, packed=zipfile.ZIP_DEFLATED),
    "empty": lambda t: archive(t, {}),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_archive_that_nobody_should_trust_leaves_nothing(tmp_path: Path, kind: str) -> None:
    path = BAD[kind](tmp_path)
    with pytest.raises(BenchError, match=r"pics\.zip"):
        unpack(path, tmp_path / "in" / "pics")
    assert not (tmp_path / "in" / "pics").exists() and not list(tmp_path.rglob("evil*")) and not list(tmp_path.rglob(".pics*"))


@given(st.binary(max_size=80), st.integers(0, 300))
def test_a_damaged_archive_is_one_sentence(tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int) -> None:
    folder = tmp_path_factory.mktemp("zip")
    whole = zipped({"a.jpg": b"12345" * 9, "b/c.jpg": b"54321" * 9}, zipfile.ZIP_DEFLATED)
    (folder / "p.zip").write_bytes(whole[:at] + junk + whole[at + len(junk) :])
    try:
        unpack(folder / "p.zip", folder / "p")
    except BenchError:
        assert not (folder / "p").exists()


# the command


SVT = "2D_Benchmark/meta_file/OCR_SVT.json"
PICS = "2D_Benchmark/svt_images.zip"


def published(large: bool = False) -> dict[str, bytes]:
    meta = json.dumps(
        [{"id": "1", "image": "svt_images/a.jpg", "query": "Read.", "word_list": ["HI"]}] * (40 if large else 1)
    ).encode()
    return {SVT: meta, PICS: zipped({"svt_images/a.jpg": b"jpg" * 999})}


@pytest.fixture()
def hub(monkeypatch: pytest.MonkeyPatch):
    with file_server(published(large=True)) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", "hf_x")
        yield server


def test_from_the_hub_at_one_commit_and_never_again(hub: Files, tmp_path: Path) -> None:
    shown = done("data", "get", "svt", "--data-root", tmp_path)
    assert "terms: LAMM's files: CC BY-NC 4.0" in shown and "svt_images 82M" in shown and "new: 2" in shown
    assert (tmp_path / SVT).read_bytes() == hub.files[SVT] and (tmp_path / "2D_Benchmark/svt_images/a.jpg").is_file()
    account = json.loads((tmp_path / "get.json").read_text())
    assert (
        account["commits"] == {"openlamm/LAMM_Dataset": "c" * 40}
        and account["files"][SVT]["sha256"] == hashlib.sha256(hub.files[SVT]).hexdigest()
    )
    asked = len(hub.asked)
    assert "there: 2" in done("data", "get", "svt", "--data-root", tmp_path) and len(hub.asked) == asked
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2D_Benchmark", "get.json"]


def test_files_of_two_commits_never_lie_in_one_folder(hub: Files, tmp_path: Path) -> None:
    done("data", "get", "svt", "--meta-only", "--data-root", tmp_path)
    hub.commit = "d" * 40
    said = refusal("data", "get", "svt", "--revision", "main", "--data-root", tmp_path)
    assert "c" * 40 in said and "d" * 40 in said and "OCR_SVT.json" in said
    assert json.loads((tmp_path / "get.json").read_text())["commits"] == {"openlamm/LAMM_Dataset": "c" * 40}
    assert "new: 2" in done("data", "get", "svt", "--revision", "main", "--data-root", tmp_path / "other")


def test_a_hub_that_lies_and_media_that_it_lacks(hub: Files, tmp_path: Path) -> None:
    del hub.files[PICS]
    hub.odd = lambda number, path: Odd(other=b"[]" + hub.files[path][2:])
    result = lamm_bench("data", "get", "svt", "--data-root", tmp_path)
    assert result.exit_code == 3 and "SHA-256" in result.output and "opendatalab.com" in result.output
    assert not (tmp_path / SVT).exists()
    assert "the hub does not list" in refusal("data", "get", "svt", "--data-root", tmp_path, "--revision", "gone")


def test_from_a_mirror_with_and_without_a_list(tmp_path: Path) -> None:
    files = published()
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode()
    for name, more in (("plain", {}), ("listed", {"SHA256SUMS": sums})):
        with file_server({**files, **more}) as server:
            assert "new: 2" in done("data", "get", "svt", "--data-root", tmp_path / name, "--from", server.url)
        assert (tmp_path / name / "2D_Benchmark/svt_images/a.jpg").read_bytes() == b"jpg" * 999
    with file_server(
        {**files, "SHA256SUMS": sums}, lambda n, path: Odd(other=zipped({"b": b""})) if path == PICS else None
    ) as server:
        result = lamm_bench("data", "get", "svt", "--data-root", tmp_path / "lied", "--from", server.url)
    assert result.exit_code == 3 and "SHA-256" in result.output and not (tmp_path / "lied/2D_Benchmark/svt_images").exists()


def test_another_spelling_of_upstream_s_is_taken(tmp_path: Path) -> None:
    with file_server({"2D_Benchmark/meta_file/Keypoints_Dectection_LSP.json": b"[]"}) as server:
        done("data", "get", "lsp", "--meta-only", "--data-root", tmp_path, "--from", server.url)
    assert (tmp_path / "2D_Benchmark/meta_file/Keypoints_Dectection_LSP.json").is_file()


def test_from_a_folder_of_archives(tmp_path: Path) -> None:
    folder = tmp_path / "have"
    (folder / "2D_Benchmark/meta_file").mkdir(parents=True)
    (folder / SVT).write_bytes(published()[SVT])
    (folder / "svt_images.zip").write_bytes(published()[PICS])
    done("data", "get", "svt", "--data-root", tmp_path / "root", "--from", folder)
    assert (tmp_path / "root/2D_Benchmark/svt_images/a.jpg").is_file() and (folder / "svt_images.zip").is_file()
    (folder / "svt_images.zip").write_bytes(zipped({"../evil": b""}))
    result = lamm_bench("data", "get", "svt", "--data-root", tmp_path / "other", "--from", folder)
    assert result.exit_code == 3 and "leaves its folder" in result.output


KILLED = """
import os, signal, sys
from lamm_bench.data.get import fetch
from lamm_bench.data.get.session import get
from lamm_bench.data.get.sets import wanted
from pathlib import Path
fetch.BLOCK = 1000
left = [int(sys.argv[3])]
def tick(count):
    left[0] -= count
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
get(wanted(["svt"], {"svt": "2D_Benchmark/meta_file/OCR_SVT.json"}), Path(sys.argv[1]), sys.argv[2] or None, fetcher=fetch.Fetcher(tick=tick))
"""


def test_killed_three_times_it_goes_on_and_fetches_each_byte_once(tmp_path: Path) -> None:
    files = {**published(), PICS: zipped({"svt_images/a.jpg": os.urandom(90_000)})}
    files["SHA256SUMS"] = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode()
    with file_server(files) as server:
        for _ in range(3):
            run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "root"), server.url, "25000"], timeout=600)
            assert run.returncode == -signal.SIGKILL
        done("data", "get", "svt", "--data-root", tmp_path / "root", "--from", server.url)
    begun = [int(range_.removeprefix("bytes=").rstrip("-")) for path, range_, _ in server.asked if path == PICS and range_]
    assert len(begun) == 3 and begun == sorted(begun) and begun[0] > 20_000
    assert (tmp_path / "root/2D_Benchmark/svt_images/a.jpg").stat().st_size == 90_000


def test_killed_three_times_at_the_hub_it_goes_on_at_the_same_commit(hub: Files, tmp_path: Path) -> None:
    hub.files[SVT] = json.dumps([{"id": str(n), "image": "svt_images/a.jpg", "word_list": ["HI"]} for n in range(1500)]).encode()
    root = tmp_path / "root"
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", KILLED, str(root), "", "25000"], timeout=600)
        assert run.returncode == -signal.SIGKILL and not (root / SVT).exists()
    assert "new: 2" in done("data", "get", "svt", "--data-root", root)
    begun = [int(span.removeprefix("bytes=").rstrip("-")) for path, span, _ in hub.asked if path.endswith(SVT) and span]
    assert len(begun) == 3 and begun == sorted(begun) and begun[0] > 20_000
    assert (root / SVT).read_bytes() == hub.files[SVT]
    assert json.loads((root / "get.json").read_text())["commits"] == {"openlamm/LAMM_Dataset": "c" * 40}


def test_archives_may_stay_archives_and_are_read_where_they_lie(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (20, 10), (200, 0, 0)).save(picture, "PNG")
    items = [{"id": "1", "image": "svt_images/in/a.png", "query": "Read.", "word_list": ["HI"]}]
    files = {SVT: json.dumps(items).encode(), PICS: zipped({"svt_images/in/a.png": picture.getvalue()}, zipfile.ZIP_DEFLATED)}
    with file_server(files) as server:
        words = ("data", "get", "svt", "--zipped", "--data-root", tmp_path / "far")
        assert "new: 2" in done(*words, "--from", server.url) and "there: 2" in done(*words, "--from", server.url)
    for name, data in files.items():
        (tmp_path / "have" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "have" / name).write_bytes(data)
    done("data", "get", "svt", "--zipped", "--data-root", tmp_path / "near", "--from", tmp_path / "have")
    for root in (tmp_path / "far", tmp_path / "near"):
        assert not (root / "2D_Benchmark/svt_images").exists() and (root / PICS).is_file()
        done("data", "verify", "--tasks", "svt", "--data-root", root)
        done("run", "--model", "oracle", "--tasks", "svt", "--data-root", root, "--output", root / "run")
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / Path(SVT).name).write_bytes(files[SVT])
    (folder / "svt_images.zip").write_bytes(zipped({"../evil": b"x"}))
    result = lamm_bench("data", "get", "svt", "--zipped", "--data-root", tmp_path / "other", "--from", folder)
    assert result.exit_code == 3 and "is not taken: its member '../evil' has a path that leaves its folder" in result.output
    assert not (tmp_path / "other" / PICS).exists()


def test_every_task_of_lamm_has_files_and_unknown_names_are_told() -> None:
    from lamm_bench.ask.catalog import load_catalog

    catalog = load_catalog()
    tasks = {name: task.meta_files[0] for name, task in catalog.tasks.items()}
    mine = [task.name for task in catalog.select_tasks("all")]
    assert len(wanted(mine, tasks).meta) == 17 == len(wanted(["lamm-2d", "lamm-3d"], tasks).meta)
    assert {path.rpartition("/")[2] for path in wanted(["lamm-2d", "lamm-3d", "instruct-2d", "instruct-3d"], tasks).media} <= {
        *known()["sizes"],
        "locount_images",
        "textvqa_images",
    }
    with pytest.raises(BenchError, match="Did you mean 'lamm-2d'"):
        wanted(["lam-2d"], tasks)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("svt", "--from", "/nowhere"), "is no folder"),
        (("svt", "--from", __file__), "is a file; name the folder that it lies in"),
        (("svtt",), "Did you mean 'svt'"),
        (("svt", "--from", "/tmp", "--revision", "main"), "--revision is of the hub"),
    ],
)
def test_bad_words_are_one_sentence(tmp_path: Path, words: tuple[str, ...], fault: str) -> None:
    assert fault in refusal("data", "get", *words, "--data-root", tmp_path / "new/root")
    assert not (tmp_path / "new").exists()
