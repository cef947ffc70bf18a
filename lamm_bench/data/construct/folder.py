"""The folder that a construction lives in: one file a stage, each whole or not there, and every answer the moment it was given.

construct.json            the plan, the model, and what the stages were made of; its existence says whose folder this is
facts.jsonl               what is known of each medium; rejected.jsonl: what was left out of it, and why
pools.json                questions that a language model added to the pools, and those that were not new
requests.jsonl            what a language model is asked, word for word
answers/<model>/<kind>.jsonl   every answer, append-only, in the form of a run's records
dialogues.jsonl           what was made, before any check; checked.jsonl: the verdict on each
decisions.jsonl           what a person decided in review (`data review`); theirs, never written here
2D_Instruct/ 3D_Instruct/ what came of it, in LAMM's layout: meta_file/<name>.json and links to the media
card.json card.md         counts by kind and reason, sources, licences, cost"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lamm_bench.errors import BenchError
from lamm_bench.keep import locks
from lamm_bench.keep.files import digest, read_json, write_json, write_whole
from lamm_bench.keep.ledger import Ledger
from lamm_bench.loading import parse_json, read_text

T = TypeVar("T")
FORMAT = 1
MARK = "construct.json"
NAMES = ("facts.jsonl", "rejected.jsonl", "requests.jsonl", "dialogues.jsonl", "checked.jsonl")


@dataclass
class Folder:
    """One construction, open for writing."""

    path: Path
    mark: dict[str, Any] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(cls, path: Path, plan: Mapping[str, Any], resume: bool) -> Iterator[Folder]:
        """Holds the folder. Raises `BenchError` where it holds something else, or with `resume` where nothing was begun."""
        mark = path / MARK
        if path.is_dir() and not mark.is_file():
            others = sorted(one.name for one in path.iterdir() if not one.name.startswith((".", "lock")))
            if others:
                raise BenchError(f"{path} is no construction and holds {others[0]}; choose an empty folder for --out")
        if resume and not mark.is_file():
            raise BenchError(f"there is nothing to resume in {path}")
        new = not mark.is_file()
        lock = locks.take(path)
        try:
            known = read_json(mark) if mark.is_file() else {"stages": {}, "spent": []}
            if not isinstance(known, dict) or known.get("format", FORMAT) != FORMAT or not isinstance(known.get("stages"), dict):
                raise BenchError(f"{mark} is no mark of a construction that this version reads; choose another --out")
            folder = cls(path, {**known, "format": FORMAT, "plan": dict(plan)})
            folder.save()
            yield folder
        except BenchError:
            if new and not any(
                one.name not in (MARK, locks.NAME) for one in path.iterdir()
            ):  # refused before anything came of it
                mark.unlink(missing_ok=True)
                (path / locks.NAME).unlink(missing_ok=True)
                path.rmdir()
            raise
        finally:
            lock.release()

    def save(self) -> None:
        write_json(self.path / MARK, self.mark)

    def write(self, name: str, rows: Iterable[Mapping[str, Any]], made_of: Any = None) -> None:
        """A stage's file, whole; `made_of` tells what it was made of, for `fresh`."""
        lines = (json.dumps(row, ensure_ascii=False, separators=(", ", ": ")) for row in rows)
        write_whole(self.path / name, "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
        if made_of is not None:
            self.mark["stages"][name] = digest(made_of)
            self.save()

    def stands(self, name: str, made_of: Any) -> bool:
        """Whether a stage's file is there and was made of the same."""
        return (self.path / name).is_file() and self.mark["stages"].get(name) == digest(made_of)

    def ledger(self, model: str, kind: str) -> Ledger:
        """The answers of one model about one kind. Another model has another file: no answer that was paid for is ever put aside."""
        seal = f"{digest(model)}/{kind}"
        return Ledger.open(self.path / "answers" / digest(model, 8) / f"{kind}.jsonl", True, seal, strict=True)

    def link(self, name: str, target: Path) -> str | None:
        """A link to a folder of media, so that nothing is copied; a sentence where the system makes none."""
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink() and Path(os.readlink(place)) != target:
            place.unlink()
        if place.is_symlink() or place.exists():
            return None
        try:
            place.symlink_to(target, target_is_directory=True)
        except OSError as error:
            return f"{place} could not be linked to {target} ({error.strerror or error}); put the media there"
        return None


def read_as(path: Path, make: Callable[[Mapping[str, Any]], T]) -> list[T]:
    """The things of a stage's file. Raises `BenchError` for a line that a construction did not write so."""
    found = []
    for number, row in enumerate(read_lines(path), 1):
        try:
            found.append(make(row))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise BenchError(
                f"{path}, entry {number} is not what `data construct` writes; remove the file, and the same command makes it anew"
            ) from None
    return found


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of lines. Raises `BenchError` that names the line."""
    found = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line:
            row = parse_json(line, f"{path}, line {number}", halves=True)
            if not isinstance(row, dict):
                raise BenchError(f"{path}, line {number} holds {type(row).__name__}, expected an object")
            found.append(row)
    return found
