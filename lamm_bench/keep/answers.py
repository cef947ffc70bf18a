"""Answer files in upstream's format (reference 5.3): a list, or one object a line, of `{"id", "text"}`.

The original evaluator joins by position and never looks at the ids; `standard` joins by id. Both are offered, and what does
not fit is counted and said."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import id_text, parse_json, read_text, shorten
from lamm_bench.measure.scoring import Answered
from lamm_bench.types import Answer, Sample, Task


@dataclass(frozen=True)
class AnswerFile:
    """The entries of one file, in file order; an answer that is none (null) is None."""

    path: Path
    ids: tuple[str | None, ...]
    texts: tuple[Answer | None, ...]
    notes: tuple[str, ...] = ()  # on entries that hold no answer

    def by_position(self, samples: Sequence[Sample]) -> dict[str, Answered]:
        """The n-th answer belongs to the n-th item, whatever its id."""
        return {sample.id: Answered(text) for sample, text in zip(samples, self.texts) if text is not None}

    def by_id(self, samples: Sequence[Sample]) -> tuple[dict[str, Answered], list[str]]:
        """Answers by id, and notes on what did not fit. Without any id in the file, position decides and a note says so.

        Where items share an id, the n-th answer with it belongs to the n-th of them; of more answers than items the first count."""
        if not self.ids:
            return {}, ["the file holds no answers"]
        if all(name is None for name in self.ids):
            return self.by_position(samples), [*self.notes, "the answers carry no ids; joined by position"]
        places: dict[str, list[str]] = {}
        for position, sample in enumerate(samples):
            places.setdefault(given_id(sample.id, position, places), []).append(sample.id)
        known = {name: len(ids) for name, ids in places.items()}
        found: dict[str, Answered] = {}
        strangers: list[str] = []
        again: list[str] = []
        for name, text in zip(self.ids, self.texts):
            free = places.get(name or "", [])
            if text is None and known.get(name or "") == 1:
                continue  # a later answer to this item is its first
            if free:
                place = free.pop(0)
                if text is not None:
                    found[place] = Answered(text)
            else:
                (again if name in known else strangers).append(str(name))
        notes = list(self.notes)
        if strangers:
            notes.append(f"{counted(strangers, 'answer')} left out, whose id no item has: {some(strangers)}")
        if again:
            notes.append(f"{counted(again, 'answer')} left out, to items that have one already (the first counts): {some(again)}")
        return found, notes

    def join(self, samples: Sequence[Sample], protocol: str) -> tuple[dict[str, Answered], list[str]]:
        """By position under `classic`, as upstream's evaluator does; by id otherwise."""
        if protocol != "classic":
            return self.by_id(samples)
        difference = len(self.texts) - len(samples)
        said = "too many for joining by position, so there is no figure" if difference > 0 else "too few for joining by position"
        notes = [f"{abs(difference)} answer{'' if abs(difference) == 1 else 's'} {said}"] if difference else []
        return self.by_position(samples), [*self.notes, *notes]


def counted(names: Sequence[str], what: str) -> str:
    """
    >>> counted(["a"], "answer"), counted(["a", "b"], "answer")
    ('1 answer', '2 answers')
    """
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}"


def some(names: Sequence[str]) -> str:
    """A few of many names."""
    return ", ".join(shorten(name, 30) for name in names[:3]) + (" ..." if len(names) > 3 else "")


def given_id(name: str, position: int, earlier: Mapping[str, object]) -> str:
    """The id as the meta file has it: a repeated one carries `#index` and perhaps `~` (lamm_bench.task.read_items).

    >>> given_id("a#3", 3, {"a": []}), given_id("a#3", 3, {}), given_id("a#3~", 3, {"a": []})
    ('a', 'a#3', 'a')
    """
    base = re.sub(rf"#{position}~*$", "", name)
    return base if base in earlier else name


def find_answers(folder: Path, task: Task) -> Path | None:
    """The task's answer file in a folder, or None."""
    for stem in task.answer_files:
        for suffix in (".json", ".jsonl"):
            if (folder / f"{stem}{suffix}").is_file():
                return folder / f"{stem}{suffix}"
    return None


def read_answers(path: Path) -> AnswerFile:
    """All entries of a `.json` or `.jsonl` file. Raises `BenchError` naming file, entry and key.

    An entry without a usable text is an item without an answer, and said; only a file of nothing else is refused."""
    text = read_text(path)
    if path.suffix == ".jsonl":  # split at line feeds alone: JSON texts may hold the other breaks as they are
        lines = enumerate(text.split("\n"), 1)
        entries = [parse_json(line, f"{path} line {number}") for number, line in lines if line.strip()]
    else:
        entries = parse_json(text, str(path))
    if not isinstance(entries, list):
        raise BenchError(f"{path} holds {type(entries).__name__}, expected a list of objects with `id` and `text`")
    ids, texts, faults = [], [], []
    for number, entry in enumerate(entries):
        name, answer, fault = entry_of(number, entry)
        ids.append(name)
        texts.append(answer)
        faults += [fault] if fault else []
    if entries and len(faults) == len(entries):
        raise BenchError(f"{path}: {faults[0]}")
    notes = (f"{counted(faults, 'entry').replace('entrys', 'entries')} without an answer: {faults[0]}",) if faults else ()
    return AnswerFile(path, tuple(ids), tuple(texts), notes)


def entry_of(number: int, entry: Any) -> tuple[str | None, Answer | None, str]:
    """Id and text of one entry, and what is wrong with it; ChEF's files call the text `answer`."""
    if not isinstance(entry, dict):
        return None, None, f"entry {number} is {shorten(entry)}, expected an object with `id` and `text`"
    name = entry.get("id")
    id_ = id_text(name)
    if id_ is None and name is not None:
        return None, None, f"entry {number}: `id` is {shorten(name)}, expected a text or a number"
    said = entry.get("text", entry.get("answer"))
    text = answer_of(said)
    if text is None:
        return id_, None, f"entry {number}: `text` is {shorten(said)}, expected a text (or, for keypoints, joint: text)"
    return id_, text, ""


def answer_of(said: Any) -> Answer | None:
    """What an entry says as an answer: a text, a number written as one, or texts by part. None for anything else.

    >>> answer_of(3), answer_of(2.0), answer_of(float("nan")), answer_of({"head": "(A)", "neck": None})
    ('3', '2.0', None, {'head': '(A)', 'neck': ''})
    """
    if isinstance(said, Mapping):
        parts = {str(part): "" if text is None else answer_of(text) for part, text in said.items()}
        return {part: text for part, text in parts.items() if isinstance(text, str)} if parts else None
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        return None
    return None if isinstance(said, float) and not math.isfinite(said) else str(said)
