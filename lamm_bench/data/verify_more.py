"""What `data verify` looks at when it is asked to: media that are there twice, known digests, and what a training has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from lamm_bench.errors import visible
from lamm_bench.types import Media, Sample, Task

from .digests import digest_faults, known_digests
from .overlap import BROKEN, SHOWN, Instruction, ledger, read_instruction, seen_of, twice, twice_sentence
from .prints import Print, prints_of
from .verify import Finding, Watcher, relative


def compared(
    root: Path,
    tasks: Sequence[Task],
    duplicates: bool,
    digests: Path | None,
    training: Sequence[Path],
    watcher: Watcher | None = None,
) -> tuple[list[Finding], dict[str, Any] | None]:
    """Findings, and the ledger of what a training has seen (None without `training`). Raises `BenchError` for files that it cannot read."""
    findings: list[Finding] = []
    if digests is not None:
        findings += [Finding("digests", path, "", what, "error") for path, what in digest_faults(root, known_digests(digests))]
    if not duplicates and not training:
        return findings, None
    told = read_instruction(training) if training else None
    if told is not None:
        findings += broken(told, root)
    known: dict[str, Print] = {}
    seen = []
    for task in tasks:
        samples = samples_of(task, root)
        media = list(dict.fromkeys(medium for sample in samples for medium in sample.media))
        prints = of_media(task.name, media, known, watcher)
        if duplicates and (pairs := twice(prints)):
            what = twice_sentence(pairs, len(prints), lambda path: relative(path, root))
            findings.append(Finding(task.name, task.meta_files[0], "", what, "warning"))
        if told is not None:
            seen.append(seen_of(task.name, samples, prints, told))
    return findings, ledger(told, seen, root) if told is not None else None


def samples_of(task: Task, root: Path) -> Sequence[Sample]:
    """A task's samples; none where it cannot read them, which `verify` has told."""
    try:
        return task.samples(root)
    except Exception:
        return ()


def of_media(task: str, media: Sequence[Media], known: dict[str, Print], watcher: Watcher | None) -> dict[str, Print]:
    """The prints of a task's media by path, each made once for all tasks; what cannot be read has none."""
    new = [medium for medium in media if medium.path not in known]
    if watcher:
        watcher.begin(f"{task} prints", len(media))
        watcher.tick(len(media) - len(new))
    for medium, found in prints_of(new):
        if isinstance(found, Print):
            known[medium.path] = found
        if watcher:
            watcher.tick(1)
    if watcher:
        watcher.end(f"{task} prints")
    return {medium.path: known[medium.path] for medium in media if medium.path in known}


def broken(told: Instruction, root: Path) -> list[Finding]:
    """One finding about instruction media that cannot be read."""
    if not told.broken:
        return []
    names = ", ".join(relative(path, root) for path in list(told.broken)[:SHOWN])
    more = f" and {len(told.broken) - SHOWN} more" if len(told.broken) > SHOWN else ""
    known = f"; {BROKEN}" if any("bamboo" in path.casefold() for path in told.broken) else ""
    files = ", ".join(one["file"] for one in told.files)
    return [Finding("training", files, "", f"{len(told.broken)} media cannot be read: {names}{more}{known}", "warning")]


def shown_seen(seen: Mapping[str, Any]) -> Table:
    """For the console: of each task how many media a training has seen, and how."""
    table = Table("task", "media", "seen", "exact", "near", "samples", "same question", box=None, pad_edge=False)
    for name, one in seen["tasks"].items():
        numbers = (one["media"], one["seen"], one["exact"], one["near"], one["samples"], one["same_question"])
        table.add_row(visible(name), *(f"{number:,}" for number in numbers), style="red" if one["seen"] else "")
    return table
