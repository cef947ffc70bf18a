"""Models that look at nothing: the ceiling and the floor of every task, and answers from a file.

`oracle` answers the ground truth, `chance` draws well-formed answers, `majority` always gives the file's most frequent one;
none of them opens an image. `scripted` answers from files. What they say about a sample depends on nothing but the task, the
sample and their settings, so any turn of a dialogue gets the same answer."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import ClassVar

from lamm_bench.errors import BenchError, MediaError
from lamm_bench.keep.answers import find_answers, read_answers
from lamm_bench.loading import load_json
from lamm_bench.media import image_size, modalities
from lamm_bench.read import Frame, convention, read_choice
from lamm_bench.read.rendering import places_of, render
from lamm_bench.types import Answer, Generate, Job, Request, Response, Sample, Score


class Everything:
    """Every modality that is known when somebody asks, plug-ins' included: what is never looked at can be of any kind."""

    def __get__(self, one: object, owner: type | None = None) -> frozenset[str]:
        return frozenset(modalities())


NOTHING_SEEN = frozenset({"prompt", "media"})  # what none of these looks at
LIKELY, UNLIKELY = 0.0, -10.0  # log-likelihoods of the chosen option and of all others


@dataclass
class Told:
    """The task that is being asked, its samples by id."""

    job: Job
    samples: dict[str, Sample]

    @classmethod
    def of(cls, job: Job) -> Told:
        return cls(job, {sample.id: sample for sample in job.samples})


def sample_of(told: Told | None, request: Request) -> Sample:
    """The sample that a request is about. Raises `BenchError` where `begin` was not called with it."""
    if told is None or request.sample not in told.samples:
        raise BenchError(
            f"a baseline answers the samples of a task and nothing else, so it can neither chat nor judge (no sample '{request.sample}' here)"
        )
    return told.samples[request.sample]


def pick(options: Sequence[str], answer: str, sample: Sample, part: str = "") -> int:
    """The option that an answer means: read as a choice where the options are the sample's, else by its text, as those of a turn are.

    Options may be letters (`(A)`), texts, both, or other words, always in the sample's order."""
    if sample.choices and len(options) == len(sample.choices) and not part:
        choice = read_choice(answer, sample.choices)
        if choice is not None:
            return choice
    for number, option in enumerate(options):
        if option.strip().casefold() == answer.strip().casefold():
            return number
    return 0


def preferring(options: Sequence[str], chosen: int) -> Response:
    """A response in which the chosen option is the likeliest."""
    return Response(logprobs=tuple(LIKELY if n == chosen else UNLIKELY for n in range(len(options))), tokens=(1,) * len(options))


Answering = Callable[[Request], str | Response]
"""The text for a request, or the response that says why there is none."""


def texts(requests: Sequence[Generate], answer: Answering) -> Iterator[tuple[int, Response]]:
    """The texts, in the order of the requests."""
    for number, request in enumerate(requests):
        said = answer(request)
        yield number, Response(said) if isinstance(said, str) else said


def preferred(requests: Sequence[Score], answer: Answering, told: Told | None) -> Iterator[tuple[int, Response]]:
    """Log-likelihoods of `LIKELY` for the option that the text means and `UNLIKELY` for the others."""
    for number, request in enumerate(requests):
        said = answer(request)
        if isinstance(said, str):
            said = preferring(request.options, pick(request.options, said, sample_of(told, request), request.part))
        yield number, said


@dataclass
class Oracle:
    """Answers the ground truth in the format asked for; under a native recipe its places in the convention `coordinates`."""

    coordinates: str = ""
    told: Told | None = field(default=None, init=False, repr=False)
    name: ClassVar[str] = "oracle"
    modalities: ClassVar[Everything] = Everything()
    ignores: ClassVar[frozenset[str]] = NOTHING_SEEN
    begins: ClassVar[bool] = True  # they look at nothing of a request but its options

    def __post_init__(self) -> None:
        if self.coordinates:
            convention(self.coordinates)

    def begin(self, job: Job) -> None:
        self.told = Told.of(job)

    def fingerprint(self) -> str:
        return "oracle"

    def answer(self, request: Request) -> str | Response:
        sample = sample_of(self.told, request)
        assert self.told is not None
        task = self.told.job.task
        truth = task.oracle(sample, request.part)
        if not self.coordinates or getattr(task, "asks_for", "") not in ("boxes", "points"):
            return truth
        try:
            size = next((image_size(one.path) for one in sample.media if one.kind == "image"), None)
        except MediaError as error:
            return Response(error=str(error), status="media_error")
        return render(places_of(truth), Frame(convention(self.coordinates), size, size))

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        return texts(requests, self.answer)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        return preferred(requests, self.answer, self.told)


