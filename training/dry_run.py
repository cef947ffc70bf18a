"""`--dry-run`: what a preset would do, and what it would cost, before anything is downloaded or trained.

What is there is counted; what is not is taken from the preset's assumptions, and said so."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from lamm_bench.errors import BenchError
from lamm_bench.lamm.config import HubLlm, Llm
from lamm_bench.lamm.encoder_configs import ClipTower, VisionTower
from lamm_bench.lamm.llm import lora_shapes, place_of, read_config
from lamm_bench.lamm.model import build_encoder
from lamm_bench.lamm.weights import settings as settings_beside

from .config.preset import Preset, Stage
from .config.reading import read_preset
from .data.dialogues import Dialogue, read_dialogues
from .data.portion import in_part, split
from .data.shares import micros_of, whole_batches
from .data.without import left_out
from .engines.device import device_here, precision_on
from .estimate import Dealer, Load, by_arithmetic, look_of
from .stages.build import trains
from .tuning import constructed
from .watch.measure import PEAKS, activations, memory, peak_of

USE = 0.35
"""The share of a device's peak that is assumed: common for LoRA on frozen weights with short rows, never measured here."""


@dataclass(frozen=True)
class Sizes:
    """Numbers of parameters, and what the language model's activations depend on."""

    llm: int
    head: int  # of `llm`: an output layer apart from the embeddings
    embeddings: int  # of `llm`
    encoder: Mapping[str, int | None]  # of each kind of media; None where it cannot be counted here
    projection: int
    lora: int
    shape: tuple[int, int, int, int, int]  # width, hidden, layers, heads, vocabulary
    assumed: bool

    @property
    def encoders(self) -> int:
        return sum(size or 0 for size in self.encoder.values())


def dry_run(preset: str | Path, settings: Mapping[str, str], root: Path | None, processes: int, device: str | None) -> str:
    """Steps, tokens, parameters, memory and time, as lines."""
    plan = read_preset(preset, settings)
    for stage in plan.stages:
        whole_batches(plan, stage, processes)
    sizes = sizes_of(plan)
    dialogues, note = found(plan, root)
    count = len(dialogues) if dialogues else plan.data.expected
    used = plan.model.encoders
    slots = {kind: encoder.tokens for kind, encoder in used.items()}
    dealer = Dealer(plan, split(dialogues, plan)[1], slots) if dialogues else None
    loads = [
        dealer.load(i, stage) if dealer else by_arithmetic(plan, stage, count, max(slots.values(), default=0))
        for i, stage in enumerate(plan.stages)
    ]
    media = list(dict.fromkeys(one.media for one in dialogues))
    look = look_of(used, sizes.encoder, media)
    device_there = peak_named(device, plan)
    lines = [
        f"preset {plan.name}, {processes} process(es), {device_there[2]}",
        f"data: {count:,} dialogues ({note}); {', '.join(f'{number} tokens for each {kind}' for kind, number in slots.items())}",
        f"parameters: language model {sizes.llm / 1e6:,.1f} M{' (assumed: it is not here)' if sizes.assumed else ''}, "
        f"encoders {counted(sizes)}, projection {sizes.projection / 1e6:,.2f} M, LoRA {sizes.lora / 1e6:,.2f} M",
    ]
    kept = plan.speed.features != "each_step"
    times: list[float] = []
    for stage, load in zip(plan.stages, loads):
        if "encoders" in stage.train:
            seeing = 3 * look * load.media
        else:
            seeing = look * (len(media) or count if kept and load.media else load.media)
            look *= not (kept and load.media)  # what frozen encoders said is kept for the stages that follow
        said, seconds = stage_lines(plan, stage, sizes, load, seeing, max(slots.values(), default=0), processes, device_there)
        lines += said
        times.append(seconds)
    if len(times) > 1 and all(times):
        lines.append(f"in all about {clock(sum(times))} of training; drawing, reading and loading come to it")
    parallel = plan.parallel
    if processes > 1 or parallel.zero:
        lines.append(
            f"DeepSpeed: ZeRO {parallel.zero}" + (f", {' and '.join(parallel.offload)} offloaded" if parallel.offload else "")
        )
    return "\n".join(lines)


