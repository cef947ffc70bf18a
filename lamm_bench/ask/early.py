"""The first answers of a large run come while its media are still being hashed.

A run is what its data are, so it is no run before all of them are hashed. Until then windows of samples are hashed, noted and asked,
one after another, in a folder that has only begun (keep/begun.py). Then the run is sealed and goes on as one that was interrupted:
what was asked must be what was hashed. So are plain runs asked; controls, corruptions, examples and shares, of which a sample may need
the others, are hashed first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Any

from lamm_bench import media
from lamm_bench.errors import BenchError, Stopped
from lamm_bench.keep import begun
from lamm_bench.keep.files import digest, read_json
from lamm_bench.keep.runs import BEGUN, MANIFEST, Run
from lamm_bench.types import Adapter, Sample, Task

from . import seals
from .options import Options
from .outcome import Watcher, tell_damaged, tell_what_is_there
from .recipe import Recipe
from .runner import Met, Plan, content_of, limited, sealed_sample
from .stream import Asked, ask_alone

LARGE = 4096  # samples from which on hashing first would keep the first answer waiting for a second or more
FIRST, LARGEST = 256, 4096  # samples of the first window, and of the later ones at most; each is twice the one before


@dataclass
class Early:
    """A run that is asked before it is sealed."""

    opened: Run
    works: Sequence[Plan]  # not sealed yet
    folder: Callable[[Mapping[str, Any]], Path]  # where a run with this identity is kept in the end
    spent: dict[str, Asked] = field(default_factory=dict)
    _told: bool = False
    _over: Event = field(default_factory=Event)  # all is hashed
    _enough: Event = field(default_factory=Event)  # nobody needs the rest

    def tell(self, watcher: Watcher) -> None:
        """What was there before this process, once."""
        if not self._told:
            tell_what_is_there(self.opened, self.works, watcher)
        self._told = True

    def settle(self, works: Sequence[Plan], manifest: Mapping[str, Any]) -> None:
        """All files are read, and these are the tasks. Answers about others, whose files turned out to be damaged, are put aside."""
        for name in begun.settle(self.opened, manifest, {work.task.name for work in works}):
            self.spent.pop(name, None)
        self.works = works

    def ask(self, recipe: Recipe, adapter: Adapter, seed: int, root: Path, watcher: Watcher) -> None:
        """Asks window after window until everything is hashed. A fault of the model or a task ends it: the sealed run meets it again."""
        self.tell(watcher)
        watcher.expect(len(self.works))
        media.hash_ahead(one for sample in self.works[0].samples[:FIRST] for one in sample.media)
        hashing = Thread(target=self.hash_all, args=(root,), daemon=True)
        hashing.start()
        try:
            for work in self.works:
                self.spent.setdefault(work.task.name, Asked())
                watcher.begin(work.task.name, len(work.samples))
                self.ask_task(work, recipe, adapter, seed, watcher)
                if self._over.is_set():
                    break
        except Stopped:
            pass
        except (BenchError, KeyboardInterrupt):
            self._enough.set()
            raise
        except Exception:  # a bug, of a stranger's adapter or task
            pass
        finally:
            hashing.join()

    def hash_all(self, root: Path) -> None:
        """In a thread of its own. What goes wrong here goes wrong again where the run is sealed, and is told there."""
        try:
            with seals.kept(root):
                media.hash_ahead(
                    (one for work in self.works for sample in work.samples for one in sample.media), self._enough.is_set
                )
        finally:
            self._over.set()

    def ask_task(self, work: Plan, recipe: Recipe, adapter: Adapter, seed: int, watcher: Watcher) -> None:
        name, spent = work.task.name, self.spent[work.task.name]
        known, ledger = begun.noted(self.opened, name), self.opened.ledger(name, write=True)
        try:
            tell_damaged(name, ledger, watcher)
            for window in windows(work.samples):
                part = self.sealed(work, window, known)
                ask_alone(part, recipe, adapter, ledger, seed, watcher.tick, told=work.samples, asked=spent)
                if self._over.is_set():
                    return
        finally:
            ledger.close()

    def sealed(self, work: Plan, window: Sequence[Sample], known: dict[str, str]) -> Plan:
        """A window with its media hashed, compared with what was asked before, and noted."""
        met: Met = {}
        found = [sealed_sample(sample, met) for sample in window]
        samples = tuple(sample for sample, _ in found)
        told = {sample.id: digest(content_of(sample)) for sample in samples}
        self.compare(work.task, samples, told, known)
        begun.note(self.opened, work.task.name, [pair for pair in told.items() if pair[0] not in known])
        return Plan(work.task, samples, {sample.id: why for sample, why in found if why}, "", work.file)

    def compare(self, task: Task, samples: Sequence[Sample], now: Mapping[str, str], known: Mapping[str, str]) -> None:
        """Raises `BenchError` that names the first sample about which other content was asked."""
        for sample in samples:
            if known.get(sample.id, now.get(sample.id)) != now.get(sample.id):
                shown = ", ".join(one.path for one in sample.media)
                raise BenchError(
                    f"{self.opened.folder} has asked about other data: sample {sample.id} of {task.name} ({shown}) is not what it was "
                    "when it was asked; put that back, choose another --output or use --fresh"
                )

    def seal(self, plans: Sequence[Plan], manifest: dict[str, Any]) -> Run:
        """The run, from here on what its data are. Raises `BenchError` where anything that was asked is other than what was hashed."""
        by_name = {work.task.name: work for work in plans}
        for unsealed in self.works:
            known, work = begun.noted(self.opened, unsealed.task.name), by_name[unsealed.task.name]
            asked = [sample for sample in work.samples if sample.id in known]
            self.compare(work.task, asked, {sample.id: digest(content_of(sample)) for sample in asked}, known)
            if len(asked) < len(known):
                lost = min(known.keys() - {sample.id for sample in asked})
                raise BenchError(
                    f"{self.opened.folder} has asked about other data: sample {lost} of {work.task.name} is not there any more; "
                    "put it back, choose another --output or use --fresh"
                )
        begun.seal(self.opened, manifest, self.folder(manifest["identity"]))
        self.works = ()
        return self.opened


def windows(samples: Iterable[Sample]) -> Iterator[tuple[Sample, ...]]:
    """All samples in their order, few at first."""
    waiting, size = iter(samples), FIRST
    while window := tuple(islice(waiting, size)):
        yield window
        size = min(2 * size, LARGEST)


def plain(options: Options, recipe: Recipe) -> bool:
    """Whether what is asked about a sample of a run is settled by that sample, and whether the run may have begun so."""
    moved = options.control or options.corrupt or options.share is not None or recipe.instruction.examples.count
    return not moved and options.mode != "resume"


def unsealed(options: Options, recipe: Recipe, loaded: Sequence[tuple[Task, Sequence[Sample]]]) -> list[Plan]:
    """The tasks of a run that may be asked before all of its media are hashed; none where it may not."""
    if not plain(options, recipe):
        return []
    return [Plan(task, tuple(limited(samples, options.limit, options.seed)), {}, "", samples) for task, samples in loaded]


def begin(options: Options, works: Sequence[Plan], manifest: dict[str, Any], large: bool = False) -> Early | None:
    """A run that is asked early: one that has begun so before, or a new one with many samples, or that is `large` by what is known.
    None where it is hashed first."""
    if not works:
        return None
    folder = place_of(options, manifest)
    large = large or sum(len(work.samples) for work in works) >= LARGE
    if folder is None or not (large or (folder / BEGUN).exists()):
        return None
    if options.mode != "fresh" and (folder / MANIFEST).exists():
        return None
    opened = begun.begin(folder, manifest, options.mode)
    named = options.output is not None or bool(options.name)
    return Early(opened, works, (lambda identity: folder) if named else options.folder)


def place_of(options: Options, manifest: dict[str, Any]) -> Path | None:
    """The folder in which a run begins. One that nobody named is called by what its data are, which nobody knows yet: it has another
    name until then. None where there may be a run already that would go by it."""
    folder = options.folder(manifest["identity"])
    if options.output is not None or options.name:
        return folder
    ours = begun.fixed(manifest)
    for other in sorted(folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*")):
        for name in (BEGUN, MANIFEST):
            if (other / name).is_file() and same(other / name, ours):
                return other if name == BEGUN else None
    return folder


def same(path: Path, ours: Mapping[str, Any]) -> bool:
    """Whether a manifest is of such a run, whatever its data are."""
    try:
        told = read_json(path)
        return bool(begun.fixed(told) == ours)
    except (BenchError, KeyError, TypeError, AttributeError):
        return False
