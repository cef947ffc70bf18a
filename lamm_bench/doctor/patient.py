"""The adapter under examination: asked so that every breach of the contract of `types.Adapter` is noticed at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from lamm_bench.media import many
from lamm_bench.types import Adapter, Generate, Media, Message, Modality, Response, Score

from .material import Material
from .verdict import Failed, NotApplicable

LETTERS = ("(A)", "(B)", "(C)", "(D)")


@dataclass
class Patient:
    """An adapter, what it is asked about, and everything that it has said."""

    adapter: Adapter
    material: Material
    media: bool = True  # whether it is shown any
    scoring_refusal: str = field(default="", init=False)
    seen: list[tuple[str, Response]] = field(default_factory=list)  # ("generate" or "score", response)

    @property
    def ignores(self) -> frozenset[str]:
        """What the adapter declares not to look at: `prompt`, `media`."""
        return frozenset(getattr(self.adapter, "ignores", ()))

    @property
    def exact(self) -> bool:
        """False where the adapter declares that rounding may move its answers with the batch."""
        return bool(getattr(self.adapter, "exact", True))

    @property
    def scores(self) -> bool:
        """Whether it gives likelihoods of any kind of options."""
        return self.scoring_kind != ""

    @cached_property
    def scoring_kind(self) -> str:
        """`texts`, `letters` where only those are scored (chat servers), or empty; `scoring_refusal` says why."""
        if not callable(getattr(self.adapter, "score", None)):
            self.scoring_refusal = "it gives no likelihoods (no `score`)"
            return ""
        for kind, options in (("texts", None), ("letters", LETTERS)):
            asked = self.question()
            sample = self.material.options(0) if options is None else options
            (response,) = self.score([Score(asked.messages, sample, asked.sample, asked.part)])
            if response.error is None:
                return kind
            self.scoring_refusal = self.scoring_refusal or f"it refuses to score options: {response.error}"
        return ""

    def takes(self, kind: Modality) -> bool:
        return kind in getattr(self.adapter, "modalities", ())

    # what a check needs

    def needs_prompt(self, why: str = "it never looks at the prompt, by its own declaration") -> None:
        if "prompt" in self.ignores:
            raise NotApplicable(why)

    def needs_media(self, kind: Modality | None = None) -> None:
        if not self.media:
            raise NotApplicable("it is examined without media, as was asked for")
        if "media" in self.ignores:
            raise NotApplicable("it never looks at media, by its own declaration")
        if kind is not None and not self.takes(kind):
            raise NotApplicable(f"it takes no {many(kind)}")

    def needs_score(self) -> None:
        if not self.scores:
            raise NotApplicable(self.scoring_refusal)

    # requests

    def question(self, number: int = 0, **changes: Any) -> Generate:
        """The request about a sample, with changes."""
        sample = self.material.samples[number % len(self.material.samples)]
        part = sample.parts[0] if sample.parts else ""
        asked = Generate(self.material.messages(number), max_new_tokens=12, sample=sample.id, part=part)
        return replace(asked, **changes)

    def questions(self) -> list[Generate]:
        return [self.question(number) for number in range(len(self.material.samples))]

    def worded(self, text: str, number: int = 0, **changes: Any) -> Generate:
        """The request about a sample, worded otherwise."""
        asked = self.question(number)
        *before, last = asked.messages
        media = tuple(part for part in last.parts if isinstance(part, Media))
        return replace(asked, messages=(*before, Message("user", (*media, text))), **changes)

    def showing(self, *media: Media, number: int = 0) -> Generate:
        """The request about a sample, with other media."""
        asked = self.question(number)
        *before, last = asked.messages
        return replace(asked, messages=(*before, Message("user", (*media, last.text))))

    def scoring(self, asked: Generate, options: Sequence[str] | None = None) -> Score:
        """The same conversation as a question for likelihoods."""
        number = next((n for n, sample in enumerate(self.material.samples) if sample.id == asked.sample), 0)
        usual = LETTERS if self.scoring_kind == "letters" else self.material.options(number)
        chosen = tuple(options) if options is not None else usual
        return Score(asked.messages, chosen, asked.sample, asked.part)

    # asking

    def generate(self, requests: Sequence[Generate]) -> list[Response]:
        """Responses in the order of the requests."""
        return self.collect("generate", requests, self.adapter.generate(list(requests)))

    def score(self, requests: Sequence[Score]) -> list[Response]:
        return self.collect("score", requests, self.adapter.score(list(requests)))

    def collect(self, method: str, requests: Sequence[Any], stream: Any) -> list[Response]:
        """Every request's response. Raises `Failed` unless each index came exactly once."""
        given: dict[int, Response] = {}
        for pair in stream:
            if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], Response)):
                what = f"({', '.join(type(part).__name__ for part in pair)})" if isinstance(pair, tuple) else type(pair).__name__
                raise Failed(f"`{method}` yielded {what}, expected pairs (index, Response)")
            number, response = pair
            if not isinstance(number, int) or not 0 <= number < len(requests):
                raise Failed(f"`{method}` answered request {number!r}, but was asked 0 to {len(requests) - 1}")
            if number in given:
                raise Failed(f"`{method}` answered request {number} twice")
            given[number] = response
            self.seen.append((method, response))
        lost = sorted(set(range(len(requests))) - set(given))
        if lost:
            raise Failed(f"`{method}` left requests {', '.join(map(str, lost))} of {len(requests)} without an answer")
        return [given[number] for number in range(len(requests))]

    def answered(self, requests: Sequence[Generate]) -> list[Response]:
        """As `generate`, where an error would be wrong."""
        return [without_error(response) for response in self.generate(requests)]

    def scored(self, requests: Sequence[Score]) -> list[Response]:
        """As `score`, where an error would be wrong; one log-likelihood an option."""
        found = [without_error(response) for response in self.score(requests)]
        for request, response in zip(requests, found):
            if len(response.logprobs) != len(request.options):
                raise Failed(f"{len(request.options)} options were asked, {len(response.logprobs)} log-likelihoods came back")
        return found

    # comparing

    def same(self, what: str, first: Sequence[Response], second: Sequence[Response]) -> str:
        """Evidence that texts are equal. Raises `Failed` with the first pair that is not, unless the adapter is inexact."""
        if not any(response.text for response in (*first, *second)):
            raise NotApplicable("every answer was empty, which shows nothing")
        differ = [(a, b) for a, b in zip(first, second) if (a.text, a.finish) != (b.text, b.finish)]
        if differ and self.exact:
            a, b = differ[0]
            raise Failed(
                f"{what}: {shown(a)} became {shown(b)}" + (f" ({len(differ)} of {len(first)} differ)" if len(first) > 1 else "")
            )
        if differ:
            return f"{len(differ)} of {len(first)} answers differ, which the adapter declares to be possible (exact = False)"
        return f"{len(first)} answers are the same"

    def close(self, what: str, first: Sequence[float], second: Sequence[float]) -> float:
        """The largest difference of two rows of log-likelihoods. Raises `Failed` when it is no rounding."""
        worst = 0.0
        for a, b in zip(first, second, strict=True):
            worst = max(worst, abs(a - b))
            if not abs(a - b) <= (1e-3 + 1e-4 * abs(a) if self.exact else 0.5 + 0.05 * abs(a)):
                raise Failed(f"{what}: a log-likelihood of {a:.5f} became {b:.5f}")
        return worst

    def reacts(self, first: Generate, second: Generate) -> bool:
        """Whether two requests get different likelihoods; where there are none, different answers."""
        if self.scores:
            a, b = self.scored([self.scoring(first)])[0], self.scored([self.scoring(second)])[0]
            return any(abs(x - y) > 1e-6 for x, y in zip(a.logprobs, b.logprobs))
        one, other = self.answered([replace(first, max_new_tokens=32)]), self.answered([replace(second, max_new_tokens=32)])
        return one[0].text != other[0].text


def without_error(response: Response) -> Response:
    if response.error is not None:
        raise Failed(f"a plain question ended in an error: {response.error}")
    return response


def shown(response: Response) -> str:
    """An answer in a few characters, on one line."""
    if response.error is not None:
        return f"the error '{short(response.error)}'"
    return f"{short(response.text)!r}" + (" (cut)" if response.finish == "length" else "")


def short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
