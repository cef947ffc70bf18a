"""Which part of the model a tensor belongs to: what a stage's `train` speaks of."""

from __future__ import annotations


def part_of(name: str) -> str:
    """
    >>> part_of("llama_model.base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight")
    'lora'
    """
    if name.startswith("encoders."):
        return "encoders"
    if name.startswith("llama_proj."):
        return "projection"
    if name.endswith("lm_head.weight"):
        return "head"
    return "lora" if ".lora_" in name else "llm"


def counter(name: str) -> bool:
    """Whether a tensor that is no parameter is moved by training: what batch normalisation counts."""
    return name.endswith(("running_mean", "running_var", "num_batches_tracked"))
