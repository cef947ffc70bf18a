"""`data get` of benchmark files: from a hub at one commit, locked from the first use on, resumed, compared, and never a second time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lamm_bench.ask.catalog import FOLDER
from lamm_bench.declared import load_task

from .commands import done, lamm_bench, refusal
from .declared_kit import items, png, write_jsonl, write_zip
from .file_server import Files, Odd, file_server

SIGNS = """
name: signs
about: {title: Signs of the road, licence: CC0, terms: A form to be signed., source: a street}
get: {hub: somebody/signs, folder: Signs%s}
data: {files: "Signs/**/test-*.jsonl"}
sample:
  id: "{id}"
  question: "{question}\\n{@options}"
  image: "{image}"
  folder: Signs/images.zip
  choices: "{options}"
  target: "{answer}"
read: letter
metric: accuracy
"""
OLD, NEW = "a" * 40, "c" * 40
GET = ("data", "get", "signs.yaml", "--data-root", "root")


def published(folder: Path) -> dict[str, bytes]:
    """A data set of two splits, several files of one, and an archive of pictures."""
    rows = items(6)
    files = {name: write_jsonl(folder / name, part).read_bytes() for name, part in (("a.jsonl", rows[:3]), ("b.jsonl", rows[3:]))}
    pictures = write_zip(folder / "i.zip", {f"{number}.png": png(number) for number in range(6)}).read_bytes()
    return {
        "data/test-0.jsonl": files["a.jsonl"],
        "data/test-1.jsonl": files["b.jsonl"],
        "data/train-0.jsonl": b"{}\n" * 300,
        "images.zip": pictures,
        "README.md": b"signs",
    }


@pytest.fixture()
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Files]:
    """A hub with the signs, and a working directory with their task file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signs.yaml").write_text(SIGNS % ", files: images.zip")
    with file_server(published(tmp_path / "made")) as server:
        server.repo, server.licence, server.before = "somebody/signs", "cc-by-4.0", (OLD,)
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server


def lock(root: str = "root") -> dict[str, object]:
    found = json.loads(Path(root, "Signs/hub.lock.json").read_text())
    assert isinstance(found, dict)
    return found


def test_what_is_got_is_found_by_the_run(hub: Files) -> None:
    said = done(*GET)
    assert "new: 3 (test-0.jsonl, test-1.jsonl, images.zip)" in said and f"at {NEW}" in said
    assert not Path("root/Signs/data/train-0.jsonl").exists() and not list(Path("root").rglob("*.part*"))
    assert "100.00" in done("run", "--model", "oracle", "--tasks", "signs.yaml", "--data-root", "root", "--output", "run")
    assert "0 faults" in done("check", "signs.yaml", "--data-root", "root")


def test_without_a_data_root_it_lands_where_a_run_looks(hub: Files) -> None:
    done("data", "get", "signs.yaml")
    Path("2D_Benchmark").mkdir()  # LAMM's own data here, and the signs in LAMM/
    assert "100.00" in done("run", "--model", "oracle", "--tasks", "signs.yaml", "--output", "run")


def test_terms_and_licence_are_told_before_the_first_byte(hub: Files) -> None:
    hub.odd = lambda number, path: Odd(status=404)
    said = refusal(*GET)
    for told in (
        "licence: CC0",
        "terms: A form to be signed.",
        "somebody/signs on the hub, to Signs/",
        "licence on the hub: cc-by-4.0",
    ):
        assert told in said and said.index(told) < said.index("is not there")


