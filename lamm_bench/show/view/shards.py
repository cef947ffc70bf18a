"""A view's data as scripts: a page that is opened from a disk may not fetch files, but it may run its own.

data/meta.js      runs, tasks with their results and charts
data/rows-N.js    what a list, a filter and a search need of some thousand samples, in columns
data/more-N.js    everything else of a hundred samples, loaded when one of them is opened"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamm_bench.show.report.cards import READINGS, place_of, rounded
from lamm_bench.show.report.shapes import Shape
from lamm_bench.show.report.text import clean, figure

from .asked import Said
from .gather import Opinion, Seen, TaskSeen, classes_of, compact, said_classes
from .pictures import Pictures

ROWS, MORE = 5000, 100  # samples in a file
LOOKED_AT = 600  # characters of an answer that a search looks at, and of a question
LONGEST = 20_000  # characters of an answer that are shown
LONGEST_VALUE = 160
PLACES = 300  # shapes drawn of one opinion


class Shards:
    """Takes samples one after the other and writes them in files below `folder/data`."""

    def __init__(self, folder: Path, pictures: Pictures, runs: int, rows: int = ROWS, more: int = MORE) -> None:
        self.folder, self.pictures, self.runs = folder / "data", pictures, runs
        self.sizes = (rows, more)
        self.count = 0
        self.rows: list[dict[str, Any]] = []
        self.more: list[dict[str, Any]] = []
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, task: int, one: Seen) -> None:
        media = [self.pictures.of(medium) for medium in one.sample.media]
        self.put(row_of(task, one, media, self.runs), more_of(one, media))

    def put(self, row: dict[str, Any], more: dict[str, Any]) -> None:
        self.rows.append(row)
        self.more.append(more)
        self.count += 1
        if len(self.rows) == self.sizes[0]:
            self.write_rows()
        if len(self.more) == self.sizes[1]:
            self.write_more()

    def write_rows(self) -> None:
        number = (self.count - 1) // self.sizes[0]
        columns = {key: short(column) for key, column in columns_of(self.rows).items()}
        call(self.folder / f"rows-{number}.js", "rows", number, columns)
        self.rows = []

    def write_more(self) -> None:
        call(self.folder / f"more-{(self.count - 1) // self.sizes[1]}.js", "more", (self.count - 1) // self.sizes[1], self.more)
        self.more = []

    def close(self, meta: Mapping[str, Any]) -> None:
        """Writes what is left, and what there is in all."""
        if self.rows:
            self.write_rows()
        if self.more:
            self.write_more()
        told = {**meta, "count": self.count, "rows": self.sizes[0], "more": self.sizes[1]}
        (self.folder / "meta.js").write_text(f"lammView.meta({as_text(told)});\n", encoding="utf-8")


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in rows[0]} if rows else {}


def short(column: list[Any]) -> Any:
    """A column as its different values and their places, where these are few: the page reads them in less than half the time.

    >>> short(["a", "b", "a", "a", "b"]), short([["x"], ["x"]]), short([1, 2])
    ({'of': ['a', 'b'], 'at': [0, 1, 0, 0, 1]}, {'of': [['x']], 'at': [0, 0]}, [1, 2])
    """
    known: dict[Any, int] = {}
    values: list[Any] = []
    at = []
    for value in column:
        key = (type(value), tuple(value) if isinstance(value, list) else value)
        if key not in known:
            known[key] = len(values)
            values.append(value)
        at.append(known[key])
    return {"of": values, "at": at} if 2 * len(values) <= len(column) else column


def call(path: Path, name: str, number: int, value: Any) -> None:
    path.write_text(call_of(name, number, value), encoding="utf-8")


def call_of(name: str, number: int, value: Any) -> str:
    """A script that hands something to the page."""
    return f"lammView.{name}({number}, {as_text(value)});\n"


def as_text(value: Any) -> str:
    """JSON as the text of a script's string, in plain ASCII: nothing in it is ever read as code."""
    told = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return json.dumps(told, ensure_ascii=True).replace("<", "\\u003c")


def row_of(task: int, one: Seen, media: Sequence[Mapping[str, Any]], runs: int) -> dict[str, Any]:
    """What lists, filters and searches know of a sample; each run's columns end in its number."""
    first = media[0] if media else {}
    row: dict[str, Any] = {
        "task": task,
        "id": clean(one.sample.id, 200),
        "group": clean(one.sample.group.replace("\\", "/").rsplit("/", 1)[-1], 120),
        "asked": clean(one.sample.question, LOOKED_AT),
        "file": first.get("thumb", first.get("file", "")),
        "true": [clean(name, 80) for name in classes_of(one)[:20]],
    }
    for place in range(runs):
        own = one.said.get(place)
        row[f"status{place}"] = own.status if own is not None else ""
        row[f"tone{place}"] = own.tone if own is not None else ""
        row[f"value{place}"] = round(own.value, 4) if own is not None and own.value is not None else None
        row[f"said{place}"] = flat(own.answer) if own is not None else ""
        row[f"as{place}"] = [clean(name, 80) for name in said_classes(own)[:20]] if own is not None and own.status == "ok" else []
    return row


