"""A large run answers before all of its media are hashed, and is the same run in every byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from lamm_bench.ask import early
from lamm_bench.ask.outcome import Outcome, Watcher
from lamm_bench.ask.session import Options, run
from lamm_bench.errors import BenchError
from lamm_bench.keep import begun
from lamm_bench.keep.runs import Run, find_runs
from lamm_bench.media import files
from lamm_bench.types import Generate, Media, Response

from . import test_spread
from .fakes import ColourTask, Looker, catalog_with, draw_root
from .test_spread import records_of, scores_of


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of two, four, and four samples, and nothing hashed that nobody waits for."""
    for name, value in (("LARGE", 1), ("FIRST", 2), ("LARGEST", 4)):
        monkeypatch.setattr(early, name, value)
    monkeypatch.setattr(files, "_hashes", {})


@pytest.fixture()
def held(monkeypatch: pytest.MonkeyPatch) -> Event:
    """While it is not set the media are not all hashed. Nobody waits for it for ever: all is asked, or somebody has enough."""
    told, real = Event(), files.hash_ahead

    def slow(many: Any, enough: Any = None) -> None:
        while enough is not None and not told.wait(0.002) and not enough():
            pass
        real(many)

    monkeypatch.setattr("lamm_bench.media.hash_ahead", slow)
    return told


class Watching(Looker):
    """Releases the hashing when it has answered so many; dies, as Ctrl-C does, where it is told to."""

    def __init__(self, held: Event | None = None, after: int = 0, dies: int | None = None) -> None:
        super().__init__(die_after=dies)
        self.held, self.after, self.rounds = held, after, []

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        self.rounds.append(len(requests))
        for number, response in super().generate(requests):
            yield number, response
            if self.held is not None and len(self.asked) >= self.after:
                self.held.set()


def go(tmp_path: Path, looker: Looker, name: str | None = "run", **more: Any) -> Outcome:
    root = tmp_path / "data"
    if not root.exists():
        draw_root(root, count=9)
    output = tmp_path / name if name is not None else None
    options = Options("looker", {}, tasks="colours", output=output, **more)
    return run(options, catalog_with(ColourTask()), looker, root, "test", Watcher())


def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Path:
    """The same run, hashed first."""
    with monkeypatch.context() as patch:
        patch.setattr(early, "LARGE", 10**9)
        go(tmp_path, Looker(), "plain", **more)
    return tmp_path / "plain"


def same(one: Path, other: Path) -> None:
    """Equal in everything but dates, seconds and the order of records."""
    assert scores_of(one) == scores_of(other) and records_of(one) == records_of(other)
    first, second = (json.loads((run / "manifest.json").read_text()) for run in (one, other))
    assert [len(manifest["asked"]) for manifest in (first, second)] == [1, 1]
    first["asked"][0].pop("date"), second["asked"][0].pop("date")
    assert first == second


@pytest.mark.parametrize("limit", [None, 7])
def test_a_run_that_is_asked_early_is_the_run_that_is_hashed_first(
    limit: int | None, tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    looker = Watching(held, after=5)
    go(tmp_path, looker, limit=limit)
    assert looker.rounds == ([2, 4, 3] if limit is None else [2, 4, 1])  # of what was left when all was hashed
    held.set()
    same(tmp_path / "run", plain(tmp_path, monkeypatch, limit=limit))
    assert not list((tmp_path / "run").glob("begun*"))


@pytest.mark.parametrize("dies", [0, 1, 2, 3, 5])
def test_killed_before_it_is_sealed_it_goes_on_and_ends_as_an_undisturbed_one(
    dies: int, tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Watching(held, after=99, dies=dies))
    folder = tmp_path / "run"
    assert folder.exists() == (dies > 0)  # a run in which nothing was said leaves no trace
    if dies:
        assert not (folder / "manifest.json").exists() and not list(find_runs(folder))
        with pytest.raises(BenchError, match="it has only begun"):
            Run.read(folder)
    second = Watching(held, after=2)
    go(tmp_path, second)
    assert len(second.asked) == 9 - dies
    held.set()
    same(folder, plain(tmp_path, monkeypatch))


def test_a_picture_that_was_changed_after_the_kill_is_named_and_refused(tmp_path: Path, held: Event) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Watching(held, after=99, dies=4))
    records = (tmp_path / "run/records/colours.jsonl").read_bytes()
    picture = tmp_path / "data/2D_Benchmark/pics/3.png"
    before = picture.read_bytes()
    picture.write_bytes(before + b"\0")
    with pytest.raises(BenchError, match=r"sample 3 of colours \(.*pics/3.png\) is not what it was when it was asked"):
        go(tmp_path, Watching(held, after=1))
    assert (tmp_path / "run/records/colours.jsonl").read_bytes() == records
    picture.write_bytes(before)
    (tmp_path / "data/2D_Benchmark/pics/8.png").write_bytes(before)  # nobody was asked about that one
    held.set()
    assert go(tmp_path, Watching()).complete


