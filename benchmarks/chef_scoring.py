"""How long `chef` takes to score 100,000 answers, evenly over all of ChEF's scenarios.

    python benchmarks/chef_scoring.py DATA [--answers 100000]

DATA is a folder in upstream's layout (docs/chef.md); small ones do, since items are repeated under new ids, each with an answer of its own:
right ones, likely wrong ones, letters in sentences, texts without an answer."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.ask.catalog import load_catalog
from lamm_bench.errors import BenchError
from lamm_bench.measure.floors import chance_answer
from lamm_bench.measure.scoring import Answered, oracle_answer, score
from lamm_bench.types import Answer, Sample

ROOMS = 312  # of ScanNet's validation, of which Octavius' questions are: upstream scores one answer a room, and METEOR's program is slow
FORMS = (
    "{}",
    "The answer is {}",
    "{} is what I see, I think.",
    "It may be {}, but nobody knows for certain what it is.",
    "no idea",
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("--answers", type=int, default=100_000)
    asked = options.parse_args()
    ready = []
    for task in load_catalog().select_tasks("chef,chef-forms"):
        try:
            ready.append((task, list(task.samples(asked.data))))
        except BenchError as error:
            print(f"{task.name}: left out, {error}")
    if not ready:
        options.error(f"{asked.data} holds none of the scenarios; expected a data root such as goldens-chef/data")
    each, total, slowest = -(-asked.answers // len(ready)), 0.0, []
    for task, samples in ready:
        many, answered = repeated(task, samples, each)
        begun = time.perf_counter()
        score(task, "chef", many, answered)
        seconds = time.perf_counter() - begun
        total += seconds
        slowest.append((seconds, task.name, len(many)))
    for seconds, name, count in sorted(slowest, reverse=True):
        print(f"{name:32} {count:7,} answers {seconds:7.2f} s")
    print(f"{sum(count for _, _, count in slowest):,} answers over {len(ready)} scenarios under `chef`: {total:.1f} s")


def repeated(task: Any, samples: list[Sample], count: int) -> tuple[list[Sample], dict[str, Answered]]:
    """So many samples, under new ids and of new pictures, with answers and likelihoods of each."""
    rng = Random(task.name)
    many, answered = [], {}
    rooms = len({sample.meta.get("scene") for sample in samples})
    for number in range(count):
        turn, place = divmod(number, len(samples))
        sample = renamed(samples[place], turn, turn % max(1, ROOMS // rooms))
        many.append(sample)
        text: Answer = oracle_answer(task, sample) if rng.random() < 0.5 else chance_answer(task, sample, samples, number)
        if isinstance(text, str):
            text = rng.choice(FORMS).format(text).replace("no idea", f"no idea {number}")
        answered[sample.id] = Answered(text, scores=tuple(rng.uniform(-5, 0) for _ in sample.choices))
    return many, answered


def renamed(sample: Sample, turn: int, room: int) -> Sample:
    """The sample as another one, with what tells its group renamed alike."""
    if not turn:
        return sample
    name = str(int(sample.id) + 10_000 * turn) if sample.id.isdecimal() else f"{sample.id}-{turn}"
    known = {key: f"{sample.meta[key]}-{turn}" for key in ("base", "main_id") if key in sample.meta}
    known |= {"scene": f"{sample.meta['scene']}-{room}"} if "scene" in sample.meta else {}
    return replace(sample, id=name, group=f"{turn}/{sample.group}", meta={**sample.meta, **known})


if __name__ == "__main__":
    main()