def stage_lines(
    plan: Preset,
    stage: Stage,
    sizes: Sizes,
    load: Load,
    seeing: float,
    slots: int,
    processes: int,
    device: tuple[float, bool, str],
) -> tuple[list[str], float]:
    """What one stage would do, and its seconds (0: unknown); `seeing` is the operations that encoders take in it, `slots` the most tokens of a media."""
    peak, half, _ = device
    parts = {"llm": sizes.llm - sizes.head, "head": sizes.head, "projection": sizes.projection, "lora": sizes.lora}
    trained = sum(number for part, number in {**parts, "encoders": sizes.encoders}.items() if part in stage.train)
    frozen = sizes.llm + sizes.projection + sizes.lora + sizes.encoders - trained
    micro = plan.speed.micro or math.ceil(stage.batch / processes)
    width, hidden, layers, heads, vocabulary = sizes.shape
    system = 60  # tokens of a system message, about
    own = slots if stage.media else 0
    row = int(max(own + plan.data.text_tokens + system, min(plan.data.row_tokens, load.row)))
    held = 0.0
    if stage.answers:
        held = activations(micro, row, width, hidden, layers, heads, not plan.speed.checkpointing, half)
        held += micro * (row - slots) * vocabulary * 8 / 2**30  # logits in float32, and their gradient, where labels stand
    need = memory(frozen, trained, plan.parallel.zero if processes > 1 else 0, processes, half, plan.parallel.offload, held)
    every = sizes.llm - sizes.embeddings + sizes.lora + (vocabulary * width if not sizes.head else 0)
    work = seeing + load.tokens * ((4 + 2 * plan.speed.checkpointing) * every + 2 * min(trained, every))
    seconds = work / (peak * USE * processes) if peak else 0.0
    learns = "encoders" in stage.train
    lines = [
        f"stage {stage.name}: trains {', '.join(stage.train)}: {trained / 1e6:,.2f} M parameters ({trained:,})",
        f"  {load.steps:,} steps of {stage.batch} rows: each process {micros_of(stage.batch, processes, micro)} forward passes of {micro}",
        f"  {load.tokens / 1e6:,.1f} M tokens" if stage.answers else f"  {load.media:,.0f} images and point clouds",
        f"  memory of each device, at the longest rows, about {sum(need.values()):.1f} GiB: "
        + ", ".join(f"{name} {value:.1f}" for name, value in need.items())
        + ("; what encoders keep for their gradients is not in it" if learns else ""),
        f"  time about {clock(seconds)} at {100 * USE:.0f} % of the peak"
        if seconds
        else "  time: unknown, for this device's peak is not listed; name one with --device",
    ]
    return lines, seconds


def found(plan: Preset, root: Path | None) -> tuple[list[Dialogue], str]:
    """The dialogues if they are there, and where their number is from."""
    if plan.tasks:
        with tempfile.TemporaryDirectory() as folder:
            made = constructed(plan, Path(folder) / "made", root)
            return read_dialogues(made, plan.data, wanted=in_part(plan)), "constructed for it"
    if root is None and not plan.data.expected:
        from lamm_bench.data import mini

        console = Console(stderr=True)
        console.print("no --data-root: counting in the miniature's training data, drawn at first use (minutes)", soft_wrap=True)
        drawn = Path(mini.ensure(parts=("train",)))
        return left_out(read_dialogues(drawn, plan.data, wanted=in_part(plan)), plan.data)[0], "counted in the miniature"
    if root is None:
        return [], "expected; name the data with --data-root to have them counted"
    if all((root / name).is_file() for name in plan.data.meta_files) or not plan.data.expected:
        return left_out(read_dialogues(root, plan.data, wanted=in_part(plan)), plan.data)[0], f"counted in {root}"
    return [], f"expected; their files are not in {root}"


def sizes_of(plan: Preset) -> Sizes:
    """Counted on a model without memory, from the language model's config or the preset's assumption."""
    config, assumed = llm_config(plan)
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        llm = AutoModelForCausalLM.from_config(config)
    tied = llm.get_output_embeddings().weight is llm.get_input_embeddings().weight
    llm_count = sum(p.numel() for p in llm.parameters())
    embeddings = llm.get_input_embeddings().weight.numel()
    lora = plan.model.lora
    shapes = lora_shapes(config, lora.r, lora.targets, "") if lora is not None and trains(plan, "lora") else {}
    used = plan.model.encoders
    width = config.hidden_size
    return Sizes(
        llm=llm_count,
        head=0 if tied else llm.get_output_embeddings().weight.numel(),
        embeddings=embeddings,
        encoder={kind: encoder_size(kind, encoder) for kind, encoder in used.items()},
        projection=sum((encoder.width + 1) * width for encoder in used.values()),
        lora=sum(a * b for a, b in shapes.values()),
        shape=(width, config.intermediate_size, config.num_hidden_layers, config.num_attention_heads, config.vocab_size),
        assumed=assumed,
    )


