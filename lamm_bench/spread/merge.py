"""Run folders of several jobs become one: that of a single process, with which `run` can go on.

Of each sample the first folder's answers count in which it has ended, in the order given; those of a sample that ended as
`model_error` only where no other folder has better ones. What other folders say of it is compared: with `--claims` two jobs may have
asked the same, where one was slow and thought dead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.ask.carrying import scored
from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.outcome import Outcome, Watcher, latencies, why_failed
from lamm_bench.ask.rescoring import left_out, root_of
from lamm_bench.ask.session import finish, held_besides, in_order
from lamm_bench.ask.shares import FILE
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import read_json
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import pooled

from .leases import told as told_of


def merge(folders: Sequence[Path], output: Path, data_root: Path | None, catalog: Catalog, watcher: Watcher) -> Outcome:
    """Writes and scores the whole. Raises `BenchError` where the folders are not parts of one run."""
    runs = [Run.asked(folder) for folder in folders]
    same_run(runs)
    if any(output.resolve() == folder.resolve() for folder in folders):
        raise BenchError(f"--output {output} is one of the runs that are merged; name another folder")
    root = root_of(folders, data_root, catalog, watcher.say)
    opened = Run.start(output, joined(runs))
    try:
        twice = Twice()
        for name in opened.manifest["identity"]["data"]:
            gather(name, opened, runs, watcher, twice)
        tell_missing(runs, opened, watcher)
        notes = twice.notes(all(told.get("exact", True) for told in shares(runs)))
        for note in notes:
            watcher.say(note)
        outcome = score_all(runs, opened, root, catalog, watcher, notes)
    finally:
        opened.close()
    return outcome


def same_run(runs: Sequence[Run]) -> None:
    first = runs[0]
    for run in runs[1:]:
        mine, its = first.manifest["identity"], run.manifest["identity"]
        changed = sorted(key for key in {*mine, *its} if mine.get(key) != its.get(key))
        if changed:
            raise BenchError(f"{run.folder} holds another run than {first.folder} (different: {', '.join(changed)})")


def joined(runs: Sequence[Run]) -> dict[str, Any]:
    """The manifest of the first, and how all of them were asked."""
    asked: list[Any] = []
    for run in runs:
        asked += [entry for entry in run.manifest.get("asked", ()) if entry not in asked]
    return {**runs[0].manifest, "asked": asked}


@dataclass
class Twice:
    """The samples that more than one folder has answered."""

    count: int = 0
    differing: list[str] = field(default_factory=list)  # task and sample

    def compare(self, task: str, name: str, sources: Sequence[Ledger]) -> None:
        """Holds every other folder's answers against those of the first, question by question; errors say nothing."""
        ended = [one for one in sources if worth(one, name) == 0]
        if len(ended) < 2:
            return
        self.count += 1
        said = ended[0].said.get(name, {})
        for other in ended[1:]:
            for step, (request, response) in other.said.get(name, {}).items():
                mine = said.get(step)
                if mine is None or mine[0] != request or mine[1].error is not None or response.error is not None:
                    continue
                if told_of(mine[1]) != told_of(response):
                    self.differing.append(f"{task}/{name}")
                    return

    def notes(self, exact: bool) -> list[str]:
        """What is to be said of them; `exact`: the model gives the same answer twice, as far as anybody knows."""
        found = [f"{self.count} samples were answered by more than one job; the first answers count"] if self.count else []
        if self.differing:
            where = ", ".join(self.differing[:3]) + (" ..." if len(self.differing) > 3 else "")
            why = (
                "the model does not give the same answer twice, or one of the jobs answers wrongly"
                if exact
                else "so it may be, for its rounding depends on the batch"
            )
            found.append(
                f"{'ALARM: ' if exact else ''}{len(self.differing)} samples were answered otherwise by another job ({where}): {why}"
            )
        return found


