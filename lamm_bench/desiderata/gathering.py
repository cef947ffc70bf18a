"""The legs' answers, read again from their folders: rows under each protocol, likelihoods, and which option was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.coordinates import answers, of_manifest
from lamm_bench.ask.outcome import Outcome, load
from lamm_bench.ask.runner import plan
from lamm_bench.errors import BenchError
from lamm_bench.keep.runs import Run
from lamm_bench.measure.scoring import Answered, Score, score
from lamm_bench.types import Record, Sample, Task

from .legs import role_of


@dataclass(frozen=True)
class Asked:
    """One task of one run."""

    folder: Path
    task: Task
    samples: Mapping[str, Sample]
    scores: Mapping[str, Score]  # by protocol, with their rows
    answered: Mapping[str, Answered]
    ended: Mapping[str, Record]

    @property
    def headline(self) -> str:
        """The name of the task's headline under `standard`."""
        return str(self.task.protocols["standard"].metrics[0].name)


@dataclass
class Model:
    """What one model was asked: leg -> task -> its answers."""

    name: str
    fingerprint: str
    legs: dict[str, dict[str, Asked]] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)  # folder -> why it says nothing
    drawn: dict[str, Any] = field(default_factory=dict)  # limit and seed, the same in all legs
    source: str = ""


def run_folders(folders: Sequence[Path]) -> list[Path]:
    """The run folders that are named, or lie below those named. Raises `BenchError` where there is none."""
    found: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise BenchError(f"{folder} is no folder; expected a run folder, or one that holds some")
        inside = [folder] if (folder / "manifest.json").is_file() else []
        inside = inside or [path.parent for path in sorted(folder.glob("*/manifest.json"))]
        if not inside:
            raise BenchError(f"{folder} holds no runs; `lamm-bench desiderata --model NAME --output {folder}` makes them")
        found += [path for path in inside if path not in found]
    return found


def gather(folders: Sequence[Path], catalog: Catalog, root: Path) -> list[Model]:
    """Every model of which the folders hold legs, in the order met."""
    models: dict[tuple[str, str], Model] = {}
    for folder in folders:
        stored = Run.asked(folder)
        manifest = stored.manifest
        identity = manifest["identity"]
        name = str(manifest.get("name") or manifest["model"]["name"])
        model = models.setdefault(
            (manifest["model"]["name"], identity["model"]["fingerprint"]), Model(name, identity["model"]["fingerprint"])
        )
        drawn = {key: identity[key] for key in ("limit", "seed")}
        role = role_of(identity)
        if not role or role == "-":
            model.unavailable[folder.name] = "it is no leg of a desideratum: asked with a control, or changed in two ways at once"
            continue
        if model.drawn and model.drawn != drawn:
            model.unavailable[folder.name] = f"it was asked other items (limit and seed {drawn}, the others {model.drawn})"
            continue
        model.drawn, model.source = drawn, str(manifest["source"])
        for task in read(stored, catalog, root, model):
            model.legs.setdefault(role, {}).setdefault(task.task.name, task)
    return list(models.values())


def read(stored: Run, catalog: Catalog, root: Path, model: Model) -> list[Asked]:
    """The tasks of a run, scored with their rows kept; those that cannot be read are noted."""
    identity = stored.manifest["identity"]
    outcome = Outcome()
    known = [catalog.tasks[name] for name in identity["data"] if name in catalog.tasks]
    found = []
    for task, samples in load(known, root, outcome, alone=False):
        work = plan(task, samples, identity["limit"], identity["seed"], None, identity.get("corrupt", ""), root)
        if work.data != identity["data"][task.name]:
            model.unavailable[f"{stored.folder.name}, {task.name}"] = f"the data under {root} are not those of the run"
            continue
        if not all(isinstance(sample.target, int) and sample.choices for sample in work.samples):
            model.unavailable[f"{stored.folder.name}, {task.name}"] = "it has no options to choose from"
            continue
        ledger = stored.ledger(task.name)
        answered = answers(ledger, work.samples, of_manifest(stored.manifest))
        protocols = [name for name in ("standard", "chef") if name in task.protocols]
        scores = {name: score(task, name, work.samples, answered, keep_rows=True, file=work.file) for name in protocols}
        found.append(Asked(stored.folder, task, {one.id: one for one in work.samples}, scores, answered, dict(ledger.ended)))
    model.unavailable |= {f"{stored.folder.name}, {name}": why for name, why in outcome.unavailable.items()}
    return found
