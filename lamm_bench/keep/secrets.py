"""Keys and passwords on their way into a file or onto the screen: what they are is never kept or shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

HIDDEN = "[secret]"
SECRET = re.compile(r"api_?key|(^|_)key$|token$|secret|passw|credential|authorization|(^|_)auth$", re.IGNORECASE)
NOT_SECRET = re.compile(r"max|limit|num|count|stop|pad|bos|eos|new_token", re.IGNORECASE)  # max_token, pad_token ...
SHORTEST = 8  # characters; a shorter value is no key, and stands in ordinary words


def is_secret(name: str) -> bool:
    """Whether a setting or variable of this name holds a secret.

    >>> [is_secret(name) for name in ("OPENAI_API_KEY", "hf_token", "key_env", "token_limit", "max_token")]
    [True, True, False, False, False]
    """
    return SECRET.search(name) is not None and NOT_SECRET.search(name) is None


def of_environment() -> list[str]:
    """The values of all variables that are named as secrets are, the longest first."""
    found = {value.strip() for name, value in os.environ.items() if is_secret(name) and len(value.strip()) >= SHORTEST}
    return sorted(found, key=len, reverse=True)


def redacted(text: str, secrets: Sequence[str] | None = None) -> str:
    """The text without the secrets (by default those of the environment)."""
    for secret in of_environment() if secrets is None else secrets:
        text = text.replace(secret, HIDDEN)
    return text


def redacted_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings whose names are those of secrets without their values; the others without the environment's secrets."""
    return {
        key: HIDDEN if is_secret(key) and value else redacted(value) if isinstance(value, str) else value
        for key, value in settings.items()
    }


def redacted_command(words: Sequence[str]) -> list[str]:
    """A command line that may be kept.

    >>> redacted_command(["run", "--set", "api_key=sk-0815", "--api-key", "sk-0815"])
    ['run', '--set', 'api_key=[secret]', '--api-key', '[secret]']
    """
    found: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if found and found[-1].startswith("--") and "=" not in found[-1] and is_secret(found[-1].lstrip("-").replace("-", "_")):
            found.append(HIDDEN)
        elif equals and value and is_secret(name.lstrip("-").replace("-", "_")):
            found.append(f"{name}={HIDDEN}")
        else:
            found.append(
                re.sub(r'("[^"]*(?:key|token|secret|passw)[^"]*"\s*:\s*")[^"]*"', rf'\1{HIDDEN}"', redacted(word), flags=re.I)
            )
    return found
