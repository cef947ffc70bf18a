"""A stored run with its samples, answers and scores at hand, for whoever writes it in another form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.results import read_result
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import score
from lamm_bench.types import Media, Row, Sample, Task

from .coordinates import answers, of_manifest


@dataclass(frozen=True)
class Part:
    """One task of a run: the samples that were asked, as they were asked, and what was said."""

    task: Task
    samples: Sequence[Sample]
    file: Sequence[Sample]
    ledger: Ledger


@dataclass(frozen=True)
class Bundle:
    """A run and its parts. `about` is what the user says of it, key by key."""

    run: Run
    root: Path
    parts: Sequence[Part]
    about: Mapping[str, str]

    @property
    def identity(self) -> Mapping[str, Any]:
        return dict(self.run.manifest["identity"])

    @property
    def model(self) -> str:
        """As the run is called: the model's own name where the adapter was given one (`org/model`), else the adapter's."""
        model = self.run.manifest["model"]
        return str(model["settings"].get("model") or model["name"])

    @property
    def when(self) -> datetime:
        """When it was last asked."""
        dates = [entry["date"] for entry in self.run.manifest.get("asked", []) if "date" in entry]
        return datetime.fromisoformat(dates[-1]) if dates else datetime.fromtimestamp(0).astimezone()

    def result(self) -> dict[str, Any]:
        """`result.json`, looked at. Raises `BenchError` where there is none."""
        return read_result(self.run.folder / "result.json")

    def rows(self, part: Part, protocol: str) -> Iterator[Row]:
        """Every sample as it was read and counted, in file order."""
        answered = answers(part.ledger, part.samples, of_manifest(self.run.manifest))
        yield from score(part.task, protocol, part.samples, answered, references=False, keep_rows=True, file=part.file).rows

    def place(self, media: Media) -> str:
        """A medium's path, from the data root where it lies below that."""
        path, root = Path(media.path), self.root.resolve()
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
