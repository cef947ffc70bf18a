"""How a model is asked. An inferencer yields requests and is sent responses; it never meets the model.

To add one, write a frozen dataclass with `infer` whose fields are its settings in a recipe, and name it in INFERENCERS.
A response with an error ends the flow: the runner closes it, so inferencers only ever see answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

from lamm_bench.errors import BenchError
from lamm_bench.measure.stats import seed_of
from lamm_bench.task import lettered
from lamm_bench.types import Answer, Flow, Generate, Prediction, Response, Sample, Score, Turn

from .instruction import Prompt, fill


class Asker(Protocol):
    """Makes the opening prompt of a sample's part; given by the recipe (asking.py)."""

    def __call__(self, part: str) -> Prompt: ...


class AskerInTurns(Asker, Protocol):
    """The same of a task that asks in turns."""

    @property
    def turns(self) -> tuple[Turn, ...]: ...

    def turn(self, number: int) -> Prompt:
        """The prompt of one turn, a conversation of its own."""


class Inferencer(Protocol):
    def infer(self, sample: Sample, ask: Asker, max_new_tokens: int, seed: int) -> Flow[Prediction]:
        """A dialogue about one sample."""


@dataclass(frozen=True)
class Sampling:
    """How text is drawn; temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float = 1.0

    def request(self, prompt: Prompt, sample: Sample, part: str, turn: int, new_tokens: int, seed: int) -> Generate:
        own = seed_of(str(seed), sample.id, part, str(turn)) % 2**31 if self.temperature > 0 else None
        return Generate(prompt.messages, new_tokens, (), self.temperature, self.top_p, own, sample.id, part)


@dataclass(frozen=True)
class Reasoning:
    """Whether the model reasons before it is asked: `think` asks it to, behind the item's own question (ChEF's way, reference 2.4)."""

    think: str = ""  # `{question}` stands for the question; empty: it is asked at once
    reasoning_tokens: int = 256

    def reason(self, prompt: Prompt, sample: Sample, part: str) -> Flow[str]:
        """What was reasoned; greedily, whatever comes after. Empty where nothing is asked for."""
        if not self.think:
            return ""
        thinking = prompt.reworded(fill(self.think, {"question": prompt.own}))
        thought = yield Generate(thinking.messages, self.reasoning_tokens, sample=sample.id, part=part)
        return thought.text or thought.reasoning


@dataclass(frozen=True)
class Direct(Reasoning, Sampling):
    """One question, one answer; for a sample with parts, one of each for every part.

    With `think` the reasoning stands behind the question when it is asked, as upstream's wrapper of LAMM puts it."""

    goes_on: ClassVar[bool] = False  # a part has no later request that begins as this one; others may, if they do not say so
    max_new_tokens: int = 0  # 0: what the task says

    def infer(self, sample: Sample, ask: Asker, max_new_tokens: int, seed: int) -> Flow[Prediction]:
        answers: dict[str, str] = {}
        for part in sample.parts or ("",):
            prompt = ask(part)
            thought = yield from self.reason(prompt, sample, part)
            if thought:
                prompt = prompt.reworded(f"{prompt.question}\n{thought}")
            response = yield self.request(prompt, sample, part, 0, self.max_new_tokens or max_new_tokens, seed)
            answers[part] = response.text
        return Prediction(told(answers))


@dataclass(frozen=True)
class Turns(Sampling):
    """The questions that a task asks about a sample, turn by turn, each a conversation of its own (reference 2.3)."""

    goes_on: ClassVar[bool] = False
    in_turns: ClassVar[bool] = True
    max_new_tokens: int = 0

    def infer(self, sample: Sample, ask: AskerInTurns, max_new_tokens: int, seed: int) -> Flow[Prediction]:
        answers: dict[str, str] = {}
        for number in range(len(ask.turns)):
            name, most = str(number + 1), self.max_new_tokens or max_new_tokens
            answers[name] = (yield self.request(ask.turn(number), sample, name, 0, most, seed)).text
        return Prediction(answers)


@dataclass(frozen=True)
class MultiTurn(Sampling):
    """Several questions in a row. `{question}` and `{answer1}`, `{answer2}` ... may stand in `turns` and `answer`.

    With `history` the earlier turns stay in the conversation; without it each turn is a conversation of its own that
    quotes what it needs, which is how upstream's two-turn VQA works (reference 1.2.1)."""

    turns: tuple[str, ...] = ("{question}",)
    answer: str = "{answer1}"
    history: bool = True
    max_new_tokens: int = 0

    def infer(self, sample: Sample, ask: Asker, max_new_tokens: int, seed: int) -> Flow[Prediction]:
        answers: dict[str, str] = {}
        for part in sample.parts or ("",):
            values = {"question": ask(part).question}
            prompt = ask(part)
            for turn, wording in enumerate(self.turns):
                text = fill(wording, values)
                prompt = prompt.ask(text) if self.history and turn else ask(part).reworded(text)
                new_tokens = self.max_new_tokens or max_new_tokens
                response = yield self.request(prompt, sample, part, turn, new_tokens, seed)
                values[f"answer{turn + 1}"] = response.text
                prompt = prompt.then(response.text)
            answers[part] = fill(self.answer, values)
        return Prediction(told(answers))


