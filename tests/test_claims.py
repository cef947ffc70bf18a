"""Jobs that claim what they ask: whoever dies, is slow or sees late what others do, everything is asked, and no claim is two jobs'."""

from __future__ import annotations

import errno
import multiprocessing
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamm_bench.ask.claiming import FILES, LEAST, MOST, Block, Turns, divided
from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.runner import Plan, cluster_of
from lamm_bench.ask.shares import Share
from lamm_bench.errors import BenchError
from lamm_bench.keep.claims import HANGS, Claims
from lamm_bench.types import Media, Sample

from .fakes import ColourTask

PATIENCE = 100.0
ELSEWHEN = 1_000_000_000.0  # the folder's clock, years behind this machine's


def plan_of(task: str, clusters: list[int]) -> Plan:
    """A task about so many pictures, with so many questions about each."""
    samples = [
        Sample(f"{picture}-{number}", "?", (Media("image", f"{picture}.png"),), "red", f"{picture}.png")
        for picture, count in enumerate(clusters)
        for number in range(count)
    ]
    return Plan(ColourTask(task), tuple(samples), {}, "")


def names(blocks: list[Block]) -> dict[str, set[str]]:
    return {block.name: {sample.id for sample in block.samples} for block in blocks}


@given(
    st.lists(st.lists(st.integers(1, 90), min_size=1, max_size=60), min_size=1, max_size=3),
    st.integers(1, 9),
    st.integers(0, 2**32),
)
def test_every_image_is_in_exactly_one_block_whatever_the_order(tasks: list[list[int]], of: int, seed: int) -> None:
    plans = [plan_of(f"t{number}", clusters) for number, clusters in enumerate(tasks)]
    blocks = divided(plans, of)
    total = sum(map(sum, tasks))
    for work in plans:
        mine = [block for block in blocks if block.task == work.task.name]
        assert sorted(sample.id for block in mine for sample in block.samples) == sorted(one.id for one in work.samples)
        where = [{cluster_of(sample) for sample in block.samples} for block in mine]
        assert sum(map(len, where)) == len(set().union(*where))
    size = max(min(MOST, max(LEAST, total // (32 * of))), -(-total // FILES))
    for block in blocks:
        assert all(Share(block.share, of).has(sample) for sample in block.samples)
        last = sum(cluster_of(sample) == cluster_of(block.samples[-1]) for sample in block.samples)
        assert len(block.samples) - last < size
    assert len(blocks) <= total / size + of * len(plans) and len(names(blocks)) == len(blocks)
    shuffled = [Plan(work.task, tuple(Random(seed).sample(work.samples, len(work.samples))), {}, "") for work in plans]
    assert names(divided(shuffled, of)) == names(blocks)


def test_a_million_samples_are_a_bounded_number_of_files() -> None:
    work = plan_of("many", [50] * 2000)
    assert len(divided([work], 2)) <= FILES + 2
    assert all(len(block.samples) <= MOST + 50 for block in divided([work], 16))


@dataclass
class Folder:
    """A shared folder whose clock stands still unless a test moves it."""

    path: Path
    now: float = ELSEWHEN

    def touch(self, path: Path) -> float:
        path.touch()
        os.utime(path, (self.now, self.now))
        return self.now

    def job(self, name: str, terms: dict[str, Any] | None = None, **more: Any) -> Clocked:
        found = Clocked(self.path, name, {"share": "1/1"}, PATIENCE, touch=self.touch, pause=waits, **more)
        found.stamp = self
        found.join(terms or {"seed": 0})
        return found


class Clocked(Claims):
    """Claims whose files have the folder's time."""

    stamp: Folder

    def create(self, path: Path, text: str) -> bool:
        made = super().create(path, text)
        if made:
            self.stamp.touch(path)
        return made


class Waiting(Exception):
    """A job has nothing to do now."""


def waits(seconds: float) -> None:
    assert seconds <= PATIENCE / 10
    raise Waiting


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "claims")


def test_a_claim_is_taken_over_only_after_patience_by_the_folders_clock(folder: Folder) -> None:
    dead, heir = folder.job("dead"), folder.job("heir")
    assert dead.take("a.1.0") and not heir.take("a.1.0")
    assert heir.current() == {"a.1.0": 0}
    folder.now += PATIENCE
    assert heir.state("a.1.0", 0, heir.now()) == "held"
    folder.now += 1
    assert heir.state("a.1.0", 0, heir.now()) == "free"
    dead.beat()
    assert heir.state("a.1.0", 0, heir.now()) == "held"  # it was only slow
    folder.now += PATIENCE + 1
    other = folder.job("other")
    assert [one.state("a.1.0", 0, one.now()) for one in (heir, other)] == ["free", "free"]
    assert [one.take("a.1.0", 1) for one in (heir, other)] == [True, False]  # both found it dead, one has it
    dead.end("a.1.0", "done")  # comes back late: harms nobody
    assert other.current() == {"a.1.0": 1} and other.state("a.1.0", 1, other.now()) == "held"


def test_what_a_job_leaves_is_anybodys_at_once_and_what_is_done_nobodys(folder: Folder) -> None:
    with folder.job("one") as one:
        for part in ("done", "left"):
            one.take(part)
        one.end("done", "done")
    other = folder.job("other")
    assert [other.state(part, 0, other.now()) for part in ("done", "left")] == ["done", "free"]
    again = folder.job("one")
    assert [again.state(part, 0, again.now()) for part in ("done", "left")] == ["own", "free"]
    folder.now += 10 * PATIENCE
    assert other.state("done", 0, other.now()) == "done"


def test_a_job_whose_model_hangs_says_no_longer_that_it_lives(folder: Folder) -> None:
    clock = {"now": 0.0}
    hung, other = folder.job("hung", clock=lambda: clock["now"]), folder.job("other")
    hung.take("a")
    for _ in range(3):
        clock["now"], folder.now = clock["now"] + HANGS - 1, folder.now + HANGS - 1
        hung.beat()
        assert other.state("a", 0, other.now()) == "held"
        hung.lively()  # an answer came
    clock["now"], folder.now = clock["now"] + HANGS + 1, folder.now + HANGS + 1
    hung.beat()
    assert other.state("a", 0, other.now()) == "free"


def test_a_claim_that_has_not_come_whole_is_held_until_it_is_old(folder: Folder) -> None:
    job = folder.job("one")
    folder.touch(folder.path / "a.0")
    assert job.state("a", 0, job.now()) == "held"
    folder.now += PATIENCE + 1
    assert job.state("a", 0, job.now()) == "free"
    assert job.state("not-seen-yet", 0, job.now()) == "held"


def test_a_claim_is_made_once_where_replies_are_lost_and_where_there_are_no_links(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, link = folder.job("one"), folder.job("other"), os.link

    def lost(source: Path, target: Path) -> None:
        link(source, target)
        raise OSError(errno.EEXIST, "asked again by the client, for the first reply was lost")

    monkeypatch.setattr(os, "link", lost)
    assert one.take("a")
    monkeypatch.setattr(os, "link", link)
    assert not other.take("a")

    def none(source: Path, target: Path) -> None:
        raise OSError(errno.ENOTSUP, "no links here")

    monkeypatch.setattr(os, "link", none)
    assert other.take("b") and not one.take("b") and not one.take("a")
    assert one.state("b", 0, one.now()) == "held"
    assert not [name for name in os.listdir(folder.path) if name[0] == "."]


def test_what_a_killed_process_of_the_same_number_left_is_not_written_into(folder: Folder) -> None:
    one = folder.job("one")
    one.take("a")
    before = (folder.path / "a.0").read_text()
    os.link(folder.path / "a.0", folder.path / f".one.{socket.gethostname()}.{os.getpid()}")  # killed between two calls
    assert one.take("b") and (folder.path / "a.0").read_text() == before


def claims_all(folder: Folder, name: str, parts: list[str]) -> list[str]:
    """What a process gets of parts that others want at the same time."""
    job = folder.job(name)
    return [part for part in parts if job.take(part)]


def test_of_processes_that_want_the_same_each_claim_is_ones(folder: Folder) -> None:
    parts = [f"a.1.{number}" for number in range(200)]
    with multiprocessing.get_context("fork").Pool(4) as pool:
        found = pool.starmap(claims_all, [(folder, f"job{number}", parts) for number in range(4)])
    assert sorted(part for one in found for part in one) == sorted(parts)


def test_a_claim_that_somebody_takes_away_is_waited_for_by_nobody(folder: Folder) -> None:
    blocks = divided([plan_of("a", [8])], 1)
    job = folder.job("one")
    folder.job("other").take(blocks[0].name)
    turns = Turns(blocks, Share(1, 1), job, Watcher())
    seen, job.current = job.current, dict  # type: ignore[method-assign]
    with pytest.raises(Waiting):  # it is not shown, and cannot be made
        turns.next(1)
    job.current = seen  # type: ignore[method-assign]
    (folder.path / f"{blocks[0].name}.0").unlink()
    assert turns.next(1) == blocks


def test_a_folder_is_of_one_run(folder: Folder) -> None:
    folder.job("one", {"seed": 0, "shares": 4})
    folder.job("two", {"seed": 0, "shares": 4})
    with pytest.raises(BenchError, match=r"holds the claims of another run \(different: seed, shares\)"):
        folder.job("three", {"seed": 1, "shares": 5})
    (folder.path / "notes.txt").touch()
    with pytest.raises(BenchError, match=r"holds notes\.txt, which is no claim"):
        folder.job("four", {"seed": 0, "shares": 4})


@dataclass
class Worker:
    """One life of a job of the simulation."""

    number: int
    turns: Turns
    stopped: bool = False  # it does not say that it lives
    busy: list[Block] = field(default_factory=list)


@dataclass
class Array:
    """Jobs that act in a drawn order on one folder."""

    folder: Folder
    blocks: list[Block]
    of: int
    lag: bool
    rng: Random
    working: dict[int, Worker] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)  # `task/sample`, that stands in some job's records
    owner: dict[str, Worker] = field(default_factory=dict)

    def begin(self, number: int) -> None:
        claims = self.folder.job(f"job{number}", {"shares": self.of})
        self.working[number] = Worker(number, Turns(self.blocks, Share(number, self.of), claims, Watcher()))
        if self.lag:
            late(claims, self.rng)

    def step(self, worker: Worker) -> bool:
        """Claims, or answers a part of what it has, or ends a block. Whether it goes on."""
        if not worker.busy:
            worker.busy = worker.turns.next(self.rng.choice((1, 16)))
            for block in worker.busy:
                before = self.owner.get(block.name)
                if before is not None and before.number != worker.number:
                    gone = self.working.get(before.number) is not before
                    assert gone or before.stopped or self.lag, f"{block.name} was taken from a job that lives"
                self.owner[block.name] = worker
            return bool(worker.busy)
        block = worker.busy.pop(0)
        self.answered |= {f"{block.task}/{sample.id}" for sample in block.samples}
        worker.turns.claims.end(block.name, "done")
        return True

    def die(self, worker: Worker) -> None:
        """In the middle of a block, of which some answers are on the disk."""
        del self.working[worker.number]

    def pass_time(self, seconds: float) -> None:
        self.folder.now += seconds
        for worker in self.working.values():
            if not worker.stopped:
                worker.turns.claims.beat()


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.lists(st.integers(1, 12), min_size=1, max_size=25), st.booleans(), st.integers(0, 2**32))
def test_whoever_acts_dies_or_sleeps_everything_is_asked(of: int, clusters: list[int], lag: bool, seed: int) -> None:
    rng, plans = Random(seed), [plan_of("a", clusters), plan_of("b", clusters[::-1])]
    with tempfile.TemporaryDirectory() as place:
        array = Array(Folder(Path(place) / "claims"), divided(plans, of), of, lag, rng)
        for _ in range(rng.randrange(120)):
            living = list(array.working.values())
            act = rng.random()
            if not living or act < 0.1:
                missing = [number for number in range(1, of + 1) if number not in array.working]
                if missing:
                    array.begin(rng.choice(missing))
            elif act < 0.75:
                awake = [one for one in living if not one.stopped or act < 0.15]
                if awake and advanced(array, rng.choice(awake)) is False:
                    break
            elif act < 0.8:
                array.die(rng.choice(living))
            elif act < 0.85:
                rng.choice(living).stopped = True
            else:
                array.pass_time(PATIENCE / 3)
        for worker in list(array.working.values()):
            if rng.random() < 0.5:
                array.die(worker)
        if not array.working:
            array.begin(1)
        (last, *others) = array.working.values()
        for worker in others:
            worker.stopped = True
        last.stopped = False
        while (more := advanced(array, last)) is not False:
            if more is None:
                array.pass_time(PATIENCE + 1)
        assert array.answered == {f"{block.task}/{sample.id}" for block in array.blocks for sample in block.samples}


def late(claims: Clocked, rng: Random) -> None:
    """A file system that shows some files late, and sometimes lets two jobs make the same one."""
    seen, create = claims.current, claims.create

    def made(path: Path, text: str) -> bool:
        if path.exists() and path.name != "claims.json" and rng.random() < 0.3:
            path.write_text(text)
            claims.stamp.touch(path)
            return True
        return create(path, text)

    claims.current = lambda: {name: times for name, times in seen().items() if rng.random() < 0.7}  # type: ignore[method-assign]
    claims.create = made  # type: ignore[method-assign]


def advanced(array: Array, worker: Worker) -> bool | None:
    """Whether a job goes on; None where it waits for others."""
    try:
        return array.step(worker)
    except Waiting:
        return None


def test_jobs_take_of_their_own_share_first_and_then_from_the_ends_of_others(folder: Folder) -> None:
    blocks = divided([plan_of("a", [8] * 40)], 2)
    turns = Turns(blocks, Share(2, 2), folder.job("one"), Watcher())
    order = list(taken(turns))
    own, others = [block for block in blocks if block.share == 2], [block for block in blocks if block.share == 1]
    assert order == [*own, *reversed(others)]
    assert turns.counts == {"own": len(own), "others": len(others)}
    late = Turns(blocks, Share(1, 2), folder.job("two"), Watcher())
    assert list(taken(late)) == [] and not late.taken  # it comes when all is done
    again = Turns(blocks, Share(2, 2), folder.job("one"), Watcher())
    assert again.next(1) == blocks  # begun again it looks through all that it had


def taken(turns: Turns) -> Iterator[Block]:
    while found := turns.next(1):
        for block in found:
            turns.claims.end(block.name, "done")
            yield block
