"""One call to an OpenAI-compatible server: a reply or a named trouble, and nothing of the key in either.

What is repeated and when, `exchange` decides."""

from __future__ import annotations

import difflib
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from lamm_bench.errors import BenchError, unknown
from lamm_bench.keep.secrets import SHORTEST, redacted

from .call import Heard, Late, Line, Lost, Nonsense, within
from .pace import retry_after
from .reply import Failure, Garbage, Reply, excerpt, read_reply

Kind = Literal["busy", "server", "lost", "timeout", "garbage", "request", "refused", "key", "quota", "model"]
PASSING: frozenset[Kind] = frozenset({"busy", "server", "lost", "timeout", "garbage"})  # may be gone at the next attempt
ISOLATED: frozenset[Kind] = frozenset({"server", "lost", "garbage"})  # of one question, as long as the others are answered
FATAL: frozenset[Kind] = frozenset({"key", "quota"})  # no other question will fare better
FILTERED = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")
OFFICIAL = "https://api.openai.com/v1"
LOOK_SECONDS = 30.0  # for the list of models: nobody waits two minutes to hear that nobody is there
LOST_LINES = (
    3  # attempts of the first look: a server may close the line, on which it told its models, in the moment it is asked again
)
GRACE = 2.0  # seconds after its timeout when a call that has not ended by itself is given up
LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
TELLING = ("root", "max_model_len", "meta")  # of an entry in the list of models: vLLM's and SGLang's, and llama.cpp's
SHOWN = 20  # models named in an error
ENDPOINT = "/chat/completions"
NO_MODEL = re.compile(
    r"\bmodel\b.*\b(not found|not exist|not available|unknown|invalid)|\b(unknown|invalid|unavailable|no such|not a valid) model\b",
    re.I,
)
T = TypeVar("T")


class Unreachable(BenchError):
    """Nobody answers at an address; perhaps later."""


@dataclass(frozen=True)
class Trouble:
    """Why there is no answer."""

    kind: Kind
    message: str
    retry_after: float | None = None  # seconds that the server asked for


