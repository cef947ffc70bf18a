"""Stored runs in the formats of others. To add one, write a function from a run with all its parts to names and bytes of files, and name it
in WHOLE; or, of answers task by task, one from task, samples and records to a file's name and content, and name it in FORMATS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, unknown
from lamm_bench.keep.chef_answers import entries
from lamm_bench.keep.files import write_json, write_whole
from lamm_bench.keep.ledger import Ledger
from lamm_bench.keep.runs import MANIFEST, Run
from lamm_bench.types import Sample, Task

from .bundle import Bundle, Part
from .cards import eval_results
from .catalog import Catalog
from .eee import every_eval_ever
from .flat import as_csv, as_parquet
from .lmms import lmms_eval
from .offline import as_wandb
from .outcome import Outcome, Watcher, load
from .rescoring import root_of
from .runner import plan

Export = Callable[[Task, Sequence[Sample], Ledger, Mapping[str, Any]], tuple[str, list[dict[str, Any]]]]


def chef(task: Task, samples: Sequence[Sample], ledger: Ledger, manifest: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """ChEF's answer files, by the names by which `score --answers` finds them."""
    scenario = manifest["identity"].get("recipe", {}).get("scenario", {})
    return f"{task.answer_files[0]}.json", entries(task, samples, ledger, scenario.get("draws") == "upstream")


FORMATS: dict[str, Export] = {"chef": chef}
WHOLE: dict[str, Callable[[Bundle], dict[str, bytes]]] = {
    "eee": every_eval_ever,
    "hf-eval-results": eval_results,
    "csv": as_csv,
    "parquet": as_parquet,
    "lmms-eval": lmms_eval,
    "wandb": as_wandb,
}


def export(
    folder: Path,
    form: str,
    output: Path,
    data_root: Path | None,
    catalog: Catalog,
    tasks: str,
    watcher: Watcher,
    about: Mapping[str, str] | None = None,
) -> list[tuple[Path, int]]:
    """Writes a run's answers in a format of others; the files and how many answers each holds. `about` says what a format needs to know
    beside the run.

    Raises `BenchError` for files that are there already, before any is written, and for data that are not the run's."""
    if form not in FORMATS and form not in WHOLE:
        raise unknown("format", form, (*FORMATS, *WHOLE))
    if about and form in FORMATS:
        raise BenchError(f"--about {next(iter(about))}: the format {form} says nothing about a run")
    stored = Run.asked(folder)
    if (output / MANIFEST).is_file():
        raise BenchError(f"--output {output} is a run's own folder; name another one for what is exported")
    identity = stored.manifest["identity"]
    catalog.bring(stored.manifest.get("asked"))
    chosen = [task for task in catalog.select_tasks(tasks, list(identity["data"])) if task.name in identity["data"]]
    if not chosen:
        raise BenchError(f"{folder} was not asked about {tasks}; it holds {', '.join(identity['data'])}")
    root, outcome = root_of([folder], data_root, catalog, watcher.say), Outcome()
    made: dict[Path, list[dict[str, Any]]] = {}
    parts: list[Part] = []
    for task, samples in load(chosen, root, outcome):
        work = plan(task, samples, identity["limit"], identity["seed"], identity["control"], identity.get("corrupt", ""), root)
        if work.data != identity["data"][task.name]:
            raise BenchError(
                f"the data of {task.name} under {root} are not those of the run; name the run's data with --data-root"
            )
        if form in WHOLE:
            parts.append(Part(task, work.samples, work.file, stored.ledger(task.name)))
            continue
        name, content = FORMATS[form](task, in_file(work.samples, samples), stored.ledger(task.name), stored.manifest)
        made[output / name] = content
    if outcome.unavailable:
        name, why = next(iter(outcome.unavailable.items()))
        raise BenchError(f"{name} cannot be exported: {why}")
    if output.exists() and not output.is_dir():
        raise BenchError(f"--output {output} is no folder")
    whole = WHOLE[form](Bundle(stored, root, parts, about or {})) if form in WHOLE else {}
    there = [path for path in (*made, *(output / name for name in whole)) if path.exists()]
    if there:
        raise BenchError(f"{there[0]} is there already; name another --output, or take it away")
    for name, data in whole.items():
        write_whole(output / name, data)
    if whole:
        answered = sum(len(part.ledger.ended) for part in parts)
        return [(output / name, answered) for name in whole]
    if told := stored.manifest.get("coordinates"):
        watcher.say(f"note: places are said as {told.get('name')} has them; score them with --coordinates {told.get('name')}")
    for path, content in made.items():
        write_json(path, content)
    return [
        (path, sum("turn_answer" in entry or entry.get("answer") is not None for entry in content))
        for path, content in made.items()
    ]


def in_file(asked: Sequence[Sample], file: Sequence[Sample]) -> list[Sample]:
    """The file's samples, those that were asked as they were asked; the others have no records."""
    known = {sample.id: sample for sample in asked}
    return [known.get(sample.id, sample) for sample in file]