def llm_config(plan: Preset) -> tuple[Any, bool]:
    """transformers' config of the language model, and whether it is an assumption."""
    llm, assumed = plan.model.llm, False
    if isinstance(llm, HubLlm):
        try:
            place = place_of(llm)
            if place.local or plan.assumed is None:  # a dry run asks no hub for what the preset says itself
                return read_config(place), False
        except BenchError:
            if plan.assumed is None:
                raise
        llm, assumed = plan.assumed, True
    from transformers import LlamaConfig

    sizes: Llm = llm
    return (
        LlamaConfig(
            vocab_size=sizes.vocabulary or plan.tokenizer,
            hidden_size=sizes.width,
            intermediate_size=sizes.hidden,
            num_hidden_layers=sizes.layers,
            num_attention_heads=sizes.heads,
            num_key_value_heads=sizes.heads,
            tie_word_embeddings=not assumed,
        ),
        assumed,
    )


def encoder_size(kind: str, encoder: Any) -> int | None:
    """Parameters of an encoder, built without memory and without its weights; None where it cannot be built so."""
    try:
        with torch.device("meta"):
            module = build_encoder(kind, bare(encoder))
    except (BenchError, RuntimeError, NotImplementedError):
        return None
    return sum(p.numel() for p in module.parameters())


def bare(encoder: Any) -> Any:
    """The encoder's config without its weights. CLIP's tower has the same tensors in both libraries that run it; any other
    tower of transformers is what the config beside its weights says, where that is on this machine."""
    without: dict[str, Any] = {name: "" for name in ("weights", "clip") if hasattr(encoder, name)}
    if isinstance(encoder, ClipTower):
        return replace(encoder, weights="", library="transformers")
    if isinstance(encoder, VisionTower) and encoder.library == "transformers" and not encoder.architecture:
        folder = Path(encoder.weights).expanduser()
        return replace(
            encoder, **without, architecture=(settings_beside(folder, "config.json") if folder.is_dir() else None) or {}
        )
    return replace(encoder, **without)


def counted(sizes: Sizes) -> str:
    """The encoders' parameters in words."""
    known = f"{sizes.encoders / 1e6:,.1f} M" if sizes.encoders else ""
    uncounted = [kind for kind, size in sizes.encoder.items() if size is None]
    if not uncounted:
        return known or "0.0 M"
    missing = f"{' and '.join(uncounted)} unknown: weights or package are not here; memory and time leave it out"
    return f"{known} ({missing})" if known else f"unknown ({missing})"


def peak_named(device: str | None, plan: Preset) -> tuple[float, bool, str]:
    """Operations a second at best, whether in half precision, and the device in words."""
    if device is not None:
        name = next((name for name in PEAKS if device.lower().replace("rtx", "").strip() in name.lower()), None)
        if name is None:
            raise BenchError(f"--device {device} is not listed; there are: {', '.join(PEAKS)}")
        return PEAKS[name], plan.precision != "float32", f"{name} ({PEAKS[name] / 1e12:.0f} TFLOP/s at best)"
    here = device_here()
    peak = peak_of(here)
    half = precision_on(plan.precision, here) != torch.float32
    faster = "; it trains in bfloat16, so about half of the times below" if half else ""  # 55.6 minutes of 131 (docs/training.md)
    said = (
        f"this machine's {here.type} ({peak / 1e9:,.0f} GFLOP/s measured in float32{faster})" if here.type == "cpu" else str(here)
    )
    return peak, half, said


def clock(seconds: float) -> str:
    """
    >>> clock(7260), clock(110), clock(7)
    ('2.0 hours', '2 minutes', '1 minute')
    """
    minutes = max(1, round(seconds / 60))
    return f"{seconds / 3600:,.1f} hours" if minutes >= 90 else f"{minutes} minute{'s' * (minutes > 1)}"
