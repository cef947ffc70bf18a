"""The head of a report: what was run, and a table of scores with intervals, floor, ceiling and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from lamm_bench.measure.sure import restored
from lamm_bench.show.categories import by_category, over_groups
from lamm_bench.show.reliability import reliability_of_runs
from lamm_bench.show.told import facts_of
from lamm_bench.types import FAILED

from .gather import PROTOCOL, Report, TaskReport
from .text import esc, figure

WIDE, HIGH = 260, 26  # pixels of a bar
MARKS = ("chance", "majority", "oracle")
NUMBERS = frozenset(
    ("score", "value", "95 % interval", "bounds", "n", "ok", "unread", "truncated", "judged", "failed")
)  # columns


def head(report: Report) -> str:
    """Title and identity of the run."""
    result, manifest = report.result, report.manifest
    model = manifest["model"]
    facts = facts_of(manifest, result)
    cells = "".join(
        f"<div><dt>{esc(key)}</dt><dd>{esc(value)}</dd></div>" for key, value in facts.items() if value not in (None, "")
    )
    warning = ""
    if str(result.get("source", "")).startswith("miniature"):
        warning = '<p class="note">Asked about the miniature benchmark: these numbers are not comparable with published ones.</p>'
    if result.get("alarm"):
        warning += f'<p class="note">{esc(result["alarm"])}</p>'
    return f"<header><h1>{esc(model['name'])} <small>{esc(report.folder)}</small></h1><dl>{cells}</dl>{warning}</header>"


def summary_table(report: Report) -> str:
    """One line a task; then what was skipped or lost."""
    rows = "".join(summary_row(task) for task in report.tasks)
    absent = "".join(
        f'<tr class="absent"><td>{esc(task)}</td><td colspan="9">{esc(why)}</td></tr>' for task, why in report.absent.items()
    )
    columns = ("task", "metric", "score", "95 % interval", "", "n", "ok", "unread", "truncated", "failed")
    return (
        f'<section><h2>Scores</h2><div class="wide"><table class="scores"><thead><tr>{heads(*columns)}</tr></thead>'
        f"<tbody>{rows}{absent}</tbody></table></div>{legend()}</section>"
    )


def heads(*columns: str, numbers: Set[str] = frozenset()) -> str:
    """The cells above a table's columns, on the side on which those stand; `numbers`: more columns of figures."""
    return "".join(f"<th{' class=n' if column in NUMBERS | numbers else ''}>{esc(column)}</th>" for column in columns)


def legend() -> str:
    return (
        '<p class="legend">Bars: score with its 95 % interval (over images or scenes); '
        '<i class="mark chance"></i> chance, <i class="mark majority"></i> most frequent answer, '
        '<i class="mark oracle"></i> oracle. ↓ lower is better. Failed: no answer that could be scored. '
        "Classic and chef figures stand under each task.</p>"
    )


def headline(task: TaskReport) -> Mapping[str, Any]:
    """The result that stands in the summary: `standard`, or the first protocol there is."""
    return next((entry for entry in task.results if entry["protocol"] == PROTOCOL), task.results[0])


def ends(pair: Sequence[float] | None) -> str:
    """An interval in words; a dash where there is none."""
    return esc(f"{figure(pair[0])} to {figure(pair[1])}") if pair else "-"


def summary_row(task: TaskReport) -> str:
    """One task's row of the page's first table, as HTML."""
    entry = headline(task)
    name, metric = next(iter(entry["metrics"].items()), ("-", {"value": None}))
    counts = entry.get("counts", {})
    protocol = "" if entry["protocol"] == PROTOCOL else f" ({entry['protocol']})"
    lower = " ↓" if metric.get("better") == "lower" else ""
    interval = ends(metric.get("ci95"))
    numbers = [metric.get("n"), counts.get("ok"), counts.get("unread"), counts.get("truncated")]
    failed = sum(counts.get(status, 0) for status in FAILED)
    cells = "".join(f'<td class="n">{esc(figure(number))}</td>' for number in numbers)
    warned = ' class="n bad"' if failed else ' class="n"'
    return (
        f'<tr><td><a href="#task-{esc(task.name)}">{esc(task.name)}</a></td><td>{esc(name + lower + protocol)}</td>'
        f'<td class="n"><b>{esc(figure(metric["value"]))}</b></td><td class="n">{interval}</td><td>{bar(entry, metric)}</td>'
        f"{cells}<td{warned}>{failed}</td></tr>"
    )


