"""How much of a score comes from seeing: the same run again under controls, and what is lost under each.

Every control is an ordinary run in a folder beside the run's own (`lamm-1a2b3c4d-blind`), so that all of them resume. The gap is the
difference of the headline between the run and its control on the samples that both answered, paired by image or room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import write_json
from lamm_bench.keep.runs import Run
from lamm_bench.measure.intervals import holm
from lamm_bench.types import Adapter, Sample, Task

from .catalog import Catalog
from .comparing import Difference, difference
from .comparing import why_not as why_no_comparison
from .coordinates import spoken
from .corrupt.chain import parse
from .corrupt.chain import why_not as why_not_worse
from .outcome import Outcome, Watcher, load
from .runner import limited
from .session import Options, run


@dataclass(frozen=True)
class Leg:
    """One control: a run under `--control`, or one under `--corrupt`."""

    name: str
    control: str | None = None
    corrupt: str = ""


LEGS = (
    Leg("blind", control="blind"),
    Leg("swapped", control="swapped"),
    Leg("shuffled", control="shuffled"),
    Leg("options", corrupt="options_shuffled"),
    Leg("rotation", corrupt="rotation:5"),
)
"""Media hidden; those of another sample; their content out of order; options in another order; clouds turned by 30 degrees at most."""

NEVER_OF = "rotation"  # a control of clouds, which is not mentioned where a task shows none


def ask_controls(options: Options, catalog: Catalog, adapter: Adapter, root: Path, source: str, watcher: Watcher) -> Outcome:
    """The run, and each control beside it; the outcome is the run's own, with its gaps. What a control cannot be asked about is said.

    Raises `BenchError` for options that are controls themselves."""
    if options.control or options.corrupt or options.share is not None:
        raise BenchError("--controls asks the run as it is and under every control; leave out --control, --corrupt and --shard")
    outcome = run(options, catalog, adapter, root, source, watcher)
    assert outcome.folder is not None
    own = Run.asked(outcome.folder)
    names = {score.task for score in outcome.scores} & own.manifest["identity"]["data"].keys()
    loaded = load([task for task in catalog.ordered() if task.name in names], root, Outcome(), alone=False)
    refused: dict[str, dict[str, str]] = {}
    found: list[tuple[str, Difference]] = []
    for number, leg in enumerate(LEGS, 1):
        reasons = {task.name: why_not(task, samples, leg, options, catalog, adapter) for task, samples in loaded}
        left = [(task, samples) for task, samples in loaded if not reasons[task.name]]
        refused[leg.name] = {name: why for name, why in reasons.items() if why}
        if not left:
            continue
        watcher.say(f"control {number} of {len(LEGS)}: {leg.name}")
        try:
            folder, complete = ask_leg(leg, options, outcome.folder, left, catalog, adapter, root, source, watcher)
        except BenchError as error:
            refused[leg.name] |= dict.fromkeys((task.name for task, _ in left), str(error))
            continue
        outcome.left += not complete
        for task, samples in left:
            found += gap(leg, task, samples, own, Run.asked(folder), refused, root)
    tell(refused, outcome, watcher)
    outcome.gaps = told(found)
    write_json(outcome.folder / "controls.json", {"format": 1, "gaps": outcome.gaps, "skipped": refused})
    return outcome


def ask_leg(
    leg: Leg,
    options: Options,
    beside: Path,
    left: Sequence[tuple[Task, Sequence[Sample]]],
    catalog: Catalog,
    adapter: Adapter,
    root: Path,
    source: str,
    watcher: Watcher,
) -> tuple[Path, bool]:
    """Asks one control; where it lies, and whether every sample of it has an answer."""
    folder = beside.with_name(f"{beside.name}-{leg.name}")
    mode = "auto" if options.mode == "resume" else options.mode  # a run may go on whose controls were never begun
    name = f"{options.name} ({leg.name})" if options.name else ""
    tasks = ",".join(task.name for task, _ in left)
    asked = replace(options, control=leg.control, corrupt=leg.corrupt, output=folder, mode=mode, name=name, tasks=tasks)
    return folder, run(asked, catalog, adapter, root, source, watcher).complete


def gap(
    leg: Leg, task: Task, samples: Sequence[Sample], own: Run, other: Run, refused: dict[str, dict[str, str]], root: Path
) -> list[tuple[str, Difference]]:
    """What the run's headline loses under a control; nothing where the two cannot be compared."""
    pair = (own, other)
    if task.name not in other.manifest["identity"]["data"]:
        return []
    if reason := why_no_comparison(task, samples, pair, root, "standard"):
        refused[leg.name][task.name] = reason
        return []
    return [(leg.name, difference(task, samples, pair, "standard", root))]


def why_not(task: Task, samples: Sequence[Sample], leg: Leg, options: Options, catalog: Catalog, adapter: Adapter) -> str:
    """Why a task is not asked under a control; empty when it is."""
    if "standard" not in task.protocols:
        return "it has no protocol standard"
    if leg.control == "swapped" and len({sample.group for sample in limited(samples, options.limit, options.seed)}) < 2:
        return "there is no other image or room whose media could be shown"
    own_words = spoken(catalog.recipe(options.recipe, options.overrides), adapter).own_words
    return why_not_worse(task, samples, parse(leg.corrupt), frozenset(adapter.modalities), own_words) or ""


def told(found: Sequence[tuple[str, Difference]]) -> dict[str, dict[str, Any]]:
    """Task -> control -> the gap, its p corrected for all of them (Holm)."""
    result: dict[str, dict[str, Any]] = {}
    for (name, each), corrected in zip(found, holm([each.p for _, each in found])):
        result.setdefault(each.task, {})[name] = {
            "metric": each.metric,
            "unit": each.unit,
            "better": each.better,
            "score": each.first,
            "under": each.second,
            "gap": each.difference,
            "ci95": list(each.ci95) if each.ci95 else None,
            "p": each.p,
            "holm": corrected,
            "n": each.n,
            "left_out": each.left_out,
            "detectable": each.detectable,
        }
    return result


def tell(refused: dict[str, dict[str, str]], outcome: Outcome, watcher: Watcher) -> None:
    """Which controls were not asked, once for each reason."""
    for name, reasons in refused.items():
        for why in dict.fromkeys(reasons.values()):
            if name == NEVER_OF and "is made for" in why:
                continue
            watcher.say(f"note: no control {name} of {', '.join(task for task, own in reasons.items() if own == why)}: {why}")
