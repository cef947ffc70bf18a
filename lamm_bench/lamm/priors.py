"""Likelihoods of options behind neither media nor question, which calibration subtracts; each is computed once a run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from lamm_bench.types import Response, Score

Scoring = Callable[[Sequence[Score]], Iterator[tuple[int, Response]]]


@dataclass
class Priors:
    """What is known of them, by the layout in which they stood."""

    known: dict[Hashable, float] = field(default_factory=dict)

    def learn(self, requests: Sequence[Score], layout: str, score: Scoring) -> None:
        """Asks `score` for those that `requests` want and that are not known yet."""
        wanted: dict[Score, dict[str, None]] = {}
        for request in requests:
            for key, option in zip(keys(request, layout), request.options):
                if request.prior and key not in self.known:
                    wanted.setdefault(bare(request), {})[option] = None
        for one, options in wanted.items():
            ((_, response),) = score([replace(one, options=tuple(options))])
            if response.error is not None:
                raise RuntimeError(f"priors cannot be computed: {response.error}")
            self.known |= {(layout, one, option): value for option, value in zip(options, response.logprobs)}

    def told(self, request: Score, layout: str, response: Response) -> Response:
        """The response with the priors of the request's options, where it asked for them."""
        if not request.prior or response.error is not None:
            return response
        return replace(response, prior=tuple(self.known[key] for key in keys(request, layout)))


def bare(request: Score) -> Score:
    return replace(request.unasked, options=(), sample="", part="")


def keys(request: Score, layout: str) -> list[Hashable]:
    return [(layout, bare(request), option) for option in request.options]
