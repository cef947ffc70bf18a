"""What stands below a task's headline where there is room: its figures by category, and those over groups that are right together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamm_bench.declared.scorer import SIGN, TOGETHER

FEW = 8  # categories that are shown unasked
LONGEST = 32  # characters of a category's name in a table


def by_category(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The headline's figures by category, under the categories' names.

    >>> by_category({"accuracy": 1, "accuracy/cats": 2, "acc+": 3})
    {'cats': 2}
    """
    first = next((name for name in metrics if SIGN in name), "").partition(SIGN)[0]
    mark = f"{first}{SIGN}"
    return {name.removeprefix(mark): each for name, each in metrics.items() if first and name.startswith(mark)}


def over_groups(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The shares of groups of which every answer is right; `Estimate`s, or as `result.json` has them."""
    return {name: each for name, each in metrics.items() if note(each).startswith(TOGETHER)}


def note(estimate: Any) -> str:
    return str(estimate.get("note", "") if isinstance(estimate, Mapping) else estimate.note)


def below(metrics: Mapping[str, Any], every: bool) -> tuple[dict[str, Any], int]:
    """What stands below a task's row, and how many categories are left out because nobody asked for so many."""
    by = by_category(metrics)
    few = every or len(by) <= FEW
    return {**over_groups(metrics), **(by if few else {})}, 0 if few else len(by)


def short(name: str) -> str:
    """A category's name for a table."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
