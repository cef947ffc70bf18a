"""Kills runs at every system call that changes a folder, in the middle of lines, and at random times, and begins them again.

Nothing may be lost, nothing refused, and the scores must be those of an undisturbed run, byte by byte. Each way of running is
counted through once, then killed before and after each of its calls; what is left of `--kills` is spent at random moments, several
in a row on the same folder. Prints what was tried; exit status 1 at the first difference.

    python benchmarks/kills.py --kills 200"""

from __future__ import annotations

import argparse
import builtins
import io
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from lamm_bench.ask.catalog import Catalog, load_catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.session import Options, run
from lamm_bench.errors import BenchError
from lamm_bench.keep.ledger import Ledger
from lamm_bench.types import Generate, Response

CALLS = ("rename", "replace", "fsync", "mkdir", "unlink", "remove", "rmdir", "link", "truncate", "ftruncate")
KILLED = 99
ITEMS = 8


class Death:
    """Counts the calls that change a folder, and ends the process at one of them, before or after it is done."""

    def __init__(self, at: int | None, after: bool) -> None:
        self.at, self.after, self.count = at, after, 0

    def around(self, real: Callable[..., Any], changes: Callable[..., bool] = lambda *words, **more: True) -> Callable[..., Any]:
        def called(*words: Any, **more: Any) -> Any:
            if not changes(*words, **more):
                return real(*words, **more)
            self.count += 1
            if self.count == self.at and not self.after:
                os._exit(KILLED)
            found = real(*words, **more)
            if self.count == self.at:
                os._exit(KILLED)
            return found

        return called

    def install(self) -> None:
        for name in CALLS:
            setattr(os, name, self.around(getattr(os, name)))
        writes: Callable[..., bool] = lambda path, mode="r", *words, **more: isinstance(mode, str) and mode[0] in "wax"  # noqa: E731
        builtins.open = io.open = self.around(io.open, writes)  # type: ignore[assignment]
        whole = Ledger._write

        def torn(ledger: Ledger, line: bytes) -> None:
            self.count += 1
            if self.count == self.at:
                whole(ledger, line if self.after else line[: len(line) // 2])
                os._exit(KILLED)
            whole(ledger, line)

        Ledger._write = torn  # type: ignore[method-assign]


@dataclass
class Counting:
    """Answers what the question says, and counts in a file how often it was asked."""

    asked: Path
    seconds: float = 0.0
    loads: bool = True
    name: str = "counting"
    modalities: frozenset[str] = field(default_factory=lambda: frozenset({"image"}))

    def fingerprint(self) -> str:
        return "counting"

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        if not self.loads:
            raise BenchError("the model cannot be loaded")
        handle = os.open(self.asked, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for number, request in enumerate(requests):
            time.sleep(self.seconds)
            os.write(handle, f"{request.sample}\n".encode())
            yield number, Response(f"truck or cat, {request.sample}")


@dataclass(frozen=True)
class Way:
    """One way of running: commands in a row on the same folder, of which the last is killed."""

    name: str
    before: tuple[dict[str, Any], ...]
    killed: dict[str, Any]
    loads: bool = True


WAYS = (
    Way("a new run", (), {}),
    Way("a finished run again", ({},), {}),
    Way("--fresh over a finished run", ({}, {}), {"mode": "fresh"}),
    Way("more tasks", ({"tasks": "cifar10"},), {}),
    Way("a larger limit", ({"limit": 3},), {}),
    Way("a model that cannot be loaded", (), {}, loads=False),
)


def draw(root: Path) -> Path:
    """Two tasks of a few pictures."""
    (root / "2D_Benchmark/meta_file").mkdir(parents=True)
    for number in range(ITEMS):
        Image.new("RGB", (8, 8), (number, 9, 9)).save(root / f"2D_Benchmark/{number}.png")
    shown = [{"id": f"i{number}", "image": f"{number}.png", "query": "What is it?"} for number in range(ITEMS)]
    tasks = {"Classification_CIFAR10": {"label": "truck"}, "OCR_SVT": {"word_list": ["CAT"]}}
    for name, truth in tasks.items():
        (root / f"2D_Benchmark/meta_file/{name}.json").write_text(json.dumps([{**item, **truth} for item in shown]))
    return root


@dataclass
class Bench:
    """The folders of one benchmark."""

    root: Path
    folder: Path
    asked: Path
    catalog: Catalog = field(default_factory=load_catalog)

    def command(self, adapter: Counting, **changes: Any) -> None:
        """One command, as a user gives it."""
        options = Options("counting", **{"tasks": "cifar10,svt", "output": self.folder, **changes})
        run(options, self.catalog, adapter, self.root, "kills", Watcher())

    def child(self, way: Way, death: Death | None, seconds: float = 0.0, wait: float | None = None) -> tuple[int, int]:
        """The killed command in a process of its own: its exit status, and how many calls it made; `wait` kills it from outside."""
        mine, theirs = os.pipe()
        process = os.fork()
        if process == 0:
            status = 1
            try:
                if death is not None:
                    death.install()
                self.command(Counting(self.asked, seconds, way.loads), **way.killed)
                status = 0
            except BenchError as error:
                status = 2 if "cannot be loaded" in str(error) else 1
                print(error if status == 1 else "", end="", flush=True)
            finally:
                os.write(theirs, str(death.count if death else 0).encode())
                os._exit(status)
        os.close(theirs)
        if wait is not None:
            time.sleep(wait)
            os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        told = os.read(mine, 20)
        os.close(mine)
        return os.waitstatus_to_exitcode(status), int(told or b"0")

    def prepare(self, way: Way) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        for changes in way.before:
            self.command(Counting(self.asked), **changes)
        self.asked.write_text("")

    def scores(self) -> dict[str, bytes]:
        """What must be the same, whatever has happened."""
        files = [self.folder / "result.json", *sorted((self.folder / "scores").glob("*.json"))]
        return {file.name: file.read_bytes() for file in files if file.exists()}

    def after(self, way: Way, whole: dict[str, bytes], expected: int, kills: int) -> str:
        """Begins the killed command again; what is wrong then, or nothing."""
        status, _ = self.child(way, None)
        if status != (0 if way.loads else 2):
            return f"the same command was refused (exit status {status})"
        if not way.loads:
            left = [path.name for path in self.folder.iterdir()] if self.folder.exists() else []
            return f"left {left}" if left else ""
        if self.scores() != whole:
            return "the scores differ from those of an undisturbed run"
        asked = len(self.asked.read_text().splitlines())
        if "--fresh" in way.name:
            expected *= 2  # the killed run has asked for nothing: begun with --fresh once more, it is set aside too
        if asked > expected + kills:  # an answer that was being written when the process died may be asked again
            return f"{asked} questions were asked, expected {expected} and at most one more for each kill"
        if "--fresh" in way.name:
            olds = [
                old
                for old in self.folder.glob("old-*")
                if len(list(old.glob("records/*"))) == 2 == len(list(old.glob("scores/*")))
            ]
            if not any((old / "result.json").is_file() and (old / "manifest.json").is_file() for old in olds):
                return "the run that was set aside is torn"
        return ""


def at_every_call(bench: Bench, way: Way, every: int) -> tuple[int, list[str], dict[str, bytes], int]:
    """Kills before and after each call (or each so-manieth); how many kills that were, what went wrong, and what an undisturbed run gives."""
    bench.prepare(way)
    death = Death(None, False)
    _, calls = bench.child(way, death)
    whole, expected = bench.scores(), len(bench.asked.read_text().splitlines())
    tried, wrong = 0, []
    for at in range(1, calls + 1, every):
        for after in (False, True):
            bench.prepare(way)
            status, _ = bench.child(way, Death(at, after))
            if status != KILLED:
                continue
            tried += 1
            if found := bench.after(way, whole, expected, 1):
                wrong.append(f"{way.name}, killed {'after' if after else 'before'} call {at} of {calls}: {found}")
    return tried, wrong, whole, expected


def at_random(bench: Bench, way: Way, whole: dict[str, bytes], expected: int, rng: Random) -> tuple[int, list[str]]:
    """Up to three kills in a row at random moments of a slow run, then the same command."""
    bench.prepare(way)
    kills = 0
    for _ in range(rng.randint(1, 3)):
        status, _ = bench.child(way, None, seconds=0.004, wait=rng.uniform(0.0, 0.15))
        kills += status == -signal.SIGKILL
        if status != -signal.SIGKILL:
            break
    found = bench.after(way, whole, expected, kills)
    return kills, [f"{way.name}, killed {kills} times at random: {found}"] if found else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="at least so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="only at every so-manieth call, to be done sooner")
    asked = parser.parse_args()
    rng, total, wrong = Random(asked.seed), 0, []
    with tempfile.TemporaryDirectory(prefix="lamm-bench-kills-") as place:
        bench = Bench(draw(Path(place) / "data"), Path(place) / "run", Path(place) / "asked")
        known: list[tuple[Way, dict[str, bytes], int]] = []
        for way in WAYS:
            tried, found, whole, expected = at_every_call(bench, way, asked.every)
            print(f"{way.name}: {tried} kills at system calls and within lines, {len(found)} went wrong", flush=True)
            total, wrong = total + tried, wrong + found
            if way.loads and "--fresh" not in way.name:  # killed before it began, --fresh sets one more aside each time
                known.append((way, whole, expected))
        random, faults = 0, []
        while total + random < asked.kills or random < asked.kills // 4:
            tried, found = at_random(bench, *known[rng.randrange(len(known))], rng)
            random, faults = random + tried, faults + found
        print(f"random moments: {random} kills, {len(faults)} went wrong")
        wrong += faults
    print(f"{total + random} kills: {len(wrong)} went wrong" + "".join(f"\n  {fault}" for fault in wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
