"""The likelihood of any option from a server that tells those of the prompt it was sent: vLLM's `prompt_logprobs`.

Each option is sent as the assistant's answer, and the conversation once without any; what is behind the tokens that the two have in
common is the option's, so that nobody need know where a tokenizer parts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lamm_bench.types import Message, Response, Score

from .reply import Reply

Asking = Callable[[Sequence["Passage"]], Iterator[tuple[int, Reply | Response]]]
MISSING = "the server told no likelihoods of its prompt"


@dataclass(frozen=True)
class Passage:
    """A conversation that is only read."""

    messages: tuple[Message, ...]
    end: Literal["asked", "begun", "whole"]  # the assistant is to speak, has begun to, or has spoken

    def keys(self) -> dict[str, Any]:
        """What tells a server to read it so."""
        flags = {"add_generation_prompt": self.end == "asked", "continue_final_message": self.end == "begun"}
        return {"prompt_logprobs": 0, **flags}


def passages(request: Score) -> list[Passage]:
    """The conversation without an option, and with each. With `window: message` what closes the message counts, but for the line breaks
    behind it, which no model is taught to say; else it is left out."""
    end: Literal["begun", "whole"] = "whole" if request.window == "message" else "begun"
    answered = [(*request.messages, Message("assistant", (request.begun + option,))) for option in request.options]
    bare = (*request.messages, Message("assistant", (request.begun,))) if request.begun else request.messages
    return [Passage(bare, "begun" if request.begun else "asked"), *(Passage(messages, end) for messages in answered)]


def behind(bare: Sequence[tuple[str, float]], answered: Sequence[tuple[str, float]]) -> list[float]:
    """Log-probabilities of the tokens behind those that both begin with.

    >>> behind([("", 0.0), ("7", -1.0)], [("", 0.0), ("7", -1.0), ("8", -2.0), ("9", -0.5)])
    [-2.0, -0.5]
    """
    lead = next((place for place, (a, b) in enumerate(zip(bare, answered)) if a[0] != b[0]), min(len(bare), len(answered)))
    return [value for _, value in answered[lead:]]


def weigh(requests: Sequence[Score], asked: Asking) -> Iterator[tuple[int, Response]]:
    """Each request's index and the likelihoods of its options, as soon as all of its passages are read; the first fault is its end."""
    wanted = [passages(request) for request in requests]
    where = [(number, place) for number, some in enumerate(wanted) for place in range(len(some))]
    found: dict[int, dict[int, Reply]] = {number: {} for number in range(len(requests))}
    for at, outcome in asked([passage for some in wanted for passage in some]):
        number, place = where[at]
        if number not in found:
            continue
        fault = outcome if isinstance(outcome, Response) else outcome.response if outcome.response.error is not None else None
        if fault is None and isinstance(outcome, Reply):
            found[number][place] = outcome
            if len(found[number]) == len(wanted[number]):
                yield number, weighed([own for _, own in sorted(found.pop(number).items())], requests[number].window == "message")
        else:
            del found[number]
            yield number, fault or Response(error=MISSING, status="model_error")


def weighed(replies: Sequence[Reply], closed: bool) -> Response:
    """The likelihoods, from the tokens of all passages; of closed ones without the blanks at their ends."""
    bare, *answered = replies
    values = [behind(bare.prompt, one.prompt[: len(one.prompt) - (one.blanks if closed else 0)]) for one in answered]
    if not bare.prompt or not all(values):
        return Response(error=MISSING, status="model_error")
    return Response(logprobs=tuple(map(sum, values)), tokens=tuple(map(len, values)))
