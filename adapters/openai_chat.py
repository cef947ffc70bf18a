"""Any model behind an OpenAI-compatible server: `--model openai-chat --set base_url=URL model=NAME`, the key from $OPENAI_API_KEY.

What is sent, repeated, remembered and counted is described in docs/adapters.md; the parts are in `lamm_bench.remote`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from lamm_bench.errors import BenchError, MediaError
from lamm_bench.keep.files import digest
from lamm_bench.media import flats, many, renderable
from lamm_bench.media.renderings import parse_render
from lamm_bench.read.conventions import STATED, convention, of_name
from lamm_bench.remote.cache import Cache, default_path
from lamm_bench.remote.exchange import Clock, Exchange, Question
from lamm_bench.remote.options import likelihoods
from lamm_bench.remote.pace import Pace
from lamm_bench.remote.passages import Passage, passages, weigh
from lamm_bench.remote.pictures import Form, Pictures
from lamm_bench.remote.purse import Purse
from lamm_bench.remote.replicas import Replica, Replicas
from lamm_bench.remote.reply import Reply
from lamm_bench.remote.server import GRACE, OFFICIAL, Server, Trouble, Unreachable, checked_key, checked_url, is_local
from lamm_bench.remote.thoughts import Thoughts
from lamm_bench.remote.wire import Wire, ended
from lamm_bench.types import Generate, Job, Media, Message, Request, Response, Score, Task

PROBE = Generate((Message("user", ("Answer with one letter: (A) or (B)?",)),), max_new_tokens=1)
RESERVED = ("model", "messages", "stream", "n")


@dataclass
class OpenAIChat:
    """Connects when its fingerprint is taken, so that a server that is not there is told before a run begins."""

    model: str  # as the server names it
    base_url: str = ""  # empty: $OPENAI_BASE_URL, else api.openai.com; several by commas: replicas with the same model
    key_env: str = "OPENAI_API_KEY"  # the environment variable that holds the key; keys are never options
    images: Form = "auto"  # auto, png, jpeg; none leaves images out
    max_side: int = 0  # larger images are shrunk to this many pixels a side; 0: never
    detail: Literal["", "low", "high", "auto"] = ""  # what the server is told about image detail
    coordinates: str = ""  # whose numbers its boxes and points are (docs/coordinates.md); empty: by the model's name
    render: str = ""  # `4views` sends a point cloud as four pictures; empty: clouds are refused
    token_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    omit: str = ""  # keys that the server refuses, by commas: temperature,seed
    extra: str = ""  # a JSON object of further keys: {"reasoning_effort": "low"}
    thinking: str = ""  # marks of a thought in an answer, as <think>...</think>; empty: the well-known ones; none: parts nothing
    reasoning_tokens: int = 0  # tokens for a thought, on top of those that a task grants its answer
    top_logprobs: int = 20  # tokens asked for at each place where options are scored
    prefill: bool = False  # whether the server goes on with an answer that has begun (vLLM, SGLang: `continue_final_message`)
    likelihoods: Literal["letters", "prompt"] = (
        "letters"  # of options: `prompt` reads them off the prompt, where a server tells (vLLM)
    )
    concurrency: int = 64  # the most calls open at once; how many really are, the server decides
    timeout: float = 120.0  # seconds for one call
    retries: int = 5  # repetitions of one question after an error, a timeout or a lost connection
    patience: float = 600.0  # seconds without any answer after which asking ends
    price_in: float = 0.0  # per million tokens
    price_out: float = 0.0
    max_cost: float = 0.0  # asking ends before this is exceeded; 0: no limit
    cache: str = ""  # file of remembered answers; empty: in the user's cache folder; none: remember nothing
    offline: bool = False  # answer from the cache alone
    seed: int = 0  # of the back-off's jitter
    clock: Clock = field(default_factory=Clock, init=False, repr=False)
    name: ClassVar[str] = "openai-chat"
    overlaps: ClassVar[bool] = True  # no question knows of which task it is
    _exchange: Exchange | None = field(default=None, init=False, repr=False)
    _servers: dict[str, Server] = field(default_factory=dict, init=False, repr=False)
    _away: dict[str, str] = field(default_factory=dict, init=False, repr=False)  # servers that did not answer at first, and why
    _thoughts: Thoughts = field(default_factory=Thoughts, init=False, repr=False)
    _gives_logprobs: bool | None = field(default=None, init=False, repr=False)
    _no_logprobs: str = field(
        default="", init=False, repr=False
    )  # why, where the server said so: vLLM gives 20 alternatives at most

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise BenchError("model= of openai-chat is empty; name a model of the server, as in --set model=gpt-4o-mini")
        for option, least in (("concurrency", 1), ("retries", 0), ("max_side", 0), ("top_logprobs", 1), ("reasoning_tokens", 0)):
            if getattr(self, option) < least:
                raise BenchError(f"{option}={getattr(self, option)} of the model openai-chat must be at least {least}")
        for option in ("timeout", "patience", "price_in", "price_out", "max_cost"):
            value = getattr(self, option)
            if not 0.0 <= value < float("inf") or (option == "timeout" and value == 0.0):
                raise BenchError(f"{option}={value} of the model openai-chat must be a number, and not below 0")
        if self.max_cost and not (self.price_in or self.price_out):
            raise BenchError("max_cost needs price_in and price_out (per million tokens), or nothing would ever cost anything")
        if self.offline and self.cache == "none":
            raise BenchError("offline=true answers from the cache, and cache=none is no cache")
        self.coordinates = self.coordinates or of_name(self.model) or STATED
        convention(self.coordinates)  # one that nobody knows is told before anything is asked
        given = self.base_url or os.environ.get("OPENAI_BASE_URL") or OFFICIAL
        self.urls = urls_of(given)
        self.replicated = "," in given  # a comma behind a single one says that others may come
        self.base_url = ",".join(self.urls)
        self.wire = Wire(
            self.urls[0],
            self.model,
            Pictures(self.images, self.max_side, parse_render(self.render)),
            self.detail,
            self.token_limit,
            tuple(key.strip() for key in self.omit.split(",") if key.strip()),
            parse_extra(self.extra),
            self.top_logprobs,
            self.reasoning_tokens,
            self.prefill,
        )
        self._thoughts = Thoughts(self.thinking)
        self.purse = Purse(self.price_in, self.price_out, self.max_cost)

    @property
    def modalities(self) -> frozenset[str]:
        return flats() | (renderable() if self.wire.pictures.rendering else frozenset())

    @property
    def begins(self) -> bool:
        """Whether an answer can be begun for the model, as some servers let one do."""
        return self.prefill or self.likelihoods == "prompt"

    @property
    def ignores(self) -> frozenset[str]:
        """Media, where none are sent: a blind control."""
        return frozenset({"media"} if self.images == "none" and not self.wire.pictures.rendering else ())

    def fingerprint(self) -> str:
        """Model, server and all settings that may move an answer. Raises `BenchError` when nobody answers there."""
        if not self.offline:
            self.look()
        shaping: list[Any] = [self.images, self.max_side, self.detail, self.wire.pictures.rendering.told, self.token_limit]
        shaping += [list(self.wire.omit), dict(self.wire.extra), self.top_logprobs]
        shaping += [{"prefill": True}] if self.prefill else []
        shaping += [{"likelihoods": self.likelihoods}] if self.likelihoods != "letters" else []
        shaping += [{"thinking": self.thinking}] if self.thinking else []
        shaping += [{"reasoning_tokens": self.reasoning_tokens}] if self.reasoning_tokens else []
        # replicas come and go within a run: which of them answered stands in usage.json, and none of it in the identity
        return f"{self.model} at {'replicas' if self.replicated else self.base_url} {digest(shaping, 8)}"

    def look(self) -> None:
        """Looks at every server before a run. Raises `BenchError` where one is not what it should be, or nobody is there."""
        with ThreadPoolExecutor(len(self.urls)) as pool:
            found = dict(zip(self.urls, pool.map(self.looked_at, self.urls)))
        self._away = {url: str(told) for url, told in found.items() if isinstance(told, Unreachable)}
        if len(self._away) == len(self.urls):
            raise next(told for told in found.values() if isinstance(told, Unreachable))
        facts = {url: told for url, told in found.items() if not isinstance(told, Unreachable) and told}
        for url, told in facts.items():
            first = next(iter(facts))
            if told != facts[first]:
                raise BenchError(
                    f"{first} and {url} have different models under the name {self.model}: {facts[first]} and {told}"
                )

    def looked_at(self, url: str) -> dict[str, Any] | Unreachable:
        try:
            return self.server(url).check(self.model, self.wire.body(PROBE))
        except Unreachable as error:
            return error

    def why_not(self, task: Task, inferencer: Mapping[str, Any]) -> str | None:
        """Why a task cannot be asked, in the user's terms."""
        if task.modality in renderable() - self.modalities:
            return f"openai-chat sends no {many(task.modality)}; --set render=4views sends four rendered views of each instead"
        if inferencer.get("name") in ("likelihood", "turns_likelihood"):
            letters = inferencer["name"] == "likelihood" and inferencer.get("option", "letter") in ("letter", "letter_open")
            if self.likelihoods == "letters" and not letters:
                return "a chat server tells the likelihood of option letters only; use `option: letter`, or with vLLM --set likelihoods=prompt"
            if inferencer.get("window") == "first":
                return "a chat server tells nothing of what an answer has begun with, where `window: first` looks"
            if (inferencer.get("window", "message") != "message" or inferencer.get("think")) and not self.begins:
                return NO_PREFILL
            if not self.gives_logprobs():
                told = f" ({self._no_logprobs})" if self._no_logprobs else ""
                what = "log-probabilities" + (" of its prompt" if self.likelihoods == "prompt" else "")
                return f"{self.model} at {self.base_url} gives no {what}{told}"
        return None

    def begin(self, job: Job) -> None:
        self.exchange.replicas.new_task()

    @property
    def notes(self) -> list[str]:
        """What happened on the way that a reader of the run should know."""
        asked = [*self._exchange.notes, *self._exchange.replicas.notes] if self._exchange is not None else []
        return [*asked, *self._thoughts.notes]

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number, outcome in self.asked(requests):
            # the cache holds what the server said; what of it is a thought is seen here, so that `thinking` may change
            response = self._thoughts.apart(outcome.response) if isinstance(outcome, Reply) else outcome
            yield number, replace(ended(response, requests[number].stop), sizes=self.sizes(requests[number]))

    def seen(self, media: Media) -> tuple[int, int]:
        """Width and height in which a picture is sent. Raises `MediaError`."""
        return self.wire.pictures.size(media)

    def sizes(self, request: Generate) -> tuple[tuple[int, ...], ...]:
        """Of every picture of a request; none where one is not there, or where pictures are left out."""
        pictures = [
            part for message in request.messages for part in message.parts if isinstance(part, Media) and part.kind in flats()
        ]
        try:
            return () if self.images == "none" else tuple(self.seen(picture) for picture in pictures)
        except MediaError:
            return ()

    def asked(self, requests: Sequence[Request | Passage]) -> Iterator[tuple[int, Reply | Response]]:
        """What the server says to each request; media that are not there end theirs, and no other."""
        questions = []
        for number, request in enumerate(requests):
            try:
                questions.append(self.question(number, request))
            except MediaError as error:
                yield number, Response(error=str(error), status="media_error")
        yield from self.exchange.ask(questions)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        """From the likeliest tokens at the beginning of the answer (`lamm_bench.remote.options`), or behind what it has begun with; or
        from the prompt (`lamm_bench.remote.passages`)."""
        if self.likelihoods == "prompt":
            yield from weigh(requests, self.asked)
            return
        if not self.prefill:
            yield from (
                (n, Response(error=NO_PREFILL, status="model_error")) for n, request in enumerate(requests) if request.begun
            )
        able = [number for number, request in enumerate(requests) if self.prefill or not request.begun]
        for at, outcome in self.asked([requests[number] for number in able]):
            number = able[at]
            if isinstance(outcome, Response):
                yield number, outcome
            elif outcome.response.error is not None:
                yield number, outcome.response
            elif not outcome.alternatives:
                yield number, Response(error="the server gave no log-probabilities", status="model_error")
            else:
                yield number, likelihoods(requests[number].options, outcome.alternatives)

    def usage(self) -> dict[str, Any] | None:
        """Calls, tokens and cost of this process; None when nothing was asked."""
        asked = self.purse.calls or self.purse.remembered or self.purse.repeated
        return self.purse.to_json() if asked else None

    def question(self, number: int, request: Request | Passage) -> Question:
        # an answer is remembered as that of the server that gave it, and taken from wherever it was given
        keys = {url: self.wire.key(request, url) for url in self.urls} if self.replicated else {}
        return Question(
            min(keys.values(), default="") or self.wire.key(request), lambda: self.wire.body(request), [number], keys=keys
        )

    def gives_logprobs(self) -> bool:
        """Asked once, with a question that costs a few tokens; offline it is taken on trust."""
        if self._gives_logprobs is None:
            self._gives_logprobs = self.offline
            if not self.offline:
                options = Score(PROBE.messages, ("A", "B"))
                probe = self.wire.body(passages(options)[1] if self.likelihoods == "prompt" else options)
                server = self.server(next(url for url in self.urls if url not in self._away))
                answer = server.patiently(lambda: server.ask(probe))
                if isinstance(answer, Reply):
                    self.purse.pay(answer)
                    self._gives_logprobs = bool(answer.prompt if self.likelihoods == "prompt" else answer.alternatives)
                else:
                    self._no_logprobs = answer.message
        return self._gives_logprobs

    def server(self, url: str) -> Server:
        if url not in self._servers:
            self._servers[url] = self.connect(url)
        return self._servers[url]

    def connect(self, url: str) -> Server:
        key = checked_key(os.environ.get(self.key_env), self.key_env)
        if key is None and not is_local(url):
            raise BenchError(f"no key for {url}: set the environment variable {self.key_env}")
        return Server(url, key, self.key_env, self.timeout)

    @property
    def exchange(self) -> Exchange:
        if self._exchange is None:
            calls = {url: refuse if self.offline else self.server(url).ask for url in self.urls}
            pool = Replicas(
                [Replica(call, Pace(self.concurrency), url if self.replicated else "") for url, call in calls.items()]
            )
            for one in pool.members:
                if one.url in self._away:
                    pool.leave_alone(one, self._away[one.url], self.clock.now())
            cache, notes = self.open_cache()
            self._exchange = Exchange(pool, self.purse, cache, self.clock, self.timeout + 2 * GRACE)
            self._exchange.notes = notes
            self._exchange.retries, self._exchange.patience = self.retries, self.patience
            self._exchange.seed, self._exchange.offline, self._exchange.hint = self.seed, self.offline, hint
        return self._exchange

    def open_cache(self) -> tuple[Cache | None, list[str]]:
        """The cache, and what is to be said of it: one that nobody named and that cannot be used is done without."""
        if self.cache == "none":
            return None, []
        try:
            return Cache(Path(self.cache).expanduser() if self.cache else default_path()), []
        except BenchError as error:
            if self.cache or self.offline:
                raise
            return None, [f"{error}; this run goes on without it"]


