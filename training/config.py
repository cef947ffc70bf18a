"""A preset says everything about a training: data, model, stages. YAML, each value explained, unknown keys refused.

To add one, write `presets/<name>.yaml`; its first comment line is what `--list` shows."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from lamm_bench.errors import BenchError, unknown
from lamm_bench.lamm.config import CloudConfig, HubLlm, ImageConfig, Llm, LlmConfig, Lora, read
from lamm_bench.lamm.config import load as load_config

PRESETS = Path(__file__).parent / "presets"
PARTS = ("encoders", "projection", "llm", "head", "lora")
"""What a stage can train. `head` is the output layer of a language model that has one apart from its embeddings."""


@dataclass(frozen=True)
class MetaFile:
    """What is to be known about one meta file beside its name."""

    weight: float = 1.0  # times that its dialogues come in an epoch: 2 is twice, 0.5 a half of them, drawn anew each time
    style: str = "lamm"  # or "llava": no task types, ids may recur, dialogues without media are left out and counted
    media: str = ""  # the folder that media paths start from, relative to the data root; empty: the one above `meta_file`


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
    files: Mapping[str, MetaFile] = field(default_factory=dict)  # of those in `image` and `point_cloud` that need it
    long: str = "refuse"  # a turn longer than text_tokens; "cut": the end is cut off, as upstream does, and counted
    part: float = 1.0  # the share of all media that is used at all, for a short training; the same ones each time
    held_out: float = 0.0  # the share of all media that is kept from training, for the validation loss
    workers: int = 2  # threads that decode media
    memory: int = 8192  # MiB of decoded media that are kept; beyond that they are decoded when their batch comes
    expected: int = 0  # dialogues, for a dry run where the files are not there
    expected_text: int = 0  # text tokens of a dialogue, likewise


@dataclass(frozen=True)
class Model:
    """The sizes of what is built from nothing, and where the rest lies."""

    llm: LlmConfig = field(default_factory=Llm)
    lora: Lora | None = field(default_factory=Lora)
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
    anchors: float = (
        0.0  # weight of the words and numbers that media tokens name half-way through the language model (anchors.py)
    )
    times: Mapping[str, float] = field(default_factory=dict)  # task type -> how often its media come in an epoch
    warmup: float = 0.1  # share of the steps in which the rate rises
    schedule: str = "cosine"  # or "linear": how it falls to zero; "warmup_decay": DeepSpeed's WarmupDecayLR (reference 3.7)
    optimizer: str = "adamw"  # or "muon": for the matrices of the language model's layers, AdamW for the rest
    betas: tuple[float, ...] = (0.9, 0.95)
    decay: float = 0.001  # decoupled weight decay
    clip: float = 1.0  # of the gradient's norm
    evenness: float = 0.0  # 0: each token counts alike; 1: each answer counts alike
    weights: Mapping[str, float] = field(default_factory=dict)  # task type -> weight of its answers; 1 unless named
    blur: Mapping[str, float] = field(default_factory=dict)  # kind of media -> standard deviation of number tokens in answers
    augment: Augment = field(default_factory=Augment)


@dataclass(frozen=True)
class Speed:
    """What changes how fast a training is and how much memory it takes, never what it learns."""

    micro: int = 0  # rows in one forward pass of one process; 0: the whole batch
    features: str = "memory"  # frozen encoders' tokens are kept; "each_step": they are computed again for each batch
    checkpointing: bool = False  # gradient checkpointing: activations are computed twice and not kept
    compile: str = "never"  # torch.compile of the language model: "always", or "auto" where it is known to pay (compiled.py)


@dataclass(frozen=True)
class Parallel:
    """What DeepSpeed is told, under `--engine deepspeed`."""

    zero: int = 0  # stage 0 to 3 (Rajbhandari et al. 2020): nothing, optimizer, gradients, weights are split as well
    offload: tuple[str, ...] = ()  # "optimizer", "parameters": kept in the host's memory
    scale_power: int = 16  # float16: the first loss scale is 2 ** scale_power
    scale_window: int = 1000  # float16: steps without overflow until the loss scale doubles


@dataclass(frozen=True)
class Watch:
    """What is looked at and kept while a training runs."""

    keep: int = 1  # states that can be gone on from
    validate_every: int = 0  # steps between validation losses; 0: at the end of each stage only. Needs data.held_out
    final: str = "last"  # or "best": the weights with the least validation loss
    eval_every: int = 0  # steps between short runs over the miniature's validation split; 0: none
    eval_tasks: str = "all"
    eval_limit: int = 8  # samples of each task
    tensorboard: bool = False  # metrics for TensorBoard as well; needs the extra `tensorboard`


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
    assumed: Llm | None = None  # the language model's sizes, for a dry run where it is not there
    start: str = ""  # a checkpoint whose projection is gone on with
    encoders_from: str = ""  # a checkpoint whose encoders are taken; "baseline": the one that ships with the package
    unused: str = "skip"  # weights that a batch has no use for rest; "zero": their gradient is zero, as DeepSpeed has it
    speed: Speed = field(default_factory=Speed)
    parallel: Parallel = field(default_factory=Parallel)
    watch: Watch = field(default_factory=Watch)


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
    preset = with_encoders(read(Preset, data, file.name))
    check(preset)
    return preset


def load(file: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The file's keys, laid over those of the preset that its key `base` names."""
    if file in seen:
        raise BenchError(f"{file} is its own base")
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BenchError(f"{file} is not YAML: {error}") from None
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
    taken: dict[str, Any] = {}
    for kind in ("image", "point_cloud"):
        if getattr(preset.model, kind) is not None:
            raise BenchError(f"model.{kind} and encoders_from are both given; one of them must go")
        if getattr(preset.data, kind) and getattr(config, kind) is None:
            raise BenchError(f"encoders_from: {preset.encoders_from} has no encoder of the kind {kind}")
        taken[kind] = getattr(config, kind) if getattr(preset.data, kind) else None
    if any("encoders" in stage.train for stage in preset.stages):
        raise BenchError("encoders_from takes trained encoders, which stay frozen; leave them out of every stage's train")
    return replace(preset, model=replace(preset.model, **taken))


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
    except yaml.YAMLError:
        here[last] = text