def test_the_lock_has_the_commit_and_every_digest_and_needs_no_network(hub: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    done(*GET)
    own = lock()
    assert (own["hub"], own["commit"]) == ("somebody/signs", NEW)
    assert own["files"] == {
        name: {"size": len(hub.files[name]), "sha256": hashlib.sha256(hub.files[name]).hexdigest()}
        for name in ("data/test-0.jsonl", "data/test-1.jsonl", "images.zip")
    }
    asked = len(hub.asked)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "there: 3" in done(*GET) and len(hub.asked) == asked


def test_a_branch_that_moved_is_refused_with_both_commits(hub: Files) -> None:
    hub.commit, hub.before = OLD, ()
    done(*GET)
    hub.commit, hub.before = NEW, (OLD,)
    shutil.rmtree("root/Signs/data")
    assert "new: 2" in done(*GET) and lock()["commit"] == OLD  # what is locked is fetched, wherever the branch is
    said = refusal(*GET, "--revision", "main")
    assert OLD in said and NEW in said and "main of somebody/signs" in said
    assert OLD in refusal(*GET, "--revision", NEW)
    hub.before = ()
    shutil.rmtree("root/Signs/data")
    said = refusal(*GET)
    assert f"no longer has the commit {OLD}" in said and NEW in said


def test_a_task_that_pins_a_commit_is_got_at_it(hub: Files, tmp_path: Path) -> None:
    (tmp_path / "signs.yaml").write_text(SIGNS % f", revision: {OLD}, files: images.zip")
    done(*GET)
    assert lock()["commit"] == OLD
    (tmp_path / "signs.yaml").write_text(SIGNS % f", revision: {NEW}, files: images.zip")
    assert OLD in refusal(*GET) and NEW in refusal(*GET)


def test_a_changed_byte_is_named_by_get_and_by_the_run(hub: Files) -> None:
    done(*GET)
    file = Path("root/Signs/data/test-1.jsonl")
    file.write_bytes(file.read_bytes().replace(b"number 4", b"number 9"))
    for said in (refusal(*GET), run_fails()):
        assert "test-1.jsonl has the SHA-256" in said and "hub.lock.json has" in said
    file.write_bytes(file.read_bytes() + b"\n")
    assert f"has {file.stat().st_size:,} bytes" in run_fails()


def test_verify_finds_what_changed_though_its_rows_are_imported(hub: Files, tmp_path: Path) -> None:
    done(*GET)
    words = ("data", "verify", "--tasks", "signs.yaml", "--data-root", "root")
    done(*words)
    file = Path("root/Signs/images.zip")
    kept, times = file.read_bytes(), (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_bytes(kept[:-1] + b"!")
    os.utime(file, ns=times)  # as a disk that fails would leave it
    result = lamm_bench(*words)
    assert result.exit_code == 3 and "images.zip has the SHA-256" in " ".join(result.output.split())
    file.unlink()
    result = lamm_bench(*words)
    assert result.exit_code == 3 and "images.zip is gone" in " ".join(result.output.split())


def run_fails() -> str:
    result = lamm_bench("run", "--model", "oracle", "--tasks", "signs.yaml", "--data-root", "root", "--output", "run")
    assert result.exit_code != 0
    return " ".join(result.output.split())


def test_a_file_beside_the_locked_ones_is_not_asked_about(hub: Files) -> None:
    done(*GET)
    shutil.copy("root/Signs/data/test-1.jsonl", "root/Signs/data/test-2.jsonl")
    assert "test-2.jsonl is none of the files" in run_fails()
    Path("root/Signs/data/test-2.jsonl").unlink()
    Path("root/Signs/data/test-1.jsonl").unlink()
    assert "test-1.jsonl is gone" in run_fails()  # and not a benchmark of half the size


def test_what_was_there_before_is_taken_if_it_is_the_same(hub: Files) -> None:
    place = Path("root/Signs/data/test-0.jsonl")
    place.parent.mkdir(parents=True)
    place.write_bytes(hub.files["data/test-0.jsonl"])
    said = done(*GET)
    assert "there: 1" in said and "new: 2" in said and len(lock()["files"]) == 3  # type: ignore[arg-type]
    shutil.rmtree("root")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"mine")
    assert "test-0.jsonl has 4 bytes" in refusal(*GET) and place.read_bytes() == b"mine"


def test_a_data_set_that_was_given_another_name_is_found_by_its_old_one(hub: Files) -> None:
    hub.old, hub.repo = hub.repo, "others/street-signs"
    assert "new: 3" in done(*GET) and lock()["hub"] == "somebody/signs"
    assert "there: 3" in done(*GET)


def test_other_bytes_than_the_hub_announced_are_never_taken(hub: Files) -> None:
    hub.odd = lambda number, path: Odd(other=b"x" + hub.files[path][1:]) if path.endswith("zip") else None
    assert "images.zip" in refusal(*GET)
    assert not Path("root/Signs/images.zip").exists() and len(lock()["files"]) == 2  # type: ignore[arg-type]
    hub.odd = lambda number, path: None
    assert "new: 1 (images.zip)" in done(*GET)


def test_a_digest_of_the_task_file_is_demanded(hub: Files, tmp_path: Path) -> None:
    (tmp_path / "signs.yaml").write_text(SIGNS % f", files: images.zip, sha256: {{images.zip: {'0' * 64}}}")
    said = refusal(*GET)
    assert "images.zip of somebody/signs has the SHA-256" in said and "000000000000… is demanded" in said and len(hub.asked) == 0


def test_the_client_s_own_cache_is_used_instead_of_the_network(hub: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    done(*GET)
    snapshot = Path(os.environ["HF_HUB_CACHE"], "datasets--somebody--signs/snapshots", NEW)
    shutil.copytree("root/Signs/data", snapshot / "data")
    shutil.rmtree("root/Signs/data")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "new: 2 (test-0.jsonl, test-1.jsonl)" in done(*GET)
    assert "100.00" in done("run", "--model", "oracle", "--tasks", "signs.yaml", "--data-root", "root", "--output", "run")


def test_offline_without_a_lock_is_one_sentence(hub: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "the hub does not list somebody/signs at main" in refusal(*GET)


KILLED = """
import os, signal
from lamm_bench.cli import main
from lamm_bench.data.get import fetch
fetch.BLOCK = 1000
left = [40_000]
whole = fetch.Fetcher.take
class Mortal:
    def __init__(self, answer): self.answer, self.status, self.headers = answer, answer.status, answer.headers
    def read1(self, size):
        block = self.answer.read1(size)
        left[0] -= len(block)
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return block
fetch.Fetcher.take = lambda self, answer, *rest: whole(self, Mortal(answer), *rest)
main(["data", "get", "signs.yaml", "--data-root", "root"])
"""


def test_killed_it_goes_on_and_fetches_each_byte_once(hub: Files) -> None:
    noise = {f"{number}.png": png(number) for number in range(6)} | {"noise": os.urandom(90_000)}
    hub.files["images.zip"] = write_zip(Path("noisy.zip"), noise).read_bytes()
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", KILLED], timeout=600, capture_output=True, env=here)
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()
    done(*GET)
    ranges = [(path, range_) for path, range_, _ in hub.asked if range_]
    assert len(ranges) == 1 and int(ranges[0][1].removeprefix("bytes=").rstrip("-")) > 0
    assert sum(path == ranges[0][0] for path, _, _ in hub.asked) == 2
    assert Path("root/Signs/images.zip").read_bytes() == hub.files["images.zip"]


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("folder: Signs", "folder: ../Signs", "expected a folder below the data root"),
        ("folder: Signs", "folder: Other", "below which none of the files of `data` lie"),
        ("hub: somebody/signs", "hub: https://x/y", "expected owner and name of a data set"),
        ("hub: somebody/signs", "hbu: somebody/signs", "Did you mean 'hub'"),
        ("files: images.zip", "files: pics.zip", 'has no file "pics.zip"; it has README.md'),
    ],
)
def test_what_a_task_file_may_not_say_of_the_hub(hub: Files, tmp_path: Path, before: str, after: str, fault: str) -> None:
    text = (SIGNS % ", files: images.zip").replace(before, after)
    (tmp_path / "signs.yaml").write_text(text)
    assert fault in refusal(*GET)


def test_a_hostile_name_of_the_hub_is_refused(hub: Files, tmp_path: Path) -> None:
    hub.files["data/../../../test-9.jsonl"] = b"evil"
    assert "leaves its folder" in refusal(*GET) and not list(tmp_path.rglob("test-9*"))


def test_a_damaged_lock_and_a_lock_of_another_data_set_are_told(hub: Files, tmp_path: Path) -> None:
    done(*GET)
    place = Path("root/Signs/hub.lock.json")
    text = place.read_text()
    place.write_text(text.replace("somebody/signs", "other/signs"))
    assert "is of other/signs, and here somebody/signs is wanted" in refusal(*GET)
    place.write_text(text.replace('"size"', '"sise"'))
    assert "is no lock of `data get`" in refusal(*GET)


def test_what_lies_on_no_hub_is_told_with_its_source(tmp_path: Path) -> None:
    result = lamm_bench("data", "get", "scanrefer-val", "--data-root", tmp_path)
    assert (
        result.exit_code == 3
        and "terms: A form on ScanRefer's page" in result.output
        and "missing: scanrefer-val" in result.output
    )
    assert "--from is of LAMM's own files" in refusal("data", "get", "mmstar", "--from", tmp_path, "--data-root", tmp_path)


def test_what_is_got_is_no_part_of_the_run_s_identity(hub: Files, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(SIGNS % f", revision: {OLD}")
    assert load_task(tmp_path / "signs.yaml").content == load_task(tmp_path / "other.yaml").content


def test_every_shipped_benchmark_of_the_hub_says_which_of_its_files_it_needs() -> None:
    tasks = [load_task(file) for file in sorted((FOLDER / "tasks").glob("*.yaml"))]
    own = [task for task in tasks if task.origin is not None]
    assert len(own) >= 34
    for task in own:
        assert (
            task.origin is not None and task.origin.hub in str(task.about["source"]) and task.origin.folder in task.meta_files[0]
        )
        assert task.origin.revision == "" or len(task.origin.revision) == 40


def test_files_that_lie_beside_a_benchmark_of_no_hub_are_there(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        'name: mine\ndata: {files: q.jsonl}\nsample: {id: "{row}", question: "{q}", target: "{a}"}\nread: yes_no\nmetric: accuracy\n'
    )
    words = ("data", "get", tmp_path / "mine.yaml", "--data-root", tmp_path / "elsewhere")
    result = lamm_bench(*words)
    assert result.exit_code == 3 and "missing: mine: q.jsonl: its files are not on the hub" in result.output
    (tmp_path / "q.jsonl").write_text('{"q": "Is it?", "a": "yes"}\n')
    result = lamm_bench(*words)
    assert result.exit_code == 0 and "there: 1 (q.jsonl)" in result.output and "missing" not in result.output
