"""An answer of the server, read defensively: only what is understood becomes an answer, never an error's text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lamm_bench.loading import escaped
from lamm_bench.types import Response

Alternatives = tuple[tuple[str, float], ...]
"""The likeliest tokens at one place of an answer, the chosen one first, each with its natural log-probability."""


class Garbage(Exception):
    """What came back is not a chat completion."""


class Failure(Exception):
    """What came back says, in the form of an answer, that there is none."""


@dataclass(frozen=True)
class Reply:
    """What a server said, and what it counted."""

    response: Response
    prompt_tokens: int | None = None  # None: the server did not count
    new_tokens: int | None = None
    model: str = ""  # as which the server answered: a dated version, often
    fingerprint: str = ""  # of the server's configuration, where it gives one
    alternatives: tuple[Alternatives, ...] = ()  # one for each new token, where they were asked for
    prompt: Alternatives = ()  # each token of the prompt by its number, where they were asked for; the first has no likelihood
    blanks: int = 0  # how many of those at its end are line breaks and the like

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
            **({"prompt": [list(pair) for pair in self.prompt], "blanks": self.blanks} if self.prompt else {}),
            **({"reasoning": response.reasoning} if response.reasoning else {}),
            **({"reasoning_tokens": response.reasoning_tokens} if response.reasoning_tokens is not None else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reply:
        prompt_tokens, new_tokens = data["tokens"]
        counted = (new_tokens,) if new_tokens is not None else ()
        response = Response(data["text"], data["finish"], (), counted, data["error"], data["status"])
        thought, thought_tokens = str(data.get("reasoning", "")), whole(data.get("reasoning_tokens"))
        response = replace(response, reasoning=thought, reasoning_tokens=thought_tokens)
        places = tuple(tuple((str(token), float(value)) for token, value in place) for place in data["alternatives"])
        prompt = tuple((str(token), float(value)) for token, value in data.get("prompt", ()))
        return cls(
            response, prompt_tokens, new_tokens, data["model"], data["fingerprint"], places, prompt, int(data.get("blanks", 0))
        )


def read_reply(text: str) -> Reply:
    """The reply in a response's body. Raises `Garbage` saying what is wrong with it, or `Failure` when it is an error in disguise.

    What is not the answer itself (counts, log-probabilities, names) is left out where it has another form: it costs no answer."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Garbage(f"the body is not JSON: {excerpt(text)}") from None
    if not isinstance(data, dict):
        raise Garbage(f"the body is no chat completion: {excerpt(text)}")
    refuse_errors(data, data.get("object"))
    choice = choice_of(data, text)
    refuse_errors(choice)
    message, finish = choice.get("message"), choice.get("finish_reason")
    if not isinstance(message, dict):
        if word(finish) in REFUSED:  # a filter that lets nothing through, not even the message
            message = {}
        else:
            raise Garbage(f"the body is no chat completion: {excerpt(text)}")
    counted = data.get("usage")
    usage = counted if isinstance(counted, dict) else {}
    counts = whole(usage.get("prompt_tokens")), whole(usage.get("completion_tokens"))
    response = response_of(content_of(message), message, finish, counts[1])
    if response.error is None:
        response = replace(response, reasoning_tokens=thought_tokens(usage))
    places = read_alternatives(choice.get("logprobs"))
    prompt, blanks = read_prompt(data.get("prompt_logprobs"))
    return Reply(response, *counts, named(data.get("model")), named(data.get("system_fingerprint")), places, prompt, blanks)


def refuse_errors(data: Mapping[str, Any], kind: Any = None) -> None:
    """Gateways put the error of the provider behind them into an answer of status 200, beside or inside a choice."""
    error = data.get("error")
    if error or kind == "error":
        said = error.get("message") if isinstance(error, dict) else error or data.get("message")
        raise Failure(excerpt(str(said or error)))


