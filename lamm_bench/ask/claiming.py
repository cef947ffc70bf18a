"""The jobs of one run share what there is to ask: each its own share first, then what others have not begun (`--claims`).

Shares are cut into blocks of images and rooms, the same in every job. A job asks a block that it has claimed (keep/claims.py) and nobody
else; where none is left it waits for those of the others, and takes over those of a job that has died. Two jobs may ask the same block
where one was thought dead, or a file system lags: `merge` takes the first answers and compares the others."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.claims import Claims
from lamm_bench.keep.files import digest, read_json
from lamm_bench.keep.ledger import Ledger
from lamm_bench.types import Adapter, Sample

from .carrying import Carrier, streams
from .options import Options
from .outcome import Watcher
from .runner import Plan, cluster_of, many_objects
from .shares import FILE, Part, Share, lot_of

LEAST, MOST = 8, 64  # samples of a block ...
PIECES = 32  # ... which is one in so many of a share, between those
FILES = 4096  # blocks of a run, beside one for each task and share: they are files in one folder
PAUSES = (0.1, 5.0)  # seconds between two looks at what others do: at first, and at most


@dataclass(frozen=True)
class Block:
    """Some images or rooms of a task's share, with all questions about them."""

    task: str
    share: int
    number: int
    samples: tuple[Sample, ...]

    @property
    def name(self) -> str:
        return f"{self.task}.{self.share}.{self.number}"


