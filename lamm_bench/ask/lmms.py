"""A run as lmms-eval's logs: `<model>/<date>_results.json` and `<date>_samples_<task>.jsonl`.

The files and keys are those that lmms-eval writes (`lmms_eval/loggers/evaluation_tracker.py`, `save_results_aggregated` and
`save_results_samples`; the results' keys are lm-evaluation-harness's): metrics as `name,filter`, shares from 0 to 1, `doc_id` the place in the
file. Its log has no place for how an answer ended, for intervals and for media; those stand under keys of our own, which its readers pass over."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep.files import digest, storable
from lamm_bench.types import Row
from lamm_bench.version import __version__

from .bundle import Bundle, Part
from .flat import text_of, value_of

FILTER = "none"  # the name of the filter that an answer went through; ours are readers, named by their version
Z95 = 1.959964  # standard errors in half of a 95 % interval


def lmms_eval(bundle: Bundle) -> dict[str, bytes]:
    """The results, and a file of samples for each task, under `standard`. Raises `BenchError` where the run has no such scores."""
    if bundle.about:
        raise BenchError(f"--about {next(iter(bundle.about))}: the format lmms-eval says nothing about a run")
    entries = {one["task"]: one for one in bundle.result()["results"] if one["protocol"] == "standard"}
    parts = [part for part in bundle.parts if part.task.name in entries]
    if not parts:
        raise BenchError("--to lmms-eval: the run has no scores under `standard`")
    model = re.sub(r"[^\w.-]+", "__", bundle.model).strip("_.") or "model"
    place = f"{model}/{bundle.when:%Y%m%d_%H%M%S}"
    made = {f"{place}_samples_{part.task.name}.jsonl": lines(bundle, part) for part in parts}
    whole = results(bundle, parts, entries)
    return {f"{place}_results.json": (json.dumps(storable(whole), ensure_ascii=False, indent=2) + "\n").encode("utf-8"), **made}


def lines(bundle: Bundle, part: Part) -> bytes:
    """The samples of one task, one a line."""
    text = "".join(json.dumps(storable(one), ensure_ascii=False, allow_nan=False) + "\n" for one in samples(bundle, part))
    return text.encode("utf-8", "backslashreplace")


def samples(bundle: Bundle, part: Part) -> Iterator[dict[str, Any]]:
    """Every sample that was asked, as lmms-eval would have logged it."""
    metric = part.task.protocols["standard"].metrics[0]
    places = {sample.id: number for number, sample in enumerate(part.file or part.samples)}
    for row in bundle.rows(part, "standard"):
        value = value_of(metric, row)
        said = row.answer if isinstance(row.answer, str) else text_of(row.answer) if row.answer is not None else ""
        read = text_of(row.prediction) if row.prediction is not None else ""
        yield {
            "doc_id": places.get(row.sample.id, -1),
            "target": text_of(row.sample.target),
            "filtered_resps": [read],
            **({"resps": [[said]]} if said != read else {}),  # left out where both are the same, as there
            "doc_hash": hash_of(row),
            "input": row.sample.question,
            metric.name: fraction(value, metric.unit),
            "lamm_bench": {
                "id": row.sample.id,
                "status": row.status,
                "media": [{"kind": m.kind, "path": bundle.place(m), "sha256": m.sha256} for m in row.sample.media],
            },
        }


def hash_of(row: Row) -> str:
    """What tells this question from every other: its id, words and truth."""
    own = [row.sample.id, row.sample.question, text_of(row.sample.target)]
    return hashlib.sha256(json.dumps(own, ensure_ascii=False).encode("utf-8", "backslashreplace")).hexdigest()


def fraction(value: float | None, unit: str) -> float | None:
    """Shares from 0 to 1, as lmms-eval's own.

    >>> fraction(37.5, "percent"), fraction(3.0, "count"), fraction(None, "percent")
    (0.375, 3.0, None)
    """
    return value if value is None or unit != "percent" else value / 100


def results(bundle: Bundle, parts: list[Part], entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The file of all scores."""
    names, identity, model = [part.task.name for part in parts], bundle.identity, bundle.run.manifest["model"]
    shots = identity["recipe"].get("instruction", {}).get("examples", {}).get("count", 0)
    settings = ",".join(f"{key}={value}" for key, value in model["settings"].items())
    return {
        "results": {name: scores(name, entries[name]) for name in names},
        "group_subtasks": {name: [] for name in names},
        "configs": {part.task.name: {"task": part.task.name, "recipe": identity["recipe"]["name"]} for part in parts},
        "versions": {name: identity["data"][name] for name in names},
        "n-shot": dict.fromkeys(names, shots if isinstance(shots, int) else 0),
        "higher_is_better": {
            name: {metric: own["better"] == "higher" for metric, own in entries[name]["metrics"].items()} for name in names
        },
        "n-samples": {
            part.task.name: {"original": len(part.file or part.samples), "effective": len(part.samples)} for part in parts
        },
        "config": {"model": model["name"], "model_args": settings, "limit": identity["limit"], "random_seed": identity["seed"]},
        "date": bundle.when.timestamp(),
        "model_source": model["name"],
        "model_name": bundle.model,
        "task_hashes": {part.task.name: digest([sample.id for sample in part.samples]) for part in parts},
        "lamm_bench": {
            "version": __version__,
            **{key: identity.get(key) for key in ("control", "corrupt", "coordinates")},
            "counts": {name: dict(entries[name]["counts"]) for name in names},
            "ci95": {name: {metric: own.get("ci95") for metric, own in entries[name]["metrics"].items()} for name in names},
        },
    }


def scores(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """One task's figures as `metric,filter`, each with its standard error: half of the 95 % interval over 1.96."""
    found: dict[str, Any] = {"alias": name}
    for metric, own in entry["metrics"].items():
        ends = own.get("ci95")
        error = fraction((ends[1] - ends[0]) / 2 / Z95, own["unit"]) if ends else "N/A"
        found |= {f"{metric},{FILTER}": fraction(own["value"], own["unit"]), f"{metric}_stderr,{FILTER}": error}
    return found
