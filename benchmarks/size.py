"""How long a run of many pictures takes to its first answer, how long to be found finished, and how much memory it needs.

The pictures are a few bytes of noise that nobody decodes, and the model answers at once: what is measured is everything else. Each row is
a process of its own: a new run, one that is killed at its first answer and goes on, the same command again, and the same once more with
one picture touched. Seconds of the processor until the first answer are those of all threads, the hashing beside it too.

    python benchmarks/size.py --pictures 60000 --bytes 8000
    python benchmarks/size.py --pictures 1000 --questions 1000000 --whole     # about ten minutes on one core"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from lamm_bench.types import Generate, Response

MODEL = "instant"


class Instant:
    """Answers at once, without a look."""

    name = MODEL
    modalities = frozenset({"image"})

    def fingerprint(self) -> str:
        return MODEL

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number in range(len(requests)):
            yield number, Response("CAT")


ADAPTERS = {MODEL: Instant}


def draw(root: Path, pictures: int, size: int, questions: int) -> None:
    """So many questions about so many pictures, in hundred folders."""
    rng = Random(0)
    (root / "2D_Benchmark/meta_file").mkdir(parents=True)
    for number in range(100):
        (root / f"2D_Benchmark/{number:02d}").mkdir()
    for number in range(pictures):
        (root / f"2D_Benchmark/{number % 100:02d}/{number}.png").write_bytes(b"\x89PNG" + rng.randbytes(size))
    with (root / "2D_Benchmark/meta_file/OCR_SVT.json").open("w") as file:
        for number in range(questions):
            name = f"{number % pictures % 100:02d}/{number % pictures}.png"
            item = {"id": f"i{number}", "image": name, "query": "What is written there?", "word_list": ["CAT"]}
            file.write(("[" if not number else ",\n") + json.dumps(item))
        file.write("]")


class Told(NamedTuple):
    """What one process took; seconds."""

    first: float  # until the first answer was on the disk; NaN where there were answers before
    first_cpu: float  # of the processor, until then
    all: float
    cpu: float
    peak: float  # MB


def asked(root: Path, folder: Path, kill: bool = False) -> Told:
    """Runs the command; with `kill` only until its first answer."""
    words = ["--plugin", str(Path(__file__).resolve()), "--model", MODEL, "--tasks", "svt"]
    words += ["--data-root", str(root), "--output", str(folder)]
    records, first, first_cpu = folder / "records/svt.jsonl", math.nan, math.nan
    begun, known = time.monotonic(), records.stat().st_size if records.exists() else 0
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([sys.executable, "-m", "lamm_bench", "run", *words], stdout=subprocess.DEVNULL, stderr=said)
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            if math.isnan(first) and not known and records.exists() and records.stat().st_size:
                first, first_cpu = time.monotonic() - begun, processor(process.pid)
                if kill:
                    os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(ended[1])  # waited for here, for what it used
        said.seek(0)
        if process.returncode and not kill:
            raise SystemExit(said.read().decode())
    used = ended[2]
    return Told(first, first_cpu, time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def processor(pid: int) -> float:
    """Seconds of the processor that a process has used so far; NaN where nobody tells."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return math.nan
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=60_000)
    parser.add_argument("--questions", type=int, default=0, help="0: one a picture")
    parser.add_argument("--bytes", type=int, default=8_000, help="of each picture")
    parser.add_argument("--brief", action="store_true", help="only the first answer of a new run, killed there")
    parser.add_argument("--whole", action="store_true", help="only a new run, and the same command when it is finished")
    parsed = parser.parse_args()
    rows = (
        "a new run",
        "a new run, killed at its first answer",
        "killed, and the same command again",
        "finished, again",
        "again, one picture touched",
    )
    with tempfile.TemporaryDirectory(prefix="lamm-bench-size-") as place:
        root, folder = Path(place) / "data", Path(place) / "run"
        draw(root, parsed.pictures, parsed.bytes, parsed.questions or parsed.pictures)
        print(f"{'':<38} {'first answer':>14} {'its cpu':>8} {'all':>9} {'cpu':>9} {'peak MB':>8}")
        for name in rows[1:2] if parsed.brief else rows[::3] if parsed.whole else rows:
            if name.endswith("touched"):
                os.utime(root / "2D_Benchmark/00/0.png")
            other = Path(place) / "killed" if "killed" in name else folder
            told = asked(root, other, name.endswith("first answer"))
            print(
                f"{name:<38} {told.first:>12.1f} s {told.first_cpu:>6.1f} s {told.all:>7.1f} s {told.cpu:>7.1f} s {told.peak:>8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
