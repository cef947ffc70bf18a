"""Pools of prompts and answer templates, from which a recipe takes one by its number (ChEF's idea, reference 2.12 and 9.4).

A pool file is YAML: `pools`, each with `prompts` (`{question}` stands for the item's own), `turns` (pairs: the first question, and the later
ones, in which `{prefix}` stands for what the task knows), and `answers` (texts or pairs, in which `{option}` stands for an option); and
`tasks`, which says whose pool is whose. Ours is `recipes/prompts/pools/chef.yaml`; upstream's is imported (prompt_import.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from lamm_bench.errors import BenchError, unknown
from lamm_bench.loading import load_yaml, shorten

from .instruction import PROMPT_FOLDER

POOL_FOLDER = PROMPT_FOLDER / "pools"
OURS = "chef"
PLAIN = "question"
"""The pool of tasks that no file names: the question as it is, the option alone."""

T = TypeVar("T")
Pair = tuple[str, str]
"""Of a first turn and of later ones."""


@dataclass(frozen=True)
class Pool:
    """What can be chosen from. A pool whose `own_question` is False is for tasks that have none: its prompts are the question."""

    name: str
    prompts: tuple[str, ...] = ("{question}",)
    turns: tuple[Pair, ...] = ()
    answers: tuple[Pair, ...] = (("{option}", "{option}"),)
    own_question: bool = True

    def prompt(self, number: int) -> str:
        return taken(self.prompts, number, f"the pool {self.name} has no prompt")

    def turn(self, number: int) -> Pair:
        return taken(self.turns, number, f"the pool {self.name} has no prompt for turns")

    def answer(self, number: int) -> Pair:
        return taken(self.answers, number, f"the pool {self.name} has no answer template")


def taken(entries: Sequence[T], number: int, lacking: str) -> T:
    """One of them. Raises `BenchError` that says which numbers there are."""
    if not 0 <= number < len(entries):
        raise BenchError(f"{lacking} {number}; there {f'are 0 to {len(entries) - 1}' if entries else 'are none'}")
    return entries[number]


@dataclass(frozen=True)
class PoolFile:
    """Pools by name, and the pool of each task."""

    name: str
    pools: Mapping[str, Pool] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)

    def of_task(self, task: str) -> Pool:
        """The task's own pool, under its name or the beginning of it before a dash; one that the file does not name has the plain one."""
        known = [name for name in self.tasks if task == name or task.startswith(f"{name}-")]
        return self.pools.get(self.tasks[max(known, key=len)] if known else PLAIN, Pool(PLAIN))

    def called(self, name: str) -> Pool:
        if name not in self.pools:
            raise unknown(f"pool of {self.name}", name, self.pools)
        return self.pools[name]


def pool_of(named: str, task: str) -> Pool:
    """The pool that a recipe names, for a task: a file by name or path, a pool of it behind a colon, or a pool of ours by its name.

    Raises `BenchError` where there is none."""
    file, pool = split(named)
    if not pool and not is_path(file) and not (POOL_FOLDER / f"{file}.yaml").is_file():
        return pool_file(OURS).called(file)
    found = pool_file(file)
    return found.called(pool) if pool else found.of_task(task)


def split(named: str) -> tuple[str, str]:
    """File and pool.

    >>> split(""), split("mine.yaml"), split("/a/mine.yaml:vqa"), split("chef:vqa"), split("vqa")
    (('chef', ''), ('mine.yaml', ''), ('/a/mine.yaml', 'vqa'), ('chef', 'vqa'), ('vqa', ''))
    """
    head, colon, tail = named.rpartition(":")
    if colon and tail and not is_path(named):
        return head, tail
    return named or OURS, ""


def is_path(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def has_question(task: str) -> bool:
    """Whether a task's items bring a question; ours word one for those that do not (reference 9.3)."""
    return pool_file(OURS).of_task(task).own_question


@lru_cache(maxsize=16)
def pool_file(name: str) -> PoolFile:
    """A pool file by name or path. Raises `BenchError` that names file, pool and key."""
    path = Path(name) if is_path(name) else POOL_FOLDER / f"{name}.yaml"
    if not path.is_file():
        if not is_path(name):
            raise unknown("pool file", name, [p.stem for p in POOL_FOLDER.glob("*.yaml")])
        raise BenchError(f"pool file {path} is missing")
    data = load_yaml(path)
    if not isinstance(data, dict) or not isinstance(data.get("pools"), dict) or not data["pools"]:
        raise BenchError(f"{path} must be a mapping with the keys pools and tasks")
    for key in data:
        if key not in ("pools", "tasks"):
            raise unknown(f"key of {path.name}", str(key), ["pools", "tasks"])
    tasks = data.get("tasks", {})
    if not isinstance(tasks, dict) or not all(isinstance(k, str) and isinstance(v, str) for k, v in tasks.items()):
        raise BenchError(f"{path}: `tasks` must map tasks to pools")
    pools = {str(key): read_pool(str(key), value, path) for key, value in data["pools"].items()}
    for task, pool in tasks.items():
        if pool not in pools and pool != PLAIN:
            raise unknown(f"pool of {path.name} (of the task {task})", pool, pools)
    return PoolFile(name, pools, dict(tasks))


def read_pool(name: str, data: Any, path: Path) -> Pool:
    """One pool of a file."""
    where = f"{path}: pool {name}"
    if not isinstance(data, dict):
        raise BenchError(f"{where} is {shorten(data)}, expected a mapping with prompts, turns and answers")
    keys = ("prompts", "turns", "answers", "own_question")
    for key in data:
        if key not in keys:
            raise unknown(f"key of pool {name} in {path.name}", str(key), keys)
    if not isinstance(data.get("own_question", True), bool):
        raise BenchError(f"{where}: `own_question` is {shorten(data['own_question'])}, expected true or false")
    prompts = texts(data, "prompts", ["{question}"], where)
    answers = [pair(entry, "answers", where) for entry in listed(data, "answers", ["{option}"], where)]
    turns = [pair(entry, "turns", where) for entry in listed(data, "turns", [], where)]
    return Pool(name, tuple(prompts), tuple(turns), tuple(answers), data.get("own_question", True))


def listed(data: Mapping[str, Any], key: str, usual: list[Any], where: str) -> list[Any]:
    found = data.get(key, usual)
    if not isinstance(found, list):
        raise BenchError(f"{where}: `{key}` is {shorten(found)}, expected a list")
    return found


def texts(data: Mapping[str, Any], key: str, usual: list[str], where: str) -> list[str]:
    found = listed(data, key, usual, where)
    for number, entry in enumerate(found):
        if not isinstance(entry, str):
            raise BenchError(f"{where}: entry {number} of `{key}` is {shorten(entry)}, expected a text")
    return found


def pair(entry: Any, key: str, where: str) -> Pair:
    """A text for all turns, or one for the first and one for the others."""
    if isinstance(entry, str):
        return entry, entry
    if isinstance(entry, list) and len(entry) == 2 and all(isinstance(text, str) for text in entry):
        return entry[0], entry[1]
    raise BenchError(f"{where}: an entry of `{key}` is {shorten(entry)}, expected a text or a pair of texts")
