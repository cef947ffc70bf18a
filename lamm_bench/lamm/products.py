"""Which library multiplies a model's weights on a CPU: oneDNN where it is faster than what PyTorch chooses.

PyTorch gives products of float32 to MKL, which lets a third of an AMD processor's rate lie where rows are few and outputs many. Its
build brings oneDNN along, which it uses for half precision only. GFLOP/s of one core (EPYC of Zen 4, 576 x 1536 and the output layer
576 x 49152, a layer's weights after another's):

    rows                      1    16    60   376  2820    60, output layer
    MKL                       5    44    75    91    94    55
    oneDNN, weights as is     6    49    81    98   105    85
    oneDNN, weights packed    7    79    95   104   107    97

Packed ones are a second copy in memory, so they are left as they are. With 64 rows of 4096 x 4096, a language model's of seven
billion, it is 59 against 92. Sums are those of float32 in another order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

CPUINFO = Path("/proc/cpuinfo")
LARGE = 2**18
"""Weights of a layer. At smaller ones what a call of oneDNN costs by itself (some 20 microseconds) is more than it saves."""


class Product(nn.Linear):
    """The same layer, its product carried out by oneDNN wherever nobody asks for gradients."""

    def forward(self, input: Tensor) -> Tensor:
        """[..., in] to [..., out]."""
        if input.dtype == torch.float32 and input.device.type == "cpu" and plain(input):
            multiply: Any = torch.ops.mkldnn._linear_pointwise
            return multiply(input, self.weight, self.bias, "none", [], "")
        return super().forward(input)


def plain(input: Tensor) -> bool:
    """Whether a product is nothing but that: there is something to multiply, no gradient, and no autocast to half precision."""
    return input.numel() > 0 and not torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")


def choose_products(model: nn.Module) -> int:
    """Lets oneDNN multiply in all large linear layers of float32 where that is faster; says in how many."""
    if not onednn_is_faster():
        return 0
    linear = [module for module in model.modules() if type(module) is nn.Linear]
    layers = [layer for layer in linear if layer.weight.dtype == torch.float32 and layer.weight.numel() >= LARGE]
    for layer in layers:
        layer.__class__ = Product
    return len(layers)


def onednn_is_faster() -> bool:
    """Measured on AMD's processors with AVX-512 only; everywhere else PyTorch's own choice stands."""
    has = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return bool(has) and torch.backends.cpu.get_cpu_capability() == "AVX512" and vendor() == "AuthenticAMD"


def vendor() -> str:
    """Who made the processor, as Linux tells it; empty elsewhere."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id")), "")
