"""The form of a result: `result.json` of a run or a judgement, read again with every type looked at, because strangers send them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError

from .files import read_json
from .runs import FORMAT


def read_result(path: Path) -> dict[str, Any]:
    """A result whose parts have the form that they should. Raises `BenchError` naming what has not."""
    data = read_json(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        found = data.get("format") if isinstance(data, dict) else type(data).__name__
        raise BenchError(f"{path} has format {found}, this version reads {FORMAT}")
    where = str(path)
    if not isinstance(data.get("results"), list):
        raise wrong(where, "results", data.get("results"), "a list")
    for number, entry in enumerate(data["results"]):
        check_entry(entry, where, f"results[{number}]")
    for key in ("skipped", "unavailable"):
        each(data.get(key, {}), is_text, where, key, "texts")
    if not is_text(data.get("alarm", "")):
        raise wrong(where, "alarm", data["alarm"], "a text")
    return data


def check_entry(entry: Any, where: str, key: str) -> None:
    """One task under one protocol."""
    if not isinstance(entry, Mapping):
        raise wrong(where, key, entry, "an object")
    for name in ("task", "protocol"):
        if not is_text(entry.get(name)):
            raise wrong(where, f"{key}.{name}", entry.get(name), "a text")
    each(entry.get("counts", {}), lambda value: is_number(value) and value == int(value), where, f"{key}.counts", "whole numbers")
    each(entry.get("references", {}), lambda value: value is None or is_number(value), where, f"{key}.references", "numbers")
    if not isinstance(entry.get("notes", []), list) or not all(map(is_text, entry.get("notes", []))):
        raise wrong(where, f"{key}.notes", entry["notes"], "a list of texts")
    each(entry.get("metrics"), lambda value: isinstance(value, Mapping), where, f"{key}.metrics", "objects")
    for name, metric in entry["metrics"].items():
        check_metric(metric, where, f"{key}.metrics.{name}")
    if entry.get("calibration"):
        check_calibration(entry["calibration"], where, f"{key}.calibration")


def check_calibration(found: Any, where: str, key: str) -> None:
    """How sure the answers were and how often they were right (measure/sure.py)."""
    if not isinstance(found, Mapping):
        raise wrong(where, key, found, "an object")
    for name in ("equal mass", "equal width", "Brier"):
        if not isinstance(found.get(name), Mapping):
            raise wrong(where, f"{key}.{name}", found.get(name), "an object")
        check_metric(found[name], where, f"{key}.{name}")
    for name in ("confidence", "accuracy"):
        if not is_number(found.get(name)):
            raise wrong(where, f"{key}.{name}", found.get(name), "a number")
    bins = found.get("bins")
    if not isinstance(bins, list):
        raise wrong(where, f"{key}.bins", bins, "a list")
    for number, own in enumerate(bins):
        each(own, is_number, where, f"{key}.bins[{number}]", "numbers")
        if set(own) != {"n", "confidence", "accuracy"}:
            raise wrong(where, f"{key}.bins[{number}]", own, "n, confidence and accuracy")


def check_metric(metric: Mapping[str, Any], where: str, key: str) -> None:
    """One number with everything needed to judge it."""
    value = metric.get("value")
    if "value" not in metric:
        raise wrong(where, key, metric, "an object with a value")
    if value is not None and not is_number(value):
        raise wrong(where, f"{key}.value", value, "a number or null")
    for name in ("ci95", "bounds"):
        pair = metric.get(name)
        if pair is not None and not (isinstance(pair, list) and len(pair) == 2 and all(map(is_number, pair))):
            raise wrong(where, f"{key}.{name}", pair, "two numbers or null")
    for name in ("n", "clusters"):
        if name in metric and not is_number(metric[name]):
            raise wrong(where, f"{key}.{name}", metric[name], "a number")
    for name in ("unit", "better", "note"):
        if name in metric and not is_text(metric[name]):
            raise wrong(where, f"{key}.{name}", metric[name], "a text")


def each(values: Any, check: Callable[[Any], bool], where: str, key: str, kind: str) -> None:
    """Raises `BenchError` unless `values` is an object whose values pass the check."""
    if not isinstance(values, Mapping):
        raise wrong(where, key, values, f"an object of {kind}")
    for name, value in values.items():
        if not check(value):
            raise wrong(where, f"{key}.{name}", value, kind)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def wrong(where: str, key: str, value: Any, expected: str) -> BenchError:
    return BenchError(f"{where}: `{key}` is {str(value)[:60]!r}, expected {expected}: the file is damaged or edited")
