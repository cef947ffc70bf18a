"""The verb that looks at a benchmark file before a model is asked."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from lamm_bench.errors import BenchError

from .options import SETTINGS, data_root_option, guarded


@click.command(context_settings=SETTINGS, short_help="Check a benchmark file: prompts, reader, wrong rows.")
@click.argument("task", required=False, metavar="[FILE.yaml]")
@data_root_option
@click.option("--recipe", default="lamm/standard", show_default=True, metavar="NAME", help="How it would be asked.")
@click.option("--quick", is_flag=True, help="Do not open the media.")
@click.option("--all", "every", is_flag=True, help="List every fault, not the first twenty.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of such files, for editors, and nothing else.")
@guarded
def check(task: str | None, data_root: Path | None, recipe: str, quick: bool, every: bool, schema: bool) -> None:
    """Check a benchmark file (or a task of the shelf by its name): three filled prompts, what the reader makes of five invented
    answers, the scores of models that see nothing, and every wrong row. Exit status 2 if anything is wrong.

    \b
    Examples:
      lamm-bench check my.yaml
      lamm-bench check my.yaml --data-root DATA --all
      lamm-bench check --schema > task.schema.json
    """
    from lamm_bench.ask.catalog import YAML, load_catalog
    from lamm_bench.data.locate import find_root
    from lamm_bench.declared import DeclaredTask
    from lamm_bench.declared.check import look
    from lamm_bench.declared.schema import json_schema
    from lamm_bench.errors import unknown
    from lamm_bench.show.checked import FIRST_FAULTS, show_checked
    from lamm_bench.show.progress import Bars, stderr_console

    if schema:
        click.echo(json.dumps(json_schema(), indent=1, ensure_ascii=False))
        return
    if task is None:
        raise BenchError("name a benchmark file, or a task that one declares (docs/benchmarks.md)")
    catalog = load_catalog()
    declared = {name: one for name, one in catalog.tasks.items() if isinstance(one, DeclaredTask)}
    if not task.endswith(YAML) and task not in declared:
        raise unknown("benchmark file or task of one", task, declared)
    own = catalog.add_file(task) if task.endswith(YAML) else declared[task]
    asked = catalog.recipe(recipe)
    root, _ = find_root(data_root, Bars(stderr_console()).say, [own])
    found = look(own, root, deep=not quick)
    if not found.samples and not found.faults:
        raise BenchError(f"{root}: {', '.join(own.source.files)} has no row that is kept")
    show_checked(own, found, asked, None if every else FIRST_FAULTS)
    sys.exit(2 if found.faults else 0)
