"""Language performance of the reasoning leg: what judges have graded (lamm_bench/judging/language.py), ten times their mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.judging.language import upstream_grade
from lamm_bench.judging.session import judgements
from lamm_bench.keep.files import read_json
from lamm_bench.keep.runs import Run
from lamm_bench.types import Estimate

from .gathering import Asked, Model
from .legs import LANGUAGE
from .relative import Figure, mean_of

TIMES = 10  # from grades of 0 to 10 to ChEF's column


def language(model: Model) -> Figure:
    """The first judge's mean grade; those of all judges in the details."""
    figure = Figure(LANGUAGE)
    legs = model.legs.get("reasoning", {})
    if not legs:
        figure.why = "not asked"
        return figure
    asked = next(iter(legs.values()))
    found = [grades for folder in judgements(asked.folder) if (grades := graded(folder, asked)) is not None]
    if not found:
        figure.why = f"not judged; name a judge with --judge, or `lamm-bench judge {asked.folder} --language --judge NAME`"
        return figure
    figure.standard, figure.chef = found[0]["standard"], found[0]["chef"]
    figure.details = {"judge": found[0]["judge"], "judges": {each["judge"]: each["standard"] for each in found}}
    return figure


def graded(folder: Any, asked: Asked) -> dict[str, Any] | None:
    """The figures of one judgement of the run; None where it is of another kind, or has graded nothing."""
    opened = Run.read(folder, kind="judgement")
    if opened.manifest["identity"]["metric"] != "language":
        return None
    try:
        result = read_json(folder / "result.json")
    except BenchError:
        return None  # interrupted
    entry = next((each for each in result["results"] if each["task"] == asked.task.name), None)
    if entry is None or entry["metrics"]["language"]["value"] is None:
        return None
    own = Estimate(**{**entry["metrics"]["language"], "bounds": None})
    ends = (TIMES * own.ci95[0], TIMES * own.ci95[1]) if own.ci95 else None
    ours = replace(own, value=TIMES * (own.value or 0.0), ci95=ends)
    return {"judge": result["judge"], "standard": ours, "chef": as_upstream(opened, asked)}


def as_upstream(judgement: Run, asked: Asked) -> float | None:
    """The mean of each answer's mean of the votes that upstream would have read; none where some answer has no such vote."""
    votes: dict[str, list[float]] = {}
    for unit, steps in judgement.ledger(asked.task.name).said.items():
        grade = upstream_grade(steps[0][1].text) if 0 in steps and steps[0][1].error is None else None
        votes.setdefault(unit.rpartition("/")[0], []).extend([grade] if grade is not None else [])
    value = mean_of([sum(each) / len(each) if each else None for each in votes.values()])
    return None if value is None else TIMES * value
