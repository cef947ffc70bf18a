"""The nouns of the project: what passes between tasks, recipes, adapters, the runner and the scorers.

Everything here is frozen, plain and printable as JSON (`to_json`). Pixels and points never travel: a `Media` is a
reference. Read this file first; the protocols at its end are what a newcomer implements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

import numpy as np

Modality: TypeAlias = str
"""The name of a kind of media: `image`, `point_cloud`, or what a file of `lamm_bench/media` or a plug-in brings."""

Answer: TypeAlias = str | Mapping[str, str]
"""What was said about one sample: one text, or one text for each of its parts (the fourteen joints of LSP)."""

STATUSES = ("ok", "unread", "truncated", "refused", "model_error", "media_error", "judge_error", "missing")
"""Every expected sample ends in exactly one of these; `missing` means that no record exists."""

FAILED = ("model_error", "media_error", "judge_error", "missing")
"""The statuses of samples about which the model has said nothing that could be scored."""


class Nothing(dict[str, Any]):
    """An empty mapping that a million samples can share, since nobody can put anything into it."""

    def refuse(self, *values: Any, **named: Any) -> Any:
        raise TypeError("these values are shared by all that have none; make a new mapping with `replace`")

    __setitem__ = __ior__ = setdefault = update = refuse


NOTHING = Nothing()


@dataclass(frozen=True, slots=True)
class Media:
    """A reference to one image, point cloud, scene ... on disk."""

    kind: Modality
    path: str  # absolute; opened only by lamm_bench.media
    sha256: str = ""  # of the file's bytes; empty until `media.seal` has read them


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; the one conversation type of evaluation and training."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[str | Media, ...]

    @property
    def text(self) -> str:
        """The text parts, joined without a separator."""
        return "".join(part for part in self.parts if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a task's meta file."""

    id: str
    question: str  # the item's `query`; holds one `{}` where `parts` are asked one by one
    media: tuple[Media, ...]
    target: Any  # the ground truth, in the task's own JSON form
    group: str  # the image or scene: the unit that errors are clustered by
    choices: tuple[str, ...] = ()  # option texts without letters; empty when the answer is open
    parts: tuple[str, ...] = ()  # names asked one by one in `question` (the joints of LSP)
    meta: Mapping[str, Any] = field(default_factory=lambda: NOTHING)  # what scorers need beside the target, such as `size`


@dataclass(frozen=True, slots=True)
class Turn:
    """One question of several that a task asks about the same sample (ChEF's multi-turn scenarios, reference 2.3)."""

    prompt: int = 0  # entry of the recipe's multi-turn pool: 0 for the first question, 1 for those that go on from it
    prefix: str = ""  # what stands for `{prefix}` in it: a true class, the true name of the level above
    options: tuple[str, ...] = ()  # among which likelihood decides; empty where this turn has none


@dataclass(frozen=True, slots=True)
class Generate:
    """A request for text. `temperature` 0 is greedy; `seed` matters only when sampling."""

    messages: tuple[Message, ...]
    max_new_tokens: int = 128
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    sample: str = ""  # the sample's id and part: a label for baselines and logs, never shown to a model
    part: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """A request for the log-likelihood of each option as the assistant's next message, or as what goes on from its beginning."""

    messages: tuple[Message, ...]
    options: tuple[str, ...]
    sample: str = ""
    part: str = ""
    prior: bool = False  # also asks for the options' likelihoods when neither media nor question were shown
    begun: str = ""  # with which the assistant's message has begun: context that is not scored
    window: Literal["message", "option", "first"] = "message"
    # `message`: the option's tokens and those that close the message; `option`: the option's own alone (reference 2.2.2); `first`: those
    # tokens where they stand first in the whole message, its beginning included (2.2.3)

    @property
    def unasked(self) -> Score:
        """The same options behind neither media nor question; the system message, which names the kind of task, stays."""
        system = (message for message in self.messages if message.role == "system")
        return replace(self, messages=(*system, Message("user", ("",))), prior=False)


Request: TypeAlias = Generate | Score


@dataclass(frozen=True, slots=True)
class Response:
    """What an adapter gives back for one request. An error is never put into `text`, and neither is a thought."""

    text: str = ""
    finish: Literal["stop", "length"] = "stop"  # `length`: cut by a limit, or thought without an end, so that nothing was said
    logprobs: tuple[float, ...] = ()  # natural log, summed over the option's tokens; one per option of a `Score`
    tokens: tuple[int, ...] = ()  # tokens per option of a `Score`; (count,) of new tokens after `Generate`
    error: str | None = None
    status: Literal["", "refused", "model_error", "media_error"] = ""  # why there is an error; empty without one
    prior: tuple[float, ...] = ()  # as `logprobs`, without media and question; only where a `Score` asked for it
    seconds: float | None = field(
        default=None, compare=False
    )  # of work on this request, where the adapter knows; else the runner measures
    reasoning: str = ""  # what the model thought before it answered; nobody reads an answer in it
    reasoning_tokens: int | None = None  # of the new tokens those of the thought, where that is known
    sizes: tuple[tuple[int, ...], ...] = field(
        default=(), compare=False
    )  # of each picture: width and height as sent, then as the model's processor resized it, where the adapter knows them


