"""Upstream's prompt texts, read from a user's own LAMM checkout into a prompt file of ours. Nothing of it is executed.

They are upstream's and are not shipped. Where they stand: system messages of the benchmark in `lamm_sysmsg.py` (July 2023:
`system_msg.py`), those of the training data in `conversations.py` (reference, appendices A and B)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from lamm_bench.errors import BenchError

from . import pool_import
from .constants import Unreadable, Value, constants_of
from .instruction import PromptFile, prompt_file
from .pool_import import PROMPTS, TEMPLATES, Pools, read_pools

BENCHMARK = ("src/ChEF/scenario/lamm_sysmsg.py", "src/datasets/system_msg.py")
TRAINING = ("src/model/LAMM/conversations.py", "src/model/conversations.py")
"""Relative to the checkout, newest first; the first that is there is read."""

KINDS = {
    "Classification": "classification",
    "Detection": "detection",
    "VQA": "vqa",
    "OCR": "ocr",
    "Caption": "captioning",
    "Counting": "counting",
    "Fine-grained_Classification": "fine_grained_classification",
    "Facial_Classification": "facial_classification",
    "Keypoints_Detection": "keypoints",
    "Detection3D": "detection3d",
    "VG3D": "grounding3d",
    "VQA3D": "vqa3d",
    "Caption3D": "captioning3d",
    "Classification3D": "classification3d",
}
"""Keys of upstream's `common_task2sysmsg` -> our kinds of task."""
LOCATING = {"VOC2012": "locating-voc2012", "FSC147": "locating-fsc147", "LSP": "locating-lsp"}
"""Keys of upstream's `locating_task2sysmsg` -> our tasks; a task's own message goes before its kind's."""

HEADER = """# System messages of LAMM, imported from {checkout}
# ({files}). The texts are upstream's; their licence is upstream's too.
# Name this file in a recipe: `instruction: {{prompts: {output}}}`.
"""


@dataclass(frozen=True)
class Imported:
    """What was found: messages by kind, task and task type, the files they are from, and keys that nothing here asks for."""

    system: Mapping[str, str]
    task_types: Mapping[str, str]
    files: Sequence[str]
    unused: Sequence[str]
    pools: Pools | None = None  # of ChEF, where the checkout has them
    pool_file: Path | None = None  # into which those were written


def import_prompts(checkout: Path, output: Path) -> Imported:
    """Writes the prompt file, and beside it the pool file where the checkout has ChEF's pools, each whole or not at all. Raises `BenchError` for a checkout that is none, or a text that cannot be
    read without running its file."""
    if output.suffix not in (".yaml", ".yml"):
        raise BenchError(f"--output {output} must end in .yaml, so that a recipe can name it")
    beside = output.with_name(f"{output.stem}-pools{output.suffix}")
    for file in (output, beside):
        if file.exists():
            raise BenchError(f"{file} is there already; choose another --output")
    found = read_checkout(checkout)
    if found.pools is not None:
        pools = pool_import.HEADER.format(checkout=checkout, files=f"{PROMPTS}, {TEMPLATES}", output=beside)
        write(beside, pools, {"pools": found.pools.pools, "tasks": dict(found.pools.tasks)})
        found = replace(found, pool_file=beside)
    header = HEADER.format(checkout=checkout, files=", ".join(found.files), output=output)
    try:
        write(output, header, {"system": dict(found.system), "task_types": dict(found.task_types)})
    except BenchError:
        if found.pool_file is not None:
            found.pool_file.unlink()
        raise
    return found


def write(output: Path, header: str, data: Mapping[str, Any]) -> None:
    """A YAML file, whole or not at all."""
    body = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=120)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(header + body, encoding="utf-8")
        temporary.replace(output)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise BenchError(f"{output} cannot be written: {error.strerror or error}") from None


def read_checkout(checkout: Path) -> Imported:
    """The messages of a LAMM checkout, by the names under which our tasks and training data look for them."""
    if not checkout.is_dir():
        raise BenchError(f"{checkout} is no folder; expected a checkout of LAMM")
    benchmark, training = first_of(checkout, BENCHMARK), first_of(checkout, TRAINING)
    constants = constants_of(checkout / benchmark)
    common = table(constants, "common_task2sysmsg", checkout / benchmark)
    locating = table(constants, "locating_task2sysmsg", checkout / benchmark)
    dialogues = table(constants_of(checkout / training), "conversation_dict", checkout / training)
    system = {KINDS[key]: text for key, text in common.items() if key in KINDS}
    system |= {LOCATING[key]: text for key, text in locating.items() if key in LOCATING}
    system |= {f"training {task_type}": text for task_type, text in dialogues.items()}
    task_types = {task_type: f"training {task_type}" for task_type in dialogues}
    ours: PromptFile = prompt_file("standard")
    task_types |= {name: kind for name, kind in ours.task_types.items() if name not in task_types and kind in system}
    unused = [key for key in common if key not in KINDS] + [key for key in locating if key not in LOCATING]
    return Imported(system, task_types, (benchmark, training), unused, read_pools(checkout))


def first_of(checkout: Path, places: Sequence[str]) -> str:
    for place in places:
        if (checkout / place).is_file():
            return place
    raise BenchError(f"{checkout} is no checkout of LAMM: it has neither {' nor '.join(places)}")


def table(constants: Mapping[str, Value], name: str, file: Path) -> dict[str, str]:
    """A dict of texts; a value may also be the name of a constant of the same file."""
    found = constants.get(name)
    if isinstance(found, Unreadable):
        raise BenchError(f"{file}, line {found.line}: {name} cannot be read without running the file ({found.text})")
    if not isinstance(found, dict) or not found:
        raise BenchError(f"{file} has no dict called {name}")
    out: dict[str, str] = {}
    for key, value in found.items():
        if isinstance(value, str) and isinstance(named := constants.get(value), str | Unreadable):
            value = named
        if isinstance(value, Unreadable):
            raise BenchError(
                f"{file}, line {value.line}: the text of '{key}' in {name} cannot be read without running the file ({value.text})"
            )
        if not isinstance(value, str):
            raise BenchError(f"{file}: '{key}' in {name} is {type(value).__name__}, expected a text")
        out[str(key)] = value
    return out
