"""What is published of a checkpoint: its files, under which licence, and a model card with the scores of runs that asked this very model.

Keys of the card's head are those of the hub's model cards (huggingface_hub 2.4, `ModelCardData`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lamm_bench.errors import BenchError
from lamm_bench.keep.runs import Run
from lamm_bench.version import __version__

from .figures import Entry, read_run

KNOWN = {"Apache-2.0": "apache-2.0", "CC BY-NC 4.0": "cc-by-nc-4.0", "CC BY 4.0": "cc-by-4.0", "MIT": "mit"}
"""How a checkpoint's own licence text begins, and the hub's name of it."""
SCORES = "## Scores"
HEAD = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


@dataclass(frozen=True)
class Publication:
    """Everything that would be sent."""

    files: dict[str, Path | bytes]
    licence: str  # the hub's name
    card: str

    @property
    def sizes(self) -> dict[str, int]:
        return {n: len(f) if isinstance(f, bytes) else f.stat().st_size for n, f in self.files.items()}


def publication(folder: Path, runs: Sequence[Path], licence: str) -> Publication:
    """The files of a checkpoint folder and its card. Raises `BenchError` for a folder that is no whole checkpoint, a licence that is not
    said or is another than the weights', and runs of another model."""
    from lamm_bench.lamm.checkpoint import files_of, fingerprint
    from lamm_bench.lamm.config import HubLlm, load
    from lamm_bench.lamm.inspection import inspect

    config = load(folder)
    found = inspect(folder)  # that it is whole, and what it holds
    chosen = licence_of(config.licence, licence)
    entries = [entry for run in runs for entry in entries_of(run, fingerprint(folder))]
    names = ["config.json", *files_of(config), *([] if isinstance(config.llm, HubLlm) else ["tokenizer.json"])]
    base = config.llm.path if isinstance(config.llm, HubLlm) else ""
    parts = [(part.name, part.parameters, part.types) for part in found.parts]
    text = card(folder, config.name, chosen, base, tuple(config.encoders), parts, entries)
    return Publication({"README.md": text.encode(), **{name: folder / name for name in names}}, chosen, text)


def licence_of(own: str, said: str) -> str:
    """The hub's name of a checkpoint's licence; what the checkpoint itself says is not overruled.

    >>> licence_of("CC BY-NC 4.0 (trained on LAMM's instruction data)", ""), licence_of("", "mit")
    ('cc-by-nc-4.0', 'mit')
    """
    known = next((name for text, name in KNOWN.items() if own.casefold().startswith(text.casefold())), "")
    said = said.strip().lower()
    if said and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", said):
        raise BenchError(f"--licence {said}: expected the hub's name of a licence, such as apache-2.0, cc-by-nc-4.0 or other")
    if known and said not in ("", known):
        raise BenchError(
            f"--licence {said}: the checkpoint's own config says {own}; weights are published under what they were made under"
        )
    if not known and not said:
        told = f"says {own!r}, which has no name on the hub" if own else "says no licence"
        raise BenchError(f"the checkpoint {told}; say under which it may be given away with --licence, such as cc-by-nc-4.0")
    return known or said


def entries_of(run: Path, own: str) -> list[Entry]:
    """The headlines of a run, if it asked this checkpoint."""
    if not (run / "result.json").is_file():
        raise BenchError(f"--run {run} has no result.json: it is no run, or was not asked to its end")
    model = Run.asked(run).manifest["identity"]["model"]
    if model["name"] != "lamm" or not model["fingerprint"].startswith(f"{own}-"):
        raise BenchError(
            f"--run {run} asked another model ({model['name']}, {model['fingerprint']}) than this checkpoint ({own})"
        )
    return [entry for entry in read_run(run / "result.json") if entry.headline and entry.value is not None]


def card(
    folder: Path,
    name: str,
    licence: str,
    base: str,
    media: Sequence[str],
    parts: Sequence[tuple[str, int, str]],
    scores: Sequence[Entry],
) -> str:
    """The model card: the checkpoint's own words where it has some, and the scores."""
    head: dict[str, Any] = {
        "license": licence,
        "library_name": "lamm-bench",
        "pipeline_tag": "image-text-to-text",
        "tags": ["lamm", "multimodal", *media],
        **({"base_model": base} if base.count("/") == 1 and not base.startswith((".", "/")) else {}),
    }
    lines = ["---", yaml.safe_dump(head, sort_keys=False, allow_unicode=True).strip(), "---", ""]
    readme = folder / "README.md"
    words = HEAD.sub("", readme.read_text(encoding="utf-8", errors="replace")) if readme.is_file() else ""
    lines += [told(words, bool(scores)) or "\n".join(described(name, parts)), ""]
    lines += [*score_lines(scores), ""] if scores else []
    lines += ["## How to use it", "", "```bash", "lamm-bench run --model lamm --set checkpoint=FOLDER --tasks all", "```", ""]
    return "\n".join(lines)


def told(words: str, scored: bool) -> str:
    """The checkpoint's own card; its section of scores makes room for those that are given."""
    return (words.partition(f"\n{SCORES}\n")[0] if scored else words).strip()


def described(name: str, parts: Sequence[tuple[str, int, str]]) -> list[str]:
    rows = [f"| {part} | {parameters:,} | {kind} |" for part, parameters, kind in parts]
    return [f"# {name or 'LAMM'}", "", "A LAMM model.", "", "| part | parameters | type |", "| --- | ---: | --- |", *rows]


def score_lines(entries: Sequence[Entry]) -> list[str]:
    """A table for each run: every headline with its interval, and how many answers could not be read or are missing."""
    lines = [SCORES, "", f"Measured by lamm-bench {__version__}; in brackets 95 % intervals by image or room."]
    for run in dict.fromkeys(entry.source for entry in entries):
        own = [entry for entry in entries if entry.source == run]
        ways = ", ".join(f"{name} {value}" for name, value in own[0].conditions if value)
        lines += ["", f"**{own[0].model}**, data: {own[0].data}{f' ({ways})' if ways else ''}", ""]
        lines += [
            "| task | protocol | metric | score | samples | unread | missing |",
            "| --- | --- | --- | ---: | ---: | ---: | ---: |",
        ]
        for entry in own:
            ends = f" [{entry.ci95[0]:.1f}, {entry.ci95[1]:.1f}]" if entry.ci95 else ""
            mark = " ↓" if entry.better == "lower" else ""
            cells = (
                entry.task,
                entry.protocol,
                entry.metric + mark,
                f"{entry.value:.2f}{ends}",
                entry.expected,
                entry.unread,
                entry.failed,
            )
            lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return lines
