"""What lmms-eval's task files say, as far as it can be read without running any of their code: facts of the functions that they name.

The functions are parsed and followed through the package; columns are what they take from `doc`, and what they do is told by the names that
they use. So each fact is an estimate."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DEEPEST = 6  # functions that are followed into each other


class Loader(yaml.SafeLoader):
    """Reads `!function module.name` as a text."""


Loader.add_constructor("!function", lambda loader, node: Function(loader.construct_scalar(node)))


class Function(str):
    """`module.name`, relative to the file that names it."""


@dataclass(frozen=True)
class Facts:
    """What a function and those that it calls look at."""

    columns: tuple[str, ...] = ()  # of `doc`, in the order in which they are named
    words: frozenset[str] = frozenset()  # names and attributes
    source: str = ""


@dataclass(frozen=True)
class Task:
    """One leaf task: its keys, and the facts of its functions."""

    name: str
    folder: str
    keys: dict[str, Any]
    visual: Facts
    text: Facts
    target: Facts
    score: Facts  # of `process_results` and the aggregations
    target_column: str = ""
    prompts: tuple[str, str] = ("", "")
    metrics: tuple[str, ...] = field(default=())

    @property
    def modality(self) -> str:
        said = self.visual.source.lower()
        if not said or (not self.visual.columns and "return []" in said):
            return "text"
        if re.search(r"video|\.mp4|decord|num_frames", said):
            return "video"
        if re.search(r"audio|\.wav|sampling_rate", said):
            return "audio"
        return "image"


def leaves(root: Path) -> Iterator[Task]:
    """Every leaf task below lmms-eval's `tasks` folder."""
    for path in sorted(root.rglob("*.yaml")):
        keys = merged(path)
        if isinstance(keys.get("task"), str):
            yield task_of(path, keys)


def merged(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A file's keys over those of the files that it includes."""
    try:
        own = yaml.load(path.read_text(), Loader)  # a SafeLoader with one tag more
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return {}
    if not isinstance(own, dict):
        return {}
    found: dict[str, Any] = {}
    named = own.pop("include", [])
    for one in [named] if isinstance(named, str) else named:
        other = (path.parent / one).resolve()
        if other not in seen and other != path:
            found |= merged(other, (*seen, path))
    return {**found, **own}


def task_of(path: Path, keys: dict[str, Any]) -> Task:
    def facts(*names: str) -> Facts:
        return joined([facts_of(path.parent, str(keys[name])) for name in names if isinstance(keys.get(name), Function)])

    visual = facts("doc_to_visual") if "doc_to_visual" in keys else facts("doc_to_messages")
    listed = [one for one in keys.get("metric_list") or () if isinstance(one, dict)]
    sums = [facts_of(path.parent, str(one["aggregation"])) for one in listed if isinstance(one.get("aggregation"), Function)]
    told = (keys.get("lmms_eval_specific_kwargs") or {}).get("default") or {}
    target = keys.get("doc_to_target")
    return Task(
        keys["task"], path.parent.name, keys, visual, facts("doc_to_text") if isinstance(keys.get("doc_to_text"), Function) else Facts(),
        facts("doc_to_target"), joined([facts("process_results"), *sums]),
        target if isinstance(target, str) and not isinstance(target, Function) and "{" not in target else "",
        (str(told.get("pre_prompt") or ""), str(told.get("post_prompt") or "")) if isinstance(told, dict) else ("", ""),
        tuple(str(one.get("metric")) for one in listed),
    )  # fmt: skip


def joined(facts: list[Facts]) -> Facts:
    columns = dict.fromkeys(column for one in facts for column in one.columns)
    return Facts(tuple(columns), frozenset().union(*(one.words for one in facts)), "\n".join(one.source for one in facts))


@cache
def module(path: Path) -> tuple[dict[str, ast.FunctionDef], dict[str, tuple[Path, str]]]:
    """A module's functions, and where names come from that it imports from the package."""
    try:
        tree = ast.parse(path.read_text())
    except (OSError, SyntaxError, UnicodeDecodeError):
        return {}, {}
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    imported = {}
    package = next((parent for parent in path.parents if parent.name == "lmms_eval"), None)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and package is not None:
            parts = node.module.split(".")
            base = package.parent.joinpath(*parts) if parts[0] == "lmms_eval" else path.parent.joinpath(*parts)
            for name in node.names:
                imported[name.asname or name.name] = (base.with_suffix(".py"), name.name)
    return functions, imported


def facts_of(folder: Path, name: str, at: Path | None = None, depth: int = 0) -> Facts:
    """Facts of `module.function` and of what it calls."""
    *parts, function = name.split(".")
    path = at or folder.joinpath(*parts).with_suffix(".py")
    functions, imported = module(path)
    node = functions.get(function)
    if node is None:
        if function in imported and depth < DEEPEST:
            return facts_of(folder, imported[function][1], imported[function][0], depth + 1)
        return Facts(words=frozenset({function}), source=function)
    found = [Facts(tuple(columns_in(node)), frozenset(words_in(node)), without_comments(node))]
    if depth < DEEPEST:
        for called in sorted(found[0].words - {function}):
            if called in functions or called in imported:
                found.append(facts_of(folder, called, path, depth + 1))
    return joined(found)


def columns_in(node: ast.AST) -> Iterator[str]:
    """What is taken from `doc` by name."""
    for one in ast.walk(node):
        if (
            isinstance(one, ast.Subscript)
            and is_doc(one.value)
            and isinstance(one.slice, ast.Constant)
            and isinstance(one.slice.value, str)
        ):
            yield one.slice.value
        elif isinstance(one, ast.Subscript) and is_doc(one.value) and isinstance(one.slice, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in one.slice.values)
        elif (
            isinstance(one, ast.Call)
            and isinstance(one.func, ast.Attribute)
            and one.func.attr == "get"
            and is_doc(one.func.value)
        ):
            yield from (each.value for each in one.args[:1] if isinstance(each, ast.Constant) and isinstance(each.value, str))


def is_doc(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("doc", "sample", "example", "item")


def words_in(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            yield one.id
        elif isinstance(one, ast.Attribute):
            yield one.attr


def without_comments(node: ast.FunctionDef) -> str:
    body = node.body[1:] if isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant) else node.body
    return "\n".join(ast.unparse(one) for one in body)
