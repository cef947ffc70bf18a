"""What all workers together have used, and on what they have computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from lamm_bench.keep.files import canonical


def added(total: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Two accounts as one: numbers are added, of other values the first stays.

    >>> added({"calls": 1, "by": {"a": 1}}, {"calls": 2, "by": {"b": 1}, "currency": "EUR"})
    {'calls': 3, 'by': {'a': 1, 'b': 1}, 'currency': 'EUR'}
    """
    found = dict(total)
    for key, value in more.items():
        if isinstance(value, Mapping):
            found[key] = added(found.get(key, {}), value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[key] = found.get(key, 0) + value
        else:
            found.setdefault(key, value)
    return found


def told_of(hellos: Iterable[Mapping[str, Any]], ours: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """On what workers have computed, for the manifest: how many of each kind, and their versions where these are not the driver's."""
    kinds: dict[str, dict[str, Any]] = {}
    times: Counter[str] = Counter()
    for hello in hellos:
        versions = {} if hello["versions"] == ours else {"versions": hello["versions"]}
        kind = {"hardware": hello["hardware"], **versions}
        kinds[canonical(kind)] = kind
        times[canonical(kind)] += 1
    return [{"count": times[key], **kinds[key]} for key in sorted(kinds)]