@dataclass(frozen=True)
class ChainOfThought(Sampling):
    """Reasoning first, then the answer (Kojima et al. 2022, zero-shot chain of thought, two prompts)."""

    think: str = "{question}\nLet us think step by step."
    conclude: str = "So the answer is:"
    reasoning_tokens: int = 256
    max_new_tokens: int = 0

    def infer(self, sample: Sample, ask: Asker, max_new_tokens: int, seed: int) -> Flow[Prediction]:
        answers: dict[str, str] = {}
        for part in sample.parts or ("",):
            prompt = ask(part)
            thinking = prompt.reworded(fill(self.think, {"question": prompt.question}))
            thought = yield self.request(thinking, sample, part, 0, self.reasoning_tokens, seed)
            # a model that thinks by itself and was cut has said nothing else; one that has answered needs its thought no more
            asked = thinking.then(thought.text or thought.reasoning).ask(self.conclude)
            response = yield self.request(asked, sample, part, 1, self.max_new_tokens or max_new_tokens, seed)
            answers[part] = response.text
        return Prediction(told(answers))


@dataclass(frozen=True)
class Lettering:
    """How options are written whose likelihood is asked for."""

    option: Literal["letter", "letter_open", "text", "letter_text"] = "letter"

    def name(self, index: int, sample: Sample) -> str:
        return f"({letter(index)})" if lettered(sample) else sample.choices[index]

    def shown(self, index: int, sample: Sample) -> str:
        """An option as an example's answer: as its likelihood is asked for, a letter with both of its brackets."""
        name, text = self.name(index, sample), sample.choices[index]
        return {"text": text, "letter_text": f"{name} {text}" if lettered(sample) else text}.get(self.option, name)

    def render(self, index: int, text: str, sample: Sample, words: tuple[str, ...] = ()) -> str:
        """An option as its likelihood is asked for."""
        if words:  # of which some are letters themselves
            return (
                words[index].removesuffix(")") if self.option == "letter_open" and words[index].startswith("(") else words[index]
            )
        if self.option == "text" or not lettered(sample):
            return text
        if self.option == "letter_open":  # ChEF's, of which the letter decides (reference 2.2.4)
            return f"({letter(index)}"
        return f"({letter(index)})" + (f" {text}" if self.option == "letter_text" else "")


@dataclass(frozen=True)
class Weighing:
    """How likely options are (what ChEF calls PPL, reference 2.2), behind the beginning that the recipe's answer template gives the answer.

    `normalize` compares sums, means per token or per character, or how much more likely the question makes an option than
    it was before (`prior`: domain-conditional PMI, Holtzman et al. 2021, section 3). `window` says which tokens count: the option and what
    closes the message, the option's own alone (ChEF since 2024), or those where they stand first in the whole answer (ChEF before,
    whose losses these are with the sign turned: its smallest is the largest here)."""

    normalize: Literal["sum", "token", "character", "prior"] = "sum"  # the last: minus what the option had without a question
    window: Literal["message", "option", "first"] = "message"

    def weigh(self, prompt: Prompt, options: tuple[str, ...], sample: Sample, part: str, thought: str) -> Flow[tuple[float, ...]]:
        """One score for each option; the highest is the likeliest."""
        begun = prompt.answer.partition("{option}")[0]
        begun = f"{thought}\n{begun}" if thought else begun
        corrected = self.normalize == "prior"
        asked = Score(prompt.messages, options, sample.id, part, corrected, begun, self.window)
        response = yield asked
        priors: tuple[float, ...] = (0.0,) * len(options)
        if corrected:
            # an adapter that does not know `prior` is asked a second time, about nothing
            priors = response.prior or (yield asked.unasked).logprobs
        for given in (response.logprobs, priors):
            if len(given) != len(options):
                raise BenchError(f"sample {sample.id}: {len(options)} options were asked, {len(given)} scored")
        return tuple(
            (value - prior) / self.length(i, option, response.tokens)
            for i, (value, prior, option) in enumerate(zip(response.logprobs, priors, options))
        )

    def length(self, index: int, option: str, tokens: tuple[int, ...]) -> float:
        if self.normalize == "token":
            return float(max(tokens[index], 1))
        return float(max(len(option), 1)) if self.normalize == "character" else 1.0


