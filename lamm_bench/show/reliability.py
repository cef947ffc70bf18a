"""A reliability diagram: how often a model is right among answers of which it is so sure, one panel a set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lamm_bench.errors import BenchError
from lamm_bench.measure.calibration import Bin
from lamm_bench.measure.intervals import wilson

from .drawing import Drawing, Point

SIDE, GAP, TOP, LEFT = 240, 70, 64, 64
BLUE, GREY, GRID = "#0b6fa4", "#6f6f6f", "#e2e2e2"
Panel = tuple[str, Sequence[Bin], str]  # title, bins, a line below it


def reliability(panels: Sequence[Panel], title: str) -> Drawing:
    """The drawing: a dot for each bin, with Wilson's 95 % interval of its accuracy; on the line confidence is what it says."""
    width = LEFT + len(panels) * (SIDE + GAP)
    drawing = Drawing(width, TOP + SIDE + 78, f"{title}: confidence and accuracy of {', '.join(name for name, _, _ in panels)}")
    drawing.words((LEFT, 20), title, size=14, bold=True)
    for place, (name, bins, told) in enumerate(panels):
        panel(drawing, LEFT + place * (SIDE + GAP), name, bins, told)
    return drawing


def panel(drawing: Drawing, left: float, name: str, bins: Sequence[Bin], told: str) -> None:
    """One set's axes and dots."""

    def at(x: float, y: float) -> Point:
        return left + x * SIDE, TOP + (1 - y) * SIDE

    for tick in range(0, 101, 25):
        share = tick / 100
        drawing.line([at(0, share), at(1, share)], GRID)
        drawing.line([at(share, 0), at(share, 1)], GRID)
        drawing.words((left - 6, at(0, share)[1]), str(tick), size=10, fill=GREY, anchor="end")
        drawing.words((at(share, 0)[0], TOP + SIDE + 12), str(tick), size=10, fill=GREY, anchor="middle")
    drawing.line([at(0, 0), at(1, 1)], GREY)
    for each in bins:
        low, high = wilson(each.accuracy, each.n, 1.96)
        drawing.line([at(each.confidence, low), at(each.confidence, high)], BLUE, 1.5)
        drawing.dot(at(each.confidence, each.accuracy), 4, BLUE)
    drawing.words((left + SIDE / 2, TOP - 14), name, size=12, anchor="middle")
    drawing.words((left - 34, TOP - 14), "right, %", size=10, fill=GREY)
    drawing.words((left + SIDE / 2, TOP + SIDE + 30), "confidence, %", size=11, anchor="middle", fill=GREY)
    drawing.words((left + SIDE / 2, TOP + SIDE + 50), told, size=11, anchor="middle")


def reliability_of_runs(found: Mapping[str, Mapping[str, object]], title: str) -> Drawing:
    """A panel for each task of each run, by the name that stands above it. Raises `BenchError` where likelihoods decided nothing."""
    panels = panels_of(found)
    if not panels:
        raise BenchError("nothing to draw: in none of these runs did likelihoods decide (--recipe lamm/likelihood asks for them)")
    return reliability(panels, title)


def panels_of(details: Mapping[str, Mapping[str, object]]) -> list[Panel]:
    """A panel for each set of a calibration figure."""
    found: list[Panel] = []
    for name, each in details.items():
        error, bins = each.get("equal mass"), each.get("bins")
        if error is not None and isinstance(bins, list):
            value, ends = error.value, error.ci95  # type: ignore[attr-defined]
            spread = f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else ""
            found.append((name, bins, f"ECE {value:.3f}{spread}, n {error.n}"))  # type: ignore[attr-defined]
    return found
