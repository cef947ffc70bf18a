"""What a view shows of several runs: for each task its samples in the file's order, with what every run said about each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.coordinates import answers, framed, of_manifest
from lamm_bench.ask.runner import Plan, many_objects, plan
from lamm_bench.errors import BenchError
from lamm_bench.keep.files import digest
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.manifest import SHAPE, check_shape
from lamm_bench.keep.results import read_result
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import Answered, from_records, has_media, oracle_answer, spoken
from lamm_bench.read import Convention
from lamm_bench.show.report.gather import PROTOCOL, read, stored_scores, thought_of, value_of
from lamm_bench.show.report.shapes import Shape, shapes_of, true_shapes
from lamm_bench.types import Answer, Sample, Scorer, Task

from .asked import Questions, Said
from .evidence import evidence

SHARE_OF = 100.0  # what is entirely right where values are percent themselves (BLEU)
NEARLY = 1e-6
MANY = 4096  # different values of a task's samples; of more that differ each lies in memory for itself


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one run said about one sample, and what became of it."""

    status: str
    tone: str  # `right`, `partly`, `wrong`; `read` where values are no shares; else empty
    value: float | None
    values: Mapping[str, Any]
    answer: Answer | None
    spans: Mapping[str, tuple[int, int]]  # part ("" for a single text) -> where the answer was read
    thoughts: tuple[str, ...]
    dialogue: tuple[str, ...]  # every response, where there was more than one
    shapes: tuple[Shape, ...]
    scores: tuple[float, ...]  # of the options, where likelihood decided
    error: str | None
    seconds: float
    questions: tuple[Said, ...]


@dataclass(slots=True)
class Seen:
    """One sample, as every run met it."""

    sample: Sample
    truth: Answer | None
    shapes: tuple[Shape, ...]
    said: dict[int, Opinion] = field(default_factory=dict)  # by the run's place


@dataclass
class Opened:
    """A run folder, and what was found in it."""

    run: Run
    result: Mapping[str, Any]
    root: Path

    @property
    def identity(self) -> Mapping[str, Any]:
        return dict(self.run.manifest["identity"])


@dataclass
class TaskSeen:
    """One task: its results in every run, its samples, and why a run shows none."""

    name: str
    kind: str
    better: str
    unit: str
    metric: str
    share: bool  # whether values are shares of what is right, 0 to 1
    results: tuple[tuple[Mapping[str, Any], ...], ...]  # of each run, entries of result.json
    seen: list[Seen] = field(default_factory=list)
    notes: dict[int, str] = field(default_factory=dict)
    sides: dict[int, Side] = field(default_factory=dict, repr=False)  # by the run's place

    def whole(self, one: Seen) -> Seen:
        """A sample with what is shown once it is opened; made when it is written, since all of it would be too much to hold."""
        return replace(one, said={place: self.sides[place].detailed(own, one.sample.id) for place, own in one.said.items()})


def opened(folder: Path, root: Path) -> Opened:
    """A finished run. Raises `BenchError` when the folder is none."""
    run = Run.read(folder)
    check_shape(run.manifest, {"model": SHAPE["model"]}, str(folder / "manifest.json"), whole=True)
    if not (folder / "result.json").is_file():
        raise BenchError(
            f"{folder} has no result.json: the run has not been finished; run the same command again first, or look on with --serve"
        )
    return Opened(run, read_result(folder / "result.json"), root)


def tasks_of(runs: Sequence[Opened], catalog: Catalog, tick: Callable[[str], None]) -> Iterator[TaskSeen]:
    """Every task of any run, one at a time, so that only one has to be held."""
    names = list(dict.fromkeys(entry["task"] for one in runs for entry in one.result["results"]))
    for name in names:
        tick(name)
        results = tuple(tuple(entry for entry in one.result["results"] if entry["task"] == name) for one in runs)
        seen, plans = of_results(name, results), Plans.of_runs(runs)
        for place, one in enumerate(runs):
            if name in catalog.tasks and results[place]:
                try:
                    with many_objects():
                        add(seen, place, one, catalog.tasks[name], catalog, plans)
                except BenchError as error:
                    seen.notes[place] = str(error)
        shared(seen)
        yield seen
        del seen, plans  # or it would be held beside the next


def of_results(name: str, results: tuple[tuple[Mapping[str, Any], ...], ...]) -> TaskSeen:
    """A task without samples yet: what its headline metric is."""
    every = [entry for entries in results for entry in entries]
    entry = next((one for one in every if one["protocol"] == PROTOCOL), every[0] if every else {"metrics": {}})
    metrics: dict[str, dict[str, Any]] = dict(entry["metrics"])
    metric = next(iter(metrics), "")
    told = metrics.get(metric, {})
    return TaskSeen(name, "", str(told.get("better", "higher")), str(told.get("unit", "")), metric, False, results)


