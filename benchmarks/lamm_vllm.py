"""The real vLLM against the adapter `lamm`: are answers and likelihoods the same, and how many come a second? Needs vLLM, best a GPU.

    python benchmarks/lamm_vllm.py --limit 64 --dtype float32                     # the built-in baseline: answers should be equal
    python benchmarks/lamm_vllm.py --checkpoint lamm-13b --limit 512 --dtype bfloat16 --device cuda
    python benchmarks/lamm_vllm.py --limit 16 --eager --kv-cache 2                # a trial without a GPU

In half precision some answers differ, as they do between batches of other shapes. Exit status 1 where they differ in float32, or a
likelihood by more than a thousandth."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lamm_bench.adapters.lamm import Lamm
from lamm_bench.adapters.lamm_vllm import LammVllm
from lamm_bench.ask.catalog import load_catalog
from lamm_bench.ask.runner import flow_of, plan
from lamm_bench.data.locate import find_root
from lamm_bench.types import Generate, Response, Score

NEAR = 1e-3  # by which likelihoods in float32 may differ, in nats


def questions(tasks: str, limit: int, recipe: str = "lamm/standard") -> Iterator[Generate | Score]:
    """The first question about each sample of the miniature, as `run` would ask it."""
    catalog = load_catalog()
    root, _ = find_root(None, lambda text: None)
    loaded = catalog.recipe(recipe, ())
    for task in catalog.select_tasks(tasks):
        for sample in plan(task, task.samples(root), limit, 0, None).samples:
            request = next(flow_of(loaded, task, sample, 0))
            if isinstance(request, Generate | Score):
                yield request


def asked(ask: Callable[..., Iterator[tuple[int, Response]]], requests: Sequence[Any]) -> tuple[dict[int, Response], float]:
    """Responses, and how many came a second after the first request has had the model loaded."""
    for _ in ask(requests[:1]):
        pass
    begun = time.monotonic()
    found = dict(ask(requests))
    return found, len(requests) / (time.monotonic() - begun)


def answers(lamm: Any, ours: Any, requests: Sequence[Any]) -> bool:
    """Whether all texts are equal; prints how many are, both rates, and some that are not."""
    mine, plain = asked(lamm.generate, requests)
    its, fast = asked(ours.generate, requests)
    texts = [[response.error or response.text for response in (mine[number], its[number])] for number in range(len(requests))]
    other = [number for number, (one, another) in enumerate(texts) if one != another]
    rates = f"{plain:.1f} a second by lamm, {fast:.1f} by lamm-vllm"
    print(f"{len(requests)} questions: {len(requests) - len(other)} answers equal; {rates}")
    for number in other[:5]:
        print(f"  {requests[number].sample}: {texts[number][0]!r}, by vLLM {texts[number][1]!r}")
    return not other


def likelihoods(lamm: Any, ours: Any, requests: Sequence[Any]) -> bool:
    """Whether all likelihoods of options are near; prints how near, how often the likeliest option is the same, and both rates."""
    mine, plain = asked(lamm.score, requests)
    its, fast = asked(ours.score, requests)
    pairs = [(mine[number].logprobs, its[number].logprobs) for number in range(len(requests))]
    worst = max(abs(a - b) for one, another in pairs for a, b in zip(one, another, strict=True))
    same = sum(one.index(max(one)) == another.index(max(another)) for one, another in pairs)
    print(
        f"{len(requests)} questions by likelihood: {same} choices equal, the largest difference {worst:.1e} nats; "
        f"{plain:.1f} a second by lamm, {fast:.1f} by lamm-vllm"
    )
    return worst < NEAR


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", default="")
    parser.add_argument("--tasks", default="2d")
    parser.add_argument("--limit", type=int, default=64, help="questions of each task")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    parser.add_argument("--device", default="auto", help="of the adapter `lamm`; its memory is not given back before vLLM starts")
    parser.add_argument("--gpu-memory", type=float, default=0.5, help="share of the GPU that is vLLM's; without a GPU, of memory")
    parser.add_argument("--kv-cache", type=float, default=0.0, help="GiB for keys and values, in place of that share")
    parser.add_argument("--eager", action="store_true", help="nothing is compiled: starts sooner")
    given = parser.parse_args()
    lamm = Lamm(given.checkpoint, device=given.device, dtype=given.dtype)
    ours = LammVllm(given.checkpoint, dtype=given.dtype, gpu_memory=given.gpu_memory, kv_cache=given.kv_cache, eager=given.eager)
    print(f"{ours.fingerprint()}:")
    alike = answers(lamm, ours, list(questions(given.tasks, given.limit)))
    alike = likelihoods(lamm, ours, list(questions("sqaimage,ai2d", given.limit, "lamm/likelihood"))) and alike
    sys.exit(0 if alike or given.dtype != "float32" else 1)


if __name__ == "__main__":
    main()
