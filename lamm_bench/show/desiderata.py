"""Desiderata on the terminal and as ChEF's hexagon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lamm_bench.desiderata.legs import CALIBRATION, EXAMPLES, FOLLOWING, HALLUCINATION, LANGUAGE, NAMES, ROBUSTNESS
from lamm_bench.desiderata.relative import Figure
from lamm_bench.desiderata.session import Result
from lamm_bench.errors import visible
from lamm_bench.types import Estimate

from .figures import PUBLISHED, load, published_rows
from .hexagon import LABELS, hexagon
from .plain import put
from .reliability import panels_of, reliability
from .tables import number, with_interval

FILE = PUBLISHED / "chef-desiderata.json"
MEANS = {
    CALIBRATION: "100 - expected calibration error",
    EXAMPLES: "RIAM; 50: examples change nothing",
    FOLLOWING: "same option under another name, %",
    LANGUAGE: "10 x a judge's grade",
    HALLUCINATION: "POPE, accuracy",
    ROBUSTNESS: "RRM, % of the margin over chance",
}
SHOWN = ("LAMM", "InstructBLIP")  # columns of published models, where there is room
WIDE = 130


def published() -> dict[str, dict[str, float | None]]:
    """ChEF's table: model -> desideratum -> figure."""
    found: dict[str, dict[str, float | None]] = {}
    for entry in published_rows(load(FILE)):
        found.setdefault(entry.model, {})[entry.task] = entry.value
    return found


def show_desiderata(console: Console, result: Result, details: bool = False) -> None:
    """A table for each model, and below it why a figure is not there; with `details` what the figures are made of."""
    for model, figures in result.models:
        put(lambda width, name=model.name, found=figures: table(name, found, width), console)  # type: ignore[misc]
        if details:
            put(lambda width, name=model.name, found=figures: detailed(name, found), console)  # type: ignore[misc]
        for name, figure in figures.items():
            if figure.why:
                console.print(visible(f"{name}: {figure.why}"), highlight=False, markup=False, soft_wrap=True)
    for leg, why in result.missing.items():
        console.print(visible(f"{leg}: NOT ALL ASKED, {why}"), highlight=False, markup=False, soft_wrap=True)


def table(name: str, figures: Mapping[str, Figure], width: int) -> Table:
    """One line a desideratum: ours with its interval, ChEF's formula, and published models for the eye only."""
    others = [one for one in SHOWN if width >= WIDE]
    title = f"Desiderata of {name}: higher is better; 95 % intervals by image."
    found = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in ("desideratum", "measure"):
        found.add_column(column, no_wrap=True)
    for column in ("standard", "chef", *others):
        found.add_column(column, justify="right", no_wrap=True)
    known = published()
    if others:
        found.caption = f"{', '.join(others)}: as published with ChEF on its own data, which are not these"
        found.caption_justify = "left"
    for key in NAMES:
        figure = figures[key]
        ours = with_interval(figure.standard) if figure.standard is not None else "-"
        found.add_row(key, MEANS[key], ours, number(figure.chef), *(number(known[one].get(key)) for one in others))
    return found


def detailed(name: str, figures: Mapping[str, Figure]) -> Table:
    """Every estimate below a figure: of each set, and of what was asked of it."""
    found = Table(
        title=f"What the figures of {name} are made of",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for column in ("desideratum", "of", "standard", "n"):
        found.add_column(column, justify="right" if column in ("standard", "n") else "left", no_wrap=True)
    for key in NAMES:
        for place, (path, estimate) in enumerate(estimates_in(figures[key].details)):
            shown = (
                f"{estimate.value:.3f}" if estimate.unit == "score" and abs(estimate.value or 0) < 3 else with_interval(estimate)
            )
            if shown.count(".") == 1 and estimate.ci95 is not None and "[" not in shown:
                shown += f" [{estimate.ci95[0]:.3f}, {estimate.ci95[1]:.3f}]"
            found.add_row(key if not place else "", path, shown, str(estimate.n))
    return found


def estimates_in(details: object, path: str = "") -> Iterator[tuple[str, Estimate]]:
    """The estimates of nested mappings, each with the way to it."""
    if isinstance(details, Estimate):
        yield path, details
    elif isinstance(details, Mapping):
        for key, value in details.items():
            yield from estimates_in(value, f"{path}, {key}" if path else str(key))


def save_hexagon(result: Result, path: Path) -> list[Path]:
    """ChEF's hexagon of all models beside the published ones, as SVG and PNG; gives the files."""
    ours = [
        (
            f"{model.name} ({model.source})",
            {name: figure.standard.value if figure.standard else None for name, figure in found.items()},
        )
        for model, found in result.models
    ]
    return hexagon(ours, list(published().items())).save(path)


def save_reliability(result: Result, folder: Path) -> list[Path]:
    """A reliability diagram of each model that gave likelihoods, as SVG and PNG; gives the files."""
    written = []
    for model, found in result.models:
        panels = panels_of(found[CALIBRATION].details)
        name = "".join(each if each.isalnum() else "-" for each in model.name)
        if panels:
            drawing = reliability(panels, f"Reliability of {model.name} ({model.source})")
            written += drawing.save(folder / f"calibration-{name}.svg")
    return written


__all__ = ["LABELS", "published", "save_hexagon", "save_reliability", "show_desiderata"]
