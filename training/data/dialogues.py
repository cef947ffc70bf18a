"""LAMM's instruction dialogues (reference 4.2), strictly read: whatever is wrong is named with its file and item."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lamm_bench.ask.instruction import PromptFile, prompt_file
from lamm_bench.errors import BenchError
from lamm_bench.loading import load_json
from lamm_bench.media import by_key, modalities, modality
from lamm_bench.training.config.preset import Data, MetaFile
from lamm_bench.types import Media, Message

ROLES = ("human", "gpt")


def placeholder() -> re.Pattern[str]:
    """What stands for the media in a question: `<image>`, `<pcl>`, or another modality's key."""
    keys = "|".join(re.escape(one.key) for one in modalities().values())
    return re.compile(rf"<(?:{keys})>\n|\n?<(?:{keys})>")


@dataclass(frozen=True)
class Dialogue:
    """One item: a media, what is said about it, and where it stands."""

    media: Media
    turns: tuple[tuple[str, str], ...]  # question and answer
    task_types: tuple[str, ...]  # of each turn; all alike before dialogues are merged
    where: str  # file and item, for errors and logs
    weight: float = 1.0  # times that it comes in an epoch
    key: str = ""  # meta file and item as the preset names them: what its random stream belongs to, wherever the data lie

    def messages(self, prompts: PromptFile, task_type: str) -> tuple[Message, ...]:
        """The conversation as evaluation would build it, behind the system message of one of its task types."""
        system = prompts.of_task_type(task_type)
        out = [Message("system", (system,))] if system else []
        for index, (question, answer) in enumerate(self.turns):
            out.append(Message("user", (self.media, question) if index == 0 else (question,)))
            out.append(Message("assistant", (answer,)))
        return tuple(out)


def read_dialogues(
    root: Path, data: Data, say: Callable[[str], None] = lambda text: None, wanted: Callable[[str], bool] = lambda path: True
) -> list[Dialogue]:
    """The dialogues of all meta files about the `wanted` media, in file order; one of the other modality is left to the other
    list. What is said about media that are not wanted is not looked at."""
    if not root.is_dir():
        raise BenchError(f"the data root {root} is not there, or no folder")
    prompts = prompt_file(data.prompts)
    out: list[Dialogue] = []
    for kind, names in data.media.items():
        key = modality(kind).key
        for name in names:
            known = data.files.get(name, MetaFile())
            folder = root / known.media if known.media else None
            both = data.meta_files.count(name) > 1
            found = list(read_file(root / name, key, prompts, known.style, folder, say, wanted, both))
            if not found:
                part = f" in the part of {data.part} of its media" if data.part < 1 else ""
                raise BenchError(f"{root / name} holds no dialogue with the key '{key}'{part}")
            out += [replace(one, weight=known.weight, key=f"{name}: {one.key}") for one in found]
    return out


def read_file(
    file: Path,
    key: str,
    prompts: PromptFile,
    style: str = "lamm",
    folder: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
    wanted: Callable[[str], bool] = lambda path: True,
    both: bool = False,
) -> Iterator[Dialogue]:
    """The dialogues of one meta file that have the media `key`; items without it are left out, as upstream does, and counted
    unless the file is read for `both` kinds of media.

    In LLaVA's style (https://github.com/haotian-liu/LLaVA, docs/Finetune_Custom_Data.md) ids may recur and items may have no
    media at all: these are left out and counted. `folder` is where media paths start; None: the folder above `meta_file`."""
    items = load_json(file)
    if not isinstance(items, list):
        raise BenchError(f"{file} holds {type(items).__name__}, expected a list of dialogues")
    seen: dict[str, int] = {}
    bare, others = 0, []
    for index, item in enumerate(items):
        where = f"{file}: item {index}"
        if not isinstance(item, dict):
            raise BenchError(f"{where} is {type(item).__name__}, expected an object")
        if "id" in item:
            where = f"{where} (id {item['id']})"
            if style == "lamm" and str(item["id"]) in seen:
                raise BenchError(f"{where} has the id of item {seen[str(item['id'])]}; ids must differ")
            seen[str(item["id"])] = index
        if not by_key(tuple(item)):
            if style == "lamm":
                raise BenchError(f"{where} has none of the keys {', '.join(one.key for one in modalities().values())}")
            bare += 1
        elif key not in item:
            others.append(where)
        elif not isinstance(item[key], str) or wanted(item[key]):
            yield replace(dialogue(item, key, folder or file.parent.parent, where, prompts), key=f"item {index}")
    if others and not both:
        say(f"{others[0]} has no '{key}'; {len(others)} of {len(items)} dialogues are about other media and are left out")
    if bare:
        say(f"{file}: {bare} of {len(items)} dialogues have no media and are left out")


def dialogue(item: dict[str, Any], key: str, base: Path, where: str, prompts: PromptFile) -> Dialogue:
    """One item, checked. A path that begins with `/` is used as it is (reference 4.2)."""
    path = item[key]
    if not isinstance(path, str) or not path:
        raise BenchError(f"{where}: '{key}' is {path!r}, expected a path")
    task_type = item.get("task_type", "normal")
    if not isinstance(task_type, str):
        raise BenchError(f"{where}: 'task_type' is {task_type!r}, expected a text")
    try:
        prompts.of_task_type(task_type)
    except BenchError as error:
        raise BenchError(f"{where}: {error}") from None
    said = turns(item.get("conversations"), where)
    return Dialogue(Media(by_key((key,))[0].name, str(base / path)), said, (task_type,) * len(said), where)


def turns(conversation: Any, where: str) -> tuple[tuple[str, str], ...]:
    """Questions and answers of a checked conversation; the media's placeholder is taken out of the first question."""
    if not isinstance(conversation, list) or not conversation:
        raise BenchError(
            f"{where}: 'conversations' is {'missing' if conversation is None else repr(conversation)[:60]}, "
            "expected a list of turns"
        )
    texts: list[str] = []
    for number, turn in enumerate(conversation):
        if not isinstance(turn, dict) or not isinstance(turn.get("value"), str):
            raise BenchError(f"{where}: turn {number} is {repr(turn)[:60]}, expected an object with the texts 'from' and 'value'")
        said_by = turn.get("from")
        if said_by not in ROLES:
            raise BenchError(f"{where}: turn {number} is from {said_by!r}, expected 'human' or 'gpt'")
        if said_by != ROLES[number % 2]:
            raise BenchError(
                f"{where}: turn {number} is from '{said_by}', expected '{ROLES[number % 2]}': a dialogue begins "
                "with the human and alternates"
            )
        if not turn["value"].strip():
            raise BenchError(f"{where}: turn {number} is empty")
        texts.append(placeholder().sub("", turn["value"], count=1) if number == 0 else turn["value"])
    if len(texts) % 2:
        raise BenchError(f"{where}: the last turn is the human's, expected an answer")
    return tuple(zip(texts[0::2], texts[1::2]))


def merged(dialogues: Sequence[Dialogue], share: str) -> list[Dialogue]:
    """Dialogues about the same media (`share` "media"), or also of the same task type, as one, in order of the first.

    Only for turns that stand side by side, where nothing of one turn is seen by another."""
    together: dict[tuple[Media, str], list[Dialogue]] = {}
    for one in dialogues:
        together.setdefault((one.media, one.task_types[0] if share == "task_type" else ""), []).append(one)
    return [
        Dialogue(
            media,
            tuple(turn for one in group for turn in one.turns),
            tuple(task_type for one in group for task_type in one.task_types),
            group[0].where,
            group[0].weight,
            group[0].key,
        )
        for (media, _), group in together.items()
    ]
