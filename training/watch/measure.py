"""How much arithmetic and memory a training takes: counted, not guessed, but for what a device can do at best."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from lamm_bench.lamm.model import Lamm
from lamm_bench.training.config.parts import part_of

PEAKS = {
    "H200": 989e12, "H100": 989e12, "A100": 312e12, "A800": 312e12, "L40S": 362e12, "L4": 121e12, "V100": 125e12, "T4": 65e12,
    "A10": 125e12, "RTX 4090": 165e12, "RTX 3090": 71e12,
}  # fmt: skip
"""Dense float16 or bfloat16 operations a second with float32 sums, as the vendor's data sheets give them."""


def peak_of(device: torch.device, dtype: torch.dtype = torch.float32) -> float:
    """Operations a second at best: of a GPU by its name (0 if it is not listed), of a CPU as measured on one product of
    matrices of `dtype`."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        return next((peak for part, peak in PEAKS.items() if part in name), 0.0)
    a, b = torch.ones(512, 512, dtype=dtype), torch.ones(512, 512, dtype=dtype)
    fastest = min(timed(a, b) for _ in range(20))
    return 2 * 512**3 / fastest


def timed(a: torch.Tensor, b: torch.Tensor) -> float:
    began = time.perf_counter()
    torch.mm(a, b)
    return max(time.perf_counter() - began, 1e-9)


def size_of(parameter: torch.nn.Parameter) -> int:
    """Numbers in a parameter, whole, also where ZeRO-3 has split it."""
    return int(getattr(parameter, "ds_numel", parameter.numel()))


def operations_per_token(model: Lamm) -> float:
    """Floating-point operations of one training step for each token (Kaplan et al. 2020, 2.1: 2 for each weight and pass).

    The gradient goes down through the whole language model, for what is trained begins below it or in it; gradients of
    weights are counted where weights are trained. Attention's products depend on the length and are left out, as there."""
    every = sum(size_of(p) for n, p in model.named_parameters() if part_of(n) in ("llm", "lora") and "embed_tokens" not in n)
    trained = sum(size_of(p) for n, p in model.named_parameters() if part_of(n) != "encoders" and p.requires_grad)
    tied = model.llama.get_output_embeddings() is not None and model.llama.config.tie_word_embeddings
    head = model.config.llm.width * model.llama.config.vocab_size if tied else 0
    return 4.0 * (every + head) + 2.0 * trained


LIVE = 1e9
"""Weights that ZeRO-3 has together at a time: DeepSpeed's own limit, stage3_max_live_parameters."""


def gib(numbers: float, bytes_each: float) -> float:
    return numbers * bytes_each / 2**30


def memory(
    frozen: float, trained: float, zero: int, world: int, half: bool, offload: Sequence[str], activations: float
) -> dict[str, float]:
    """GiB on each device, by kind (Rajbhandari et al. 2020, section 3): weights, gradients, optimizer, activations.

    Trained weights have a float32 copy and two moments beside them: 12 bytes each under half precision, 8 beside float32."""
    each = 2 if half else 4
    weights = (frozen + trained) / (world if zero == 3 else 1)
    gradients = trained / (world if zero >= 2 else 1)
    optimizer = trained / (world if zero >= 1 else 1)
    gathered = {"gathered": gib(min(LIVE, frozen + trained), each)} if zero == 3 else {}
    return gathered | {
        "weights": 0.0 if "parameters" in offload else gib(weights, each),
        "gradients": gib(gradients, each),
        "optimizer": 0.0 if "optimizer" in offload else gib(optimizer, 12 if half else 8),
        "activations": activations,
    }


def activations(rows: int, length: int, width: int, hidden: int, layers: int, heads: int, kept: bool, half: bool) -> float:
    """GiB of activations of one forward pass: for each layer about 10 widths and 3 hidden widths a token and the attention
    scores; with checkpointing one width a layer and one layer whole (after Korthikanti et al. 2022, section 4)."""
    each = 2 if half else 4
    layer = rows * length * (10 * width + 3 * hidden) + 2 * rows * heads * length * length
    return gib(layers * layer if kept else layers * rows * length * width + layer, each)
