"""Puts a report together: one HTML page with its style, its script and all its data inside."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict
from pathlib import Path

from .cards import card
from .gather import Report, TaskReport
from .pictures import PackedCloud
from .summary import category_table, head, judged_table, metrics_table, summary_table
from .text import as_script, esc

HERE = Path(__file__).parent


def page(report: Report) -> str:
    """The whole page. Its policy allows no network at all and only the one script that stands in it."""
    style = (HERE / "page.css").read_text(encoding="utf-8")
    script = (HERE / "page.js").read_text(encoding="utf-8")
    clouds: dict[str, PackedCloud] = {}
    sections = "".join(section(task, clouds) for task in report.tasks)
    data = as_script([asdict(cloud) for cloud in clouds.values()])
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    none = '<p class="none" id="none" hidden>No sample shown here has this task and this status.</p>'
    title = esc(f"{report.manifest['model']['name']} · lamm-bench report")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>\n<style>\n{style}</style></head>\n'
        f"<body>{head(report)}{summary_table(report)}{judged_table(report)}{filters(report)}<main>{none}{sections}</main>\n"
        f'<script type="application/json" id="clouds">{data}</script>\n<script>{script}</script></body></html>\n'
    )


def filters(report: Report) -> str:
    """Choices of task and status, and what is drawn; page.js makes them work."""
    if not any(task.shown for task in report.tasks):
        return ""
    tasks = "".join(f'<option value="{esc(task.name)}">{esc(task.name)}</option>' for task in report.tasks if task.shown)
    statuses = dict.fromkeys(shown.status for task in report.tasks for shown in task.shown)
    options = "".join(f'<option value="{esc(status)}">{esc(status)}</option>' for status in statuses)
    return (
        f'<nav><label>task <select id="by-task"><option value="">all</option>{tasks}</select></label>'
        f'<label>status <select id="by-status"><option value="">all</option>{options}</select></label>'
        '<label class="truth"><input type="checkbox" id="show-truth" checked> right</label>'
        '<label class="said"><input type="checkbox" id="show-said" checked> answer</label><span id="count"></span></nav>'
    )


def section(task: TaskReport, clouds: dict[str, PackedCloud]) -> str:
    """One task: its metrics and its cards."""
    cards = "".join(card(task.name, shown, clouds) for shown in task.shown)
    what = f"{len(task.shown)} of {task.total} samples, the worst first" if task.shown else ""
    if 0 < len(task.shown) == task.total:
        what = f"all {task.total} samples, the worst first"
    note = f'<p class="note">{esc(task.note)}</p>' if task.note else ""
    return (
        f'<section class="task" id="task-{esc(task.name)}" data-task="{esc(task.name)}"><h2>{esc(task.name)} <small>{what}</small></h2>'
        f'{note}{category_table(task)}{metrics_table(task)}<div class="cards">{cards}</div></section>'
    )
