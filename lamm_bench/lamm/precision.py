"""Which processors multiply in bfloat16, and what to say where they only pretend to."""

from __future__ import annotations

import os

import torch

WITH_BFLOAT16 = ("AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX512_CORE_AMX", "AVX10_1_512", "AVX2_VNNI_2", "DEFAULT", "ALL")
"""Values of ONEDNN_MAX_CPU_ISA that leave oneDNN, which carries out PyTorch's products on a CPU, its bfloat16 instructions."""

SLOW = "bfloat16 is about eight times slower than float32 on this processor, which has no matrix instructions for it"


def cpu_has_bfloat16() -> bool:
    """Whether the processor has instructions for products of bfloat16 and oneDNN has not been forbidden to use them."""
    allowed = (os.environ.get("ONEDNN_MAX_CPU_ISA") or "DEFAULT").upper().startswith(WITH_BFLOAT16)
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return allowed and bool(supported())


def hints_of(dtype: str, device: str) -> list[str]:
    """What a user should know who asks for this precision on this device; nothing for most."""
    return [SLOW] if dtype == "bfloat16" and device == "cpu" and not cpu_has_bfloat16() else []
