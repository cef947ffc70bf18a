"""What many samples say together, for the page's charts: counts and means, each with the number of samples behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamm_bench.measure import calibration

from .gather import Opinion, Seen, TaskSeen, classes_of, said_classes

CLASSES = 24  # shown of a confusion matrix: the most frequent ones
MEANS = 60  # classes of which means are shown
BINS = 20  # of a histogram of values
FEWEST = 10  # samples below which a chart says nothing
MOST_FOR_INTERVAL = 20_000  # answers above which the bootstrap of a calibration error takes too long for a page
UNREAD, SEVERAL, OTHERS = "(unread)", "(several)", "(others)"
AREAS = ((0.01, "below 1 %"), (0.05, "1 to 5 %"), (0.2, "5 to 20 %"), (math.inf, "20 % and more"))  # of the picture
VOLUMES = ((0.1, "below 0.1 m³"), (0.5, "0.1 to 0.5 m³"), (2.0, "0.5 to 2 m³"), (math.inf, "2 m³ and more"))
COUNTS = ((1, "0"), (2, "1"), (4, "2 to 3"), (8, "4 to 7"), (16, "8 to 15"), (32, "16 to 31"), (math.inf, "32 and more"))


def figures_of(task: TaskSeen, place: int) -> dict[str, Any]:
    """The charts of one run about one task; those that have nothing to say are left out."""
    rows = [(one, one.said[place]) for one in task.seen if place in one.said]
    rows = [(one, own) for one, own in rows if own.value is not None and own.answer is not None]
    if len(rows) < FEWEST:
        return {}
    found = {
        "confusion": confusion(rows),
        "by_class": means((name, own.value) for one, own in rows for name in classes_of(one)),
        "by_size": means(((sized(one), own.value) for one, own in rows), [name for _, name in (*AREAS, *VOLUMES)]),
        "by_count": means(((counted(one), own.value) for one, own in rows), [name for _, name in COUNTS]),
        "histogram": histogram(task, rows),
        "reliability": reliability(rows),
    }
    return {name: value for name, value in found.items() if value}


def confusion(rows: Sequence[tuple[Seen, Opinion]]) -> dict[str, Any] | None:
    """True class by row, class read by column, where samples have one true class each; counts of samples."""
    pairs = []
    for _, own in rows:
        true = own.values.get("expected")
        if not isinstance(true, str):
            return None
        said = said_classes(own) if own.status == "ok" else []
        pairs.append((true, said[0] if len(said) == 1 else SEVERAL if said else UNREAD))
    often: dict[str, int] = {}
    for true, _ in pairs:
        often[true] = often.get(true, 0) + 1
    kept = sorted(sorted(often), key=lambda name: -often[name])[:CLASSES]
    if len(often) < 2:
        return None
    known = set(kept)
    true = [one if one in known else OTHERS for one, _ in pairs]
    said = [one if one in known or one in (UNREAD, SEVERAL) else OTHERS for _, one in pairs]
    labels = sorted(kept) + [name for name in (OTHERS, SEVERAL, UNREAD) if name in {*true, *said}]
    at = {name: number for number, name in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(matrix, ([at[name] for name in true], [at[name] for name in said]), 1)
    there = [number for number, name in enumerate(labels) if name not in (SEVERAL, UNREAD)]
    return {"rows": [labels[number] for number in there], "columns": labels, "counts": matrix[there].tolist()}


def means(pairs: Any, order: Sequence[str] = ()) -> list[list[Any]]:
    """Name, mean of the values and their number: for the names of `order` that there are, else for the most frequent ones by name."""
    found: dict[str, list[float]] = {}
    for name, value in pairs:
        if name is not None:
            found.setdefault(name, []).append(float(value))
    often = sorted(sorted(found, key=lambda name: (-len(found[name]), name))[:MEANS])  # by name, so that two runs stand alike
    names = [name for name in order if name in found] if order else often
    return [[name, float(np.mean(found[name])), len(found[name])] for name in names] if len(names) > 1 else []


def sized(one: Seen) -> str | None:
    """How large the things asked for are, on average: a share of the picture, or cubic metres."""
    boxes = [shape.numbers for shape in one.shapes if len(shape.numbers) in (4, 6)]
    if not boxes:
        return None
    flat = len(boxes[0]) == 4
    sizes = [abs((b[2] - b[0]) * (b[3] - b[1])) if len(b) == 4 else abs(b[3] * b[4] * b[5]) for b in boxes]
    mean = float(np.mean(sizes))
    return next(name for most, name in (AREAS if flat else VOLUMES) if mean < most or most == math.inf)


def counted(one: Seen) -> str | None:
    """How many things there are: the number expected, else the places that are right."""
    number: float = len(one.shapes)
    for own in one.said.values():
        expected = own.values.get("expected")
        if isinstance(expected, int | float) and not isinstance(expected, bool):
            number = expected
        elif isinstance(expected, str):
            return None
    return next(name for most, name in COUNTS if number < most) if number == number and (number or not one.shapes) else None


def histogram(task: TaskSeen, rows: Sequence[tuple[Seen, Opinion]]) -> dict[str, Any] | None:
    """How the samples' values are spread; nothing where they are right or wrong only."""
    values = np.array([own.value for _, own in rows if own.value is not None and math.isfinite(own.value)])
    if len(values) < FEWEST or len(np.unique(values)) < 3:
        return None
    low = 0.0 if values.min() >= 0 else float(values.min())
    high = 1.0 if task.share else 100.0 if task.unit == "percent" else float(values.max())
    counts, edges = np.histogram(values, bins=BINS, range=(low, max(high, low + 1e-9)))
    return {"counts": counts.tolist(), "edges": [float(edge) for edge in edges]}


def reliability(rows: Sequence[tuple[Seen, Opinion]]) -> dict[str, Any] | None:
    """How sure answers are and how often they are right, where options were weighed (measure/calibration.py)."""
    told = [(own.values.get("prob"), own.value, one.sample.group) for one, own in rows]
    sure = [(prob, value, group) for prob, value, group in told if isinstance(prob, float) and value in (0, 1)]
    if len(sure) < FEWEST:
        return None
    confidence, right = (np.array([one[place] for one in sure], dtype=np.float64) for place in (0, 1))
    bins = calibration.bins_of(confidence, right)
    clusters = np.array([group for _, _, group in sure])
    ends = calibration.interval(confidence, right, clusters) if len(sure) <= MOST_FOR_INTERVAL else None
    return {
        "bins": [[each.n, each.confidence, each.accuracy] for each in bins],
        "ece": calibration.expected_error(bins),
        "ci95": list(ends) if ends else None,
        "n": len(sure),
    }
