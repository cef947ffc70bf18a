"""Tables of labels: CSV, TSV or JSONL (`file`); `media` is the folder of the media.

`columns` says where they stand, as `{media: filename, label: class}`; known are media, label, caption, words, count, counted, smiling,
hair, question, options, answer and split. Lists in a cell are parted by `|`. With `fine: true` labels are of closely related kinds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lamm_bench.data.construct.facts import Facts, Question, picture
from lamm_bench.data.construct.plan import Source
from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import parse_json, read_text, shorten
from lamm_bench.media import modalities, modality

from . import Reject
from ._shared import name_in, within

OPTIONS = ("file", "media", "columns", "fine", "modality")
COLUMNS = (
    "media", "label", "caption", "words", "count", "counted", "smiling", "hair", "question", "options", "answer", "split"
)  # fmt: skip

LETTERS = 26  # options that have a letter


def read(source: Source, reject: Reject) -> Iterator[Facts]:
    file, media = source.need("file"), source.need("media")
    columns = columns_of(source)
    kind = source.options.get("modality", picture())
    if kind not in modalities():
        modality(str(kind))  # says which there are
    for number, row in enumerate(rows(file)):
        where = f"{source.name}:{file.stem}/{number}"
        told = {name: row.get(column) for name, column in columns.items()}
        if told.get("split") and str(told["split"]) != source.split:
            continue
        path = within(told.get("media"))
        if path is None:
            reject(where, "path", f"its media {shorten(told.get('media'))} is no path within {media}")
            continue
        try:
            known = facts_of(told, bool(source.options.get("fine", False)))
        except ValueError as fault:
            reject(where, "form", str(fault))
            continue
        if not known:
            reject(where, "no_annotation", "has nothing in any column that is read")
            continue
        yield Facts(where, source.name, kind, f"{source.name}/{path}", str((media / path).absolute()), **known)


def columns_of(source: Source) -> dict[str, str]:
    given = source.options.get("columns", {})
    if not isinstance(given, Mapping):
        raise BenchError(f"{source.where}: `columns` is {shorten(given)}, expected a mapping such as {{media: filename}}")
    for name in given:
        if name not in COLUMNS:
            raise unknown(f"column ({source.where})", str(name), COLUMNS)
    return {name: str(given.get(name, name)) for name in COLUMNS}


def rows(file: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a table by column. Raises `BenchError` for one that cannot be read."""
    text = read_text(file)
    if file.suffix == ".jsonl":
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                data = parse_json(line, f"{file}, line {number}")
                if not isinstance(data, dict):
                    raise BenchError(f"{file}, line {number} holds {type(data).__name__}, expected an object")
                yield data
        return
    if file.suffix not in (".csv", ".tsv"):
        raise BenchError(f"{file} ends in {file.suffix or 'nothing'}, expected .csv, .tsv or .jsonl")
    try:
        yield from csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if file.suffix == ".tsv" else ",")
    except csv.Error as error:
        raise BenchError(f"{file} cannot be read as a table: {error}") from None


def facts_of(told: Mapping[str, Any], fine: bool) -> dict[str, Any]:
    """What one row tells. Raises ValueError where a cell has another form."""
    found: dict[str, Any] = {}
    if label := name_in(told["label"]):
        found |= {"labels": (label,), "fine": fine}
    if captions := listed(told["caption"]):
        found["captions"] = captions
    if words := listed(told["words"]):
        found["words"] = words
    if told["count"] not in (None, ""):
        counted = name_in(told["counted"])
        if not counted or not str(told["count"]).isdecimal():
            raise ValueError(
                f"its count is {shorten(told['count'])} of {shorten(told['counted'])}, expected a whole number and a name"
            )
        found["counts"] = {counted: int(told["count"])}
    traits = {name: name_in(told[name]).casefold() for name in ("smiling", "hair") if name_in(told[name])}
    if traits.get("smiling", "yes") not in ("yes", "no"):
        raise ValueError(f"smiling is {shorten(told['smiling'])}, expected yes or no")
    if traits:
        found["traits"] = traits
    if told["question"]:
        options, answer, asked = listed(told["options"]), name_in(told["answer"]), name_in(told["question"])
        if not asked:
            raise ValueError(f"its question is {shorten(told['question'])}, expected a text")
        if len(options) > LETTERS or len(set(options)) < len(options):
            raise ValueError(f"its options are {shorten(options)}, expected at most {LETTERS}, each once")
        if answer not in options:
            raise ValueError(f"the answer {shorten(answer)} is none of its options")
        lettered = " ".join(f"({chr(65 + place)}) {option}" for place, option in enumerate(options))
        found["questions"] = (Question(f"{asked}\nOptions: {lettered}", options, options.index(answer)),)
    return found


def listed(value: Any) -> tuple[str, ...]:
    """The parts of a cell, or of a list of texts."""
    parts = value if isinstance(value, list) else str(value).split("|") if value else []
    return tuple(found for part in parts if (found := name_in(part)))
