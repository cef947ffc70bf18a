"""A sample's questions as a recipe words them: what every inferencer asks with (its `Asker`).

The text of a question is, from the inside out: the item's own; one sentence for each option (`verbalizer`); a prompt of a pool, or the user's
own (`prompt`, `defined_prompt`); the recipe's `template`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lamm_bench.errors import BenchError
from lamm_bench.measure.stats import seed_of
from lamm_bench.task import lettered
from lamm_bench.types import Sample, Task, Turn

from .inferencers import Weighing, letter
from .instruction import Prompt, fill, opening, prompt_file, question_of
from .pools import Pair, Pool, has_question, pool_of
from .recipe import Instruction, Recipe
from .verbalizers import introduced, words_for

ALONE: Pair = ("{option}", "{option}")


@dataclass(frozen=True)
class Asking:
    """Makes the opening prompts of one sample. Raises `BenchError` where the instruction does not fit it."""

    instruction: Instruction
    sample: Sample
    task: str
    system: str = ""
    turns: tuple[Turn, ...] = ()  # in which the task asks about it
    seed: int = 0
    reword: Callable[[str, Prompt], Prompt] | None = None  # for places, where they are not asked for as LAMM does

    @classmethod
    def of(
        cls,
        instruction: Instruction,
        task: Task,
        sample: Sample,
        seed: int,
        reword: Callable[[str, Prompt], Prompt] | None = None,
    ) -> Asking:
        system = prompt_file(instruction.prompts).of_task(task.name, task.kind)
        turns = tuple(task.turns(sample)) if hasattr(task, "turns") else ()
        return cls(instruction, sample, task.name, system, turns, seed, reword)

    def __call__(self, part: str) -> Prompt:
        """The question about one part of the sample, or about all of it."""
        question, words = self.question(part), self.words()
        text = fill(self.entry(), {"question": question})
        return self.opened(text, part, self.template(0), question if text != question else "", words)

    def question(self, part: str) -> str:
        """The bare question, with what the options are called."""
        question, words = question_of(self.sample, part), self.words()
        return f"{question}\n{introduced(self.letters(), words)}" if words else question

    def turn(self, number: int) -> Prompt:
        """The question of one turn, by itself: what was said before is not in it (reference 2.3)."""
        turn = self.turns[number]
        later = min(turn.prompt, 1)
        return self.opened(fill(self.pair()[later], {"prefix": turn.prefix}), "", self.template(later))

    def opened(self, text: str, part: str, answer: str, raw: str = "", words: tuple[str, ...] = ()) -> Prompt:
        made = opening(replace(self.sample, question=text), "", self.system, self.instruction.template)
        made = replace(made, answer=answer, raw=raw, words=words)
        return made if self.reword is None else self.reword(part, made)

    def letters(self) -> list[str]:
        return [f"({letter(index)})" for index in range(len(self.sample.choices))]

    def words(self) -> tuple[str, ...]:
        """What the options are called by, where the recipe calls them otherwise."""
        if not self.instruction.verbalizer:
            return ()
        if not self.sample.choices or not lettered(self.sample):
            raise BenchError(
                f"verbalizer {self.instruction.verbalizer}: sample {self.sample.id} of {self.task} has no options with letters"
            )
        return words_for(self.instruction.verbalizer, self.letters())

    @property
    def pool(self) -> Pool:
        return pool_of(self.instruction.pool, self.task)

    def entry(self) -> str:
        """The prompt around the question."""
        own = self.instruction
        if own.defined_prompt:
            return checked_prompt(own.defined_prompt[0], "`defined_prompt`", self.task)
        if own.prompt is None:
            return "{question}"
        number = self.drawn(len(self.pool.prompts)) if own.prompt == "seed" else int(own.prompt)
        return checked_prompt(self.pool.prompt(number), f"prompt {number} of the pool {self.pool.name}", self.task)

    def pair(self) -> Pair:
        """The prompts of the first turn and of later ones."""
        own = self.instruction
        if own.defined_prompt:
            pair = (own.defined_prompt[0], own.defined_prompt[-1])
        else:
            number = self.drawn(len(self.pool.turns)) if own.prompt == "seed" else int(own.prompt or 0)
            pair = self.pool.turn(number)
        if any("{question}" in text for text in pair):
            raise BenchError(
                f"a prompt for turns holds {{question}}, of which turns have none; {{prefix}} is what they know ({pair})"
            )
        return pair

    def template(self, later: int) -> str:
        """How an option is said, in the first turn or in later ones."""
        own = self.instruction
        if own.defined_template:
            return own.defined_template[-later]
        found = ALONE if own.answer is None else self.pool.answer(own.answer)
        if "{option}" not in found[later]:
            raise BenchError(f"answer template {own.answer} of the pool {self.pool.name} has no {{option}}: {found[later]!r}")
        return found[later]

    def drawn(self, count: int) -> int:
        """By the sample's own id, so that no batch, order or shard can move it."""
        return seed_of(str(self.seed), self.sample.id, "prompt") % max(count, 1)


def checked_prompt(text: str, what: str, task: str) -> str:
    """A prompt that leaves out a question that is there would ask about nothing."""
    if "{question}" not in text and has_question(task):
        raise BenchError(f"{what} has no {{question}}, so the questions of {task} would not be asked")
    return text


def why_unworded(recipe: Recipe, task: Task) -> str | None:
    """Why a recipe's instruction cannot word this task's questions; None where it can."""
    inferencer = recipe.inferencer_for(task.name)
    in_turns = bool(getattr(inferencer, "in_turns", False))
    if in_turns and not hasattr(task, "turns"):
        return f"it is not asked in turns, as recipe {recipe.name} would"
    try:
        for asking in every(recipe.instruction, task.name, in_turns):
            for later in (0, 1):
                asking.template(later)
            if in_turns:
                asking.pair()
            else:
                asking.entry()
    except BenchError as error:
        return str(error)
    return None


def begins(recipe: Recipe, task: Task) -> bool:
    """Whether options are weighed behind what an answer has begun with, or by their own tokens alone: not every adapter knows how."""
    inferencer = recipe.inferencer_for(task.name)
    if not isinstance(inferencer, Weighing):
        return False
    asking = Asking(recipe.instruction, Sample("", "", (), None, ""), task.name)
    begun = any(asking.template(later).partition("{option}")[0] for later in (0, 1))
    return begun or inferencer.window != "message" or bool(getattr(inferencer, "think", ""))


def every(instruction: Instruction, task: str, in_turns: bool) -> Iterator[Asking]:
    """The instruction with each prompt that may be drawn."""
    nobody = Sample("", "", (), None, "")
    if instruction.prompt != "seed":
        yield Asking(instruction, nobody, task)
        return
    pool = pool_of(instruction.pool, task)
    for number in range(max(len(pool.turns if in_turns else pool.prompts), 1)):
        yield Asking(replace(instruction, prompt=number), nobody, task)
