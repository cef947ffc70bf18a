"""What is kept of many workers beside what they answered: on what they have computed, and which answers two of them gave otherwise.

Only who asks with several workers (spread/fleet.py) tells any of it; of other adapters nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamm_bench.keep.files import read_json
from lamm_bench.types import Adapter

ALARMS, WORKERS = "alarms.json", "workers.json"
FEW = 6  # so many samples are named
Save = Callable[[str, Any], None]  # writes a file of the folder


def at_once(adapter: Adapter, keep: Callable[[], None], anew: bool = False) -> None:
    """`keep` is called when a worker of other versions, or another answer, has come: the process may be killed before its end. `anew`:
    what is told from now on is of another run."""
    if callable(attended := getattr(adapter, "attended", None)):
        attended(keep, anew)


def keep(folder: Path, save: Save, adapter: Adapter) -> None:
    """Both, in files of their own."""
    if callable(told := getattr(adapter, "workers_told", None)):
        before = listed(folder / WORKERS)
        if (now := mixed(before, told())) != before:
            save(WORKERS, now)
    keep_alarms(folder, save, adapter)


def keep_alarms(folder: Path, save: Save, adapter: Adapter) -> None:
    """Adds the answers that have come since the last call."""
    if callable(taken := getattr(adapter, "alarms", None)) and (found := taken()):
        save(ALARMS, [*alarms(folder), *found])


def mixed(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The workers that there are now, and those of other versions that were there when it was asked before: their answers still are.

    >>> mixed([{"count": 2}, {"count": 1, "versions": {"pillow": "1"}}], [{"count": 3}])
    [{'count': 3}, {'count': 1, 'versions': {'pillow': '1'}}]
    """
    there = [kind.get("versions") for kind in now]
    return [*now, *(kind for kind in before if kind.get("versions") not in [None, *there])]


def alarms(folder: Path) -> list[dict[str, Any]]:
    """All that were ever kept there: `request` (its hash, as in the records), `sample`, and the two answers, `kept` and `other`."""
    return listed(folder / ALARMS)


def listed(path: Path) -> list[dict[str, Any]]:
    """The objects of a list in a file; none where it is not there."""
    found = read_json(path) if path.is_file() else []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def alarm(folder: Path, within: str = "") -> str:
    """What a user is told of the answers that differ; empty where none does. `within` is the folder, where that needs to be said."""
    return sentence(alarms(folder), f"{within}{ALARMS}")


def sentence(found: Sequence[Mapping[str, Any]], place: str = ALARMS) -> str:
    """
    >>> sentence([{"request": "1", "sample": "a"}, {"request": "1", "sample": "a"}])
    'ALARM: 1 answer was another one when another worker was asked (a; both in alarms.json): the model does not give the same answer twice, or a worker answers wrongly'
    """
    names = {str(one.get("request")): str(one.get("sample") or one.get("request")) for one in found}
    if not names:
        return ""
    more = len(names) - FEW
    named = ", ".join(list(names.values())[:FEW]) + (f" and {more} others" if more > 0 else "")
    were = "1 answer was another one" if len(names) == 1 else f"{len(names)} answers were others"
    why = "the model does not give the same answer twice, or a worker answers wrongly"
    return f"ALARM: {were} when another worker was asked ({named}; both in {place}): {why}"


def strangers(folder: Path, within: str = "") -> str:
    """What a user is told of workers with other versions; empty where there was none."""
    there = any("versions" in kind for kind in listed(folder / WORKERS))
    return f"workers of other versions have answered, too; which, stands in {within}{WORKERS}" if there else ""
