"""The doctor: examines any adapter, ours or a stranger's, and says what it found and why.

To add a check, write a function of a `Patient` with the decorator `check` in one of the `checks_*` modules."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lamm_bench.errors import BenchError, unknown
from lamm_bench.media import many, modalities
from lamm_bench.types import Adapter, Job, Task

from . import checks_answers, checks_cost, checks_media, checks_places, checks_prompts, checks_score
from .material import Material, material_of, own_material
from .patient import Patient
from .verdict import NO_ANSWERS, Check, Failed, Finding, NotApplicable

CHECKS: tuple[Check, ...] = tuple(
    check
    for module in (checks_answers, checks_score, checks_media, checks_prompts, checks_places, checks_cost)
    for check in module.CHECKS
)


def every_check() -> tuple[Check, ...]:
    """CHECKS, and one more for each modality that a plug-in has brought since."""
    names = {check.name for check in CHECKS}
    more = [checks_media.looked_at(own) for own in modalities().values() if own.probe is not None]
    return (*CHECKS, *(check for check in more if check.name not in names))


def examine(
    adapter: Adapter, task: Task | None = None, root: Path | None = None, only: Collection[str] = (), media: bool = True
) -> Iterator[Finding]:
    """Runs all checks, or those named in `only`, and yields each finding as it is made.

    Without a task the adapter is asked about pictures or clouds that are drawn for it; with one, about the task's first samples
    under `root`. Without `media` only text is asked, as of a judge. One that answers no plain question is spared the rest, unless checks are named. Raises `BenchError` for a check that does not exist."""
    checks = every_check()
    for name in only:
        if name not in [check.name for check in checks]:
            raise unknown("check", name, [check.name for check in checks])
    with tempfile.TemporaryDirectory(prefix="lamm-bench-doctor-") as folder:
        patient = Patient(adapter, material_for(adapter, task, root, Path(folder), media), media)
        begin = getattr(adapter, "begin", None)
        if begin is not None:
            begin(Job(patient.material.task, patient.material.samples))
        silent = False
        for check in checks:
            if silent:
                yield Finding(check.name, check.title, "not applicable", NO_ANSWERS, 0.0)
            elif not only or check.name in only:
                finding = carry_out(check, patient)
                yield finding
                silent = not only and check.name == "answers" and finding.verdict == "fail"


def measured_places(adapter: Adapter) -> tuple[Sequence[tuple[str, str]], int]:
    """What was measured of an adapter's coordinates, in names and values, and the exit status that says it."""
    with tempfile.TemporaryDirectory(prefix="lamm-bench-doctor-") as folder:
        patient = Patient(adapter, material_for(adapter, None, None, Path(folder), True), True)
        begin = getattr(adapter, "begin", None)
        if begin is not None:
            begin(Job(patient.material.task, patient.material.samples))
        try:
            found, declared, read = checks_places.look(patient)
        except (NotApplicable, Failed) as why:
            return [("not measured", str(why))], 3
    rows = [("answers with a place", str(read)), *checks_places.table(found, declared)]
    return rows, 0 if found.right else 1 if found.clear else 3


def material_for(adapter: Adapter, task: Task | None, root: Path | None, folder: Path, media: bool) -> Material:
    if task is not None and root is not None:
        found = material_of(task, root, folder)
    else:
        drawn = [own.name for own in modalities().values() if own.probe is not None]
        taken = set(getattr(adapter, "modalities", ()))
        if media and taken and taken <= modalities().keys() - set(drawn):
            raise BenchError(
                f"nothing can be drawn of {', '.join(map(many, sorted(taken)))} (no `probe`); name a task with --task"
            )
        found = own_material(next((kind for kind in drawn if kind in taken), drawn[0]), folder)
    return found if media else replace(found, samples=tuple(replace(sample, media=()) for sample in found.samples))


def carry_out(check: Check, patient: Patient) -> Finding:
    """One check with its time; an adapter that raises has failed it."""
    begun = time.perf_counter()
    try:
        verdict, reason = "pass", check.run(patient)
    except NotApplicable as why:
        verdict, reason = "not applicable", str(why)
    except Failed as why:
        verdict, reason = "fail", str(why)
    except Exception as error:  # whatever a stranger's adapter raises is a finding about it
        verdict, reason = "fail", f"it raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    reason = reason.replace(f"{patient.material.folder}{os.sep}", "")  # a folder that is gone when the reason is read
    return Finding(check.name, check.title, verdict, reason, time.perf_counter() - begun)  # type: ignore[arg-type]


__all__ = ["CHECKS", "Finding", "examine", "measured_places"]
