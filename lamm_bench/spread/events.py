"""What went otherwise than planned among workers, since a run or a judgement began."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.keep.files import request_digest
from lamm_bench.types import Request, Response

from .leases import told


@dataclass
class Events:
    """Told as sentences; answers that differ are also given away one by one, for whoever keeps them (`ask/attendance.py`)."""

    deaths: list[str]  # how each worker ended
    patience: float
    silences: int = 0
    refused: list[str] = field(default_factory=list)
    differing: int = 0
    alarms: list[dict[str, Any]] = field(default_factory=list)  # that nobody has kept yet

    def differ(self, request: Request, kept: Response, other: Response) -> None:
        """A request was answered otherwise by another worker."""
        self.differing += 1
        answers = {"kept": dict(told(kept)), "other": dict(told(other))}
        self.alarms.append({"request": request_digest(request), "sample": request.sample, **answers})

    def taken(self) -> list[dict[str, Any]]:
        """The alarms since this was last asked."""
        found, self.alarms = self.alarms, []
        return found

    def forget(self) -> None:
        """What comes now is of another run."""
        self.deaths.clear()
        self.refused.clear()
        self.silences = self.differing = 0

    def sentences(self) -> Iterator[str]:
        if len(self.deaths) == 1:
            yield f"a worker died, and what it had not answered was asked again; it {self.deaths[0]}"
        elif self.deaths:
            yield f"{len(self.deaths)} workers died, and what they had not answered was asked again; the first {self.deaths[0]}"
        if self.differing:
            were = "request was" if self.differing == 1 else "requests were"
            yield (
                f"ALARM: {self.differing} {were} answered otherwise by another worker: the model does not give the same answer twice, "
                "or one of the workers answers wrongly"
            )
        if self.silences:
            times = "a worker was" if self.silences == 1 else f"workers were {self.silences} times"
            yield f"{times} silent for {self.patience:g} seconds, and others were asked what it had not answered"
        yield from self.refused


def nothing() -> None:
    """Where nobody wants to know."""
