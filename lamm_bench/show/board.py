"""The leaderboard as data, below whatever ranks and prints it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .conditions import Conditions
from .figures import Entry


@dataclass(frozen=True)
class Ranked:
    """An entry and its places, 1 the best; None when it is not ranked."""

    entry: Entry
    places: tuple[int, int] | None


@dataclass(frozen=True)
class Group:
    """Figures that may be compared, best first; then what failed; then the baselines."""

    protocol: str
    data: str
    digest: str
    task: str
    metric: str
    rows: tuple[Ranked, ...]
    conditions: Conditions = ()
    apart: str = ""  # by what of these it differs from other groups of the same protocol and data: `recipe lamm/classic`

    @cached_property
    def by_model(self) -> dict[str, Ranked]:
        """The first row of each model."""
        return {row.entry.model: row for row in reversed(self.rows)}

    @property
    def headline(self) -> bool:
        return any(row.entry.headline for row in self.rows)

    @property
    def empty(self) -> bool:
        """Whether nobody has a figure; CSV and JSON list such a group, tables leave it out."""
        return all(row.entry.value is None for row in self.rows)


@dataclass(frozen=True)
class Macro:
    """Scores above chance, meant over tasks."""

    value: float
    ci95: tuple[float, float] | None
    tasks: int


@dataclass(frozen=True)
class Summary:
    """One table: the models of a protocol and data set as rows, its headlines as columns."""

    protocol: str
    data: str
    published: bool
    columns: tuple[Group, ...]
    models: tuple[str, ...]  # best mean rank first, baselines last
    mean_ranks: Mapping[str, float]  # only of models that were asked every shared task
    shared: int  # tasks that every ranked model was asked; the mean is over these
    apart: str = ""  # as of its groups
    macro: Mapping[str, Macro] = field(
        default_factory=dict
    )  # of models with a figure above chance in all that the ranked ones have

    def cell(self, model: str, column: Group) -> Ranked | None:
        return column.by_model.get(model)


@dataclass(frozen=True)
class Board:
    groups: tuple[Group, ...]
    summaries: tuple[Summary, ...]
    warnings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()  # why figures of the same protocol and data are not ranked together
