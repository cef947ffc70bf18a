"""LAMM-7B and 13B shapes with random weights in bfloat16 on one GPU: tokens a second, share of the roofline, peak memory.

    python benchmarks/gpu.py                        7B and 13B, batches of 1, 8, 32 and 64 (some ten minutes)
    python benchmarks/gpu.py --models 7b --batches 1,8 --new 32
    python benchmarks/gpu.py --tiny                 small shapes on the CPU, to see that everything runs

Each row asks about as many pictures of 256 tokens as the batch has rows; 64 new tokens each. The roofline of a decoding step
is the larger of two times: all weights and all keys and values read once from memory, and two operations per weight and row;
of the prompts, two operations per weight and token. `--bandwidth` (GB/s) and `--peak` (dense bf16 TFLOP/s) are the card's, by
default those of its data sheet where the name is known."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from models import Plain, asker_of, pictures, random_lamm

from lamm_bench.lamm.ask import Asker
from lamm_bench.lamm.model import Lamm, collate
from lamm_bench.types import Generate, Message

SHAPES: dict[str, dict[str, Any]] = {  # LLaMA (Touvron et al. 2023, table 2), the bases of Vicuna
    "7b": {
        "vocab_size": 32000,
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
    },
    "13b": {
        "vocab_size": 32000,
        "hidden_size": 5120,
        "intermediate_size": 13824,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
    },
    "tiny": {"vocab_size": 300, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4},
}
TOWER = {"side": 224, "patch": 14, "width": 1024, "layers": 1, "heads": 16}  # the encoder's depth is not what is measured
TINY_TOWER = {"side": 32, "patch": 16, "width": 16, "layers": 1, "heads": 2}
CARDS = {
    "H200": (4800, 989),
    "H100": (3350, 989),
    "A100": (2039, 312),
    "L40S": (864, 362),
    "V100": (900, 125),
    "4090": (1008, 165),
}
"""Memory bandwidth in GB/s and dense half-precision TFLOP/s, from NVIDIA's data sheets (H100 and A100: SXM, 80 GB)."""


def synchronize(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def timed(work: Any, device: str) -> float:
    synchronize(device)
    begun = time.perf_counter()
    work()
    synchronize(device)
    return time.perf_counter() - begun


def requests_of(folder: Path, count: int, new: int) -> list[Generate]:
    system = Message("system", ("Answer about what you see.",))
    return [
        Generate((system, Message("user", (one, f"What is shown in number {k}?"))), new)
        for k, one in enumerate(pictures(folder, count))
    ]


@torch.inference_mode()
def batched_generate(model: Lamm, asker: Asker, requests: Sequence[Generate]) -> None:
    """transformers' `generate` with all rows in one batch, padded on the left, the media encoded once."""
    rows = [asker.prompt(request.messages) for request in requests]
    held, _ = asker.seer.look(rows)
    batch = collate(rows, model.config.slots, left=True).to(model.device)
    model.llama.generate(
        inputs_embeds=model.embed(batch, asker.seer.tokens(rows, held)),
        attention_mask=batch.real.long(),
        max_new_tokens=requests[0].max_new_tokens,
        do_sample=False,
        pad_token_id=0,
    )


def weights(model: Lamm) -> tuple[int, int]:
    """Parameters that a token passes through, and bytes of one of them; embeddings are looked up, not multiplied."""
    llama = model.llama
    looked_up = llama.get_input_embeddings().weight.numel()
    tied = llama.get_input_embeddings().weight is llama.get_output_embeddings().weight
    return sum(p.numel() for p in llama.parameters()) - (0 if tied else looked_up), next(llama.parameters()).element_size()


def limits(model: Lamm, rows: int, prompt: int, new: int, bandwidth: float, peak: float) -> float:
    """Seconds that the roofline allows for `rows` prompts of `prompt` tokens and `new` tokens each."""
    count, size = weights(model)
    config = model.llama.config
    kv = 2 * config.num_hidden_layers * config.num_key_value_heads * (config.hidden_size // config.num_attention_heads) * size
    total = 2 * count * rows * prompt / peak
    for step in range(1, new):  # the first new token comes out of the prompt's pass
        total += max((count * size + rows * (prompt + step) * kv) / bandwidth, 2 * count * rows / peak)
    return total


def measure(name: str, batches: Sequence[int], new: int, device: str, card: tuple[float, float] | None) -> None:
    tower = TINY_TOWER if name == "tiny" else TOWER
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    model = random_lamm(SHAPES[name], tower, device=device, dtype=dtype)
    own = "lamm_shared"
    print(f"\n{name}: {sum(p.numel() for p in model.llama.parameters()) / 1e9:.2f} G parameters, {dtype}, {device}")
    print(f"{'batch':>6}{'prompt':>8}{'ours tok/s':>12}{'hf tok/s':>10}{'one by one':>12}{'of roofline':>13}{'peak GiB':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for rows in batches:
            requests = requests_of(Path(folder), rows, new)
            asker = asker_of(model, rows)
            prompt = max(len(asker.prompt(request.messages)) for request in requests)
            for _ in asker.generate(requests):  # kernels are chosen and media encoded
                pass
            asker.beginnings.clear()
            if device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            ours = timed(lambda: list(asker.generate(requests)), device)  # noqa: B023
            memory = torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else float("nan")
            asker.beginnings.clear()
            model.llama.set_attn_implementation("sdpa")
            theirs = timed(lambda: batched_generate(model, asker, requests), device)  # noqa: B023
            few = requests[:2]
            plain = timed(lambda: list(Plain(model, asker).generate(few)), device) / len(few)  # noqa: B023
            model.llama.set_attn_implementation(own)
            share = ""
            if card is not None:
                share = f"{100 * limits(model, rows, prompt, new, card[0] * 1e9, card[1] * 1e12) / ours:.0f} %"
            print(
                f"{rows:>6}{prompt:>8}{rows * new / ours:>12.0f}{rows * new / theirs:>10.0f}{new / plain:>12.0f}{share:>13}{memory:>10.1f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="7b,13b", help="of 7b, 13b")
    parser.add_argument("--batches", default="1,8,32,64")
    parser.add_argument("--new", type=int, default=64, help="new tokens of each row")
    parser.add_argument("--bandwidth", type=float, help="GB/s of the card's memory")
    parser.add_argument("--peak", type=float, help="dense bf16 TFLOP/s of the card")
    parser.add_argument("--tiny", action="store_true", help="small shapes on the CPU")
    given = parser.parse_args()
    device = "cpu" if given.tiny else "cuda"
    if not given.tiny and not torch.cuda.is_available():
        sys.exit("benchmarks/gpu.py needs a CUDA device, and PyTorch finds none here; --tiny runs small shapes on the CPU")
    names = ["tiny"] if given.tiny else given.models.split(",")
    wrong = [name for name in names if name not in SHAPES]
    if wrong:
        sys.exit(f"no model called '{wrong[0]}'; there are: 7b, 13b")
    card = None
    if device == "cuda":
        label = torch.cuda.get_device_name()
        card = next((figures for key, figures in CARDS.items() if key in label), None)
        print(f"{label}, torch {torch.__version__}, {torch.cuda.get_device_properties(0).total_memory / 2**30:.0f} GiB")
    if given.bandwidth and given.peak:
        card = (given.bandwidth, given.peak)
    for name in names:
        measure(name, [int(rows) for rows in given.batches.split(",")], given.new, device, card)
        if device == "cuda":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
