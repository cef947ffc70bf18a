"""What can be known of a task file before any model is asked: its wrong rows, what its reader makes of answers, what null models score.

A null model looks at nothing, or at the question alone. One that scores well says that the benchmark can be answered without seeing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamm_bench import media
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.measure.scoring import Answered, oracle_answer, score
from lamm_bench.types import Sample

from .files import Files
from .readers import READERS, name_of
from .rows import Maker, faults
from .scorer import told
from .store import Store
from .task import DeclaredTask

MOST_FAULTS = 10_000
FIRST_WORDS = 2  # of a question, by which the blind model knows its kind


@dataclass(frozen=True)
class Found:
    """The samples of a file, and what is wrong with it: rows that make none, media that cannot be used."""

    samples: list[Sample]
    faults: list[str]


def look(task: DeclaredTask, root: Path, deep: bool = True) -> Found:
    """Every row, whatever is wrong with others. Raises `BenchError` where the files cannot be read at all."""
    files, samples, wrong = Files(root), [], []
    places: dict[str, str] = {}
    try:
        maker = Maker(task.recast, files, Store.usual())
        for where, found in faults(task.source, maker):
            if isinstance(found, BenchError):
                wrong.append(str(found))
                if len(wrong) >= MOST_FAULTS:
                    break
            else:
                samples.append(found)
                places[found.id] = where
    except BenchError as error:
        if not samples and not wrong:
            raise
        wrong.append(str(error))
    finally:
        files.close()
    return Found(samples, [*wrong, *(broken_media(samples, places) if deep else ())])


def broken_media(samples: Sequence[Sample], places: Mapping[str, str] = {}) -> Iterator[str]:
    """A sentence for each file that does not open, with the first row that shows it."""
    seen: set[str] = set()
    for sample in samples:
        for one in sample.media:
            if one.path not in seen:
                seen.add(one.path)
                try:
                    media.check(one)
                except MediaError as error:
                    yield f"{places.get(sample.id, f'sample {sample.id}')}: {error}"


@dataclass(frozen=True)
class Tried:
    """One invented answer and what became of it."""

    kind: str
    answer: str
    read: Any  # as a table would show it; None: unread
    right: float


def invented(task: DeclaredTask, sample: Sample) -> list[Tried]:
    """Five answers to a sample: the true one in three wordings, one that refuses, and none."""
    truth = task.oracle(sample)
    answers = (
        ("bare", truth),
        ("in a sentence", f"The answer is {truth}."),
        ("after a thought", f"<think>It may be something else.</think>\n\n**{truth}**"),
        ("refusing", "I'm sorry, but I cannot see the picture."),
        ("nothing", ""),
    )
    found = []
    for kind, answer in answers:
        read = task.scorer.read(answer, sample)
        stats = task.scorer.score(sample, read)
        found.append(Tried(kind, answer, told(sample, read), float(task.scorer.show(sample, read, stats)["value"])))
    return found


def nulls(task: DeclaredTask, samples: Sequence[Sample]) -> dict[str, float | None]:
    """The headline of every null model."""
    most = str(task.majority(samples))
    blind = by_question(task, samples, most)
    models: dict[str, Callable[[Sample], str]] = {
        "oracle": lambda sample: str(oracle_answer(task, sample)),
        "majority": lambda sample: most,
        "blind": lambda sample: blind[sample.id],
        "constant": lambda sample: READERS[name_of(sample, task.reader)].constant,
        "copy": lambda sample: sample.question,
    }
    found: dict[str, float | None] = {}
    for name, answer in models.items():
        said = {sample.id: Answered(answer(sample)) for sample in samples}
        found[name] = score(task, "standard", samples, said, references=False).headline[1].value
    return {"oracle": found.pop("oracle"), "chance": chance_of(task, samples), **found}


def chance_of(task: DeclaredTask, samples: Sequence[Sample]) -> float | None:
    """What is expected of well-formed guesses, as the table of a run has it: one draw of a few would say little."""
    said = {sample.id: Answered(str(oracle_answer(task, sample))) for sample in samples}
    return score(task, "standard", samples, said).references.get("chance")


def by_question(task: DeclaredTask, samples: Sequence[Sample], most: str) -> dict[str, str]:
    """What a model would say that knows every other sample's question and truth, and sees nothing: the most frequent true answer to the
    same question, else to questions that begin the same, else of all. Samples of the same group are none of the others."""
    answers: dict[tuple[str, ...], Counter[str]] = {}
    own: dict[tuple[tuple[str, ...], str], Counter[str]] = {}
    for sample in samples:
        truth = task.oracle(sample)
        for key in keys_of(sample):
            answers.setdefault(key, Counter())[truth] += 1
            own.setdefault((key, sample.group), Counter())[truth] += 1
    found = {}
    for sample in samples:
        found[sample.id] = most
        for key in keys_of(sample):
            others = answers[key] - own[key, sample.group]
            if others:
                found[sample.id] = max(others, key=lambda truth: (others[truth], truth))
                break
    return found


def keys_of(sample: Sample) -> tuple[tuple[str, ...], ...]:
    words = sample.question.casefold().split()
    return ("whole", *words), ("first", *words[:FIRST_WORDS])
