"""A run that is finished is found finished, at once; and whatever it came from that has changed is noticed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lamm_bench.ask import carrying, finished, seals
from lamm_bench.ask.catalog import Catalog, load_catalog
from lamm_bench.ask.outcome import Outcome, Watcher
from lamm_bench.ask.session import Options, run
from lamm_bench.errors import BenchError
from lamm_bench.media import files
from lamm_bench.show.tables import show_outcome

from .fakes import ColourTask, Looker, draw_root
from .test_spread import scores_of


def go(tmp_path: Path, **more: Any) -> Outcome:
    """One run of a model that looks, over the pictures that are drawn once."""
    root = tmp_path / "data"
    if not root.exists():
        draw_root(root, count=6)
    catalog = more.pop("catalog", None) or colours()
    options = Options("looker", {}, tasks="colours", output=more.pop("output", tmp_path / "run"), **more)
    return run(options, catalog, Looker(), root, "test", Watcher())


def colours() -> Catalog:
    catalog = load_catalog()
    catalog.tasks["colours"] = ColourTask()
    return catalog


@pytest.fixture()
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that were scored, as they are."""
    found: list[str] = []
    real = carrying.score_task

    def counted(catalog: Any, task: Any, *more: Any, **named: Any) -> Any:
        found.append(task.name)
        return real(catalog, task, *more, **named)

    monkeypatch.setattr(carrying, "score_task", counted)
    return found


def test_the_same_command_again_scores_nothing_and_says_the_same(tmp_path: Path, scored: list[str]) -> None:
    first = go(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
    again = go(tmp_path)
    assert scored == ["colours"]
    assert again.complete and again.folder == first.folder
    for one, other in zip(first.scores, again.scores, strict=True):
        assert one.to_json(samples=True) == other.to_json(samples=True)
        assert one.headline == other.headline
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}


def test_the_table_of_a_finished_run_reads_no_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(tmp_path)
    again = go(tmp_path)
    read: list[Path] = []
    real = finished.read_json
    monkeypatch.setattr(finished, "read_json", lambda path: read.append(path) or real(path))
    with open(os.devnull, "w") as nowhere:
        show_outcome(Console(file=nowhere, width=200), again)
    assert not read
    assert all(len(one.samples) for one in again.scores) and read