def test_a_picture_that_changes_between_question_and_seal_is_refused(tmp_path: Path, held: Event) -> None:
    class Painter(Watching):
        def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
            for pair in super().generate(requests):
                yield pair
                if len(self.asked) == 4:
                    shown = [part for part in requests[0].messages[-1].parts if isinstance(part, Media)]
                    Path(shown[0].path).write_bytes(b"other")

    with pytest.raises(BenchError, match="sample 2 of colours"):
        go(tmp_path, Painter(held, after=4))


def test_items_that_went_or_tasks_that_are_not_named_are_refused(tmp_path: Path, held: Event) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Watching(held, after=99, dies=4))
    with pytest.raises(BenchError, match="another run, which has only begun .different: seed"):
        go(tmp_path, Watching(held), seed=1)
    with pytest.raises(BenchError, match="has only begun, and was asked in another way"):
        go(tmp_path, Watching(held), control="blind")
    meta = next((tmp_path / "data/2D_Benchmark/meta_file").iterdir())
    items = json.loads(meta.read_text())
    meta.write_text(json.dumps(items[1:]))
    held.set()
    with pytest.raises(BenchError, match="sample 0 of colours is not there any more"):
        go(tmp_path, Watching(held))
    go(tmp_path, Watching(held), mode="fresh")
    assert (tmp_path / "run/old-1/begun.json").exists() and (tmp_path / "run/result.json").exists()


def test_a_folder_that_nobody_named_gets_its_name_when_the_run_is_sealed(
    tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Watching(held, after=99, dies=4), None)
    (begun,) = (tmp_path / "runs").iterdir()
    second = Watching(held, after=1)
    folder = go(tmp_path, second, None).folder
    assert len(second.asked) == 5 and [path.name for path in Path("runs").iterdir()] == [folder.name]
    assert folder.name != begun.name
    held.set()
    with monkeypatch.context() as patch:
        patch.setattr(early, "LARGE", 10**9)
        assert go(tmp_path, Looker(), None, mode="fresh").folder == folder
    third = Watching(held)
    (folder / "finished.json").unlink()
    go(tmp_path, third, None)  # a run that is there goes on as it always did
    assert not third.asked


def test_a_death_while_it_is_sealed_leaves_a_run_that_begun_or_one_that_is_sealed(
    tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.set()

    def dies(self: Run, name: str, value: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save", dies)
        patch.setattr("lamm_bench.ask.session.account", lambda *told: None)
        with pytest.raises(KeyboardInterrupt):
            go(tmp_path, Watching())
    assert (tmp_path / "run/begun.json").exists()
    with monkeypatch.context() as patch:
        patch.setattr("lamm_bench.keep.begun.forget_begun", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            go(tmp_path, Watching())
    assert (tmp_path / "run/begun.json").exists() and (tmp_path / "run/manifest.json").exists()
    assert go(tmp_path, Watching()).complete
    assert not (tmp_path / "run/begun.json").exists()
    same(tmp_path / "run", plain(tmp_path, monkeypatch))


def test_what_a_model_notes_early_moves_no_result(tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    class Noting(Watching):
        @property
        def notes(self) -> list[str]:
            return ["knows colours", *(["has looked"] if self.asked else [])]

    go(tmp_path, Noting(held, after=3))
    held.set()
    with monkeypatch.context() as patch:
        patch.setattr(early, "LARGE", 10**9)
        go(tmp_path, Noting(), "plain")
    same(tmp_path / "run", tmp_path / "plain")
    assert json.loads((tmp_path / "run/timing.json").read_text())["notes"] == ["has looked"]


def test_many_workers_are_asked_early_too(tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    held.set()
    test_spread.go(tmp_path, "run", workers=2)
    with monkeypatch.context() as patch:
        patch.setattr(early, "LARGE", 10**9)
        test_spread.go(tmp_path, "plain")
    assert scores_of(tmp_path / "run") == scores_of(tmp_path / "plain")
    assert records_of(tmp_path / "run") == records_of(tmp_path / "plain")


def test_a_missing_picture_and_a_model_that_breaks_end_as_in_any_run(tmp_path: Path, held: Event, monkeypatch: Any) -> None:
    class Broken(Watching):
        def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
            raise RuntimeError("on fire")

    draw_root(tmp_path / "data", count=9)
    (tmp_path / "data/2D_Benchmark/pics/1.png").unlink()
    held.set()
    outcome = go(tmp_path, Broken())
    assert "RuntimeError: on fire" in outcome.unavailable["colours"]
    outcome = go(tmp_path, Watching())
    assert outcome.scores[0].counts["media_error"] == 1 and outcome.scores[0].counts["ok"] == 8
    same(tmp_path / "run", plain(tmp_path, monkeypatch))


def test_a_line_that_was_half_written_takes_no_other_with_it(tmp_path: Path) -> None:
    run = SimpleNamespace(folder=tmp_path)
    begun.note(run, "svt", [("a", "1" * 8)])  # type: ignore[arg-type]
    with begun.place(run, "svt").open("ab") as file:  # type: ignore[arg-type]
        file.write(b"22222222 ")  # a process died here
    begun.note(run, "svt", [("b", "3" * 8)])  # type: ignore[arg-type]
    assert begun.noted(run, "svt") == {"a": "1" * 8, "b": "3" * 8}  # type: ignore[arg-type]
