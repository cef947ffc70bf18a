"""String and dict constants of a Python file that is read but never executed."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from lamm_bench.errors import BenchError


@dataclass(frozen=True)
class Unreadable:
    """A value that only running the file would give."""

    line: int
    text: str


Value: TypeAlias = "str | int | float | bool | None | list[Any] | dict[Any, Any] | Unreadable"


def constants_of(file: Path) -> dict[str, Value]:
    """Every name that the file's top level gives a value: texts, numbers, lists and dicts of them, and what is put together
    of them by `+`, by f-strings of names, and by later assignments to names and keys. Anything else is `Unreadable`."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{file} cannot be read: {error}") from None
    except (SyntaxError, ValueError, RecursionError) as error:
        raise BenchError(f"{file} is not Python: {error}") from None
    known: dict[str, Value] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                assign(target, value_of(node.value, known), known)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            assign(node.target, value_of(node.value, known), known)
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and isinstance(node.target, ast.Name):
            known[node.target.id] = added(known.get(node.target.id), value_of(node.value, known), node)
    return known


def assign(target: ast.expr, value: Value, known: dict[str, Value]) -> None:
    """Takes over an assignment of a constant to a name or to a key of a known table."""
    if isinstance(target, ast.Name):
        known[target.id] = value
    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        table, key = known.get(target.value.id), value_of(target.slice, known)
        if isinstance(table, dict) and isinstance(key, str | int):
            table[key] = value


def value_of(node: ast.expr, known: Mapping[str, Value]) -> Value:
    """The value of an expression, as far as it can be told without running it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
        return node.value
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    if isinstance(node, ast.List | ast.Tuple):
        return [value_of(item, known) for item in node.elts]
    if isinstance(node, ast.Dict) and None not in node.keys:
        pairs = [(value_of(k, known), value_of(v, known)) for k, v in zip(node.keys, node.values) if k is not None]
        return {key: value for key, value in pairs if isinstance(key, str | int)}
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return added(value_of(node.left, known), value_of(node.right, known), node)
    if isinstance(node, ast.JoinedStr):
        return joined(node, known)
    return Unreadable(node.lineno, ast.unparse(node)[:60])


def added(left: Value, right: Value, node: ast.expr | ast.stmt) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    return next((side for side in (left, right) if isinstance(side, Unreadable)), Unreadable(node.lineno, ast.unparse(node)[:60]))


def joined(node: ast.JoinedStr, known: Mapping[str, Value]) -> Value:
    """An f-string of texts and plain names."""
    out = ""
    for part in node.values:
        inner = (
            part.value if isinstance(part, ast.FormattedValue) and part.format_spec is None and part.conversion == -1 else part
        )
        value = value_of(inner, known)
        if not isinstance(value, str):
            return Unreadable(node.lineno, ast.unparse(node)[:60])
        out += value
    return out
