"""A checkpoint is a folder: `config.json`, `tokenizer.json` and three files of safetensors.

`encoders.safetensors` holds the frozen encoders, `llm.safetensors` the language model under transformers' own names, and
`lamm.safetensors` what LAMM trains, under upstream's names (reference 3.8). Where the config names a language model that lies
elsewhere, there are neither `llm.safetensors` nor `tokenizer.json`. Every tensor is accounted for: one that is
unused, missing or misshaped is an error that names it, because a checkpoint that loads half in silence is worse than none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from lamm_bench.errors import BenchError

from .config import HubLlm, LammConfig, Llm, dump, load
from .frozen import undrawn
from .hub_tokenizer import load_tokenizer
from .llm import build_llm, llm_digests
from .model import Lamm
from .outside import beside, outside, outside_digests
from .tokenizer import MiniTokenizer, Tokenizer
from .weights import save_tensors

FILES = ("encoders.safetensors", "llm.safetensors", "lamm.safetensors")
PEFT = "llama_model.base_model.model."
ENCODERS, LLM, TRAINED = FILES


def files_of(config: LammConfig) -> tuple[str, ...]:
    """The files of safetensors that a checkpoint of this config has."""
    return FILES if isinstance(config.llm, Llm) else (ENCODERS, TRAINED)


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


def save(model: Lamm, config: LammConfig, tokenizer: Path | None, folder: Path, dtype: torch.dtype = torch.float16) -> None:
    """Writes the folder; floating tensors as `dtype`, counters as they are.

    `tokenizer` is the file of the miniature's; a language model that lies elsewhere has its own and is not written."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, dict[str, Tensor]] = {file: {} for file in files_of(config)}
    for name, tensor in model.state_dict().items():
        if name.startswith(outside(model.config)):
            continue
        place = file_and_key(name)
        if place is not None and place[0] in parts:
            stored = tensor.detach().cpu().to(dtype) if tensor.is_floating_point() else tensor.detach().cpu()
            parts[place[0]][place[1]] = stored.contiguous()
    for file, tensors in parts.items():
        save_tensors(tensors, folder / file)
    if tokenizer is not None and tokenizer.resolve() != (folder / "tokenizer.json").resolve():
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


def restore(folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> tuple[Lamm, Tokenizer]:
    """The model in evaluation mode, with LoRA still apart, and its tokenizer."""
    config = beside(load(folder), folder)
    stored = {file: read_tensors(folder / file) for file in files_of(config)}
    tokenizer = tokenizer_of(config, folder)
    llama = build_llm(config.llm, folder, dtype)
    with undrawn():  # `fill` accounts for every tensor; to draw a ViT-L first takes seconds
        model = Lamm(config, llama)
    if config.lora is not None:
        model.add_lora(config.lora)
    fill(model, stored, folder)
    return model.to(device=device, dtype=dtype).eval(), tokenizer


def tokenizer_of(config: LammConfig, folder: Path) -> Tokenizer:
    """The checkpoint's own tokenizer, or that of the language model which lies elsewhere."""
    if isinstance(config.llm, HubLlm):
        return load_tokenizer(config.llm, folder)
    if not (folder / "tokenizer.json").is_file():
        raise BenchError(f"{folder} is not a whole checkpoint: tokenizer.json is missing")
    tokenizer = MiniTokenizer(folder / "tokenizer.json")
    if len(tokenizer) > config.llm.vocabulary:
        raise BenchError(f"{folder}: the tokenizer has {len(tokenizer)} tokens, the language model {config.llm.vocabulary}")
    return tokenizer


def fill(model: Lamm, stored: Mapping[str, Mapping[str, Tensor]], folder: Path) -> None:
    """Copies stored tensors into the model; every tensor of either side must meet one of the other."""
    left = {(file, key) for file, tensors in stored.items() for key in tensors}
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            place = file_and_key(name)
            if place is None or place[0] not in stored or name.startswith(outside(model.config)):
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
    config = load(folder)
    own = ("tokenizer.json",) if isinstance(config.llm, Llm) else ()
    for name in ("config.json", *own, *files_of(config)):
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise BenchError(f"{folder} is not a whole checkpoint: {name}: {error.strerror or error}") from None
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    for line in (*llm_digests(config.llm, folder), *outside_digests(beside(config, folder))):
        digest.update(line.encode())
    return digest.hexdigest()
