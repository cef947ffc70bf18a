"""What every inferencer asks with where solved examples stand before the question."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lamm_bench import media
from lamm_bench.read import read_choice
from lamm_bench.task import lettered
from lamm_bench.types import Adapter, Sample, Task, Turn

from .asking import Asking
from .examples import Examples, Shot, with_examples
from .inferencers import ChainOfThought, letter
from .instruction import Prompt, fill
from .recipe import Recipe

# Places are shown as LAMM gives them (reference 4.3), with two decimals: the many of an oracle, which is exact, would be imitated.
PLACES = re.compile(r"\[-?\d[\d.eE+-]*(?:, -?\d[\d.eE+-]*)+\]")
LONG = re.compile(r"-?\d+\.\d{3,}(?:[eE][+-]?\d+)?")
Native = Callable[[Task, Sample, str], str]
"""A perfect answer in the words and numbers of a convention of places."""


@dataclass(frozen=True)
class Exampled:
    """An `Asker`: the sample's own, with its examples in front, each worded as the sample is."""

    own: Asking
    shots: Sequence[Asking]
    form: str
    answer: Callable[[Asking, str, Prompt], str]

    def __call__(self, part: str) -> Prompt:
        return with_examples(self.own(part), [self.shot(one, part) for one in self.shots], self.form)

    def shot(self, one: Asking, part: str) -> Shot:
        prompt = one(part)
        question = (
            one.question(part) if "{question}" in one.entry() else prompt.question
        )  # what asks without a question is the prompt
        return Shot(prompt.messages[-1], question, fill(prompt.answer, {"option": self.answer(one, part, prompt)}))

    @property
    def turns(self) -> tuple[Turn, ...]:
        return self.own.turns

    def turn(self, number: int) -> Prompt:
        return self.own.turn(number)


def behind(
    own: Asking, shots: Sequence[Asking], examples: Examples, task: Task, inferencer: object, native: Native | None
) -> Asking | Exampled:
    """The asker of a sample behind its examples. ChEF leaves them out where the model reasons (reference 9.4), and so do its rules."""
    reasons = isinstance(inferencer, ChainOfThought) or bool(getattr(inferencer, "think", ""))
    if not shots or (examples.rules == "chef" and reasons):
        return own

    def answer(one: Asking, part: str, prompt: Prompt) -> str:
        return answer_of(task, one, part, inferencer, native, prompt.words)

    return Exampled(own, shots, examples.form, answer)


def answer_of(task: Task, one: Asking, part: str, inferencer: object, native: Native | None, words: tuple[str, ...] = ()) -> str:
    """What is right, in the form in which it is wanted: places in the model's own numbers, an option as it will be scored."""
    truth, shown = task.oracle(one.sample, part), getattr(inferencer, "shown", None)
    right = option_in(truth, one.sample) if words or shown is not None else None
    if right is not None:
        return words[right] if words else str(shown(right, one.sample))  # type: ignore[misc]
    said = truth if native is None else native(task, one.sample, truth)
    return PLACES.sub(lambda place: LONG.sub(two_decimals, place.group()), said) if said == truth else said


def option_in(truth: str, sample: Sample) -> int | None:
    """Which option a perfect answer names: by its letter, or by its text where options have none, or as answers are read."""
    names = [f"({letter(index)})" if lettered(sample) else text for index, text in enumerate(sample.choices)]
    if truth in names:
        return names.index(truth)
    return read_choice(truth, sample.choices) if sample.choices else None


def two_decimals(number: re.Match[str]) -> str:
    return f"{float(number.group()):.2f}"


def why_no_examples(task: Task, recipe: Recipe, adapter: Adapter) -> str | None:
    """Why a recipe's examples cannot be shown, whatever the samples are; None where they can."""
    if getattr(recipe.inferencer_for(task.name), "in_turns", False):
        return f"recipe {recipe.name} asks in turns, each a conversation of its own, before which no examples stand"
    if getattr(adapter, "one_medium", False):
        many = media.many(task.modality)
        return f"{adapter.name} takes one of its {many} a conversation, and the examples of recipe {recipe.name} bring more"
    return None
