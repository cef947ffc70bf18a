"""Recipes: YAML of exactly four keys, `scenario` x `instruction` x `inferencer` x `metric` (ChEF's idea, arXiv 2311.02692).

Every key a recipe may hold is a field of a dataclass here or of an inferencer; any other key is refused with the nearest
known one, because upstream's builder swallowed typos and asked with another prompt than the one configured."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from lamm_bench.errors import BenchError, unknown
from lamm_bench.lamm.layouts import LAYOUTS
from lamm_bench.loading import parse_yaml, read_text
from lamm_bench.read.conventions import known
from lamm_bench.types import to_json

from .inferencers import INFERENCERS, Inferencer
from .instruction import prompt_file

PROTOCOLS = ("standard", "classic", "chef")
T = TypeVar("T")


@dataclass(frozen=True)
class Scenario:
    """What is asked about."""

    tasks: tuple[str, ...] = ("all",)  # names or groups that the recipe is made for; others are skipped with the reason
    image_transform: str = "squash"  # what the LAMM model does to an image: `squash` or `crop` (reference 3.3)
    draws: Literal["own", "upstream"] = "own"  # options that a task draws: by the sample's id, or in upstream's order


@dataclass(frozen=True)
class Instruction:
    """How a question is worded."""

    prompts: str = "standard"  # a prompt file by name or path, or `none`
    template: str = "{question}"  # wraps the item's own question; `{options}`: its options, one a line, (A) first
    coordinates: str = "fractions"  # a convention of places, or `native`: each model's own, in its own words
    layout: str = (
        "training"  # how LAMM's conversations are written: `training` (as it was trained), `classic` (reference 3.5) ...
    )


@dataclass(frozen=True)
class MetricChoice:
    """How answers are scored; `standard` leads every table."""

    protocols: tuple[str, ...] = PROTOCOLS


@dataclass(frozen=True)
class Recipe:
    """One way to ask and score. `identity()` is everything that can move an answer."""

    name: str
    scenario: Scenario = field(default_factory=Scenario)
    instruction: Instruction = field(default_factory=Instruction)
    inferencer: Mapping[str, Any] = field(default_factory=lambda: {"name": "direct"})  # settings; `tasks` overrides by task
    metric: MetricChoice = field(default_factory=MetricChoice)

    def inferencer_for(self, task: str) -> Inferencer:
        """The inferencer of a task: the recipe's own, or what its `tasks` says for this one."""
        settings = {key: value for key, value in self.inferencer.items() if key != "tasks"}
        settings = dict(self.inferencer.get("tasks", {}).get(task, settings))
        return make_inferencer(settings, f"recipe {self.name}")

    def identity(self) -> dict[str, Any]:
        """What an answer depends on: all but the metrics, which are derived from records as often as we like.

        A prompt file of the user's own counts by its texts, since it may change between two runs."""
        named = self.instruction.prompts
        own = {"texts": to_json(prompt_file(named).system)} if named.endswith((".yaml", ".yml")) else {}
        worded = {key: value for key, value in to_json(self.instruction).items() if (key, value) != ("coordinates", "fractions")}
        return {
            "name": self.name,
            "scenario": {key: value for key, value in to_json(self.scenario).items() if (key, value) != ("draws", "own")},
            "instruction": {**worded, **own},
            "inferencer": to_json(self.inferencer),
        }


def make_inferencer(settings: Mapping[str, Any], where: str) -> Inferencer:
    """The inferencer that `settings` names, with its other keys as fields."""
    rest = dict(settings)
    name = rest.pop("name", None)
    if not isinstance(name, str):
        raise BenchError(f"{where}: inferencer needs a `name`, one of {', '.join(sorted(INFERENCERS))}")
    if name not in INFERENCERS:
        raise unknown("inferencer", name, INFERENCERS)
    return typing.cast(Inferencer, build(INFERENCERS[name], rest, f"inferencer {name} in {where}"))


def build(cls: type[T], data: Mapping[str, Any], where: str) -> T:
    """An instance of a dataclass from a mapping; unknown keys, missing keys and wrong types are refused."""
    known = {f.name: f for f in fields(cls) if f.init}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls)
    values = {}
    for key, value in data.items():
        if key not in known:
            raise unknown(f"key of {where}", str(key), known)
        values[key] = convert(value, hints[key], f"{where}: `{key}`")
    for name, spec in known.items():
        if name not in values and spec.default is MISSING and spec.default_factory is MISSING:
            raise BenchError(f"{where} needs `{name}`")
    return cls(**values)