class Server:
    """A server at `base_url`, asked with the key of an environment variable. Safe to use from many threads."""

    def __init__(self, base_url: str, key: str | None, key_name: str, timeout: float) -> None:
        self.base_url, self.key_name, self.key = base_url, key_name, key
        self.timeout = timeout
        self._secrets = [f"Bearer {key}", *([key] if len(key) >= SHORTEST else [])] if key else []
        headers = {"authorization": f"Bearer {key or 'none'}", "user-agent": "lamm-bench"}
        if base_url == OFFICIAL:
            for name, variable in (("openai-organization", "OPENAI_ORG_ID"), ("openai-project", "OPENAI_PROJECT_ID")):
                headers |= {name: os.environ[variable]} if os.environ.get(variable) else {}
        self._line = Line(headers, timeout)

    def ask(self, body: dict[str, Any]) -> Reply | Trouble:
        """One completion. Never raises for anything that the server or the network does."""
        try:
            heard = self._line.call("POST", f"{self.base_url}{ENDPOINT}", body)
            if heard.status >= 300:
                return self._clean(self._status(heard))
            return self._clean_reply(read_reply(heard.text))
        except Failure as error:
            return self._clean(Trouble("server", f"the server sent an error for an answer: {error}"))
        except (Garbage, Nonsense) as error:
            return self._clean(Trouble("garbage", f"the server sent nonsense: {excerpt(str(error))}"))
        except Late:
            return Trouble("timeout", "the server did not answer in time")
        except Lost as error:
            return self._clean(Trouble("lost", f"the connection failed: {excerpt(str(error))}"))

    def patiently(self, work: Callable[[], T]) -> T | Trouble:
        """A call that nobody else watches, given up a little after its time."""
        try:
            return within(self.timeout + GRACE, work)
        except Late:
            return Trouble("timeout", "the server did not answer in time")

    def _clean(self, trouble: Trouble) -> Trouble:
        return replace(trouble, message=redacted(trouble.message, self._secrets))

    def _clean_reply(self, reply: Reply) -> Reply:
        """The reply without the key, which a server may repeat anywhere."""
        told = f"{reply.response.text}{reply.response.error}{reply.response.reasoning}{reply.model}{reply.fingerprint}"
        if not any(secret in told for secret in self._secrets):
            return reply
        said = reply.response
        error = redacted(said.error, self._secrets) if said.error is not None else None
        return replace(
            reply,
            response=replace(
                said,
                text=redacted(said.text, self._secrets),
                error=error,
                reasoning=redacted(said.reasoning, self._secrets),
            ),
            model=redacted(reply.model, self._secrets),
            fingerprint=redacted(reply.fingerprint, self._secrets),
        )

    def _status(self, heard: Heard) -> Trouble:
        code, said, detail = heard.status, message_of(heard), details_of(heard)
        text = f"HTTP {code}: {said}"
        words = f"{detail.get('code')} {detail.get('type')} {json.dumps(detail.get('innererror'), default=str)}"
        if lacks_model(code, words, said):
            return Trouble("model", text)
        if code in (401, 403):
            return Trouble("key", self.bad_key(code, said))
        if "insufficient_quota" in words:
            return Trouble("quota", f"the account's quota is used up ({text})")
        if code == 429:
            return Trouble("busy", text, retry_after(heard.headers, time.time()))
        if code == 400 and any(word in words for word in FILTERED):
            return Trouble("refused", f"the server's content filter refused the question ({text})")
        if code in (408, 409) or (code >= 500 and "not supported" not in said):  # llama.cpp answers 500 to an image it cannot see
            return Trouble("server", text, retry_after(heard.headers, time.time()))
        return Trouble("request", text)

    def bad_key(self, code: int, said: str) -> str:
        where = (
            f"{self.base_url} refuses the key in {self.key_name}"
            if self.key
            else f"{self.base_url} wants a key in {self.key_name}"
        )
        return f"{where} (HTTP {code}: {redacted(said, self._secrets)})"

    def check(self, model: str, probe: dict[str, Any]) -> dict[str, Any]:
        """Whether anybody is there, takes the key and knows the model; what the server tells of it, if anything.

        Raises `BenchError` with what to mend, `Unreachable` where nobody is there.

        Servers without a list of models, or with a list that lacks this one, are asked for one token instead: many take any name."""
        listed = self.models()
        if model in listed:
            return {key: value for key, value in listed[model].items() if key in TELLING}
        for _ in range(LOST_LINES):
            answer = self.patiently(lambda: self.ask(probe))
            if not (isinstance(answer, Trouble) and answer.kind == "lost"):
                break
        if isinstance(answer, Trouble) and answer.kind == "model":
            raise not_offered(self.base_url, model, list(listed), answer.message)
        if isinstance(answer, Trouble) and answer.kind not in ("busy", "refused"):
            hint = address_hint(self.base_url) if answer.kind == "garbage" or re.search("HTTP 40[45]", answer.message) else ""
            raise BenchError(f"{self.base_url} does not answer as an OpenAI-compatible server would: {answer.message}{hint}")
        return {}

    def models(self) -> dict[str, dict[str, Any]]:
        """What the server tells of the models that it lists; none where it has no such list. Raises `Unreachable` where nobody answers."""
        seconds = min(LOOK_SECONDS, self.timeout)
        try:
            heard = within(seconds + GRACE, lambda: self._line.call("GET", f"{self.base_url}/models", None, seconds))
        except Late:
            raise Unreachable(f"no answer from {self.base_url} in time; is the server running, and is base_url right?") from None
        except Lost as error:
            why = redacted(excerpt(str(error)), self._secrets)
            raise Unreachable(
                f"no server answers at {self.base_url} ({why}); start it, or name it with --set base_url=URL"
            ) from None
        except Nonsense:
            return {}
        if heard.status in (401, 403):
            raise BenchError(self.bad_key(heard.status, message_of(heard)))
        value = heard.json() if heard.status == 200 else None
        entries = value.get("data") if isinstance(value, dict) else None
        known = [entry for entry in entries if isinstance(entry, dict) and "id" in entry] if isinstance(entries, list) else []
        return {str(entry["id"]): entry for entry in known}


