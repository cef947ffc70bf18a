"""What is in a checkpoint, part by part: our folders and upstream's `pytorch_model.pt`. Nothing is built from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lamm_bench.errors import BenchError

from .checkpoint import ENCODERS, LLM, files_of, read_tensors
from .config import HubLlm, load
from .llm import measured, place_of
from .upstream import PROJECTION, read_pt


@dataclass(frozen=True)
class Part:
    """Tensors that belong together. The digest of LoRA and projection is the same in both formats."""

    name: str
    tensors: int
    parameters: int
    types: str
    shapes: str  # "32x4096 (64), 4096x32 (64)"
    digest: str


@dataclass(frozen=True)
class Inspection:
    """A checkpoint as a table, the facts above it, and every tensor's name, shape and type."""

    format: str
    facts: Mapping[str, str]
    parts: tuple[Part, ...]
    tensors: tuple[tuple[str, str, str], ...]


def inspect(path: Path) -> Inspection:
    """Reads a checkpoint folder of ours or a `.pt` file of upstream's; raises `BenchError` for anything else."""
    if path.is_dir():
        return inspect_folder(path)
    if not path.exists():
        raise BenchError(f"{path} is missing; expected a checkpoint folder or upstream's pytorch_model.pt")
    found = read_pt(path)
    groups = {"LoRA": {k: t for k, t in found.items() if ".lora_" in k}}
    groups["projection"] = {k: t for k, t in found.items() if k.startswith(f"{PROJECTION}.")}
    groups["not known"] = {k: t for k, t in found.items() if not any(k in known for known in groups.values())}
    facts = {"file": str(path), "LoRA ranks": ", ".join(sorted({str(r) for r in ranks(groups["LoRA"])})) or "none"}
    return table("upstream's pytorch_model.pt", facts, groups)


def inspect_folder(folder: Path) -> Inspection:
    """A checkpoint folder of ours, part by part; raises BenchError when it cannot be read."""
    config = load(folder)
    stored = {file: read_tensors(folder / file) for file in files_of(config)}
    groups: dict[str, dict[str, Tensor]] = {}
    facts = {"folder": str(folder), "name": config.name, "layout": config.layout, "licence": config.licence or "not said"}
    for kind, encoder in config.encoders.items():
        own = {k: t for k, t in stored[ENCODERS].items() if k.startswith(f"{kind}.")}
        facts[f"{kind} encoder"] = f"{encoder.kind}, {encoder.tokens} tokens of width {encoder.width}"
        if own:
            groups[f"{kind} encoder"] = own
        else:
            facts[f"{kind} encoder"] += f", weights {getattr(encoder, 'weights', '') or 'nowhere'}"
    if isinstance(config.llm, HubLlm):
        facts["language model"] = f"{describe(config.llm, folder)}, not copied"
    else:
        facts["language model"] = f"built in, width {config.llm.width}, window {config.llm.window}"
        groups["language model"] = dict(stored[LLM])
    lora = config.lora
    facts["LoRA"] = f"r {lora.r}, alpha {lora.alpha}, on {', '.join(lora.targets)}" if lora else "none"
    trained = stored["lamm.safetensors"]
    groups["LoRA"] = {k: t for k, t in trained.items() if ".lora_" in k}
    for kind in config.encoders:
        groups[f"{kind} projection"] = {k: t for k, t in trained.items() if k.startswith(f"{PROJECTION}.{kind}.")}
    everything = {k: t for tensors in stored.values() for k, t in tensors.items()}
    groups["not known"] = {k: t for k, t in everything.items() if not any(k in known for known in groups.values())}
    return table("lamm-bench checkpoint", facts, groups)


def describe(llm: HubLlm, folder: Path) -> str:
    """Where the language model is, or that it is not there: an inspection goes on without it."""
    try:
        found = measured(llm, folder)
        return f"{place_of(llm, folder)}, width {found.width}, {found.vocabulary} embeddings, window {found.window}"
    except BenchError as error:
        return f"{llm.path} ({error})"


def table(form: str, facts: Mapping[str, str], groups: Mapping[str, Mapping[str, Tensor]]) -> Inspection:
    parts = tuple(part(name, tensors) for name, tensors in groups.items() if tensors)
    each = tuple((k, by(t.shape), kind(t)) for tensors in groups.values() for k, t in sorted(tensors.items()))
    return Inspection(form, facts, parts, each)


def part(name: str, tensors: Mapping[str, Tensor]) -> Part:
    """What a group of tensors comes to: number, parameters, types, commonest shapes, digest."""
    shapes: dict[str, int] = {}
    for key in sorted(tensors):
        shapes[by(tensors[key].shape)] = shapes.get(by(tensors[key].shape), 0) + 1
    most = sorted(shapes.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{shape} ({count})" for shape, count in most[:4]) + (f" and {len(most) - 4} more" if len(most) > 4 else "")
    types = ", ".join(sorted({kind(t) for t in tensors.values()}))
    return Part(name, len(tensors), sum(t.numel() for t in tensors.values()), types, shown, digest_of(tensors))


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """sha256 over names, types, shapes and bytes, the first sixteen digits; projections count under upstream's name."""
    digest = hashlib.sha256()
    for key in sorted(tensors):
        own = f"{PROJECTION}.{key.rsplit('.', 1)[-1]}" if key.startswith(f"{PROJECTION}.") else key
        tensor = tensors[key].contiguous()
        digest.update(f"{own} {kind(tensor)} {by(tensor.shape)}\n".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def ranks(lora: Mapping[str, Tensor]) -> set[int]:
    return {int(tensor.shape[0]) for name, tensor in lora.items() if ".lora_A." in name}


def by(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "1"


def kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
