"""LoRA folded into the language model, and the result as a plain model that transformers loads by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lamm_bench.errors import BenchError

from .checkpoint import LLM, TRAINED, files_of, fill, read_tensors, tokenizer_of
from .config import load
from .llm import build_llm, quiet
from .model import Lamm
from .upstream import PROJECTION, whole_folder


def merge(folder: Path, output: Path, dtype: str = "float32") -> None:
    """Writes the language model of a checkpoint with its LoRA folded in, and its tokenizer; encoders are not read.

    The sums are made in float32 whatever `dtype` the weights are stored in."""
    config = load(folder)
    if config.lora is None:
        raise BenchError(f"{folder} has no LoRA to fold in")
    bare = replace(config, encoders={})
    stored = {file: dict(read_tensors(folder / file)) for file in files_of(config) if file in (LLM, TRAINED)}
    stored[TRAINED] = {key: tensor for key, tensor in stored[TRAINED].items() if not key.startswith(f"{PROJECTION}.")}
    tokenizer: Any = tokenizer_of(config, folder)
    model = Lamm(bare, build_llm(config.llm, folder, torch.float32))
    model.add_lora(config.lora)
    fill(model, stored, folder)
    model.merge_lora()
    with whole_folder(output) as part:
        save_llm(model.llama, tokenizer, part, getattr(torch, dtype))


def save_llm(llama: Any, tokenizer: Any, folder: Path, dtype: torch.dtype) -> None:
    """A language model and its tokenizer as a folder of transformers; a checkpoint may name it as `llm.path`."""
    inner = tokenizer.inner if hasattr(tokenizer, "inner") else tokenizer.fast
    with quiet():
        llama.to(dtype).save_pretrained(folder)
        inner.save_pretrained(folder)