def convert(value: Any, hint: Any, where: str) -> Any:
    """`value` as the type that a field's annotation names. Text from the command line becomes numbers and booleans."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None or (value == "none" and type(None) in arguments and str not in arguments):
            return None
        return convert(value, next(a for a in arguments if a is not type(None)), where)
    if origin is typing.Literal:
        if value not in arguments:
            raise unknown(f"value of {where}", str(value), [str(a) for a in arguments])
        return value
    if origin is tuple or hint is tuple:
        parts = [value] if isinstance(value, str) else value
        if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
            raise BenchError(f"{where} is {value!r}, expected a list of texts")
        return tuple(parts)
    if hint is bool and isinstance(value, str):
        if value.lower() in ("true", "yes", "1", "false", "no", "0"):
            return value.lower() in ("true", "yes", "1")
        raise BenchError(f"{where} is {value!r}, expected true or false")
    if hint in (int, float) and isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = hint(value)
            if not math.isfinite(number) or (isinstance(value, float) and number != value):
                raise ValueError
            return number
        except (ValueError, OverflowError):
            raise BenchError(f"{where} is {value!r}, expected {'a whole number' if hint is int else 'a number'}") from None
    if isinstance(hint, type) and not isinstance(value, hint):
        raise BenchError(f"{where} is {value!r}, expected {hint.__name__}")
    return value


def parse_recipe(text: str, name: str, file: str = "") -> Recipe:
    """A recipe from YAML. Raises `BenchError` naming the key that is wrong."""
    where = f"recipe {name}"
    data = parse_yaml(text, f"recipe {file or name}")
    keys = ("scenario", "instruction", "inferencer", "metric")
    if not isinstance(data, dict):
        raise BenchError(f"{where} must be a mapping with the keys {', '.join(keys)}")
    for key, value in data.items():
        if key not in keys:
            raise unknown(f"key of {where}", str(key), keys)
        if not isinstance(value, dict):
            raise BenchError(f"{where}: `{key}` is {value!r}, expected a mapping")
    missing = [key for key in keys if key not in data]
    if missing:
        raise BenchError(f"{where} has no `{missing[0]}`; a recipe has the four keys {', '.join(keys)}")
    recipe = Recipe(
        name,
        build(Scenario, data["scenario"], f"scenario in {where}"),
        build(Instruction, data["instruction"], f"instruction in {where}"),
        data["inferencer"],
        build(MetricChoice, data["metric"], f"metric in {where}"),
    )
    check(recipe)
    return recipe


def check(recipe: Recipe) -> None:
    """Refuses values that would only fail in the middle of a run."""
    where = f"recipe {recipe.name}"
    if recipe.scenario.image_transform not in ("squash", "crop"):
        raise unknown(f"image_transform in {where}", recipe.scenario.image_transform, ["squash", "crop"])
    if recipe.instruction.layout not in LAYOUTS:
        raise unknown(f"layout in {where}", recipe.instruction.layout, LAYOUTS)
    if recipe.instruction.coordinates not in ("native", *known()):
        raise unknown(f"coordinates in {where}", recipe.instruction.coordinates, ("native", *known()))
    for protocol in recipe.metric.protocols:
        if protocol not in PROTOCOLS:
            raise unknown(f"protocol in {where}", protocol, PROTOCOLS)
    overrides = recipe.inferencer.get("tasks", {})
    if not isinstance(overrides, dict) or not all(isinstance(value, dict) for value in overrides.values()):
        raise BenchError(f"{where}: `tasks` of the inferencer must map task names to inferencers")
    for task in ("", *overrides):
        asker: Any = recipe.inferencer_for(task)
        if getattr(asker, "temperature", 0.0) < 0 or not 0 < getattr(asker, "top_p", 1.0) <= 1:
            raise BenchError(f"{where}: `temperature` must not be below 0, and `top_p` lies above 0 and up to 1")


def load_recipe(path: Path, name: str) -> Recipe:
    """A recipe from a file."""
    return parse_recipe(read_text(path), name, str(path))