def bar(entry: Mapping[str, Any], metric: Mapping[str, Any]) -> str:
    """The score on a scale from 0 to 100, or to a little more than the largest number shown where it is no percentage."""
    if metric.get("value") is None:
        return ""
    references = entry.get("references", {})
    marks = {name: references[name] for name in MARKS if references.get(name) is not None}
    shown = [metric["value"], *(metric.get("ci95") or ()), *marks.values()]
    top = 100.0 if metric.get("unit") == "percent" else (max(shown) * 1.05 or 1.0)

    def x(value: float) -> str:
        return f"{max(0.0, min(value / top, 1.0)) * WIDE:.1f}"

    parts = [
        f'<rect class="track" width="{WIDE}" height="10" y="8"/>',
        f'<rect class="value" width="{x(metric["value"])}" height="10" y="8"/>',
    ]
    if metric.get("ci95"):
        low, high = (x(end) for end in metric["ci95"])
        parts.append(f'<path class="whisker" d="M{low} 13H{high}M{low} 9v8M{high} 9v8"/>')
    for name, value in marks.items():
        parts.append(f'<path class="mark {name}" d="M{x(value)} 2V24"><title>{name} {figure(value)}</title></path>')
    return f'<svg class="bar" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" height="{HIGH}" role="img">{"".join(parts)}</svg>'


def judged_table(report: Report) -> str:
    """What judges said of this run; nothing where none was asked."""
    rows = []
    for judged in report.judged:
        for entry in judged["results"]:
            name, metric = next(iter(entry["metrics"].items()))
            failed = sum(entry["counts"].get(status, 0) for status in FAILED)
            cells = (figure(metric["value"]), ends(metric.get("ci95")), ends(metric.get("bounds")), entry["counts"]["ok"], failed)
            rows.append(
                f"<tr><td>{esc(entry['protocol'])}</td><td>{esc(entry['task'])}</td><td>{esc(name)}</td>"
                + "".join(f'<td class="n">{esc(cell)}</td>' for cell in cells)
                + "</tr>"
            )
    if not rows:
        return ""
    columns = ("judge", "task", "metric", "value", "95 % interval", "bounds", "judged", "failed")
    return (
        f'<section><h2>Judges</h2><div class="wide"><table><thead><tr>{heads(*columns)}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def category_table(task: TaskReport) -> str:
    """The headline by category, and over groups of which every answer is right; nothing where a task has neither."""
    entry = headline(task)
    own = {**over_groups(entry["metrics"]), **by_category(entry["metrics"])}
    rows = "".join(
        f'<tr><td>{esc(name)}</td><td class="n"><b>{esc(figure(metric["value"]))}</b></td><td class="n">{ends(metric.get("ci95"))}</td>'
        f'<td>{bar({}, metric)}</td><td class="n">{esc(figure(metric.get("n")))}</td></tr>'
        for name, metric in own.items()
    )
    if not rows:
        return ""
    name = next(iter(entry["metrics"]))
    return f'<div class="wide"><table class="scores categories"><thead><tr>{heads("category", name, "95 % interval", "", "n", numbers={name})}</tr></thead><tbody>{rows}</tbody></table></div>'


def metrics_table(task: TaskReport) -> str:
    """All metrics of one task under all protocols."""
    rows = []
    for entry in task.results:
        for name, metric in entry["metrics"].items():
            interval, bounds = ends(metric.get("ci95")), ends(metric.get("bounds"))
            cells = (metric.get("n"), metric.get("unit"), metric.get("better"), metric.get("note") or "")
            rows.append(
                f'<tr><td>{esc(entry["protocol"])}</td><td>{esc(name)}</td><td class="n">{esc(figure(metric["value"]))}</td>'
                f'<td class="n">{interval}</td><td class="n">{bounds}</td>{"".join(f"<td>{esc(figure(cell))}</td>" for cell in cells)}</tr>'
            )
    notes = "".join(
        f"<li>{esc(entry['protocol'])}: {esc(note)}</li>" for entry in task.results for note in entry.get("notes", ())
    )
    columns = ("protocol", "metric", "value", "95 % interval", "bounds", "n", "unit", "better", "note")
    return (
        f'<details><summary>All metrics and protocols</summary><div class="wide"><table><thead><tr>{heads(*columns)}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{f'<ul>{notes}</ul>' if notes else ''}</details>{sureness(task)}"
    )


def sureness(task: TaskReport) -> str:
    """Of answers that likelihoods decided: calibration errors and Brier score with intervals, and the reliability diagram."""
    found = headline(task).get("calibration")
    if not found:
        return ""
    own = restored(found)
    rows = "".join(
        f'<tr><td>{esc(name)}</td><td class="n">{own[key].value:.3f}</td><td class="n">'
        + (f"{own[key].ci95[0]:.3f} to {own[key].ci95[1]:.3f}" if own[key].ci95 else "-")
        + f'</td><td class="n">{own[key].n}</td></tr>'
        for name, key in (
            ("calibration error, bins of equal mass", "equal mass"),
            ("calibration error, bins of equal width", "equal width"),
            ("Brier score", "Brier"),
        )
    )
    told = f"sure {100 * own['confidence']:.1f} %, right {100 * own['accuracy']:.1f} %"
    drawn = reliability_of_runs({task.name: own}, "Reliability").svg()
    return (
        f'<details><summary>Calibration: {esc(told)}</summary><div class="wide"><table><thead><tr>'
        f"{heads('measure', 'value', '95 % interval', 'n')}</tr></thead><tbody>{rows}</tbody></table></div>{drawn}</details>"
    )
