"""What the page tells of whole runs: their facts, their names, and how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamm_bench.ask.catalog import Catalog
from lamm_bench.ask.comparing import compare_runs
from lamm_bench.errors import BenchError
from lamm_bench.show.report.text import clean
from lamm_bench.show.told import facts_of

from .gather import Opened


def run_of(one: Opened, name: str) -> dict[str, Any]:
    """What the page tells of a run."""
    manifest, result = one.run.manifest, one.result
    model = manifest["model"]
    facts = facts_of(manifest, result)
    absent = {
        **{k: f"skipped: {v}" for k, v in result.get("skipped", {}).items()},
        **{k: f"missing: {v}" for k, v in result.get("unavailable", {}).items()},
    }
    return {
        "name": clean(name, 80),
        "model": clean(model["name"], 80),
        "facts": [[key, clean(value, 600)] for key, value in facts.items() if value not in (None, "")],
        "absent": [[clean(task, 120), clean(why, 600)] for task, why in absent.items()],
        "miniature": str(result.get("source", "")).startswith("miniature"),
    }


def differences(runs: Sequence[Opened], catalog: Catalog) -> list[dict[str, Any]]:
    """Every later run against the first: the headline of each task on the samples that both answered, with its interval."""
    found = []
    for place, other in enumerate(runs[1:], 1):
        try:
            if other.root != runs[0].root:
                raise BenchError("the two runs were asked about other data")
            told = compare_runs(runs[0].run.folder, other.run.folder, catalog, runs[0].root, "all", "standard")
        except BenchError as error:
            found.append({"run": place, "note": clean(error, 600), "tasks": {}})
            continue
        rows = {
            each.task: {"difference": each.difference, "ci95": each.ci95, "p": each.holm, "verdict": each.verdict, "n": each.n}
            for each in told.differences
        }
        found.append({"run": place, "note": "", "tasks": rows})
    return found


def distinct(names: Sequence[str]) -> list[str]:
    """Names by which runs can be told apart.

    >>> distinct(["a", "b", "a"])
    ['a', 'b', 'a (2)']
    """
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def title_of(names: Sequence[str]) -> str:
    return " and ".join(names[:2]) if len(names) < 3 else f"{len(names)} runs"
