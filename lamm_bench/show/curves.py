"""Curves of robustness as an SVG: one panel for each corruption, a line for each task, with its interval, over severities."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from lamm_bench.ask.robust import Cell, Curves

COLUMNS = 4
PANEL, GAP = (210, 140), (30, 46)  # pixels: of a panel's field, and of what is free beside and above it
LEFT, TOP = 44, 58
MIDDLE = 2.5  # where a corruption without severities stands
COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#762a83", "#b35806", "#35978f", "#636363")
STYLE = (
    "text{font:11px sans-serif;fill:#333}.t{font-weight:600}.a{stroke:#999;stroke-width:1;fill:none}"
    ".g{stroke:#ddd;stroke-width:1}.c{stroke-dasharray:3 3;stroke-width:1;fill:none}.l{stroke-width:2;fill:none}"
)


def curves_svg(curves: Curves) -> str:
    """The whole picture, without script or address. Corruptions without severities are points beside the clean figure."""
    names = list(dict.fromkeys(cell.corruption for cell in curves.cells))
    tasks = list(curves.clean)
    rows = -(-len(names) // COLUMNS) or 1
    wide = LEFT + min(len(names) or 1, COLUMNS) * (PANEL[0] + GAP[0])
    high = TOP + rows * (PANEL[1] + GAP[1]) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img">',
        f"<style>{STYLE}</style>",
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
        f'<text class="t" x="{LEFT}" y="18">{escape(curves.model)}: headline by severity ({escape(curves.protocol)}; dashed: chance)</text>',
        *legend(curves, tasks),
    ]
    for number, name in enumerate(names):
        x = LEFT + number % COLUMNS * (PANEL[0] + GAP[0])
        y = TOP + number // COLUMNS * (PANEL[1] + GAP[1]) + 20
        parts.append(panel(curves, tasks, name, x, y))
    return "\n".join([*parts, "</svg>\n"])


def colour(tasks: Sequence[str], task: str) -> str:
    return COLOURS[list(tasks).index(task) % len(COLOURS)]


def legend(curves: Curves, tasks: Sequence[str]) -> list[str]:
    """A line for each task with its metric; errors are drawn as shares of their greatest."""
    parts, x = [], LEFT
    for task in tasks:
        own = curves.clean[task]
        lower = ", lower is better, as a share of the greatest" if own["unit"] != "percent" else ""
        text = f"{task} ({own['metric']}{lower})"
        parts.append(
            f'<path class="l" stroke="{colour(tasks, task)}" d="M{x} 36h16"/><text x="{x + 20}" y="40">{escape(text)}</text>'
        )
        x += 36 + 6 * len(text)
    return parts


def panel(curves: Curves, tasks: Sequence[str], name: str, x: int, y: int) -> str:
    """The field of one corruption, with axes from 0 to 100 and from the clean figure to severity 5."""
    wide, high = PANEL
    parts = [f'<g transform="translate({x} {y})"><text class="t" x="0" y="-6">{escape(name)}</text>']
    for share in (0, 25, 50, 75, 100):
        line = high - share / 100 * high
        parts.append(
            f'<path class="g" d="M0 {line:.1f}H{wide}"/><text x="-6" y="{line + 4:.1f}" text-anchor="end">{share}</text>'
        )
    graded = any(cell.severity for cell in curves.cells if cell.corruption == name)
    marks = [(level, str(level)) for level in range(1, 6)] if graded else [(MIDDLE, "corrupted")]
    for place, text in [(0, "clean"), *marks]:
        parts.append(f'<text x="{at(place):.1f}" y="{high + 14}" text-anchor="middle">{text}</text>')
    for task in tasks:
        cells = curves.of(task, name)
        if cells:
            parts += line_of(curves, task, cells, colour(tasks, task))
    return "".join([*parts, f'<path class="a" d="M0 0V{high}H{wide}"/></g>'])


def at(level: float) -> float:
    return 14 + level / 5 * (PANEL[0] - 28)


def line_of(curves: Curves, task: str, cells: Sequence[Cell], shade: str) -> list[str]:
    """Chance, the interval of the difference about the clean figure as a band, and the line."""
    own = curves.clean[task]
    values = [own["value"], *(cell.corrupted for cell in curves.of(task))]
    top = 100.0 if own["unit"] == "percent" else max([abs(value) for value in values if value is not None] or [1.0]) or 1.0

    def height(value: float) -> float:
        return PANEL[1] * (1 - max(0.0, min(value / top, 1.0)))

    parts = []
    if own["chance"] is not None and own["chance"] <= top:
        parts.append(f'<path class="c" stroke="{shade}" d="M0 {height(own["chance"]):.1f}H{PANEL[0]}"/>')
    known = [cell for cell in cells if cell.clean is not None and cell.corrupted is not None]
    points = [(at(0), height(own["value"]))] if own["value"] is not None else []
    points += [(at(cell.severity or MIDDLE), height(cell.corrupted)) for cell in known if cell.corrupted is not None]
    spread = [
        (at(cell.severity or MIDDLE), height(cell.clean + cell.ci95[0]), height(cell.clean + cell.ci95[1]))
        for cell in known
        if cell.ci95 is not None and cell.clean is not None
    ]
    if len(spread) > 1:
        edge = [f"{x:.1f} {low:.1f}" for x, low, _ in spread] + [f"{x:.1f} {top_:.1f}" for x, _, top_ in reversed(spread)]
        parts.append(f'<path d="M{"L".join(edge)}Z" fill="{shade}" fill-opacity=".15"/>')
    elif spread:
        x, low, upper = spread[0]
        parts.append(f'<path class="l" stroke="{shade}" stroke-opacity=".4" d="M{x:.1f} {low:.1f}V{upper:.1f}"/>')
    if points:
        parts.append(f'<path class="l" stroke="{shade}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in points)}"/>')
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{shade}"/>' for x, y in points]
    return parts
