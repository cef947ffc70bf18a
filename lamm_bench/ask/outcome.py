"""What a run or a scoring comes to, and what is told on the way."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lamm_bench.declared import DeclaredTask
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import digest
from lamm_bench.keep.ledger import Ledger, count_ended
from lamm_bench.keep.runs import FORMAT, Run
from lamm_bench.measure.pooling import Pool
from lamm_bench.measure.scoring import Answered, Score, score
from lamm_bench.read import READERS
from lamm_bench.types import FAILED, Record, Sample, Task

from .catalog import Catalog
from .runner import Plan
from .stream import Asked


class Watcher:
    """Told what happens; the command line draws bars from it. Every method may be overridden."""

    def say(self, text: str) -> None: ...

    def detail(self, text: str) -> None:
        """What only `--verbose` shows, and a log file keeps."""

    def expect(self, tasks: int) -> None: ...

    def begin(self, task: str, total: int) -> None:
        """`total` is 0 while nobody knows it, for the task's file is still being read."""

    def together(self, tasks: Sequence[str], total: int) -> None:
        """Several tasks begin that are asked as one; their `end` comes once, under the same name."""
        self.begin(tasks[0] if len(tasks) == 1 else f"{len(tasks)} tasks", total)

    def tick(self, count: int) -> None: ...

    def end(self, task: str) -> None: ...


FEW = 6  # so many tasks of one reason are named