NO_PREFILL = (
    "the recipe begins the answer, which chat servers do not let one do in general; --set prefill=true says that this one goes on with it "
    "(vLLM and SGLang do)"
)


def urls_of(given: str) -> list[str]:
    """The addresses in `base_url=`, each once. Raises `BenchError`.

    >>> urls_of("http://a:8000/v1, http://b:8000/v1/,http://a:8000/v1,")
    ['http://a:8000/v1', 'http://b:8000/v1']
    """
    return list(dict.fromkeys(checked_url(url) for url in given.split(",") if url.strip())) or [checked_url(given)]


def refuse(body: dict[str, Any]) -> Trouble:
    """Stands where the server would be when it must not be asked."""
    return Trouble("lost", "offline=true forbids to ask")


def parse_extra(text: str) -> dict[str, Any]:
    """The JSON object of `extra=`. Raises `BenchError`."""
    if not text:
        return {}
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise BenchError(f'extra={text} is no JSON object; expected for instance extra={{"reasoning_effort": "low"}}')
    for key in data:
        if key in RESERVED:
            raise BenchError(f"extra= may not set `{key}`; that is lamm-bench's own")
    return data


def hint(message: str) -> str:
    """What a user can do about a complaint that many servers make."""
    lower = message.lower()
    if "max_completion_tokens" in lower:
        return "try --set token_limit=max_completion_tokens"
    if "temperature" in lower or "seed" in lower:
        return "try --set omit=temperature (or seed)"
    if "image" in lower and ("support" in lower or "mmproj" in lower):
        return "this model takes no images; --set images=none asks it without them, as a blind control"
    return ""


ADAPTERS = {"openai-chat": OpenAIChat}

__all__ = ["ADAPTERS", "OpenAIChat", "hint", "parse_extra"]
