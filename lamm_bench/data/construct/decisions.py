"""What a person decided about dialogues: `decisions.jsonl`, one line a decision, the last one of a dialogue counts.

A decision is about what was read: it names a digest of the dialogue's text, and falls away when that changes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import digest, write_whole

from .dialogue import Dialogue
from .folder import MARK, read_as, read_lines

FILE = "decisions.jsonl"
SAID = ("accept", "reject")


def text_digest(dialogue: Dialogue) -> str:
    """Of the words of a dialogue, and nothing else of it."""
    return digest([[turn.question, turn.answer] for turn in dialogue.turns], 12)


def decisions_in(folder: Path, dialogues: Mapping[str, Dialogue]) -> dict[str, str]:
    """`accept` or `reject` by dialogue. Raises `BenchError` for a line that is no decision."""
    path = folder / FILE
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for number, row in enumerate(read_lines(path), 1):
        name, said = row.get("id"), row.get("decision")
        if not isinstance(name, str) or said not in SAID:
            raise BenchError(f"{path}, entry {number} is no decision; expected `id`, `text` and `decision` accept or reject")
        if name in dialogues and row.get("text", text_digest(dialogues[name])) == text_digest(dialogues[name]):
            found[name] = said
    return found


def taken(folder: Path, file: Path) -> Counter[str]:
    """Adds the decisions of a file to a construction's own; how many of each kind, and how many are about no dialogue of it.

    Raises `BenchError` where a line is no decision, and then takes none."""
    if not (folder / MARK).is_file():
        raise BenchError(f"{folder} is no construction; make one with `lamm-bench data construct`")
    dialogues = {one.id: one for one in read_as(folder / "dialogues.jsonl", Dialogue.from_json)}
    counts: Counter[str] = Counter()
    fresh = []
    for number, row in enumerate(read_lines(file), 1):
        name, text, said = row.get("id"), row.get("text"), row.get("decision")
        if not isinstance(name, str) or not isinstance(text, str) or said not in SAID:
            raise BenchError(f"{file}, entry {number} is no decision; expected `id`, `text` and `decision` accept or reject")
        if name not in dialogues or text_digest(dialogues[name]) != text:
            counts["unknown"] += 1
            continue
        counts[said] += 1
        fresh.append({"id": name, "text": text, "decision": said})
    path = folder / FILE
    known = read_lines(path) if path.is_file() else []
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in (*known, *fresh))
    write_whole(path, lines.encode("utf-8", "backslashreplace"))
    return counts
