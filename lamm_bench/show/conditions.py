"""How a run was asked and read: what must be equal before two figures stand in one ranking, and what is said where it is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import digest
from lamm_bench.keep.manifest import asking_of
from lamm_bench.loading import load_json
from lamm_bench.read.conventions import FRACTIONS

Conditions: TypeAlias = tuple[tuple[str, str], ...]
"""Name and value of each condition; empty for published figures. Behind a ` #` stands what a value hashes to."""

HASH = " #"
ABSENT = {"examples": "none"}  # what it means that a condition is not there, where that is known
OF_STANDARD = "readers"  # `classic` and `chef` read as upstream did, whatever version of our readers is here


def conditions(result: Mapping[str, Any], folder: Path) -> Conditions:
    """Of a run's `result.json`. Runs of before it said how they were asked have a manifest beside it that does."""
    asking = result.get("asking")
    if asking is None:
        asking = from_manifest(folder / "manifest.json")
    recipe = str(result.get("recipe") or "")
    decoders = asking.get("decoders") or {}
    examples = result.get("examples")
    told = {
        "recipe": recipe + (f"{HASH}{asking['recipe']}" if asking.get("recipe") else ""),
        "coordinates": str(result.get("coordinates") or FRACTIONS),
        "examples": f"examples{HASH}{digest(examples, 6)}" if examples else "",
        OF_STANDARD: str(result.get("readers", "")),
        "decoders": ", ".join(f"{name} {version}" for name, version in sorted(decoders.items())),
    }
    return tuple((name, value) for name, value in told.items() if value)


def from_manifest(path: Path) -> Mapping[str, Any]:
    """The part of a manifest that `result.json` has as `asking`; nothing where there is none that can be read."""
    try:
        return asking_of(load_json(path))
    except (BenchError, KeyError, TypeError, AttributeError):
        return {}


def differing(several: Iterable[Conditions]) -> dict[str, list[str]]:
    """The conditions that are not equal in all of them, with their values as short as still tells them apart.

    >>> differing([(("recipe", "a #1"), ("readers", "3")), (("recipe", "b #2"), ("readers", "3"))])
    {'recipe': ['a', 'b']}
    >>> differing([(("recipe", "a #1"),), (("recipe", "a #2"),)])
    {'recipe': ['a #1', 'a #2']}
    """
    tables = [dict(each) for each in several]
    names = dict.fromkeys(name for table in tables for name in table)
    found = {}
    for name in names:
        values = list(dict.fromkeys(table.get(name, ABSENT.get(name, "unknown")) for table in tables))
        if len(values) > 1:
            short = [value.partition(HASH)[0] for value in values]
            found[name] = short if len(set(short)) == len(values) else values
    return found


def told_apart_by(own: Conditions, several: Iterable[Conditions]) -> str:
    """`recipe lamm/classic`: those conditions of one table that others do not share; empty where all are alike."""
    tables, mine = list(several), dict(own)
    said = []
    for name, values in differing(tables).items():
        value = mine.get(name, ABSENT.get(name, "unknown"))
        said.append(f"{name} {next(each for each in values if each == value or each == value.partition(HASH)[0])}")
    return ", ".join(said)
