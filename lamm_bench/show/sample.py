"""What `lamm-bench show` prints: a sample as the model will see it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from lamm_bench import media
from lamm_bench.ask.coordinates import NATIVE, Wording, frame_of, spoken, why_no_places
from lamm_bench.ask.recipe import Recipe
from lamm_bench.ask.runner import flow_of, why_unfit
from lamm_bench.ask.shots import Shots
from lamm_bench.declared import DeclaredTask
from lamm_bench.errors import BenchError, MediaError, visible
from lamm_bench.measure.scoring import has_media, oracle_answer
from lamm_bench.read import convention
from lamm_bench.read.rendering import places_of, render
from lamm_bench.task import options_unseen
from lamm_bench.types import Flow, Message, Prediction, Request, Response, Sample, Task
from lamm_bench.types import Score as ScoreRequest


def write_picture(sample: Sample, path: Path) -> None:
    """The picture of the sample's first medium, as models are shown it. Raises `BenchError` where it has none, and of a name or a folder
    that takes none."""
    draw = media.modality(sample.media[0].kind).picture if sample.media else None
    if draw is None:
        raise BenchError(f"--picture: sample {sample.id} has nothing that could be drawn")
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise BenchError(f"--picture {path}: expected a name that ends with .png, .jpg or .webp")
    try:
        picture = draw(sample.media[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    except (MediaError, OSError) as error:
        raise BenchError(f"--picture {path}: {error}") from None


def requests(flow: Flow[Prediction], sample: Sample) -> Iterator[Request]:
    """What is asked one after the other, as if each answer were three dots; of a sample of many parts the first question."""
    try:
        request = next(flow)
        yield request
        while not sample.parts:
            request = flow.send(first_preferred(request) if isinstance(request, ScoreRequest) else Response("..."))
            yield request
    except StopIteration:
        pass
    finally:
        flow.close()


def first_preferred(request: ScoreRequest) -> Response:
    levels = tuple(-float(place) for place in range(len(request.options)))
    return Response(logprobs=levels, tokens=(1,) * len(levels), prior=levels if request.prior else ())


def asked_lines(request: Request, before: Sequence[Message], step: str) -> list[tuple[str, Any]]:
    """A request's conversation, without what it repeats of the one before, and the options that are weighed behind it."""
    lines: list[tuple[str, Any]] = []
    again = len(before) if request.messages[: len(before)] == tuple(before) else 0
    for message in request.messages[again:]:
        text = "".join(part if isinstance(part, str) else f"<{part.kind}>\n" for part in message.parts)
        lines.append((f"asked ({message.role}{step})", text))
    if isinstance(request, ScoreRequest):
        lines += [("answer begins", request.begun)] if request.begun else []
        lines.append(("options", " | ".join(request.options)))
    return lines


def show_sample(task: Task, sample: Sample, recipe: Recipe, coordinates: str | None = None, choose: Shots | None = None) -> None:
    """What will be asked about one sample, and what is right; `coordinates` is the convention that a native recipe asks in, `choose`
    gives the examples in context."""
    asked = convention(coordinates) if coordinates is not None else spoken(recipe, None)
    if coordinates is not None and recipe.instruction.coordinates != NATIVE:
        raise BenchError(
            f"the recipe {recipe.name} asks every model in the same words; --coordinates goes with --recipe lamm/native"
        )
    console = Console()
    lines: list[tuple[str, Any]] = [("task", task.name), ("sample", sample.id), ("group", sample.group)]
    for medium in sample.media:
        try:
            medium = media.seal(medium)
            media.open_media(medium) if media.is_corrupted(medium) else media.check(medium)
            describe = media.modality(medium.kind).describe
            words = f"{describe(medium)}, " if describe else ""
            words += f"corrupted by {media.corruption_of(medium).told}, " if media.is_corrupted(medium) else ""
            lines.append((medium.kind, f"{medium.path} ({words}sha256 {medium.sha256.rpartition(' ')[2][:12]})"))
        except MediaError as error:
            lines.append((medium.kind, f"{medium.path}: {error}"))
    reason = why_unfit(task, recipe) or why_no_places(task, asked)
    if reason is not None:
        raise BenchError(f"{task.name} would not be asked: {reason}")
    shots: tuple[Sample, ...] = ()
    if choose is not None and choose.why_not is not None:
        raise BenchError(f"{task.name} would not be asked: {choose.why_not}")
    if choose is not None:
        try:
            shots = choose(sample)
            lines.append(("examples", f"{', '.join(one.id for one in shots)} ({choose.examples.told})"))
        except MediaError as error:
            lines.append(("examples", str(error)))
    flow = flow_of(recipe, task, sample, 0, Wording(asked), shots)
    before: tuple[Message, ...] = ()
    for step, request in enumerate(requests(flow, sample)):
        lines += asked_lines(request, before, f", {step + 1}" if step else "")
        before = request.messages
    if options_unseen(sample) and "{options}" not in recipe.instruction.template:
        lines.append(("warning", f"the question does not tell its options: {' | '.join(sample.choices)}"))
    if sample.parts:
        lines.append(("asked for each of", ", ".join(sample.parts)))
    lines.append(("ground truth", json.dumps(sample.target, ensure_ascii=False)))
    answer = oracle_answer(task, sample) if has_media(sample) else "-"
    if asked.own_words and getattr(task, "asks_for", "") in ("boxes", "points") and isinstance(answer, str):
        answer = render(places_of(answer), frame_of(sample, asked, ()))
    lines.append(("perfect answer", answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)))
    if isinstance(task, DeclaredTask):
        lines.append(("counted", task.scorer.said(sample)))
    for name, value in lines:
        console.print(visible(f"{name}: {value}"), highlight=False, markup=False, soft_wrap=True)
