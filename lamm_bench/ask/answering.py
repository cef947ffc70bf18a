"""From requests to responses: what an adapter yields is looked at, timed and told apart from thoughts, and brings each dialogue on."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, TypeVar

from lamm_bench.errors import BenchError
from lamm_bench.loading import escaped
from lamm_bench.read.parting import thought_apart
from lamm_bench.types import Adapter, Flow, Generate, Request, Response, Score

from .formed import formed
from .inferencers import sound

Step = tuple[int, Request, Response]
AT_ONCE = 0.002  # seconds: what comes sooner after another was ready when that was
T = TypeVar("T")


def answers(adapter: Adapter, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
    """Every request's response, each exactly once; what the adapter leaves out becomes an error."""
    for kind in (Generate, Score):
        index = [number for number, request in enumerate(requests) if isinstance(request, kind)]
        if not index:
            continue
        mine: list[Any] = [requests[number] for number in index]
        given = set()
        for number, response in said(adapter, kind, mine):
            if number in given or not 0 <= number < len(mine):
                raise BenchError(f"{adapter.name} answered request {number} twice or never was asked it: a bug of the adapter")
            given.add(number)
            yield index[number], sound(mine[number], response) if kind is Score else response
        for number in sorted(set(range(len(mine))) - given):
            yield index[number], Response(error="the adapter gave no response", status="model_error")


def said(adapter: Adapter, kind: type, requests: list[Any]) -> Iterator[tuple[int, Response]]:
    """What the adapter yields, seen to be pairs (index, Response). Raises `BenchError` that names what it is instead."""
    method = "generate" if kind is Generate else "score"
    stream = getattr(adapter, method)(requests)
    if not isinstance(stream, Iterable):
        raise BenchError(
            f"`{method}` of {adapter.name} gave {type(stream).__name__}, expected pairs (index, Response) to be yielded"
        )
    for pair, seconds in timed(stream):
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise BenchError(f"`{method}` of {adapter.name} yielded {type(pair).__name__}, expected a pair (index, Response)")
        if not isinstance(pair[0], Integral) or not isinstance(pair[1], Response):
            kinds = f"({type(pair[0]).__name__}, {type(pair[1]).__name__})"
            raise BenchError(f"`{method}` of {adapter.name} yielded {kinds}, expected a pair (index, Response)")
        response = formed(pair[1])
        response = response if response.seconds is not None else replace(response, seconds=seconds)
        if response.error is None and kind is Generate and not hasattr(adapter, "thinking"):
            response = thought_apart(response)
        if not response.text.isascii() or not response.reasoning.isascii():
            response = replace(response, text=escaped(response.text), reasoning=escaped(response.reasoning))
        yield int(pair[0]), response


def timed(stream: Iterable[T]) -> Iterator[tuple[T, float]]:
    """Each thing with the seconds of work behind it: since the one before it came, without what we did in between.

    Things that come in one go were made together, as in a batch, and took as long as the first of them."""
    things, seconds = iter(stream), 0.0
    while True:
        begun = time.monotonic()
        try:
            thing = next(things)
        except StopIteration:
            return
        waited = time.monotonic() - begun
        seconds = waited if waited > AT_ONCE else seconds or waited
        yield thing, seconds


def drive(flows: Sequence[Flow[T]], open_requests: dict[int, Request], adapter: Adapter) -> Iterator[tuple[Step, Request | T]]:
    """Carries requests to the adapter until every flow has ended, yielding each response with what its flow made of it.

    `open_requests` says where each flow stands. Each round is one stream of requests; the adapter batches as it likes. One that
    `remembers` so many dialogues is asked their next turns as soon as there are so many, in the middle of a round."""
    most = getattr(adapter, "remembers", 0) or math.inf
    while open_requests:
        numbers = list(open_requests)
        asked: dict[int, Request] = {}
        for position, response in answers(adapter, [open_requests[number] for number in numbers]):
            number = numbers[position]
            step = (number, open_requests[number], response)
            if response.error is not None:
                flows[number].close()
                yield step, None  # type: ignore[misc]
                continue
            following, ended = advance(flows[number], response)
            if following is not None:
                asked[number] = following
            yield step, following if following is not None else ended  # type: ignore[misc]
            if len(asked) >= most:
                yield from drive(flows, {number: asked[number] for number in sorted(asked)}, adapter)
                asked = {}
        open_requests = {number: asked[number] for number in sorted(asked)}


def advance(flow: Flow[T], response: Response | None) -> tuple[Request | None, T | None]:
    """The flow's next request, or its conclusion."""
    try:
        return (next(flow) if response is None else flow.send(response)), None
    except StopIteration as stop:
        return None, stop.value


def status_of(response: Response) -> str:
    """The status of a sample that ended with this response."""
    if response.error is not None:
        return response.status or "model_error"
    return "truncated" if response.finish == "length" else "ok"
