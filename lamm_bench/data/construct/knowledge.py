"""Texts about labels, for C2: what Bamboo's hierarchy and Wikipedia gave LAMM, from files of one's own."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lamm_bench.errors import BenchError
from lamm_bench.loading import parse_json, read_text, shorten

from .facts import Facts
from .soundness import hostile

MOST = 1500  # characters of the text about a label that are told; the end of the last sentence before


def informed(facts: Facts, known: Mapping[str, str]) -> Facts:
    """The facts with what is known of their labels, of the whole medium's first."""
    if not known:
        return facts
    names = dict.fromkeys([*facts.labels, *(thing.label for thing in facts.things)])
    return replace(facts, knowledge={name: known[name.casefold()] for name in names if name.casefold() in known})


def described(files: Sequence[Path], reject: Callable[[str, str, str], None]) -> dict[str, str]:
    """Texts about labels: JSONL or CSV with `label` and `text`, or one JSON object from label to text.

    A text that speaks to a language model is left out and counted."""
    found: dict[str, str] = {}
    for file in files:
        for label, text in pairs_in(file):
            told = " ".join(text.split())
            told = told if len(told) <= MOST else told[:MOST].rpartition(". ")[0] + "."
            fault = hostile(told, asks=False)
            if fault is not None:
                reject(f"{file.name}/{label}", fault[0], fault[1])
            elif label and told.strip("."):
                found.setdefault(label.casefold(), told)
    return found


def pairs_in(file: Path) -> Iterator[tuple[str, str]]:
    if file.suffix == ".json":
        data = parse_json(read_text(file), str(file))
        if not isinstance(data, dict) or not all(isinstance(text, str) for text in data.values()):
            raise BenchError(f"{file} holds {shorten(data)}, expected an object from labels to texts")
        yield from data.items()
        return
    if file.suffix == ".jsonl":
        rows = [parse_json(line, f"{file}, line {n}") for n, line in enumerate(read_text(file).split("\n"), 1) if line.strip()]
    else:
        rows = list(csv.DictReader(io.StringIO(read_text(file), newline="")))
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("label"), str) or not isinstance(row.get("text"), str):
            raise BenchError(f"{file}, entry {number} is {shorten(row)}, expected the texts `label` and `text`")
        yield row["label"], row["text"]
