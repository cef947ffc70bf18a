"""Short tasks are asked as one stream: with the records, scores and faults of tasks that are asked one by one."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from lamm_bench.adapters.lamm import Lamm
from lamm_bench.ask import carrying
from lamm_bench.ask.outcome import Outcome, Watcher
from lamm_bench.ask.session import Options, run
from lamm_bench.errors import BenchError, MediaError, Stopped
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.runs import Run
from lamm_bench.lamm.vision import PictureEncoder
from lamm_bench.show import progress
from lamm_bench.spread.fleet import Fleet, Model
from lamm_bench.spread.processes import Processes
from lamm_bench.types import Generate, Job, Media, Message, Record, Response, Sample

from .commands import lamm_bench
from .fakes import ColourTask, Looker, catalog_with, draw_root
from .toys import picture, toy_checkpoint

NAMES = ("colours", "shades", "tones")


@dataclass(frozen=True)
class Named(ColourTask):
    """Its questions say of which task they are."""

    def samples(self, root: Path) -> list[Sample]:
        return [Sample(s.id, f"{s.question} ({self.name})", s.media, s.target, s.group) for s in super().samples(root)]


@dataclass
class Counted(Looker):
    """Keeps how many requests each call had; raises at the third question of a task that is named."""

    calls: list[int] = field(default_factory=list)
    fault: tuple[str, Exception] | None = None

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        self.calls.append(len(requests))
        for number, request in enumerate(requests):
            if self.fault and f"({self.fault[0]})" in request.messages[-1].text and request.sample == "2":
                raise self.fault[1]
            yield from ((number, response) for _, response in super().generate([request]))


def go(place: Path, looker: Looker, name: str = "run", **changes: Any) -> Outcome:
    for task in NAMES:
        draw_root(place / "data", task, 5)
    options = Options("looker", tasks=",".join(NAMES), output=place / name, **changes)
    return run(options, catalog_with(*map(Named, NAMES)), looker, place / "data", "test", Watcher())


def scores_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "result.json", *sorted((folder / "scores").iterdir()))}


def test_tasks_of_one_stream_are_answered_and_scored_as_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together, apart = Counted(), Counted()
    go(tmp_path, together, "together")
    monkeypatch.setattr(carrying, "STREAM", 0)
    go(tmp_path, apart, "apart")
    assert together.calls == [15] and apart.calls == [5, 5, 5]
    assert scores_of(tmp_path / "together") == scores_of(tmp_path / "apart")
    for name in NAMES:
        ledgers = [Run.read(tmp_path / way).ledger(name) for way in ("together", "apart")]
        assert ledgers[0].said == ledgers[1].said and len(ledgers[0].said) == 5


def test_a_stream_ends_where_it_would_grow_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "STREAM", 10)
    asked = Counted()
    go(tmp_path, asked)
    assert asked.calls == [10, 5]


@pytest.mark.parametrize("death", [0, 4, 7, 14])
def test_a_stream_that_is_killed_goes_on_and_nothing_is_asked_twice(tmp_path: Path, death: int) -> None:
    go(tmp_path, Counted(), "whole")
    first, second = Counted(die_after=death), Counted()
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, first, "killed")
    go(tmp_path, second, "killed")
    assert len(first.asked) + len(second.asked) == 15
    assert scores_of(tmp_path / "killed") == scores_of(tmp_path / "whole")


@pytest.mark.parametrize("error", [RuntimeError("on fire"), Stopped("the budget is spent")])
def test_a_fault_in_a_stream_ends_the_task_it_is_of_and_no_other(tmp_path: Path, error: Exception) -> None:
    asked = Counted(fault=("shades", error))
    outcome = go(tmp_path, asked)
    assert list(outcome.unavailable) == ["shades"] and str(error) in outcome.unavailable["shades"]
    assert {s.task: s.counts["missing"] for s in outcome.scores} == {"colours": 0, "shades": 3, "tones": 0}
    assert len(asked.asked) == 12  # what was answered before the fault is not asked again


def test_an_error_that_a_user_can_mend_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="mend it"):
        go(tmp_path, Counted(fault=("shades", BenchError("mend it"))))


@dataclass
class Told(Counted):
    """Knows of which task it is asked."""

    jobs: list[Job] = field(default_factory=list)

    def begin(self, job: Job) -> None:
        self.jobs.append(job)


@dataclass
class Overlapping(Told):
    overlaps: bool = True


@dataclass
class Rounding(Counted):
    exact: bool = False


def test_who_must_know_the_task_or_answers_otherwise_in_company_is_asked_one_by_one(tmp_path: Path) -> None:
    for number, (kind, calls) in enumerate(((Told, [5, 5, 5]), (Overlapping, [15]), (Rounding, [5, 5, 5]))):
        asked = kind()
        go(tmp_path, asked, f"run{number}")
        assert asked.calls == calls, kind
        if isinstance(asked, Told):
            assert [job.task.name for job in asked.jobs] == list(NAMES)


def test_no_answer_waits_for_a_slow_disk_and_its_fault_is_told_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, free = Ledger.open(tmp_path / "task.jsonl", write=True), threading.Event()

    def slow(descriptor: int) -> None:
        assert free.wait(60)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", slow)
    for number in range(200):  # the first asks the disk, and nobody waits for it
        ledger.append(str(number), 0, "", None, Record(str(number), "media_error", None, "not there"))
    assert (tmp_path / "task.jsonl").read_bytes().count(b"\n") == 200
    free.set()
    with pytest.raises(BenchError, match="No space left"):
        ledger.flush()
    monkeypatch.undo()
    ledger.close()


def test_pictures_of_the_next_batch_are_opened_in_other_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where: dict[str, str] = {}
    real = PictureEncoder.prepare

    def noted(self: PictureEncoder, media: Media, transform: str) -> np.ndarray:
        where[Path(media.path).name] = threading.current_thread().name
        return real(self, media, transform)

    adapter = Lamm(checkpoint=str(toy_checkpoint(tmp_path / "toy")), device="cpu", batch_size=2)
    shown = [picture(tmp_path, f"{number}.png", number) for number in range(5)]
    shown[3] = Media("image", str(tmp_path / "gone.png"))
    asked = [Generate((Message("user", (one, "What is it?")),), 2) for one in shown]
    monkeypatch.setattr(PictureEncoder, "prepare", noted)
    found = dict(adapter.generate(asked))
    assert len(where) == 5 and threading.current_thread().name not in where.values()
    assert [number for number, response in found.items() if response.status == "media_error"] == [3]
    with pytest.raises(MediaError):
        adapter.asker.embed([shown[3]])


def test_progress_of_a_stream_counts_its_tasks() -> None:
    bars = progress.Bars(Console(file=io.StringIO(), width=200))
    bars.expect(3)
    bars.together(["colours", "shades"], 10)
    bars.tick(10)
    bars.end("2 tasks")
    bars.together(["tones"], 5)
    bars.tick(5)
    bars.end("tones")
    said = bars.console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert "10/10" in said[0] and "2 of 3 tasks" in said[0] and said[1].startswith("tones ") and "3 of 3 tasks" in said[1]


@pytest.mark.parametrize(
    ("values", "has", "may"),
    [({}, [], True), ({}, ["begin"], False), ({"overlaps": True}, ["begin"], True), ({"exact": False}, [], False)],
)
def test_workers_are_asked_about_several_tasks_where_their_model_may_be(
    values: dict[str, Any], has: list[str], may: bool
) -> None:
    fleet = Fleet(Model("looker"), Looker(), Processes([{}]))
    fleet._hello = {"values": {"modalities": frozenset({"image"}), **values}, "has": has, "fingerprint": "looks"}
    fleet.crew._count = 1  # nobody is started
    assert carrying.overlaps(fleet) is may


PLUGIN = """
from lamm_bench.types import Response

class Echo:
    name, modalities = "echo", frozenset({"image"})
    def fingerprint(self):
        return "echo"
    def generate(self, requests):
        for number, request in enumerate(requests):
            yield number, Response(f"{request.sample} of {len(request.messages)}")

ADAPTERS = {"echo": Echo}
"""


def test_workers_answer_a_stream_of_tasks_as_one_process_does(tmp_path: Path, mini_root: Path) -> None:
    (tmp_path / "echo.py").write_text(PLUGIN)
    words = [
        "run",
        "--plugin",
        tmp_path / "echo.py",
        "--model",
        "echo",
        "--tasks",
        "svt,cifar10",
        "--limit",
        "6",
        "--data-root",
        mini_root,
    ]
    for name, more in (("one", []), ("many", ["--workers", "2"])):
        result = lamm_bench(*words, "--output", tmp_path / name, *more)
        assert result.exit_code == 0, result.output
        assert "2 tasks            12/12" in result.output
    assert scores_of(tmp_path / "one") == scores_of(tmp_path / "many")
