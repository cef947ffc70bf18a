"""Shares of groups of answers that are all right: the rows of a circular question, the two questions of a picture, an example's four.

A group's samples share a cluster (their picture), so its share has an interval like any other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from lamm_bench.measure.stats import estimates, ratio
from lamm_bench.types import Estimate, Metric, Row


def gathered(rows: Sequence[Row], key: Callable[[Row], Hashable]) -> dict[Hashable, list[Row]]:
    """Rows by what `key` says of them, first seen first."""
    found: dict[Hashable, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def share(
    name: str, groups: Sequence[Sequence[Row]], right: Callable[[Sequence[Row]], bool], note: str = ""
) -> dict[str, Estimate]:
    """The percentage of groups that are `right`, clustered by the picture of their first row."""
    rows = [Row(group[0].sample, "ok", None, None, {"groups": 1.0, "right": float(right(group))}) for group in groups]
    (estimate,) = estimates((Metric(name, ratio("right", "groups"), n="groups"),), rows).values()
    return {name: noted(estimate, note)}


def whole_groups(groups: Sequence[Sequence[Row]]) -> tuple[list[Sequence[Row]], str]:
    """The groups of which every sample of the file (`meta["of"]` many) is there, and a note on those that are left out."""
    there = [group for group in groups if len(group) >= group[0].sample.meta["of"]]
    lost = len(groups) - len(there)
    return there, f"{lost} of {len(groups)} groups left out: not all of their answers are there" if lost else ""


def all_right(group: Sequence[Row]) -> bool:
    return all(row.stats["right"] for row in group)


def noted(estimate: Estimate, note: str) -> Estimate:
    if not note:
        return estimate
    return Estimate(
        estimate.value, estimate.ci95, estimate.n, estimate.unit, estimate.better, estimate.clusters, estimate.bounds, note
    )
