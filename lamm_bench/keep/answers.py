"""Answer files in upstream's format (reference 5.3): a list, or one object a line, of `{"id", "text"}`.

The original evaluator joins by position and never looks at the ids; `standard` joins by id. Both are offered, and what does
not fit is counted and said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.measure.scoring import Answered
from lamm_bench.task import shorten
from lamm_bench.types import Answer, Sample, Task


@dataclass(frozen=True)
class AnswerFile:
    """The entries of one file, in file order."""

    path: Path
    ids: tuple[str | None, ...]
    texts: tuple[Answer, ...]

    def by_position(self, samples: Sequence[Sample]) -> dict[str, Answered]:
        """The n-th answer belongs to the n-th item, whatever its id."""
        return {sample.id: Answered(text) for sample, text in zip(samples, self.texts)}

    def by_id(self, samples: Sequence[Sample]) -> tuple[dict[str, Answered], list[str]]:
        """Answers by id, and notes on what did not fit. Without any id in the file, position decides and a note says so.

        Where an id stands several times, the n-th answer with it belongs to the n-th item with it."""
        if not self.ids:
            return {}, ["the file holds no answers"]
        if all(name is None for name in self.ids):
            return self.by_position(samples), ["the answers carry no ids; joined by position"]
        places: dict[str, list[str]] = {}
        for position, sample in enumerate(samples):
            places.setdefault(given_id(sample.id, position, places), []).append(sample.id)
        found: dict[str, Answered] = {}
        strangers = 0
        for name, text in zip(self.ids, self.texts):
            free = places.get(name or "", [])
            if free:
                found[free.pop(0)] = Answered(text)
            else:
                strangers += 1
        notes = [f"{strangers} answers with ids that no item has (or once too often) were left out"] if strangers else []
        return found, notes

    def join(self, samples: Sequence[Sample], protocol: str) -> tuple[dict[str, Answered], list[str]]:
        """By position under `classic`, as upstream's evaluator does; by id otherwise."""
        if protocol != "classic":
            return self.by_id(samples)
        difference = len(self.texts) - len(samples)
        notes = (
            [f"{abs(difference)} answers {'too many' if difference > 0 else 'too few'} for joining by position"]
            if difference
            else []
        )
        return self.by_position(samples), notes


def given_id(name: str, position: int, earlier: Mapping[str, object]) -> str:
    """The id as the meta file has it: a repeated one carries `#index` (lamm_bench.task.read_items).

    >>> given_id("a#3", 3, {"a": []}), given_id("a#3", 3, {})
    ('a', 'a#3')
    """
    base = name.removesuffix(f"#{position}")
    return base if base in earlier else name


def find_answers(folder: Path, task: Task) -> Path | None:
    """The task's answer file in a folder, or None."""
    for stem in task.answer_files:
        for suffix in (".json", ".jsonl"):
            if (folder / f"{stem}{suffix}").is_file():
                return folder / f"{stem}{suffix}"
    return None


def read_answers(path: Path) -> AnswerFile:
    """All entries of a `.json` or `.jsonl` file. Raises `BenchError` naming file, entry and key."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            entries = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            entries = json.loads(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BenchError(f"{path} cannot be read: {error}") from None
    if not isinstance(entries, list):
        raise BenchError(f"{path} holds {type(entries).__name__}, expected a list of objects with `id` and `text`")
    ids, texts = zip(*(entry_of(path, number, entry) for number, entry in enumerate(entries))) if entries else ((), ())
    return AnswerFile(path, tuple(ids), tuple(texts))


def entry_of(path: Path, number: int, entry: Any) -> tuple[str | None, Answer]:
    """Id and text of one entry; ChEF's files call the text `answer`."""
    if not isinstance(entry, dict):
        raise BenchError(f"{path}: entry {number} is {shorten(entry)}, expected an object with `id` and `text`")
    text = entry.get("text", entry.get("answer"))
    if isinstance(text, Mapping) and all(isinstance(value, str) for value in text.values()):
        text = dict(text)
    elif not isinstance(text, str):
        raise BenchError(f"{path}: entry {number}: `text` is {shorten(text)}, expected a text (or, for keypoints, joint: text)")
    name = entry.get("id")
    if name is not None and (not isinstance(name, str | int | float) or isinstance(name, bool)):
        raise BenchError(f"{path}: entry {number}: `id` is {shorten(name)}, expected a text or a number")
    return (None if name is None else str(name)), text
