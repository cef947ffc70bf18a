"""What the headline is worth: that of perfect answers, of chance and of the most frequent answer, on the same samples."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from random import Random
from typing import Any

from lamm_bench.types import Answer, Sample, Scorer, Task

from .intervals import evaluate
from .stats import gathered, totals

ALL_DRAWS, MOST_DRAWS = 3000, 200  # of chance: for all samples together, and for one of them
MOST_ANSWERS = 60_000  # above which equally likely answers are drawn and not all tried
MOST_FLOORS = 256  # sets of samples whose baselines are kept
_floors: dict[tuple[int, str, str], tuple[Task, dict[str, float | None]]] = {}


def floors(task: Task, scorer: Scorer, samples: Sequence[Sample], file: Sequence[Sample]) -> dict[str, float | None]:
    """`baselines`, once for the same samples of a task in the same order: all runs of a study, of controls or of desiderata ask about them."""
    try:
        asked, every = content(samples), content(file) if file is not samples else ""
    except (TypeError, ValueError):  # a task whose truth is no JSON
        return baselines(task, scorer, samples, file)
    key = id(task), asked, every
    if key not in _floors:
        while len(_floors) >= MOST_FLOORS:
            _floors.pop(next(iter(_floors)), None)
        _floors[key] = task, baselines(task, scorer, samples, file)  # with the task, so that its id stays its own
    return dict(_floors[key][1])


def content(samples: Sequence[Sample]) -> str:
    """A digest of all that samples say, in their order. Raises `TypeError` for what is no JSON."""
    told = hashlib.blake2b(digest_size=16)
    for each in samples:
        said = [each.id, each.question, each.group, each.choices, each.parts, each.target, dict(each.meta)]
        told.update(json.dumps([*said, each.media], default=parts_of).encode())
    return told.hexdigest()


def parts_of(value: Any) -> list[Any]:
    """A reference to a medium, a turn of a dialogue ... as JSON writes it. Raises `TypeError` for what is none of these."""
    return [type(value).__name__, *(getattr(value, each.name) for each in fields(value))]


def baselines(task: Task, scorer: Scorer, samples: Sequence[Sample], file: Sequence[Sample]) -> dict[str, float | None]:
    """The headline's floor and ceiling on the same samples: oracle, chance and majority.

    Chance is what is expected: over all answers that are equally likely where the task tells them (`chances`), else over so many
    draws that they are some thousands together. The majority is that of the whole file."""
    usable = sorted((sample for sample in samples if has_media(sample)), key=lambda sample: sample.id)
    if not usable:
        return {}
    every = sorted((sample for sample in file if has_media(sample)), key=lambda sample: sample.id) or usable
    most = task.majority(every)
    answers = {
        "oracle": lambda sample: [oracle_answer(task, sample)],
        "chance": lambda sample: chance_answers(task, sample, every, len(usable)),
        "majority": lambda sample: [most],
    }
    found: dict[str, float | None] = {}
    for name, of in answers.items():
        table, keys = gathered(expected(scorer, sample, of(sample)) for sample in usable)
        value = float(evaluate(scorer.metrics[0], totals(table.sum(axis=0, keepdims=True), keys))[0])
        found[name] = value if value == value else None
    return found


def chance_answers(task: Task, sample: Sample, file: Sequence[Sample], count: int) -> list[Answer]:
    """Equally likely answers of somebody who knows the form only, for each of `count` samples."""
    every = getattr(task, "chances", None)
    times = min(MOST_DRAWS, -(-ALL_DRAWS // count))
    if every is not None and (known := list(every(sample))) and len(known) * count <= MOST_ANSWERS:
        return known
    return [chance_answer(task, sample, file, seed) for seed in range(times)]


def expected(scorer: Scorer, sample: Sample, answers: Sequence[Answer]) -> dict[str, float]:
    """The mean statistics of some answers to one question."""
    total: dict[str, float] = {}
    for answer in answers:
        for key, value in scorer.score(sample, scorer.read(answer, sample)).items():
            total[key] = total.get(key, 0.0) + value
    return {key: value / len(answers) for key, value in total.items()}


def oracle_answer(task: Task, sample: Sample) -> Answer:
    if sample.parts:
        return {part: task.oracle(sample, part) for part in sample.parts}
    return task.oracle(sample)


def chance_answer(task: Task, sample: Sample, samples: Sequence[Sample], seed: int = 0) -> Answer:
    def draw(part: str) -> str:
        return task.chance(sample, Random(f"{seed}/{task.name}/{sample.id}/{part}"), samples, part)

    return {part: draw(part) for part in sample.parts} if sample.parts else draw("")


def has_media(sample: Sample) -> bool:
    """Whether what a scorer needs of the image is known: tasks in pixels need its size."""
    return sample.meta.get("size", ()) is not None
