"""What a report shows, gathered from a run folder and the data: plain values, no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.coordinates import Wording, answers, of_manifest
from lamm_bench.ask.instruction import Prompt
from lamm_bench.ask.runner import plan
from lamm_bench.errors import BenchError, MediaError, UpstreamStops
from lamm_bench.judging.session import judgements
from lamm_bench.keep.files import read_json
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.manifest import SHAPE, check_shape
from lamm_bench.keep.results import read_result
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import Answered, has_media, oracle_answer, spoken
from lamm_bench.read import Convention
from lamm_bench.types import FAILED, Answer, Message, Response, Sample, Scorer, Task

from .shapes import Shape, shapes_of, true_shapes

PROTOCOL = "standard"
BEST_SHARE = 4  # one in four of the samples shown is from the other end: right answers are worth a look too
TROUBLE = (*FAILED, "refused", "unread", "truncated")  # in this order, before what was read and scored


@dataclass(frozen=True)
class Shown:
    """One sample with everything that was said and thought about it."""

    sample: Sample
    status: str
    values: Mapping[str, Any]  # of the scorer: `value`, or several named numbers
    answer: Answer | None
    error: str | None
    seconds: float
    dialogue: tuple[str, ...]  # every response, where there was more than one
    truth: Answer | None  # the oracle's answer
    answer_shapes: tuple[Shape, ...]
    true_shapes: tuple[Shape, ...]
    thoughts: tuple[str, ...] = ()  # what was thought before each response, where anything was
    asked: str = ""  # the words that the model got, where they are not the sample's own
    share: bool = False  # whether `value` is the share of the sample that is right, from 0 to 1


@dataclass(frozen=True)
class TaskReport:
    """One task: its results under every protocol, and the samples chosen for showing."""

    name: str
    results: tuple[Mapping[str, Any], ...]  # entries of result.json
    shown: tuple[Shown, ...] = ()
    total: int = 0
    note: str = ""  # why there are no samples


@dataclass(frozen=True)
class Report:
    result: Mapping[str, Any]
    manifest: Mapping[str, Any]
    tasks: tuple[TaskReport, ...]
    folder: str
    absent: Mapping[str, str] = field(default_factory=dict)  # task -> why it was skipped or lost
    judged: tuple[Mapping[str, Any], ...] = ()  # the results of every judgement of the run


def gather(folder: Path, catalog: Catalog, root: Path, per_task: int) -> Report:
    """Everything of a finished run. Raises `BenchError` when the folder is none."""
    run = Run.read(folder)
    check_shape(run.manifest, {"model": SHAPE["model"]}, str(folder / "manifest.json"), whole=True)
    if not (folder / "result.json").is_file():
        raise BenchError(f"{folder} has no result.json: the run has not been finished; run the same command again first")
    result = read_result(folder / "result.json")
    names = list(dict.fromkeys(entry["task"] for entry in result["results"]))
    tasks = []
    for name in names:
        results = tuple(entry for entry in result["results"] if entry["task"] == name)
        try:
            tasks.append(with_samples(name, results, run, catalog, root, per_task))
        except BenchError as error:
            tasks.append(TaskReport(name, results, note=f"No samples are shown: {error}"))
    absent = {
        **{task: f"skipped: {why}" for task, why in result.get("skipped", {}).items()},
        **{task: f"missing: {why}" for task, why in result.get("unavailable", {}).items()},
    }
    judged = tuple(read_result(at / "result.json") for at in judgements(folder) if (at / "result.json").is_file())
    return Report(result, run.manifest, tuple(tasks), folder.resolve().name, absent, judged)


def with_samples(
    name: str, results: tuple[Mapping[str, Any], ...], run: Run, catalog: Catalog, root: Path, per_task: int
) -> TaskReport:
    """One task with its samples. Raises `BenchError` when data or scores are absent or not those of the run."""
    if name not in catalog.tasks:
        return TaskReport(name, results)  # a pooled result has no samples of its own
    task = catalog.tasks[name]
    identity = run.manifest["identity"]
    drawn = (identity.get("limit"), identity.get("seed", 0), None, identity.get("corrupt", ""), root)
    work = plan(task, task.samples(root), *drawn)
    if work.data != identity.get("data", {}).get(name):
        raise BenchError(f"the data under {root} are not those that the run was asked about")
    protocol, scores = stored_scores(run.folder / "scores" / f"{name}.json", task)
    metrics = [metric for entry in results if entry["protocol"] == protocol for metric in entry["metrics"].values()]
    better = str(metrics[0].get("better", "higher")) if metrics else "higher"
    chosen = choose([sample.id for sample in work.samples], scores, better, per_task)
    ledger = run.ledger(name)
    samples = {sample.id: sample for sample in work.samples}
    answered = answers(ledger, [samples[id] for id in chosen], of_manifest(run.manifest))
    asked = of_manifest(run.manifest)
    unit = str(metrics[0].get("unit", "")) if metrics else ""
    share = unit == "percent" and all(0 <= value_of(values) <= 1 for values in scores.values())
    shown = tuple(
        replace(
            show(task, task.protocols[protocol], samples[id], scores.get(id, {}), ledger, answered.get(id)),
            share=share,
            asked=own_words(asked, task, samples[id]) if asked is not None else "",
        )
        for id in chosen
    )
    return TaskReport(name, results, shown, len(samples))


def own_words(asked: Convention, task: Task, sample: Sample) -> str:
    """The sentence in which a model was asked for places; empty where it got the sample's own."""
    usual = Prompt((Message("user", (*sample.media, sample.question)),))
    part = f"‹{', '.join(sample.parts)}›" if sample.parts else ""
    try:
        said = Wording(asked).prompt(task, sample, part, usual).question
    except MediaError:
        return ""
    return said if said != usual.question else ""


