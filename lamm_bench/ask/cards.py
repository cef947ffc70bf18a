"""A run as `.eval_results/*.yaml`, the files by which model cards of the Hugging Face hub show scores.

Their keys are those of huggingface_hub 2.4's `eval_result_entries_to_yaml`: `dataset` (`id`, `task_id`), `value`, `date`, `source` (`url`,
`name`, `user`, `org`), `notes`."""

from __future__ import annotations

from typing import Any

import yaml

from lamm_bench.errors import BenchError, unknown
from lamm_bench.version import __version__

from .bundle import Bundle

SOURCE = ("url", "name", "user", "org")


def eval_results(bundle: Bundle) -> dict[str, bytes]:
    """`.eval_results/lamm-bench.yaml` with the `standard` headline of each task whose data set on the hub the user names. Raises
    `BenchError` where none is named, a name is no task's, or a source has no address."""
    tasks = [part.task.name for part in bundle.parts]
    for key in bundle.about:
        if key not in (*SOURCE, *tasks):
            raise unknown("key of --about", key, (*SOURCE, *tasks))
    source = {key: bundle.about[key] for key in SOURCE if key in bundle.about}
    if source and "url" not in source:
        raise BenchError("--about: a source needs its url, as in --about url=https://example.org/run")
    entries = [
        entry_of(bundle, result, source)
        for result in bundle.result()["results"]
        if result["protocol"] == "standard" and result["task"] in bundle.about and headline(result)["value"] is not None
    ]
    if not entries:
        raise BenchError(
            f"--to hf-eval-results: name the data set of a task on the hub, as in --about {tasks[0]}=owner/dataset:task_id; "
            "scores without one cannot be shown there"
        )
    text = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True)
    return {".eval_results/lamm-bench.yaml": text.encode()}


def headline(result: dict[str, Any]) -> dict[str, Any]:
    return dict(next(iter(result["metrics"].values())))


def entry_of(bundle: Bundle, result: dict[str, Any], source: dict[str, str]) -> dict[str, Any]:
    """One score: its data set, and in the notes what is needed to judge it."""
    dataset, _, task = bundle.about[result["task"]].partition(":")
    if dataset.count("/") != 1 or not all(dataset.split("/")):
        raise BenchError(
            f"--about {result['task']}={bundle.about[result['task']]}: expected owner/dataset or owner/dataset:task_id"
        )
    name, metric, identity = next(iter(result["metrics"])), headline(result), bundle.identity
    ends = metric.get("ci95")
    told = [
        f"{name} in {metric['unit']}, {metric['better']} is better",
        *([f"95 % interval {ends[0]:.2f} to {ends[1]:.2f}"] if ends else []),
        f"{result['counts']['expected']} samples"
        + (f" (limit {identity['limit']}, seed {identity['seed']})" if identity["limit"] else ""),
        f"recipe {identity['recipe']['name']}",
        *([f"control {identity['control']}"] if identity["control"] else []),
        *([f"corrupted by {identity['corrupt']}"] if identity.get("corrupt") else []),
        f"lamm-bench {__version__}",
    ]
    return {
        "dataset": {"id": dataset, "task_id": task or "default"},
        "value": round(float(metric["value"]), 4),
        "date": bundle.when.isoformat(timespec="seconds"),
        **({"source": source} if source else {}),
        "notes": "; ".join(told),
    }
