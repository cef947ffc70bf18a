"""Jobs of one array that claim what they ask: one is killed and never begun again, one is ten times slower, and what waiting for it costs.

The first row is one process, the second the killed and the slow job among others, merged; then jobs of which one is slow, once with fixed
shares and once with claims, from the first command to the end of the last. Exit status 1 at the first answer that is lost or doubled, or at
another byte of scores.

    python benchmarks/faults_claims.py --questions 400 --seconds 0.05 --jobs 4 --slower 10"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from faults import Bench, first_row, row

WAITS = 0.01  # seconds between two looks at a job's records


def job(
    bench: Bench, folder: str, number: int, asked: argparse.Namespace, claims: bool, slower: float
) -> subprocess.Popen[bytes]:
    """Begins one job of the array, which needs so many times the seconds for each answer."""
    more = ["--claims", str(bench.place / f"{folder}-claims"), "--claim-patience", str(asked.patience)] if claims else []
    slow = ["--set", f"seconds={bench.seconds * slower}"] if slower != 1 else []
    return bench.start(f"{folder}/{number}", 0, "--shard", f"{number}/{asked.jobs}", *more, *slow)


def merge(bench: Bench, folder: str, jobs: int) -> str:
    """One run of all jobs' folders; gives what the command said."""
    parts = [str(path) for number in range(1, jobs + 1) if (path := bench.place / folder / str(number)).exists()]
    words = ["--data-root", str(bench.place / "data"), "--output", str(bench.place / f"{folder}-merged")]
    plugin = ["--plugin", str(Path(__file__).resolve().with_name("faults.py"))]
    command = [sys.executable, "-m", "lamm_bench", "merge", *parts, *words, *plugin]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"merge ended with status {done.returncode}: {done.stderr}")
    return done.stderr


def ended(process: subprocess.Popen[bytes]) -> None:
    _, told = process.communicate()
    if process.returncode:
        raise SystemExit(f"a job ended with status {process.returncode}: {told.decode()}")


def killed_and_slow(bench: Bench, folder: str, asked: argparse.Namespace) -> int:
    """The last job is slow from its beginning, the one before it is shot in the middle of a block. Gives how many died."""
    last = asked.jobs
    working = {
        number: job(bench, folder, number, asked, True, asked.slower if number == last else 1) for number in range(1, last + 1)
    }
    mortal = working.pop(last - 1)
    while mortal.poll() is None and bench.lines(f"{folder}/{last - 1}") < 3:
        time.sleep(WAITS)
    hit = mortal.poll() is None
    mortal.kill()
    mortal.communicate()
    for process in working.values():
        ended(process)
    return int(hit)


def one_slow(bench: Bench, folder: str, asked: argparse.Namespace, claims: bool) -> float:
    """Seconds from the first command until the last of the jobs has ended, of which one is slow."""
    begun = time.monotonic()
    working = [
        job(bench, folder, number, asked, claims, asked.slower if number == asked.jobs else 1)
        for number in range(1, asked.jobs + 1)
    ]
    for process in working:
        ended(process)
    return time.monotonic() - begun


def twice(bench: Bench, folder: str) -> int:
    """Samples that stand in the records of more than one job."""
    times: Counter[str] = Counter()
    for path in (bench.place / folder).glob("*/records/svt.jsonl"):
        times.update({json.loads(line)["sample"] for line in path.read_text().splitlines() if line.endswith("}")})
    return sum(count > 1 for count in times.values())


def costs(bench: Bench, folder: str) -> str:
    """What claims cost: files, those of them that were claimed once more, and samples that were asked twice."""
    names = [path.name for path in (bench.place / f"{folder}-claims").iterdir()]
    again = sum(name.startswith("svt.") and not name.endswith(".0") for name in names)
    return f"  ({len(names)} files of claims, {again} blocks taken over, {twice(bench, folder)} samples asked twice)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=0.05, help="that the model sleeps for each")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--slower", type=float, default=10.0, help="times, of the last job")
    parser.add_argument("--patience", type=float, default=3.0, help="seconds after which a job is thought dead")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lamm-bench-claims-") as place:
        bench = Bench(Path(place), asked.questions, asked.seconds, Random(asked.seed))
        right = first_row(bench)
        begun = time.monotonic()
        hit = killed_and_slow(bench, "mixed", asked)
        seconds = time.monotonic() - begun
        merge(bench, "mixed", asked.jobs)
        right &= row(bench, f"{asked.jobs} jobs, one killed, one slow: claims", "mixed-merged", hit, 0, seconds) and hit == 1
        print(costs(bench, "mixed"))
        spent = {}
        for folder, claims in (("fixed", False), ("claimed", True)):
            spent[folder] = one_slow(bench, folder, asked, claims)
            merge(bench, folder, asked.jobs)
            name = f"{asked.jobs} jobs, one slow: {'claims' if claims else 'fixed shares'}"
            right &= row(bench, name, f"{folder}-merged", 0, 0, spent[folder])
        print(costs(bench, "claimed"))
        print(f"fixed shares need {spent['fixed'] / spent['claimed']:.2f} times the seconds of claims")
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
