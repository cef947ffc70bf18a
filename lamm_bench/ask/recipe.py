"""Recipes: YAML of exactly four keys, `scenario` x `instruction` x `inferencer` x `metric` (ChEF's idea, arXiv 2311.02692).

Every key a recipe may hold is a field of a dataclass here or of an inferencer; any other key is refused with the nearest
known one, because upstream's builder swallowed typos and asked with another prompt than the one configured."""

from __future__ import annotations

import contextlib
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from lamm_bench.errors import BenchError, unknown
from lamm_bench.lamm.layouts import LAYOUTS
from lamm_bench.loading import parse_yaml, read_text
from lamm_bench.read.conventions import known
from lamm_bench.types import to_json

from .examples import Examples, check_examples
from .inferencers import INFERENCERS, Inferencer, Likelihood
from .instruction import prompt_file
from .pools import is_path, pool_file, pool_of, split
from .verbalizers import verbalizers

PROTOCOLS = ("standard", "classic", "chef")
BEHIND = " with "  # between a recipe's own name and what was overridden in it
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
    examples: Examples = field(default_factory=Examples)  # solved samples that stand before each question
    prompt: int | str | None = (
        None  # a prompt of the pool by its number, or `seed`: drawn by seed and sample; none: the question alone
    )
    answer: int | None = None  # an answer template of the pool by its number; none: the option alone
    pool: str = ""  # a pool file by name or path, a pool of it behind a colon; empty: the task's own pool of ours
    defined_prompt: tuple[str, ...] = ()  # own text in place of a prompt; two for turns: the first question, and later ones
    defined_template: tuple[str, ...] = ()  # own text in place of an answer template, `{option}` in it; two for turns
    verbalizer: str = ""  # other words for the options, with a sentence for each (verbalizers.py)


UNSAID = {
    key: value
    for key, value in to_json(Instruction()).items()
    if key not in ("prompts", "template", "layout")  # which have stood in every run's identity from the beginning
}
"""Settings that are no part of a run's identity where they are as here: runs of before they were known go on."""


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
    _made: dict[str, Inferencer] = field(default_factory=dict, init=False, repr=False, compare=False)  # by task, once each

    @property
    def base(self) -> str:
        """The name without what was overridden."""
        return self.name.partition(BEHIND)[0]

    def inferencer_for(self, task: str) -> Inferencer:
        """The inferencer of a task: the recipe's own, or what its `tasks` says for this one."""
        if task not in self._made:
            settings = {key: value for key, value in self.inferencer.items() if key != "tasks"}
            settings = dict(self.inferencer.get("tasks", {}).get(task, settings))
            self._made[task] = make_inferencer(settings, f"recipe {self.name}")
        return self._made[task]

    def identity(self) -> dict[str, Any]:
        """What an answer depends on: all but the metrics, which are derived from records as often as we like.

        A prompt file of the user's own counts by its texts, since it may change between two runs."""
        named = self.instruction.prompts
        own = {"texts": to_json(prompt_file(named).system)} if named.endswith((".yaml", ".yml")) else {}
        worded = {key: value for key, value in to_json(self.instruction).items() if key not in UNSAID or value != UNSAID[key]}
        worded.pop("examples", None)  # of none nothing is said
        if self.instruction.examples.count:
            worded["examples"] = to_json(self.instruction.examples.identity())
        if is_path(split(self.instruction.pool)[0]):
            own |= {"pools": to_json(pool_file(split(self.instruction.pool)[0]))}
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
    if hint is Any:  # several forms; `check` looks
        return value
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None or (value == "none" and type(None) in arguments and str not in arguments):
            return None
        kinds = [a for a in arguments if a is not type(None)]
        for kind in kinds[:-1]:  # a number, or else a text
            with contextlib.suppress(BenchError):
                return convert(value, kind, where)
        return convert(value, kinds[-1], where)
    if origin is typing.Literal:
        if value not in arguments:
            raise unknown(f"value of {where}", str(value), [str(a) for a in arguments])
        return value
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return build(hint, value, where)
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
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise BenchError(f"{where} is {value!r}, expected a mapping with the keys {', '.join(f.name for f in fields(hint))}")
        return build(hint, value, where)
    if isinstance(hint, type) and not isinstance(value, hint):
        raise BenchError(f"{where} is {value!r}, expected {hint.__name__}")
    return value


def parse_recipe(text: str, name: str, file: str = "") -> Recipe:
    """A recipe from YAML. Raises `BenchError` naming the key that is wrong."""
    return recipe_of(parse_yaml(text, f"recipe {file or name}"), name)


def recipe_of(data: Any, name: str) -> Recipe:
    """A recipe from a mapping of its four keys."""
    where = f"recipe {name}"
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
    check_examples(recipe.instruction.examples, where)
    check_words(recipe.instruction, where)
    for protocol in recipe.metric.protocols:
        if protocol not in PROTOCOLS:
            raise unknown(f"protocol in {where}", protocol, PROTOCOLS)
    overrides = recipe.inferencer.get("tasks", {})
    if not isinstance(overrides, dict) or not all(isinstance(value, dict) for value in overrides.values()):
        raise BenchError(f"{where}: `tasks` of the inferencer must map task names to inferencers")
    for task in ("", *overrides):
        asker: Any = recipe.inferencer_for(task)
        if recipe.instruction.verbalizer and not isinstance(asker, Likelihood):
            raise BenchError(f"{where}: `verbalizer` goes with the inferencer likelihood, since nobody reads its words in a text")
        if getattr(asker, "temperature", 0.0) < 0 or not 0 < getattr(asker, "top_p", 1.0) <= 1:
            raise BenchError(f"{where}: `temperature` must not be below 0, and `top_p` lies above 0 and up to 1")


def check_words(own: Instruction, where: str) -> None:
    """Whether prompts, templates and verbalizer of an instruction can be what they say; which numbers there are, a task's pool tells."""
    if isinstance(own.prompt, str) and own.prompt != "seed":
        raise BenchError(f"{where}: `prompt` is {own.prompt!r}, expected the number of a prompt, or seed")
    for key, given in (("prompt", own.prompt), ("answer", own.answer)):
        if isinstance(given, int) and given < 0:
            raise BenchError(f"{where}: `{key}` is {given}, expected a number from 0 on")
    for key, replaced, other, texts in (
        ("defined_prompt", "prompt", own.prompt, own.defined_prompt),
        ("defined_template", "answer", own.answer, own.defined_template),
    ):
        if len(texts) > 2:
            raise BenchError(f"{where}: `{key}` holds {len(texts)} texts, expected one, or two for questions in turns")
        if texts and other is not None:
            raise BenchError(
                f"{where}: `{key}` and `{replaced}` exclude each other; leave one of them out (instruction.{replaced}=null)"
            )
    for text in own.defined_template:
        if "{option}" not in text:
            raise BenchError(f"{where}: `defined_template` {text!r} has no {{option}}, where the option is to stand")
    if own.verbalizer and own.verbalizer not in verbalizers():
        raise unknown(f"verbalizer in {where}", own.verbalizer, verbalizers())
    if own.pool and is_path(split(own.pool)[0]):
        pool_of(own.pool, "")


def load_recipe(path: Path, name: str) -> Recipe:
    """A recipe from a file."""
    return parse_recipe(read_text(path), name, str(path))
