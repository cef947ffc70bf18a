"""A dialogue that was made, and the decision about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .facts import Facts


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What is said about one medium."""

    id: str
    kind: str  # C1, C2, C3 or C4
    facts: str  # the id of the facts that it was made of
    task_type: str  # reference 4.2
    turns: tuple[Turn, ...]

    def to_json(self) -> dict[str, Any]:
        turns = [[turn.question, turn.answer] for turn in self.turns]
        return {"id": self.id, "kind": self.kind, "facts": self.facts, "task_type": self.task_type, "turns": turns}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Dialogue:
        """The other way of `to_json`. Raises TypeError, KeyError or ValueError for an object of another form."""
        turns = tuple(Turn(question, answer) for question, answer in data["turns"])
        made = cls(data["id"], data["kind"], data["facts"], data["task_type"], turns)
        said = (text for turn in turns for text in (turn.question, turn.answer))
        if not all(isinstance(text, str) for text in (made.id, made.kind, made.facts, made.task_type, *said)):
            raise TypeError("a text is none")
        return made

    def lamm(self, facts: Facts, key: str) -> dict[str, Any]:
        """The item of LAMM's JSON (reference 4.2); `key` is the modality's."""
        said = [
            {"from": who, "value": text} for turn in self.turns for who, text in (("human", turn.question), ("gpt", turn.answer))
        ]
        item = {"id": self.id, key: facts.path, "conversations": said, "task_type": self.task_type}
        return item | ({"src_image": facts.path} if facts.flat else {"src_dataset": facts.source, "src_id": facts.id})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a dialogue is kept; else why not, in one word and in one sentence."""

    id: str
    reason: str = ""  # empty: kept
    what: str = ""
    by: str = "check"  # or "person"
