"""Carries tasks out: what is left of them is asked, and what was answered is scored. One that fails loses no other.

Short tasks are asked together, as one stream of requests: where batches are large, or many requests are on their way at a time, the end
of one task and the beginning of the next then leave nobody idle. Records, scores and results are those of tasks asked one by one."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lamm_bench.errors import BenchError, Stopped
from lamm_bench.keep.files import storable
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import Score
from lamm_bench.measure.sums import sums_of
from lamm_bench.types import Adapter, to_json

from .catalog import Catalog
from .coordinates import answers, of_manifest
from .outcome import Outcome, Watcher, in_pool, latencies, score_task, why_failed
from .recipe import Recipe
from .runner import Opened, Plan, ask, many_objects, opened
from .shares import Share

STREAM = 4096
"""Samples of tasks that are one stream. Of a stream of so many, half an idle batch of 64 at its end is one part in 128; and what is in
memory at a time stays bounded."""


def overlaps(adapter: Adapter) -> bool:
    """Whether an adapter may be asked about several tasks at once: it need not know which, and its answers do not depend on their company."""
    unaware = not hasattr(adapter, "begin") or bool(getattr(adapter, "overlaps", False))
    return unaware and getattr(adapter, "exact", True) is not False


def streams(plans: Sequence[Plan], adapter: Adapter) -> Iterator[list[Plan]]:
    """The tasks in their order, as many together as may be asked so."""
    together = overlaps(adapter) if len(plans) > 1 else False
    found: list[Plan] = []
    for work in plans:
        if found and (not together or sum(len(one.samples) for one in (*found, work)) > STREAM):
            yield found
            found = []
        found.append(work)
    if found:
        yield found


@dataclass(frozen=True)
class Carrier:
    """What all tasks of a run have in common."""

    recipe: Recipe
    adapter: Adapter
    opened: Run
    protocols: Sequence[str]
    seed: int
    share: Share | None  # of several jobs: only its samples are asked, and nothing is scored
    catalog: Catalog
    outcome: Outcome
    watcher: Watcher

    def carry(self, stream: Sequence[Plan], held: Sequence[str] = ()) -> list[Score]:
        """Asks and scores tasks that are one stream. Those of the names `held` are only scored: what was asked before is what there is.

        A fault in one of them is kept in `errors/<task>.txt`, listed, and does not stop the others."""
        expected = {work.task.name: len(work.samples if self.share is None else self.share.samples(work)) for work in stream}
        self.watcher.together(list(expected), sum(expected.values()))
        with contextlib.ExitStack() as stack:
            stack.callback(self.watcher.end, *expected if len(expected) == 1 else (f"{len(expected)} tasks",))
            ledgers = {}
            for work in stream:
                ledgers[work.task.name] = self.ledger(work.task.name, work.task.name not in held)
                stack.callback(ledgers[work.task.name].close)
            asked = [work for work in stream if work.task.name not in held]
            self.watcher.tick(sum(count for name, count in expected.items() if name in held))
            self.put(asked, ledgers)
        return [score for work in stream for score in self.settled(work, ledgers[work.task.name])]

    def ledger(self, name: str, write: bool) -> Ledger:
        ledger = self.opened.ledger(name, write=write)
        if ledger.damaged:
            lines = ", ".join(map(str, ledger.damaged[:5])) + (" ..." if len(ledger.damaged) > 5 else "")
            self.watcher.say(
                f"{name}: {len(ledger.damaged)} lines of {ledger.path} are damaged or of another run (line {lines}); "
                f"they were moved to {ledger.path.stem}.damaged, and their samples are asked again"
            )
        return ledger

    def put(self, works: Sequence[Plan], ledgers: dict[str, Ledger]) -> None:
        """Asks what is left to ask, together where there are several. After a fault one by one, so that it ends only the task it is of."""
        begun: list[Opened] = []
        mine = {} if self.share is None else {"mine": self.share.has}
        for work in works:
            name = work.task.name
            with self.listed(name):
                one = opened(work, self.recipe, self.adapter, ledgers[name], self.seed, self.watcher.tick, **mine)
                begun.append(one)
        asked = False
        if len(begun) > 1:
            with self.listed(None):
                ask(begun, self.adapter)
                asked = True
        for one in begun:
            with self.listed(one.job.task.name):
                if not asked:
                    ask([one], self.adapter)
            self.tell(one)

    def tell(self, one: Opened) -> None:
        """Notes how a task went."""
        name, asked = one.job.task.name, one.asked
        if asked.new:
            self.outcome.rates[name] = asked.new / max(asked.seconds, 1e-9)
        if asked.foreign:
            self.watcher.say(f"{name}: {asked.foreign} samples held answers to other questions than these, and were asked again")

    @contextlib.contextmanager
    def listed(self, name: str | None) -> Iterator[None]:
        """Lists what ends a task early; without a name it is not known yet whose fault it is."""
        try:
            yield
        except Stopped as stop:
            if name is not None:
                self.outcome.unavailable[name] = f"not all was asked: {stop}"
                self.watcher.say(f"{name}: {self.outcome.unavailable[name]}")
        except BenchError:
            raise
        except Exception as error:
            if name is not None:
                fault(self.opened, name, error, self.outcome, self.watcher)

    def settled(self, work: Plan, ledger: Ledger) -> list[Score]:
        """What became of a task: failures, seconds, and scores, unless it is a share of one."""
        name = work.task.name
        if reason := why_failed(ledger.ended.values()):
            self.outcome.failures[name] = reason
        self.outcome.seconds[name] = latencies(ledger.ended.values())
        if self.share is not None:
            self.outcome.left += self.share.left(work, ledger)
            return []
        return scored(work, ledger, self.opened, self.protocols, self.catalog, self.outcome, self.watcher)


def scored(
    work: Plan, ledger: Ledger, opened: Run, protocols: Sequence[str], catalog: Catalog, outcome: Outcome, watcher: Watcher
) -> list[Score]:
    """The task's scores, kept. A task that cannot read or count its answers loses its own figures and no other's."""
    name = work.task.name
    try:
        with many_objects():
            found = answers(ledger, work.samples, of_manifest(opened.manifest))
            scores = score_task(catalog, work.task, work.samples, found, protocols, work.file, keep_rows=True)
    except BenchError:
        raise
    except Exception as error:
        fault(opened, name, error, outcome, watcher)
        return []
    values = {s.protocol: {"samples": storable(to_json(s.samples)), "sums": storable(sums_of(s.rows))} for s in scores}
    opened.save(f"scores/{name}.json", {"task": name, "protocols": values})
    return [s if in_pool(catalog, work.task, s.protocol) else replace(s, rows=()) for s in scores]


def fault(opened: Run, name: str, error: Exception, outcome: Outcome, watcher: Watcher) -> None:
    """Keeps a bug's traceback where its author finds it, and its sentence where the user does."""
    (opened.folder / "errors").mkdir(exist_ok=True)
    (opened.folder / "errors" / f"{name}.txt").write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
    said = " ".join(str(error).split())[:300]
    outcome.unavailable[name] = f"{type(error).__name__}: {said} (errors/{name}.txt has the traceback)"
    watcher.say(f"{name}: {outcome.unavailable[name]}")
    watcher.detail(traceback.format_exc())