@dataclass(frozen=True, slots=True)
class Prediction:
    """What an inferencer concludes about one sample."""

    text: Answer  # what the scorers read
    choice: int | None = None  # index into `Sample.choices`, when likelihood decided
    scores: tuple[float, ...] = ()  # one per choice, when likelihood decided
    turn_scores: Mapping[str, tuple[float, ...]] = field(
        default_factory=lambda: NOTHING
    )  # of each turn's options, where a sample was asked in turns

    @property
    def probs(self) -> tuple[float, ...]:
        """The scores' soft maximum: what the model gives each choice, if one of them is right (reference 2.5)."""
        return softmax(self.scores)


def softmax(scores: Sequence[float]) -> tuple[float, ...]:
    """Shares that sum to 1, in proportion to the scores' exponentials.

    >>> softmax((-1.0, -1.0)), softmax(())
    ((0.5, 0.5), ())
    """
    highest = max(scores, default=0.0)
    weights = [math.exp(score - highest) if highest > -math.inf else 1.0 for score in scores]
    return tuple(weight / sum(weights) for weight in weights)


@dataclass(frozen=True, slots=True)
class Record:
    """The end of one sample: the conclusion of its flow. `records/*.jsonl` holds these and the responses before them."""

    sample: str
    status: str
    prediction: Prediction | None
    error: str | None = None
    seconds: float = 0.0  # of work on its requests
    queued: float = 0.0  # seconds that they waited before


@dataclass(frozen=True, slots=True)
class Estimate:
    """One printed number with everything needed to judge it."""

    value: float | None  # None when nothing could be measured
    ci95: tuple[float, float] | None  # over clusters (lamm_bench.measure.intervals)
    n: int  # how many things were counted: answers, objects, words ... (the metric says which)
    unit: str  # "percent" (0-100), "count", "score"
    better: Literal["higher", "lower"]
    clusters: int = 0  # images or scenes
    bounds: tuple[float, float] | None = None  # of every value that reading or asking what is unread or failed could give
    note: str = ""


class Sums(dict[str, np.ndarray]):
    """Statistics summed over samples; each value has shape [replicates]. A key never counted is zero."""

    def __missing__(self, key: str) -> np.ndarray:
        return np.zeros_like(next(iter(self.values()))) if self else np.zeros(1)


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that is a function of summed statistics, so that any resampling of clusters can be evaluated at once."""

    name: str
    value: Callable[[Sums], np.ndarray]  # shape [replicates]; NaN where undefined
    unit: str = "percent"
    better: Literal["higher", "lower"] = "higher"
    n: str = "items"  # the statistic that is the denominator or count
    shape: Literal["", "share", "logit", "log", "root", "plain"] = ""  # how its interval is made; empty: by unit and value

    @property
    def kind(self) -> str:
        """`share` of things that are right or not, `logit` of another figure between 0 and 100, `log` of an error, `root` of squared
        errors, `plain` of anything else (measure/intervals.py)."""
        if self.shape:
            return self.shape
        if self.unit == "percent":
            return "share" if getattr(self.value, "counts", False) else "logit"
        return "log" if self.better == "lower" else "plain"


@dataclass(frozen=True, slots=True)
class Row:
    """One sample on its way to a score."""

    sample: Sample
    status: str
    answer: Answer | None
    prediction: Any  # what `Scorer.read` gave; None when nothing could be read
    stats: Mapping[str, float]


T = TypeVar("T")
Flow: TypeAlias = Generator[Request, Response, T]
"""A dialogue that yields requests and is sent responses; it never meets the model."""


class Scorer(Protocol):
    """One protocol of one task: how its answers are read and counted."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The additive metrics, headline first."""

    def read(self, answer: Answer, sample: Sample) -> Any | None:
        """What the answer says, or None when it cannot be read. May raise `UpstreamStops`."""

    def score(self, sample: Sample, prediction: Any | None) -> Mapping[str, float]:
        """Statistics of one sample, to be summed; None is the worst answer (said nothing)."""

    def show(self, sample: Sample, prediction: Any | None, stats: Mapping[str, float]) -> Mapping[str, Any]:
        """What is stored for this sample (`value`, or several named numbers)."""

    def whole(self, rows: Sequence[Row]) -> Mapping[str, Estimate]:
        """Metrics that are not functions of sums (COCO AP, CIDEr); empty for most."""

    # `sample.meta["frame"]` may say whose numbers the answer speaks (lamm_bench.read.Frame); without it they are fractions.
    # `sample.meta["scores"]` has the options' likelihoods, where those decided.
    # `of_file(samples)` may be left out: the scorer that knows all samples of the file (document frequencies), whatever was drawn.
    # `each(rows)` may be left out: values of every row that depend on the other rows (CIDEr), shown beside `show`'s.