def choice_of(data: Mapping[str, Any], text: str) -> Mapping[str, Any]:
    """The first choice by its own number, wherever it stands in the list."""
    choices = data.get("choices")
    found = [one for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []
    if not found:
        if isinstance(feedback := data.get("promptFeedback"), dict) and feedback.get("blockReason"):
            return {"finish_reason": "content_filter"}
        raise Garbage(f"the body is no chat completion: {excerpt(text)}")
    return next((one for one in found if one.get("index") == 0), found[0])


def content_of(message: Mapping[str, Any]) -> str | None:
    """The answer's text; of a list of parts the texts, without what the model only thought. None where there is none."""
    said = message.get("content")
    if isinstance(said, list):
        texts = [said_in(part) for part in said]
        return "".join(text for text in texts if text is not None) if any(text is not None for text in texts) else None
    if isinstance(said, dict):
        return said_in(said)
    if isinstance(said, bool) or not (said is None or isinstance(said, str | int | float)):
        raise Garbage(f"the content is {type(said).__name__}, expected a text")
    return None if said is None else escaped(str(said))


def said_in(part: Any) -> str | None:
    """The text of one part of a list; None for thoughts, pictures and the like."""
    if isinstance(part, str):
        return escaped(part)
    if isinstance(part, dict) and part.get("type", "text") in ("text", "output_text") and isinstance(part.get("text"), str):
        return escaped(part["text"])
    return None


LENGTH = {"length", "max_tokens", "model_length", "max_length", "max_new_tokens", "max_output_tokens", "max_completion_tokens"}
LENGTH |= {"token_limit", "context_length", "model_context_window_exceeded", "incomplete"}
LENGTH |= {"repetition"}  # vLLM's: it was going round in circles
REFUSED = {"content_filter", "content_filtered", "safety", "sensitive", "refusal", "refused", "recitation", "blocklist"}
REFUSED |= {"prohibited_content", "spii", "guardrail_intervened", "guardrails", "image_safety", "moderation", "blocked"}
TOOLS = {"tool_calls", "tool_call", "tool_use", "function_call", "malformed_function_call", "unexpected_tool_call"}
BROKEN = {"abort", "aborted", "error", "failed", "failure", "cancelled", "canceled", "timeout", "network_error"}
BROKEN |= {"insufficient_system_resource", "internal_error", "engine_error", "service_unavailable"}
"""Why an answer ended, in the words of vLLM, SGLang, TGI, llama.cpp, Gemini, Claude, Mistral, GLM, DeepSeek ... in small letters.

Every other word is one for an end that the model itself chose (`stop`, `eos`, `end_turn`, `COMPLETE`): its text is kept."""


def word(finish: Any) -> str:
    """A reason in small letters; of an object its `type`.

    >>> word("STOP"), word({"type": "max_tokens"}), word(None)
    ('stop', 'max_tokens', '')
    """
    if isinstance(finish, dict):
        finish = finish.get("type") or finish.get("reason")
    return finish.strip().lower().replace("-", "_").replace(" ", "_") if isinstance(finish, str) else ""


def response_of(said: str | None, message: Mapping[str, Any], finish: Any, new_tokens: int | None) -> Response:
    """Finish reasons and refusals as statuses. A refusal keeps no text: it is not an answer to the question.

    Raises `Failure` where the server broke off, or says nothing at all: that is no answer, and may be one at the next attempt."""
    tokens, end, refusal = (new_tokens,) if new_tokens is not None else (), word(finish), message.get("refusal")
    if refusal:
        return Response(error=f"the model declined: {excerpt(str(refusal))}", status="refused")
    if end in REFUSED:
        return Response(error=f"the server's content filter stopped the answer ({excerpt(str(finish))})", status="refused")
    if end in TOOLS or (not said and (message.get("tool_calls") or message.get("function_call"))):
        return Response(error="the model called a tool instead of answering", status="model_error")
    if end in BROKEN:
        raise Failure(f"the server broke the answer off ({excerpt(str(finish))})")
    thought = thought_of(message)
    if said is None and not thought and end not in LENGTH:
        raise Failure("the message has no content")
    cut = end in LENGTH or bool(thought and not (said or "").strip())  # what was only thought never came to an answer
    return Response(said or "", "length" if cut else "stop", (), tokens, reasoning=thought)


def thought_of(message: Mapping[str, Any]) -> str:
    """What the model thought, where the server tells it apart: `reasoning_content` (DeepSeek's API, SGLang, llama.cpp),
    `reasoning` (vLLM, OpenRouter), `thinking` (Ollama), or parts of the content that are thoughts (Mistral, Anthropic).

    >>> thought_of({"reasoning_content": "A?", "content": "B"}), thought_of({"content": [{"type": "thinking", "thinking": "A?"}]})
    ('A?', 'A?')
    """
    for key in ("reasoning_content", "reasoning", "thinking"):
        if text := thought_in(message.get(key)).strip():
            return text
    content = message.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    thought = (thought_in(part.get(str(part.get("type")))) for part in parts if part.get("type") in ("thinking", "reasoning"))
    return "\n\n".join(text.strip() for text in thought if text.strip())


def thought_in(value: Any) -> str:
    """A thought's text; of a list or an object the texts in it. Empty for anything else."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, dict):
        return thought_in(value.get("text") or value.get("content"))
    return "".join(thought_in(part) for part in value) if isinstance(value, list) else ""


def thought_tokens(usage: Mapping[str, Any]) -> int | None:
    """OpenAI's `completion_tokens_details.reasoning_tokens`; None where the server does not count them."""
    details = usage.get("completion_tokens_details")
    return whole(details.get("reasoning_tokens")) if isinstance(details, dict) else None


def read_alternatives(logprobs: Any) -> tuple[Alternatives, ...]:
    """The alternatives at each place; empty where the server gives none, or in another form."""
    places = []
    try:
        for entry in (logprobs or {}).get("content") or ():
            chosen = (str(entry["token"]), finite(entry["logprob"]))
            others = [(str(other["token"]), finite(other["logprob"])) for other in entry.get("top_logprobs") or ()]
            places.append((chosen, *(other for other in others if other[0] != chosen[0])))
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        return ()
    return tuple(places)


def read_prompt(told: Any) -> tuple[Alternatives, int]:
    """vLLM's `prompt_logprobs` and how many blank tokens they end in: null for the first token, then for each its number and what is
    told of it. Nothing in another form.

    >>> read_prompt([None, {"84": {"logprob": -4.4, "rank": 7, "decoded_token": "u"}}])
    ((('', 0.0), ('84', -4.4)), 0)
    """
    try:
        firsts = [next(iter(place.items())) for place in (told or ())[1:]]
        values = tuple((str(token), finite(one["logprob"])) for token, one in firsts)
        spelt = ["." if str(one.get("decoded_token") or ".").strip() else " " for _, one in firsts]
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, StopIteration):
        return (), 0
    return ((("", 0.0), *values) if values else ()), len(spelt) - len("".join(spelt).rstrip())


def finite(value: Any) -> float:
    """A log-probability; servers write impossible tokens as -9999, null or -inf."""
    if value is None or not math.isfinite(float(value)):
        return -9999.0
    return min(float(value), 0.0)


def whole(value: Any) -> int | None:
    """A count of tokens; None where there is none, or none that could be."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else None


def named(value: Any) -> str:
    """A short text; empty for anything else."""
    return excerpt(value) if isinstance(value, str) else ""


def excerpt(text: str, width: int = 160) -> str:
    """The beginning of a foreign text, on one line and without control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * width]).split())
    return line if len(line) <= width else line[: width - 1] + "…"
