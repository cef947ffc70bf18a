"""Results to leaderboard: published figures and local runs, compared only like with like.

Two figures are ranked together when protocol, data (the digest of what was asked, or a paper's own words for it), task and
metric are the same, and never otherwise. Ranks are intervals: a model's best place counts those whose 95 % interval lies
wholly on the better side of its own, its worst place those that lie wholly on the worse side. Papers give no intervals; their
figures are taken as points. References (oracle, chance, majority, controls, other prints of a figure) are shown, not ranked."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lamm_bench.ask.catalog import ORDER
from lamm_bench.errors import unknown

from .board import Board, Group, Ranked, Summary
from .figures import Entry

PROTOCOLS = ("standard", "classic", "chef")


def leaderboard(
    results: Sequence[Entry], tasks: Sequence[str] = (), protocols: Sequence[str] = (), warnings: Sequence[str] = ()
) -> Board:
    """Groups and ranks `results`; `tasks` and `protocols` keep only those. Raises `BenchError` for a name that no result has."""
    for kind, wanted, known in (
        ("task with results", tasks, {entry.task for entry in results}),
        ("protocol with results", protocols, {entry.protocol for entry in results if entry.metric}),
    ):
        for name in wanted:
            if name not in known:
                raise unknown(kind, name, known)
    results = spread_gaps(results)
    kept = [e for e in results if (not tasks or e.task in tasks) and (not protocols or e.protocol in protocols)]
    found: dict[tuple[str, str, str, str, str], list[Entry]] = {}
    for entry in told_apart(kept):
        found.setdefault(entry.group, []).append(entry)
    groups = tuple(
        Group(protocol, data, digest, task, metric, rank(entries))
        for (protocol, data, digest, task, metric), entries in found.items()
    )
    return Board(groups, summarise(groups), tuple(warnings))


def spread_gaps(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, with those of tasks that a run skipped or lost put into every group that others have for the task."""
    headlines = {entry.group: entry for entry in entries if entry.metric and entry.headline and not entry.published}
    result = [entry for entry in entries if entry.metric]
    for gap in (entry for entry in entries if not entry.metric):
        for other in headlines.values():
            if (other.data, other.task) == (gap.data, gap.task):
                gap = replace(gap, protocol=other.protocol, metric=other.metric, digest=other.digest)
                result.append(replace(gap, unit=other.unit, better=other.better))
    return result


def told_apart(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, with the run's folder behind the names of models that would stand twice in one group."""
    times = Counter((entry.group, entry.model) for entry in entries)
    twice = {(e.protocol, e.data, e.model) for e in entries if times[e.group, e.model] > 1}
    return [
        replace(e, model=f"{e.model} @ {Path(e.source).name or e.source}") if (e.protocol, e.data, e.model) in twice else e
        for e in entries
    ]


def spread(entry: Entry) -> tuple[float, float]:
    """The interval as (worse end, better end) on a scale where higher is better."""
    assert entry.value is not None
    low, high = entry.ci95 or (entry.value, entry.value)
    return (low, high) if entry.better == "higher" else (-high, -low)


def rank(entries: Sequence[Entry]) -> tuple[Ranked, ...]:
    """Best value first, each with its interval of places; then what has no value; then the baselines."""
    ranked = [e for e in entries if e.value is not None and not e.reference]
    spreads = [spread(e) for e in ranked]
    lows, highs = sorted(low for low, _ in spreads), sorted(high for _, high in spreads)
    rows = []
    for entry, (worst, best) in zip(ranked, spreads):
        first = 1 + len(lows) - bisect_right(lows, best)  # behind all whose worse end is beyond this one's better end
        last = len(ranked) - bisect_left(highs, worst)
        rows.append(Ranked(entry, (first, last)))
    rows.sort(key=lambda row: (-value_of(row.entry), row.entry.model))
    failed = sorted((e for e in entries if e.value is None and not e.reference), key=lambda e: e.model)
    baselines = sorted((e for e in entries if e.reference), key=lambda e: (-value_of(e), e.model))
    return (*rows, *(Ranked(e, None) for e in (*failed, *baselines)))


def value_of(entry: Entry) -> float:
    """The value on a scale where higher is better."""
    if entry.value is None:
        return -math.inf
    return entry.value if entry.better == "higher" else -entry.value


def summarise(groups: Sequence[Group]) -> tuple[Summary, ...]:
    """One table for each protocol and data set: local runs before published figures, then by protocol, the widest first.

    A task that nobody has a figure of is no column, and data without any such task no table. Columns stand in the catalogue's order of tasks."""
    tables: dict[tuple[str, str, bool], list[Group]] = {}
    order = {task: number for number, task in enumerate(ORDER)}
    for group in sorted(groups, key=lambda group: order.get(group.task, len(order))):
        if group.headline and not group.empty:
            tables.setdefault((group.protocol, group.data, group.rows[0].entry.published), []).append(group)
    summaries = [summary(*key, columns) for key, columns in tables.items()]
    place = {protocol: number for number, protocol in enumerate(PROTOCOLS)}
    return tuple(sorted(summaries, key=lambda t: (t.published, place.get(t.protocol, len(place)), -len(t.columns))))


def summary(protocol: str, data: str, published: bool, columns: Sequence[Group]) -> Summary:
    """Mean places over the tasks that every ranked model was asked; a failed task counts as the last place."""
    models: dict[str, bool] = {}
    places: dict[str, dict[int, float]] = {}  # by column; a column itself is slow to hash
    for number, column in enumerate(columns):
        asked = [row for row in column.rows if not row.entry.reference and row.entry.status != "skipped"]
        for row in column.rows:
            models[row.entry.model] = row.entry.reference
        if any(row.places for row in asked):
            for row in asked:
                places.setdefault(row.entry.model, {})[number] = sum(row.places) / 2 if row.places else float(len(asked))
    shared = set.intersection(*(set(of) for of in places.values())) if places else set()
    means = {model: sum(of[column] for column in shared) / len(shared) for model, of in places.items()} if shared else {}
    order = sorted(models, key=lambda model: (models[model], means.get(model, math.inf), model))
    return Summary(protocol, data, published, tuple(columns), tuple(order), means, len(shared))
