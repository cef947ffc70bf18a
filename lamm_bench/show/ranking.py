"""Results to leaderboard: published figures and local runs, compared only like with like.

Two figures are ranked together when protocol, data (the digest of what was asked, or a paper's own words for it), task, metric and the
conditions of asking (recipe, convention of places, examples, readers, decoders) are the same, and never otherwise. Places are intervals
that hold all true places of a table together (measure/ranks.py), from paired tests where runs kept what their scores are made of, and never
from the overlap of intervals. Papers give no intervals; their figures are taken as points, and ranked by value. References (oracle, chance,
majority, controls, corruptions, other prints of a figure) are shown, not ranked."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lamm_bench.ask.catalog import ORDER
from lamm_bench.errors import unknown
from lamm_bench.measure.ranks import rank_sets, shown_better

from .board import Board, Group, Ranked, Summary
from .conditions import Conditions, differing, told_apart_by
from .figures import Entry
from .macro import Shared
from .paired import Test, unpaired

PROTOCOLS = ("standard", "classic", "chef")


def leaderboard(
    results: Sequence[Entry],
    tasks: Sequence[str] = (),
    protocols: Sequence[str] = (),
    warnings: Sequence[str] = (),
    test: Test = unpaired,
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
    found: dict[tuple[str, str, str, str, str, Conditions], list[Entry]] = {}
    for entry in told_apart(kept):
        found.setdefault(entry.group, []).append(entry)
    sides: dict[tuple[str, str], dict[Conditions, None]] = {}  # an ordered set
    for protocol, data, *_, asked in found:
        sides.setdefault((protocol, data), {})[asked] = None
    groups = tuple(
        Group(protocol, data, digest, task, metric, rank(entries, test), asked, told_apart_by(asked, sides[protocol, data]))
        for (protocol, data, digest, task, metric, asked), entries in found.items()
    )
    reasons = (*why_apart(sides), *other_items(groups))
    return Board(groups, summarise(groups), tuple(warnings), reasons)


def why_apart(sides: Mapping[tuple[str, str], Iterable[Conditions]]) -> list[str]:
    """One sentence for each reason why figures of the same protocol and data stand in several tables."""
    found: dict[str, list[str]] = {}
    for (protocol, data), several in sides.items():
        reasons = [f"{name} differs ({' | '.join(values)})" for name, values in differing(several).items()]
        if reasons:
            found.setdefault("; ".join(reasons), []).append(f"{protocol} \u00b7 {data}")
    return [f"not ranked together ({', '.join(tables)}): {reason}" for reason, tables in found.items()]


def other_items(groups: Sequence[Group]) -> list[str]:
    """One sentence for each set of tasks of which runs of one table were asked other items (`--limit`, `--seed`, other files)."""
    digests: dict[tuple[str, str, Conditions], dict[str, dict[str, int]]] = {}
    for group in groups:
        if group.headline and not group.empty and group.digest:
            of = digests.setdefault((group.protocol, group.data, group.conditions), {}).setdefault(group.task, {})
            of[group.digest[:6]] = max(row.entry.expected for row in group.rows)
    found: dict[str, list[str]] = {}
    for (protocol, data, _), tasks in digests.items():
        told = [
            f"{task} ({' | '.join(f'{count} [{digest}]' for digest, count in several.items())})"
            for task, several in tasks.items()
            if len(several) > 1
        ]
        if told:
            rest = f" and {len(told) - 1} more task{'s' if len(told) > 2 else ''}" if len(told) > 1 else ""
            found.setdefault(told[0] + rest, []).append(f"{protocol} \u00b7 {data}")
    return [f"not ranked together ({', '.join(tables)}): other items were asked of {told}" for told, tables in found.items()]


def spread_gaps(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, with those of tasks that a run skipped or lost put into every group that others have for the task."""
    headlines = {entry.group: entry for entry in entries if entry.metric and entry.headline and not entry.published}
    result = [entry for entry in entries if entry.metric]
    for gap in (entry for entry in entries if not entry.metric):
        for other in headlines.values():
            if (other.data, other.task) == (gap.data, gap.task):
                gap = replace(gap, protocol=other.protocol, metric=other.metric, digest=other.digest)
                if gap.asked == other.asked:
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


def rank(entries: Sequence[Entry], test: Test = unpaired) -> tuple[Ranked, ...]:
    """Best value first, each with its interval of places; then what has no value; then the baselines."""
    ranked = sorted(
        (e for e in entries if e.value is not None and not e.reference), key=lambda e: (-value_of(e), e.model, e.source)
    )
    p = np.ones((len(ranked), len(ranked)))
    for number, entry in enumerate(ranked):
        for other in range(number):
            p[number, other] = p[other, number] = test(ranked[other], entry)
    rows = [Ranked(entry, places) for entry, places in zip(ranked, rank_sets(shown_better([value_of(e) for e in ranked], p)))]
    failed = sorted((e for e in entries if e.value is None and not e.reference), key=lambda e: e.model)
    baselines = sorted((e for e in entries if e.reference), key=lambda e: (-value_of(e), e.model))
    return (*rows, *(Ranked(e, None) for e in (*failed, *baselines)))


def value_of(entry: Entry) -> float:
    """The value on a scale where higher is better."""
    if entry.value is None:
        return -math.inf
    return entry.value if entry.better == "higher" else -entry.value


def summarise(groups: Sequence[Group]) -> tuple[Summary, ...]:
    """One table for each protocol, data set and way of asking: local runs before published figures, then by protocol, the widest first.

    A task that nobody has a figure of is no column, and data without any such task no table. Columns stand in the catalogue's order of tasks."""
    tables: dict[tuple[str, str, bool, Conditions], list[Group]] = {}
    order = {task: number for number, task in enumerate(ORDER)}
    for group in sorted(groups, key=lambda group: order.get(group.task, len(order))):
        if group.headline and not group.empty:
            key = (group.protocol, group.data, group.rows[0].entry.published, group.conditions)
            tables.setdefault(key, []).append(group)
    summaries = [summary(*key[:3], columns) for key, columns in tables.items()]
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
    ranked = [model for model in order if not models[model] and model in places]
    above = Shared.of(columns, ranked).means(order)
    return Summary(protocol, data, published, tuple(columns), tuple(order), means, len(shared), columns[0].apart, above)
