"""Which dialogues of a construction are shown, each with its facts and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lamm_bench.data.construct.decisions import decisions_in, text_digest
from lamm_bench.data.construct.dialogue import Dialogue, Verdict
from lamm_bench.data.construct.facts import Facts
from lamm_bench.data.construct.folder import MARK, read_as
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import digest


@dataclass(frozen=True)
class Reviewed:
    """One dialogue as it is shown."""

    dialogue: Dialogue
    facts: Facts
    verdict: Verdict
    text: str  # a digest of its words, which a decision names
    decision: str  # accept, reject or empty


def gather(folder: Path, kept: int, refused: int, seed: int = 0) -> tuple[list[Reviewed], int]:
    """A sample of `kept` and of `refused` dialogues, every kind and every reason alike, and how many there are in all.

    Raises `BenchError` where the folder is no finished construction."""
    if not (folder / MARK).is_file() or not (folder / "checked.jsonl").is_file():
        raise BenchError(f"{folder} is no construction that has come to its checks; make one with `lamm-bench data construct`")
    dialogues = {one.id: one for one in read_as(folder / "dialogues.jsonl", Dialogue.from_json)}
    facts = {one.id: one for one in read_as(folder / "facts.jsonl", Facts.from_json)}
    told = read_as(folder / "checked.jsonl", lambda row: Verdict(row["id"], row["reason"], row["what"], row["by"]))
    verdicts = {one.id: one for one in told}
    if any(name not in verdicts or one.facts not in facts for name, one in dialogues.items()):
        raise BenchError(f"{folder} was left between two stages; run the same `data construct` again, which goes on there")
    decided = decisions_in(folder, dialogues)
    groups: dict[str, list[str]] = {}
    for name, one in dialogues.items():
        reason = verdicts[name].reason
        groups.setdefault(f"refused {reason}" if reason else f"kept {one.kind} {one.task_type}", []).append(name)
    chosen = spread({key: names for key, names in groups.items() if key.startswith("kept")}, kept, seed)
    chosen += spread({key: names for key, names in groups.items() if key.startswith("refused")}, refused, seed)
    shown = [
        Reviewed(
            dialogues[name], facts[dialogues[name].facts], verdicts[name], text_digest(dialogues[name]), decided.get(name, "")
        )
        for name in chosen
    ]
    return shown, len(dialogues)


def spread(groups: Mapping[str, Sequence[str]], most: int, seed: int) -> list[str]:
    """Names of all groups in turn, drawn by the seed, group by group in the end.

    >>> spread({"a": ["1", "2", "3"], "b": ["4"]}, 3, 0)[-1], len(spread({"a": ["1"]}, 9, 0))
    ('4', 1)
    """
    drawn = {key: sorted(names, key=lambda name: digest([seed, name])) for key, names in groups.items()}
    taken: dict[str, int] = dict.fromkeys(drawn, 0)
    while sum(taken.values()) < most and any(taken[key] < len(names) for key, names in drawn.items()):
        for key, names in drawn.items():
            if taken[key] < len(names) and sum(taken.values()) < most:
                taken[key] += 1
    return [name for key, names in drawn.items() for name in names[: taken[key]]]
