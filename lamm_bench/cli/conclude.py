"""How `run` and `score` end: JSON, and tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def conclude(outcome: Any, json_file: Path | None, samples: bool | None) -> None:
    """Writes `--json`, whole or not at all; `-` is standard output. With `samples` None what is written knows no samples."""
    import json

    if json_file is None:
        return
    value = outcome.to_json() if samples is None else outcome.to_json(samples)
    if str(json_file) == "-":
        click.echo(json.dumps(value, ensure_ascii=False, indent=1))
        return
    from lamm_bench.keep.files import write_json

    write_json(json_file, value)


def show_outcome_unless_json_on_stdout(show: Callable[..., None], outcome: Any, json_file: Path | None) -> None:
    """The tables, where standard output is not taken by the JSON."""
    if str(json_file) != "-":
        from rich.console import Console

        show(Console(), outcome)
