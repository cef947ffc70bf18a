"""What it brings that short tasks are asked as one stream: the tail of one with the head of the next, both ways within one run.

    python benchmarks/overlap.py --limit 20
    python benchmarks/overlap.py --only lamm --limit 20        # the built-in model, whose batches hold 64 rows

`batches` sleeps for each batch of 64, however full; `server` answers 32 questions at once, each after a time drawn by its sample; `lamm` is
the built-in model. Records (apart from their order and seconds), scores and results are compared; exit status 1 where they differ."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamm_bench.ask import carrying, stream
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.outcome import Watcher
from lamm_bench.ask.session import Options, run
from lamm_bench.data.locate import find_root
from lamm_bench.measure.stats import seed_of
from lamm_bench.types import Generate, Response

SECONDS = 0.1  # of a batch, or of a question to the server in the mean


def answer(request: Generate) -> Response:
    """Something that depends on the question alone."""
    return Response(f"[0.1, 0.2, 0.3, 0.{seed_of(request.sample, request.part) % 9}] (A) yes, {seed_of(request.sample) % 7}")


@dataclass
class Batches:
    """As a large model on a GPU: a batch takes as long as its longest row, whether it is full or not."""

    size: int = 64
    name: str = "batches"
    modalities: frozenset[str] = frozenset({"image", "point_cloud", "scene"})

    def fingerprint(self) -> str:
        return self.name

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for at in range(0, len(requests), self.size):
            time.sleep(SECONDS)
            yield from ((number, answer(requests[number])) for number in range(at, min(at + self.size, len(requests))))


@dataclass
class Server(Batches):
    """As a served model: so many questions at once, and some take ten times as long as others."""

    size: int = 32
    name: str = "server"

    def one(self, number: int, request: Generate) -> tuple[int, Response]:
        time.sleep(SECONDS * 2 * (0.1 + 0.9 * (seed_of("server", request.sample, request.part) % 1000) / 1000))
        return number, answer(request)

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        with ThreadPoolExecutor(self.size) as pool:
            for done in as_completed([pool.submit(self.one, *pair) for pair in enumerate(requests)]):
                yield done.result()


def records(folder: Path) -> dict[str, Any]:
    """Every line of every task, without seconds, in the order of samples and steps."""
    found = {}
    for path in sorted((folder / "records").iterdir()):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            line.pop("sum")
            for part in ("response", "end"):
                for key in ("seconds", "queued"):
                    line.get(part, {}).pop(key, None)
        found[path.name] = sorted(lines, key=lambda line: (line["sample"], line.get("step", 0)))
    return found


def derived(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "result.json", *sorted((folder / "scores").iterdir()))}


def carried_out(model: str, tasks: str, limit: int, folder: Path, size: int) -> tuple[float, float, int]:
    """Seconds of asking (wall, processor), without scores; and how many samples were asked. `size` 0: every task by itself."""
    (was, carrying.STREAM), real, spent = (carrying.STREAM, size), carrying.ask, [0.0, 0.0]

    def timed(*given: Any) -> None:
        wall, cpu = time.monotonic(), time.process_time()
        try:
            real(*given)
        finally:
            spent[0] += time.monotonic() - wall
            spent[1] += time.process_time() - cpu

    catalog = load_catalog()
    catalog.adapters |= {"batches": Batches, "server": Server}
    adapter, (root, source) = catalog.adapter(model, {}), find_root(None, lambda text: None)
    adapter.fingerprint()
    _ = getattr(adapter, "asker", None)  # the model is loaded before the clock starts
    carrying.ask = stream.ask = timed
    try:
        outcome = run(Options(model, tasks=tasks, limit=limit, output=folder), catalog, adapter, root, source, Watcher())
    finally:
        carrying.STREAM, carrying.ask, stream.ask = was, real, real
    count = sum(score.counts["expected"] for score in outcome.scores if score.protocol == "standard")
    return spent[0], spent[1], count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["batches", "server", "lamm"])
    parser.add_argument("--tasks", default="all")
    parser.add_argument("--limit", type=int, default=20, help="samples of each task")
    given, right = parser.parse_args(), True
    print(f"{'':<10}{'samples':>9}{'apart':>9}{'one':>9}{'ratio':>8}{'of processor':>14}   records, scores, result")
    for model in (given.only,) if given.only else ("batches", "server", "lamm"):
        with tempfile.TemporaryDirectory(prefix="lamm-bench-overlap-") as name:
            place = Path(name)
            apart, apart_cpu, count = carried_out(model, given.tasks, given.limit, place / "apart", 0)
            one, one_cpu, _ = carried_out(model, given.tasks, given.limit, place / "one", carrying.STREAM)
            same = records(place / "apart") == records(place / "one") and derived(place / "apart") == derived(place / "one")
        right &= same
        told = "identical" if same else "DIFFERENT"
        print(
            f"{model:<10}{count:>9}{apart:>8.1f}s{one:>8.1f}s{apart / one:>7.2f}x{apart_cpu / one_cpu:>13.2f}x   {told}",
            flush=True,
        )
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
