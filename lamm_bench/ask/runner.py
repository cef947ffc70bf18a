"""What is asked of an adapter: the plan of a task's samples, the dialogue about each, and `talk`, which advances every open dialogue by one
response at a time (stream.py keeps what was said, of one task or of several).

The adapter owns batching, the runner order, durability and status. A run that died goes on from the responses that are on
disk: flows are pure, so replaying the responses brings each dialogue back to where it was."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from lamm_bench import media
from lamm_bench.errors import MediaError, unknown
from lamm_bench.keep.files import digest_of_all, request_digest
from lamm_bench.keep.ledger import Ledger
from lamm_bench.measure.stats import seed_of
from lamm_bench.types import Adapter, Flow, Job, Media, Prediction, Record, Request, Response, Sample, Task

from .answering import advance, drive, status_of
from .asking import Asking, begins, why_unworded
from .coordinates import Wording, spoken, why_no_places
from .corrupt.chain import apply, from_files, parse
from .exampled import behind, why_no_examples
from .inferencers import WEIGHING
from .recipe import Recipe
from .shots import Shots
from .transforms import BETWEEN, CONTROLS

Met: TypeAlias = dict[tuple[Media, ...], tuple[Media, ...]]
"""Media and the same with their hashes, which samples that show the same share."""


@dataclass(frozen=True)
class Plan:
    """One task, ready to be asked: its samples after limit, seal and control, and what its data hash to."""

    task: Task
    samples: tuple[Sample, ...]
    unusable: dict[str, str]  # sample id -> why its media cannot be used
    data: str  # digest of the items asked and the content of their media
    file: Sequence[Sample] = ()  # all samples of the file
    shots: Shots | None = None  # chooses the examples that stand before a question; None: there are none


def plan(
    task: Task,
    samples: Sequence[Sample],
    limit: int | None,
    seed: int,
    control: str | None,
    corrupt: str = "",
    root: Path | None = None,
) -> Plan:
    """Chooses, seals, makes worse and hides. `corrupt` is as `--corrupt` has it; `root` is where its files would be.

    What the data hash to is what was sealed: a run with corruptions made on the fly has the data of one without."""
    chain = parse(corrupt)
    chosen = limited(samples, limit, seed)
    if chain.files:
        chosen = from_files(task, chosen, chain, root)
    media.hash_ahead(item for sample in chosen for item in sample.media)
    unusable: dict[str, str] = {}
    sealed: list[Sample] = []
    met: Met = {}
    for sample in chosen:
        found, why = sealed_sample(sample, met)
        sealed.append(found)
        if why:
            unusable[sample.id] = why
    data = digest_of_all(map(content_of, sealed))
    if control and control not in CONTROLS:
        raise unknown("control", control, CONTROLS)
    if chain:
        sealed = [apply(sample, chain, seed, sample.id not in unusable) for sample in sealed]
        samples = [apply(sample, chain, seed, False) for sample in samples] if chain.words else samples
    if control and control in BETWEEN:
        sealed = BETWEEN[control](sealed, seed, unusable)
    elif control:
        sealed = [sample if sample.id in unusable else CONTROLS[control](sample) for sample in sealed]
    asked = tuple(sealed)
    whole = len(asked) == len(samples) and not chain and not control
    return Plan(task, asked, unusable, data, asked if whole else samples)  # the file's own are not kept beside their like


def sealed_sample(sample: Sample, met: Met) -> tuple[Sample, str]:
    """The sample with its media's hashes, or as it is, with the reason why they cannot be used."""
    try:
        if sample.media not in met:
            met[sample.media] = tuple(media.seal(item) for item in sample.media)
        return replace(sample, media=met[sample.media]), ""
    except MediaError as error:
        return sample, str(error)


def content_of(sample: Sample) -> list[Any]:
    """All of a sealed sample that a model may be asked about, and its truth."""
    return [sample.id, sample.question, list(sample.choices), sample.target, [one.sha256 for one in sample.media]]


