"""What `lamm-bench check` prints of a task file."""

from __future__ import annotations

import json
from typing import Any

import click

from lamm_bench.ask.recipe import Recipe
from lamm_bench.declared import DeclaredTask
from lamm_bench.declared.check import Found, invented, nulls
from lamm_bench.errors import visible

from .sample import show_sample

SHOWN = 3  # filled prompts
FIRST_FAULTS = 20
WORDS = {
    "oracle": "the truth in the form asked for",
    "chance": "a random well-formed answer",
    "majority": "the most frequent true answer",
    "blind": "what other samples with the same question say",
    "constant": "always the same",
    "copy": "the question itself",
}


def put(text: str = "") -> None:
    click.echo(visible(text))


def show_checked(task: DeclaredTask, found: Found, recipe: Recipe, faults: int | None = FIRST_FAULTS) -> None:
    """Three prompts, five answers, the null models, and all that is wrong."""
    samples = found.samples
    head = task.about.get("title", task.name)
    put(f"{task.file}: {head}")
    for key in ("paper", "licence", "terms", "size", "source", "note"):
        if key in task.about:
            put(f"  {key}: {task.about[key]}")
    reader = ", ".join(dict.fromkeys(task.recast.readers.values()))
    put(f"  reader {reader}, metric {task.scorer.metric}, {task.modality.replace('_', ' ')}, system message `{task.kind}`")
    put(f"  {len(samples)} samples in {len({sample.group for sample in samples})} groups, {len(found.faults)} faults")
    if samples:
        show_samples(task, found, recipe)
    if found.faults:
        put()
        put(f"faults ({len(found.faults)}):")
        listed = found.faults if faults is None else found.faults[:faults]
        for fault in listed:
            put(f"  {fault}")
        if len(listed) < len(found.faults):
            put(f"  ... and {len(found.faults) - len(listed)} more (--all lists them)")


def show_samples(task: DeclaredTask, found: Found, recipe: Recipe) -> None:
    samples = found.samples
    places = sorted({0, len(samples) // 2, len(samples) - 1})
    for place in places[:SHOWN]:
        put()
        show_sample(task, samples[place], recipe)
    put()
    put(f"what the reader makes of five invented answers to sample {samples[0].id}:")
    for tried in invented(task, samples[0]):
        read = "unread" if tried.read is None else json.dumps(tried.read, ensure_ascii=False)
        put(f"  {tried.kind:<16} {clipped(tried.answer):<44} -> {clipped(read)}, {tried.right:g}")
    headline = task.scorer.metrics[0]
    put()
    put(f"null models ({headline.name}, {headline.unit}, {headline.better} is better):")
    for name, value in nulls(task, samples).items():
        put(f"  {name:<10} {'-' if value is None else f'{value:.2f}':>8}   {WORDS[name]}")


def clipped(text: Any, width: int = 44) -> str:
    line = " ".join(str(text).split()) or "(empty)"
    return line if len(line) <= width else line[: width - 1] + "…"
