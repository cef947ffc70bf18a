"""The first answers of a run of large meta files come while these are still being read.

What is asked about a sample must not hang on samples that nobody has read yet. So are asked tasks of which each item stands for itself
(`first`), by adapters that need not know a task's samples. Everything else is as in early.py: what was asked is noted, and compared when
all is read and hashed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Generic, TypeVar

from lamm_bench.declared import DeclaredTask
from lamm_bench.errors import BenchError, Stopped
from lamm_bench.keep import begun
from lamm_bench.task import find_meta
from lamm_bench.types import Adapter, Sample, Task

from . import early
from .carrying import unaware
from .coordinates import spoken
from .early import Early, windows
from .options import Options
from .outcome import Watcher, tell_damaged
from .recipe import Recipe
from .runner import Plan
from .stream import Asked, ask_alone

T = TypeVar("T")

LARGE = 2**24  # bytes of meta files from which on reading them first would keep the first answer waiting for a second or more
PATIENCE = 1.5  # seconds that the first answer has before the files are read beside it, which would slow it down


@dataclass
class Loading(Generic[T]):
    """Files that are read in a thread of their own, once the first answer is there."""

    load: Callable[[], T]
    patience: float = PATIENCE
    first: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)
    _found: list[T] = field(default_factory=list)
    _error: BaseException | None = None

    def __post_init__(self) -> None:
        self._thread = Thread(target=self.work, daemon=True)
        self._thread.start()

    def work(self) -> None:
        self.first.wait(self.patience)
        try:
            self._found.append(self.load())
        except BaseException as error:  # raised where the result is wanted
            self._error = error
        finally:
            self.over.set()

    def result(self) -> T:
        """What was read. Raises what reading it has raised."""
        self.first.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._found[0]


class Saying(Watcher):
    """Hands on what is said; the one bar is that of the answers."""

    def __init__(self, watcher: Watcher) -> None:
        self.say, self.detail = watcher.say, watcher.detail  # type: ignore[method-assign]


def tasks_of(options: Options, recipe: Recipe, adapter: Adapter, root: Path, asked: Sequence[Task]) -> Sequence[Task]:
    """The tasks that are `asked`, where their meta files are large and some may be asked while these are read; else none."""
    if not early.plain(options, recipe) or options.limit is not None or not unaware(adapter):
        return []
    large = any(early_enough(task, recipe, adapter) for task in asked) and sum(bytes_of(task, root) for task in asked) >= LARGE
    return asked if large else []


def early_enough(task: Task, recipe: Recipe, adapter: Adapter) -> bool:
    """Whether a task can be asked while its file is read. A model's own words for places may name all classes of the file."""
    return hasattr(task, "first") and not (getattr(task, "asks_for", "") and spoken(recipe, adapter).own_words)


def bytes_of(task: Task, root: Path) -> int:
    """How large the files are that a task is read from; 0 where that cannot be said."""
    try:
        if isinstance(task, DeclaredTask):
            return task.bytes_in(root)
        return find_meta(root, task.meta_files).stat().st_size
    except (BenchError, OSError):
        return 0


def ask(
    head: Early,
    tasks: Sequence[Task],
    recipe: Recipe,
    adapter: Adapter,
    seed: int,
    root: Path,
    watcher: Watcher,
    load: Callable[[Watcher], T],
) -> T:
    """What `load` gives, which reads all files; until it has come, tasks are asked, window after window, as they are read.

    A fault of the model or a task ends the asking alone: the run that is read whole meets it again."""
    head.tell(watcher)
    loading = Loading(lambda: load(Saying(watcher)))
    watcher.expect(len(tasks))
    with contextlib.suppress(Stopped):
        for task in (task for task in tasks if early_enough(task, recipe, adapter)):
            with contextlib.closing(readable(task, root)) as samples:
                ask_task(head, task, samples, recipe, adapter, seed, watcher, loading)
            if loading.over.is_set():
                break
    return loading.result()


def readable(task: Any, root: Path) -> Generator[Sample]:
    """The first samples of a task; none behind a wrong one, which is told where all are read."""
    with contextlib.suppress(Exception):
        yield from task.first(root)


def ask_task(
    head: Early,
    task: Task,
    samples: Iterable[Sample],
    recipe: Recipe,
    adapter: Adapter,
    seed: int,
    watcher: Watcher,
    loading: Loading[T],
) -> None:
    """Asks about samples as they come, until all are read."""
    spent = head.spent.setdefault(task.name, Asked())
    known, ledger = begun.noted(head.opened, task.name), head.opened.ledger(task.name, write=True)

    def tick(count: int) -> None:
        if spent.new:
            loading.first.set()
        watcher.tick(count)

    try:
        tell_damaged(task.name, ledger, watcher)
        watcher.begin(task.name, 0)
        for window in windows(samples):
            part = head.sealed(Plan(task, window, {}, ""), window, known)
            ask_alone(part, recipe, adapter, ledger, seed, tick, asked=spent)
            if loading.over.is_set():
                return
    except (BenchError, KeyboardInterrupt):
        raise
    except Exception:  # a bug, of a stranger's adapter or task
        return
    finally:
        ledger.close()
