"""A run for Weights & Biases, as wandb itself writes it offline: `wandb sync DIR/wandb/offline-run-...` sends it when somebody wants to.

wandb (extra `wandb`) is asked for nothing else: mode `offline`, no console capture, no code, no statistics of the machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, unknown
from lamm_bench.types import FAILED

from .bundle import Bundle
from .flat import COLUMNS, cell, rows

KNOWN = ("project", "entity", "group")
QUIET = {
    "WANDB_SILENT": "true",
    "WANDB_MODE": "offline",
    "WANDB_CONSOLE": "off",
    "WANDB_DISABLE_GIT": "true",
    "WANDB_DISABLE_CODE": "true",
}


def as_wandb(bundle: Bundle) -> dict[str, bytes]:
    """The files of an offline run: config, summary with every figure, its interval and counts, and a table of all samples.

    Raises `BenchError` where wandb is missing, and for what it does not know."""
    for key in bundle.about:
        if key not in KNOWN:
            raise unknown("key of --about", key, KNOWN)
    try:
        import wandb
    except ImportError:
        raise BenchError("--to wandb needs wandb: pip install 'wandb>=0.19'") from None
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ |= QUIET
    try:
        with tempfile.TemporaryDirectory() as place:
            written(bundle, wandb, place)
            root = Path(place)
            files = sorted(
                path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and "logs" not in path.parts
            )
            return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def written(bundle: Bundle, wandb: Any, place: str) -> None:
    """Lets wandb write."""
    manifest, result = bundle.run.manifest, bundle.result()
    settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True, save_code=False)
    run = wandb.init(
        project=bundle.about.get("project", "lamm-bench"),
        entity=bundle.about.get("entity"),
        group=bundle.about.get("group"),
        name=manifest.get("name") or bundle.run.folder.name,
        dir=place,
        mode="offline",
        job_type="evaluation",
        tags=[name for name in (bundle.identity["control"], bundle.identity.get("corrupt")) if name],
        config=config_of(bundle, result),
        settings=settings,
    )
    try:
        table = wandb.Table(columns=list(COLUMNS), allow_mixed_types=True)
        for row in rows(bundle):
            table.add_data(*(cell(row[name]) if isinstance(row[name], list) else row[name] for name in COLUMNS))
        run.log({"samples": table})
        run.summary.update(summary_of(result))
    finally:
        run.finish()


def config_of(bundle: Bundle, result: Mapping[str, Any]) -> dict[str, Any]:
    """What decides how the run was asked."""
    identity, model = bundle.identity, bundle.run.manifest["model"]
    told = {
        key: result.get(key)
        for key in ("recipe", "coordinates", "control", "corrupt", "limit", "seed", "source", "identity", "readers")
    }
    return {
        "model": model["name"],
        "settings": dict(model["settings"]),
        "data": dict(identity["data"]),
        **{k: v for k, v in told.items() if v is not None},
    }


def summary_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """`task/protocol/metric` with its interval's ends, and what became of the answers."""
    found: dict[str, Any] = {}
    for entry in result["results"]:
        where = f"{entry['task']}/{entry['protocol']}"
        for name, metric in entry["metrics"].items():
            found[f"{where}/{name}"] = metric["value"]
            if metric.get("ci95"):
                found |= {f"{where}/{name}/ci95_{end}": value for end, value in zip(("low", "high"), metric["ci95"])}
        counts = entry.get("counts", {})
        found |= {f"{where}/unread": counts.get("unread", 0), f"{where}/failed": sum(counts.get(status, 0) for status in FAILED)}
    return found
