"""Servers that hold the same model: which of them is asked next, and which is left alone for a while because nothing comes from it.

Each has a pace of its own. Of those that have room the least loaded is asked. One that gives nothing several times in a row is
left alone as long as another one answers, and then tried with a single call. Time comes in through arguments."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .pace import Pace
from .reply import Reply
from .server import Trouble

CALLS = Callable[[dict[str, Any]], Reply | Trouble]
IN_A_ROW = 3  # calls without an answer, after which a server is left alone where others answer
FIRST_REST, LONGEST_REST = 30.0, 600.0  # seconds, doubled each time that it gives nothing again


@dataclass(eq=False)
class Replica:
    """One server and how it does."""

    call: CALLS
    pace: Pace
    url: str = ""
    open: int = 0  # calls on their way
    silent: int = 0  # calls in a row that gave nothing
    rests: int = 0  # times in a row that it was left alone; above 0 it has a single call to show that it is back
    back: float = -math.inf  # when it may be asked again

    @property
    def room(self) -> int:
        return 1 if self.rests else self.pace.limit


@dataclass
class Replicas:
    """All of them, one as often as not."""

    members: Sequence[Replica]
    notes: list[str] = field(default_factory=list)  # what a reader of the run should know

    @property
    def well(self) -> bool:
        """Whether most calls are answered, of any of them."""
        return any(one.pace.well for one in self.members)

    @property
    def grace(self) -> int:
        """How often more a question is asked where there are several: that some of them may be dead is no fault of its own."""
        return IN_A_ROW * (len(self.members) - 1)

    def new_task(self) -> None:
        for one in self.members:
            one.pace.new_task()

    def at_work(self, now: float) -> list[Replica]:
        """Those that are not left alone; all, where that would leave nobody."""
        return [one for one in self.members if one.back <= now] or list(self.members)

    def limit(self, now: float) -> int:
        """How many calls they bear together."""
        return sum(one.room for one in self.at_work(now))

    def free(self, now: float, after: Replica | None = None) -> Replica | None:
        """The least loaded that has room now; one that has just failed at the question only where no other has."""
        able = [one for one in self.at_work(now) if one.open < one.room and one.pace.not_before <= now]
        return min(able, key=lambda one: (one is after, one.open / one.room, one.open), default=None)

    def wakes(self, now: float) -> float | None:
        """When one of them may be asked next; None where all are busy."""
        working = self.at_work(now)
        times = [one.pace.not_before for one in working if one.pace.not_before > now]
        times += [now for one in working if one.pace.not_before <= now and one.open < one.room]
        times += [one.back for one in self.members if one.back > now]
        return min(times, default=None)

    def others(self, but: Replica, now: float) -> bool:
        """Whether another one is at work."""
        return any(one is not but and one.back <= now for one in self.members)

    def answered(self, one: Replica) -> None:
        if one.rests:
            self.notes.append(f"{one.url} answers again")
        one.silent, one.rests, one.back = 0, 0, -math.inf

    def gave_nothing(self, one: Replica, why: str, now: float) -> None:
        """Counts a call that ended without an answer; where that happens again and again, others are asked instead."""
        one.silent += 1
        if self.others(one, now) and one.back <= now and (one.rests or one.silent >= IN_A_ROW):
            self.leave_alone(one, why, now)

    def leave_alone(self, one: Replica, why: str, now: float) -> None:
        one.back = now + min(LONGEST_REST, FIRST_REST * 2.0**one.rests)
        if not one.rests:
            self.notes.append(f"{one.url} was left alone, and the others were asked: {why}")
        one.rests += 1


def alone(call: CALLS, pace: Pace) -> Replicas:
    """A server of which there is but one."""
    return Replicas((Replica(call, pace),))
