"""The verb that examines an adapter: `doctor`."""

from __future__ import annotations

import sys
from typing import Any

import click

from .options import (
    SETTINGS,
    data_root_option,
    device_options,
    guarded,
    json_option,
    pairs,
    plugin_option,
    say_hints,
    with_shortcuts,
)

UNWELL = 1  # exit status when a check has failed


@click.command(context_settings=SETTINGS, short_help="Examine a model adapter.")
@click.option("--model", required=True, metavar="NAME", help="A model adapter; `lamm-bench list models` shows them.")
@click.option(
    "--set", "settings", multiple=True, callback=pairs, metavar="KEY=VALUE", help="An option of the model (repeatable)."
)
@device_options
@click.option(
    "--task", metavar="NAME", help="Ask about the first samples of this task, or of a benchmark file, not about drawn ones."
)
@data_root_option
@click.option(
    "--text", "text", is_flag=True, help="Ask without media, as a judge is asked: for servers and models that take none."
)
@click.option("--check", "only", multiple=True, metavar="NAME", help="Run only this check (repeatable).")
@click.option(
    "--measure",
    type=click.Choice(["coordinates"]),
    help="Measure whose numbers the model's boxes and points are, and say which --set line to use.",
)
@json_option("Also write the findings as JSON (- for stdout).")
@plugin_option
@guarded
def doctor(**asked: Any) -> None:
    """Examine a model adapter: is it deterministic, does it batch, cut, score and look as it should?

    Forty checks, each with its reason; what a check cannot say is shown as n/a. Exit status 1 if a check fails.
    The same checks run in an author's own tests by lamm_bench.testing.check_adapter.

    \b
    Examples:
      lamm-bench doctor --model lamm
      lamm-bench doctor --model hf-chat --set model=SmolVLM-256M-Instruct/
      lamm-bench doctor --model mine --plugin my_model.py --check batch --check padding
      lamm-bench doctor --model scripted --set answers=answers.json --task svt
      lamm-bench doctor --model openai-chat --set base_url=URL model=NAME --measure coordinates
    """
    import json

    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.session import fingerprint
    from lamm_bench.data.locate import find_root
    from lamm_bench.doctor import examine
    from lamm_bench.doctor.table import as_json, shown
    from lamm_bench.keep.files import write_json
    from lamm_bench.show.plain import put
    from lamm_bench.show.progress import Bars, stderr_console

    catalog = load_catalog(asked["plugins"])
    task, root = None, None
    if asked["task"] is not None:
        task = catalog.task(asked["task"])
    settings = with_shortcuts(asked, asked["model"], catalog)
    adapter = catalog.adapter(asked["model"], settings)
    fingerprint(adapter)  # weights that are not there are one sentence, not forty failed checks
    say_hints(adapter)
    watcher = Bars(stderr_console())
    if asked["measure"] is not None:
        sys.exit(measure_coordinates(adapter, asked["json_file"]))
    if task is not None:
        root, _ = find_root(asked["data_root"], watcher.say, [task])
    findings = []
    for finding in examine(adapter, task, root, asked["only"], not asked["text"]):
        findings.append(finding)
        if watcher.live:
            watcher.say(f"{finding.check}: {finding.verdict} ({finding.seconds:.1f} s)")
    value = as_json(findings, asked["model"], settings)
    if str(asked["json_file"]) == "-":
        click.echo(json.dumps(value, ensure_ascii=False, indent=1))
    else:
        put(lambda width: shown(findings, asked["model"]), wide=160)
        if asked["json_file"] is not None:
            write_json(asked["json_file"], value)
    sys.exit(0 if value["passed"] else UNWELL)


def measure_coordinates(adapter: Any, json_file: Any) -> int:
    """Prints what was measured, and gives the exit status: 1 where something else was declared, 3 where nothing could be measured."""
    import json

    from lamm_bench.doctor import measured_places

    rows, status = measured_places(adapter)
    if str(json_file) == "-":
        click.echo(json.dumps(dict(rows), ensure_ascii=False, indent=1))
        return status
    for name, value in rows:
        click.echo(f"{name}: {value}")
    if json_file is not None:
        from lamm_bench.keep.files import write_json

        write_json(json_file, dict(rows))
    return status
