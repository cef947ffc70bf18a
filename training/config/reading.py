"""Presets from YAML: by name or file, with what they extend and with `--set`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from lamm_bench.errors import BenchError, unknown
from lamm_bench.lamm.config import Llm, Lora, read
from lamm_bench.lamm.config import load as load_config
from lamm_bench.loading import load_yaml

from .checking import check
from .preset import Preset
from .tasks import narrowed

PRESETS = Path(__file__).parents[1] / "presets"


def list_presets() -> dict[str, str]:
    """Every preset and the first line of its file."""
    files = sorted(PRESETS.glob("*.yaml"))
    return {file.stem: file.read_text(encoding="utf-8").splitlines()[0].lstrip("# ") for file in files}


def preset_file(name: str | Path) -> Path:
    """A preset by its name or by the path of a YAML file."""
    if str(name).endswith((".yaml", ".yml")):
        if not Path(name).is_file():
            raise BenchError(f"the preset {name} is missing")
        return Path(name)
    if str(name) not in list_presets():
        raise unknown("preset", str(name), list_presets())
    return PRESETS / f"{name}.yaml"


def show_preset(name: str | Path) -> str:
    """The preset's YAML with its explanations."""
    return preset_file(name).read_text(encoding="utf-8")


def read_preset(name: str | Path, settings: Mapping[str, str] | None = None) -> Preset:
    """A preset with `--set a.b=value` laid over it; a stage is found by its name: `stages.lamm.epochs=1`."""
    file = preset_file(name)
    data = load(file)
    for key, text in (settings or {}).items():
        override(data, key, text)
    preset = narrowed(extended(with_encoders(read(Preset, data, file.name))))
    check(preset)
    return preset


def load(file: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The file's keys, laid over those of the preset that its key `base` names."""
    if file in seen:
        raise BenchError(f"{file} is its own base")
    data = load_yaml(file)
    if not isinstance(data, dict):
        raise BenchError(f"{file} holds no keys")
    base = data.pop("base", None)
    if base is None:
        return data
    near = file.parent / str(base)
    below = load(near if near.suffix and near.is_file() else preset_file(str(base)), (*seen, file))
    if file.parent != PRESETS:
        below.pop("licence", None)  # of the base's data, and these may be others
    return laid_over(below, data)


def laid_over(below: Any, above: Any) -> Any:
    """`above` where it says something, else `below`. Stages are met by name; a mapping of another `kind` replaces the whole.

    >>> laid_over({"a": {"x": 1, "y": 2}}, {"a": {"x": 3}})
    {'a': {'x': 3, 'y': 2}}
    """
    if isinstance(below, dict) and isinstance(above, dict):
        if "kind" in above or "style" in above:
            return above
        return below | {
            key: laid_over(below[key], value) if key in below and key != "files" else value for key, value in above.items()
        }
    named = [entry.get("name") if isinstance(entry, dict) else None for entry in above] if isinstance(above, list) else []
    if named and all(named) and isinstance(below, list):
        known = {entry["name"]: entry for entry in below if isinstance(entry, dict) and "name" in entry}
        return [laid_over(known.get(entry["name"], {}), entry) for entry in above]
    return above


def with_encoders(preset: Preset) -> Preset:
    """The preset with the encoders of the checkpoint that `encoders_from` names, for the media that its data have."""
    if not preset.encoders_from:
        return preset
    config = load_config(checkpoint_called(preset.encoders_from))
    for kind in preset.model.encoders:
        raise BenchError(f"model.{kind} and encoders_from are both given; one of them must go")
    taken: dict[str, Any] = {}
    for kind in (kind for kind, names in preset.data.media.items() if names):
        if kind not in config.encoders:
            raise BenchError(f"encoders_from: {preset.encoders_from} has no encoder of the kind {kind}")
        taken[kind] = config.encoders[kind]
    if any("encoders" in stage.train for stage in preset.stages):
        raise BenchError("encoders_from takes trained encoders, which stay frozen; leave them out of every stage's train")
    return replace(preset, model=replace(preset.model, encoders=taken))


def extended(preset: Preset) -> Preset:
    """The preset with language model, LoRA and encoders of the checkpoint that it extends beside its own new encoders."""
    if not preset.extends:
        return preset
    if preset.encoders_from:
        raise BenchError("extends takes a whole checkpoint; leave encoders_from out")
    if preset.start:
        preset = replace(preset, extends=preset.start, start="")
    config = load_config(checkpoint_called(preset.extends))
    for kind in preset.model.encoders:
        if kind in config.encoders:
            raise BenchError(f"model.{kind}: {preset.extends} has an encoder for it already; extends is for further modalities")
    if preset.model.llm != Llm() or (preset.model.lora not in (Lora(), config.lora)):
        raise BenchError(f"model.llm and model.lora are those of {preset.extends}, which the preset extends; leave them out")
    lora = config.lora if config.lora is not None else preset.model.lora
    encoders = {**config.encoders, **preset.model.encoders}
    return replace(preset, model=replace(preset.model, llm=config.llm, lora=lora, encoders=encoders))


def checkpoint_called(name: str) -> Path:
    """A checkpoint's folder; `baseline` is the one that ships with the package."""
    return Path(str(resources.files("lamm_bench.results") / "baseline")) if name == "baseline" else Path(name).expanduser()


def override(data: dict[str, Any], key: str, text: str) -> None:
    """Sets one value in place; an intermediate key that does not exist is an error with the nearest name."""
    *path, last = key.split(".")
    here: Any = data
    for step in path:
        if isinstance(here, list):
            named = {str(entry.get("name")): entry for entry in here if isinstance(entry, dict)}
            if step not in named:
                raise unknown(f"part of the setting {key}", step, named)
            here = named[step]
        elif isinstance(here, dict):
            here = here.setdefault(step, {})
        else:
            raise BenchError(f"the setting {key} goes through {step}, which holds no keys")
    if not isinstance(here, dict):
        raise BenchError(f"the setting {key} must name one value")
    try:
        here[last] = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        here[last] = text
