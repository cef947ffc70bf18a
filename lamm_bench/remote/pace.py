"""How many calls may be open at once, and how long to wait after trouble. Time comes in through arguments: all of it is pure.

The number grows by one for each answer until the first trouble, then by one for each full round of answers, and is halved by
a refusal or a timeout (additive increase, multiplicative decrease: Chiu and Jain 1989; the start is TCP's slow start, Jacobson 1988).
An error of the server, or a lost connection, is of that one question as long as most others are answered, and halves nothing.
Answers that take more than `SLACK` times as long as the fastest round so far mean that the server only queues what it is
sent: the number then shrinks by a tenth a round (as TCP Vegas does, Brakmo and Peterson 1995)."""

from __future__ import annotations

import email.utils
from collections import deque
from collections.abc import Mapping
from random import Random
from statistics import median

SLACK = 2.0
RECENT = 20  # outcomes by which it is told whether most questions are answered
SHORTEST_ROUND = 4  # answers whose median is worth looking at
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds of back-off


class Pace:
    """The limit of open calls, between 1 and `most`."""

    def __init__(self, most: int, start: int = 2) -> None:
        self.most = most
        self.not_before = 0.0  # the server has asked for silence until then
        self._limit = float(min(start, most))
        self._growing_fast = True
        self._round = 0  # raised by every cut, so that calls sent before it cannot cut again
        self._seconds: list[float] = []  # of the answers since the last look at latency
        self._round_size = SHORTEST_ROUND
        self._fastest: float | None = None
        self._recent: deque[bool] = deque(maxlen=RECENT)  # whether the last calls were answered

    @property
    def well(self) -> bool:
        """Whether most calls are answered."""
        return len(self._recent) >= SHORTEST_ROUND and 2 * sum(self._recent) > len(self._recent)

    @property
    def limit(self) -> int:
        return int(self._limit)

    def sent(self) -> int:
        """The number of the round in which a call is sent; give it back with the call's end."""
        return self._round

    def new_task(self) -> None:
        """Other questions take other times."""
        self._seconds, self._fastest = [], None

    def answered(self, seconds: float, open_calls: int) -> None:
        """An answer after so many seconds, while `open_calls` were open, itself among them.

        A limit that is not made use of proves nothing, and does not grow."""
        self._recent.append(True)
        if open_calls >= self.limit:
            self._limit = min(float(self.most), self._limit + (1.0 if self._growing_fast else 1.0 / self._limit))
        self._seconds.append(seconds)
        if len(self._seconds) >= self._round_size:
            typical = median(self._seconds)
            if self._fastest is not None and typical > SLACK * self._fastest:
                self._limit = max(
                    1.0, self._limit / 2 if self._growing_fast else 0.9 * self._limit - 1.0
                )  # less what it had grown
                self._growing_fast = False
            self._seconds, self._round_size = [], max(SHORTEST_ROUND, self.limit)
            self._fastest = typical if self._fastest is None else min(self._fastest, typical)

    def failed(self, sent: int, now: float, retry_after: float | None = None) -> None:
        """An error of the server or a lost connection: slower only where it asks for that, or where most calls end so."""
        if self.well and retry_after is None:
            self._recent.append(False)
        else:
            self.troubled(sent, now, retry_after)

    def troubled(self, sent: int, now: float, retry_after: float | None = None) -> None:
        """A refusal or a timeout, of a call sent in round `sent`."""
        self._recent.append(False)
        if retry_after is not None:
            self.not_before = max(self.not_before, now + retry_after)
        if sent == self._round:
            self._round += 1
            self._growing_fast = False
            self._limit = max(1.0, self._limit / 2)


def backoff(attempt: int, rng: Random) -> float:
    """Seconds before attempt `attempt` (1 is the first repetition): doubled each time, with jitter over the upper half."""
    whole = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 30))
    return whole * (0.5 + 0.5 * rng.random())


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """The seconds that `Retry-After` (RFC 9110, 10.2.3: seconds or a date) or `retry-after-ms` asks for; None without one.

    >>> retry_after({"retry-after": "2"}, 0.0), retry_after({"retry-after": "soon"}, 0.0)
    (2.0, None)
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        try:
            seconds = float(text) * scale
        except ValueError:
            continue
        if 0.0 <= seconds < float("inf"):
            return seconds
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, date.timestamp() - wall)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
