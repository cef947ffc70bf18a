"""The body of a chat completion as a request of ours. Only what is understood is answered; nothing is passed over in silence."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lamm_bench import media
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.types import Generate, Media, Message, Request, Score

USUAL_TOKENS, MOST_TOKENS = 256, 32_768
ROLES = ("system", "user", "assistant")
ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}$")
DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*;base64,", re.ASCII)
NEUTRAL = {"n": 1, "presence_penalty": 0, "frequency_penalty": 0, "logit_bias": {}, "tools": [], "top_k": -1}
IGNORED = ("user", "metadata", "store", "stream_options", "service_tier", "detail", "response_format")
KNOWN = (
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "seed",
    "stop",
    "stream",
    "logprobs",
    "top_logprobs",
    "options",
)


class Refused(Exception):
    """A request that cannot be answered: an HTTP status, and one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Asked:
    """A request, and how its answer is wanted."""

    request: Request
    stream: bool = False


def asked(body: Any, model: str, modalities: frozenset[str], folder: Path) -> Asked:
    """A body as a request; its media are written into `folder`. Raises `Refused`."""
    if not isinstance(body, dict):
        raise Refused(400, "the body is no JSON object")
    if body.get("model", model) != model:
        raise Refused(404, f"there is no model {str(body['model'])[:100]!r} here; this server has {model!r}")
    refuse_unknown(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "`messages` must be a list with one message at least")
    reader = Parts(modalities, folder)
    told = tuple(message(one, f"messages[{number}]", reader) for number, one in enumerate(messages))
    if "options" in body:
        return Asked(Score(told, options(body["options"])))
    if body.get("logprobs"):
        raise Refused(400, "log-probabilities are told of given options only: send `options`, a list of texts")
    return Asked(generate(body, told), flag(body, "stream"))


def refuse_unknown(body: Mapping[str, Any]) -> None:
    """Keys that would change an answer and are not understood are refused, unless they ask for what is done anyway."""
    for key, value in body.items():
        if key in KNOWN or key in IGNORED or value is None or (key in NEUTRAL and value == NEUTRAL[key]):
            continue
        raise Refused(400, f"`{str(key)[:60]}` is not understood here; known are {', '.join(KNOWN)}")
    form = body.get("response_format")
    if form not in (None, {"type": "text"}):
        raise Refused(400, "`response_format` is not understood here; answers are texts")


def generate(body: Mapping[str, Any], messages: tuple[Message, ...]) -> Generate:
    told = (body.get("max_completion_tokens"), body.get("max_tokens"), USUAL_TOKENS)
    most = next(one for one in told if one is not None)
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST_TOKENS:
        raise Refused(400, f"`max_tokens` must be a whole number from 1 to {MOST_TOKENS}")
    temperature = number(body, "temperature", 0.0, 0.0, 100.0)
    top_p = number(body, "top_p", 1.0, 0.0, 1.0)
    if top_p == 0.0:
        raise Refused(400, "`top_p` must be above 0")
    seed = body.get("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise Refused(400, "`seed` must be a whole number")
    stop = body.get("stop") or []
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(one, str) and one for one in stops):
        raise Refused(400, "`stop` must be a text or a list of texts")
    return Generate(messages, most, tuple(stops), temperature, top_p, seed)


def number(body: Mapping[str, Any], key: str, usual: float, low: float, high: float) -> float:
    value = body.get(key)
    if value is None:
        return usual
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Refused(400, f"`{key}` must be a number from {low:g} to {high:g}")
    return float(value)


def flag(body: Mapping[str, Any], key: str) -> bool:
    value = body.get(key)
    if value not in (None, True, False):
        raise Refused(400, f"`{key}` must be true or false")
    return bool(value)


def options(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and one for one in given):
        raise Refused(400, "`options` must be a list of texts")
    return tuple(given)


def message(given: Any, where: str, reader: Parts) -> Message:
    """One message, its parts in their order."""
    if not isinstance(given, dict) or given.get("role") not in (*ROLES, "developer"):
        raise Refused(400, f"{where} needs a `role`, one of {', '.join(ROLES)}")
    role: Literal["system", "user", "assistant"] = "system" if given["role"] == "developer" else given["role"]
    content = given.get("content")
    if isinstance(content, str):
        return Message(role, (content,))
    if not isinstance(content, list) or not content:
        raise Refused(400, f"{where}: `content` must be a text or a list of parts")
    return Message(role, tuple(part for number, one in enumerate(content) for part in reader(one, f"{where}.content[{number}]")))


@dataclass
class Parts:
    """Reads parts of contents: texts, and media as data URLs, whose type is the modality's name with `_url` behind it."""

    modalities: frozenset[str]
    folder: Path
    count: int = 0

    def __call__(self, given: Any, where: str) -> Sequence[str | Media]:
        kind = given.get("type") if isinstance(given, dict) else None
        if kind in ("text", "input_text") and isinstance(given.get("text"), str):
            return (given["text"],)
        known = {f"{name}_url": one for name, one in media.modalities().items()}
        if not isinstance(kind, str) or kind not in known:
            raise Refused(400, f"{where} must be a part of the type text, {' or '.join(sorted(known))}")
        own = known[kind]
        if not media.able(own, self.modalities):
            raise Refused(400, f"{where}: this model takes no {own.many}")
        told = given.get(kind)
        url, name = (told.get("url"), told.get("name")) if isinstance(told, dict) else (told, None)
        one = Media(own.name, str(self.written(url, name, where)))
        try:
            media.check(one)
            return tuple(media.seal(each) for each in media.instead(one, self.modalities))
        except (MediaError, BenchError) as error:
            raise Refused(400, f"{where}: {str(error).replace(one.path, 'the file')}") from None

    def written(self, url: Any, name: Any, where: str) -> Path:
        """The bytes of a data URL as a file; its ending is that of `name`, where one is told."""
        found = DATA_URL.match(url) if isinstance(url, str) else None
        if found is None:
            raise Refused(
                400, f"{where}: `url` must be a data URL in base64; nothing is fetched, and no file is opened by its name"
            )
        try:
            data = base64.b64decode(url[found.end() :], validate=True)
        except (binascii.Error, ValueError):
            raise Refused(400, f"{where}: the data URL holds no base64") from None
        ending = ENDING.search(name) if isinstance(name, str) else None
        self.count += 1
        path = self.folder / f"{self.count}{ending.group() if ending else ''}"
        path.write_bytes(data)
        return path
