"""The verb that scores what was said before."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from lamm_bench.errors import BenchError

from .conclude import conclude, show_outcome_unless_json_on_stdout
from .options import (
    MISSING,
    SETTINGS,
    by_option,
    data_root_option,
    guarded,
    json_option,
    plugin_option,
    protocol_names,
    protocol_option,
)


@click.command(context_settings=SETTINGS, short_help="Score a stored run, or answer files, without a model.")
@click.argument("run_folder", required=False, type=click.Path(path_type=Path), metavar="[RUN]")
@click.option("--answers", type=click.Path(path_type=Path), metavar="DIR", help="Folder of upstream-format answer files.")
@click.option("--tasks", default="all", show_default=True, metavar="LIST", help="Task names and groups.")
@data_root_option
@protocol_option
@click.option("--samples", is_flag=True, help="Also print every sample's status and values.")
@click.option("--subset", is_flag=True, help="Of answer files, score only the items that have an answer, as upstream does.")
@click.option("--readers", is_flag=True, help="Of a run: how far strict, our and upstream's readers, and judges, agree.")
@by_option
@click.option("--metrics", is_flag=True, help="Print all metrics, not only the headline.")
@json_option("Write the scores as JSON (- for stdout).")
@click.option(
    "--coordinates", metavar="NAME", help="Read places by this convention (docs/coordinates.md); of a run it is a diagnosis."
)
@plugin_option
@guarded
def score(**asked: Any) -> None:
    """Score a stored run, or answer files of any model, without a model.

    Answer files are named as upstream names them (Classification_CIFAR10.json ...) and hold {"id", "text"}.
    They are joined by id under `standard` and `chef`, by position under `classic`.

    \b
    Examples:
      lamm-bench score runs/lamm-1a2b3c4d --metrics
      lamm-bench score --answers answers/ --data-root LAMM --protocol classic
      lamm-bench score --answers answers/ --data-root LAMM --json scores.json
      lamm-bench score runs/qwen --coordinates qwen2.5-vl
      lamm-bench score runs/qwen --readers
    """
    from lamm_bench.ask.catalog import load_catalog
    from lamm_bench.ask.recipe import PROTOCOLS
    from lamm_bench.ask.rescoring import rescore, root_of, score_answers
    from lamm_bench.data.locate import find_root
    from lamm_bench.read import convention
    from lamm_bench.show.progress import Bars, stderr_console
    from lamm_bench.show.tables import show_outcome, show_samples

    if (asked["run_folder"] is None) == (asked["answers"] is None):
        raise BenchError("name either a run folder or --answers DIR")
    if asked["subset"] and asked["answers"] is None:
        raise BenchError("--subset is about answer files; a run was asked about all of its samples")
    places = convention(asked["coordinates"]) if asked["coordinates"] is not None else None
    if places is not None and not (places.boxes or places.points):
        raise BenchError(
            f"--coordinates {places.name}: a model of this convention gives neither boxes nor points, so none can be read by it"
        )
    catalog = load_catalog(asked["plugins"])
    watcher = Bars(stderr_console())
    protocols = protocol_names(asked["protocols"])
    if asked["readers"]:
        compare_readers(asked, catalog, watcher)
        return
    if asked["run_folder"] is not None:
        root = root_of([asked["run_folder"]], asked["data_root"], catalog, watcher.say)
        outcome = rescore(asked["run_folder"], catalog, root, asked["tasks"], protocols, watcher, places)
    else:
        root, _ = find_root(asked["data_root"], watcher.say, catalog.select_tasks(asked["tasks"]))
        wanted = protocols or PROTOCOLS
        outcome = score_answers(asked["answers"], catalog, root, asked["tasks"], wanted, watcher, asked["subset"], places)
    conclude(outcome, asked["json_file"], samples=True)
    if str(asked["json_file"]) != "-":
        show_samples(outcome, samples=asked["samples"], metrics=asked["metrics"])
    show_outcome_unless_json_on_stdout(partial(show_outcome, every=asked["by"]), outcome, asked["json_file"])
    sys.exit(0 if outcome.complete else MISSING)


def compare_readers(asked: dict[str, Any], catalog: Any, watcher: Any) -> None:
    """What several readers say of the same answers."""
    from lamm_bench.ask.rescoring import root_of
    from lamm_bench.judging.readers import readings
    from lamm_bench.show.readers import show_readings

    if asked["run_folder"] is None or asked["coordinates"] is not None or asked["samples"] or asked["metrics"]:
        raise BenchError("--readers is about a run; leave out --answers, --coordinates, --samples and --metrics")
    root = root_of([asked["run_folder"]], asked["data_root"], catalog, watcher.say)
    found = readings(asked["run_folder"], catalog, root, asked["tasks"])
    conclude(found, asked["json_file"], samples=None)
    if str(asked["json_file"]) != "-":
        show_readings(found)
