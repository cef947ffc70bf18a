"""A dialogue one question and answer at a time, for small language models: whole dialogues run on until they are cut.

Each request tells the facts and the questions that were asked already, and wants one pair; a server that can be is held to a schema whose
texts have a bounded form (next-steps, D: bounded by `maxLength` alone a small model fills them with zeros)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lamm_bench.types import Message, Response

from .dialogue import Dialogue, Turn, Verdict
from .parsing import parsed
from .prompting import TYPES, Unit, prompts, shown

LEDGER = "-steps"  # behind the kind, in the name of the ledger: its answers have a form of their own

PAIR: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["question", "answer"],
    "properties": {
        "question": {"type": "string", "pattern": "^[A-Z][A-Za-z0-9 ,'-]{8,100}\\?$"},
        "answer": {"type": "string", "pattern": "^[A-Z][A-Za-z0-9 ,;'.-]{1,300}\\.$"},
    },
}
"""Of one round, for servers that can be held to one."""

Ask = Callable[[Sequence[Unit]], Mapping[str, Response]]


def rounds_of(
    wanted: Sequence[Unit], rounds: int, flats: Mapping[str, bool], ask: Ask
) -> tuple[list[Unit], list[Dialogue | Verdict]]:
    """Everything that was asked, and of each unit its dialogue, or why there is none.

    A round that fails, or asks again what was asked, ends its dialogue; what was said before it stands. A round without an answer (a
    budget that ended, a server that is gone) leaves the whole dialogue for the next time."""
    told: dict[str, list[Turn]] = {one.id: [] for one in wanted}
    ended: dict[str, Verdict | None] = {}
    every: list[Unit] = []
    for number in range(rounds):
        steps = {one.id: step(one, told[one.id], number) for one in wanted if one.id not in ended}
        every += steps.values()
        given = ask(list(steps.values())) if steps else {}
        for name, asked in steps.items():
            found = parsed(asked, given[asked.id], flats[asked.facts]) if asked.id in given else None
            if found is None or (isinstance(found, Verdict) and found.reason == "failed"):
                told[name], ended[name] = [], replace(found, id=name) if found is not None else None
            elif isinstance(found, Verdict):
                ended[name] = replace(found, id=name)
            elif any(found.turns[0].question.casefold() == one.question.casefold() for one in told[name]):
                ended[name] = Verdict(name, "form", "asks again what was asked")
            else:
                told[name].append(found.turns[0])
    made: list[Dialogue | Verdict] = []
    for one in wanted:
        if turns := told[one.id]:
            made.append(Dialogue(one.id, one.kind, one.facts, TYPES[one.kind][0 if flats[one.facts] else 1], tuple(turns)))
        elif (why := ended.get(one.id)) is not None:
            made.append(why)
    return every, made


def step(unit: Unit, before: Sequence[Turn], number: int) -> Unit:
    """The request for one more round."""
    own = prompts()["step"]
    system, *examples, facts = unit.request.messages
    messages: list[Message] = [Message("system", (f"{system.text.removesuffix(prompts()['shape'])}{own}",))]
    for asked, said in zip(examples[0::2], examples[1::2]):
        pairs = json.loads(said.text)["dialogue"]
        place = min(number, len(pairs) - 1)
        known = [one["question"] for one in pairs[:place]]
        messages += [told_with(asked, known), Message("assistant", (json.dumps(pairs[place], ensure_ascii=False),))]
    messages.append(told_with(facts, [one.question for one in before]))
    request = replace(unit.request, messages=tuple(messages), seed=(unit.request.seed or 0) + number)
    return replace(unit, id=f"{unit.id}@{number}", request=request)


def told_with(message: Message, asked: Sequence[str]) -> Message:
    """The facts with the questions that were asked already."""
    data = json.loads(message.text.removeprefix("FACTS: "))
    return Message("user", (shown({**data, "asked already": list(asked)} if asked else data),))