def divided(plans: Sequence[Plan], of: int) -> list[Block]:
    """Every sample in exactly one block, and no image or room in two of one task. The files' order moves nothing but the order within."""
    total = sum(len(work.samples) for work in plans)
    size = max(min(MOST, max(LEAST, total // (PIECES * of))), -(-total // FILES))
    found = []
    for work in plans:
        clusters: dict[str, list[Sample]] = {}
        for sample in work.samples:
            clusters.setdefault(cluster_of(sample), []).append(sample)
        shares: dict[int, list[tuple[int, str]]] = {}
        for name in clusters:
            lot = lot_of(name)
            shares.setdefault(lot % of + 1, []).append((lot, name))
        for share in sorted(shares):
            gathered = gather((clusters[name] for _, name in sorted(shares[share])), size)
            found += [Block(work.task.name, share, number, samples) for number, samples in enumerate(gathered)]
    return found


def gather(clusters: Iterable[Sequence[Sample]], size: int) -> list[tuple[Sample, ...]]:
    """Clusters together, never torn, until they are so many samples."""
    found: list[list[Sample]] = []
    for cluster in clusters:
        if not found or len(found[-1]) >= size:
            found.append([])
        found[-1] += cluster
    return [tuple(block) for block in found]


@dataclass
class Turns:
    """What one job asks next, and whose it is. Blocks are told apart by their names alone."""

    blocks: Sequence[Block]
    share: Share
    claims: Claims
    watcher: Watcher
    taken: list[Block] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # blocks: `own`, of `others`, `over` from the dead, `again` of before
    _open: dict[str, Block] = field(default_factory=dict)  # that this job has not tried, and knows nobody to have done
    _known: dict[str, int] = field(default_factory=dict)  # claims that the folder does not show yet
    _begun: bool = False
    _waits: bool = False

    def __post_init__(self) -> None:
        self._open = {block.name: block for block in self.blocks}

    def next(self, size: int) -> list[Block]:
        """The next blocks, claimed, of about so many samples; waits while others have all that is left. Empty: nothing is left."""
        pause = PAUSES[0]
        while self._open:
            view = self.claims.current()
            view |= {name: times for name, times in self._known.items() if times > view.get(name, -1)}
            found = [] if self._begun else self.looked_at(view, len(self.blocks), own=True)
            self._begun = True
            if found := found or self.fresh(view, size) or self.looked_at(view, size):
                return self.begun(found)
            if self._open:
                if not self._waits:
                    self.watcher.say("what is left is with other jobs; they are waited for, in case that one of them dies")
                self._waits = True
                self._known.clear()  # by the next look it should be shown, or somebody has taken it away
                self.claims.pause(min(pause, self.claims.patience / 10))
                pause = min(2 * pause, PAUSES[1])
        return []

    def begun(self, found: list[Block]) -> list[Block]:
        for block in found:
            del self._open[block.name]
        self.taken += found
        return found

    def fresh(self, view: Mapping[str, int], size: int) -> list[Block]:
        """Blocks that nobody had: of the own share from its beginning, else from the end of the share of which most is left."""
        free = [block for block in self._open.values() if block.name not in view]
        most, found = max(1, len(free) // (2 * self.share.of)), list[Block]()  # few at a time towards the end
        while free and not found:
            left = Counter(block.share for block in free)
            whose = max(left, key=lambda share: (share == self.share.number, left[share], -share))
            queue = [block for block in free if block.share == whose]
            free = [block for block in free if block.share != whose]
            for block in queue if whose == self.share.number else reversed(queue):
                if len(found) == most or sum(len(one.samples) for one in found) >= size:
                    break
                if self.claims.take(block.name):
                    found.append(block)
                    self.counts["own" if whose == self.share.number else "others"] += 1
                else:
                    self._known[block.name] = 0
        return found

    def looked_at(self, view: Mapping[str, int], size: int, own: bool = False) -> list[Block]:
        """Of the blocks that somebody has: those that are anybody's again, or (`own`) that were this job's before it was begun again."""
        now, found = self.claims.now(), list[Block]()
        for name in [name for name in self._open if name in view]:
            if sum(len(one.samples) for one in found) >= size and not own:
                break
            block, times = self._open[name], view[name]
            state = self.claims.state(name, times, now)
            if state == "done":
                self.watcher.tick(len(self._open.pop(name).samples))
            elif state == "own":
                self.claims.keep(name, times)
                found.append(block)
                self.counts["again"] += 1
            elif state == "free" and not own:
                if self.claims.take(name, times + 1):
                    found.append(block)
                    self.counts["over"] += 1
                else:
                    self._known[name] = times + 1
        return found

    def drop(self, task: str) -> None:
        """This job asks no more of a task."""
        self._open = {name: block for name, block in self._open.items() if block.task != task}


def carry(carrier: Carrier, plans: Sequence[Plan], options: Options) -> dict[str, Any]:
    """Asks what can be claimed. Gives what the folder of the job tells of it; nothing, and asks nothing, without a folder for claims."""
    if options.claims is None or options.share is None:
        return {}
    watcher, names = carrier.watcher, [work.task.name for work in plans]
    with many_objects():
        blocks = divided(plans, options.share.of)
    total = sum(len(block.samples) for block in blocks)
    claims = joined(options.claims, carrier, blocks, options)
    turns = Turns(blocks, options.share, claims, watcher)
    with contextlib.ExitStack() as stack:
        watcher.together(names, total)
        stack.callback(watcher.end, *names if len(names) == 1 else (f"{len(names)} tasks",))
        ledgers = {}
        for name in names:
            ledgers[name] = carrier.ledger(name, True)
            stack.callback(ledgers[name].close)
        stack.enter_context(claims)
        while found := turns.next(at_once(carrier.adapter)):
            ask(found, replace(carrier, watcher=Lively(watcher, claims)), plans, ledgers)
            for block in found:
                whole = all(sample.id in ledgers[block.task].ended for sample in block.samples)
                claims.end(block.name, "done" if whole else "left")
                if block.task in carrier.outcome.unavailable:
                    turns.drop(block.task)
    for work in plans:
        replace(carrier, share=part_of(turns.taken)).settled(work, ledgers[work.task.name])
    told = {key: turns.counts[key] for key in ("own", "others", "over", "again")}
    watcher.say(
        "blocks claimed: {own} of its share, {others} that others had not begun, {over} taken over, {again} it had before".format(
            **told
        )
    )
    return {"claims": told, **rounding(carrier)}


def rounding(carrier: Carrier) -> dict[str, Any]:
    """What `merge` should know of a model whose rounding may move answers. Only one that has been asked now is loaded, and can tell."""
    if carrier.outcome.rates:
        return {"exact": False} if getattr(carrier.adapter, "exact", True) is False else {}
    before = carrier.opened.folder / FILE
    return {"exact": False} if before.is_file() and read_json(before).get("exact") is False else {}


def ask(blocks: Sequence[Block], carrier: Carrier, plans: Sequence[Plan], ledgers: dict[str, Ledger]) -> None:
    """Asks about blocks as about tasks that hold nothing else; what was answered is on the disk afterwards."""
    named = {block.task for block in blocks}
    one = replace(carrier, share=part_of(blocks))
    for stream in streams([work for work in plans if work.task.name in named], carrier.adapter):
        one.put(stream, ledgers)
    for name in named:
        ledgers[name].flush()


def part_of(blocks: Iterable[Block]) -> Part:
    chosen: dict[str, list[Sample]] = {}
    for block in blocks:
        chosen.setdefault(block.task, []).extend(block.samples)
    return Part(chosen)


def at_once(adapter: Adapter) -> int:
    """Samples that are asked together: two batches, or what the calls and workers that are open at once need to be busy."""
    several = (getattr(adapter, name, 0) for name in ("at_once", "batch_size", "concurrency"))
    return 2 * next((number for number in several if isinstance(number, int) and number > 0), 1)


def joined(folder: Path, carrier: Carrier, blocks: Sequence[Block], options: Options) -> Claims:
    """The claims of this run. Raises `BenchError` where the folder holds those of another one, or is the run's own."""
    share, output = options.share, carrier.opened.folder
    assert share is not None
    if folder.resolve() == output.resolve():
        raise BenchError(f"--claims {folder} is the run's own folder; name one that all jobs share")
    place = where(output, folder)
    claims = Claims(folder, digest(place, 12), {"share": str(share), "folder": place}, options.claim_patience)
    cut = digest([[block.name, len(block.samples)] for block in blocks])
    claims.join({**carrier.opened.manifest["identity"], "shares": share.of, "blocks": cut})
    return claims


def where(output: Path, folder: Path) -> str:
    """The job's folder as seen from that of the claims: the same on machines that call the shared file system otherwise."""
    try:
        return os.path.relpath(output.resolve(), folder.resolve())
    except ValueError:  # on different drives of Windows
        return str(output.resolve())


class Lively(Watcher):
    """Tells the claims, too, that answers come."""

    def __init__(self, watcher: Watcher, claims: Claims) -> None:
        self.watcher, self.claims = watcher, claims

    def say(self, text: str) -> None:
        self.watcher.say(text)

    def detail(self, text: str) -> None:
        self.watcher.detail(text)

    def tick(self, count: int) -> None:
        self.claims.lively()
        self.watcher.tick(count)
