"""How a question is worded: prompts, the files of system messages, and what a conversation looks like before it is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import load_yaml
from lamm_bench.types import Media, Message, Sample

PROMPT_FOLDER = Path(__file__).parents[1] / "recipes" / "prompts"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation that ends where the model is to speak. Changing it gives a new one."""

    messages: tuple[Message, ...]
    answer: str = "{option}"  # how an option is said where likelihood decides; what stands before it begins the answer
    raw: str = ""  # the item's own question, before a pool's prompt; empty: the last message's text
    words: tuple[str, ...] = ()  # that the options are called by, where not by letter or text (verbalizers.py)

    def then(self, said: str) -> Prompt:
        """The same conversation after the model has said something."""
        return replace(self, messages=(*self.messages, Message("assistant", (said,))))

    def ask(self, text: str) -> Prompt:
        """The same conversation after one more question."""
        return replace(self, messages=(*self.messages, Message("user", (text,))))

    def reworded(self, text: str) -> Prompt:
        """The same conversation with another text in its last question; media stay."""
        last = self.messages[-1]
        media = tuple(part for part in last.parts if isinstance(part, Media))
        return replace(self, messages=(*self.messages[:-1], Message(last.role, (*media, text))))

    @property
    def own(self) -> str:
        """The item's own question, without what a pool's prompt adds."""
        return self.raw or self.question

    @property
    def question(self) -> str:
        return self.messages[-1].text


@dataclass(frozen=True, slots=True)
class PromptFile:
    """System messages by kind of task or by task, and the kind that each `task_type` of the training data gets."""

    name: str
    system: Mapping[str, str]
    task_types: Mapping[str, str]

    def of_kind(self, kind: str) -> str:
        """The system message for a kind of task; empty when the file has none."""
        return self.system.get(kind, "")

    def of_task(self, task: str, kind: str) -> str:
        """The system message for a task by its name, or else for its kind."""
        return self.system.get(task, self.of_kind(kind))

    def of_task_type(self, task_type: str) -> str:
        """The system message of a training dialogue. Raises `BenchError` for a `task_type` nobody knows."""
        if task_type not in self.task_types:
            raise unknown("task_type", task_type, self.task_types)
        return self.of_kind(self.task_types[task_type])


@lru_cache(maxsize=16)
def prompt_file(name: str) -> PromptFile:
    """A prompt file by name (`standard`, `none`) or by path."""
    if name == "none":
        return PromptFile("none", {}, {})
    path = Path(name) if name.endswith((".yaml", ".yml")) else PROMPT_FOLDER / f"{name}.yaml"
    if not path.is_file():
        if path.parent == PROMPT_FOLDER:
            raise unknown("prompt file", name, ["none", *(p.stem for p in PROMPT_FOLDER.glob("*.yaml"))])
        raise BenchError(f"prompt file {path} is missing")
    data = load_yaml(path)
    if not isinstance(data, dict):
        raise BenchError(f"{path} must be a mapping with the keys system and task_types")
    for key in data:
        if key not in ("system", "task_types"):
            raise unknown(f"key of {path.name}", str(key), ["system", "task_types"])
    for key in ("system", "task_types"):
        table = data.get(key, {})
        if not isinstance(table, dict) or not all(isinstance(k, str) and isinstance(v, str) for k, v in table.items()):
            raise BenchError(f"{path}: `{key}` must map texts to texts")
    return PromptFile(name, dict(data.get("system", {})), dict(data.get("task_types", {})))


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with each `{name}` replaced; replaced text is never looked at again, other braces stay.

    >>> fill("{question} {x}", {"question": "Where is {x}?"})
    'Where is {x}? {x}'
    """
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match.group(1), match.group(0)), template)


def question_of(sample: Sample, part: str) -> str:
    """The sample's question, with the part's name in its `{}`."""
    return sample.question.replace("{}", part, 1) if part else sample.question


def woven(sample: Sample, text: str) -> tuple[str | Media, ...]:
    """A question with its media: before it, or behind their marks, where `meta["interleave"]` tells the mark (`<image {n}>`) and each
    medium's number. Marks stay in the text, since other media may be spoken of by their numbers too."""
    told = sample.meta.get("interleave")
    if not told:
        return (*sample.media, text)
    found = []
    for one, number in zip(sample.media, told["numbers"]):
        mark = told["mark"].replace("{n}", str(number))
        place = text.find(mark)
        found.append((place + len(mark) if place >= 0 else 0, one))
    found += [(0, one) for one in sample.media[len(told["numbers"]) :]]
    parts: list[str | Media] = []
    at = 0
    for place, one in sorted(found, key=lambda pair: pair[0]):
        if place > at:
            parts.append(text[at:place])
        parts.append(one)
        at = place
    return (*parts, text[at:]) if text[at:] else tuple(parts)


def opening(sample: Sample, part: str, system: str, template: str) -> Prompt:
    """System message (when there is one), then the media and the question in one user message; media that the question has marks for
    stand behind them."""
    options = "\n".join(f"({chr(ord('A') + number)}) {choice}" for number, choice in enumerate(sample.choices))
    text = fill(template, {"question": question_of(sample, part), "options": options})
    user = Message("user", woven(sample, text))
    return Prompt((Message("system", (system,)), user) if system else (user,))
