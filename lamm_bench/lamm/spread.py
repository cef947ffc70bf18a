"""A language model over several devices, with accelerate: layers that do not fit on one stand on the next."""

from __future__ import annotations

import json
from typing import Any

import torch

from lamm_bench.errors import BenchError, unknown

from .model import Lamm

WAYS = ("auto", "balanced", "balanced_low_0", "sequential")


def read_device_map(text: str) -> str | dict[str, Any]:
    """A way of spreading by name, or a JSON object from module names to devices."""
    if not text.lstrip().startswith("{"):
        if text not in WAYS:
            raise unknown("device_map", text, WAYS)
        if not torch.cuda.is_available():
            raise BenchError(f"device_map={text}: PyTorch finds no CUDA device here; leave device_map out")
        return text
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise BenchError(f"device_map={text} is no JSON object from module names to devices: {error}") from None
    for module, device in given.items():
        if device == "disk" or not isinstance(device, str | int) or isinstance(device, bool):
            raise BenchError(f"device_map: {module} is to stand on {device!r}, expected a device such as 0, 'cuda:1' or 'cpu'")
        if device != "cpu" and not torch.cuda.is_available():
            raise BenchError(f"device_map: {module} is to stand on {device!r}, and PyTorch finds no CUDA device here")
    return given


def spread(model: Lamm, device_map: str | dict[str, Any]) -> None:
    """Puts the language model's modules where the map says, the encoders and projections beside its embeddings."""
    from accelerate import dispatch_model, infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    llama = model.llama
    if isinstance(device_map, str):
        unsplit = list(getattr(llama, "_no_split_modules", None) or ())
        memory = None
        if device_map != "sequential":
            memory = get_balanced_memory(llama, no_split_module_classes=unsplit, low_zero=device_map == "balanced_low_0")
        device_map = infer_auto_device_map(llama, max_memory=memory, no_split_module_classes=unsplit)
    try:
        dispatch_model(llama, device_map=device_map, force_hooks=True)
    except (ValueError, KeyError) as error:
        raise BenchError(f"device_map does not fit the language model: {' '.join(str(error).split())[:300]}") from None
    device = llama.get_input_embeddings().weight.device
    model.encoders.to(device)
    model.llama_proj.to(device)
