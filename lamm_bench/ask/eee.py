"""A run as records of Every Eval Ever 0.3: one file of all scores, and one line for each sample.

The keys are those of its two schemas (`eval.schema.json`, `instance_level_eval.schema.json` of the package every-eval-ever 0.3.0), against
which tests validate. The schemas have no place for media: those are named in each sample's metadata."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from lamm_bench.errors import BenchError, unknown
from lamm_bench.keep.files import digest, storable
from lamm_bench.read import READERS
from lamm_bench.types import FAILED, Row
from lamm_bench.version import __version__

from .bundle import Bundle, Part
from .flat import text_of, value_of

VERSION = "0.3.0"
NAME = "lamm-bench"
RELATIONS = ("first_party", "third_party", "collaborative", "other")
KNOWN = ("organization", "relationship", "model_id", "developer", "deployment_type", "model_availability")


def every_eval_ever(bundle: Bundle) -> dict[str, bytes]:
    """`data/lamm-bench/<developer>/<model>/<uuid>.json` and `<uuid>_samples.jsonl`; the same run gives the same names and bytes."""
    for key in bundle.about:
        if key not in KNOWN:
            raise unknown("key of --about", key, KNOWN)
    relation = bundle.about.get("relationship", "other")
    if relation not in RELATIONS:
        raise BenchError(f"--about relationship={relation}: expected {', '.join(RELATIONS)}")
    model = model_info(bundle)
    developer, name = (clean(part) for part in (model["developer"], model["id"].rpartition("/")[2]))
    seed = digest([bundle.run.manifest["identity"], bundle.when.isoformat()], 32)
    place = f"data/{NAME}/{developer}/{name}/{uuid.UUID(hex=seed, version=4)}"
    stamp = str(int(bundle.when.timestamp()))
    about = {"schema_version": VERSION, "evaluation_id": f"{NAME}/{model['id']}/{stamp}"}
    lines = [json.dumps(storable(line), ensure_ascii=False, allow_nan=False) for line in samples(bundle, about, model["id"])]
    detailed = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
    whole = {
        **about,
        "evaluation_timestamp": stamp,
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_name": NAME,
            "source_type": "evaluation_run",
            "source_organization_name": bundle.about.get("organization", "unknown"),
            "evaluator_relationship": relation,
        },
        "eval_library": {"name": NAME, "version": __version__},
        "model_info": model,
        "evaluation_results": list(results(bundle)),
        "detailed_evaluation_results": {
            "format": "jsonl",
            "file_path": f"{place}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(detailed).hexdigest(),
            "total_rows": len(lines),
        },
    }
    text = json.dumps(storable(whole), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    return {f"{place}.json": text.encode("utf-8", "backslashreplace"), f"{place}_samples.jsonl": detailed}


def clean(name: str) -> str:
    """A name that can be one folder of a path."""
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in name).strip(".") or "unknown"


def model_info(bundle: Bundle) -> dict[str, Any]:
    """The model by its name on the hub where the run was given one; of a folder its last part, under nobody's name."""
    model, name = bundle.run.manifest["model"], bundle.model
    owner, _, rest = name.partition("/")
    known = bool(owner and rest) and "/" not in rest
    own = bundle.about.get("model_id") or (name if known else f"unknown/{clean(name.rstrip('/').rpartition('/')[2])}")
    settings = {str(key): text_of(value) for key, value in model["settings"].items()}
    return {
        "name": str(bundle.run.manifest.get("name") or name),
        "id": own,
        "developer": bundle.about.get("developer") or own.partition("/")[0],
        "additional_details": {
            "deployment_type": bundle.about.get("deployment_type", "unknown"),
            "model_availability": bundle.about.get("model_availability", "unknown"),
            "adapter": str(model["name"]),
            "fingerprint": bundle.identity["model"]["fingerprint"],
            **{f"setting {key}": value for key, value in settings.items()},
        },
    }


