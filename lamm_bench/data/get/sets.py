"""What a name stands for: meta files, archives of media, terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lamm_bench.errors import unknown
from lamm_bench.loading import load_yaml


@dataclass(frozen=True)
class Wanted:
    """What is to be there in the end, relative to the data root."""

    meta: tuple[str, ...]  # 2D_Benchmark/meta_file/OCR_SVT.json
    media: tuple[str, ...]  # 2D_Benchmark/svt_images, from an archive of that name
    terms: tuple[str, ...]


@lru_cache(maxsize=1)
def known() -> Mapping[str, Any]:
    return dict(load_yaml(Path(__file__).parent / "sets.yaml"))


def wanted(names: Sequence[str], tasks: Mapping[str, str], others: Sequence[str] = ()) -> Wanted:
    """What sets and tasks are made of; `tasks` maps a task to its meta file. Raises `BenchError` for a name that nobody knows, with those
    that there are; `others` are got otherwise."""
    sets = known()["sets"]
    meta: dict[str, None] = {}
    media: dict[str, None] = {}
    terms: dict[str, None] = {}
    for name in names:
        if name in sets:
            chosen = [(sets[name]["base"], file) for file in sets[name]["files"]]
        elif name in tasks and (found := of_file(tasks[name])) is not None:
            chosen = [found]
        else:
            raise unknown(
                "set of data, or benchmark,", name, [*sets, *(task for task, file in tasks.items() if of_file(file)), *others]
            )
        for base, file in chosen:
            own = next(one for one in sets.values() if one["base"] == base)
            folders = own["files"][file]
            meta[f"{base}/meta_file/{file}"] = None
            media.update(dict.fromkeys(f"{base}/{folder}" for folder in ([folders] if isinstance(folders, str) else folders)))
            terms.update(dict.fromkeys(known()["terms"][term] for term in own["terms"]))
    return Wanted(tuple(meta), tuple(media), tuple(terms))


def of_file(meta: str) -> tuple[str, str] | None:
    """Base folder and name of a meta file that is known here."""
    base, _, file = meta.partition("/meta_file/")
    return next(((base, file) for one in known()["sets"].values() if one["base"] == base and file in one["files"]), None)


def spellings(meta: str) -> list[str]:
    """A meta file's path, and the others under which upstream has published it."""
    folder, _, file = meta.rpartition("/")
    return [meta, *(f"{folder}/{other}" for other in known()["other_names"].get(file, ()))]


def size_told(media: str) -> str:
    """About how large an archive is; empty where nobody has told."""
    return str(known()["sizes"].get(media.rpartition("/")[2], ""))
