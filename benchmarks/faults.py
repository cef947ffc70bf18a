"""Kills workers and drivers at random while a model that sleeps is asked by many, and counts what was lost.

Each row is one way of dying: the run is carried to its end by whatever is left, and held against that of one process. Lost and
doubled are counted in the records, line by line; scores are compared byte by byte. Exit status 1 at the first difference.

    python benchmarks/faults.py --questions 300 --workers 4 --deaths 20"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image

from lamm_bench.types import Generate, Response

MODEL, DRIFTING = "sleeper", "drifter"


@dataclass
class Sleeper:
    """Answers what the question says after a moment, and leaves its process's number where the benchmark finds it."""

    marks: str
    seconds: float = 0.01
    load: float = 0.0  # seconds until it is loaded
    liar: bool = False  # the first process that answers is slow, and its answers are wrong
    name: str = MODEL
    modalities: frozenset[str] = frozenset({"image"})

    def fingerprint(self) -> str:
        time.sleep(self.load)
        (Path(self.marks) / str(os.getpid())).touch()
        return MODEL

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        lies = str(self.liar) == "True" and first(Path(self.marks) / "liar")
        for number, request in enumerate(requests):
            time.sleep(self.seconds * (20 if lies else 1))
            true = f"CAT, {request.sample}" if hash_of(request.sample) % 3 else "truck"
            yield number, Response("a lie" if lies else true)


def first(mark: Path) -> bool:
    """Whether this process is the one that has left, or leaves, its number there."""
    if not mark.exists():
        mark.write_text(str(os.getpid()))
    return mark.read_text() == str(os.getpid())


def hash_of(name: str) -> int:
    """The same in every process, as `hash` is not."""
    return sum(map(ord, name))


@dataclass
class Drifter(Sleeper):
    """The same, of a model that does not promise the same answer twice."""

    name: str = DRIFTING
    exact: bool = False


ADAPTERS = {MODEL: Sleeper, DRIFTING: Drifter}


