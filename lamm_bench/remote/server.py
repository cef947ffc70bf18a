"""One call to an OpenAI-compatible server: a reply or a named trouble. The only file that imports `openai`.

The client's own repetitions are switched off: `exchange` decides what is repeated and when."""

from __future__ import annotations

import difflib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from lamm_bench.errors import BenchError, unknown

from .pace import retry_after
from .reply import Garbage, Reply, excerpt, read_reply

Kind = Literal["busy", "server", "lost", "timeout", "garbage", "request", "refused", "key", "quota", "model"]
PASSING: frozenset[Kind] = frozenset({"busy", "server", "lost", "timeout", "garbage"})  # may be gone at the next attempt
FATAL: frozenset[Kind] = frozenset({"key", "quota"})  # no other question will fare better
FILTERED = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")
OFFICIAL = "https://api.openai.com/v1"
LOOK_SECONDS = 30.0  # for the list of models: nobody waits two minutes to hear that nobody is there
LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
SHOWN = 20  # models named in an error
NO_MODEL = re.compile(
    r"\bmodel\b.*\b(not found|not exist|not available|unknown|invalid)|\b(unknown|invalid|unavailable|no such|not a valid) model\b",
    re.I,
)


@dataclass(frozen=True)
class Trouble:
    """Why there is no answer."""

    kind: Kind
    message: str
    retry_after: float | None = None  # seconds that the server asked for


class Server:
    """A server at `base_url`, asked with the key of an environment variable. Safe to use from many threads."""

    def __init__(self, base_url: str, key: str | None, key_name: str, timeout: float) -> None:
        try:
            import openai
        except ImportError:
            raise BenchError("the model openai-chat needs the package `openai`: pip install 'lamm-bench[openai]'") from None
        self.base_url, self.key_name, self.key = base_url, key_name, key
        self._openai = openai
        self._timeout = timeout
        self._client = openai.OpenAI(api_key=key or "none", base_url=base_url, timeout=timeout, max_retries=0)

    def _patient(self, seconds: float) -> Any:
        return self._client.with_options(timeout=min(seconds, self._timeout))

    def ask(self, body: dict[str, Any]) -> Reply | Trouble:
        """One completion. Never raises for anything that the server or the network does."""
        openai = self._openai
        try:
            # `extra_body` carries everything, so that the client neither checks nor renames what servers disagree about
            raw = self._client.chat.completions.with_raw_response.create(
                model=body["model"],
                messages=body["messages"],
                extra_body={key: value for key, value in body.items() if key not in ("model", "messages")},
            )
            return read_reply(raw.http_response.text)
        except Garbage as error:
            return Trouble("garbage", f"the server sent nonsense: {error}")
        except openai.APITimeoutError:
            return Trouble("timeout", "the server did not answer in time")
        except openai.APIConnectionError as error:
            return Trouble("lost", f"the connection failed: {reason(error)}")
        except openai.APIStatusError as error:
            return self._status(error)
        except openai.OpenAIError as error:
            return Trouble("garbage", f"the server sent nonsense: {excerpt(str(error))}")

    def _status(self, error: Any) -> Trouble:
        code = error.status_code
        said = message_of(error)
        text = f"HTTP {code}: {said}"
        detail = error.body if isinstance(error.body, dict) else {}
        words = f"{detail.get('code')} {detail.get('type')} {json.dumps(detail.get('innererror'), default=str)}"
        if lacks_model(code, words, said):
            return Trouble("model", text)
        if code in (401, 403):
            return Trouble("key", self.bad_key(code, said))
        if "insufficient_quota" in words:
            return Trouble("quota", f"the account's quota is used up ({text})")
        if code == 429:
            return Trouble("busy", text, retry_after(error.response.headers, time.time()))
        if code == 400 and any(word in words for word in FILTERED):
            return Trouble("refused", f"the server's content filter refused the question ({text})")
        if code in (408, 409) or (code >= 500 and "not supported" not in said):  # llama.cpp answers 500 to an image it cannot see
            return Trouble("server", text, retry_after(error.response.headers, time.time()))
        return Trouble("request", text)

    def bad_key(self, code: int, said: str) -> str:
        where = (
            f"{self.base_url} refuses the key in {self.key_name}"
            if self.key
            else f"{self.base_url} wants a key in {self.key_name}"
        )
        return f"{where} (HTTP {code}: {said})"

    def check(self, model: str, probe: dict[str, Any]) -> None:
        """Whether anybody is there, takes the key and knows the model. Raises `BenchError` with what to mend.

        Servers without a list of models, or with a list that lacks this one, are asked for one token instead: many take any name."""
        openai = self._openai
        try:
            listed = [str(entry.id) for entry in self._patient(LOOK_SECONDS).models.list().data]
        except openai.APITimeoutError:
            raise BenchError(f"no answer from {self.base_url} in time; is the server running, and is base_url right?") from None
        except openai.APIConnectionError as error:
            raise BenchError(
                f"no server answers at {self.base_url} ({reason(error)}); start it, or name it with --set base_url=URL"
            ) from None
        except openai.APIStatusError as error:
            if error.status_code in (401, 403):
                raise BenchError(self.bad_key(error.status_code, message_of(error))) from None
            listed = []
        except (openai.OpenAIError, ValueError, TypeError, AttributeError):  # whatever this is, it has no list of models
            listed = []
        if model in listed:
            return
        answer = self.ask(probe)
        if isinstance(answer, Trouble) and answer.kind == "model":
            raise not_offered(self.base_url, model, listed, answer.message)
        if isinstance(answer, Trouble) and answer.kind not in ("busy", "refused"):
            raise BenchError(f"{self.base_url} does not answer as an OpenAI-compatible server would: {answer.message}")


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


def message_of(error: Any) -> str:
    """What a server says about a fault, in one line."""
    body = error.body
    said = body.get("message") or body.get("detail") if isinstance(body, dict) else body  # `detail`: FastAPI's own errors
    return excerpt(str(said or error.message or "no reason given"))


def reason(error: BaseException) -> str:
    """The innermost cause: the client's own words are always `Connection error.`"""
    while error.__cause__ is not None:
        error = error.__cause__
    return excerpt(str(error) or type(error).__name__)


def checked_url(url: str) -> str:
    """A base URL that can be used and written into a manifest. Raises `BenchError`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BenchError(f"base_url={url} is no address; expected for instance http://localhost:8000/v1")
    if parts.username or parts.password or parts.query:
        raise BenchError("base_url holds a user, a password or a query; keys belong into an environment variable (key_env)")
    return url.rstrip("/")


def is_local(url: str) -> bool:
    return urlsplit(url).hostname in LOCAL
