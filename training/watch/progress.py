"""What is seen of a training: a metrics file, a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

EVERY = 10.0  # seconds between plain lines


class Metrics:
    """Lines of JSON. Lines of steps that a resumed training will do again are dropped first."""

    def __init__(self, file: Path, stage: int, step: int) -> None:
        kept = []
        if file.is_file():
            for line in file.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                if (entry["stage_index"], entry["step"]) < (stage, step):
                    kept.append(line + "\n")
        file.write_text("".join(kept), encoding="utf-8")
        self.file = file.open("a", encoding="utf-8")

    def write(self, entry: dict[str, Any]) -> None:
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()

    def close(self) -> None:
        self.file.close()


class StageProgress:
    """One stage's bar or lines: rate, loss, time left."""

    def __init__(self, console: Console, name: str, start: int, total: int) -> None:
        self.console, self.name, self.start, self.total = console, name, start, total
        self.began = self.spoke = time.monotonic()
        self.tokens = self.places = 0
        self.bar: Progress | None = None
        self.task: TaskID | None = None

    def __enter__(self) -> StageProgress:
        if self.console.is_terminal:
            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed}/{task.total} {task.fields[said]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self.console,
            )
            self.bar.start()
            self.task = self.bar.add_task(self.name, total=self.total, completed=self.start, said="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar:
            self.bar.stop()

    def step(self, done: int, loss: float, tokens: int, places: int = 0, use: float = 0.0) -> None:
        """After step number `done` of the stage; `use` is operations for each token over what the devices could do in a second."""
        self.tokens += tokens
        self.places += places
        now = time.monotonic()
        seconds = max(now - self.began, 1e-9)
        said = f"loss {loss:.3f}, {self.tokens / seconds:,.0f} tokens/s"
        if self.places:
            said += f", {100 * (1 - self.tokens / self.places):.0f} % padding"
        if use:
            said += f", MFU {100 * use * self.tokens / seconds:.0f} %"
        if self.bar and self.task is not None:
            self.bar.update(self.task, completed=done, said=said)
        elif now - self.spoke >= EVERY or done == self.total:
            self.spoke = now
            left = seconds / max(done - self.start, 1) * (self.total - done)
            self.console.print(
                f"{self.name}: step {done}/{self.total}, {said}, {clock(left)} left", highlight=False, soft_wrap=True
            )


def clock(seconds: float) -> str:
    """
    >>> clock(75.2)
    '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