def gather(task: str, opened: Run, runs: Sequence[Run], watcher: Watcher, twice: Twice) -> None:
    """Writes the answers of one task that the merged run has not yet."""
    sources = [run.ledger(task) for run in runs]
    for source in sources:
        if reason := left_out(source):
            watcher.say(f"{task}: {reason}")
    ledger = opened.ledger(task, write=True)
    try:
        for name in dict.fromkeys(name for source in sources for name in (*source.said, *source.ended)):
            twice.compare(task, name, sources)
            best = min((ledger, *sources), key=lambda one: worth(one, name))
            if best is not ledger:
                copy(name, best, ledger)
    finally:
        ledger.close()


def worth(ledger: Ledger, name: str) -> int:
    """How much a folder knows of a sample: 0 its end, 1 a failure to be asked again, 2 a beginning, 3 nothing."""
    ended = ledger.ended.get(name)
    if ended is not None:
        return 0 if ended.status != "model_error" else 1
    return 2 if name in ledger.said else 3


def copy(name: str, source: Ledger, ledger: Ledger) -> None:
    """One sample's lines, its end on the last."""
    end, said = source.ended.get(name), sorted(source.said.get(name, {}).items())
    for step, (request, response) in said[:-1]:
        ledger.append(name, step, request, response, None)
    if said:
        step, (request, response) = said[-1]
        ledger.append(name, step, request, response, end)
    else:
        ledger.append(name, 0, "", None, end)


def shares(runs: Iterable[Run]) -> list[Mapping[str, Any]]:
    """What the jobs say of themselves; a folder that was no share, or whose job has not come to its end, says nothing."""
    found = [read_json(run.folder / FILE) for run in runs if (run.folder / FILE).is_file()]
    return [told for told in found if isinstance(told, dict) and isinstance(told.get("share"), list) and len(told["share"]) == 2]


def tell_missing(runs: Sequence[Run], opened: Run, watcher: Watcher) -> None:
    """Which jobs have not come to their end where others have not done their part, and how many samples of each task have none."""
    lacking = {}
    for name, expected in opened.manifest["samples"].items():
        ended = sum(record.status != "model_error" for record in opened.ledger(name).ended.values())
        if ended < expected:
            lacking[name] = f"{expected - ended} of {expected} samples are missing"
    told = [tuple(one["share"]) for one in shares(runs)] if lacking else []
    for of in sorted({of for _, of in told}):
        missing = [str(number) for number in range(1, of + 1) if (number, of) not in told]
        if missing:
            watcher.say(f"of {of} shares these are not here, or not finished: {', '.join(missing)}")
    for name, sentence in lacking.items():
        watcher.say(f"{name}: {sentence}; `lamm-bench run` with this --output asks them")


def score_all(runs: Sequence[Run], opened: Run, root: Path, catalog: Catalog, watcher: Watcher, said: Sequence[str]) -> Outcome:
    """Scores as the run of one process would have done, and writes its result."""
    outcome, notes = Outcome(folder=opened.folder), list(said)
    asked = opened.manifest["identity"]["data"]
    for told in shares(runs):
        outcome.skipped |= {name: why for name, why in told.get("skipped", {}).items() if name not in asked}
        outcome.unavailable |= {name: why for name, why in told.get("unavailable", {}).items() if name not in asked}
        notes += [note for note in told.get("notes", ()) if note not in notes]
    plans = in_order(held_besides(opened, [], catalog, root, outcome), catalog)
    watcher.expect(len(plans))
    for work in plans:
        name = work.task.name
        watcher.begin(name, len(work.samples))
        ledger = opened.ledger(name)
        watcher.tick(len(work.samples))
        watcher.end(name)
        if reason := why_failed(ledger.ended.values()):
            outcome.failures[name] = reason
        outcome.seconds[name] = latencies(ledger.ended.values())
        outcome.scores += scored(work, ledger, opened, opened.manifest["protocols"], catalog, outcome, watcher)
    outcome.scores += pooled(catalog.pools, outcome.scores)
    spent = [entry for run in runs if (run.folder / "usage.json").is_file() for entry in read_json(run.folder / "usage.json")]
    if spent and not (opened.folder / "usage.json").exists():
        opened.save("usage.json", spent)
    finish(opened, outcome, catalog.pools, notes)
    return outcome
