"""What the tests of benchmark files share: small pictures, a task from a text, rows in every form in which they are published."""

from __future__ import annotations

import base64
import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lamm_bench.declared import DeclaredTask
from lamm_bench.declared.document import parse
from lamm_bench.declared.task import task_of
from lamm_bench.measure.scoring import Answered, Score, oracle_answer, score
from lamm_bench.types import Sample

PLAIN = """
name: plain
data: {files: "%s"}
sample:
  id: "{id}"
  question: "{question}\\n{@options}"
  image: "{image}"
  choices: "{options}"
  target: "{answer}"
read: letter
metric: accuracy
"""


def png(number: int, size: tuple[int, int] = (8, 6)) -> bytes:
    """The bytes of a picture; the same number gives the same bytes."""
    out = io.BytesIO()
    Image.new("RGB", size, (number * 7 % 256, number * 3 % 256, 90)).save(out, "PNG")
    return out.getvalue()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def declared(text: str, home: Path) -> DeclaredTask:
    """A task of a text."""
    return task_of(parse(text, "my.yaml"), home)


def items(count: int = 6) -> list[dict[str, Any]]:
    """Rows of `PLAIN`, with paths of pictures below `images/`."""
    return [
        {
            "id": f"q{number}",
            "question": f"Which colour has number {number}?",
            "image": f"{number}.png",
            "options": ["red", "green", "blue"][: 2 + number % 2],
            "answer": "AB"[number % 2],
        }
        for number in range(count)
    ]


def write_pictures(folder: Path, count: int = 6) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.png").write_bytes(png(number))
    return folder


def write_jsonl(path: Path, rows: Sequence[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def write_table(path: Path, rows: Sequence[dict[str, Any]], mark: str = "\t") -> Path:
    """A table as pandas writes one: empty cells for what is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, delimiter=mark, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def write_parquet(path: Path, rows: Sequence[dict[str, Any]], group: int = 2) -> Path:
    """As `push_to_hub` writes: pictures as structs of bytes and path, several row groups."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=group)
    return path


def picture(number: int, size: tuple[int, int] = (8, 6)) -> dict[str, Any]:
    return {"bytes": png(number, size), "path": f"{number}.png"}


def cloud(path: Path, number: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.random.default_rng(number).random((50, 6)).astype(np.float32))
    return path


def scored(task: DeclaredTask, samples: Sequence[Sample], answers: dict[str, str] | None = None) -> Score:
    """The score of answers; without them of the oracle's, with what chance would have."""
    said = answers if answers is not None else {sample.id: str(oracle_answer(task, sample)) for sample in samples}
    stored = {name: Answered(text) for name, text in said.items()}
    return score(task, "standard", samples, stored, references=answers is None)
