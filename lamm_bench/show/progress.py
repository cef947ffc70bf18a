"""Progress on the terminal: one bar for each task, or plain lines where there is no terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from lamm_bench.ask.outcome import Watcher
from lamm_bench.errors import visible
from lamm_bench.keep.secrets import redacted

from .journal import Journal, now

MEGA = 1_000_000
PLAIN_SECONDS = 10.0  # between two lines of progress where there is no terminal


class Bars(Watcher):
    """One bar for each task on a terminal; elsewhere a line when a task begins, every ten seconds, and when it ends. A journal is
    told all of it, and with `verbose` the terminal too what else only a journal is told, with the time."""

    def __init__(self, console: Console, journal: Journal | None = None, verbose: bool = False, unit: str = "samples") -> None:
        self.console, self.journal, self.verbose = console, journal, verbose
        self.unit = unit  # what is counted
        self.live = console.is_terminal
        self.progress = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self.bar: TaskID | None = None
        self.total = self.done = 0
        self.begun = self.shown = 0.0
        self.steady: tuple[float, int] | None = None  # when the first answer had come, and how many were there: loading is over
        self.ticks = 0
        self.tasks = self.ended = 0  # of a run: expected, and behind us
        self.at_once = 1  # tasks that the bar is of
        self.aside: Callable[[], str] = str  # what else is to be shown of those who answer; nothing where one process does

    def say(self, text: str) -> None:
        if self.journal is not None:
            self.journal.write(text)
        self.print(text)

    def detail(self, text: str) -> None:
        if self.journal is not None:
            self.journal.write(text)
        if self.verbose:
            self.print(redacted(text))

    def print(self, text: str) -> None:
        """Onto the terminal, where it is wanted."""
        time = f"{now():%H:%M:%S} " if self.verbose else ""
        self.console.print(time + visible(text), highlight=False, markup=False, soft_wrap=True)

    def expect(self, tasks: int) -> None:
        self.tasks, self.ended = tasks, 0

    def together(self, tasks: Sequence[str], total: int) -> None:
        super().together(tasks, total)
        self.at_once = len(tasks)

    def begin(self, task: str, total: int) -> None:
        self.at_once = 1
        self.steady, self.ticks = None, 0
        self.total, self.done, self.begun = total, 0, time.monotonic()
        self.shown = self.begun
        if self.live:
            self.progress.start()
            if self.bar is not None:  # of what was asked early
                self.progress.remove_task(self.bar)
            self.bar = self.progress.add_task(task, total=total or None, rate="")  # 0: not known yet

    def tick(self, count: int) -> None:
        self.done += count
        self.ticks += 1
        at = time.monotonic()
        if self.ticks == 2:  # the first tick is of what was there before
            self.steady = (at, self.done)
        rate = self.rate(at)
        if self.live and self.bar is not None:
            shown = ", ".join(filter(None, ["" if rate is None else f"{rate:.1f}/s", self.aside()]))
            self.progress.update(self.bar, completed=self.done, rate=shown)
        if at - self.shown > PLAIN_SECONDS:
            self.shown = at
            of = f" of {self.total}" if self.total else ""
            left = "" if rate is None else f", {rate:.2g}/s" + (f", {(self.total - self.done) / rate:.0f} s left" if of else "")
            others = f", {said}" if (said := self.aside()) else ""
            line = f"  {self.done}{of} {self.unit}{left}{others}"
            if not self.live:
                self.say(line)
            elif self.journal is not None:
                self.journal.write(line)

    def rate(self, now: float) -> float | None:
        """Samples a second since the first new one had come; None before there is anything to foretell from."""
        since, before = self.steady or (now, self.done)
        few = self.done <= before or self.done * 20 <= self.total  # the first batch would foretell nonsense
        return None if few or now <= since else (self.done - before) / (now - since)

    def end(self, task: str) -> None:
        seconds = time.monotonic() - self.begun
        if self.live:
            self.progress.stop()
            if self.bar is not None:
                self.progress.remove_task(self.bar)
            self.bar = None
        self.ended += self.at_once
        among = f", {self.ended} of {self.tasks} tasks" if self.tasks > 1 and self.ended <= self.tasks else ""
        unit = "" if self.unit == "samples" else f" {self.unit}"
        self.say(f"{task:<18} {self.done}/{self.total}{unit} in {seconds:.1f} s{among}")


def counting(watcher: Watcher, name: str) -> Callable[[int, int], None]:
    """A `progress(done, total)` callback that draws on a watcher."""
    seen = {"done": -1}

    def progress(done: int, total: int) -> None:
        if seen["done"] < 0:
            watcher.begin(name, total)
            seen["done"] = 0
        watcher.tick(done - seen["done"])
        seen["done"] = done
        if done >= total:
            watcher.end(name)

    return progress


class Bytes:
    """A bar that counts megabytes, begun when it is known how many bytes are to come."""

    def __init__(self, bars: Bars, name: str) -> None:
        self.bars, self.name = bars, name
        self.size: int | None = None
        self.come = self.shown = 0

    def begin(self, size: int) -> None:
        self.size = size
        self.bars.begin(self.name, -(-size // MEGA))

    def tick(self, count: int) -> None:
        self.come += count
        whole = min(self.come, self.size or 0) // MEGA
        if self.size is not None and whole > self.shown:
            self.bars.tick(whole - self.shown)
            self.shown = whole


@contextlib.contextmanager
def bytes_of(bars: Bars, name: str) -> Iterator[Bytes]:
    """A bar of bytes, which is taken away whatever happens."""
    bars.unit = "MB"
    bar = Bytes(bars, name)
    try:
        yield bar
    finally:
        if bar.size is not None:
            bars.tick(bars.total - bars.done if bar.come >= bar.size else 0)
            bars.end(name)


def stderr_console(quiet: bool = False) -> Console:
    """Progress and remarks go to standard error, results to standard output."""
    return Console(file=sys.stderr, quiet=quiet)
