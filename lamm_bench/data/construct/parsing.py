"""From what a language model said to turns. Tolerant of form, never of content: what is not there is not made up."""

from __future__ import annotations

import json
import re
from typing import Any

from lamm_bench.read.thoughts import visible
from lamm_bench.types import Response

from .dialogue import Dialogue, Turn, Verdict
from .prompting import TYPES, Unit

ASKS, ANSWERS = ("question", "human", "user", "q", "instruction"), ("answer", "gpt", "assistant", "a", "response", "description")
BEGINS = re.compile(r'\{\s*"|\[\s*\{\s*"')
SPOKEN = re.compile(
    r"^\W{0,3}(?P<who>question|answer|q|a|user|assistant|human|person)\W{0,3}\d{0,2}\W{0,3}?[:.)][ \t*]*(?P<text>.+?)(?=^\W{0,3}(?:question|answer|q|a|user|assistant|human|person)\W{0,3}\d{0,2}\W{0,3}?[:.)]|\Z)",
    re.I | re.M | re.S,
)

WRAPS = re.compile(
    r"\A```[^\n`]*\n|\n?```\Z|\A[*_#\s]{0,3}(?:answer|description|caption|response|a)[*_\s]{0,3}:[*_\s]{0,3}(?=\w|\")"
    r"|\A(?:sure|certainly|of course|here)\b[^\n:]{0,80}:\s*\n",
    re.I,
)
TAGGED = re.compile(r"<(?P<tag>\w{1,20})>(?P<text>.*)</(?P=tag)>", re.S)
FORMED = re.compile(  # what is left of a form that could not be read, and would be taken for words
    r"[{}]|```|</?\w{1,20}>|[\"']\w{1,20}[\"']\s*:\s*[\"'\[]|^\W{0,3}\d{0,2}\W{0,3}(?:question|q|answer|human|gpt)\W{0,3}\d{0,2}\W{0,3}:",
    re.I | re.M,
)


def parsed(unit: Unit, response: Response, flat: bool) -> Dialogue | Verdict:
    """The dialogue of an answer; a verdict where there is none."""
    if response.error is not None:
        return Verdict(unit.id, "refusal" if response.status == "refused" else "failed", response.error[:200])
    if response.finish == "length":
        return Verdict(unit.id, "cut", f"ends with {response.text[-40:]!r}")
    turns = turns_in(response.text, unit.question)
    if not turns:
        return Verdict(unit.id, "not_json", f"says {response.text[:60]!r}")
    if unit.question:  # C3 has one round, whose question is ours
        turns = [Turn(unit.question, turns[0].answer)] if len(turns) == 1 else []
        if not turns:
            return Verdict(unit.id, "form", "has several rounds, expected one description")
    return Dialogue(unit.id, unit.kind, unit.facts, TYPES[unit.kind][0 if flat else 1], tuple(turns))


def turns_in(text: str, question: str = "") -> list[Turn]:
    """The rounds that a text holds: JSON anywhere in it, else lines that say who speaks, else (to one `question`) the text itself.

    >>> turns_in('Sure! {"dialogue": [{"question": "What is it?", "answer": "A cat."}]}')
    [Turn(question='What is it?', answer='A cat.')]
    >>> turns_in("Q: What is it?\\nA: A cat.\\nQ: Asleep?\\nA: Yes,\\nit is.")
    [Turn(question='What is it?', answer='A cat.'), Turn(question='Asleep?', answer='Yes, it is.')]
    >>> turns_in('{"dialogue": [{"question": "What is'), turns_in("A cat sleeps.", "Describe it.")
    ([], [Turn(question='Describe it.', answer='A cat sleeps.')])
    """
    said = visible(text).strip()
    if (begin := BEGINS.search(said)) is not None:
        value = whole_at(said, begin.start())
        return [] if value is None else of_json(value, question)
    spoken = of_lines(said)
    if spoken or not question:
        return spoken
    bare = unwrapped(said)
    return [Turn(question, clean(bare))] if bare and not FORMED.search(bare) else []


def unwrapped(text: str) -> str:
    """A text without what stands around it: a fence, a tag, marks of quotation, a word that says what it is.

    >>> unwrapped("```\\nA cat.\\n```"), unwrapped("<answer>A cat.</answer>"), unwrapped('Here is the description:\\n\\n"A cat."'), unwrapped("Answer: A cat.")
    ('A cat.', 'A cat.', 'A cat.', 'A cat.')
    """
    before = ""
    while text != before:
        before = text
        text = WRAPS.sub("", text).strip()
        if (tagged := TAGGED.fullmatch(text)) is not None:
            text = tagged["text"].strip()
        if len(text) > 1 and (text[0], text[-1]) in (('"', '"'), ("\u201c", "\u201d")) and text[0] not in text[1:-1]:
            text = text[1:-1].strip()
    return text


def whole_at(text: str, place: int) -> Any | None:
    """The JSON value that begins there; None where it is broken or half: what of it is whole nobody can know."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(text, place)[0]
    except (ValueError, RecursionError):
        return None


def of_json(value: Any, question: str) -> list[Turn]:
    """The rounds of a JSON value of any usual form; none where any of them is something else."""
    if isinstance(value, dict):
        rounds = next((one for one in value.values() if isinstance(one, list) and one), None)
        if rounds is None:
            rounds = [value]
    else:
        rounds = value
    if not isinstance(rounds, list) or not all(isinstance(one, dict) for one in rounds):
        return []
    if all({"from", "value"} <= one.keys() for one in rounds):  # LAMM's own form
        texts = [one["value"] for one in rounds]
        rounds = (
            [{"question": asked, "answer": said} for asked, said in zip(texts[0::2], texts[1::2])] if len(texts) % 2 == 0 else []
        )
    found = []
    for one in rounds:
        lower = {str(key).casefold(): text for key, text in one.items()}
        asked = next((lower[key] for key in ASKS if key in lower), question)
        said = next((lower[key] for key in ANSWERS if key in lower), None)
        if not isinstance(asked, str) or not isinstance(said, str):
            return []
        found.append(Turn(clean(asked), clean(said)))
    return found


def of_lines(text: str) -> list[Turn]:
    """Rounds told by who speaks; none where they do not alternate."""
    spoken = [(match["who"].casefold(), clean(match["text"])) for match in SPOKEN.finditer(text)]
    asked = ("question", "q", "user", "human", "person")
    if len(spoken) % 2 or any((who in asked) != (place % 2 == 0) for place, (who, _) in enumerate(spoken)):
        return []
    return [Turn(question, answer) for (_, question), (_, answer) in zip(spoken[0::2], spoken[1::2])]


def clean(text: str) -> str:
    return " ".join(text.split())
