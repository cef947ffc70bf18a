"""One setting of a recipe, said otherwise for one run: `--override instruction.prompt=3`.

What comes out is checked as a recipe is, and is called by what was changed, so that its figures are never taken for the recipe's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import yaml

from lamm_bench.errors import BenchError
from lamm_bench.types import to_json

from .recipe import BEHIND, Recipe, recipe_of

SECTIONS = ("scenario", "instruction", "inferencer", "metric")


def overridden(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """The recipe with each `path=value` put in its place, the last of equal paths; the same recipe where nothing changes.

    Raises `BenchError` for what is no path to a setting, or no value of it."""
    wanted = dict(path_and_value(text) for text in overrides)
    data = {section: to_json(getattr(recipe, section)) for section in SECTIONS}
    before = recipe_of(deepcopy(data), recipe.base)
    changed = {}
    for path in sorted(wanted, key=lambda path: (wanted[path] != "null", path)):  # what gives way to another setting goes first
        put(data, path, wanted[path])
        after = recipe_of(deepcopy(data), recipe.base)  # each for itself, so that the fault of one is told as its own
        if after != before:
            changed[path] = wanted[path]
        before = after
    if not changed:
        return recipe
    return recipe_of(data, recipe.base + BEHIND + ", ".join(f"{path}={value}" for path, value in sorted(changed.items())))


def path_and_value(text: str) -> tuple[str, str]:
    """
    >>> path_and_value("inferencer.turns = [a, b]")
    ('inferencer.turns', '[a, b]')
    """
    path, equals, value = text.partition("=")
    path = path.strip()
    if not equals or path.partition(".")[0] not in SECTIONS or not all(path.split(".")) or "." not in path:
        raise BenchError(
            f"--override {text}: expected a setting's path and value, such as instruction.prompt=3; a path begins with "
            f"one of {', '.join(f'{section}.' for section in SECTIONS)}"
        )
    return path, value.strip()


def put(data: dict[str, Any], path: str, text: str) -> None:
    """Puts a value into nested mappings; those that are missing on the way are made."""
    *above, last = path.split(".")
    place = data
    for number, name in enumerate(above):
        inner = place.get(name)
        if inner is None:
            inner = place[name] = {}
        if not isinstance(inner, dict):
            raise BenchError(f"--override {path}: {'.'.join(above[: number + 1])} is {inner!r}, which has no settings of its own")
        place = inner
    place[last] = read_value(text, typed=above[0] != "inferencer")


def read_value(text: str, typed: bool) -> Any:
    """A value as YAML has it, but texts with braces stay texts. Where a field's type says what is meant, only lists and null are read here.

    >>> read_value("3", True), read_value("3", False), read_value("[a, '1']", True), read_value("{question}!", False)
    ('3', 3, ['a', '1'], '{question}!')
    """
    if typed and not text.startswith("["):
        return None if text == "null" else text
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text
    return text if isinstance(value, Mapping) or (value is None and text != "null") else value
