"""How a model is asked. An inferencer yields requests and is sent responses; it never meets the model.

To add one, write a frozen dataclass with `infer` whose fields are its settings in a recipe, and name it in INFERENCERS.
A response with an error ends the flow: the runner closes it, so inferencers only ever see answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

from lamm_bench.errors import BenchError
from lamm_bench.measure.stats import seed_of
from lamm_bench.read import read_choice
from lamm_bench.task import lettered
from lamm_bench.types import Answer, Flow, Generate, Prediction, Response, Sample, Score

from .instruction import Prompt, fill


class Asker(Protocol):
    """Makes the opening prompt of a sample's part; given by the recipe."""

    def __call__(self, part: str) -> Prompt: ...


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
class Direct(Sampling):
    """One question, one answer; for a sample with parts, one of each for every part."""

    goes_on: ClassVar[bool] = False  # a part has no later request that begins as this one; others may, if they do not say so
    max_new_tokens: int = 0  # 0: what the task says

    def infer(self, sample: Sample, ask: Asker, max_new_tokens: int, seed: int) -> Flow[Prediction]:
        answers: dict[str, str] = {}
        for part in sample.parts or ("",):
            response = yield self.request(ask(part), sample, part, 0, self.max_new_tokens or max_new_tokens, seed)
            answers[part] = response.text
        return Prediction(told(answers))


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
class Likelihood:
    """The option that the model finds likeliest (what ChEF calls PPL, reference 2.2); none where several are equally likely.

    `normalize` compares sums, means per token or per character, or how much more likely the question makes an option than
    it was before (`prior`: domain-conditional PMI, Holtzman et al. 2021, section 3)."""

    goes_on: ClassVar[bool] = False
    option: Literal["letter", "text", "letter_text"] = "letter"
    normalize: Literal["sum", "token", "character", "prior"] = "sum"  # the last: minus what the option had without a question

    def infer(self, sample: Sample, ask: Asker, max_new_tokens: int, seed: int) -> Flow[Prediction]:
        options = tuple(self.render(index, text, sample) for index, text in enumerate(sample.choices))
        messages, corrected = ask("").messages, self.normalize == "prior"
        asked = Score(messages, options, sample.id, prior=corrected)
        response = yield asked
        priors: tuple[float, ...] = (0.0,) * len(options)
        if corrected:
            # an adapter that does not know `prior` is asked a second time, about nothing
            priors = response.prior or (yield asked.unasked).logprobs
        for given in (response.logprobs, priors):
            if len(given) != len(options):
                raise BenchError(f"sample {sample.id}: {len(options)} options were asked, {len(given)} scored")
        scores = tuple(
            (value - prior) / self.length(i, option, response.tokens)
            for i, (value, prior, option) in enumerate(zip(response.logprobs, priors, options))
        )
        best = max(range(len(scores)), key=lambda index: scores[index])
        level = [self.name(index, sample) for index, value in enumerate(scores) if value == scores[best]]
        if len(level) > 1:  # the first of them would be an answer that the model did not give; readers leave this unread
            told = ", ".join(level) if lettered(sample) else "several options"  # whose texts a reader might take for an answer
            return Prediction(f"tie: {told} are equally likely", None, scores)
        alone = sample.meta.get("letters", True) is not True
        return Prediction(level[0] if alone else f"{level[0]} {sample.choices[best]}", best, scores)

    def shown(self, sample: Sample, truth: str) -> str:
        """The right answer of an example in the form in which options are scored."""
        names = [self.name(index, sample) for index in range(len(sample.choices))]
        index = names.index(truth) if truth in names else read_choice(truth, sample.choices)
        if index is None or not lettered(sample):
            return truth
        text = sample.choices[index]
        return {"text": text, "letter_text": f"{names[index]} {text}"}.get(self.option, names[index])

    def name(self, index: int, sample: Sample) -> str:
        return f"({letter(index)})" if lettered(sample) else sample.choices[index]

    def render(self, index: int, text: str, sample: Sample) -> str:
        if self.option == "text" or not lettered(sample):
            return text
        return f"({letter(index)})" + (f" {text}" if self.option == "letter_text" else "")

    def length(self, index: int, option: str, tokens: tuple[int, ...]) -> float:
        if self.normalize == "token":
            return float(tokens[index])
        return float(max(len(option), 1)) if self.normalize == "character" else 1.0


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
}


def letter(index: int) -> str:
    """The option letter of a zero-based index."""
    return chr(ord("A") + index)


def told(answers: dict[str, str]) -> Answer:
    """One text, or the texts by part."""
    return answers[""] if tuple(answers) == ("",) else answers
