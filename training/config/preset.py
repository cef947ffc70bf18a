"""A preset says everything about a training: data, model, stages. YAML, each value explained, unknown keys refused.

To add one, write `presets/<name>.yaml`; its first comment line is what `--list` shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.lamm.config import BESIDE, Llm, LlmConfig, Lora, value_of

PARTS = ("encoders", "projection", "llm", "head", "lora")
"""What a stage can train. `head` is the output layer of a language model that has one apart from its embeddings."""


@dataclass(frozen=True)
class MetaFile:
    """What is to be known about one meta file beside its name."""

    weight: float = 1.0  # times that its dialogues come in an epoch: 2 is twice, 0.5 a half of them, drawn anew each time
    style: str = "lamm"  # or "llava": no task types, ids may recur, dialogues without media are left out and counted
    media: str = ""  # the folder that media paths start from, relative to the data root; empty: the one above `meta_file`


def meta_files(kind: str, value: Any, where: str) -> tuple[str, ...]:
    """The paths of one modality's meta files."""
    found: tuple[str, ...] = value_of(tuple[str, ...], [] if value is None else value, where)
    return found


@dataclass(frozen=True)
class Data:
    """Which dialogues, and how they are read. Paths are relative to the data root."""

    media: Mapping[str, tuple[str, ...]] = field(default_factory=dict, metadata={"beside": meta_files})  # modality -> meta files
    prompts: str = "standard"  # the file of system messages, by task_type
    layout: str = "training"
    turns: str = "side_by_side"  # or "sequential": whether a later question of a dialogue sees the earlier ones
    share: str = "task_type"  # side by side: whose turns share a sequence; "media": all turns about one image or cloud
    text_tokens: int = 400  # the most behind one image or cloud (reference 3.5)
    sequences: int = 0  # the most that are kept of what is said about one image or cloud; 0: all
    row_tokens: int = 512  # of a row of a batch, which shorter sequences share without seeing each other
    mirror: tuple[str, ...] = ()  # task types whose pictures may be mirrored, where no text speaks of sides or places
    max_bad: float = 0.01  # the share of unreadable media that is put up with
    files: Mapping[str, MetaFile] = field(default_factory=dict)  # of the meta files, those that need it
    long: str = "refuse"  # a turn longer than text_tokens; "cut": the end is cut off, as upstream does, and counted
    part: float = 1.0  # the share of all media that is used at all, for a short training; the same ones each time
    without: tuple[str, ...] = ()  # tasks, folders of media, or FOLDER/TASK_TYPE of which no dialogue is learnt (without.py)
    without_words: tuple[str, ...] = ()  # media of which any dialogue says one of these words are not learnt from at all
    held_out: float = 0.0  # the share of all media that is kept from training, for the validation loss
    workers: int = 2  # threads that decode media
    memory: int = 8192  # MiB of decoded media that are kept; beyond that they are decoded when their batch comes
    expected: int = 0  # dialogues, for a dry run where the files are not there
    expected_text: int = 0  # text tokens of a dialogue, likewise

    @property
    def meta_files(self) -> tuple[str, ...]:
        """Of all modalities, in their order."""
        return tuple(name for names in self.media.values() for name in names)


@dataclass(frozen=True)
class Model:
    """The sizes of what is built from nothing, and where the rest lies."""

    llm: LlmConfig = field(default_factory=Llm)
    lora: Lora | None = field(default_factory=Lora)
    encoders: Mapping[str, Any] = field(default_factory=dict, metadata=BESIDE)  # modality -> its encoder


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
    start: str = ""  # a checkpoint whose projection is gone on with; of a preset that extends one, the checkpoint in its place
    tasks: str = ""  # benchmark tasks whose train split is constructed into dialogues and learnt, in place of data (tuning.py)
    seeds: int = 4  # miniatures that are their train split where there is no data root
    extends: str = (
        ""  # a checkpoint that stays as it is (language model, tokenizer, LoRA, its modalities) and learns further modalities
    )
    encoders_from: str = ""  # a checkpoint whose encoders are taken; "baseline": the one that ships with the package
    unused: str = "skip"  # weights that a batch has no use for rest; "zero": their gradient is zero, as DeepSpeed has it
    speed: Speed = field(default_factory=Speed)
    parallel: Parallel = field(default_factory=Parallel)
    watch: Watch = field(default_factory=Watch)
