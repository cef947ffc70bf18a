"""The driver killed and resumed fifty times, and a shared file system that lags: what `faults.py` does not try.

    python benchmarks/faults_files.py --questions 200 --deaths 50 --shards 4 --views 12

Drivers are forks of this process, each with a new folder's luck: shot after a random number of answers, whatever they are writing then. The
lagging file system is seen through copies of the jobs' folders, in which files are not there yet, or only their first bytes; `merge` is
called at each view, and last when all has come. Exit status 1 at the first answer that is lost or doubled, or at another byte of scores."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from faults import MODEL, Bench, row

from lamm_bench.cli import main as command


def words_of(bench: Bench, folder: str, *more: str) -> list[str]:
    """The command that asks in one process."""
    plugin, data = str(Path(__file__).resolve().with_name("faults.py")), str(bench.place / "data")
    words = ["run", "--plugin", plugin, "--model", MODEL, "--set", f"marks={bench.marks}", "--set", f"seconds={bench.seconds}"]
    return [*words, "--tasks", "svt", "--data-root", data, "--output", str(bench.place / folder), *more]


def forked(words: list[str]) -> int:
    """Begins the command in a fork of this process, silently; gives its number."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    nothing, code = os.open(os.devnull, os.O_WRONLY), 1
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        command(words)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    finally:
        os._exit(code)


def status_of(words: list[str]) -> int:
    """Carries a command out; gives its exit status."""
    return os.waitstatus_to_exitcode(os.waitpid(forked(words), 0)[1])


def kill_drivers(bench: Bench, folder: str, deaths: int) -> int:
    """Shoots the driver after every few answers. Gives how often it was hit."""
    hit = 0
    while hit < deaths and bench.lines(folder) < bench.questions:
        before = bench.lines(folder)
        pid, goal = (
            forked(words_of(bench, folder)),
            before + bench.rng.randrange(1 + (bench.questions - before) // (deaths - hit)),
        )
        while (ended := os.waitpid(pid, os.WNOHANG)[0]) == 0 and bench.lines(folder) < goal:
            time.sleep(0.001)
        if ended:
            break
        time.sleep(bench.rng.uniform(0, bench.seconds))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        hit += 1
    whole(words_of(bench, folder))
    return hit


def whole(words: list[str]) -> None:
    if status := status_of(words):
        raise SystemExit(f"{' '.join(words[:1])} ended with status {status}")


def view(source: Path, target: Path, rng: Random) -> None:
    """A folder as a file system that lags shows it: of each file nothing, its beginning, or all."""
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        seen, content = (
            rng.random() + (0.45 if path.name == "manifest.json" else 0.0),
            path.read_bytes(),
        )  # the first to be written
        if seen < 0.25:
            continue
        there = target / path.relative_to(source)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content[: rng.randrange(len(content) + 1)] if seen < 0.6 else content)


def lag(bench: Bench, folder: str, jobs: int, views: int) -> Counter[int]:
    """Merges what can be seen, again and again. Gives how often `merge` ended with which status."""
    seen: Counter[int] = Counter()
    for number in range(1, jobs + 1):
        whole(words_of(bench, f"job-{number}", "--shard", f"{number}/{jobs}"))
    plugin = str(Path(__file__).resolve().with_name("faults.py"))
    for number in range(views + 1):
        parts = []
        for job in range(1, jobs + 1):
            source, shown = bench.place / f"job-{job}", bench.place / "seen" / str(job)
            if number < views:
                view(source, shown, bench.rng)
            parts.append(str(shown if number < views else source))
        words = ["merge", *parts, "--data-root", str(bench.place / "data"), "--output", str(bench.place / folder)]
        seen[status_of([*words, "--plugin", plugin])] += 1
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.01, help="that the model sleeps for each")
    parser.add_argument("--deaths", type=int, default=50)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--views", type=int, default=12, help="of the lagging file system, before all is there")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lamm-bench-faults-") as place:
        bench = Bench(Path(place), asked.questions, asked.seconds, Random(asked.seed))
        bench.draw()
        print(f"{'':<44} {'deaths':>6} {'lost':>5} {'doubled':>8} {'orphans':>8} {'scores':>10} {'seconds':>8}")
        begun = time.monotonic()
        whole(words_of(bench, "one"))
        right = row(bench, "one process", "one", 0, 0, time.monotonic() - begun)
        begun = time.monotonic()
        hit = kill_drivers(bench, "driver", asked.deaths)
        right &= row(bench, "driver killed and resumed", "driver", hit, 0, time.monotonic() - begun)
        begun = time.monotonic()
        seen = lag(bench, "merged", asked.shards, asked.views)
        right &= row(bench, "shares on a file system that lags, merged", "merged", 0, 0, time.monotonic() - begun)
        statuses = ", ".join(f"{times} with status {status}" for status, times in sorted(seen.items()))
        print(f"  (merge ended {statuses}: 2 a folder that is none yet, 3 answers that are missing)")
        right &= set(seen) <= {0, 2, 3}
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
