"""A plug-in for the tests of many workers: a model that really looks, and dies, stops or lies where it is told to."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, Stopped
from lamm_bench.types import Generate, Job, Media, Response, Task
from tests.fakes import ColourTask, Looker


@dataclass
class Mortal(Looker):
    """Every word is a sample's id; `marks` is a folder in which processes leave what others should know."""

    marks: str = "."
    deadly: str = ""  # ends every process that is asked it
    fatal: str = ""  # ends the first process that is asked it, after it has answered what came before
    stuck: str = ""  # the first process that is asked it never answers
    slow: float = 0.0  # seconds of every answer
    company: int = 1  # processes that must be at work before any answers
    lies: str = ""  # what the first process says to all that it is asked first; after one answer it takes a minute
    raises: str = ""  # `RuntimeError`, `Stopped` or `BenchError`, at the sample `3`
    cannot: str = ""  # `begin`: the model cannot be loaded
    overlaps: bool = False  # whether it answers whatever the task and its samples are

    @property
    def remembers(self) -> int:
        return 2

    @property
    def notes(self) -> list[str]:
        return ["knows colours", *(["has looked"] if self.asked else [])]

    def usage(self) -> dict[str, Any]:
        return {"calls": len(self.asked)}

    def why_not(self, task: Task, inferencer: Mapping[str, Any]) -> str | None:
        return "it is not asked about shades" if task.name == "shades" else None

    def seen(self, media: Media) -> tuple[int, int]:
        return (int(Path(media.path).stem), 1)

    def begin(self, job: Job) -> None:
        if self.cannot == "begin":
            raise BenchError("the model cannot be loaded")
        (Path(self.marks) / f"told-{len(job.samples)}").touch()

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        (Path(self.marks) / f"worker-{os.getpid()}").touch()
        ends = time.monotonic() + 60
        while len(list(Path(self.marks).glob("worker-*"))) < self.company and time.monotonic() < ends:
            time.sleep(0.01)
        lies = bool(self.lies) and self.first()
        for number, request in enumerate(requests):
            if self.deadly and request.sample in self.deadly.split(","):
                os.kill(os.getpid(), signal.SIGKILL)
            if self.fatal and request.sample == self.fatal and self.first():
                time.sleep(0.2)  # what was answered before is on its way
                os.kill(os.getpid(), signal.SIGKILL)
            if self.stuck and request.sample == self.stuck and self.first():
                time.sleep(600)
            if self.raises and request.sample == "3":
                raise {"RuntimeError": RuntimeError, "Stopped": Stopped, "BenchError": BenchError}[self.raises]("on fire")
            if self.die_after is not None and len(self.asked) >= self.die_after:
                raise KeyboardInterrupt
            time.sleep(60.0 if lies and number else 0.0 if lies else self.slow)
            self.asked.append(request)
            yield number, Response(self.lies if lies else self.answer(request))

    def first(self) -> bool:
        """Whether no process was here before."""
        try:
            os.close(os.open(Path(self.marks) / "fatal", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True


TASKS = (ColourTask(), ColourTask("shades"))
ADAPTERS = {"mortal": Mortal}
