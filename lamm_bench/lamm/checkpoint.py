"""A checkpoint is a folder: `config.json`, `tokenizer.json` and three files of safetensors.

`encoders.safetensors` holds the frozen encoders, `llm.safetensors` the language model under transformers' own names, and
`lamm.safetensors` what LAMM trains, under upstream's names (reference 3.8). Every tensor is accounted for: one that is
unused, missing or misshaped is an error that names it, because a checkpoint that loads half in silence is worse than none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from lamm_bench.errors import BenchError

from .config import LammConfig, dump, load
from .model import Lamm
from .outside import beside, outside, outside_digests
from .tokenizer import MiniTokenizer

FILES = ("encoders.safetensors", "llm.safetensors", "lamm.safetensors")
PEFT = "llama_model.base_model.model."


def file_and_key(name: str) -> tuple[str, str] | None:
    """Where a tensor of `Lamm.state_dict()` is stored, and under which name; None for the tied output layer.

    >>> file_and_key("llama_model.base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight")
    ('llm.safetensors', 'model.layers.0.self_attn.q_proj.weight')
    """
    if name.startswith("encoders."):
        return "encoders.safetensors", name.removeprefix("encoders.")
    if ".lora_" in name or name.startswith("llama_proj."):
        return "lamm.safetensors", name
    plain = name.removeprefix(PEFT).removeprefix("llama_model.").replace(".base_layer.", ".")
    return None if plain == "lm_head.weight" else ("llm.safetensors", plain)


def save(model: Lamm, config: LammConfig, tokenizer: Path, folder: Path, dtype: torch.dtype = torch.float16) -> None:
    """Writes the folder; floating tensors as `dtype`, counters as they are."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, dict[str, Tensor]] = {file: {} for file in FILES}
    for name, tensor in model.state_dict().items():
        if name.startswith(outside(model.config)):
            continue
        place = file_and_key(name)
        if place is not None:
            stored = tensor.detach().cpu().to(dtype) if tensor.is_floating_point() else tensor.detach().cpu()
            parts[place[0]][place[1]] = stored.contiguous()
    for file, tensors in parts.items():
        save_file(tensors, folder / file, metadata={"format": "pt"})
    if tokenizer.resolve() != (folder / "tokenizer.json").resolve():
        (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    (folder / "config.json").write_text(dump(config), encoding="utf-8")


def read_tensors(file: Path) -> Mapping[str, Tensor]:
    """The tensors of a safetensors file, or one sentence about why they cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except FileNotFoundError:
        raise BenchError(f"{file.parent} is not a whole checkpoint: {file.name} is missing") from None
    except (SafetensorError, OSError) as error:
        raise BenchError(f"{file} cannot be read as safetensors (truncated or foreign): {error}") from None


def restore(folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> tuple[Lamm, MiniTokenizer]:
    """The model in evaluation mode, with LoRA still apart, and its tokenizer."""
    config = beside(load(folder), folder)
    tokenizer = MiniTokenizer(folder / "tokenizer.json") if (folder / "tokenizer.json").is_file() else None
    if tokenizer is None:
        raise BenchError(f"{folder} is not a whole checkpoint: tokenizer.json is missing")
    if len(tokenizer) > config.llm.vocabulary:
        raise BenchError(f"{folder}: the tokenizer has {len(tokenizer)} tokens, the language model {config.llm.vocabulary}")
    model = Lamm(config)
    model.add_lora(config.lora)
    fill(model, {file: read_tensors(folder / file) for file in FILES}, folder)
    return model.to(device=device, dtype=dtype).eval(), tokenizer


def fill(model: Lamm, stored: Mapping[str, Mapping[str, Tensor]], folder: Path) -> None:
    """Copies stored tensors into the model; every tensor of either side must meet one of the other."""
    left = {(file, key) for file, tensors in stored.items() for key in tensors}
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            place = file_and_key(name)
            if place is None or name.startswith(outside(model.config)):
                continue
            file, key = place
            if place not in left:
                raise BenchError(f"{folder / file} lacks the tensor '{key}' that config.json asks for")
            found = stored[file][key]
            if found.shape != tensor.shape:
                raise BenchError(
                    f"{folder / file}: the tensor '{key}' has shape {list(found.shape)}, config.json asks for {list(tensor.shape)}"
                )
            tensor.copy_(found)
            left.discard(place)
    if left:
        file, key = min(left)
        raise BenchError(f"{folder / file} holds the tensor '{key}' that config.json knows nothing of ({len(left)} such tensors)")


def fingerprint(folder: Path) -> str:
    """sha256 over names and bytes of everything that decides what the model says."""
    digest = hashlib.sha256()
    for name in ("config.json", "tokenizer.json", *FILES):
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise BenchError(f"{folder} is not a whole checkpoint: {name}: {error.strerror or error}") from None
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    for line in outside_digests(beside(load(folder), folder)):
        digest.update(line.encode())
    return digest.hexdigest()