def stored_scores(path: Path, task: Task) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """The protocol that is shown and every sample's values under it. Raises `BenchError` for a file of another form."""
    data = read_json(path)
    protocols = data.get("protocols") if isinstance(data, Mapping) else None
    if isinstance(protocols, Mapping):
        name = PROTOCOL if PROTOCOL in protocols else next((known for known in protocols if known in task.protocols), "")
        samples = protocols[name].get("samples") if name and isinstance(protocols[name], Mapping) else None
        if isinstance(samples, Mapping) and all(isinstance(values, Mapping) for values in samples.values()):
            return name, samples
    raise BenchError(f"{path} does not have the form of scores: it is damaged or edited")


def choose(ids: Sequence[str], scores: Mapping[str, Mapping[str, Any]], better: str, per_task: int) -> list[str]:
    """The ids to show: what went wrong, then the worst values, and from the other end one in `BEST_SHARE`."""

    def badness(id: str) -> tuple[int, float]:
        status = scores.get(id, {}).get("status", "missing")
        value = value_of(scores.get(id, {}))
        order = TROUBLE.index(status) if status in TROUBLE else len(TROUBLE)
        return order, value if better == "higher" else -value

    worst = sorted(ids, key=badness)
    if len(worst) <= per_task:
        return worst
    best = per_task // BEST_SHARE
    return worst[: per_task - best] + (worst[-best:] if best else [])


def value_of(scores: Mapping[str, Any]) -> float:
    """The sample's `value`, or else the first of its numbers."""
    numbers = [scores.get("value"), *scores.values()]
    return next((float(x) for x in numbers if isinstance(x, int | float) and not isinstance(x, bool)), 0.0)


def show(
    task: Task, scorer: Scorer, sample: Sample, scores: Mapping[str, Any], ledger: Ledger, answered: Answered | None
) -> Shown:
    """One sample as it is shown. Boxes and points are those that the scorer read, of the answer as of the oracle's."""
    record = ledger.ended.get(sample.id)
    responses = [response for _, (_, response) in sorted(ledger.said.get(sample.id, {}).items())]
    answer = record.prediction.text if record is not None and record.prediction is not None else None
    truth = oracle_answer(task, sample) if has_media(sample) else None
    return Shown(
        sample,
        str(scores.get("status", "missing")),
        {key: value for key, value in scores.items() if key != "status"},
        answer,
        record.error if record is not None else "no record of this sample exists",
        record.seconds if record is not None else 0.0,
        tuple(response.text for response in responses) if len(responses) > 1 else (),
        truth,
        shapes_of(read(scorer, answer, spoken(sample, answered))),
        true_shapes(sample.target) or shapes_of(read(scorer, truth, sample)),
        tuple(thought_of(response) for response in responses if response.reasoning),
    )


def thought_of(response: Response) -> str:
    """A thought as it is shown, with how many tokens it took where that is known."""
    counted = f"({response.reasoning_tokens} tokens) " if response.reasoning_tokens is not None else ""
    return counted + response.reasoning


def read(scorer: Scorer, answer: Answer | None, sample: Sample) -> Any:
    """What the scorer reads in an answer; None where there is nothing to read."""
    if answer is None or not has_media(sample):
        return None
    try:
        return scorer.read(answer, sample)
    except UpstreamStops:
        return None
