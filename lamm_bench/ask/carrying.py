"""Carries tasks out: what is left of them is asked, and what was answered is scored. One that fails loses no other.

Short tasks are asked together, as one stream of requests: where batches are large, or many requests are on their way at a time, the end
of one task and the beginning of the next then leave nobody idle. Records, scores and results are those of tasks asked one by one."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lamm_bench.errors import BenchError, Stopped
from lamm_bench.keep.files import Entries, storable
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import Score
from lamm_bench.measure.shown import MANY, each_shown
from lamm_bench.measure.sums import each_sum
from lamm_bench.types import Adapter, Sample, to_json

from .attendance import at_once
from .catalog import Catalog
from .coordinates import answers, of_manifest
from .finished import Kept
from .identity import remember
from .outcome import Outcome, Watcher, in_pool, latencies, score_task, tell_damaged, why_failed
from .recipe import Recipe
from .runner import Plan, many_objects
from .shares import Share
from .stream import Asked, Opened, ask, ask_alone, opened

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

    def __post_init__(self) -> None:
        """Of many workers it is kept at once that other versions answer, or otherwise: the process may be killed before the run's end."""
        at_once(self.adapter, partial(remember, self.opened, self.adapter), anew=not self.outcome.early)

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
        tell_damaged(name, ledger, self.watcher)
        return ledger

    def put(self, works: Sequence[Plan], ledgers: dict[str, Ledger]) -> None:
        """Asks what is left to ask, together where there are several. After a fault one by one, so that it ends only the task it is of."""
        if len(works) == 1:
            self.put_alone(works[0], ledgers[works[0].task.name])
            return
        begun: list[Opened] = []
        for work in works:
            name = work.task.name
            with self.listed(name):
                one = opened(
                    work, self.recipe, self.adapter, ledgers[name], self.seed, self.watcher.tick, samples=self.mine(work)
                )
                begun.append(one)
        asked = False
        with self.listed(None):
            ask(begun, self.adapter)
            asked = True
        for one in begun:
            with self.listed(one.job.task.name):
                if not asked:
                    ask([one], self.adapter)
            self.tell(one.job.task.name, one.asked)

    def put_alone(self, work: Plan, ledger: Ledger) -> None:
        name, asked = work.task.name, Asked()
        with self.listed(name):
            ask_alone(
                work,
                self.recipe,
                self.adapter,
                ledger,
                self.seed,
                self.watcher.tick,
                samples=self.mine(work),
                asked=asked,
            )
        self.tell(name, asked)

    def mine(self, work: Plan) -> Sequence[Sample]:
        return work.samples if self.share is None else [sample for sample in work.samples if self.share.has(sample)]

    def tell(self, name: str, asked: Asked) -> None:
        """Notes how a task went."""
        before = self.outcome.early.get(name, Asked())
        if asked.new + before.new:
            self.outcome.rates[name] = (asked.new + before.new) / max(asked.seconds + before.seconds, 1e-9)
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
    scores: list[Score] = []
    wanted = [protocol for protocol in protocols if protocol in work.task.protocols]
    many = len(work.samples) >= MANY

    def each() -> Iterator[tuple[str, Any]]:
        """Of each protocol what is kept; nothing of it stays behind but the score."""
        for protocol in wanted:
            (score,) = score_task(catalog, work.task, work.samples, found, [protocol], work.file, keep_rows=True)
            samples = Entries((sample, storable(to_json(told))) for sample, told in each_shown(score.samples))
            yield protocol, {"samples": samples, "sums": Entries((one, storable(sums)) for one, sums in each_sum(score.rows))}
            rows = score.rows if in_pool(catalog, work.task, protocol) else ()
            kept = Kept(opened.folder / "scores" / f"{name}.json", protocol) if many else score.samples
            scores.append(replace(score, samples=kept, rows=rows))
            del score, samples

    try:
        with many_objects():
            found = answers(ledger, work.samples, of_manifest(opened.manifest))
            opened.save(f"scores/{name}.json", {"task": name, "protocols": Entries(each())})
    except BenchError:
        raise
    except Exception as error:
        fault(opened, name, error, outcome, watcher)
        return []
    return scores


def fault(opened: Run, name: str, error: Exception, outcome: Outcome, watcher: Watcher) -> None:
    """Keeps a bug's traceback where its author finds it, and its sentence where the user does."""
    (opened.folder / "errors").mkdir(exist_ok=True)
    (opened.folder / "errors" / f"{name}.txt").write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
    said = " ".join(str(error).split())[:300]
    outcome.unavailable[name] = f"{type(error).__name__}: {said} (errors/{name}.txt has the traceback)"
    watcher.say(f"{name}: {outcome.unavailable[name]}")
    watcher.detail(traceback.format_exc())