def test_it_is_found_in_a_folder_that_nobody_named(tmp_path: Path, scored: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert go(tmp_path, output=None).folder == go(tmp_path, output=None).folder
    go(tmp_path, output=None, seed=1)
    assert scored == ["colours"] * 2


def touch(path: Path) -> None:
    os.utime(path, ns=(0, 1))


CHANGES: dict[str, Callable[[Path], Any]] = {
    "a picture": lambda place: touch(place / "data/2D_Benchmark/pics/3.png"),
    "the meta file": lambda place: touch(next((place / "data/2D_Benchmark/meta_file").iterdir())),
    "the records": lambda place: touch(place / "run/records/colours.jsonl"),
    "the scores": lambda place: (place / "run/scores/colours.json").unlink(),
    "the result": lambda place: (place / "run/result.json").unlink(),
    "the stamp": lambda place: (place / "run/finished.json").write_text("[]"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_has_changed_is_looked_at_again_and_gives_the_same_bytes(what: str, tmp_path: Path, scored: list[str]) -> None:
    go(tmp_path)
    before = scores_of(tmp_path / "run")
    CHANGES[what](tmp_path)
    go(tmp_path)
    assert len(scored) == 2 and scores_of(tmp_path / "run") == before
    go(tmp_path)
    assert len(scored) == 2


def test_other_content_is_refused_as_ever(tmp_path: Path) -> None:
    go(tmp_path)
    picture = tmp_path / "data/2D_Benchmark/pics/3.png"
    picture.write_bytes(picture.read_bytes() + b"\0")
    with pytest.raises(BenchError, match="the items of colours are not those that it was asked about"):
        go(tmp_path)


@pytest.mark.parametrize("more", [{"protocols": ("standard",)}, {"name": "mine"}, {"command": ("run", "other")}])
def test_another_command_takes_the_long_way(tmp_path: Path, scored: list[str], more: dict[str, Any]) -> None:
    go(tmp_path)
    go(tmp_path, **more)
    assert len(scored) == 2


def test_worse_pictures_are_no_finished_run(tmp_path: Path, scored: list[str]) -> None:
    go(tmp_path)
    with pytest.raises(BenchError, match="holds another run"):  # and is not taken for one whose pictures were clean
        go(tmp_path, corrupt="fog:3")


def test_other_code_or_packages_score_again(tmp_path: Path, scored: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    go(tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "package/reader.py").write_text("")
    monkeypatch.setattr(finished, "PACKAGE", tmp_path / "package")
    go(tmp_path)
    go(tmp_path)
    assert len(scored) == 2
    monkeypatch.setattr(finished.shutil, "which", lambda name: "/usr/bin/other-java")  # what METEOR would be counted with
    go(tmp_path)
    assert len(scored) == 3


def test_the_code_that_counts_is_that_of_all_shelves() -> None:
    names = {Path(path).relative_to(finished.PACKAGE).as_posix() for path in finished.code_files()}
    assert {
        "tasks/ocr.py",
        "measure/scoring.py",
        "read/conventions.yaml",
        "adapters/baselines.py",
        "tasks/wordnet.json.gz",
    } <= names
    assert not any(name.endswith(".pyc") for name in names)


def test_fresh_asks_anew_and_what_failed_is_never_finished(tmp_path: Path, scored: list[str]) -> None:
    go(tmp_path)
    go(tmp_path, mode="fresh")
    assert len(scored) == 2
    (tmp_path / "data/2D_Benchmark/pics/3.png").unlink()
    outcome = go(tmp_path, output=tmp_path / "hole")
    assert not outcome.complete and not (tmp_path / "hole/finished.json").exists()


def test_a_task_that_looks_into_other_files_of_the_data_is_looked_at_again_when_they_change(
    tmp_path: Path, scored: list[str]
) -> None:
    class Beside(ColourTask):
        def samples(self, root: Path) -> Any:
            (root / "words.txt").open().close()
            return super().samples(root)

    catalog = colours()
    catalog.tasks["colours"] = Beside()
    (tmp_path / "data").mkdir()
    draw_root(tmp_path / "data", count=6)
    (tmp_path / "data/words.txt").write_text("one")
    go(tmp_path, catalog=catalog)
    go(tmp_path, catalog=catalog)
    assert len(scored) == 1
    touch(tmp_path / "data/words.txt")
    go(tmp_path, catalog=catalog)
    assert len(scored) == 2


def test_hashes_are_kept_between_runs_and_a_file_that_changed_is_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(seals, "LEAST", 1)
    monkeypatch.setattr(seals, "YOUNG", -(10**18))  # these files are young
    monkeypatch.setattr(files, "FEW", 2)
    root = draw_root(tmp_path / "data", count=6)
    media = [shown for sample in ColourTask().samples(root) for shown in sample.media]

    def hashed() -> tuple[list[str], int]:
        """The hashes in a process that knows none, and how many files it has opened for them."""
        opened: list[str] = []
        real = files.open_file
        with monkeypatch.context() as patch:
            patch.setattr(files, "_hashes", {})
            patch.setattr(files, "open_file", lambda path: opened.append(path) or real(path))
            with seals.kept(root):
                files.hash_ahead(media)
                return [files.seal(one).sha256 for one in media], len(opened)

    first, opened = hashed()
    assert opened == 6 and hashed() == (first, 0)
    picture = Path(media[2].path)
    stat = picture.stat()
    picture.write_bytes(bytes(reversed(picture.read_bytes())))
    os.utime(picture, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # of the same size and time: `ctime` tells
    second, opened = hashed()
    assert opened == 1 and [one != other for one, other in zip(first, second)] == [number == 2 for number in range(6)]
    (store,) = (tmp_path / "cache/lamm-bench/hashes").iterdir()
    store.write_bytes(store.read_bytes()[:-9] + b"otherpng\0")
    assert hashed() == (second, 6)  # a damaged store is none
    hashed()
    other = draw_root(tmp_path / "other", count=1)
    with seals.kept(other):  # data that are gone are not remembered for ever
        root.rename(tmp_path / "moved")
        files.seal(ColourTask().samples(other)[0].media[0])
    assert store not in (tmp_path / "cache/lamm-bench/hashes").iterdir()


def test_files_that_are_too_young_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(seals, "LEAST", 1)
    root = draw_root(tmp_path / "data", count=3)
    with seals.kept(root):
        for sample in ColourTask().samples(root):
            files.seal(sample.media[0])
    assert not (tmp_path / "cache").exists()