@contextmanager
def many_objects() -> Iterator[None]:
    """For building hundreds of thousands of objects that stay: looking for circles among them again and again is half of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def limited(samples: Sequence[Sample], limit: int | None, seed: int) -> list[Sample]:
    """The first `limit` of a shuffle that seed and samples decide, in the file's order: 50 are among 100, and tasks that ask about the
    same images draw the same ones. The n-th question about an image is drawn by the image's name and n, whatever the order of the file."""
    if limit is None or limit >= len(samples):
        return list(samples)
    asked: dict[str, int] = {}
    places = {}
    for sample in sorted(samples, key=lambda sample: (sample.group, sample.id)):
        name = cluster_of(sample)
        asked[sample.group] = asked.get(sample.group, -1) + 1
        places[sample.id] = seed_of(str(seed), name, str(asked[sample.group]))
    drawn = set(sorted(places, key=lambda one: (places[one], one))[:limit])
    return [sample for sample in samples if sample.id in drawn]


def cluster_of(sample: Sample) -> str:
    """The name of a sample's image or room, wherever the data lie."""
    return sample.group.replace("\\", "/").rsplit("/", 1)[-1] or sample.id


def as_asked(recipe: Recipe, task: Task, sample: Sample) -> Sample:
    """The sample with the options that a recipe has it asked with."""
    return task.as_upstream(sample) if recipe.scenario.draws == "upstream" and hasattr(task, "as_upstream") else sample


def flow_of(
    recipe: Recipe, task: Task, sample: Sample, seed: int, wording: Wording | None = None, shots: Sequence[Sample] = ()
) -> Flow[Prediction]:
    """The dialogue of a recipe about one sample; `wording` asks for places, where that is not as LAMM does. `shots` are its examples."""
    sample = as_asked(recipe, task, sample)

    def asking(one: Sample) -> Asking:
        reword = None if wording is None else partial(wording.prompt, task, one)
        return Asking.of(recipe.instruction, task, one, seed, reword)

    own, asker = asking(sample), recipe.inferencer_for(task.name)
    native = None if wording is None else wording.answer
    ask = behind(own, [asking(one) for one in shots], recipe.instruction.examples, task, asker, native)
    most = task.max_new_tokens if wording is None else wording.tokens(task, sample)
    return asker.infer(sample, ask, most, seed_of(str(seed), task.name))


def why_unfit(task: Task, recipe: Recipe) -> str | None:
    """Why no model can be asked about this task under this recipe; None where some can."""
    fits = {"all", task.name, *task.groups} & set(recipe.scenario.tasks) or recipe.base in getattr(task, "suits", ())
    if not fits:
        return f"recipe {recipe.name} is made for {', '.join(recipe.scenario.tasks)}"
    if getattr(task, "in_turns", False) and not getattr(recipe.inferencer_for(task.name), "in_turns", False):
        return f"recipe {recipe.name} does not ask in turns, and no single question asks {task.name}"
    return None


def why_not(task: Task, recipe: Recipe, adapter: Adapter) -> str | None:
    """Why this adapter cannot be asked about this task under this recipe; None when it can."""
    own = getattr(adapter, "why_not", None)  # an adapter may know better why, and what to do about it
    settings = recipe.inferencer.get("tasks", {}).get(task.name, recipe.inferencer)
    if own is not None and (reason := own(task, settings)):
        return str(reason)
    taken = frozenset(adapter.modalities)
    own = media.modalities().get(task.modality)
    if own is None:
        return str(unknown(f"modality ({task.name})", task.modality, media.modalities()))
    if not media.able(own, taken):
        return f"{adapter.name} takes no {media.many(task.modality)}"
    gives = frozenset(getattr(task, "gives", own.parts))
    lacking = sorted(frozenset(getattr(adapter, "needs", ())) - gives) if gives else []
    if lacking:
        return f"{adapter.name} needs {' and '.join(lacking)}, and {task.name} gives {', '.join(sorted(gives))} only"
    if reason := why_unfit(task, recipe):
        return reason
    if settings.get("name") in WEIGHING and not hasattr(adapter, "score"):
        return f"{adapter.name} gives no likelihoods"
    if recipe.instruction.examples.count and (reason := why_no_examples(task, recipe, adapter)):
        return reason
    if reason := why_unworded(recipe, task):
        return reason
    if begins(recipe, task) and not getattr(adapter, "begins", False):
        return f"{adapter.name} does not say that it scores options behind the beginning of an answer (`begins`), as recipe {recipe.name} asks"
    return why_no_places(task, spoken(recipe, adapter))


