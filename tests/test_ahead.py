"""A run of large meta files answers before they are read, and is the same run in every byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from lamm_bench.ask import ahead, early, session
from lamm_bench.ask.outcome import Outcome, Watcher
from lamm_bench.ask.session import Options, run
from lamm_bench.data.locate import find_root
from lamm_bench.errors import BenchError
from lamm_bench.media import files
from lamm_bench.task import first_items
from lamm_bench.types import Job, Sample

from . import test_spread
from .fakes import ColourTask, Looker, catalog_with, draw_root
from .test_early import Watching, same
from .test_spread import records_of, scores_of


@dataclass(frozen=True)
class Streamed(ColourTask):
    """Its samples can be told while its file is being read."""

    def first(self, root: Path) -> Iterator[Sample]:
        for item in first_items(root, self.meta_files):
            picture = item.media("image")
            yield Sample(item.id, item.text("query"), picture, item.text("label"), picture[0].path)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is large, windows are of two and of four samples, and nobody waits for the clock."""
    for module, name, value in ((ahead, "LARGE", 1), (early, "LARGE", 10**9), (early, "FIRST", 2), (early, "LARGEST", 4)):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(files, "_hashes", {})


@pytest.fixture()
def held(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Until it is set, the files are not read; nobody waits for it for ever."""
    told, real = Event(), session.to_ask

    def slow(*words: Any) -> Any:
        assert told.wait(30)
        return real(*words)

    monkeypatch.setattr(session, "to_ask", slow)
    return told


class Hearing(Watcher):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.bars: list[tuple[str, int]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def begin(self, task: str, total: int) -> None:
        self.bars.append((task, total))


def go(tmp_path: Path, looker: Any, name: str = "run", tasks: Any = None, heard: Watcher | None = None, **more: Any) -> Outcome:
    root = tmp_path / "data"
    if not root.exists():
        draw_root(root, count=9)
    catalog = catalog_with(*(tasks or [Streamed()]))
    named = ",".join(task.name for task in tasks or [Streamed()])
    options = Options("looker", {}, tasks=named, output=tmp_path / name, **more)
    return run(options, catalog, looker, root, "test", heard or Watcher())


def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Path:
    """The same run, read and hashed first."""
    with monkeypatch.context() as patch:
        patch.setattr(ahead, "LARGE", 10**9)
        go(tmp_path, Looker(), "plain", **more)
    return tmp_path / "plain"


def meta_of(tmp_path: Path, name: str = "colours") -> Path:
    return tmp_path / f"data/2D_Benchmark/meta_file/{name}.json"


def test_a_run_that_is_asked_ahead_is_the_run_that_is_read_first(
    tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    looker, heard = Watching(held, after=5), Hearing()
    go(tmp_path, looker, heard=heard)
    assert looker.rounds[:2] == [2, 4] and len(looker.asked) == 9  # each but once
    assert heard.bars[0] == ("colours", 0) and ("colours", 9) in heard.bars and not heard.said
    held.set()
    same(tmp_path / "run", plain(tmp_path, monkeypatch))
    assert not list((tmp_path / "run").glob("begun*"))


def test_all_of_a_file_may_be_asked_before_it_is_read(tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    looker = Watching(held, after=9)
    outcome = go(tmp_path, looker)
    assert looker.rounds == [2, 4, 3] and outcome.complete and outcome.rates["colours"] > 0
    same(tmp_path / "run", plain(tmp_path, monkeypatch))


def test_the_files_are_read_once_the_first_answer_is_there_or_it_does_not_come() -> None:
    done = ahead.Loading(lambda: "read", patience=1e9)
    assert not done.over.wait(0.01)
    done.first.set()
    assert done.over.wait(30) and done.result() == "read"
    assert ahead.Loading(lambda: "read", patience=0.0).over.wait(30)
    with pytest.raises(ZeroDivisionError):
        ahead.Loading(lambda: 1 // 0).result()


@pytest.mark.parametrize("dies", [0, 1, 2, 3, 5, 9])
def test_killed_before_all_is_read_it_goes_on_and_ends_as_an_undisturbed_one(
    dies: int, tmp_path: Path, held: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Watching(held, after=99 if dies < 9 else 9, dies=dies), tasks=[Streamed(), Last()])
    assert (tmp_path / "run").exists() == (dies > 0)  # a run in which nothing was said leaves no trace
    second, heard = Watching(held, after=2), Hearing()
    go(tmp_path, second, tasks=[Streamed(), Last()], heard=heard)
    assert len(second.asked) == 9 - dies + 3
    told = [text for text in heard.said if "they are not asked again" in text]
    assert len(told) == (dies > 0) and all(f"holds {dies} " in text for text in told)
    held.set()
    same(tmp_path / "run", plain(tmp_path, monkeypatch, tasks=[Streamed(), Last()]))


@dataclass(frozen=True)
class Last(ColourTask):
    """Its samples are told when all are read."""

    name: str = "last"

    def samples(self, root: Path) -> list[Sample]:
        draw_root(root, "last", 3)
        return [replace(sample, id=f"last {sample.id}") for sample in super().samples(root)]


def test_other_tasks_than_were_asked_before_are_refused(tmp_path: Path, held: Event) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, Watching(held, after=99, dies=4))
    held.set()
    with pytest.raises(BenchError, match="has only begun .different: tasks: colours is not asked"):
        go(tmp_path, Watching(), tasks=[Last()])


def test_a_file_that_is_damaged_further_down_keeps_what_was_asked(tmp_path: Path, held: Event, monkeypatch: Any) -> None:
    draw_root(tmp_path / "data", count=9)
    good = meta_of(tmp_path).read_text()
    meta_of(tmp_path).write_text(good.replace('"id": 7', '"id": []'))
    first = Watching(held, after=7)
    with pytest.raises(BenchError, match=r"colours.json: item 7: `id` is \[\], expected a text or a number"):
        go(tmp_path, first)
    assert len(first.asked) == 7
    meta_of(tmp_path).write_text(good)
    second = Watching(held)
    go(tmp_path, second)
    assert len(second.asked) == 2
    same(tmp_path / "run", plain(tmp_path, monkeypatch))


def test_a_damaged_file_costs_no_other_task_anything(tmp_path: Path, held: Event) -> None:
    draw_root(tmp_path / "data", count=9)
    draw_root(tmp_path / "data", "others", 3)
    good = meta_of(tmp_path).read_text()
    meta_of(tmp_path).write_text(good[:-20])
    outcome = go(tmp_path, Watching(held, after=3), tasks=[Streamed(), Streamed("others")])
    assert "colours.json is not JSON" in outcome.unavailable["colours"] and outcome.scores[0].counts["ok"] == 3
    records = tmp_path / "run/records"
    assert sorted(path.name for path in records.iterdir()) == ["colours.aside", "others.jsonl"]
    meta_of(tmp_path).write_text(good)
    again = Watching()
    assert go(tmp_path, again, tasks=[Streamed(), Streamed("others")]).complete
    assert len(again.asked) == 9  # what they had been asked about is not known any more


def test_what_was_asked_must_be_what_is_read(tmp_path: Path, held: Event) -> None:
    class Editor(Watching):
        def generate(self, requests: Any) -> Any:
            for pair in super().generate(requests):
                if len(self.asked) == 3:
                    meta_of(tmp_path).write_text(meta_of(tmp_path).read_text().replace("Which", "What"))
                yield pair

    with pytest.raises(BenchError, match="sample 0 of colours .* is not what it was when it was asked"):
        go(tmp_path, Editor(held, after=4))


def test_repeated_ids_get_their_names_from_the_whole_file(tmp_path: Path, held: Event, monkeypatch: Any) -> None:
    draw_root(tmp_path / "data", count=9)
    meta_of(tmp_path).write_text(meta_of(tmp_path).read_text().replace('"id": 5', '"id": 2').replace('"id": 8', '"id": "2#5"'))
    looker = Watching(held, after=5)
    go(tmp_path, looker)
    assert len(looker.asked) == 9
    same(tmp_path / "run", plain(tmp_path, monkeypatch))
    assert {"2", "2#5", "2#5~"} <= {json.loads(line)["sample"] for line in (tmp_path / "run/records/colours.jsonl").open()}


def test_a_picture_that_is_missing_ends_its_sample_alone(tmp_path: Path, held: Event, monkeypatch: Any) -> None:
    draw_root(tmp_path / "data", count=9)
    (tmp_path / "data/2D_Benchmark/pics/1.png").unlink()
    outcome = go(tmp_path, Watching(held, after=4))
    assert outcome.scores[0].counts["media_error"] == 1 and outcome.scores[0].counts["ok"] == 8
    same(tmp_path / "run", plain(tmp_path, monkeypatch))


def test_a_model_that_breaks_is_told_as_in_any_run(tmp_path: Path, held: Event) -> None:
    class Broken(Watching):
        def generate(self, requests: Any) -> Any:
            held.set()
            raise RuntimeError("on fire")

    assert "RuntimeError: on fire" in go(tmp_path, Broken()).unavailable["colours"]


class Aware(Watching):
    """Is told of all samples before it answers, as the baselines of chance are."""

    jobs: list[int]

    def begin(self, job: Job) -> None:
        self.jobs = [*getattr(self, "jobs", []), len(job.samples)]


@pytest.mark.parametrize("more", [{"limit": 4}, {"control": "blind"}, {"mode": "fresh"}, {}])
def test_what_hangs_on_all_samples_is_read_first(more: dict[str, Any], tmp_path: Path, held: Event) -> None:
    looker = Aware() if not more else Watching(held, after=1)
    if not more or more.keys() & {"limit", "control"}:
        held.set()
    go(tmp_path, looker, **more)
    if isinstance(looker, Aware):
        assert {*looker.jobs} == {9}
    elif more != {"mode": "fresh"}:
        assert looker.rounds[0] == (4 if "limit" in more else 9)
    else:
        assert looker.rounds[0] == 2


def test_many_workers_are_asked_ahead_too(tmp_path: Path, monkeypatch: Any) -> None:
    root, _ = find_root(None, lambda text: None)
    real, asked = session.to_ask, []

    def late(*words: Any) -> Any:
        asked.append((tmp_path / "run/records/svt.jsonl").exists())
        return real(*words)

    monkeypatch.setattr(session, "to_ask", late)
    test_spread.go(tmp_path, "run", workers=2, root=root, tasks="svt", overlaps=True)
    assert asked == [True]
    with monkeypatch.context() as patch:
        patch.setattr(ahead, "LARGE", 10**9)
        test_spread.go(tmp_path, "plain", root=root, tasks="svt", overlaps=True)
    assert scores_of(tmp_path / "run") == scores_of(tmp_path / "plain")
    assert records_of(tmp_path / "run") == records_of(tmp_path / "plain")