def add(seen: TaskSeen, place: int, one: Opened, task: Task, catalog: Catalog, plans: Plans) -> None:
    """A run's samples of a task. Raises `BenchError` when data or scores are absent or not those of the run."""
    protocol, scores = stored_scores(one.run.folder / "scores" / f"{task.name}.json", task)
    side = Side.of(one, task, protocol, catalog, plans)
    side.scores = scores
    if side.questions.why_not:
        seen.notes.setdefault(place, f"what was asked is not shown: {side.questions.why_not}")
    seen.kind, seen.sides[place] = task.kind, side
    for sample in side.work.samples:
        side.seen_of(sample, seen, plans).said[place] = side.opinion(sample, briefly=True)
    side.scores = {}  # the opinions hold what the page needs of them


@dataclass(frozen=True)
class Asked:
    """The samples of a run, as they are scored, as the model met them and as they stand in the file; each also by id."""

    work: Plan
    asked: Plan
    own: Mapping[str, Sample]
    met: Mapping[str, Sample]
    usual: Mapping[str, Sample]


@dataclass
class Plans:
    """The samples of one task, made once for all runs that were asked about the same ones of the same data."""

    alike: bool  # whether all runs were asked about the same data, so that a sample's id tells it
    there: dict[str, Seen] = field(default_factory=dict)  # what any run has met, by what tells whether it is the same
    files: dict[Path, Sequence[Sample]] = field(default_factory=dict)
    made: dict[tuple[Any, ...], Asked] = field(default_factory=dict)

    @classmethod
    def of_runs(cls, runs: Sequence[Opened]) -> Plans:
        return cls(len({one.root for one in runs}) == 1)

    def of(self, one: Opened, task: Task) -> Asked:
        """Raises `BenchError` when the data are absent."""
        identity, root = one.identity, one.root
        drawn = (identity.get("limit"), identity.get("seed", 0))
        hidden, corrupt = identity.get("control"), identity.get("corrupt", "")
        key = (root, drawn, hidden, corrupt)
        if key not in self.made:
            if root not in self.files:
                self.files[root] = task.samples(root)
            file = self.files[root]
            work = plan(task, file, *drawn, None, corrupt, root)
            asked = plan(task, file, *drawn, hidden, corrupt, root) if hidden else work
            own = {sample.id: sample for sample in work.samples}
            met = {sample.id: sample for sample in asked.samples} if hidden else own
            self.made[key] = Asked(work, asked, own, met, {sample.id: sample for sample in file})
        return self.made[key]


@dataclass
class Side:
    """One run about one task: what was asked, what has been said, and what became of it."""

    task: Task
    work: Plan
    scorer: Scorer
    protocol: str
    ledger: Ledger
    convention: Convention | None
    questions: Questions
    own: Mapping[str, Sample]  # as they are scored, by id
    asked: Mapping[str, Sample]  # as the model met them
    usual: Mapping[str, Sample]  # as they stand in the file
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)  # that samples have, so that equal ones lie in memory once

    @classmethod
    def of(cls, one: Opened, task: Task, protocol: str, catalog: Catalog, plans: Plans) -> Side:
        """Raises `BenchError` when the data are absent or not those of the run."""
        known = plans.of(one, task)
        if known.work.data != dict(one.identity.get("data", {})).get(task.name):
            raise BenchError(f"the data under {one.root} are not those that the run was asked about")
        ledger = one.run.ledger(task.name)
        questions = Questions.of(one.run.manifest, known.asked, ledger, catalog)
        told = (ledger, of_manifest(one.run.manifest), questions, known.own, known.met, known.usual)
        return cls(task, known.work, task.protocols[protocol], protocol, *told)

    def seen_of(self, sample: Sample, seen: TaskSeen, plans: Plans) -> Seen:
        """The place of a sample among those of all runs, made where it is met for the first time."""
        usual = self.usual.get(sample.id)
        key = sample.id if plans.alike and usual is not None else key_of(usual or sample)
        if key not in plans.there:
            truth = oracle_answer(self.task, sample) if has_media(sample) else None
            shapes = true_shapes(sample.target) or shapes_of(read(self.scorer, truth, sample))
            plans.there[key] = Seen(sample, truth, shapes)
            seen.seen.append(plans.there[key])
        return plans.there[key]

    def answers(self, samples: Sequence[Sample]) -> Mapping[str, Answered]:
        """What was said about some samples."""
        return answers(self.ledger, samples, self.convention)

    def opinion(self, sample: Sample, briefly: bool = False) -> Opinion:
        """What was said about a sample and what became of it; `briefly` as much as a list has to know."""
        scores = self.scores.get(sample.id, {})
        values = {key: value for key, value in scores.items() if key != "status"}
        if len(self.values) < MANY:
            values = self.values.setdefault(repr(values), values)
        own = opinion(self.scorer, sample, str(scores.get("status", "missing")), values, self.ledger, self.answered(sample))
        return own if briefly else self.detailed(own, sample.id)

    def answered(self, sample: Sample) -> Answered | None:
        return answers_of(self.ledger, sample, self.convention) if sample.id in self.ledger.ended else None

    def detailed(self, own: Opinion, id: str) -> Opinion:
        """A brief opinion with where the answer was read, and with what was asked."""
        sample, spans = self.own[id], {}
        if own.status == "ok" and not own.scores:
            spans = spans_of(self.scorer, own.answer, spoken(sample, self.answered(sample)))
        return replace(own, spans=spans, questions=self.questions(self.asked[id]))


