"""A request as the JSON body of `POST chat/completions`, and the key under which its answer is remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lamm_bench.keep.files import digest
from lamm_bench.types import Generate, Media, Message, Request, Response, Score

from .passages import Passage
from .pictures import Pictures

KEY_LENGTH = 40  # hexadecimal digits: 160 bits, so that no two questions ever share an answer
STOPS = 4  # texts at which OpenAI's and vLLM's servers stop; they refuse more
OPTION_TOKENS = 4  # generated where options are scored: "(", the letter, ")", and one to spare


@dataclass(frozen=True)
class Wire:
    """Everything about a model and its server that shapes a body."""

    base_url: str
    model: str
    pictures: Pictures = field(default_factory=Pictures)
    detail: str = ""  # of images: low, high, auto; empty: the server's own choice
    token_limit: str = "max_tokens"  # the name of the limit; newer models want max_completion_tokens
    omit: tuple[str, ...] = ()  # keys that this server refuses
    extra: Mapping[str, Any] = field(default_factory=dict)  # keys that this server wants besides
    top_logprobs: int = 20  # alternatives that are asked for where options are scored
    thought_tokens: int = 0  # by which the limit of an answer is raised, for a thought before it
    prefill: bool = False  # whether an answer that has begun is sent as the last message, to be gone on with

    def body(self, request: Request | Passage) -> dict[str, Any]:
        """What is sent. Raises `MediaError` when media cannot be used."""
        return self._body(request, self.pictures.urls)

    def key(self, request: Request | Passage, base_url: str = "") -> str:
        """A hash of server, model, messages, the content of the media and all settings; nothing is encoded for it.

        The seed counts even where `omit` keeps it from the server, so that several votes stay several questions."""
        seed = request.seed if isinstance(request, Generate) else None
        return digest([base_url or self.base_url, self._body(request, self.pictures.marks), seed], KEY_LENGTH)

    def _body(self, request: Request | Passage, shown: Callable[[Media], list[str]]) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "messages": [self._message(m, shown) for m in request.messages]}
        if isinstance(request, Passage):
            body |= {self.token_limit: 1, "temperature": 0.0, **request.keys()}
        elif isinstance(request, Score):
            body |= {self.token_limit: OPTION_TOKENS, "temperature": 0.0}
            body |= {"logprobs": True, "top_logprobs": self.top_logprobs}
            if request.begun and self.prefill:
                body["messages"].append({"role": "assistant", "content": sendable(request.begun)})
                body |= {"continue_final_message": True, "add_generation_prompt": False}
        else:
            body |= {self.token_limit: request.max_new_tokens + self.thought_tokens, "temperature": request.temperature}
            if request.top_p != 1.0:
                body["top_p"] = request.top_p
            if request.seed is not None:
                body["seed"] = request.seed
            if request.stop:
                body["stop"] = list(request.stop[:STOPS])
        return {key: value for key, value in body.items() if key not in self.omit} | dict(self.extra)

    def _message(self, message: Message, shown: Callable[[Media], list[str]]) -> dict[str, Any]:
        """A plain text where there are no images: many servers take nothing else from system and assistant."""
        content: list[dict[str, Any]] = []
        for part in message.parts:
            if isinstance(part, str):
                content.append({"type": "text", "text": sendable(part)})
            else:
                content += [{"type": "image_url", "image_url": self._image(url)} for url in shown(part)]
        if all(part["type"] == "text" for part in content):
            return {"role": message.role, "content": "".join(part["text"] for part in content)}
        return {"role": message.role, "content": content}

    def _image(self, url: str) -> dict[str, str]:
        return {"url": url, "detail": self.detail} if self.detail else {"url": url}


def ended(response: Response, stops: Sequence[str]) -> Response:
    """The answer up to the first of the stop texts, where there are more than a server takes.

    >>> ended(Response("a, b. c", "length"), ("1", "2", "3", ".", ",")).text
    'a'
    """
    places = [place for stop in stops if (place := response.text.find(stop)) >= 0]
    if len(stops) <= STOPS or not places:
        return response
    return replace(response, text=response.text[: min(places)], finish="stop")


def sendable(text: str) -> str:
    """The text without lone surrogates, which are no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
