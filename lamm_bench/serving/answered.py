"""Responses of ours as chat completions: whole, as pieces of a stream, or as an error."""

from __future__ import annotations

import json
from typing import Any

from lamm_bench.types import Response, Score

SMALLEST = -9999.0  # what servers write for a log-probability that is not finite


def completion(response: Response, model: str, name: str, now: int) -> dict[str, Any]:
    """`chat.completion`. A refusal is one, and what was thought stands apart."""
    message: dict[str, Any] = {"role": "assistant", "content": response.text}
    if response.status == "refused":
        message |= {"content": None, "refusal": response.error}
    if response.reasoning:
        message["reasoning_content"] = response.reasoning
    body = shell("chat.completion", model, name, now)
    body["choices"] = [{"index": 0, "message": message, "finish_reason": response.finish}]
    if response.tokens:  # prompts are not counted by adapters
        body["usage"] = {"completion_tokens": response.tokens[0]}
    return body


def weighed(response: Response, request: Score, model: str, name: str, now: int) -> dict[str, Any]:
    """The likelihoods of given options: the likeliest is the answer, and each stands in `options` as it was sent.

    `logprob` is the natural logarithm of the probability of the whole message, summed over its `tokens`."""
    told = [max(value, SMALLEST) if value == value else SMALLEST for value in response.logprobs]
    best = max(range(len(told)), key=lambda place: told[place])
    body = shell("chat.completion", model, name, now)
    rows = [{"option": option, "logprob": value} for option, value in zip(request.options, told)]
    for row, count in zip(rows, response.tokens):
        row["tokens"] = count
    message = {"role": "assistant", "content": request.options[best]}
    body["choices"] = [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": None, "options": rows}}]
    return body


def model(name: str) -> dict[str, Any]:
    """An entry of the list of models."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "lamm-bench"}


def shell(kind: str, model: str, name: str, now: int) -> dict[str, Any]:
    return {"id": name, "object": kind, "created": now, "model": model}


def piece(text: str | None, model: str, name: str, now: int, finish: str | None = None) -> bytes:
    """One event of a stream."""
    delta = {} if text is None else {"role": "assistant", "content": text}
    body = {
        **shell("chat.completion.chunk", model, name, now),
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return event(body)


def event(body: dict[str, Any]) -> bytes:
    return b"data: " + as_bytes(body) + b"\n\n"


END = b"data: [DONE]\n\n"


def as_bytes(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=True).encode()


def failure(message: str, status: int) -> dict[str, Any]:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}