def address_hint(url: str) -> str:
    """What base_url should look like, for somebody who gave another address of the same server."""
    head = url.partition("/v1")[0].rstrip("/")
    return f"; is base_url right? It is the address with /v1 and without {ENDPOINT}, here probably {head}/v1"


def lacks_model(code: int, words: str, said: str) -> bool:
    """Whether a server says that it has no such model; `words` are its error's code and type.

    >>> lacks_model(404, "", "The model `x` does not exist."), lacks_model(400, "", "x is not a valid model ID")
    (True, True)
    >>> lacks_model(400, "", "'max_tokens' is not supported with this model"), lacks_model(404, "", "Not Found")
    (False, False)
    """
    if "model_not_found" in words or (code == 404 and "model" in said.lower()):
        return True
    return code in (400, 422) and NO_MODEL.search(said) is not None


def not_offered(url: str, model: str, listed: Sequence[str], said: str) -> BenchError:
    """The sentence with the models that a server lists, of many the likeliest."""
    if not listed:
        return BenchError(f"{url} has no model called '{model}' ({said}), and it lists none; name one with --set model=NAME")
    names = sorted(set(listed))
    shown = difflib.get_close_matches(model, names, n=SHOWN, cutoff=0.0)
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return BenchError(f"{unknown(f'model at {url}', model, shown)}{more}")


def details_of(heard: Heard) -> dict[str, Any]:
    """What a server says about a fault: its `error`, or the whole object where it has none."""
    value = heard.json()
    found = value.get("error", value) if isinstance(value, dict) else {}
    return found if isinstance(found, dict) else {"message": found}


def message_of(heard: Heard) -> str:
    """The fault in one line."""
    detail = details_of(heard)
    said = detail.get("message") or detail.get("detail")  # `detail`: FastAPI's own errors
    return excerpt(str(said or heard.text or "no reason given"))


def checked_url(url: str) -> str:
    """A base URL that can be used and written into a manifest. Raises `BenchError`.

    >>> checked_url("http://localhost:8000/v1/chat/completions/")
    'http://localhost:8000/v1'
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        there = parts.hostname and (parts.port is None or parts.port)
    except ValueError:  # a port that is no number, a bracket that stays open
        there = None
    if not there or parts.scheme not in ("http", "https") or not url.isprintable() or " " in url:
        raise BenchError(f"base_url={excerpt(url)} is no address; expected for instance http://localhost:8000/v1")
    if parts.username or parts.password:
        raise BenchError("base_url holds a user or a password; keys belong into an environment variable (key_env)")
    if parts.query or parts.fragment:
        raise BenchError(
            f"base_url has something behind its path (? or #); expected the address with /v1, without {ENDPOINT} and without a query, "
            f"such as {parts.scheme}://{parts.netloc}/v1; keys belong into an environment variable (key_env)"
        )
    return url.rstrip("/").removesuffix(ENDPOINT).rstrip("/")


def checked_key(key: str | None, name: str) -> str | None:
    """The key of an environment variable, without the line break of the file it came from. Raises `BenchError`, never showing it."""
    key = (key or "").strip()
    if not all("!" <= letter <= "~" for letter in key):
        raise BenchError(f"the key in {name} holds a blank, a line break or a letter that no key has; set {name} anew")
    return key or None


def is_local(url: str) -> bool:
    return urlsplit(url).hostname in LOCAL