def together(reasons: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each reason once, with what it holds for; of many tasks the first three are named.

    >>> together({"a": "no clouds", "b": "no clouds"}), together({letter: "no" for letter in "abcdefgh"})
    ([('a, b', 'no clouds')], [('a, b, c and 5 others', 'no')])
    """
    found: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        found.setdefault(reason, []).append(name)
    few = {reason: names if len(names) <= FEW else [*names[:3]] for reason, names in found.items()}
    more = {reason: len(names) - len(few[reason]) for reason, names in found.items()}
    return [(", ".join(names) + (f" and {more[reason]} others" if more[reason] else ""), reason) for reason, names in few.items()]


SUBSET = "are scored (--subset)"  # ends the note on a score of some of the items


@dataclass
class Outcome:
    """What a run or a scoring has come to."""

    scores: list[Score] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)  # task -> why it was not asked (modality, recipe)
    unavailable: dict[str, str] = field(default_factory=dict)  # task -> why it could not be asked or scored
    failures: dict[str, str] = field(default_factory=dict)  # task -> how many samples have no answer, and why most of them
    rates: dict[str, float] = field(default_factory=dict)  # samples a second, where anything was asked now
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)  # task -> quantiles of the samples' own seconds
    subsets: dict[str, str] = field(default_factory=dict)  # task -> how many of its items were scored, where only those answered
    early: Mapping[str, Asked] = field(default_factory=dict)  # what was asked of each task before the run was sealed
    left: int = 0  # samples of a share that have no answer
    folder: Path | None = None
    coordinates: str = ""  # the convention by which places were read; empty: LAMM's fractions
    gaps: dict[str, dict[str, Any]] = field(default_factory=dict)  # task -> control -> what is lost under it (ask/controls.py)
    alarm: str = ""  # that workers have answered otherwise (ask/attendance.py)
    diagnosis: str = ""  # why these are no results: read by another convention than the answers were asked in

    @property
    def complete(self) -> bool:
        """Whether every expected sample of every task that could be asked has an answer."""
        failed = sum(score.counts[status] for score in self.scores for status in FAILED)
        return not self.unavailable and not failed and not self.left

    def to_json(self, samples: bool = False) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "readers": READERS,
            "results": [score.to_json(samples) for score in self.scores],
            "skipped": self.skipped,
            "unavailable": self.unavailable,
            **({"subset": self.subsets} if self.subsets else {}),
            **({"coordinates": self.coordinates} if self.coordinates else {}),
            **({"controls": self.gaps} if self.gaps else {}),
            **({"alarm": self.alarm} if self.alarm else {}),
            **({"diagnosis": self.diagnosis} if self.diagnosis else {}),
        }


def load(
    tasks: Sequence[Task], root: Path, outcome: Outcome, alone: bool = True, watcher: Watcher | None = None
) -> list[tuple[Task, Sequence[Sample]]]:
    """The samples of every task whose meta file can be read; the others are listed with the reason. `watcher` hears of long imports.

    Raises `BenchError` when none can be read, unless they do not stand `alone`."""
    loaded = []
    for task in tasks:
        try:
            samples = task.samples(root, watcher) if isinstance(task, DeclaredTask) else task.samples(root)
            if samples:
                loaded.append((task, samples))
            else:
                outcome.unavailable[task.name] = f"{root / task.meta_files[0]} holds no items"
        except BenchError as error:
            outcome.unavailable[task.name] = str(error)
        except Exception as error:  # of a stranger's task; one that cannot be read loses no other
            outcome.unavailable[task.name] = (
                f"its samples cannot be read: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
            )
    if alone and not loaded and outcome.unavailable:
        raise BenchError(
            next(iter(outcome.unavailable.values())) + ("" if len(tasks) == 1 else " (and no other task can be read)")
        )
    return loaded


def why_failed(records: Iterable[Record]) -> str:
    """How many records ended without an answer, with the reason that most of them share; empty when none did.

    >>> why_failed([Record("1", "model_error", None, "HTTP 500"), Record("2", "ok", None)])
    '1 of 2 samples failed: HTTP 500'
    """
    records = list(records)
    reasons = Counter(record.error or record.status for record in records if record.status in FAILED)
    if not reasons:
        return ""
    (reason, times), *others = reasons.most_common()
    failed = reasons.total()
    which = f"{times} of them: " if others else ""
    return f"{failed} of {len(records)} samples failed: {which}{' '.join(reason.split())[:300]}"


def latencies(records: Iterable[Record]) -> dict[str, float]:
    """Median and 95th percentile of the seconds that samples took of work, and of those that they waited before.

    >>> latencies([Record("1", "ok", None, None, 0.5), Record("2", "ok", None, None, 0.5, 0.5)])
    {'n': 2, 'p50': 0.5, 'p95': 0.5, 'queued_p50': 0.0, 'queued_p95': 0.5}
    """
    known = [record for record in records if record.seconds > 0]
    if not known:
        return {}
    found: dict[str, float] = {"n": len(known)}
    for name, values in (("", [record.seconds for record in known]), ("queued_", [record.queued for record in known])):
        values.sort()
        for share in (50, 95):
            found[f"{name}p{share}"] = round(values[max(0, -(-share * len(values) // 100) - 1)], 4)
    return found


def tell_what_is_there(opened: Run, plans: Sequence[Plan], watcher: Watcher) -> None:
    """A run that goes on says what it found, and from when."""
    files = {work.task.name: opened.folder / "records" / f"{work.task.name}.jsonl" for work in plans}
    found = {name: count_ended(path) for name, path in files.items()}
    if not any(found.values()):
        return
    last = max(os.stat(files[name]).st_mtime for name, number in found.items() if number)
    begun = next((entry["date"] for entry in opened.manifest.get("asked", []) if "date" in entry), "an unknown day")
    expected = sum(len(work.samples) for work in plans)
    among = f" of {expected}" if expected else ""  # nobody knows yet how many, where files are still being read
    watcher.say(
        f"{opened.folder} holds {sum(found.values())}{among} answers, asked since {begun.replace('T', ' ')[:16]} "
        f"(the last of {datetime.fromtimestamp(last):%Y-%m-%d %H:%M}); they are not asked again"
    )


def tell_damaged(name: str, ledger: Ledger, watcher: Watcher) -> None:
    """Which lines of a file are asked again."""
    if ledger.damaged:
        lines = ", ".join(map(str, ledger.damaged[:5])) + (" ..." if len(ledger.damaged) > 5 else "")
        watcher.say(
            f"{name}: {len(ledger.damaged)} lines of {ledger.path} are damaged or of another run (line {lines}); "
            f"they were moved to {ledger.path.stem}.damaged, and their samples are asked again"
        )


def score_task(
    catalog: Catalog,
    task: Task,
    samples: Sequence[Sample],
    answered: Mapping[str, Answered],
    protocols: Sequence[str],
    file: Sequence[Sample] = (),
    keep_rows: bool = False,
) -> list[Score]:
    """The task under each protocol that it has; with rows where a pool needs them, or with `keep_rows`."""
    return [
        score(task, protocol, samples, answered, keep_rows=keep_rows or in_pool(catalog, task, protocol), file=file)
        for protocol in protocols
        if protocol in task.protocols
    ]


def scores_or_why(
    catalog: Catalog,
    task: Task,
    samples: Sequence[Sample],
    answered: Mapping[str, Answered],
    protocols: Sequence[str],
    outcome: Outcome,
    file: Sequence[Sample] = (),
) -> list[Score]:
    """As `score_task`; a task that cannot read or count its answers is listed with the reason, and loses no other."""
    try:
        return score_task(catalog, task, samples, answered, protocols, file)
    except BenchError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        outcome.unavailable[task.name] = f"its answers cannot be scored: {type(error).__name__}: {said}"
        return []


def in_pool(catalog: Catalog, task: Task, protocol: str) -> bool:
    """Whether a pooled result needs this task's rows under this protocol."""
    return any(task.name in pool.tasks and protocol == pool.protocol for pool in catalog.pools)


def with_pools(data: Mapping[str, str], pools: Sequence[Pool]) -> dict[str, str]:
    """The digests of the tasks' data, and for each pooled result one made of its members'."""
    return {**data, **{pool.name: digest({name: data.get(name) for name in pool.tasks}) for pool in pools}}
