"""How long a run of many pictures takes to its first answer, how long to be found finished, and how much memory it needs.

The pictures are a few bytes of noise that nobody decodes, and the model answers at once: what is measured is everything else. Each row is
a process of its own: a new run, the same command again, and the same once more with one picture touched.

    python benchmarks/size.py --pictures 60000 --bytes 8000"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

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


def asked(root: Path, folder: Path) -> tuple[float, float, float, float]:
    """Runs the command. Gives the seconds until the first answer is on disk, all, those of the processor, and the peak in MB."""
    words = ["--plugin", str(Path(__file__).resolve()), "--model", MODEL, "--tasks", "svt"]
    words += ["--data-root", str(root), "--output", str(folder)]
    records, first = folder / "records/svt.jsonl", 0.0
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun, known = time.monotonic(), records.stat().st_size if records.exists() else 0
    process = subprocess.Popen(
        [sys.executable, "-m", "lamm_bench", "run", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    while process.poll() is None and not first and not known:
        if records.exists() and records.stat().st_size:
            first = time.monotonic() - begun
        time.sleep(0.01)
    told = process.communicate()[1]
    if process.returncode:
        raise SystemExit(told.decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return first, time.monotonic() - begun, used, after.ru_maxrss / 1024  # the peak of all so far: the first run's is its own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=60_000)
    parser.add_argument("--questions", type=int, default=0, help="0: one a picture")
    parser.add_argument("--bytes", type=int, default=8_000, help="of each picture")
    parsed = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lamm-bench-size-") as place:
        root, folder = Path(place) / "data", Path(place) / "run"
        draw(root, parsed.pictures, parsed.bytes, parsed.questions or parsed.pictures)
        print(f"{'':<36} {'first answer':>12} {'all':>8} {'cpu':>8} {'peak MB':>8}")
        for name in ("a new run", "the same command again", "again, one picture touched"):
            if name.endswith("touched"):
                os.utime(root / "2D_Benchmark/00/0.png")
            first, seconds, used, peak = asked(root, folder)
            print(f"{name:<36} {first or float('nan'):>10.1f} s {seconds:>6.1f} s {used:>6.1f} s {peak:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
