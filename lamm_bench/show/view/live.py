"""Runs that are still being asked, as the page sees them: records are read on as they grow, and what has changed has a number.

A sample keeps its place from the beginning, whether it has been asked or not, so that a page that looks on loses neither its place nor
its filters. Pictures, clouds and everything that an opened sample shows are made when they are asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lamm_bench.ask import seals
from lamm_bench.ask.catalog import Catalog
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import digest, storable
from lamm_bench.keep.results import read_result
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import score
from lamm_bench.read import READERS
from lamm_bench.show.report.gather import PROTOCOL, stored_scores
from lamm_bench.show.report.text import clean
from lamm_bench.types import STATUSES, Media, Task, to_json

from .figures import figures_of
from .gather import Opened, Plans, Seen, Side, TaskSeen, of_results, shared
from .pictures import Pictures, name_of
from .runs import differences, run_of
from .shards import ROWS, columns_of, more_of, row_of, task_of

# How many times as long as counting a task took, until it is counted again: looking on costs a run a twentieth of a core at most.
REST = 20.0
TOGETHER = 1  # samples whose details are made at once, when one of them is opened
MOST = 500  # rows that are told one by one; of more the page takes whole files


@dataclass
class Growing:
    """One task, as far as its runs have come."""

    told: TaskSeen
    number: int  # among the page's tasks
    first: int  # number of its first sample in the page
    sides: dict[int, Side] = field(default_factory=dict)
    places: dict[int, dict[str, Seen]] = field(default_factory=dict)  # of each run, by the sample's id
    figures: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)  # runs that have said more than is shown
    due: float = 0.0


class Live:
    """What the page is told, by whoever serves it. `look` is called again and again; the other methods answer, from any thread."""

    def __init__(
        self, folders: Sequence[Path], roots: Sequence[Path], names: Sequence[str], catalog: Catalog, pictures: Pictures
    ):
        self.folders, self.roots, self.names, self.catalog, self.pictures = folders, roots, names, catalog, pictures
        self.lock, self.making = threading.RLock(), threading.Lock()
        self.epoch = -1
        self.trouble = ""
        self.begin([opened(*one) for one in zip(folders, roots)])

    def begin(self, runs: Sequence[Opened]) -> None:
        """All anew: for the first time, or since a run has become another one (more tasks, a larger limit)."""
        self.runs, self.epoch, self.revision = list(runs), self.epoch + 1, 1
        self.tasks: list[Growing] = []
        self.rows: list[dict[str, Any]] = []
        self.owners: list[tuple[Growing, int]] = []  # of each row: its task, and its place there
        self.changed: list[int] = []  # of each row: the revision of its last change
        self.compared = len(runs) < 2
        self.media: dict[str, Media] = {}
        self.waiting = list(dict.fromkeys(name for one in runs for name in one.identity["data"]))
        self.differences: list[dict[str, Any]] = [
            {"run": n, "note": "the paired test is made once both runs are finished", "tasks": {}} for n in range(1, len(runs))
        ]

    def look(self, rest: float = REST) -> bool:
        """Takes in what the runs have said since; whether there may be more at once. Never fails: what cannot be read is told."""
        try:
            now = [opened(*one) for one in zip(self.folders, self.roots)]
            if [one.identity for one in now] != [one.identity for one in self.runs]:
                with self.lock:
                    self.begin(now)
            self.say("")
            more = False
            self.heard(now)
            if self.waiting:
                self.take_in(self.waiting.pop(0))
                more = bool(self.waiting)
            for task in self.tasks:
                self.read_on(task)
                if task.stale and (time.monotonic() >= task.due or all(self.runs[n].result.get("results") for n in task.stale)):
                    begun = time.monotonic()
                    self.count(task)
                    task.due = time.monotonic() + rest * (time.monotonic() - begun)
            return more
        except (BenchError, OSError) as error:
            self.say(str(error))
            return False
        except Exception as error:  # of any task's reader, also a plug-in's: the page goes on with what it has
            self.say(f"{type(error).__name__}: {error}")
            return False

    def say(self, trouble: str) -> None:
        """What cannot be read at present."""
        with self.lock:
            if clean(trouble, 600) != self.trouble:
                self.trouble, self.revision = clean(trouble, 600), self.revision + 1

    def heard(self, now: Sequence[Opened]) -> None:
        """Runs that have been finished meanwhile, or go on again; once all are finished, they are compared."""
        for place, (one, before) in enumerate(zip(now, self.runs)):
            if one.result == before.result:
                continue
            with self.lock:
                self.runs[place] = one
                self.revision += 1
                for task in self.tasks:
                    task.stale.add(place)
                known = {task.told.name for task in self.tasks} | set(self.waiting)
                self.waiting += dict.fromkeys(e["task"] for e in one.result["results"] if e["task"] not in known)
        if not self.compared and not self.waiting and all(map(is_finished, self.runs)):
            found = differences(self.runs, self.catalog)
            with self.lock:
                self.differences, self.compared, self.revision = found, True, self.revision + 1

    def take_in(self, name: str) -> None:
        """A task with all samples that any run will be asked about; those that have not been asked say nothing yet."""
        own = self.catalog.tasks.get(name)
        task = Growing(of_results(name, tuple(() for _ in self.runs)), len(self.tasks), len(self.rows))
        task.told.kind = own.kind if own is not None else ""
        plans = Plans.of_runs(self.runs)
        for place, one in enumerate(self.runs):
            if own is None or name not in one.identity["data"]:
                continue
            try:
                with seals.kept(one.root):
                    side = Side.of(one, own, protocol_of(one, own), self.catalog, plans)
                task.places[place] = {sample.id: side.seen_of(sample, task.told, plans) for sample in side.work.samples}
                task.sides[place] = side
                if side.questions.why_not:
                    task.told.notes[place] = f"what was asked is not shown: {side.questions.why_not}"
            except BenchError as error:
                task.told.notes[place] = str(error)
        task.stale = set(range(len(self.runs)))
        rows = [self.row(task, one) for one in task.told.seen]
        with self.lock:
            self.revision += 1
            self.owners += [(task, at) for at in range(len(rows))]
            self.rows += rows
            self.changed += [self.revision] * len(rows)
            self.tasks.append(task)

    def row(self, task: Growing, one: Seen) -> dict[str, Any]:
        return row_of(task.number, one, [self.medium(medium) for medium in one.sample.media[:1]], len(self.runs))

    def medium(self, medium: Media) -> dict[str, Any]:
        """Where a medium's picture will be, once somebody asks for it."""
        name = name_of(medium)
        self.media[name] = medium
        return {"file": f"media/{name[:2]}/{name}"} if self.pictures.side else {}

    def read_on(self, task: Growing) -> None:
        """Notes which runs have said more."""
        with self.lock:
            task.stale |= {place for place, side in task.sides.items() if side.ledger.catch_up()}

    def count(self, task: Growing) -> None:
        """Scores what was said, and gives every row that it changes the next revision."""
        stale, told = sorted(task.stale), task.told
        scored = {place: self.scored(task, place) for place in stale}
        results = tuple(tuple(scored[place][0]) if place in scored else entries for place, entries in enumerate(told.results))
        fresh = of_results(told.name, results)
        with self.lock:
            told.results, told.better, told.unit, told.metric = results, fresh.better, fresh.unit, fresh.metric
            for place in scored.keys() & task.sides.keys():
                task.sides[place].scores = scored[place][1]
                for name, one in task.places[place].items():
                    if name in task.sides[place].ledger.ended:
                        one.said[place] = task.sides[place].opinion(one.sample, briefly=True)
                    else:
                        one.said.pop(place, None)
            shared(told)
            self.revision += 1
            for number, row in enumerate((self.row(task, one) for one in told.seen), task.first):
                if row != self.rows[number]:
                    self.rows[number], self.changed[number] = row, self.revision
            task.figures |= {place: figures_of(told, place) for place in stale}
            task.stale -= set(stale)

    def scored(self, task: Growing, place: int) -> tuple[list[Mapping[str, Any]], Mapping[str, Mapping[str, Any]]]:
        """A run's entries and the values of its samples: those that it has kept, or of what it has said so far."""
        one, side = self.runs[place], task.sides.get(place)
        entries = [entry for entry in one.result["results"] if entry["task"] == task.told.name]
        if side is None:
            return entries, {}
        if entries:
            with suppress(BenchError):
                return entries, stored_scores(one.run.folder / "scores" / f"{task.told.name}.json", side.task)[1]
        ended = [sample for sample in side.work.samples if sample.id in side.ledger.ended]
        if not ended:
            return [], {}
        found = score(side.task, side.protocol, ended, side.answers(ended), references=False, file=side.work.file)
        return [storable(to_json(found.to_json()))], found.samples

    # what the page asks for

    def meta(self) -> dict[str, Any]:
        """Everything but the samples."""
        with self.lock:
            places = range(len(self.runs))
            statuses = {row[f"status{place}"] for row in self.rows for place in places} - {""}
            return {
                "runs": [
                    {**run_of(one, name), **self.come(place)} for place, (one, name) in enumerate(zip(self.runs, self.names))
                ],
                "tasks": [task_of(task.told, [task.figures.get(place, {}) for place in places]) for task in self.tasks],
                "differences": self.differences,
                "statuses": sorted(statuses, key=STATUSES.index),
                "count": len(self.rows),
                "rows": ROWS,
                "more": TOGETHER,
                "live": {"epoch": self.epoch, "revision": self.revision, "trouble": self.trouble, "loading": len(self.waiting)},
            }

    def come(self, place: int) -> dict[str, Any]:
        """How far a run has come."""
        said = sum(len(task.sides[place].ledger.ended) for task in self.tasks if place in task.sides)
        asked = sum(self.runs[place].run.manifest["samples"].values())
        return {"said": said, "asked": asked, "finished": is_finished(self.runs[place])}

    def block(self, number: int) -> dict[str, Any]:
        """A file of rows, in columns."""
        with self.lock:
            return columns_of(self.rows[number * ROWS : (number + 1) * ROWS])

    def since(self, epoch: int, revision: int) -> dict[str, Any]:
        """What has changed since a revision: rows with their numbers, and everything else if there was any change."""
        with self.lock:
            if epoch != self.epoch:
                return {"epoch": self.epoch}
            if revision == self.revision:
                return {"epoch": epoch, "revision": revision}
            numbers = [number for number, at in enumerate(self.changed) if at > revision]
            many = len(numbers) > MOST
            return {
                "epoch": epoch,
                "revision": self.revision,
                "numbers": [] if many else numbers,
                "rows": [] if many else [self.rows[number] for number in numbers],
                "blocks": sorted({number // ROWS for number in numbers}) if many else [],
                "meta": self.meta(),
            }

    def details(self, number: int) -> list[dict[str, Any]]:
        """What is shown of some samples, made now."""
        with self.lock:
            return [self.detail(at) for at in range(number * TOGETHER, min((number + 1) * TOGETHER, len(self.rows)))]

    def detail(self, number: int) -> dict[str, Any]:
        task, at = self.owners[number]
        one = task.told.seen[at]
        said = {}
        for place, short in one.said.items():
            side = task.sides[place]
            said[place] = replace(side.opinion(one.sample), tone=short.tone)
        whole = replace(one, said=said)
        return more_of(whole, [self.pictures.of(medium) for medium in one.sample.media])

    def file(self, name: str, cloud: bool) -> Path | None:
        """A medium's picture, or its points: made where it is not yet there."""
        medium = self.media.get(name)
        if medium is None:
            return None
        with self.making:
            told = self.pictures.of(medium)
        place = f"media/{name[:2]}/{name}.js" if cloud and told.get("cloud") == name else "" if cloud else told.get("file", "")
        return self.pictures.folder / place if place else None


def opened(folder: Path, root: Path) -> Opened:
    """A run, finished or not; of one that is not, or that has been asked more since, the result says what it will be of.

    Raises `BenchError` when the folder is none."""
    run = Run.asked(folder)
    if (folder / "result.json").is_file() and not outdated(folder):
        return Opened(run, read_result(folder / "result.json"), root)
    identity = run.manifest["identity"]
    told = {key: identity.get(key) for key in ("limit", "seed", "control", "corrupt", "coordinates")}
    head = {
        "recipe": identity["recipe"]["name"],
        "source": run.manifest["source"],
        "identity": digest(identity),
        "readers": READERS,
    }
    return Opened(run, {"results": [], **head, **told}, root)


def outdated(folder: Path) -> bool:
    """Whether anything was said after the result was written: the run goes on."""
    made = (folder / "result.json").stat().st_mtime_ns
    return any(path.stat().st_mtime_ns > made for path in (folder / "records").glob("*.jsonl"))


def is_finished(one: Opened) -> bool:
    return bool(one.result.get("results"))


def protocol_of(one: Opened, task: Task) -> str:
    """The protocol that the page shows: `standard`, else the first one of the run that the task has."""
    named = [PROTOCOL, *one.run.manifest["protocols"], *task.protocols]
    return next(name for name in named if name in task.protocols)
