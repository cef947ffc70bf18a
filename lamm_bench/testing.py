"""For the tests of an adapter's author: `check_adapter(MyAdapter())` raises AssertionError with every fault and its reason.

Needs neither pytest nor PyTorch. The same checks stand behind `lamm-bench doctor`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from .doctor import CHECKS, Finding, examine
from .errors import unknown
from .types import Adapter, Task

CHECK_NAMES = tuple(check.name for check in CHECKS)
"""What can be named in `only` and `skip`."""


def check_adapter(
    adapter: Adapter,
    task: Task | None = None,
    root: Path | None = None,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    media: bool = True,
) -> tuple[Finding, ...]:
    """Examines an adapter and returns all findings. Raises AssertionError if one of them is a failure.

    `task` and `root` name a data set whose first samples are asked; without them pictures or clouds are drawn. `only` and
    `skip` choose among CHECK_NAMES; an unknown name is a `BenchError`. Without `media` only text is asked, as of a judge."""
    for name in skip:
        if name not in CHECK_NAMES:
            raise unknown("check", name, CHECK_NAMES)
    chosen = [name for name in (only or CHECK_NAMES) if name not in skip]
    findings = tuple(examine(adapter, task, root, chosen, media)) if chosen else ()
    faults = [
        f"{finding.check}: {finding.reason} (must hold: {finding.title})" for finding in findings if finding.verdict == "fail"
    ]
    if faults:
        raise AssertionError(f"{len(faults)} of {len(findings)} checks failed\n" + "\n".join(faults))
    return findings


__all__ = ["CHECK_NAMES", "Finding", "check_adapter", "examine"]
