"""A model for pictures of pages (`--plugin`): often right, talkative, at times without an answer; every verdict and status occurs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import exp, log
from random import Random
from typing import ClassVar

from lamm_bench.media import modalities
from lamm_bench.types import Generate, Job, Media, Response, Sample, Score

FRAMES = (
    "{}",
    "{}",
    "I think it is {}.",
    "Looking closely at what is shown here, I would say: {}",
    "The answer is {}, as far as I can see.",
)
THOUGHT = "First I look at what is asked. There is something in the middle, partly hidden by what stands before it; its outline is clear. "
HARM = re.compile(r"^corrupted .*?:([1-5])")  # how strongly a picture was corrupted
NUMBER = re.compile(r"\d+\.\d+")


@dataclass
class Fallible:
    """Gives the truth about the share `right` of the samples, with places a little beside it."""

    right: float = 0.7
    name: ClassVar[str] = "fallible"
    modalities: ClassVar[frozenset[str]] = frozenset(modalities())
    begins: ClassVar[bool] = True
    job: Job | None = field(default=None, init=False, repr=False)

    def begin(self, job: Job) -> None:
        self.job, self.samples = job, {sample.id: sample for sample in job.samples}

    def fingerprint(self) -> str:
        return f"fallible {self.right}"

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number, request in enumerate(requests):
            seen = [part.sha256 for message in request.messages for part in message.parts if isinstance(part, Media)]
            harm = max((int(level) for text in seen for level in HARM.findall(text)), default=0)
            yield number, self.said(self.samples[request.sample], request.part, self.right * (1 - 0.13 * harm))

    def said(self, sample: Sample, part: str, right: float) -> Response:
        assert self.job is not None
        rng, task = Random(f"{self.right}/{sample.id}/{part}"), self.job.task
        kind = rng.random()
        if part:
            kind = 1.0  # a joint without an answer would hide all others
        if kind < 0.03:
            return Response(
                error="the server answered with status 503 three times, at last: the model is being loaded", status="model_error"
            )
        if kind < 0.06:
            return Response(error="I would rather not say anything about this picture.", status="refused")
        if kind < 0.09:
            return Response("Well, there are many things to be seen here, and before I name any one of them I should", "length")
        if kind < 0.12:
            return Response("")
        truth = task.oracle(sample, part) if rng.random() < right else task.chance(sample, rng, self.job.samples, part)
        beside = NUMBER.sub(lambda found: f"{float(found.group()) + rng.gauss(0, 0.012):.3f}", truth)
        frame = "{}" if part or NUMBER.search(truth) else rng.choice(FRAMES)
        return Response(frame.format(beside), reasoning=THOUGHT * rng.randint(1, 4) if kind > 0.7 and not part else "")

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        for number, request in enumerate(requests):
            sample = self.samples[request.sample]
            rng, count = Random(f"{self.right}/{sample.id}"), len(request.options)
            logs = [rng.gauss(0, 1) for _ in range(count)]
            if isinstance(sample.target, int):
                logs[sample.target % count] += 3 * self.right * rng.random()
            total = log(sum(map(exp, logs)))
            yield number, Response(logprobs=tuple(one - total for one in logs), tokens=(1,) * count)


ADAPTERS = {"fallible": Fallible}
