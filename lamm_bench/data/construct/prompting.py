"""What a language model is asked for C1, C2 and C3: the facts as data, behind a system message and solved examples.

Boxes never reach the model: where things stand is told in words, so that no number of a box can leak into an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from lamm_bench.loading import load_yaml
from lamm_bench.measure.stats import seed_of
from lamm_bench.media import modality
from lamm_bench.types import Generate, Message

from .facts import Facts, Thing

MOST = 12  # sentences, relations and kinds of things that are told of one medium
TYPES = {
    "C1": ("conversation", "conversation3d"),
    "C2": ("conversation", "conversation3d"),
    "C3": ("description", "description3d"),
}
SEEDS = 2**31  # servers take a signed number of 32 bits

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["dialogue"],
    "properties": {
        "dialogue": {
            "type": "array",
            "minItems": 1,
            "maxItems": 12,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["question", "answer"],
                "properties": {"question": {"type": "string"}, "answer": {"type": "string"}},
            },
        }
    },
}
"""Of an answer, for servers that can be held to one (`response_format`)."""


@dataclass(frozen=True)
class Unit:
    """One request for one dialogue."""

    id: str
    kind: str
    facts: str
    request: Generate
    question: str = ""  # that the dialogue has to begin with (C3)


@lru_cache(maxsize=1)
def prompts() -> Mapping[str, Any]:
    return dict(load_yaml(Path(__file__).parent / "prompts.yaml"))


def units(
    kind: str,
    facts: Sequence[Facts],
    settings: Mapping[str, Any],
    seed: int,
    questions: Sequence[str] = (),
) -> Iterator[Unit]:
    """The requests of one kind, of all facts that tell enough for it. `questions` are the pool of C3."""
    for one in facts:
        told = {"C1": scene_told, "C2": knowledge_told, "C3": scene_told}[kind](one)
        if told is None:
            continue
        for number in range(int(settings["per_medium"])):
            name = f"{kind}/{one.id}/{number}"
            rng = Random(f"{seed}/{name}")
            question = rng.choice(questions or prompts()["C3"]["questions"]) if kind == "C3" else ""
            data = {"question": question, **told} if question else told
            yield Unit(name, kind, one.id, request(kind, one, data, settings, seed_of(str(seed), name) % SEEDS, rng), question)


def request(kind: str, facts: Facts, data: Mapping[str, Any], settings: Mapping[str, Any], seed: int, rng: Random) -> Generate:
    """System message, solved examples, and the facts."""
    own = prompts()[kind]
    what = modality(facts.kind).one or f"a {modality(facts.kind).short}"
    values = {"{what}": what, "{noun}": what.split(maxsplit=1)[-1], "{rounds}": str(settings.get("rounds", 1))}
    system = " ".join((own["system"], prompts()["rules"], prompts()["shape"]))
    for field, value in values.items():
        system = system.replace(field, value)
    messages = [Message("system", (system,))]
    chosen = rng.sample(own["examples"], min(int(settings["examples"]), len(own["examples"])))
    for example in chosen:
        messages += [
            Message("user", (shown(example["facts"]),)),
            Message("assistant", (json.dumps(example["said"], ensure_ascii=False),)),
        ]
    messages.append(Message("user", (shown(data),)))
    return Generate(tuple(messages), int(settings["new_tokens"]), temperature=float(settings["temperature"]), seed=seed)


def shown(data: Mapping[str, Any]) -> str:
    """The facts as they are told: one JSON value, so that no text in it can end it."""
    return f"FACTS: {json.dumps(data, ensure_ascii=False)}"


def scene_told(facts: Facts) -> dict[str, Any] | None:
    """What is known of a picture or room, without a number of any box; None where it is too little to talk about."""
    told: dict[str, Any] = {}
    if facts.labels:
        told["names"] = list(facts.labels)
    if facts.captions:
        told["sentences"] = list(facts.captions[:MOST])
    if numbers := facts.numbers():
        told["things"] = dict(sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST])
    if found := [f"{thing.label} {where(thing, facts.flat)}" for thing in facts.things if thing.box and where(thing, facts.flat)]:
        told["places"] = list(dict.fromkeys(found))[:MOST]
    if facts.relations:
        told["relations"] = [" ".join(one) for one in facts.relations[:MOST]]
    if facts.words:
        told["written"] = list(facts.words[:MOST])
    enough = facts.captions or facts.relations or len(facts.things) > 1
    return told if enough else None


def knowledge_told(facts: Facts) -> dict[str, Any] | None:
    """What the main thing is, what is above it, and what is known of it; None without such a text."""
    if not facts.knowledge:
        return None
    name, text = next(iter(facts.knowledge.items()))
    kinds = [" ".join(one) for one in facts.relations if one[0] == name and one[1] == "is a kind of"]
    told: dict[str, Any] = {"names": [name]}
    if kinds:
        told["kinds"] = kinds
    return {**told, "knowledge": {name: text}}


def where(thing: Thing, flat: bool) -> str:
    """A third of the picture in words; of rooms nothing, whose left and right nobody knows."""
    if not flat or len(thing.box) != 4:
        return ""
    middle = (thing.box[0] + thing.box[2]) / 2
    return "left" if middle < 1 / 3 else "right" if middle > 2 / 3 else "middle"
