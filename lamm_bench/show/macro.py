"""Scores of many tasks as one: above chance, and meant over the tasks that every ranked model has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lamm_bench.measure.intervals import student

from .board import Group, Macro
from .figures import Entry


def above_chance(entry: Entry) -> float | None:
    """100 x (score - chance) / (perfect - chance): 0 for guessing, 100 for no mistake, below 0 where guessing is better. Perfect is 100 of
    what is in percent, and 0 of an error. None where chance or what is perfect is not known.

    >>> base = Entry("a", "standard", "d", "t", "accuracy", 62.5, chance=25.0)
    >>> above_chance(base), above_chance(Entry("a", "standard", "d", "t", "MAE", 3.0, "count", "lower", chance=12.0))
    (50.0, 75.0)
    """
    if entry.value is None or entry.chance is None or (entry.better == "higher" and entry.unit != "percent"):
        return None
    perfect = 100.0 if entry.better == "higher" else 0.0
    room = perfect - entry.chance
    return 100 * (entry.value - entry.chance) / room if abs(room) > 1e-9 else None


def macro(values: Sequence[float]) -> Macro:
    """The mean over tasks, with the interval that the jackknife over tasks gives (Student's t with one less than there are): how far it
    would move with other tasks of the kind.

    >>> macro([50.0, 75.0, 100.0]).value, [round(end, 1) for end in macro([50.0, 75.0, 100.0]).ci95]
    (75.0, [12.9, 100.0])
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Macro(mean, None, len(values))
    half = student(0.975, len(values) - 1.0) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return Macro(mean, (mean - half, min(mean + half, 100.0)), len(values))


@dataclass(frozen=True)
class Shared:
    """The columns of a table in which every ranked model has a figure above chance."""

    columns: tuple[Group, ...]

    @classmethod
    def of(cls, columns: Sequence[Group], ranked: Sequence[str]) -> Shared:
        return cls(tuple(c for c in columns if ranked and all(figure(c, model) is not None for model in ranked)))

    def means(self, models: Sequence[str]) -> Mapping[str, Macro]:
        """Of each model that has them all."""
        found = {}
        for model in models if self.columns else ():
            values = [figure(column, model) for column in self.columns]
            if all(value is not None for value in values):
                found[model] = macro([value for value in values if value is not None])
        return found


def figure(column: Group, model: str) -> float | None:
    row = column.by_model.get(model)
    return above_chance(row.entry) if row is not None else None
