"""Media that a benchmark has twice, and what of it stands in instruction data: as findings, and as a ledger file.

The ledger says of each task how many of its media a training has seen, by content or nearly, and how often its question was asked of
them too, so that a table can say "this checkpoint has seen 312 of 5,793 images"."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.loading import load_json, read_bytes
from lamm_bench.media import by_key
from lamm_bench.read.vocabulary import words
from lamm_bench.types import Media, Sample
from lamm_bench.version import __version__

from .prints import Library, Print, prints_of

LEDGER_FORMAT = 1
SHOWN = 3  # pairs that a finding names
BROKEN = "some of Bamboo's pictures are known to be broken (upstream's issues 13 and 30)"


@dataclass
class Instruction:
    """The media of instruction files, with what is asked of each."""

    library: Library = field(default_factory=Library)
    files: list[dict[str, Any]] = field(default_factory=list)
    asked: dict[str, set[str]] = field(default_factory=dict)  # medium -> its questions, in plain words
    broken: dict[str, str] = field(default_factory=dict)  # medium -> why it cannot be read


@dataclass
class Seen:
    """What of one task a training has seen."""

    task: str
    media: int
    pairs: list[tuple[str, str, str]] = field(default_factory=list)  # medium of the task, of the training, exact or near
    questions: int = 0  # samples whose question was asked of the same medium
    samples: int = 0

    def to_json(self) -> dict[str, Any]:
        how = [pair[2] for pair in self.pairs]
        return {
            "media": self.media,
            "seen": len(how),
            "exact": how.count("exact"),
            "near": how.count("near"),
            "samples": self.samples,
            "same_question": self.questions,
            "pairs": [list(pair) for pair in self.pairs],
        }


def instruction_files(given: Sequence[Path]) -> list[Path]:
    """Meta files of instruction data, or all of a folder in LAMM's layout. Raises `BenchError` where there are none."""
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            inside = sorted(path.glob("*_Instruct/meta_file/*.json"))
            if not inside:
                raise BenchError(f"{path} holds no 2D_Instruct/meta_file or 3D_Instruct/meta_file with instruction files")
            found += inside
        else:
            found.append(path)
    return found


def read_instruction(given: Sequence[Path], tick: Callable[[int], None] = lambda count: None) -> Instruction:
    """The media of instruction files in LAMM's JSON (reference 4.2) with their prints. Raises `BenchError` for files of another form."""
    told = Instruction()
    media: dict[str, Media] = {}
    for file in instruction_files(given):
        items = load_json(file)
        if not isinstance(items, list):
            raise BenchError(f"{file} holds {type(items).__name__}, expected a list of dialogues")
        own = 0
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise BenchError(f"{file}: item {index} is {type(item).__name__}, expected an object")
            for modality in by_key(tuple(item)):
                path = item[modality.key]
                if isinstance(path, str) and path:
                    place = str(file.parent.parent / path.removeprefix("./"))
                    own += place not in media
                    media.setdefault(place, Media(modality.name, place))
                    told.asked.setdefault(place, set()).update(questions_of(item))
        told.files.append(
            {"file": file.name, "sha256": hashlib.sha256(read_bytes(file)).hexdigest(), "dialogues": len(items), "media": own}
        )
    for medium, found in prints_of(list(media.values())):
        if isinstance(found, Print):
            told.library.add(medium.path, found)
        else:
            told.broken[medium.path] = found
        tick(1)
    return told


def questions_of(item: Mapping[str, Any]) -> set[str]:
    """What the human asks in a dialogue, in plain words."""
    turns = item.get("conversations")
    return {
        plain(turn["value"])
        for turn in turns or ()
        if isinstance(turn, dict) and turn.get("from") == "human" and isinstance(turn.get("value"), str)
    }


def plain(text: str) -> str:
    """A question without case and marks."""
    return " ".join(words(text))


def seen_of(task: str, samples: Sequence[Sample], prints: Mapping[str, Print], told: Instruction) -> Seen:
    """What of a task's media the training has, and how many of its questions were asked of them."""
    found: dict[str, tuple[str, str]] = {}
    for path in dict.fromkeys(medium.path for sample in samples for medium in sample.media):
        hit = told.library.find(prints[path]) if path in prints else None
        if hit is not None:
            found[path] = hit
    media = {medium.path for sample in samples for medium in sample.media}
    same = sum(
        any(plain(sample.question) in told.asked[found[medium.path][0]] for medium in sample.media if medium.path in found)
        for sample in samples
    )
    return Seen(task, len(media), [(path, *hit) for path, hit in found.items()], same, len(samples))


def twice(prints: Mapping[str, Print]) -> list[tuple[str, str, str]]:
    """Media that are an earlier one again, with that one, and how it is known."""
    library = Library()
    found = []
    for path, one in prints.items():
        hit = library.find(one)
        if hit is not None:
            found.append((path, *hit))
        else:
            library.add(path, one)
    return found


def twice_sentence(pairs: Sequence[tuple[str, str, str]], total: int, name: Callable[[str], str]) -> str:
    """One sentence about all of them."""
    exact = sum(how == "exact" for _, _, how in pairs)
    named = "; ".join(
        f"{name(path)} is {name(other)} {'again' if how == 'exact' else 'nearly'}" for path, other, how in pairs[:SHOWN]
    )
    more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    return f"{len(pairs)} of {total} media are others again ({exact} byte by byte, {len(pairs) - exact} nearly): {named}{more}"


def ledger(told: Instruction, seen: Sequence[Seen], root: Path) -> dict[str, Any]:
    """The ledger as JSON: paths of the task's media as seen from the data root."""

    def short(path: str) -> str:
        return Path(path).relative_to(root).as_posix() if Path(path).is_relative_to(root) else path

    tasks = {one.task: one.to_json() for one in seen}
    for one in tasks.values():
        one["pairs"] = [[short(path), short(other), how] for path, other, how in one["pairs"]]
    return {
        "format": LEDGER_FORMAT,
        "made_with": f"lamm-bench {__version__}",
        "training": told.files,
        "unreadable": len(told.broken),
        "tasks": tasks,
    }