@dataclass
class Chance:
    """Answers at random, but in the format asked for. `seed` draws other answers."""

    seed: int = 0
    told: Told | None = field(default=None, init=False, repr=False)
    name: ClassVar[str] = "chance"
    modalities: ClassVar[Everything] = Everything()
    ignores: ClassVar[frozenset[str]] = NOTHING_SEEN
    begins: ClassVar[bool] = True  # they look at nothing of a request but its options

    def begin(self, job: Job) -> None:
        self.told = Told.of(job)

    def fingerprint(self) -> str:
        return f"chance seed={self.seed}"

    def rng(self, request: Request) -> Random:
        """Drawn by names, so that no order or batch can move it."""
        assert self.told is not None
        return Random(f"{self.seed}/{self.told.job.task.name}/{request.sample}/{request.part}")

    def answer(self, request: Request) -> str:
        sample = sample_of(self.told, request)
        assert self.told is not None
        job = self.told.job
        return job.task.chance(sample, self.rng(request), job.samples, request.part)

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        return texts(requests, self.answer)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        for number, request in enumerate(requests):
            sample_of(self.told, request)
            yield number, preferring(request.options, self.rng(request).randrange(len(request.options)))


@dataclass
class Majority:
    """Always gives the most frequent answer of the task's file."""

    usual: Answer = field(default="", init=False, repr=False)
    told: Told | None = field(default=None, init=False, repr=False)
    name: ClassVar[str] = "majority"
    modalities: ClassVar[Everything] = Everything()
    ignores: ClassVar[frozenset[str]] = NOTHING_SEEN
    begins: ClassVar[bool] = True  # they look at nothing of a request but its options

    def fingerprint(self) -> str:
        return "majority"

    def begin(self, job: Job) -> None:
        self.told = Told.of(job)
        self.usual = job.task.majority(job.samples)

    def answer(self, request: Request) -> str:
        sample_of(self.told, request)
        return self.usual if isinstance(self.usual, str) else self.usual[request.part]

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        return texts(requests, self.answer)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        return preferred(requests, self.answer, self.told)


@dataclass
class Scripted:
    """Answers from files. `answers`: a folder of upstream's answer files, one such file, or a JSON object {id: text}.

    Answers are joined by the samples' ids. A sample without an answer ends as `model_error`, never as an empty text."""

    answers: str
    coordinates: str = ""  # the convention in which they give places, for a native recipe
    said: Mapping[str, Answer] = field(default_factory=dict, init=False, repr=False)
    told: Told | None = field(default=None, init=False, repr=False)
    name: ClassVar[str] = "scripted"
    thinking: ClassVar[str] = "none"  # answers are replayed as they stand, so that they score as their file does
    modalities: ClassVar[Everything] = Everything()
    ignores: ClassVar[frozenset[str]] = NOTHING_SEEN
    begins: ClassVar[bool] = True  # they look at nothing of a request but its options

    def __post_init__(self) -> None:
        if self.coordinates:
            convention(self.coordinates)
        if not Path(self.answers).exists():
            raise BenchError(
                f"--set answers={self.answers}: no such file or folder; expected answers in upstream's format or a JSON object id: text"
            )
        if Path(self.answers).is_file():
            by_id(Path(self.answers), ())  # a file that cannot be read is told before there is a run folder

    def fingerprint(self) -> str:
        """A hash of every answer file."""
        path = Path(self.answers)
        files = sorted(file for file in path.iterdir() if file.suffix in (".json", ".jsonl")) if path.is_dir() else [path]
        digest = hashlib.sha256()
        for file in files:
            digest.update(os.fsencode(file.name) + b"\0" + hashlib.sha256(file.read_bytes()).digest())
        return f"scripted {digest.hexdigest()}"

    def begin(self, job: Job) -> None:
        self.told = Told.of(job)
        path = Path(self.answers)
        file = find_answers(path, job.task) if path.is_dir() else path
        self.said = by_id(file, job.samples) if file is not None else {}

    def answer(self, request: Request) -> str | Response:
        """The stored text."""
        said = self.said.get(request.sample)
        text = said.get(request.part) if isinstance(said, Mapping) else said
        if text is not None:
            return text
        part = f", part '{request.part}'" if request.part else ""
        return Response(error=f"{self.answers} has no answer for sample '{request.sample}'{part}", status="model_error")

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        return texts(requests, self.answer)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        return preferred(requests, self.answer, self.told)


def by_id(file: Path, samples: Sequence[Sample]) -> dict[str, Answer]:
    """The answers of one file by sample id: upstream's list, or a plain object {id: text}."""
    if file.suffix == ".json":
        data = load_json(file)
        if isinstance(data, dict):
            return {name: text for name, text in data.items() if is_answer(text, name, file)}
    found, _ = read_answers(file).by_id(samples)
    return {name: answered.text for name, answered in found.items() if answered.text is not None}


def is_answer(text: object, name: str, file: Path) -> bool:
    """Refuses what is neither a text nor an object part: text."""
    if isinstance(text, str) or (isinstance(text, Mapping) and all(isinstance(value, str) for value in text.values())):
        return True
    raise BenchError(
        f"{file}: the answer of '{name}' is a {type(text).__name__}, expected a text (or, for keypoints, joint: text)"
    )


ADAPTERS = {"oracle": Oracle, "chance": Chance, "majority": Majority, "scripted": Scripted}
