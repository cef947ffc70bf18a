"""What a person and a program see of an examination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from lamm_bench.types import to_json

from .verdict import NO_ANSWERS, Finding

COLOURS = {"pass": "green", "fail": "bold red", "not applicable": "dim"}


def shown(findings: Sequence[Finding], model: str) -> Group:
    """For the console: one line a check, with the reason, and the sum of it all."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=f"doctor: {model}", title_justify="left")
    table.add_column("check", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("must hold", ratio=2)
    table.add_column("found", ratio=3)
    spared = [finding for finding in findings if finding.reason == NO_ANSWERS]
    for finding in findings:
        if finding in spared:
            continue
        verdict = Text("n/a" if finding.verdict == "not applicable" else finding.verdict, style=COLOURS[finding.verdict])
        table.add_row(finding.check, verdict, finding.title, Text(printable(finding.reason)))
    others = [Text(f"{len(spared)} other checks were {NO_ANSWERS}")] if spared else []
    return Group(table, *others, Text(summary(findings)))


def printable(text: str) -> str:
    """Control characters in what a model said would move the table."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def summary(findings: Sequence[Finding]) -> str:
    """`24 passed, 0 failed, 3 not applicable`."""
    counts = [sum(finding.verdict == verdict for finding in findings) for verdict in COLOURS]
    return f"{counts[0]} passed, {counts[1]} failed, {counts[2]} not applicable"


def as_json(findings: Sequence[Finding], model: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": 1,
        "model": {"name": model, "settings": to_json(settings)},
        "passed": all(finding.verdict != "fail" for finding in findings),
        "checks": [to_json(finding) for finding in findings],
    }