def flat(answer: Any) -> str:
    """An answer on one line, for the list."""
    text = answer if isinstance(answer, str) else " · ".join(f"{part}: {said}" for part, said in (answer or {}).items())
    return clean(text[:LOOKED_AT])


def more_of(one: Seen, media: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Everything that is shown of an opened sample."""
    return {
        "question": clean(one.sample.question),
        "choices": [clean(choice, 400) for choice in one.sample.choices],
        "media": list(media),
        "truth": texts(rounded(one.truth)),
        "shapes": places(one.shapes),
        "said": {str(place): told(own) for place, own in one.said.items()},
    }


def told(own: Opinion) -> dict[str, Any]:
    """One run's side of an opened sample, without what is empty."""
    whole = {
        "answer": texts(own.answer, own.spans),
        "error": clean(own.error, 2000) if own.error else "",
        "thoughts": [clean(text, LONGEST) for text in own.thoughts],
        "dialogue": [clean(text) for text in own.dialogue],
        "shapes": places(own.shapes),
        "reading": reading(own),
        "values": values(own.values),
        "weights": [round(score, 4) for score in own.scores],
        "probs": [round(float(prob), 4) for prob in own.values.get("probs", ())],
        "seconds": round(own.seconds, 3),
        "asked": [said_of(question) for question in own.questions],
    }
    return {key: value for key, value in whole.items() if value}


def texts(answer: Any, spans: Mapping[str, tuple[int, int]] | None = None) -> list[Any]:
    """An answer as a list of parts: name, then runs of text with 1 where they were read and 0 elsewhere."""
    if answer is None:
        return []
    found = []
    for part, text in {"": answer}.items() if isinstance(answer, str) else answer.items():
        begin, end = (spans or {}).get(part, (0, 0))
        runs = [(text[:begin], 0), (text[begin:end], 1), (text[end:], 0)]
        found.append([clean(part, 100), [[clean(run, LONGEST), read] for run, read in runs if run]])
    return found


def places(shapes: Iterable[Shape]) -> list[Any]:
    return [[clean(shape.label, 60), [round(number, 4) for number in shape.numbers]] for shape in list(shapes)[:PLACES]]


def reading(own: Opinion) -> str:
    """What the reader took from the answer, in words."""
    took = next((own.values[key] for key in READINGS if key in own.values), None)
    if own.status != "ok" or took is None or isinstance(took, dict):
        return ""
    if isinstance(took, list | tuple):
        named = [f"{each.get('label') or ''} {place_of(each)}".strip() if isinstance(each, dict) else str(each) for each in took]
        return clean(", ".join(named), 1000)
    return clean(figure(took, 3), 1000)


def values(of: Mapping[str, Any]) -> list[list[str]]:
    """A scorer's values as names and texts; long lists, which are drawn or read elsewhere, are left out."""
    pairs = [(name, figure(value, 3) if not isinstance(value, list | dict) else compact(value)) for name, value in of.items()]
    return [[clean(name, 60), clean(text)] for name, text in pairs if len(text) <= LONGEST_VALUE and name != "probs"]


def said_of(question: Said) -> dict[str, Any]:
    """A request as the page shows it."""
    whole = {
        "messages": [[role, clean(text)] for role, text in question.messages],
        "options": [clean(option, 400) for option in question.options],
        "begun": clean(question.begun),
        "part": clean(question.part, 100),
        "other": not question.exact,
    }
    return {key: value for key, value in whole.items() if value}


def task_of(task: TaskSeen, figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the overview and the charts know of a task."""
    return {
        "name": clean(task.name, 120),
        "kind": task.kind,
        "better": task.better,
        "unit": task.unit,
        "metric": task.metric,
        "share": task.share,
        "total": len(task.seen),
        "results": [[result_of(entry) for entry in entries] for entries in task.results],
        "figures": list(figures),
        "notes": {str(place): clean(note, 600) for place, note in task.notes.items()},
    }


def result_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of result.json; texts are cleaned, numbers stay."""
    keys = ("value", "ci95", "n", "unit", "better", "bounds", "clusters")
    metrics = {
        clean(name, 80): {**{key: one.get(key) for key in keys}, "note": clean(one.get("note") or "")}
        for name, one in entry["metrics"].items()
    }
    return {
        "protocol": clean(entry["protocol"], 40),
        "metrics": metrics,
        "counts": dict(entry.get("counts", {})),
        "references": dict(entry.get("references", {})),
        "notes": [clean(note, 600) for note in entry.get("notes", ())],
    }
