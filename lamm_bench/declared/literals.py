"""Lists that a text writes out, as Python does and as NumPy prints them. They are read as literals; nothing is ever run."""

from __future__ import annotations

import ast
import re
from typing import Any

LONGEST = 1 << 20  # characters of a list written out
TEXT = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
ITEM = rf"(?:{TEXT}|[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
PRINTED = re.compile(rf"\[\s*{ITEM}(?:\s+{ITEM})+\s*\]", re.DOTALL)  # NumPy's, with blanks and no commas
ONE, LITERAL = re.compile(ITEM, re.DOTALL), re.compile(TEXT, re.DOTALL)


def list_of(text: str) -> list[Any] | None:
    """The list; None for what is none.

    >>> list_of("['a', \\"b's\\"]"), list_of("['a' 'b']"), list_of("[1 2]"), list_of("('a', 'b')")
    (['a', "b's"], ['a', 'b'], [1, 2], ['a', 'b'])
    >>> list_of("['a', 'b' 'c']") is list_of("a") is None
    True
    """
    said = text.strip()
    if not said.startswith(("[", "(")) or len(said) > LONGEST:
        return None
    try:
        if PRINTED.fullmatch(said):
            return [ast.literal_eval(each[0]) for each in ONE.finditer(said)]
        found = ast.literal_eval(said)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(found, list | tuple):
        return None
    # texts side by side would be one to Python, which never writes them so
    together = all(isinstance(each, str) for each in found) and len(LITERAL.findall(said)) != len(found)
    return None if together else list(found)
