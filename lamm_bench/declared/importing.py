"""What is told of an import that takes long: a bar where the number of rows is known, else a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

LONG = 2.0  # seconds after which something is told
OFTEN = 10.0  # seconds between two lines


class Watching(Protocol):
    """Whoever is told; `ask.outcome.Watcher` is one."""

    def say(self, text: str) -> None: ...

    def begin(self, task: str, total: int) -> None: ...

    def tick(self, count: int) -> None: ...

    def end(self, task: str) -> None: ...


@dataclass
class Importing:
    """One import on its way; `total` is asked for only when it turns out to be long."""

    name: str
    place: str  # where it goes
    watcher: Watching | None
    total: Callable[[], int | None]
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.begun = self.told = self.clock()
        self.barred = False
        self.rows = self.shown = 0

    def row(self, number: int) -> None:
        """Told at every row, by its number from 1."""
        self.rows = number
        if self.watcher is None or number == self.shown:
            return
        now = self.clock()
        if self.barred:
            self.watcher.tick(number - self.shown)
            self.shown = number
        elif self.told == self.begun and now - self.begun > LONG:
            self.start(self.watcher, now)
        elif self.told != self.begun and now - self.told > OFTEN:
            self.told = now
            self.watcher.say(f"  {number:,} rows of {self.name} are imported")

    def start(self, watcher: Watching, now: float) -> None:
        self.told = now
        watcher.say(
            f"{self.name}: its media are imported into {self.place}, once; an import that is broken off goes on the next time"
        )
        total = self.total()
        if total is not None:
            self.barred = True
            watcher.begin(f"{self.name} import", total)
            watcher.tick(self.rows)
            self.shown = self.rows

    def end(self) -> None:
        """Told when the rows have ended, or the import has."""
        if self.watcher is not None and self.barred:
            self.barred = False
            self.watcher.end(f"{self.name} import")
