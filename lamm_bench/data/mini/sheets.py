"""Files of ChEF's scenarios that are no lists of JSON objects: tables with tabs, and one JSON object a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Entries = Sequence[Mapping[str, Any]]


def table(entries: Entries) -> str:
    """Columns of the first entry, parted by tabs."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(entries[0]), delimiter="\t", lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(entries, key=lambda entry: entry["index"]))
    return buffer.getvalue()


def lines(entries: Entries) -> str:
    """Objects numbered from 1, one a line."""
    numbered = [{"question_id": number, **entry} for number, entry in enumerate(entries, 1)]
    return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in numbered)


SHEETS: dict[str, tuple[str, Callable[[Entries], str]]] = {
    "MMBench": ("MMBench/mmbench_dev_20230712.tsv", table),
    **{
        f"coco_pope_{setting}": (f"coco_pope/coco_pope_{setting}.json", lines) for setting in ("random", "popular", "adversarial")
    },
}
"""Stem -> file below the part's folder, and its form."""


def write_sheet(folder: Path, stem: str, entries: Entries) -> None:
    """One of them."""
    name, form = SHEETS[stem]
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(form(entries), encoding="utf-8")
