"""What every task shares: reading a meta file, checking its items, and turning them into samples.

Upstream's layout (reference 1.1): `<root>/2D_Benchmark/meta_file/<Task>_<Dataset>.json` is a list of objects; `image`
is relative to `2D_Benchmark`, `pcl` to `3D_Benchmark` (often with a leading `./`)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import BenchError
from .loading import id_text, json_entries, load_json, shorten
from .media import modality
from .types import Media, Modality, Sample

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
        value = self.data.get(keys[0])
        if value.__class__ is str:  # as nearly always, a million times over
            return str(value)
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
        base, told = folder_of(self.file)
        relative = self.text(modality(kind).key)
        path = f"{told}/{relative}" if told and is_plain(relative) else str(inside(base, relative, self))
        return (Media(kind, path),)


def is_numbers(value: Any, count: int, least: int | None = None) -> bool:
    """Whether `value` is a list of `count` finite numbers (or, with `least`, of at least that many)."""
    return (
        isinstance(value, list)
        and (len(value) == count if least is None else len(value) >= least)
        and all(isinstance(x, NUMBER) and not isinstance(x, bool) and abs(x) < 1e12 for x in value)
    )


@lru_cache(maxsize=16)
def folder_of(file: Path) -> tuple[Path, str]:
    """The benchmark folder of a meta file, and its name where names of media can be put behind it as they are."""
    base = file.parent.parent
    return base, str(base) if os.sep == "/" and str(base) not in (".", "/") else ""


PLAIN = re.compile(r"(?!\.\.?(?:/|$))[^/\\:\0]+(?:/(?!\.\.?(?:/|$))[^/\\:\0]+)*", re.S)


def is_plain(relative: str) -> bool:
    """Whether a path is written as shortly as it can be and leaves no folder, as nearly all are: nobody need take it apart.

    >>> [is_plain(path) for path in ("a/b.png", "./a", "a//b", "a/../b", "/a", "a/", "c:x", "..a/.b")]
    [True, False, False, False, False, False, False, True]
    """
    return PLAIN.fullmatch(relative) is not None


def inside(base: Path, relative: str, item: Item) -> Path:
    """`base / relative`, which must not leave `base`: no absolute path, no `..`. Links on disk are the user's own and are followed."""
    if not relative or relative.startswith(("/", "\\")) or (len(relative) > 1 and relative[1] == ":"):
        raise item.fault(f"the path {shorten(relative)} is not relative to {base.name}/")
    path = base / relative
    if ".." in Path(relative).parts or "\\" in relative or "\0" in relative:
        raise item.fault(f"the path {shorten(relative)} leaves {base.name}/")
    return path


def lettered(sample: Sample) -> bool:
    """Whether a sample's options are told by letters, as nearly all are; `meta["letters"]` False says that they are told by their texts.

    "alone" says that a letter is answered without the text behind it, where a likelihood decides: upstream's readers look into texts."""
    return bool(sample.meta.get("letters", True))


def options_unseen(sample: Sample) -> bool:
    """Whether a question has options of which its text tells at most one: a word may stand in both by chance.

    Options without letters (yes and no) are known to whoever is asked."""
    if not lettered(sample):
        return False
    asked = sample.question.casefold()
    return len(sample.choices) > 1 and sum(stands_in(choice.strip().casefold(), asked) for choice in sample.choices) < 2


def stands_in(words: str, text: str) -> bool:
    """Whether words stand in a text, and not within a longer word; scripts without blanks have no such bounds.

    >>> stands_in("cat", "a category"), stands_in("cat", "(A) cat"), stands_in("猫", "是猫吗")
    (False, True, True)
    """
    bounds = (r"(?<!\w)" * words[:1].isascii(), r"(?!\w)" * words[-1:].isascii())
    return bool(words) and re.search(re.escape(words).join(bounds), text) is not None


def find_meta(root: Path, names: Sequence[str]) -> Path:
    """The meta file among the accepted spellings; an error that names the official one."""
    for name in names:
        try:
            if is_there(root / name):
                return root / name
        except OSError as error:  # no permission, a disk that fails, a server that is gone
            raise BenchError(f"{root / name} cannot be read: {error.strerror or error}") from None
    raise BenchError(f"{root / names[0]} is missing" + (f" (also looked for {', '.join(names[1:])})" if names[1:] else ""))


def is_there(path: Path) -> bool:
    """Whether a meta file is there; a name without an ending may be a folder, for data of many files (MME), and one with `*` is a pattern."""
    parts = path.parts
    wild = next((place for place, part in enumerate(parts) if "*" in part), None)
    if wild is not None:
        return any(one.is_file() for one in Path(*parts[:wild]).glob("/".join(parts[wild:])))
    return path.is_file() or (not path.suffix and path.is_dir()) or archived(path)


def archived(path: Path) -> bool:
    """Whether a path leads into a zip archive that is there."""
    return any(parent.suffix.lower() == ".zip" and parent.is_file() for parent in path.parents)


def read_items(root: Path, names: Sequence[str]) -> Iterator[Item]:
    """The items of a meta file in file order, with ids that are unique texts."""
    file = find_meta(root, names)
    data = load_json(file)
    if not isinstance(data, list):
        raise BenchError(f"{file} holds {type(data).__name__}, expected a list of objects")
    yield from items_in(file, data, spent=True)


def first_items(root: Path, names: Sequence[str]) -> Iterator[Item]:
    """The items of a meta file as `read_items` gives them, while it is still being read. Ends before an id that was there before, for
    which name it is given only the whole file tells. Raises `BenchError` at an item without a usable id."""
    file, seen = find_meta(root, names), set[str]()
    for index, entry in enumerate(json_entries(file)):
        name = id_of(file, index, entry)
        if name in seen:
            return
        seen.add(name)
        yield Item(file, index, name, entry)


def items_in(file: Path, data: Sequence[Any], key: str = "id", spent: bool = False) -> Iterator[Item]:
    """The entries of a file as items, with ids that are unique texts. With `spent` each entry leaves the list `data` as it is given,
    so that of a large file entries and samples are never in memory together.

    A missing id becomes the index; an id that occurs again gets `#index` behind it, and as many `~` as no other id has, so that no
    answer is ever joined to two items."""
    names = unique([id_of(file, index, entry, key) for index, entry in enumerate(data)])
    for index, name in enumerate(names):
        entry = data[index]
        if spent:
            data[index] = None  # type: ignore[index]
        yield Item(file, index, name, entry)


def unique(given: list[str]) -> list[str]:
    """Names of which none occurs twice.

    >>> unique(["a", "b", "a", "a#2"])
    ['a', 'b', 'a#2~', 'a#2']
    """
    taken = set(given)
    if len(taken) == len(given):
        return given
    names, seen = [], set[str]()
    for index, name in enumerate(given):
        new = name
        if name in seen:
            new = f"{name}#{index}"
            while new in taken:
                new += "~"
            taken.add(new)
        seen.add(new)
        names.append(new)
    return names


def id_of(file: Path, index: int, entry: Any, key: str = "id") -> str:
    """The id that an item has in its file. Raises `BenchError` for what is no item, or has no usable id."""
    if not isinstance(entry, dict):
        raise BenchError(f"{file}: item {index} is {shorten(entry)}, expected an object")
    name = entry.get(key)
    if name is None:
        return str(index)
    found = id_text(name)
    if found is None:
        raise BenchError(f"{file}: item {index}: `{key}` is {shorten(name)}, expected a text or a number")
    return found
