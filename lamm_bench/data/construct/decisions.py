"""What a person decided about dialogues: `decisions.jsonl`, one line a decision, the last one of a dialogue counts.

A decision is about what was read: it names a digest of the dialogue's text, and falls away when that changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import digest

from .dialogue import Dialogue
from .folder import read_lines

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
