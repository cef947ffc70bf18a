"""The workers of a run, whatever starts them (`engines.py`): heard, told, replaced when they die, and never left behind."""

from __future__ import annotations

import queue
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.loading import parse_json

from .engines import Engine, Link
from .wire import line_of, pack


@dataclass(frozen=True)
class Model:
    """What a worker needs in order to make the same adapter."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    plugins: Sequence[str] = ()

    def order(self) -> bytes:
        """Goes over the line and not on a command line, which everybody on the machine can read."""
        return line_of({"model": self.name, "settings": pack(dict(self.settings)), "plugins": list(self.plugins)})


@dataclass
class Hand:
    """One worker as the driver sees it."""

    number: int  # never given twice
    seat: int  # whose cores or GPU it has: that of the one it replaces
    link: Link
    hello: dict[str, Any] | None = None
    pid: int = 0
    lease: int | None = None  # what it works on
    since: float = 0.0  # by the driver's clock: when it was last heard, or given its lease
    aside: bool = False  # silent for longer than one's patience: nobody waits for it
    calls: set[int] = field(default_factory=set)  # questions that it has not answered yet

    @property
    def idle(self) -> bool:
        return self.hello is not None and self.lease is None

    def send(self, line: bytes) -> None:
        self.link.send(line)


class Crew:
    """All workers of a run, and one queue of what they say."""

    def __init__(self, model: Model, engine: Engine) -> None:
        self.model, self.engine = model, engine
        self.hands: dict[int, Hand] = {}
        self.deaths: list[str] = []
        self._heard: queue.Queue[tuple[int, bytes]] = queue.Queue()
        self._count = 0
        weakref.finalize(self, stop_all, self.hands)

    @property
    def seats(self) -> Sequence[Mapping[str, str]]:
        return self.engine.seats

    def start(self) -> None:
        """Starts a worker on every seat; none is waited for."""
        if not self._count:
            for seat in range(len(self.seats)):
                self.engage(seat)

    def engage(self, seat: int) -> None:
        """One more worker. It is told its model at once and taken in when it says hello, while others work."""
        self._count += 1
        number, heard = self._count, self._heard
        link = self.engine.start(seat, lambda line: heard.put((number, line)))
        link.send(self.model.order())
        self.hands[number] = Hand(number, seat, link)

    def hear(self, seconds: float | None) -> tuple[Hand, dict[str, Any] | None] | None:
        """The next message and who said it; without a message where it died. None when nothing was said in time (None: however long it takes)."""
        while True:
            try:
                number, line = self._heard.get(seconds is None or seconds > 0, seconds)
            except queue.Empty:
                return None
            hand = self.hands.get(number)
            if hand is None or (line and not line.endswith(b"\n")):  # it was sent away; it died within a line
                continue
            return hand, parse_json(line.decode("ascii"), "a worker's line", halves=True) if line else None

    def bury(self, hand: Hand) -> str:
        """Takes a worker out that has died. Gives how it ended, with its last words."""
        del self.hands[hand.number]
        why, said = hand.link.status(), hand.link.last_words()
        hand.link.stop()
        return f"{why}; its last words: {said}" if said else why

    def dismiss(self, hand: Hand) -> None:
        """Sends a worker away that may not take part, or that hangs. It is not waited for."""
        del self.hands[hand.number]
        hand.link.close()

    @property
    def ready(self) -> list[Hand]:
        return [hand for hand in self.hands.values() if hand.hello is not None]

    def tell(self, line: bytes) -> None:
        """The same order to every worker that has said hello."""
        for hand in self.ready:
            hand.send(line)

    def stop(self) -> None:
        stop_all(self.hands)
        self.engine.close()


def stop_all(hands: dict[int, Hand]) -> None:
    """Ends all; each takes with it what it has started."""
    for hand in list(hands.values()):
        hand.link.close()
    while hands:
        hands.popitem()[1].link.stop()