def check(preset: Preset) -> None:
    """What types alone cannot say."""
    one_of("precision", preset.precision, ("auto", "float32", "bfloat16", "float16"))
    one_of("speed.compile", preset.speed.compile, ("auto", "always", "never"))
    one_of("data.turns", preset.data.turns, ("side_by_side", "sequential"))
    one_of("data.share", preset.data.share, ("task_type", "media"))
    for stage in preset.stages:
        if (stage.blur or stage.anchors) and isinstance(preset.model.llm, HubLlm):
            raise BenchError(
                f"stages.{stage.name}: blur and anchors need a tokenizer of whole numbers, which only a language model that is "
                "built here has"
            )
        if stage.asked and stage.anchors:
            raise BenchError(f"stages.{stage.name}: asked and anchors are of different stages; one of them must be 0")
        one_of(f"stages.{stage.name}.optimizer", stage.optimizer, ("adamw", "muon"))
        for kind, deviation in stage.blur.items():
            one_of(f"stages.{stage.name}.blur", kind, ("image", "point_cloud"))
            if deviation < 0:
                raise BenchError(f"stages.{stage.name}.blur.{kind} is {deviation}; a standard deviation is 0 or more")
        one_of(f"stages.{stage.name}.schedule", stage.schedule, ("cosine", "linear", "warmup_decay"))
        for part in stage.train:
            one_of(f"stages.{stage.name}.train", part, PARTS)
        for key in ("batch", "epochs", "rate"):
            if (value := getattr(stage, key)) <= 0:
                raise BenchError(f"stages.{stage.name}.{key} is {value}; it must be above 0")
        if len(stage.betas) != 2:
            raise BenchError(f"stages.{stage.name}.betas has {len(stage.betas)} numbers, expected two")
        trains_encoders(preset, stage)
        if "lora" in stage.train and preset.model.lora is None:
            raise BenchError(f"stages.{stage.name} trains lora, and model.lora is null")
    check_data(preset.data)
    one_of("speed.features", preset.speed.features, ("memory", "each_step"))
    one_of("unused", preset.unused, ("skip", "zero"))
    one_of("watch.final", preset.watch.final, ("last", "best"))
    for place in preset.parallel.offload:
        one_of("parallel.offload", place, ("optimizer", "parameters"))
    if not 0 <= preset.parallel.zero <= 3:
        raise BenchError(f"parallel.zero is {preset.parallel.zero}; DeepSpeed's ZeRO has the stages 0 to 3")
    if "parameters" in preset.parallel.offload and preset.parallel.zero != 3:
        raise BenchError("parallel.offload: parameters can be kept in the host's memory under parallel.zero 3 only")
    if "optimizer" in preset.parallel.offload and not preset.parallel.zero:
        raise BenchError("parallel.offload: the optimizer can be kept in the host's memory under parallel.zero 1 to 3 only")
    if preset.watch.final == "best" and not preset.data.held_out:
        raise BenchError(
            "watch.final: best needs a validation loss; say with data.held_out which share of the media is kept for it"
        )
    if preset.watch.keep < 1 or min(preset.speed.micro, preset.watch.validate_every, preset.watch.eval_every) < 0:
        raise BenchError("watch.keep must be at least 1, and speed.micro, watch.validate_every, watch.eval_every at least 0")
    if not preset.stages:
        raise BenchError("a preset needs at least one stage")
    for name in ("llm", "image", "point_cloud"):
        part = getattr(preset.model, name)
        if part is not None and part.kind == "mini" and part.width % part.heads:
            raise BenchError(f"model.{name}: heads is {part.heads}, which does not divide the width of {part.width}")
    for kind in ("image", "point_cloud"):
        if (getattr(preset.model, kind) is None) != (not getattr(preset.data, kind)):
            raise BenchError(f"data.{kind} and model.{kind} must be given both or neither")


def check_data(data: Data) -> None:
    """Refuses words in `data` that mean nothing; raises BenchError with the nearest that does."""
    one_of("data.long", data.long, ("refuse", "cut"))
    for name, file in data.files.items():
        one_of("data.files", name, (*data.image, *data.point_cloud))
        one_of(f"data.files.{name}.style", file.style, ("lamm", "llava"))
        if file.weight <= 0:
            raise BenchError(f"data.files.{name}.weight is {file.weight}; it must be above 0")
    if data.long == "cut" and data.turns != "sequential":
        raise BenchError("data.long: cut is for data.turns: sequential; side by side, long dialogues are split between turns")
    if not 0 < data.part <= 1:
        raise BenchError(f"data.part is {data.part}; it is a share of the media, above 0 and at most 1")
    if not 0 <= data.held_out < 1 or not 0 <= data.max_bad <= 1:
        raise BenchError("data.held_out and data.max_bad are shares between 0 and 1")


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
