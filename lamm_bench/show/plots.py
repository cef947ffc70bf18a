"""Figures of runs: a forest of intervals, a radar of tasks, a curve over samples or seeds. SVG and PNG of one drawing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi, sin

from lamm_bench.errors import BenchError

from .drawing import Drawing, Point
from .figures import Entry

COLOURS = ("#0b6fa4", "#c8502d", "#3f8f3a", "#7a4fa3", "#b8860b", "#a23b72", "#4f6d7a", "#8c564b")
GRID, GREY = "#e2e2e2", "#6f6f6f"
LEFT, RIGHT, TOP = 190, 40, 54
ROW, BETWEEN = 18, 14  # heights of a run's line, and between tasks
SPAN = 520
BESIDE = 5  # between two lines of a curve, so that no interval hides another


def percents(entries: Sequence[Entry]) -> list[Entry]:
    """Those on an axis from 0 to 100. Raises `BenchError` where there are none."""
    found = [entry for entry in entries if entry.value is not None and entry.unit == "percent" and entry.better == "higher"]
    if not found:
        raise BenchError("nothing to draw: none of these runs has a headline in percent under this protocol")
    return found


def names_of(entries: Sequence[Entry]) -> list[str]:
    return list(dict.fromkeys(entry.model for entry in entries))


def colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def forest(entries: Sequence[Entry], title: str) -> Drawing:
    """For each task a line for each run: its score as a dot, its 95 % interval as a bar, chance as a tick."""
    found = percents(entries)
    tasks, models = list(dict.fromkeys(entry.task for entry in found)), names_of(found)
    height = TOP + sum(len([e for e in found if e.task == task]) * ROW + BETWEEN for task in tasks) + 30
    drawing = Drawing(LEFT + SPAN + RIGHT, height + 18 * len(models) + 16, told(title, found))
    drawing.words((16, 22), title, size=14, bold=True)

    def x(value: float) -> float:
        return LEFT + SPAN * value / 100

    for tick in range(0, 101, 20):
        drawing.line([(x(tick), TOP - 8), (x(tick), height - 26)], GRID)
        drawing.words((x(tick), height - 14), str(tick), size=10, fill=GREY, anchor="middle")
    y, named = float(TOP), False
    for task in tasks:
        own = [entry for entry in found if entry.task == task]
        drawing.words((LEFT - 10, y + (len(own) - 1) * ROW / 2), f"{task}, {own[0].metric}", size=11, anchor="end")
        if own[0].chance is not None:
            drawing.line([(x(own[0].chance), y - 8), (x(own[0].chance), y + (len(own) - 1) * ROW + 8)], GREY, 1.2)
            if not named:
                drawing.words((x(own[0].chance), y - 16), "chance", size=10, fill=GREY, anchor="middle")
            named = True
        for entry in own:
            assert entry.value is not None
            paint = colour(models.index(entry.model))
            if entry.ci95:
                drawing.line([(x(max(entry.ci95[0], 0)), y), (x(min(entry.ci95[1], 100)), y)], paint, 2)
            drawing.dot((x(entry.value), y), 4, paint)
            y += ROW
        y += BETWEEN
    legend(drawing, models, height)
    return drawing


def legend(drawing: Drawing, models: Sequence[str], top: float, left: float = 24) -> None:
    for number, model in enumerate(models):
        drawing.dot((left, top + 8 + 18 * number), 5, colour(number))
        drawing.words((left + 12, top + 8 + 18 * number), model, size=12)


def told(title: str, entries: Sequence[Entry]) -> str:
    """What those are told who do not see it."""
    return f"{title}. " + "; ".join(f"{e.model} {e.task} {e.value:.1f}" for e in entries if e.value is not None)


def radar(entries: Sequence[Entry], title: str) -> Drawing:
    """A spoke for each task that every run has, from 0 to 100. Raises `BenchError` for fewer than three."""
    found = percents(entries)
    models = names_of(found)
    values = {(entry.model, entry.task): entry.value for entry in found}
    tasks = [t for t in dict.fromkeys(entry.task for entry in found) if all((model, t) in values for model in models)]
    if len(tasks) < 3:
        raise BenchError(f"a radar needs three tasks in percent that every run has; these share {len(tasks)}: use --kind forest")
    drawing = Drawing(620, 520 + 18 * len(models), told(title, found))
    drawing.words((16, 22), title, size=14, bold=True)
    centre, radius = (310.0, 270.0), 180.0

    def at(number: int, share: float) -> Point:
        angle = -pi / 2 + 2 * pi * number / len(tasks)
        return centre[0] + radius * share * cos(angle), centre[1] + radius * share * sin(angle)

    for ring in (25, 50, 75, 100):
        drawing.area([at(number, ring / 100) for number in range(len(tasks))], line=GRID)
        drawing.words((centre[0] + 4, at(0, ring / 100)[1] + 7), str(ring), size=9, fill=GREY)
    for number, task in enumerate(tasks):
        drawing.line([centre, at(number, 1)], GRID)
        x, y = at(number, 1.09)
        anchor = "middle" if abs(x - centre[0]) < 12 else "start" if x > centre[0] else "end"
        drawing.words((x, y), task, size=12, anchor=anchor)
    for place, model in enumerate(models):
        points = [at(number, max(values[model, task] or 0.0, 0.0) / 100) for number, task in enumerate(tasks)]
        drawing.area(points, fill=colour(place), opacity=0.08, line=colour(place), width=2)
        for point in points:
            drawing.dot(point, 3, colour(place))
    legend(drawing, models, 496)
    return drawing


LIMITS = {"samples": "limit"}  # what a curve is over, and the option of `run` that moves it


def curve(points: Sequence[tuple[float, Entry]], over: str, title: str) -> Drawing:
    """For each model and task a line over samples or seeds, every run a dot with its interval. Raises `BenchError` for a single place."""
    drawn = percents([entry for _, entry in points])
    found = [(place, entry) for place, entry in points if entry in drawn]
    places = sorted({place for place, _ in found})
    if len(places) < 2:
        raise BenchError(
            f"a curve over {over} needs runs that differ in it (--{LIMITS.get(over, over)}); all of these have {places[0]:g}"
        )
    several = len({model_of(entry) for _, entry in found}) > 1
    lines = list(dict.fromkeys(line_of(entry, several) for _, entry in found))
    drawing = Drawing(LEFT + SPAN, TOP + 364 + 18 * len(lines), told(title, [entry for _, entry in found]))
    drawing.words((16, 22), title, size=14, bold=True)
    left, low, high = 70.0, places[0], places[-1]

    def at(place: float, value: float, aside: float = 0.0) -> Point:
        return left + (SPAN + 80) * (place - low) / (high - low) + aside, TOP + 300 * (1 - value / 100)

    for tick in range(0, 101, 20):
        drawing.line([at(low, tick), at(high, tick)], GRID)
        drawing.words((left - 10, at(low, tick)[1]), str(tick), size=10, fill=GREY, anchor="end")
    for place in places:
        drawing.words((at(place, 0)[0], TOP + 314), f"{place:g}", size=10, fill=GREY, anchor="middle")
    drawing.words((at((low + high) / 2, 0)[0], TOP + 330), over, size=11, fill=GREY, anchor="middle")
    for number, name in enumerate(lines):
        aside = BESIDE * (number - (len(lines) - 1) / 2)
        own = sorted(
            ((place, e) for place, e in found if line_of(e, several) == name), key=lambda pair: (pair[0], pair[1].source)
        )
        drawing.line([at(place, e.value or 0.0, aside) for place, e in own], colour(number), 1.5)
        for place, e in own:
            if e.ci95:
                drawing.line([at(place, max(e.ci95[0], 0), aside), at(place, min(e.ci95[1], 100), aside)], colour(number), 1.2)
            drawing.dot(at(place, e.value or 0.0, aside), 4, colour(number))
    legend(drawing, lines, TOP + 346)
    return drawing


def model_of(entry: Entry) -> str:
    """Without the folder that tells two runs of a model apart."""
    return entry.model.partition(" @ ")[0]


def line_of(entry: Entry, several: bool) -> str:
    return f"{model_of(entry)}: {entry.task}" if several else entry.task


KINDS: dict[str, Callable[[Sequence[Entry], str], Drawing]] = {"forest": forest, "radar": radar}
