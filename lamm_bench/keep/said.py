"""What was said about each sample, as bytes while that is one plain answer: of a million of them, each object would cost more than its text."""

from __future__ import annotations

import struct
from typing import TypeAlias

from lamm_bench.types import Response

from .held import Held

Steps: TypeAlias = dict[int, tuple[str, Response]]
"""Step of a dialogue -> digest of its request, response."""

HEAD = struct.Struct(
    "<Biid"
)  # cut, and whether seconds are known; new tokens, -1 where nobody counted; letters of the digest; seconds
CUT, TIMED = 1, 2
MOST = 2**31 - 1  # tokens that have a place in it


class Said(Held[Steps]):
    """The responses of each sample, in the order in which they came first. What comes out is equal to what was put in; steps that are
    taken out and changed are another's, but for those that `setdefault` gives.

    >>> said = Said()
    >>> said.take("a", 0, "1f", Response("a cat", tokens=(3,)))
    >>> said["a"][0][1].text, len(said)
    ('a cat', 1)
    """

    def take(self, name: str, step: int, request: str, response: Response) -> None:
        """One more response."""
        if step == 0 and name not in self._kept and plain(response) and type(request) is str and request.isascii():
            self._kept[name] = packed(request, response)
        else:
            self.setdefault(name, {})[step] = (request, response)

    def setdefault(self, name: str, default: Steps | None = None) -> Steps:
        """A sample's steps, which may be added to."""
        kept = self._kept.get(name)
        steps = ({} if default is None else default) if kept is None else unpacked(kept) if isinstance(kept, bytes) else kept
        self._kept[name] = steps
        return steps

    def __setitem__(self, name: str, steps: Steps) -> None:
        self._kept[name] = steps

    def __getitem__(self, name: str) -> Steps:
        kept = self._kept[name]
        return unpacked(kept) if isinstance(kept, bytes) else kept


def plain(response: Response) -> bool:
    """Whether a response is a text, and a number of tokens and seconds at most."""
    tokens, seconds = response.tokens, response.seconds
    counted = not tokens or (len(tokens) == 1 and type(tokens[0]) is int and 0 <= tokens[0] <= MOST)
    told = response.logprobs or response.prior or response.status or response.reasoning or response.sizes
    return (
        counted
        and not told
        and response.error is None
        and response.reasoning_tokens is None
        and (seconds is None or type(seconds) is float)
    )


def packed(request: str, response: Response) -> bytes:
    """The bytes of a `plain` response; halves of surrogate pairs stay what they are."""
    flags = CUT * (response.finish == "length") | TIMED * (response.seconds is not None)
    tokens = response.tokens[0] if response.tokens else -1
    head = HEAD.pack(flags, tokens, len(request), response.seconds or 0.0)
    return head + request.encode() + response.text.encode("utf-8", "surrogatepass")


def unpacked(kept: bytes) -> Steps:
    """The other way of `packed`."""
    flags, tokens, letters, seconds = HEAD.unpack_from(kept)
    text = kept[HEAD.size + letters :].decode("utf-8", "surrogatepass")
    response = Response(
        text,
        "length" if flags & CUT else "stop",
        tokens=(tokens,) if tokens >= 0 else (),
        seconds=seconds if flags & TIMED else None,
    )
    return {0: (kept[HEAD.size : HEAD.size + letters].decode(), response)}