@dataclass(frozen=True)
class Likelihood(Reasoning, Weighing, Lettering):
    """The option that the model finds likeliest; none where several are equally likely.

    With `think` the reasoning begins the answer. `says` is what the conclusion holds: the choice, or the option as it was asked, which is
    what ChEF keeps and reads again."""

    goes_on: ClassVar[bool] = False
    says: Literal["choice", "option"] = "choice"

    def infer(self, sample: Sample, ask: Asker, max_new_tokens: int, seed: int) -> Flow[Prediction]:
        prompt = ask("")
        thought = yield from self.reason(prompt, sample, "")
        options = tuple(self.render(index, text, sample, prompt.words) for index, text in enumerate(sample.choices))
        scores = yield from self.weigh(prompt, options, sample, "", thought)
        best = max(range(len(scores)), key=lambda index: scores[index])
        level = [self.name(index, sample) for index, value in enumerate(scores) if value == scores[best]]
        if len(level) > 1:  # the first of them would be an answer that the model did not give; readers leave this unread
            told = ", ".join(level) if lettered(sample) else "several options"  # whose texts a reader might take for an answer
            return Prediction(f"tie: {told} are equally likely", None, scores)
        if self.says == "option":
            return Prediction(options[best], best, scores)
        alone = sample.meta.get("letters", True) is not True
        return Prediction(level[0] if alone else f"{level[0]} {sample.choices[best]}", best, scores)


@dataclass(frozen=True)
class TurnsLikelihood(Weighing):
    """The likeliest option of each turn that a task asks in; a turn without options is answered in words."""

    goes_on: ClassVar[bool] = False
    in_turns: ClassVar[bool] = True
    max_new_tokens: int = 0  # of a turn without options

    def infer(self, sample: Sample, ask: AskerInTurns, max_new_tokens: int, seed: int) -> Flow[Prediction]:
        answers: dict[str, str] = {}
        scores: dict[str, tuple[float, ...]] = {}
        for number, turn in enumerate(ask.turns):
            name, prompt = str(number + 1), ask.turn(number)
            if not turn.options:
                most = self.max_new_tokens or max_new_tokens
                answers[name] = (yield Generate(prompt.messages, most, sample=sample.id, part=name)).text
                continue
            found = scores[name] = yield from self.weigh(prompt, turn.options, sample, name, "")
            best = max(found)
            alone = found.count(best) == 1
            answers[name] = turn.options[found.index(best)] if alone else "tie: several options are equally likely"
        return Prediction(answers, turn_scores=scores)


HIGHEST = 0.01  # nats: log-likelihoods are at most 0, but for rounding


def sound(request: Score, response: Response) -> Response:
    """A response with likelihoods, or one with an error where they are no likelihoods: too few, not finite, or above 0.

    >>> asked = Score((), ("(A)", "(B)"))
    >>> sound(asked, Response(logprobs=(-1.0, -0.5))).error is None
    True
    >>> sound(asked, Response(logprobs=(float("nan"), -0.5))).error
    'the likelihood of (A) is nan, expected a finite logarithm of at most 0'
    """
    if response.error is not None:
        return response
    wanted = len(request.options)
    for values in (response.logprobs, *((response.prior,) if response.prior else ())):
        if len(values) != wanted:
            return unscored(response, f"{wanted} options were asked, {len(values)} scored")
        for option, value in zip(request.options, values):
            if not (math.isfinite(value) and value <= HIGHEST):
                return unscored(
                    response, f"the likelihood of {option[:40]} is {value:g}, expected a finite logarithm of at most 0"
                )
    return response


def unscored(response: Response, error: str) -> Response:
    """A response whose likelihoods decide nothing, with the reason."""
    return replace(response, logprobs=(), tokens=(), prior=(), error=error, status="model_error")


INFERENCERS: dict[str, type] = {
    "direct": Direct,
    "multi_turn": MultiTurn,
    "chain_of_thought": ChainOfThought,
    "likelihood": Likelihood,
    "turns": Turns,
    "turns_likelihood": TurnsLikelihood,
}
WEIGHING = frozenset({"likelihood", "turns_likelihood"})
"""Inferencers that need an adapter with likelihoods."""


def letter(index: int) -> str:
    """The option letter of a zero-based index."""
    return chr(ord("A") + index)


def told(answers: dict[str, str]) -> Answer:
    """One text, or the texts by part."""
    return answers[""] if tuple(answers) == ("",) else answers
