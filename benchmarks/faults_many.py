"""A thousand workers of which a tenth are killed in their work, in one process: what is lent, lost and lent again, without waiting for any.

Each worker is the real one (`spread/worker.py`) at the end of a line that this benchmark cuts: before its hello, before its first answer,
or in the middle of a line. Who acts next is drawn, so that no order of answers, deaths and leases is the usual one; some hang for ever.
What is left carries the run to its end, which is held against that of one process.

    python benchmarks/faults_many.py                     # 1,000 workers, 20,000 questions: about two minutes on one core
    python benchmarks/faults_many.py --workers 60 --questions 600"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from threading import Condition, Thread
from unittest.mock import patch

from faults import Bench, hash_of, row

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.session import Options, run
from lamm_bench.loading import parse_json
from lamm_bench.spread import worker as real
from lamm_bench.spread.engines import Heard
from lamm_bench.spread.fleet import Fleet, Model
from lamm_bench.types import Generate, Response

MODEL = "echo"
PATIENCE = 3.0  # seconds: a question that only workers have who hang, and its copy, is lent again after so long
FOREVER = 10**9  # answers of a worker that is not killed


class Echo:
    """Answers at once, by the sample's name."""

    name = MODEL
    modalities = frozenset({"image"})

    def fingerprint(self) -> str:
        return MODEL

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number, request in enumerate(requests):
            yield number, Response(f"CAT, {request.sample}" if hash_of(request.sample) % 3 else "truck")


ADAPTERS = {MODEL: Echo}


class Killed(BaseException):
    """Ends a worker in the middle of what it does, as no exception that it could catch."""


class Puppet:
    """One worker and its line, which is cut after so many answers."""

    def __init__(self, world: World, heard: Heard, life: int, hangs: bool) -> None:
        self.world, self.heard, self.life, self.hangs = world, heard, life, hangs
        self.dead, self.answered = False, 0
        self.worker = real.Worker(self)

    def send(self, line: bytes) -> None:
        order = parse_json(line.decode("ascii"), "an order", halves=True)
        if "drop" in order:
            self.worker.dropped.add(order["drop"])
        elif not (self.hangs and "lease" in order):
            self.worker.orders.put(order)
            self.world.waits(self)

    def write(self, line: bytes) -> None:
        """What the worker says. The line in which its life ends is cut in two."""
        self.answered += b'"parts"' in line
        if self.answered > self.life:
            self.heard(line[: len(line) // 2])
            raise Killed
        self.heard(line)

    def act(self) -> None:
        """Obeys one order, or dies of it."""
        order = self.worker.orders.get()
        if self.dead or order is None:
            return
        try:
            if self.life < 0:
                raise Killed
            self.worker.obey(order)
        except Killed:
            self.dead = True
            self.world.killed += 1
            self.heard(b"")

    def status(self) -> str:
        return "was ended by signal 9"

    def last_words(self) -> str:
        return ""

    def close(self) -> None:
        self.dead = True

    stop = close


class World:
    """The engine: one thread in which all workers act, one after another as they are drawn."""

    def __init__(self, workers: int, share: float, hang: float, rng: Random) -> None:
        self.seats: Sequence[Mapping[str, str]] = [{}] * workers
        doomed = rng.sample(range(workers), round(share * workers))
        self.lives = dict.fromkeys(range(workers), FOREVER) | {number: rng.randrange(-1, 8) for number in doomed}
        self.hung = set(rng.sample(sorted(set(range(workers)) - set(doomed)), round(hang * workers)))
        self.rng, self.count, self.killed, self.over = rng, 0, 0, False
        self.ready: list[Puppet] = []
        self.change = Condition()
        Thread(target=self.turn, daemon=True).start()

    def start(self, seat: int, heard: Heard) -> Puppet:
        number, self.count = self.count, self.count + 1
        return Puppet(self, heard, self.lives.get(number, FOREVER), number in self.hung)

    def waits(self, puppet: Puppet) -> None:
        with self.change:
            self.ready.append(puppet)
            self.change.notify()

    def turn(self) -> None:
        while True:
            with self.change:
                self.change.wait_for(lambda: self.ready or self.over)
                if self.over:
                    return
                place = self.rng.randrange(len(self.ready))
                self.ready[place], self.ready[-1] = self.ready[-1], self.ready[place]
                puppet = self.ready.pop()
            puppet.act()

    def close(self) -> None:
        with self.change:
            self.over = True
            self.change.notify()


def carried(bench: Bench, folder: str, world: World | None) -> None:
    """The run, by the workers of a world or by one process."""
    plugin = str(Path(__file__).resolve())
    catalog = load_catalog([plugin])
    adapter = catalog.adapter(MODEL, {})
    fleet = Fleet(Model(MODEL, {}, [plugin]), adapter, world, catalog.plugin_files, PATIENCE) if world is not None else None
    options = Options(MODEL, {}, tasks="svt", output=bench.place / folder)
    try:
        if fleet is not None:
            fleet.crew.start()
        run(options, catalog, fleet or adapter, bench.place / "data", "drawn", Watcher())
    finally:
        if fleet is not None:
            fleet.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--share", type=float, default=0.1, help="of the workers that are killed")
    parser.add_argument("--hang", type=float, default=0.02, help="of the workers that never answer")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    each = patch.object(real, "GATHERED", 0.0)  # each answer is a line of its own, and may be the last
    with each, tempfile.TemporaryDirectory(prefix="lamm-bench-many-") as place:
        bench = Bench(Path(place), asked.questions, 0.0, Random(asked.seed))
        bench.draw()
        print(f"{'':<44} {'deaths':>6} {'lost':>5} {'doubled':>8} {'orphans':>8} {'scores':>10} {'seconds':>8}")
        begun = time.monotonic()
        carried(bench, "one", None)
        right = row(bench, "one process", "one", 0, 0, time.monotonic() - begun)
        begun, world = time.monotonic(), World(asked.workers, asked.share, asked.hang, Random(asked.seed))
        carried(bench, "many", world)
        name = f"{asked.workers:,} simulated workers, {len(world.hung)} hang"
        right &= row(bench, name, "many", world.killed, 0, time.monotonic() - begun)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
