"""An answer of the server, read defensively: only what is understood becomes an answer, never an error's text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamm_bench.types import Response

Alternatives = tuple[tuple[str, float], ...]
"""The likeliest tokens at one place of an answer, the chosen one first, each with its natural log-probability."""


class Garbage(Exception):
    """What came back is not a chat completion."""


@dataclass(frozen=True)
class Reply:
    """What a server said, and what it counted."""

    response: Response
    prompt_tokens: int | None = None  # None: the server did not count
    new_tokens: int | None = None
    model: str = ""  # as which the server answered: a dated version, often
    fingerprint: str = ""  # of the server's configuration, where it gives one
    alternatives: tuple[Alternatives, ...] = ()  # one for each new token, where they were asked for

    def to_json(self) -> dict[str, Any]:
        """For the cache."""
        response = self.response
        return {
            "text": response.text,
            "finish": response.finish,
            "error": response.error,
            "status": response.status,
            "tokens": [self.prompt_tokens, self.new_tokens],
            "model": self.model,
            "fingerprint": self.fingerprint,
            "alternatives": [[list(pair) for pair in place] for place in self.alternatives],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reply:
        prompt_tokens, new_tokens = data["tokens"]
        counted = (new_tokens,) if new_tokens is not None else ()
        response = Response(data["text"], data["finish"], (), counted, data["error"], data["status"])
        places = tuple(tuple((str(token), float(value)) for token, value in place) for place in data["alternatives"])
        return cls(response, prompt_tokens, new_tokens, data["model"], data["fingerprint"], places)


def read_reply(text: str) -> Reply:
    """The reply in a response's body. Raises `Garbage` saying what is wrong with it."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Garbage(f"the body is not JSON: {excerpt(text)}") from None
    try:
        choice = data["choices"][0]
        message = choice["message"]
        said, refusal, finish = message.get("content"), message.get("refusal"), choice.get("finish_reason")
        usage = data.get("usage") or {}
        counts = (whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens")))
        alternatives = read_alternatives(choice.get("logprobs"))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise Garbage(f"the body is no chat completion: {excerpt(text)}") from None
    if not (said is None or isinstance(said, str)):
        raise Garbage(f"the content is {type(said).__name__}, expected a text")
    response = response_of(said or "", refusal, finish, counts[1])
    return Reply(response, *counts, str(data.get("model") or ""), str(data.get("system_fingerprint") or ""), alternatives)


def response_of(said: str, refusal: Any, finish: Any, new_tokens: int | None) -> Response:
    """Finish reasons and refusals as statuses. A refusal keeps no text: it is not an answer to the question."""
    tokens = (new_tokens,) if new_tokens is not None else ()
    if refusal:
        return Response(error=f"the model declined: {excerpt(str(refusal))}", status="refused")
    if finish == "content_filter":
        return Response(error="the server's content filter stopped the answer", status="refused")
    if finish in ("tool_calls", "function_call"):
        return Response(error="the model called a tool instead of answering", status="model_error")
    if finish == "length":
        return Response(said, "length", (), tokens)
    if finish not in ("stop", "eos", "end_turn", None):
        return Response(
            error=f"the server ended the answer for a reason unknown here: {excerpt(str(finish))}", status="model_error"
        )
    return Response(said, "stop", (), tokens)


def read_alternatives(logprobs: Any) -> tuple[Alternatives, ...]:
    """The alternatives at each place; empty where the server gives none."""
    places = []
    for entry in (logprobs or {}).get("content") or ():
        chosen = (str(entry["token"]), finite(entry["logprob"]))
        others = [(str(other["token"]), finite(other["logprob"])) for other in entry.get("top_logprobs") or ()]
        places.append((chosen, *(other for other in others if other[0] != chosen[0])))
    return tuple(places)


def finite(value: Any) -> float:
    """A log-probability; servers write impossible tokens as -9999, null or -inf."""
    if value is None or not math.isfinite(float(value)):
        return -9999.0
    return min(float(value), 0.0)


def whole(value: Any) -> int | None:
    """A count of tokens; None where there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def excerpt(text: str, width: int = 160) -> str:
    """The beginning of a foreign text, on one line and without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * width]).split())
    return line if len(line) <= width else line[: width - 1] + "…"