@dataclass
class Dialogue:
    """A sample's flow, brought to where the ledger's responses leave it."""

    sample: Sample
    flow: Flow[Prediction]
    ledger: Ledger
    request: Request | None = None  # what is asked next; None when all was said
    conclusion: Prediction | None = None
    last: Response | None = None  # that was said before
    step: int = 0
    cut: bool = False  # whether any response so far was cut by the token limit
    seconds: float = 0.0
    queued: float = 0.0
    ended: bool = False  # whether its end is written

    @property
    def over(self) -> bool:
        return self.request is None

    def take(self, response: Response) -> None:
        """Counts one more response."""
        self.last, self.step = response, self.step + 1
        self.cut |= response.finish == "length"
        self.seconds += response.seconds or 0.0

    def end(self, response: Response) -> Record:
        """How it ended with this response."""
        self.ended = True
        status, said = status_of(response), self.conclusion.text if self.conclusion is not None else None
        if status == "ok" and self.cut and (self.sample.parts or isinstance(said, Mapping)):
            status = "truncated"
        return Record(self.sample.id, status, self.conclusion, response.error, self.seconds, self.queued)


def replayed(flow: Flow[Prediction], sample: Sample, ledger: Ledger) -> Dialogue:
    """The dialogue as far as the ledger has it: only answers to the very requests that are made now are taken."""
    one = Dialogue(sample, flow, ledger)
    one.request, one.conclusion = advance(flow, None)
    said = ledger.said.get(sample.id, {})
    while one.request is not None and one.step in said and said[one.step][0] == request_digest(one.request):
        response = said[one.step][1]
        if response.error is not None:
            ended = ledger.ended.get(sample.id)
            if ended is not None and ended.status != "model_error":  # refused, or media that it cannot use: no more to ask
                one.request, one.last = None, response
            break
        one.take(response)
        one.request, one.conclusion = advance(flow, response)
    return one


def tell(adapter: Adapter, job: Job) -> None:
    """`begin` is optional: most adapters need no introduction."""
    begin = getattr(adapter, "begin", None)
    if begin is not None:
        begin(job)


def talk(dialogues: Sequence[Dialogue], adapter: Adapter) -> Iterator[int]:
    """Drives every dialogue to its end, from where it stands; yields the numbers of those that end."""
    begun = time.monotonic()
    for number, one in enumerate(dialogues):
        if one.over:  # all was said, but the end had not been written
            one.ledger.append(one.sample.id, one.step, "", None, one.end(one.last or Response()))
            yield number
    standing = {number: one.request for number, one in enumerate(dialogues) if one.request is not None}
    for (number, request, response), then in drive([one.flow for one in dialogues], standing, adapter):
        one, step = dialogues[number], dialogues[number].step
        one.take(response)
        over = response.error is not None or isinstance(then, Prediction)
        one.request = None if over else then  # type: ignore[assignment]
        if over:
            one.conclusion = then if isinstance(then, Prediction) else None
            one.queued = max(0.0, time.monotonic() - begun - one.seconds)
        one.ledger.append(one.sample.id, step, request_digest(request), response, one.end(response) if over else None)
        if over:
            yield number