def answers_of(ledger: Ledger, sample: Sample, asked: Convention | None) -> Answered | None:
    """One stored answer, with the frame by which its places are read."""
    if asked is None:
        return from_records(ledger.ended).get(sample.id)
    found = from_records({sample.id: ledger.ended[sample.id]})
    return framed(found, [sample], asked, ledger.sizes).get(sample.id)


def key_of(sample: Sample) -> str:
    """What tells whether two runs met the same sample: its words, truth and files by name, wherever they lie."""
    files = [medium.path.replace("\\", "/").rsplit("/", 1)[-1] for medium in sample.media]
    return digest([sample.id, sample.question, list(sample.choices), sample.target, files])


def opinion(
    scorer: Scorer, sample: Sample, status: str, values: Mapping[str, Any], ledger: Ledger, answered: Answered | None
) -> Opinion:
    """What a run said about one sample; its tone is found once all values are known."""
    record = ledger.ended.get(sample.id)
    responses = [response for _, (_, response) in sorted(ledger.said.get(sample.id, {}).items())]
    prediction = record.prediction if record is not None else None
    answer = prediction.text if prediction is not None else None
    asked = spoken(sample, answered)
    weighed = prediction.scores if prediction is not None else ()
    return Opinion(
        status,
        "",
        value_of(values) if status != "missing" and values else None,
        values,
        answer,
        {},
        tuple(thought_of(response) for response in responses if response.reasoning),
        tuple(response.text for response in responses) if len(responses) > 1 else (),
        shapes_of(read(scorer, answer, asked)),
        weighed,
        record.error if record is not None else "no record of this sample exists",
        record.seconds if record is not None else 0.0,
        (),
    )


def spans_of(scorer: Scorer, answer: Answer | None, sample: Sample) -> dict[str, tuple[int, int]]:
    """Where each text of an answer was read; nothing where no part of it decides. Parts are read each for itself, the others empty."""
    if answer is None or not has_media(sample):
        return {}
    found = {}
    names: list[str] = [] if isinstance(answer, str) else list(answer)
    for part, text in {"": answer}.items() if isinstance(answer, str) else answer.items():

        def again(said: str, part: str = part) -> Any:
            return scorer.read({**dict.fromkeys(names, ""), part: said} if names else said, sample)

        place = evidence(again, text)
        if place is not None:
            found[part] = place
    return found


def shared(task: TaskSeen) -> None:
    """Tones, once all values of a task are there: what is right depends on what its values are."""
    opinions = [own for one in task.seen for own in one.said.values()]
    values = [own.value for own in opinions if own.value is not None]
    task.share = task.unit == "percent" and bool(values) and all(0 <= value <= 1 for value in values)
    for one in task.seen:
        for place, own in one.said.items():
            if (tone := tone_of(own, task)) != own.tone:
                one.said[place] = replace(own, tone=tone)


def tone_of(own: Opinion, task: TaskSeen) -> str:
    """Right, partly right or wrong: by the share that is right, the percent of a metric of texts, or the error, which is 0 or not.

    What could not be read is wrong, as it is in the score; of a sample without any answer nothing is said."""
    if own.value is None or own.answer is None:
        return ""
    value = own.value
    if task.better == "lower":
        return "right" if value == 0 and own.status == "ok" else "wrong"
    if task.unit != "percent":
        return "read"
    best = 1.0 if task.share else SHARE_OF
    if value >= best - NEARLY:
        return "right"
    return "wrong" if value <= 0 else "partly"


def classes_of(one: Seen) -> list[str]:
    """The true classes of a sample: what a scorer expected, else the labels of its places."""
    for own in one.said.values():
        expected = own.values.get("expected")
        if isinstance(expected, str):
            return [expected]
        if isinstance(expected, list) and expected and all(isinstance(each, str) for each in expected):
            return [str(each) for each in expected]
    return list(dict.fromkeys(shape.label for shape in one.shapes if shape.label))


def said_classes(own: Opinion) -> list[str]:
    """The classes that a run's answer was read as."""
    predicted = own.values.get("predicted")
    if isinstance(predicted, str):
        return [predicted]
    if isinstance(predicted, list) and all(isinstance(each, str) for each in predicted):
        return [str(each) for each in predicted]
    return list(dict.fromkeys(shape.label for shape in own.shapes if shape.label))


def compact(value: Any) -> str:
    """A value of a scorer as one short text."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
