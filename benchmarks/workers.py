"""Answers a second by 1, 2, 4 and 8 workers, and what an answer costs beside the model's own time, through processes and through Ray.

    python benchmarks/workers.py --questions 400
    python benchmarks/workers.py --only lamm --questions 240 --workers 1 2     # the built-in model, one thread each
    python benchmarks/workers.py --only overhead --engines processes ray       # a model that does not sleep; needs the extra `ray`

Workers are started and have loaded their model before the clock starts. `sleep` is a model that sleeps 20 ms for each answer, so that any
number of workers has a core; `lamm` computes, and cannot be faster than the cores that there are."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faults import MODEL, Sleeper
from lamm_vllm import questions

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.spread.engaging import Model, Wanted, engaged
from lamm_bench.spread.ray_engine import QUIET
from lamm_bench.types import Generate, Job, Message

PLUGIN = str(Path(__file__).resolve().with_name("faults.py"))


def texts(count: int) -> list[Generate]:
    """Questions without media, each a cluster of its own."""
    return [Generate((Message("user", (f"question {number}",)),), 8, sample=f"q{number}") for number in range(count)]


@contextmanager
def crew(workers: int, engine: str, name: str, settings: dict[str, Any]) -> Iterator[Any]:
    """A fleet of which all workers have said hello."""
    catalog = load_catalog([PLUGIN])
    adapter = catalog.adapter(name, settings)
    fleet = engaged(Wanted(str(workers), engine), Model(name, settings, [PLUGIN]), adapter, catalog.plugin_files)
    try:
        fleet.fingerprint()
        while len(fleet.crew.ready) < workers:
            fleet.pump()
        yield fleet
    finally:
        fleet.close()


def rate(adapter: Any, requests: Sequence[Generate]) -> float:
    """Answers a second."""
    begun = time.monotonic()
    answered = sum(response.error is None for _, response in adapter.generate(requests))
    assert answered == len(requests), f"{len(requests) - answered} questions have no answer"
    return answered / (time.monotonic() - begun)


def table(title: str, name: str, settings: dict[str, Any], asked: argparse.Namespace, requests: list[Generate], job: Any) -> None:
    """One row: answers a second by each number of workers, and how many times those of one."""
    found = []
    for workers in asked.workers:
        with crew(workers, "processes", name, settings) as fleet:
            if job is not None:
                fleet.begin(job)
                rate(fleet, requests[: 8 * workers])  # loads the model in each
            found.append(rate(fleet, requests))
    told = "".join(f"{each:>9.1f}{each / found[0]:>7.2f}x" for each in found)
    print(f"{title:<34}{told}", flush=True)


def overhead(place: str, engines: Sequence[str], count: int) -> None:
    """What an answer of a model that does nothing costs by itself, and through one worker."""
    settings, requests = {"marks": place, "seconds": 0.0}, texts(count)
    alone = 1000 / rate(Sleeper(place, 0.0), requests)
    print(f"an answer of a model that does nothing: {alone:.3f} ms in one process", flush=True)
    for engine in engines:
        with crew(1, engine, MODEL, settings) as fleet:
            rate(fleet, texts(64))
            cpu, wall = time.process_time(), 1000 / rate(fleet, requests)
            cpu = 1000 * (time.process_time() - cpu) / count
        print(f"  through one worker, {engine}: {wall - alone:.3f} ms more; {cpu:.3f} ms of the driver's processor", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["sleep", "lamm", "overhead"])
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--engines", nargs="+", default=["processes"], help="for the overhead: processes, ray")
    asked = parser.parse_args()
    os.environ.update(QUIET)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; answers a second (times those of the first number) by")
    print(f"{'':<34}" + "".join(f"{f'{count} worker' + 's' * (count > 1):>17}" for count in asked.workers))
    with tempfile.TemporaryDirectory() as place:
        if asked.only in (None, "sleep"):
            table("a model that sleeps 20 ms", MODEL, {"marks": place, "seconds": 0.02}, asked, texts(asked.questions), None)
        if asked.only in (None, "lamm"):
            task = load_catalog().tasks["cifar10"]
            requests = list(questions("cifar10", asked.questions))
            table("the built-in model, a thread each", "lamm", {"threads": 1}, asked, requests, Job(task, ()))
        if asked.only in (None, "overhead"):
            overhead(place, asked.engines, 10 * asked.questions)


if __name__ == "__main__":
    main()
