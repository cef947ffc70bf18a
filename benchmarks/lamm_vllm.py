"""The real vLLM against the adapter `lamm`: are the answers the same, and how many come a second? Needs vLLM, and best a GPU.

    python benchmarks/lamm_vllm.py --limit 64 --dtype float32                     # the built-in baseline: answers should be equal
    python benchmarks/lamm_vllm.py --checkpoint lamm-13b --limit 512 --dtype bfloat16 --device cuda

In half precision some answers differ, as they do between batches of other shapes. Exit status 1 where they differ in float32."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from lamm_bench.adapters.lamm import Lamm
from lamm_bench.adapters.lamm_vllm import LammVllm
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.runner import flow_of, plan
from lamm_bench.data.locate import find_root
from lamm_bench.types import Generate


def questions(tasks: str, limit: int) -> Iterator[Generate]:
    """The first question about each sample of the miniature, as `run` would ask it."""
    catalog = load_catalog()
    root, _ = find_root(None, lambda text: None)
    recipe = catalog.recipe("lamm/standard", ())
    for task in catalog.select_tasks(tasks):
        for sample in plan(task, task.samples(root), limit, 0, None).samples:
            request = next(flow_of(recipe, task, sample, 0))
            if isinstance(request, Generate):
                yield request


def answered(adapter: Any, requests: Sequence[Generate]) -> tuple[dict[int, str], float]:
    """Texts, and answers a second after the first request has had the model loaded."""
    for _ in adapter.generate(requests[:1]):
        pass
    begun = time.monotonic()
    texts = {number: response.error or response.text for number, response in adapter.generate(requests)}
    return texts, len(requests) / (time.monotonic() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="")
    parser.add_argument("--tasks", default="2d")
    parser.add_argument("--limit", type=int, default=64, help="questions of each task")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    parser.add_argument("--device", default="auto", help="of the adapter `lamm`; its memory is not given back before vLLM starts")
    parser.add_argument("--gpu-memory", type=float, default=0.5, help="share of the GPU that is vLLM's")
    given = parser.parse_args()
    requests = list(questions(given.tasks, given.limit))
    lamm, plain = answered(Lamm(given.checkpoint, device=given.device, dtype=given.dtype), requests)
    ours = LammVllm(given.checkpoint, dtype=given.dtype, gpu_memory=given.gpu_memory)
    vllm, fast = answered(ours, requests)
    same = sum(lamm[number] == vllm[number] for number in lamm)
    print(
        f"{len(requests)} questions, {given.dtype}: {same} answers equal; {plain:.1f} a second by lamm, {fast:.1f} by lamm-vllm"
    )
    for number in [number for number in lamm if lamm[number] != vllm[number]][:5]:
        print(f"  {requests[number].sample}: {lamm[number]!r}, by vLLM {vllm[number]!r}")
    sys.exit(0 if same == len(requests) or given.dtype != "float32" else 1)


if __name__ == "__main__":
    main()
