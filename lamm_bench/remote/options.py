"""The likelihood of answer options from a chat server, which never tells that of a text it did not write itself.

What a server does tell are the likeliest tokens at each place of its own answer. Options that differ in one letter or digit,
such as (A), (B), (C), can be read off there: what they share at the beginning and the end is set aside, and the first place
at which the differing character can stand gives its probability. Places before it must have spelt what the options share."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from lamm_bench.types import Response

from .reply import Alternatives

EDGES = " \t\r\n*\"'`\u2581\u0120"  # blanks, as tokenizers write them too, and marks around an answer that say nothing
THOUGHTS = ("<think", "<|channel", "[THINK", "◁think", "<reason", "<|think")  # an answer that begins so is not there yet
SMALLEST = 1e-12  # where the listed ones leave nothing at all
MARGIN = 1e-6  # nats by which an option that is not listed stays below every listed one


def single_marks(options: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """What the options share at the beginning, and the one character in which they differ; None when it is not one.

    >>> single_marks(["(A)", "(B)"])
    ('(', ('A', 'B'))
    >>> single_marks(["cat", "dog"]) is None
    True
    """
    if len(set(options)) < max(2, len(options)):
        return None
    before = os.path.commonprefix(list(options))
    after = os.path.commonprefix([option[len(before) :][::-1] for option in options])[::-1]
    marks = tuple(option[len(before) : len(option) - len(after)] for option in options)
    return (before, marks) if all(len(mark) == 1 for mark in marks) else None


def likelihoods(options: Sequence[str], places: Sequence[Alternatives]) -> Response:
    """One log-probability per option, or a response with an error when the answer shows none of them.

    An option that is not among the likeliest tokens of its place gets an upper bound: the probability of the last one listed
    there, or what the listed ones leave, if that is less. It stays below that of every option that is listed.

    >>> likelihoods(["(A)", "(B)"], [(("B", -0.01),)]).logprobs[0] < -4.6
    True
    """
    found = single_marks(options)
    if found is None:
        return Response(
            error="only options that differ in one letter or digit can be scored by a chat server", status="model_error"
        )
    shared, marks = found
    mass = dict.fromkeys(marks, 0.0)
    bounds = []
    path, spelt = 0.0, ""  # log-probability of the answer so far, and what it has spelt
    for place in places:
        rest = shared.strip(EDGES)[len(spelt) :]
        for token, logprob in place:
            mark = mark_of(token.strip(EDGES), rest, marks)
            if mark is not None:
                mass[mark] += math.exp(path + logprob)
        left = 1 - sum(math.exp(logprob) for _, logprob in place)
        bounds.append(math.exp(path) * min(max(left, 0.0), *(math.exp(logprob) for _, logprob in place)))
        chosen, logprob = place[0]
        spelt += chosen.strip(EDGES)
        path += logprob
        if not shared.strip(EDGES).startswith(spelt):
            break
    said = "".join(place[0][0] for place in places)
    if said.lstrip().startswith(THOUGHTS):
        return Response(
            error=f"the answer begins with a thought ({said[:20]!r}), not with an option; many servers think less when told so "
            'with --set extra={"chat_template_kwargs": {"enable_thinking": false}}',
            status="model_error",
        )
    if not any(mass.values()):
        return Response(
            error=f"none of the likeliest tokens names an option (the answer began with {said!r}); vLLM can hold answers to "
            "the options, or score them by --set likelihoods=prompt: docs/adapters.md, option scoring",
            status="model_error",
        )
    least = min(math.log(value) for value in mass.values() if value)
    unlisted = min(least - MARGIN, math.log(max(max(bounds), SMALLEST)))
    return Response(logprobs=tuple(math.log(mass[mark]) if mass[mark] else unlisted for mark in marks), tokens=(1,) * len(marks))


def mark_of(token: str, rest: str, marks: Sequence[str]) -> str | None:
    """The option that a token names: with what is still missing of the shared beginning, or without it.

    A longer word that merely begins with the letter names none: "A)" does, "Apple" does not.

    >>> mark_of("(B", "(", "AB"), mark_of("B)", "(", "AB"), mark_of("Bear", "", "AB")
    ('B', 'B', None)
    """
    bare = token.removeprefix(rest) if rest and token.startswith(rest) else token
    if bare[:1] in marks and bare[:1] and not any(c.isalnum() for c in bare[1:]):
        return bare[0]
    return None
