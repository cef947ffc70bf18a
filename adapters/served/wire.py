"""What goes over the pipes, one JSON object a line: a hello, then requests and their answers (docs/adapters.md).

What a process prints besides is no answer. An answer of another form than it should have ends its own request only."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import shorten
from lamm_bench.media import modalities
from lamm_bench.read import convention
from lamm_bench.remote.reply import LENGTH, whole, word
from lamm_bench.types import Generate, Media, Message, Request, Response, Score

STATUSES = ("refused", "model_error", "media_error")


@dataclass(frozen=True)
class Hello:
    """What a process says of itself before anything else."""

    name: str
    modalities: frozenset[str]
    fingerprint: str
    scores: bool = False
    exact: bool = True  # whether its answers are the same in any company
    coordinates: str = ""  # the convention of its boxes and points
    begins: bool = False  # whether it scores options behind what an answer has begun with, and by their own tokens
    several: bool = True  # whether a conversation may hold more than one picture or cloud


def object_in(line: bytes) -> dict[str, Any] | None:
    """The JSON object of a line, also behind a progress bar that has not ended its own; None where there is none.

    >>> object_in(b'{"id": 1}\\n'), object_in(b'50%|##  |\\r100%|####|\\r{"id": 1}\\n'), object_in(b"Loading weights"), object_in(b"[1]")
    ({'id': 1}, {'id': 1}, None, None)
    """
    text = line.decode("utf-8", "replace").strip()
    for candidate in dict.fromkeys((text, text.rpartition("\\r")[2], text[text.find("{") :])):
        try:
            value = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return None


def hello_of(data: Mapping[str, Any]) -> Hello:
    """Raises `BenchError` that says what is wrong with a hello."""
    for key, kind, form in (("name", str, "a text"), ("fingerprint", str, "a text"), ("modalities", list, "a list of texts")):
        if not isinstance(data.get(key), kind) or not data[key]:
            raise BenchError(f"its hello has `{key}` {shorten(data.get(key))}, expected {form}: {shorten(dict(data))}")
    for key in ("scores", "exact", "begins", "several"):
        if not isinstance(data.get(key, False), bool):
            raise BenchError(f"its hello has `{key}` {shorten(data[key])}, expected true or false")
    known = modalities()
    for kind in data["modalities"]:
        if kind not in known:
            raise unknown("modality (in its hello)", str(kind), known)
    places = data.get("coordinates", "")
    if not isinstance(places, str):
        raise BenchError(f"its hello has `coordinates` {shorten(places)}, expected the name of a convention")
    if places:
        try:
            convention(places)
        except BenchError as error:
            raise BenchError(f"its hello has `coordinates`: {error}") from None
    line = " ".join(data["fingerprint"].split())
    scores, exact, begins = data.get("scores", False), data.get("exact", True), data.get("begins", False)
    return Hello(data["name"], frozenset(data["modalities"]), line, scores, exact, places, begins, data.get("several", True))


def line_of(number: int, request: Request) -> bytes:
    """A request on one line of ASCII, which every old environment can read."""
    data: dict[str, Any] = {"id": number, "messages": [message_of(message) for message in request.messages]}
    if isinstance(request, Score):
        data |= {"kind": "score", "options": list(request.options)}
        data |= {"begun": request.begun} if request.begun else {}
        data |= {"window": request.window} if request.window != "message" else {}
    else:
        data |= {"kind": "generate", "max_new_tokens": request.max_new_tokens, "stop": list(request.stop)}
        data |= {"temperature": request.temperature, "top_p": request.top_p, "seed": request.seed}
    return json.dumps(data).encode("ascii") + b"\n"


def message_of(message: Message) -> dict[str, Any]:
    """Texts as texts, media as kind and path, in their order."""
    parts = [part if isinstance(part, str) else {"kind": part.kind, "path": part.path} for part in message.parts]
    return {"role": message.role, "parts": parts}


def media_of(request: Request) -> list[Media]:
    return [part for message in request.messages for part in message.parts if isinstance(part, Media)]


def response_of(data: Mapping[str, Any], request: Request) -> Response:
    """An answer; one that cannot be one is an error of its request."""
    error, status = data.get("error"), data.get("status", "model_error")
    if error is not None:
        return Response(
            error=" ".join(str(error).split())[:300] or "the process gave no reason",
            status=status if status in STATUSES else "model_error",
        )
    return generated(data) if isinstance(request, Generate) else scored(data, request)


def generated(data: Mapping[str, Any]) -> Response:
    text, thought = data.get("text"), data.get("reasoning") or ""
    if not isinstance(text, str) or not isinstance(thought, str):
        return odd("text" if not isinstance(text, str) else "reasoning", data, "a text")
    finish: Literal["stop", "length"] = "length" if word(data.get("finish")) in LENGTH else "stop"
    count = whole(data.get("tokens"))
    tokens = (count,) if count is not None else ()
    thought_tokens = whole(data.get("reasoning_tokens"))
    return Response(text, finish, tokens=tokens, reasoning=thought, reasoning_tokens=thought_tokens, sizes=sizes_of(data))


def sizes_of(data: Mapping[str, Any]) -> tuple[tuple[int, ...], ...]:
    """The sizes of the pictures as the model saw them; none where they have another form, which costs no answer."""
    told = data.get("sizes")
    if not isinstance(told, list) or not all(isinstance(size, list) and len(size) in (2, 4) for size in told):
        return ()
    sides = [[whole(side) for side in size] for size in told]
    return tuple(tuple(side for side in size if side is not None) for size in sides) if all(all(size) for size in sides) else ()


def scored(data: Mapping[str, Any], request: Score) -> Response:
    values, counts = data.get("logprobs"), data.get("tokens")
    numbers = isinstance(values, list) and all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)
    if not isinstance(values, list) or not numbers or len(values) != len(request.options):
        return odd("logprobs", data, f"{len(request.options)} numbers, one for each option")
    if not all(math.isfinite(value) for value in values):
        return odd("logprobs", data, "finite numbers")
    counted = isinstance(counts, list) and len(counts) == len(values) and all(whole(count) is not None for count in counts)
    return Response(logprobs=tuple(map(float, values)), tokens=tuple(counts) if counted and isinstance(counts, list) else ())


def odd(key: str, data: Mapping[str, Any], form: str) -> Response:
    return Response(error=f"the process answered `{key}` {shorten(data.get(key))}, expected {form}", status="model_error")
