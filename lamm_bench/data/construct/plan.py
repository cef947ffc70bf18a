"""A plan says what is constructed: sources, kinds of dialogue and what is refused. YAML; unknown keys are refused.

Paths are relative to the plan's own folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError, unknown
from lamm_bench.keep.files import digest
from lamm_bench.loading import load_yaml, shorten

PLANS = Path(__file__).parent / "plans"
KINDS = ("C1", "C2", "C3", "C4")
WHOLE, PART, TEXT, FLAG = "a whole number above 0", "a number from 0 to 1", "a text", "true or false"
OF_LLM = {"per_medium": WHOLE, "new_tokens": WHOLE, "temperature": "a number from 0 to 2", "examples": WHOLE}
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "C1": {**OF_LLM, "rounds": WHOLE, "one_at_a_time": FLAG},
    "C2": {**OF_LLM, "rounds": WHOLE, "one_at_a_time": FLAG},
    "C3": OF_LLM,
    "C4": {"tasks": TEXT, "style": TEXT, "turns": WHOLE, "own_questions": PART},
}
STYLES = ("sentences", "short", "mixed")
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "C1": {"per_medium": 1, "new_tokens": 1024, "temperature": 0.7, "examples": 2, "rounds": 4},
    "C2": {"per_medium": 1, "new_tokens": 1024, "temperature": 0.7, "examples": 2, "rounds": 3},
    "C3": {"per_medium": 1, "new_tokens": 768, "temperature": 0.7, "examples": 2},
    "C4": {"tasks": "all", "style": "mixed", "turns": 10, "own_questions": 0.25},
}
TOP = ("name", "seed", "licence", "sources", "kinds", "knowledge", "aliases", "language", "near", "pool", "without_media")
LANGUAGES = ("en", "any")


@dataclass(frozen=True)
class Source:
    """One entry of `sources`: a reader, and what the reader is told."""

    reader: str
    name: str
    folder: Path  # that its paths are relative to
    options: Mapping[str, Any]
    licence: str = "not said"
    split: str = "train"

    def path(self, key: str, needed: bool = True) -> Path | None:
        """The path under a key. Raises `BenchError` where it is needed and not there."""
        value = self.options.get(key)
        if value is None:
            if needed:
                raise BenchError(f"{self.where}: `{key}` is missing; the reader {self.reader} needs it")
            return None
        if not isinstance(value, str) or not value:
            raise BenchError(f"{self.where}: `{key}` is {shorten(value)}, expected a path")
        return self.folder / value

    def need(self, key: str) -> Path:
        """The path under a key that must be there."""
        found = self.path(key)
        assert found is not None
        return found

    @property
    def where(self) -> str:
        return f"source {self.name}"


@dataclass(frozen=True)
class Plan:
    """What a plan file says, checked."""

    name: str
    folder: Path
    sources: tuple[Source, ...]
    kinds: Mapping[str, Mapping[str, Any]]
    seed: int = 0
    licence: str = "not said"
    knowledge: tuple[Path, ...] = ()  # files that describe labels, for C2
    aliases: Path | None = None  # label -> other names
    language: str = "en"
    near: float = 0.7  # shared 3-grams, as a share, from which on a dialogue is a copy of another
    pool: int = 0  # questions that a language model adds to each pool of templates (self-instruct); 0: none
    without_media: bool = False  # whether media that are not there are told of all the same
    said: Mapping[str, Any] = field(default_factory=dict)  # the file as it was read

    @property
    def digest(self) -> str:
        return digest(self.said)


def read_plan(given: str) -> Plan:
    """A plan by path, or one that ships by name. Raises `BenchError` that names the key."""
    path = Path(given)
    if not path.suffix and not path.is_file():
        path = PLANS / f"{given}.yaml"
        if not path.is_file():
            raise unknown("plan", given, [one.stem for one in PLANS.glob("*.yaml")])
    data = load_yaml(path)
    if not isinstance(data, dict):
        raise BenchError(f"{path} holds {type(data).__name__}, expected a mapping with the keys sources and kinds")
    for key in data:
        if key not in TOP:
            raise unknown(f"key of {path}", str(key), TOP)
    return Plan(
        name=text(path, data, "name", path.stem),
        folder=path.parent,
        sources=sources_of(path, data.get("sources")),
        kinds=kinds_of(path, data.get("kinds", {"C4": {}})),
        seed=number(path, data, "seed", 0),
        licence=text(path, data, "licence", "not said"),
        knowledge=tuple(path.parent / name for name in texts(path, data, "knowledge")),
        aliases=path.parent / text(path, data, "aliases", "") if data.get("aliases") else None,
        language=language_of(path, text(path, data, "language", "en")),
        near=share(path, data, "near", 0.7),
        pool=number(path, data, "pool", 0),
        without_media=bool(data.get("without_media", False)),
        said=data,
    )


def sources_of(path: Path, value: Any) -> tuple[Source, ...]:
    if not isinstance(value, list) or not value:
        raise BenchError(f"{path}: `sources` is {shorten(value)}, expected a list of at least one source with its `reader`")
    found: list[Source] = []
    for index, entry in enumerate(value):
        where = f"{path}: source {index}"
        if not isinstance(entry, dict) or not isinstance(entry.get("reader"), str):
            raise BenchError(f"{where} is {shorten(entry)}, expected a mapping with the name of its `reader`")
        for key in ("as", "licence", "split"):
            if not isinstance(entry.get(key, ""), str):
                raise BenchError(f"{where}: `{key}` is {shorten(entry[key])}, expected a text")
        name = entry.get("as") or f"{entry['reader']}{index}"
        if not name.replace("_", "").replace("-", "").replace(".", "").isalnum() or name.startswith("."):
            raise BenchError(f"{where}: `as` is {shorten(name)}, expected the name of a folder: letters, digits, _ and -")
        options = {key: value for key, value in entry.items() if key not in ("reader", "as", "licence", "split")}
        licence, split = entry.get("licence", "not said"), entry.get("split", "train")
        found.append(Source(entry["reader"], name, path.parent, options, licence, split))
    return tuple(found)


def kinds_of(path: Path, value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict) or not value:
        raise BenchError(f"{path}: `kinds` is {shorten(value)}, expected a mapping from C1, C2, C3 or C4 to settings")
    found = {}
    for kind, settings in value.items():
        if kind not in KINDS:
            raise unknown(f"kind of dialogue in {path}", str(kind), KINDS)
        settings = settings if settings is not None else {}
        if not isinstance(settings, dict):
            raise BenchError(f"{path}: `{kind}` is {shorten(settings)}, expected a mapping of settings, or nothing")
        for key, said in settings.items():
            if key not in SETTINGS[kind]:
                raise unknown(f"setting of {kind} in {path}", str(key), SETTINGS[kind])
            if not fits(said, SETTINGS[kind][key]):
                raise BenchError(f"{path}: `{kind}.{key}` is {shorten(said)}, expected {SETTINGS[kind][key]}")
        found[kind] = {**DEFAULTS[kind], **settings}
    style = found.get("C4", {}).get("style", "mixed")
    if style not in STYLES:
        raise unknown(f"style of C4 in {path}", style, STYLES)
    return found


def fits(value: Any, form: str) -> bool:
    """Whether a setting has its form."""
    if form in (TEXT, FLAG):
        return isinstance(value, str if form == TEXT else bool)
    if form == WHOLE:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= (1 if form == PART else 2)


def language_of(path: Path, name: str) -> str:
    if name not in LANGUAGES:
        raise unknown(f"language that {path} can check", name, LANGUAGES)
    return name


def text(path: Path, data: Mapping[str, Any], key: str, usual: str) -> str:
    value = data.get(key, usual)
    if not isinstance(value, str):
        raise BenchError(f"{path}: `{key}` is {shorten(value)}, expected a text")
    return value


def texts(path: Path, data: Mapping[str, Any], key: str) -> list[str]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BenchError(f"{path}: `{key}` is {shorten(value)}, expected a list of texts")
    return value


def number(path: Path, data: Mapping[str, Any], key: str, usual: int) -> int:
    value = data.get(key, usual)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BenchError(f"{path}: `{key}` is {shorten(value)}, expected a whole number from 0 on")
    return value


def share(path: Path, data: Mapping[str, Any], key: str, usual: float) -> float:
    value = data.get(key, usual)
    if not fits(value, PART):
        raise BenchError(f"{path}: `{key}` is {shorten(value)}, expected {PART}")
    return float(value)
