"""What every task shares: reading a meta file, checking its items, and turning them into samples.

Upstream's layout (reference 1.1): `<root>/2D_Benchmark/meta_file/<Task>_<Dataset>.json` is a list of objects; `image`
is relative to `2D_Benchmark`, `pcl` to `3D_Benchmark` (often with a leading `./`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import BenchError
from .media import modality
from .types import Media, Modality

NUMBER = (int, float)


@dataclass(frozen=True)
class Item:
    """One object of a meta file, and where it stands; `get` and friends name it in every error."""

    file: Path
    index: int
    id: str
    data: dict[str, Any]

    def fault(self, what: str) -> BenchError:
        """An error that names file, item and fault in one sentence."""
        return BenchError(f"{self.file}: item {self.index} (id {self.id}): {what}")

    def get(self, *keys: str, check: Callable[[Any], bool], expected: str) -> Any:
        """The first of `keys` that is there; refuses what `check` refuses."""
        for key in keys:
            if key in self.data:
                value = self.data[key]
                if not check(value):
                    raise self.fault(f"`{key}` is {shorten(value)}, expected {expected}")
                return value
        raise self.fault(f"has no key `{keys[0]}`; expected {expected}")

    def text(self, *keys: str) -> str:
        return str(self.get(*keys, check=lambda v: isinstance(v, str), expected="a text"))

    def texts(self, *keys: str, least: int = 1) -> list[str]:
        value = self.get(
            *keys,
            check=lambda v: isinstance(v, list) and len(v) >= least and all(isinstance(x, str) for x in v),
            expected=f"a list of at least {least} texts",
        )
        return list(value)

    def media(self, kind: Modality) -> tuple[Media, ...]:
        """The item's media of this kind; refuses paths that leave the benchmark folder."""
        base = self.file.parent.parent
        relative = self.text(modality(kind).key)
        return (Media(kind, str(inside(base, relative, self))),)


def shorten(value: Any, width: int = 60) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= width else text[: width - 1] + "…"


def is_numbers(value: Any, count: int, least: int | None = None) -> bool:
    """Whether `value` is a list of `count` finite numbers (or, with `least`, of at least that many)."""
    return (
        isinstance(value, list)
        and (len(value) == count if least is None else len(value) >= least)
        and all(isinstance(x, NUMBER) and not isinstance(x, bool) and abs(x) < 1e12 for x in value)
    )


def inside(base: Path, relative: str, item: Item) -> Path:
    """`base / relative`, which must not leave `base`: no absolute path, no `..`. Links on disk are the user's own and are followed."""
    if not relative or relative.startswith(("/", "\\")) or (len(relative) > 1 and relative[1] == ":"):
        raise item.fault(f"the path {shorten(relative)} is not relative to {base.name}/")
    path = base / relative
    if ".." in Path(relative).parts or "\\" in relative or "\0" in relative:
        raise item.fault(f"the path {shorten(relative)} leaves {base.name}/")
    return path


def find_meta(root: Path, names: Sequence[str]) -> Path:
    """The meta file among the accepted spellings; an error that names the official one."""
    for name in names:
        if (root / name).is_file():
            return root / name
    raise BenchError(f"{root / names[0]} is missing" + (f" (also looked for {', '.join(names[1:])})" if names[1:] else ""))


def read_items(root: Path, names: Sequence[str]) -> Iterator[Item]:
    """Every item of a meta file, in file order, with ids that are unique texts.

    A missing id becomes the index; an id that occurs again gets `#index` behind it, so that no answer is ever joined
    to two items."""
    file = find_meta(root, names)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BenchError(f"{file} is not JSON: {error}") from None
    if not isinstance(data, list):
        raise BenchError(f"{file} holds {type(data).__name__}, expected a list of objects")
    seen: set[str] = set()
    for index, entry in enumerate(data):
        if not isinstance(entry, dict):
            raise BenchError(f"{file}: item {index} is {shorten(entry)}, expected an object")
        name = entry.get("id", index)
        if not isinstance(name, str | int | float) or isinstance(name, bool):
            raise BenchError(f"{file}: item {index}: `id` is {shorten(name)}, expected a text or a number")
        id_ = str(name) if str(name) not in seen else f"{name}#{index}"
        seen.add(id_)
        yield Item(file, index, id_, entry)