def results(bundle: Bundle) -> Iterator[dict[str, Any]]:
    """Every metric that has a value."""
    told, identity = bundle.result(), bundle.identity
    asked = {part.task.name for part in bundle.parts}
    inferencer = identity["recipe"].get("inferencer", {})
    arguments = {key: inferencer[key] for key in ("temperature", "top_p") if isinstance(inferencer.get(key), int | float)}
    circumstances = {
        key: text_of(identity[key]) for key in ("limit", "seed", "control", "corrupt") if identity.get(key) is not None
    }
    config = {
        "generation_args": arguments,
        "additional_details": {
            "recipe": identity["recipe"]["name"],
            "recipe_digest": digest(identity["recipe"]),
            **circumstances,
        },
    }
    for entry in told["results"]:
        if entry["task"] not in asked:
            continue
        source = {"digest": str(told["data"].get(entry["task"], "")), "met_as": str(bundle.run.manifest["source"])}
        for name, metric in entry["metrics"].items():
            if metric["value"] is not None:
                yield {
                    "evaluation_result_id": f"{entry['task']}/{entry['protocol']}/{name}",
                    "evaluation_name": entry["task"],
                    "source_data": {"dataset_name": entry["task"], "source_type": "other", "additional_details": source},
                    "metric_config": metric_config(name, metric, entry["protocol"]),
                    "score_details": score_details(metric, entry["counts"]),
                    "generation_config": config,
                }


def metric_config(name: str, metric: Mapping[str, Any], protocol: str) -> dict[str, Any]:
    """Its range where it has one: shares lie between 0 and 100, errors have no upper end."""
    span: dict[str, Any] = {}
    if metric["unit"] == "percent" and metric["better"] == "higher":
        span = {"score_type": "continuous", "min_score": 0, "max_score": 100}
    return {
        "metric_id": name,
        "metric_name": name,
        "metric_unit": metric["unit"],
        "lower_is_better": metric["better"] == "lower",
        **span,
        "additional_details": {"protocol": protocol},
    }


def score_details(metric: Mapping[str, Any], counts: Mapping[str, int]) -> dict[str, Any]:
    details = {f"samples {key}": str(value) for key, value in counts.items()}
    if metric.get("bounds"):
        details["bounds"] = json.dumps(metric["bounds"])
    if metric.get("note"):
        details["note"] = str(metric["note"])
    found: dict[str, Any] = {"score": metric["value"], "details": details}
    if metric.get("ci95"):
        low, high = metric["ci95"]
        interval = {"lower": low, "upper": high, "confidence_level": 0.95, "method": "jackknife by image or room"}
        found["uncertainty"] = {"confidence_interval": interval, "num_samples": int(metric["n"])}
    return found


def samples(bundle: Bundle, about: Mapping[str, str], model: str) -> Iterator[dict[str, Any]]:
    """A line for each answered sample, by the headline of the run's first protocol; those without an answer are in the counts alone."""
    for part in bundle.parts:
        protocol = next((name for name in ("standard", *bundle.run.manifest["protocols"]) if name in part.task.protocols), "")
        metric = part.task.protocols[protocol].metrics[0]
        for row in bundle.rows(part, protocol):
            value = value_of(metric, row)
            if row.status not in FAILED and value is not None:
                right = value >= 100 - 1e-9 if metric.better == "higher" and metric.unit == "percent" else value == 0
                yield {
                    **about,
                    "model_id": model,
                    "evaluation_name": part.task.name,
                    "evaluation_result_id": f"{part.task.name}/{protocol}/{metric.name}",
                    **one(bundle, part, row),
                    "evaluation": {"score": value, "is_correct": bool(right)},
                }


def one(bundle: Bundle, part: Part, row: Row) -> dict[str, Any]:
    """What was asked, said and read of one sample."""
    sample, record = row.sample, part.ledger.ended.get(row.sample.id)
    truth, said = text_of(sample.target), text_of(row.answer) if row.answer is not None else ""
    media = {f"media {place}": f"{m.kind} {bundle.place(m)} {m.sha256}".strip() for place, m in enumerate(sample.media)}
    return {
        "sample_id": sample.id,
        "sample_hash": hashlib.sha256((sample.question + truth).encode("utf-8", "backslashreplace")).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": sample.question, "reference": [truth], "choices": list(sample.choices) or None},
        "output": {"raw": [said]},
        "answer_attribution": [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": text_of(row.prediction) if row.prediction is not None else "",
                "extraction_method": f"{NAME} readers {READERS}",
                "is_terminal": True,
            }
        ],
        "performance": {"latency_ms": 1000 * record.seconds} if record is not None else None,
        "metadata": {"status": row.status, **media},
    }
