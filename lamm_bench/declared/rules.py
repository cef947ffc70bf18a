"""What the keys of a task file ask of each other, for the JSON Schema that editors read; `task.py` checks the same, in sentences.

What one key says of names elsewhere in the file (entries of `meta`, files below `get.folder`) a schema cannot tell."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from lamm_bench.media import modalities
from lamm_bench.media.point_cloud import POINT_CLOUD

from .metrics import MEASURES
from .readers import READERS

Schema = dict[str, Any]


def within(key: str, schema: Schema) -> Schema:
    """That a key is there and its value is so."""
    return {"type": "object", "required": [key], "properties": {key: schema}}


def has(*keys: str) -> Schema:
    return {"anyOf": [{"required": [key]} for key in keys]}


def sample(schema: Schema) -> Schema:
    return {"properties": {"sample": schema}}


def every(names: Iterable[str]) -> Schema:
    """That no reader is another."""
    own = {"enum": sorted(names)}
    return {"properties": {"read": {"anyOf": [own, within("values", {"type": "object", "additionalProperties": own})]}}}


def some(names: Iterable[str]) -> Schema:
    """That one of the readers is there."""
    own = {"enum": sorted(names)}
    other = {"type": "object", "additionalProperties": {"not": own}}
    return within("read", {"anyOf": [own, within("values", {"type": "object", "not": other})]})


def metric(names: Iterable[str]) -> Schema:
    own = {"enum": sorted(names)}
    return {"properties": {"metric": {"anyOf": [own, within("name", own)]}}}


def told(*keys: str) -> Schema:
    """That `metric` is a mapping with one of these keys."""
    return within("metric", {"type": "object", **has(*keys)})


def when(this: Schema, then: Schema) -> Schema:
    return {"if": this, "then": then}


def rules() -> list[Schema]:
    kinds = list(modalities().values())
    media, flat = [one.short for one in kinds], [one.short for one in kinds if one.flat]
    solid = [name for name in media if name not in flat]
    clouds = [one.short for one in kinds if one.name == POINT_CLOUD]
    boxed = [name for name, own in READERS.items() if own.target in ("box", "boxes")] + ["located"]
    lettered = [name for name, own in READERS.items() if own.target == "choice"]
    groups = ("by", "macro", "together", "at_least", "blanks")
    return [
        *(sample({"not": {"required": list(pair)}}) for pair in combinations(media, 2)),
        when(within("sample", has("encoding", "folder", "interleave")), sample(has(*media))),
        when(within("sample", has("draw")), sample(has(*flat))),
        when(within("sample", within("encoding", {"const": "scannet"})), sample(has(*clouds))),
        {"if": some(lettered), "then": sample(has("choices")), "else": sample({"not": has("choices")})},
        {
            "if": some(["located"]),
            "then": {**every(["located"]), **within("sample", has("box"))},
            "else": sample({"not": has("box")}),
        },
        when(within("sample", has("form", "scale")), some(boxed)),
        when(within("sample", {**has(*solid), **within("form", {})}), sample(within("form", {"enum": ["centre", "corners"]}))),
        when(within("sample", {"not": has(*solid)}), sample({"properties": {"form": {"enum": ["xyxy", "xywh", "cxcywh"]}}})),
        *(
            when(within("metric", {"anyOf": [{"const": name}, within("name", {"const": name})]}), every(own.readers))
            for name, own in MEASURES.items()
        ),
        when(told("at"), {"anyOf": [metric(["iou", "f1_boxes"]), some(["located"])]}),
        when(told("words", "blanks"), metric(["contains"])),
        when(told("also"), metric(["exact", "contains"])),
        when(
            within(
                "metric", within("also", {"anyOf": [{"const": "f_value"}, {"type": "array", "contains": {"const": "f_value"}}]})
            ),
            metric(["exact"]),
        ),
        when(told("macro", "together", "at_least"), metric(name for name, own in MEASURES.items() if own.right)),
        when(told(*groups), within("sample", has("meta"))),
    ]