@dataclass
class Bench:
    """The folders of one benchmark, and the command that is killed."""

    place: Path
    questions: int
    seconds: float
    rng: Random

    @property
    def marks(self) -> Path:
        return self.place / "marks"

    def draw(self) -> None:
        """Questions about half as many pictures."""
        (self.place / "data/2D_Benchmark/meta_file").mkdir(parents=True)
        self.marks.mkdir()
        pictures = max(1, self.questions // 2)
        for number in range(pictures):
            Image.new("RGB", (8, 8), (number % 256, number // 256, 9)).save(self.place / f"data/2D_Benchmark/{number}.png")
        items = [
            {"id": f"i{number}", "image": f"{number % pictures}.png", "query": "Read it.", "word_list": ["CAT"]}
            for number in range(self.questions)
        ]
        (self.place / "data/2D_Benchmark/meta_file/OCR_SVT.json").write_text(json.dumps(items))

    def start(self, folder: str, workers: int, *more: str, through: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Begins the command, by way of another one (`through`) where that is wanted."""
        words = ["--plugin", str(Path(__file__).resolve()), "--model", MODEL, "--set", f"marks={self.marks}", "--tasks", "svt"]
        words += [
            "--set",
            f"seconds={self.seconds}",
            "--data-root",
            str(self.place / "data"),
            "--output",
            str(self.place / folder),
        ]
        words += ["--workers", str(workers)] if workers else []
        command = [*through, sys.executable, "-m", "lamm_bench", "run", *words, *more]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def lines(self, folder: str) -> int:
        """How many answers are there."""
        path = self.place / folder / "records/svt.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def whole(self, folder: str, workers: int, *more: str) -> None:
        """Runs the command to its end."""
        process = self.start(folder, workers, *more)
        _, told = process.communicate()
        if process.returncode:
            raise SystemExit(f"the run in {folder} ended with status {process.returncode}: {told.decode()}")

    def living(self) -> list[int]:
        """The workers that run now."""
        return [int(mark.name) for mark in self.marks.iterdir() if mark.name.isdigit() and alive(int(mark.name))]

    def counts(self, folder: str) -> tuple[int, int]:
        """Answers that are lost, and that are there more than once."""
        records = (self.place / folder / "records/svt.jsonl").read_text().splitlines()
        times = Counter(json.loads(line)["sample"] for line in records)
        failed = sum('"status": "model_error"' in line for line in records)
        return self.questions - len(times) + failed, sum(count - 1 for count in times.values())

    def same(self, folder: str, other: str) -> bool:
        return all(
            (self.place / folder / name).read_bytes() == (self.place / other / name).read_bytes()
            for name in ("result.json", "scores/svt.json")
        )


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def kill_workers(bench: Bench, folder: str, workers: int, deaths: int) -> int:
    """Shoots workers at random moments of one run. Gives how many it hit."""
    process, hit = bench.start(folder, workers), 0
    between = bench.questions * bench.seconds / workers / (deaths + 1)
    while process.poll() is None and hit < deaths:
        time.sleep(bench.rng.uniform(0.2, 1.8) * between)
        found = bench.living()
        if found and 0 < bench.lines(folder) < bench.questions:
            os.kill(bench.rng.choice(found), signal.SIGKILL)
            hit += 1
    _, told = process.communicate()
    if process.returncode:
        raise SystemExit(f"the run in {folder} ended with status {process.returncode}: {told.decode()}")
    return hit


def kill_drivers(bench: Bench, folder: str, workers: int, deaths: int) -> tuple[int, int]:
    """Shoots the driver again and again, by workers and by one process in turn. Gives how many died, and how many workers they left."""
    hit = left = 0
    for number in range(deaths):
        process = bench.start(folder, workers if number % 2 == 0 else 0)
        before = bench.lines(folder)
        goal = before + max(1, bench.rng.randrange(2 * max(1, (bench.questions - before) // (deaths - number + 1))))
        while process.poll() is None and bench.lines(folder) < goal:
            time.sleep(0.005)
        if process.poll() is not None:
            break
        process.kill()
        process.communicate()
        hit += 1
        ends = time.monotonic() + 10.0
        while bench.living() and time.monotonic() < ends:
            time.sleep(0.02)
        left += len(bench.living())
    bench.whole(folder, workers)
    return hit, left


def hang_workers(bench: Bench, folder: str, workers: int, hangs: int) -> int:
    """Stops workers for ever (SIGSTOP): they neither answer nor die. Gives how many."""
    process, hit = bench.start(folder, workers, "--patience", "2"), 0
    while process.poll() is None:
        found = bench.living()
        if found and hit < hangs and 0 < bench.lines(folder) < bench.questions:
            os.kill(bench.rng.choice(found), signal.SIGSTOP)
            hit += 1
        time.sleep(bench.rng.uniform(0.2, 0.6))
    if process.returncode:
        raise SystemExit(f"the run in {folder} ended with status {process.returncode}: {process.communicate()[1].decode()}")
    return hit


def two_drivers(bench: Bench, folder: str, workers: int) -> int:
    """A second command on the same folder, in the middle of the first. Gives how many were refused."""
    process = bench.start(folder, 0)  # alone it takes long enough for the second to come in its middle
    while process.poll() is None and bench.lines(folder) < 2:
        time.sleep(0.005)
    second = bench.start(folder, workers)
    told = second.communicate()[1].decode()
    if second.returncode != 2:
        raise SystemExit(f"the second driver ended with status {second.returncode}: {told}")
    if process.communicate() and process.returncode:
        raise SystemExit(f"the first driver ended with status {process.returncode}")
    return 1


def lie(bench: Bench, folder: str, workers: int, *more: str) -> int:
    """One worker answers slowly and wrongly; what was only asked of it stands in the records. Gives how many answers the run keeps that
    another worker gave otherwise, if result and notes say so, too. A run that raises an alarm ends with status 0: nothing is missing."""
    (bench.marks / "liar").unlink(missing_ok=True)
    bench.whole(folder, workers, "--set", "liar=True", *more)
    place = bench.place / folder
    kept = json.loads((place / "alarms.json").read_text()) if (place / "alarms.json").exists() else []
    said = [(place / name).read_text().count("ALARM: ") for name in ("result.json", "timing.json")]
    if said != [bool(kept)] * 2 or any("a lie" not in (one["kept"]["text"], one["other"]["text"]) for one in kept):
        raise SystemExit(f"{folder}: {len(kept)} alarms, and result and notes tell {said}")
    return len(kept)


def lies(bench: Bench, workers: int, *more: str) -> bool:
    """The rows of a worker that answers wrongly, of a model that promises the same answer twice and of one that does not."""
    right = True
    for name, own, wanted in (
        ("one worker slow and wrong", (), True),
        ("... of a model not exact", ("--model", DRIFTING), False),
    ):
        begun = time.monotonic()
        found = lie(bench, f"lied-{wanted}", workers, *own, *more)
        left = sum(map(alive, bench.living()))
        told, seconds = f"{found} ALARM" if found else "no alarm", time.monotonic() - begun
        print(f"{name:<44} {0:>6} {'':>14} {left:>8} {told:>10} {seconds:>8.1f}", flush=True)
        right &= bool(found) is wanted and not left
    return right


def shards(bench: Bench, folder: str, jobs: int) -> int:
    """One job after the other, each shot once and begun again; then merged."""
    for number in range(1, jobs + 1):
        part = f"{folder}-{number}"
        for again in (False, True):
            process = bench.start(part, 0, "--shard", f"{number}/{jobs}")
            while not again and process.poll() is None and bench.lines(part) < 2:
                time.sleep(0.005)
            if not again:
                process.kill()
            process.communicate()
    parts = [str(bench.place / f"{folder}-{number}") for number in range(1, jobs + 1)]
    words = ["--data-root", str(bench.place / "data"), "--output", str(bench.place / folder)]
    plugin = ["--plugin", str(Path(__file__).resolve())]
    subprocess.run([sys.executable, "-m", "lamm_bench", "merge", *parts, *words, *plugin], check=True, capture_output=True)
    return jobs


def row(bench: Bench, name: str, folder: str, deaths: int, orphans: int, seconds: float) -> bool:
    """Prints a row. Gives whether nothing went wrong."""
    lost, doubled = bench.counts(folder)
    same = bench.same(folder, "one")
    told = "identical" if same else "DIFFERENT"
    print(f"{name:<44} {deaths:>6} {lost:>5} {doubled:>8} {orphans:>8} {told:>10} {seconds:>8.1f}", flush=True)
    return same and not (lost or doubled or orphans)


def no_deaths(bench: Bench, workers: int) -> bool:
    """The rows in which nobody dies by itself."""
    begun = time.monotonic()
    hit = hang_workers(bench, "hung", workers, workers)
    ends = time.monotonic() + 10.0  # one that hangs is given three seconds to end politely
    while bench.living() and time.monotonic() < ends:
        time.sleep(0.02)
    right = row(bench, "workers stopped for ever", "hung", hit, len(bench.living()), time.monotonic() - begun)
    begun = time.monotonic()
    two_drivers(bench, "contested", workers)
    right &= row(bench, "two drivers on one folder", "contested", 0, len(bench.living()), time.monotonic() - begun)
    return lies(bench, workers) and right


def first_row(bench: Bench) -> bool:
    """Draws the questions, prints the table's head and the row of one process, which all others are held against; whether it is right."""
    bench.draw()
    print(f"{'':<44} {'deaths':>6} {'lost':>5} {'doubled':>8} {'orphans':>8} {'scores':>10} {'seconds':>8}")
    begun = time.monotonic()
    bench.whole("one", 0)
    return row(bench, "one process", "one", 0, 0, time.monotonic() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=0.02, help="that the model sleeps for each")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--deaths", type=int, default=20, help="of workers, and of drivers")
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--short", action="store_true", help="only the rows in which somebody is killed")
    parser.add_argument("--lies", action="store_true", help="only the rows of a worker that answers wrongly")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lamm-bench-faults-") as place:
        bench = Bench(Path(place), asked.questions, asked.seconds, Random(asked.seed))
        right = first_row(bench)
        if asked.lies:
            sys.exit(0 if lies(bench, asked.workers) and right else 1)
        begun = time.monotonic()
        bench.whole("many", asked.workers)
        right &= row(bench, f"{asked.workers} workers", "many", 0, len(bench.living()), time.monotonic() - begun)
        begun = time.monotonic()
        hit = kill_workers(bench, "shot", asked.workers, asked.deaths)
        right &= row(bench, "workers killed at random", "shot", hit, len(bench.living()), time.monotonic() - begun)
        begun = time.monotonic()
        hit, left = kill_drivers(bench, "driver", asked.workers, asked.deaths)
        right &= row(bench, "driver killed; workers and one process in turn", "driver", hit, left, time.monotonic() - begun)
        right &= asked.short or no_deaths(bench, asked.workers)
        begun = time.monotonic()
        hit = shards(bench, "merged", asked.shards)
        right &= row(
            bench,
            f"{asked.shards} shards, each killed once, merged",
            "merged",
            hit,
            len(bench.living()),
            time.monotonic() - begun,
        )
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
