"""ChEF's pools of prompts and answer templates, read from a user's own LAMM checkout into a pool file of ours. Nothing of it is executed.

Upstream's questions mostly end with a line break, ours without one: where a prompt goes on directly behind the question, it gets a line
of its own. All other texts come over as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError

from .constants import Unreadable, Value, constants_of
from .pools import OURS, pool_file

PROMPTS, TEMPLATES = "src/ChEF/instruction/prompt.py", "src/ChEF/instruction/template.py"
TABLES = {
    "singleturn_prompt_dict": (PROMPTS, "_prompts", "prompts"),
    "multiturn_prompt_dict": (PROMPTS, "_multiturn_prompts", "turns"),
    "answer_template_dict": (TEMPLATES, "_templates", "answers"),
}
"""Upstream's table -> its file, the end of its keys, and what its lists are in a pool of ours."""
NAMES = {"vqa": "VQA", "yes_no": "POPE", "question": "counting"}
"""Our pools that upstream calls otherwise."""
HEADER = """# Prompts and answer templates of ChEF, imported from {checkout}
# ({files}). The texts are upstream's; their licence is upstream's too.
# Name this file in a recipe: `instruction: {{pool: {output}, prompt: 1, answer: 1}}`.
"""


@dataclass(frozen=True)
class Pools:
    """What was found: pools by upstream's names, and whose they are."""

    pools: Mapping[str, Mapping[str, Any]]
    tasks: Mapping[str, str]

    @property
    def entries(self) -> int:
        return sum(len(entries) for pool in self.pools.values() for entries in pool.values() if isinstance(entries, list))


def read_pools(checkout: Path) -> Pools | None:
    """The pools of a checkout; None where it has none (of before ChEF, or of its first version). Raises `BenchError` for a text that
    cannot be read without running its file."""
    if not all((checkout / place).is_file() for place in (PROMPTS, TEMPLATES)):
        return None
    constants = {place: constants_of(checkout / place) for place in (PROMPTS, TEMPLATES)}
    pools: dict[str, dict[str, Any]] = {}
    for table, (place, ending, key) in TABLES.items():
        found = constants[place].get(table)
        if not isinstance(found, dict):
            raise BenchError(f"{checkout / place} has no dict called {table}")
        for name, value in found.items():
            if isinstance(name, str) and name.endswith(ending):
                pools.setdefault(name.removesuffix(ending), {})[key] = entries_of(
                    value, f"{checkout / place}: '{name}' in {table}"
                )
    for pool in pools.values():
        if not any("{question}" in text for text in pool.get("prompts", ["{question}"])):
            pool["own_question"] = False
    ours = pool_file(OURS)
    tasks = {task: NAMES.get(pool, pool) for task, pool in ours.tasks.items()}
    return Pools(pools, {task: pool for task, pool in tasks.items() if pool in pools})


def entries_of(value: Value, where: str) -> list[Any]:
    """A list of texts, or of pairs of texts."""
    if isinstance(value, Unreadable):
        raise BenchError(f"{where}, line {value.line}, cannot be read without running the file ({value.text})")
    if not isinstance(value, list):
        raise BenchError(f"{where} is {type(value).__name__}, expected a list")
    found: list[Any] = []
    for number, entry in enumerate(value):
        parts = entry if isinstance(entry, list) else [entry]
        for part in parts:
            if isinstance(part, Unreadable):
                raise BenchError(
                    f"{where}: entry {number}, line {part.line}, cannot be read without running the file ({part.text})"
                )
            if not isinstance(part, str):
                raise BenchError(f"{where}: entry {number} is {type(part).__name__}, expected a text")
        texts = [apart(part) for part in parts]
        found.append(texts if isinstance(entry, list) else texts[0])
    return found


def apart(text: str) -> str:
    """A prompt that does not stick to its question.

    >>> apart("{question}Say it."), apart("{question}"), apart("{question} Say it.")
    ('{question}\\nSay it.', '{question}', '{question} Say it.')
    """
    before, question, after = text.partition("{question}")
    return f"{before}{question}\n{after}" if after and not after[0].isspace() else text
