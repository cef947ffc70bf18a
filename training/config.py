"""A preset says everything about a training: data, model, stages. YAML, each value explained, unknown keys refused.

To add one, write `presets/<name>.yaml`; its first comment line is what `--list` shows."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lamm_bench.errors import BenchError, unknown
from lamm_bench.lamm.config import CloudConfig, ImageConfig, Llm, Lora, read

PRESETS = Path(__file__).parent / "presets"
PARTS = ("encoders", "projection", "llm", "lora")
"""What a stage can train."""


@dataclass(frozen=True)
class Data:
    """Which dialogues, and how they are read. Paths are relative to the data root."""

    image: tuple[str, ...] = ()
    point_cloud: tuple[str, ...] = ()
    prompts: str = "standard"  # the file of system messages, by task_type
    layout: str = "training"
    turns: str = "side_by_side"  # or "sequential": whether a later question of a dialogue sees the earlier ones
    share: str = "task_type"  # side by side: whose turns share a sequence; "media": all turns about one image or cloud
    text_tokens: int = 400  # the most behind one image or cloud (reference 3.5)
    sequences: int = 0  # the most that are kept of what is said about one image or cloud; 0: all
    row_tokens: int = 512  # of a row of a batch, which shorter sequences share without seeing each other
    mirror: tuple[str, ...] = ()  # task types whose pictures may be mirrored, where no text speaks of sides or places
    max_bad: float = 0.01  # the share of unreadable media that is put up with


@dataclass(frozen=True)
class Model:
    """The sizes of what is built from nothing."""

    llm: Llm = field(default_factory=Llm)
    lora: Lora = field(default_factory=Lora)
    image: ImageConfig | None = None
    point_cloud: CloudConfig | None = None


@dataclass(frozen=True)
class Augment:
    """Changes of the pixels that leave every answer as it is."""

    light: float = 0.0  # brightness, contrast and colour balance by up to this share
    noise: float = 0.0  # standard deviation, of 255
    shift: int = 0  # pixels, in each direction
    drop: float = 0.0  # share of a cloud's grid cells that are emptied


@dataclass(frozen=True)
class Stage:
    """One pass of the loop with one set of trainable parts."""

    name: str
    train: tuple[str, ...]  # of PARTS; everything else is frozen
    epochs: float
    batch: int  # rows in a step
    rate: float  # the highest learning rate
    most: int = 0  # sequences about one image or cloud in an epoch, drawn anew each time; 0: all
    media: bool = True  # false: the dialogues as text alone, learnt whole
    answers: float = 1.0  # weight of the language model's loss; 0 leaves the language model out
    asked: float = 0.0  # weight of the questions that are asked of the encoders' tokens (heads.py)
    places: float = 0.0  # weight of the error of places beside it
    spots: float = 0.0  # weight of what stands in each cell
    questions: int = 8  # about each media in a step
    times: Mapping[str, float] = field(default_factory=dict)  # task type -> how often its media come in an epoch
    warmup: float = 0.1  # share of the steps in which the rate rises
    schedule: str = "cosine"  # or "linear": how it falls to zero
    betas: tuple[float, ...] = (0.9, 0.95)
    decay: float = 0.001  # decoupled weight decay
    clip: float = 1.0  # of the gradient's norm
    evenness: float = 0.0  # 0: each token counts alike; 1: each answer counts alike
    weights: Mapping[str, float] = field(default_factory=dict)  # task type -> weight of its answers; 1 unless named
    augment: Augment = field(default_factory=Augment)


@dataclass(frozen=True)
class Preset:
    """A whole training."""

    name: str
    data: Data
    model: Model
    stages: tuple[Stage, ...]
    tokenizer: int = 1536  # tokens, numbers included
    seed: int = 0
    threads: int = 0  # 0: PyTorch's own choice
    precision: str = "auto"  # "float32", "bfloat16" (autocast), or bfloat16 where the processor has instructions for it
    save_every: int = 100  # steps between states that a killed training can go on from
    licence: str = ""


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
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BenchError(f"{file} is not YAML: {error}") from None
    if not isinstance(data, dict):
        raise BenchError(f"{file} holds no keys")
    for key, text in (settings or {}).items():
        override(data, key, text)
    preset = read(Preset, data, file.name)
    check(preset)
    return preset


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
    except yaml.YAMLError:
        here[last] = text


def check(preset: Preset) -> None:
    """What types alone cannot say."""
    one_of("precision", preset.precision, ("auto", "float32", "bfloat16"))
    one_of("data.turns", preset.data.turns, ("side_by_side", "sequential"))
    one_of("data.share", preset.data.share, ("task_type", "media"))
    for stage in preset.stages:
        one_of(f"stages.{stage.name}.schedule", stage.schedule, ("cosine", "linear"))
        for part in stage.train:
            one_of(f"stages.{stage.name}.train", part, PARTS)
        if stage.batch < 1 or stage.epochs <= 0 or stage.rate <= 0 or len(stage.betas) != 2:
            raise BenchError(f"stages.{stage.name}: batch, epochs and rate must be above 0, and betas two numbers")
        trains_encoders(preset, stage)
    if not preset.stages:
        raise BenchError("a preset needs at least one stage")
    for kind in ("image", "point_cloud"):
        if (getattr(preset.model, kind) is None) != (not getattr(preset.data, kind)):
            raise BenchError(f"data.{kind} and model.{kind} must be given both or neither")


def trains_encoders(preset: Preset, stage: Stage) -> None:
    for kind in ("image", "point_cloud"):
        encoder = getattr(preset.model, kind)
        if "encoders" in stage.train and encoder is not None and encoder.kind != "mini":
            raise BenchError(f"stages.{stage.name} trains encoders, and model.{kind} is a frozen encoder of kind {encoder.kind}")


def one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        near = difflib.get_close_matches(value, known, n=1, cutoff=0.5)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise BenchError(f"{key} is '{value}'.{hint} It can be: {', '.join(known)}")