class Task(Protocol):
    """A benchmark file and what can be said about it."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str:
        """The key of its system message in a prompt file: `classification`, `detection` ..."""

    @property
    def modality(self) -> Modality: ...
    @property
    def groups(self) -> tuple[str, ...]:
        """The names under which `--tasks` finds it: `2d`, `3d`, `locating`."""

    @property
    def meta_files(self) -> tuple[str, ...]:
        """Accepted spellings of the meta file, relative to the data root; the first is the official one."""

    @property
    def answer_files(self) -> tuple[str, ...]:
        """Accepted stems of upstream's answer file: `Classification_CIFAR10`."""

    @property
    def max_new_tokens(self) -> int: ...
    @property
    def protocols(self) -> Mapping[str, Scorer]: ...

    def samples(self, root: Path) -> Sequence[Sample]:
        """All items in file order. Raises `BenchError` naming file, item and key."""

    def oracle(self, sample: Sample, part: str = "") -> str:
        """The ground truth in the format asked for."""

    def chance(self, sample: Sample, rng: Random, samples: Sequence[Sample], part: str = "") -> str:
        """A random but well-formed answer that uses nothing of the sample's own target. Where all such answers are few and equally
        likely, `chances(sample)` may list them: chance is then computed and not drawn."""

    def majority(self, samples: Sequence[Sample]) -> Answer:
        """The most frequent answer of the file (the median for measures)."""

    # `apart`, `suits`, `own_format`, `content_of` and `oddities` may be left out: whether `--tasks all` leaves the task out; recipes that
    # can ask it though they were made for others; whether its meta file is no list of items; by what, other than its id, an entry of an
    # answer file is joined (to the sample whose `meta["content"]` is the same); files that are passed over, with what is odd about them.
    # `first(root)` may be left out: the samples one by one while their file is still being read, with what is asked about them as `samples`
    # has it, so that a run of a large file need not wait for its end.
    # `turns(sample)` may be left out: the `Turn`s in which a recipe of several turns asks about it.
    # `places(sample, part)` may be left out: (`boxes`, `points` or `counts`, names of the things) that an answer is to give, so that a
    # model can be asked in its own words; `asks_for` then says which of the three.


@dataclass(frozen=True, slots=True)
class Job:
    """What an adapter is told before the questions of a task begin."""

    task: Task
    samples: Sequence[Sample]
    image_transform: str = "squash"  # "squash" or "crop" (reference 3.3)
    layout: str = "training"  # of LAMM's conversations: "training" is the one it was trained with (lamm/layouts.py)
    seed: int = 0
    goes_on: bool = True  # whether a sample's later requests may begin as its earlier ones; False where each has but one


class Adapter(Protocol):
    """The only thing that knows a model. It owns batching; the runner owns order, durability and status.

    `begin(job)` may be left out, `score` too: the runner then lists what cannot be asked. Looked for besides, where there
    is something to say: `notes`, sentences for the manifest; `hints`, sentences about this machine for whoever waits; `why_not(task, inferencer_settings)`, a sentence when a task
    cannot be asked; `usage()`, what was used (tokens, cost); `remembers`, of how many dialogues it keeps what was computed, so
    that their next turns are best asked before others begin; `one_medium`, True where a conversation may hold one medium at most;
    `embed(things)`, vectors of texts or media, with `embeds`, what it can (ask/embedding.py); `ignores`, of `{"prompt", "media"}` what it never looks at by
    design; `overlaps`, True where questions of several tasks may come in one call, after `begin` was told of all of them (as they may
    where there is no `begin`): their jobs differ in task and samples alone; `coordinates`, the convention of its places (lamm_bench.read.conventions), and `seen(media)`, the width and height in which
    it sends a picture; `exact`, False where rounding may move answers with the batch; `begins`, True where `score` knows a request's `begun` and `window`; `loss(score_request)`, the training loss in nats
    of each option, which `score` must be minus of; `told(messages)`, the text that the model gets of a conversation; `plain()`, the
    same adapter without anything kept or shared. The doctor reads the last five (docs/adapters.md). One with an attribute
    `thinking` tells thoughts from answers itself; of all others the runner parts what is marked as a thought (`read/parting.py`)."""

    name: str
    modalities: frozenset[str]

    def fingerprint(self) -> str:
        """What tells this model from every other: a hash of its weights and settings."""

    def begin(self, job: Job) -> None: ...

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        """Each request's index and response, in any order, each exactly once."""

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]: ...


def to_json(value: Any) -> Any:
    """Plain lists and dicts of any of the types above."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Iterable):
        return [to_json(item) for item in value]
    return str(value)
