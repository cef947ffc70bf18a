"""Answer files in upstream's format (reference 5.3): a list, or one object a line, of `{"id", "text"}`.

The original evaluator joins by position and never looks at the ids; `standard` joins by id. Both are offered, and what does
not fit is counted and said."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import id_text, parse_json, read_text, shorten
from lamm_bench.measure.scoring import Answered
from lamm_bench.types import Answer, Sample, Task

HUGE = 1e300  # what is beyond no float holds; JSON may say whole numbers of any length
KEYS = "`text` (ChEF's files: `answer`)"


@dataclass(frozen=True)
class AnswerFile:
    """The entries of one file, in file order; an answer that is none (null) is None."""

    path: Path
    ids: tuple[str | None, ...]
    texts: tuple[Answer | None, ...]
    notes: tuple[str, ...] = ()  # on entries that hold no answer
    scores: tuple[tuple[float, ...], ...] = ()  # of each entry's options, where likelihood decided; empty where none did
    probs: tuple[float | None, ...] = ()  # of each entry's answer, where the file says it (`prob`)
    thoughts: tuple[str, ...] = ()  # of each entry, what ChEF kept as `CoT_answer`: it stands before the answer in the text
    contents: tuple[Mapping[str, Any], ...] = ()  # the entries as they are, for tasks that join by more than ids

    def said(self, place: int, thoughts: bool) -> Answered | None:
        """The answer of an entry; without its thoughts, where those stand before it in the text."""
        text = self.texts[place]
        if text is None:
            return None
        thought = self.thoughts[place] if self.thoughts and not thoughts else ""
        if thought and isinstance(text, str) and text.startswith(thought):
            text = text[len(thought) :]
        prob = self.probs[place] if self.probs else None
        turns = turn_likelihoods(self.contents[place]) if self.contents and not isinstance(text, str) else {}
        return Answered(text, scores=self.scores[place] if self.scores else (), prob=prob, turn_scores=turns)

    def by_position(self, samples: Sequence[Sample], thoughts: bool = True) -> dict[str, Answered]:
        """The n-th answer belongs to the n-th item, whatever its id."""
        pairs = ((sample.id, self.said(place, thoughts)) for place, sample in enumerate(samples[: len(self.texts)]))
        return {name: said for name, said in pairs if said is not None}

    def by_id(self, samples: Sequence[Sample], thoughts: bool = True) -> tuple[dict[str, Answered], list[str]]:
        """Answers by id, and notes on what did not fit. Without any id in the file, position decides and a note says so.

        Where items share an id, the n-th answer with it belongs to the n-th of them; of more answers than items the first count."""
        if not self.ids:
            return {}, ["the file holds no answers"]
        if all(name is None for name in self.ids):
            return self.by_position(samples, thoughts), [*self.notes, "the answers carry no ids; joined by position"]
        places: dict[str, list[str]] = {}
        for position, sample in enumerate(samples):
            places.setdefault(given_id(sample.id, position, places), []).append(sample.id)
        known = {name: len(ids) for name, ids in places.items()}
        found: dict[str, Answered] = {}
        strangers: list[str] = []
        again: list[str] = []
        for number, (name, text) in enumerate(zip(self.ids, self.texts)):
            free = places.get(name or "", [])
            if text is None and known.get(name or "") == 1:
                continue  # a later answer to this item is its first
            if free:
                place, said = free.pop(0), self.said(number, thoughts)
                if said is not None:
                    found[place] = said
            else:
                (again if name in known else strangers).append(str(name))
        notes = list(self.notes)
        if strangers:
            notes.append(f"{counted(strangers, 'answer')} left out, whose id no item has: {some(strangers)}")
        if again:
            notes.append(f"{counted(again, 'answer')} left out, to items that have one already (the first counts): {some(again)}")
        return found, notes

    def join(self, samples: Sequence[Sample], protocol: str) -> tuple[dict[str, Answered], list[str]]:
        """By position under `classic`, as upstream's evaluator does; by id otherwise. `standard` reads no thoughts."""
        if protocol != "classic":
            return self.by_id(samples, protocol != "standard")
        difference = len(self.texts) - len(samples)
        said = "too many for joining by position, so there is no figure" if difference > 0 else "too few for joining by position"
        notes = [f"{abs(difference)} answer{'' if abs(difference) == 1 else 's'} {said}"] if difference else []
        return self.by_position(samples), [*self.notes, *notes]

    def by_content(self, task: Task, samples: Sequence[Sample]) -> AnswerFile:
        """The same answers with the ids of the samples that have their content, for a task that says what that is (`content_of`).

        Ids that are places in a listing differ between file systems; pictures and questions do not."""
        content_of = getattr(task, "content_of", None)
        if content_of is None or not self.contents:
            return self
        known = {sample.meta.get("content"): sample.id for sample in samples}
        found = (known.get(content_of(entry)) for entry in self.contents)
        return replace(self, ids=tuple(new or old for new, old in zip(found, self.ids)))


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
    """The task's answer file in a folder, or None. Raises `BenchError` where several could be meant.

    ChEF writes the time of the run behind the name of the set (`MMBench_20231101120000.json`, reference 5.3); an ending may also say
    how was asked (`MMBench.ppl.json`); a task of several on one set says which ways are its own (`answer_ways`)."""
    stems = "|".join(re.escape(stem) for stem in task.answer_files)
    ways = getattr(task, "answer_ways", "") or r"(?:[a-z]+_)*(?:direct|ppl)(?:_\w+)?"
    form = re.compile(rf"(?:{stems})(?:_\d{{14}}|\.(?:{ways}))?\.jsonl?")
    found = [path for path in sorted(folder.glob("*.json*")) if form.fullmatch(path.name) and path.is_file()]
    if len(found) > 1:
        raise BenchError(
            f"{folder} holds {', '.join(path.name for path in found)}, which are all answers to {task.name}; leave one of them there"
        )
    return found[0] if found else None


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
        raise BenchError(f"{path} holds {type(entries).__name__}, expected a list of objects with `id` and {KEYS}")
    ids, texts, scores, faults = [], [], [], []
    for number, entry in enumerate(entries):
        name, answer, fault = entry_of(number, entry)
        ids.append(name)
        texts.append(answer)
        scores.append(() if fault else likelihoods_of(entry))
        faults += [fault] if fault else []
    if entries and len(faults) == len(entries):
        raise BenchError(f"{path}: {faults[0]}")
    notes = (f"{counted(faults, 'entry').replace('entrys', 'entries')} without an answer: {faults[0]}",) if faults else ()
    kept = tuple(entry if isinstance(entry, dict) else {} for entry in entries)
    return AnswerFile(
        path, tuple(ids), tuple(texts), notes, tuple(scores), tuple(map(prob_of, kept)), tuple(map(thought_of, kept)), kept
    )


