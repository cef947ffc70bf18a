"""Language models that tests script to write dialogues: a good one, and others that no data should be made with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.errors import Stopped
from lamm_bench.types import Generate, Response


def told(request: Generate) -> dict[str, Any]:
    """The facts of a request."""
    return dict(json.loads(request.messages[-1].text.removeprefix("FACTS: ")))


def kind_of(request: Generate) -> str:
    return request.sample.split("/")[0] or (
        "C3" if "question" in told(request) else "C2" if "knowledge" in told(request) else "C1"
    )


def rounds(*pairs: tuple[str, str]) -> str:
    return json.dumps({"dialogue": [{"question": question, "answer": answer} for question, answer in pairs]})


def good(request: Generate) -> str:
    """A true dialogue of the kind that is asked for."""
    if request.messages[-1].text.startswith("1. "):
        return new_wordings(request)
    facts = told(request)
    kind = kind_of(request)
    if kind == "C2":
        ((name, text),) = facts["knowledge"].items()
        return rounds(("What is shown here?", f"This is a {name}."), (f"What can you tell me about the {name}?", text))
    counted = ", ".join(f"{name} (there is a total of {number})" for name, number in facts.get("things", {}).items())
    seen = " ".join(facts.get("sentences", ())) or f"There is a {counted}."
    if kind == "C3":
        text = (
            f"{seen} To tell it once more, from its end: {' '.join(reversed(seen.rstrip('.').split()))}, and that is all of it."
        )
        return rounds((facts["question"], text))
    return rounds(
        ("What is going on here?", seen), ("What can be made out?", f"There is this: {counted}." if counted else "Only that.")
    )


VERBS = ("Work out", "Figure", "Report", "Announce", "Whisper", "Declare", "Jot down", "Reveal", "Spell out", "Confirm")


def new_wordings(request: Generate) -> str:
    """Ten new requests with the fields of those that were shown."""
    first = request.messages[-1].text.splitlines()[0]
    fields = " and ".join(f"{{{part.split('}')[0]}}}" for part in first.split("{")[1:])
    lines = [
        f"{verb} {['whatever meets your eye', 'without delay', 'once you have looked'][n % 3]} {n} {fields}".strip()
        for n, verb in enumerate(VERBS)
    ]
    return json.dumps({"requests": lines})


@dataclass
class Writer:
    """A language model as construction knows it; `say(request)` gives the text, or a whole response."""

    say: Callable[[Generate], str | Response] = good
    name: str = "scripted-writer"
    modalities: frozenset[str] = frozenset()
    asked: list[Generate] = field(default_factory=list)
    die_after: int | None = None
    stop_after: int | None = None
    mark: str = "script"

    def fingerprint(self) -> str:
        return self.mark

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number in reversed(range(len(requests))):  # the order must not matter
            if len(self.asked) == self.die_after:
                raise KeyboardInterrupt
            if len(self.asked) == self.stop_after:
                raise Stopped("the budget is spent")
            self.asked.append(requests[number])
            answer = self.say(requests[number])
            yield number, answer if isinstance(answer, Response) else Response(answer)
