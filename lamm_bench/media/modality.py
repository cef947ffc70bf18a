"""What a modality is, and which there are: one frozen value that says all the engine needs to know of a kind of media.

To add one, write a file with functions and `MODALITIES = (Modality(...),)`: on this shelf (`lamm_bench/media/*.py`), in another
package under the entry-point group `lamm_bench.modalities`, or as a `--plugin`. docs/extending.md adds sound in one file."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from lamm_bench.errors import BenchError, unknown
from lamm_bench.types import Media

GROUP = "lamm_bench.modalities"
CORRUPTION_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]*")
Named: TypeAlias = "str | Callable[..., Any]"
"""A class or function, or where it is: `package.module:Name`, for what must not be imported before it is needed."""


@dataclass(frozen=True)
class EncoderKind:
    """One way in which the LAMM model may look at a modality."""

    config: Named  # a frozen dataclass with `kind`, `tokens` and `width`; what config.json and presets say
    build: Named  # config -> a module with `prepare`, `tensor`, and tokens [batch, tokens, width] from its call (lamm/vision.py)
    learns: bool = True  # whether a training may begin it from nothing; False: its weights come from elsewhere


@dataclass(frozen=True)
class Probe:
    """What the doctor asks about media of its own: `draw` makes one of which `options[number % len(options)]` is true."""

    questions: tuple[str, ...]
    options: tuple[str, ...]
    draw: Callable[[Path, str, int], Media]  # folder, name of the file without its ending, number
    odd: Callable[[Path], list[Media]] = lambda folder: []  # unusual but valid files
    unequal: Callable[[Path], list[Media]] = lambda folder: []  # of very different sizes


@dataclass(frozen=True)
class Corruption:
    """One way to make a value worse on purpose. Severities are 1 to 5; the same stream gives the same value."""

    change: Callable[[Any, int, np.random.Generator], Any]  # value, severity, stream -> a new value; the old one is not changed
    family: str = "other"
    source: str = "ours"  # of its constants
    moves: bool = False  # whether things then stand elsewhere, or are cut away: it is not asked where truth is in coordinates
    cuts: bool = False  # whether things may be cut away: it is not asked where they are counted
    graded: bool = True  # whether it has severities


@dataclass(frozen=True)
class Modality:
    """A kind of media. The first lines are needed; a modality that leaves others out has less to show, and is told so."""

    name: str  # what `Media.kind` says
    many: str  # in sentences: "it takes no images"
    key: str  # of an item in meta files and question files: "image"
    decode: Callable[[str], Any]  # path -> the value that models are shown; raises `MediaError`
    hidden: Callable[[str], Any]  # path -> a value of the same size or shape with nothing to see: the control `blind`
    weigh: Callable[[Any], int]  # bytes that a value takes in the cache
    word: str = ""  # in one word: `cloud-used` of the doctor; empty: the name
    command: str = ""  # of `chat` that shows one: `/points`; empty: the word
    one: str = ""  # as a judge is told of one: "a room scanned in 3D"; empty: its name
    glance: Callable[[str], Any] | None = None  # a check without decoding all of it; raises `MediaError`
    digest: Callable[[str], str] | None = None  # path -> SHA-256 of the content; None: of the file's bytes
    shuffled: Callable[[Any, np.random.Generator], Any] | None = None  # the same content out of order: the control `shuffled`
    describe: Callable[[Media], str] | None = None  # a few words for `show`: "640 x 480 pixels"
    picture: Callable[[Media], Image.Image] | None = None  # what a report shows of it
    points: Callable[[Media], np.ndarray | None] | None = None  # [N, >= 3], which a report can turn around; None: has none
    element: Callable[[Media], str] | None = None  # HTML beside the picture, such as a player; no script, no address
    views: Callable[[Media, int], list[Image.Image]] | None = None  # as so many pictures, for models that only have eyes
    most_views: int = 1  # that may be asked for
    plans: Callable[[Media], list[Image.Image]] | None = None  # as drawings over a grid in metres
    plans_version: int = 1  # raise it when a pixel of any plan changes
    views_version: int = 0  # part of cache keys: raised when a pixel of any view changes
    corruptions: dict[str, Corruption] = field(default_factory=dict)  # by name; `--corrupt NAME:SEVERITY`
    parted: Callable[[Any, Callable[[Media], Media]], Any] | None = None  # the value with each of its own media changed
    becomes: Mapping[str, Callable[[Media], tuple[Media, ...]]] = field(
        default_factory=dict
    )  # other modalities, for models without this one
    parts: frozenset[str] = frozenset()  # what of a scene it gives: "cloud", "frames", "objects"
    probe: Probe | None = None
    tags: tuple[str, str] | None = None  # around its tokens in the LAMM model's conversations: plain text, no new vocabulary
    encoders: Mapping[str, EncoderKind] = field(default_factory=dict)  # by the config's `kind`; the first need not be named
    heavy: bool = False  # whether an encoder's memory grows with the file
    flat: bool = False  # a picture already: models with eyes are shown it as it is
    square: bool = False  # whether a recipe's `image_transform` says how it is made square
    described: bool = False  # whether a question that is answered by one box is a description of what stands there
    versions: Callable[[], dict[str, str]] = dict  # of what decodes it; part of every manifest

    @property
    def short(self) -> str:
        """It in one word."""
        return self.word or self.name

    @property
    def flag(self) -> str:
        """The command of `chat` that shows one."""
        return self.command or self.short


_known: dict[str, Modality] = {}
_where: dict[str, str] = {}  # modality -> the module or file that brought it
_shelf: list[str] = []
_where_corrupted: dict[tuple[str, str], str] = {}  # modality, corruption -> the file that brought it


def register(one: Modality, where: str) -> None:
    """Makes a modality known; a second one of the same name, key or word is refused."""
    if not isinstance(one, Modality):
        raise BenchError(f"{where}: MODALITIES holds {type(one).__name__}, expected lamm_bench.media.Modality")
    for part in ("decode", "hidden", "weigh"):
        if not callable(getattr(one, part)):
            raise BenchError(f"{where}: `{part}` of the modality {one.name} is {getattr(one, part)!r}, expected a function")
    others = [
        other for other in _known.values() if other != one and _where[other.name] != where
    ]  # the same file again replaces its own
    for other in others:
        taken = [name for name in ("name", "key", "short", "flag") if getattr(one, name) == getattr(other, name)]
        if taken:
            raise BenchError(
                f"{where} brings a second modality whose {taken[0]} is '{getattr(one, taken[0])}'; rename one of them"
            )
    _known[one.name] = one
    _where.setdefault(one.name, where)


def forget(name: str) -> None:
    """Takes a modality out again, for the tests of its author."""
    _known.pop(name, None)
    _where.pop(name, None)


def shelf() -> list[ModuleType]:
    """The modules of this folder, by name."""
    here = __name__.rpartition(".")[0]
    names = sorted(info.name for info in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return [importlib.import_module(f"{here}.{name}") for name in names]


def modalities() -> dict[str, Modality]:
    """All modalities by name, those of the shelf first."""
    if not _shelf:
        for module in shelf():
            for one in getattr(module, "MODALITIES", ()):
                register(one, module.__name__)
                _shelf.append(one.name)
        for entry in importlib.metadata.entry_points(group=GROUP):
            try:
                module = entry.load()
            except ImportError as error:
                raise BenchError(f"entry point {entry.name} ({entry.value}) cannot be loaded: {error}") from error
            for one in getattr(module, "MODALITIES", ()):
                register(one, f"entry point {entry.name}")
    return _known


def ours() -> tuple[str, ...]:
    """The names of those that stand on the shelf."""
    modalities()
    return tuple(_shelf)


def add_corruptions(kind: str, more: Mapping[str, Corruption], where: str) -> None:
    """Makes corruptions of a kind of media known. Raises `BenchError` for an unknown kind, and for a second one of the same name."""
    known = modality(kind).corruptions
    for name, one in more.items():
        check_corruption(name, one, where)
        if name in known and known[name] is not one and _where_corrupted.get((kind, name)) != where:
            raise BenchError(f"{where} brings a second corruption of {many(kind)} called '{name}'; rename one of them")
        known[name] = one
        _where_corrupted[kind, name] = where


def check_corruption(name: str, one: Any, where: str) -> None:
    """Raises `BenchError` for what is no corruption, or has a name that `--corrupt` could not be told."""
    if not isinstance(one, Corruption) or not callable(one.change):
        raise BenchError(f"{where}: the corruption {name} is {type(one).__name__}, expected lamm_bench.media.Corruption")
    if not isinstance(name, str) or not CORRUPTION_NAME.fullmatch(name):
        raise BenchError(f"{where}: the corruption {name!r} needs a name of letters, digits, `_`, `-` and `/`")


def learns(kind: str, config: Any) -> bool:
    """Whether a training may begin an encoder of this config from nothing."""
    return modality(kind).encoders[config.kind].learns


def modality(name: str) -> Modality:
    """A modality by name; raises `BenchError` with the nearest there is."""
    found = modalities().get(name)
    if found is None:
        raise unknown("modality", name, modalities())
    return found


def flats() -> frozenset[str]:
    """The modalities that are pictures."""
    return frozenset(one.name for one in modalities().values() if one.flat)


def renderable() -> frozenset[str]:
    """The modalities that become pictures by rendering, for models that only have eyes."""
    return frozenset(one.name for one in modalities().values() if one.views is not None and not one.flat)


def many(name: str) -> str:
    """Its plural in sentences; of one that nobody knows, its name."""
    found = modalities().get(name)
    return found.many if found else name.replace("_", " ")


def by_key(keys: Sequence[str]) -> list[Modality]:
    """The modalities whose keys are among those of an item."""
    return [one for one in modalities().values() if one.key in keys]


def resolve(named: Named) -> Callable[..., Any]:
    """A class or function that may be named by where it is."""
    if not isinstance(named, str):
        return named
    module, _, name = named.partition(":")
    return getattr(importlib.import_module(module), name)