def entry_of(number: int, entry: Any) -> tuple[str | None, Answer | None, str]:
    """Id and text of one entry, and what is wrong with it.

    ChEF's files call the text `answer`, those of several turns `turn_answer`; of some (Winoground's) the likelihoods say all."""
    if not isinstance(entry, dict):
        return None, None, f"entry {number} is {shorten(entry)}, expected an object with `id` and {KEYS}"
    name = entry.get("id")
    id_ = id_text(name)
    if id_ is None and name is not None:
        return None, None, f"entry {number}: `id` is {shorten(name)}, expected a text or a number"
    said = entry.get("text", entry.get("answer", turns_of(entry)))
    text = answer_of(said)
    if said is None and likelihoods_of(entry):
        return id_, "", ""
    if text is None:
        key = next((f"`{key}`" for key in ("text", "answer", "turn_answer") if key in entry), "")
        found = f"{key} is {shorten(entry[key.strip('`')])}" if key else f"there is no {KEYS}"
        return id_, None, f"entry {number}: {found}, expected a text (or, for keypoints, joint: text)"
    return id_, text, ""


def turns_of(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answers of several turns by number, and by what each was about where the file says that: upstream's order of classes is none.

    >>> turns_of({"turn_answer": [{"answer": "a cat"}, {"answer": "[0, 0, 1, 1]"}]})
    {'1': 'a cat', '2': '[0, 0, 1, 1]'}
    >>> turns_of({"turn_answer": [{"answer": "a cat"}, {"answer": "?"}], "multi_turn_prefix": [{"prefix": None}, {"prefix": "cat"}]})
    {'1': 'a cat', '2 cat': '?'}
    """
    turns = entry.get("turn_answer")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return None
    told = entry.get("multi_turn_prefix")
    about = told if isinstance(told, list) and len(told) == len(turns) and all(isinstance(one, dict) for one in told) else turns
    names = [f"{number} {one.get('prefix') or ''}".strip() for number, one in enumerate(about, 1)]
    return {name: turn.get("answer") for name, turn in zip(names, turns)}


def turn_likelihoods(entry: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """The scores of each turn's options, by the turn's number, of the turns that have them.

    >>> turn_likelihoods({"turn_answer": [{"probs": [1.0, 0.0]}, {"answer": "a cat"}]}), turn_likelihoods({})
    ({'1': (0.0, -inf)}, {})
    """
    turns = entry.get("turn_answer")
    if not isinstance(turns, list):
        return {}
    found = {str(number): likelihoods_of(turn) for number, turn in enumerate(turns, 1) if isinstance(turn, dict)}
    return {number: scores for number, scores in found.items() if scores}


def prob_of(entry: Mapping[str, Any]) -> float | None:
    """The answer's own probability among its options.

    >>> prob_of({"prob": 0.5}), prob_of({"prob": "?"}), prob_of({"probs": [0.25, 0.75]})
    (0.5, None, None)
    """
    value: Any = entry.get("prob")
    return float(value) if is_number(value) else None


def likelihoods_of(entry: Mapping[str, Any]) -> tuple[float, ...]:
    """The options' scores: `ppl_results` as they stand (log-likelihoods since 2024, losses before), else the logarithms of `probs`.

    >>> likelihoods_of({"ppl_results": [-1, -2.5]}), likelihoods_of({"probs": [1.0, 0]}), likelihoods_of({"ppl_results": "?"})
    ((-1.0, -2.5), (0.0, -inf), ())
    """
    for key in ("ppl_results", "probs"):
        given = entry.get(key)
        if isinstance(given, list) and given and all(is_number(value) for value in given):
            if key == "ppl_results":
                return tuple(float(value) for value in given)
            return tuple(math.log(value) if value > 0 else -math.inf for value in given)
    return ()


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < HUGE


def thought_of(entry: Mapping[str, Any]) -> str:
    """What was thought before an answer that was generated; where likelihood decided, the answer stands alone."""
    thought = entry.get("CoT_answer")
    return thought if isinstance(thought, str) and not likelihoods_of(entry) else ""


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
