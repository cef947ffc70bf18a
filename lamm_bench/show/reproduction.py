"""The ledger of reproductions: a published figure, ours with its interval, a verdict, and a cause.

A paper gives no interval and no answers, so its figure is taken as it is printed. `equal`: ours, rounded as the paper rounds, is the same.
`within`: it lies in our 95 % interval, so that another draw of images alone could explain the difference. `outside`: it could not. On the same
items a faithful repetition is nearer than the interval is wide: `within` is the least that can be said, not a proof. `not asked so` is no
verdict at all: what was asked, how, or of which items is not what the paper did, and the cause says what. Nothing is left without a cause
but `equal` and `within`; what nobody has explained is called unexplained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import load_json, load_yaml

from .figures import Entry, read_published, read_run

EQUAL, WITHIN, OUTSIDE, OTHERWISE, NONE = "equal", "within", "outside", "not asked so", "no interval"
UNEXPLAINED = "unexplained"
WAYS = {"classic": ("lamm/classic",), "chef": ("chef/",)}
"""How recipes begin that ask as a protocol's papers did."""


@dataclass(frozen=True)
class Line:
    """One figure of a paper beside ours."""

    run: str
    task: str
    protocol: str
    metric: str
    published: float
    model: str
    source: str
    ours: float
    ci95: tuple[float, float] | None
    n: int
    better: str
    verdict: str
    cause: str


def ledger(runs: Sequence[Path], model: str, causes: Mapping[str, str] | None = None) -> list[Line]:
    """Every published figure of `model` for which a run has one of the same task, protocol and metric. Raises `BenchError` for a model that
    no paper here names, for runs without a common figure, and for causes of tasks that are not there."""
    papers = [entry for entry in read_published() if entry.value is not None]
    if model not in {entry.model for entry in papers}:
        raise unknown("published model", model, {entry.model for entry in papers})
    theirs = [entry for entry in papers if entry.model == model]
    lines = []
    for run in runs:
        if not (run / "result.json").is_file():
            raise BenchError(f"{run} has no result.json: it is no run, or was not asked to its end")
        about = load_json(run / "result.json")
        ours = {
            (entry.task, entry.protocol, entry.metric): entry
            for entry in read_run(run / "result.json")
            if entry.value is not None
        }
        pairs = [(paper, ours[key]) for paper in theirs if (key := (paper.task, paper.protocol, paper.metric)) in ours]
        lines += [line_of(paper, own, about, causes or {}) for paper, own in pairs]
    if not lines:
        wanted = ", ".join(dict.fromkeys(f"{entry.task} ({entry.protocol} {entry.metric})" for entry in theirs))
        raise BenchError(f"no run has a figure that {model} has in print; there are {wanted}")
    for task in causes or {}:
        if task not in {line.task for line in lines}:
            raise unknown("task of the ledger", task, {line.task for line in lines})
    return lines


def line_of(paper: Entry, own: Entry, about: Mapping[str, Any], causes: Mapping[str, str]) -> Line:
    """The verdict on one figure."""
    assert paper.value is not None and own.value is not None
    if reasons := otherwise(paper, own, about):
        verdict, cause = OTHERWISE, "; ".join(reasons)
    elif own.ci95 is None:
        verdict, cause = (EQUAL, "") if same_digits(paper.value, own.value) else (NONE, UNEXPLAINED)
    elif same_digits(paper.value, own.value):
        verdict, cause = EQUAL, ""
    else:
        inside = own.ci95[0] <= paper.value <= own.ci95[1]
        verdict, cause = (WITHIN, "") if inside else (OUTSIDE, lost(own) or UNEXPLAINED)
    cause = causes.get(paper.task, "") or cause or paper.note
    return Line(
        own.source, paper.task, paper.protocol, paper.metric, paper.value, paper.model, paper.source,
        own.value, own.ci95, own.n, own.better, verdict, cause,
    )  # fmt: skip


def otherwise(paper: Entry, own: Entry, about: Mapping[str, Any]) -> list[str]:
    """Why two figures are not of the same questions, as far as the files can say."""
    found = []
    if about.get("source") == "miniature":
        found.append("the miniature's items, not the paper's")
    if paper.data.split(",")[0] not in ("LAMM benchmark (full)", "ChEF scenarios"):
        found.append(f"the paper's are {paper.data}")
    if about.get("limit"):
        found.append(f"{about['limit']} samples, drawn with seed {about.get('seed')}")
    found += [f"{name} {about[key]}" for key, name in (("control", "control"), ("corrupt", "corrupted by")) if about.get(key)]
    recipe, ways = str(about.get("recipe") or ""), WAYS.get(paper.protocol, ())
    if ways and not recipe.startswith(ways):
        found.append(f"asked by {recipe or 'an unnamed recipe'}, not by {ways[0].rstrip('/')}")
    if paper.unit != own.unit:
        found.append(f"in {own.unit}, not in {paper.unit}")
    return found


def lost(own: Entry) -> str:
    """Answers that are not there or could not be read, where there are any: the first thing to look at."""
    parts = [(own.failed, "failed"), (own.unread, "could not be read")]
    told = ", ".join(f"{number} {what}" for number, what in parts if number)
    return f"{UNEXPLAINED}; of {own.expected} answers {told}" if told else ""


def same_digits(published: float, ours: float) -> bool:
    """Whether ours is the published figure when rounded as that is printed.

    >>> same_digits(37.9, 37.93), same_digits(37.9, 37.84), same_digits(38.0, 38.4)
    (True, False, False)
    """
    digits = len(repr(float(published)).partition(".")[2].rstrip("0"))
    return abs(round(ours, max(digits, 1)) - published) < 1e-9


def read_causes(path: Path) -> dict[str, str]:
    """`task: why` for each line of a YAML file. Raises `BenchError`."""
    found = load_yaml(path)
    if not isinstance(found, dict) or not all(isinstance(key, str) and isinstance(value, str) for key, value in found.items()):
        raise BenchError(f"{path}: expected a cause for each task, one a line, as `svt: the paper read upper case only`")
    return dict(found)


def to_json(lines: Sequence[Line]) -> dict[str, Any]:
    counts = {name: sum(line.verdict == name for line in lines) for name in (EQUAL, WITHIN, OUTSIDE, OTHERWISE, NONE)}
    return {"format": 1, "counts": counts, "lines": [asdict(line) for line in lines]}


def said(lines: Sequence[Line]) -> str:
    """`3 figures: 1 equal, 2 not asked so`."""
    told = [f"{number} {name}" for name, number in to_json(lines)["counts"].items() if number]
    return f"{len(lines)} figures: {', '.join(told)}"
