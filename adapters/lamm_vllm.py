"""The LAMM model with vLLM for its language half: `--model lamm-vllm`. Pictures and clouds are encoded here, vLLM gets embeddings.

It needs vLLM of its own (`pip install 'lamm-bench[vllm]'`, which pins another PyTorch than our constraints: in an environment apart), and a
GPU, or patience. docs/adapters.md has the rest."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from lamm_bench.data.mini.cache import cache_folder
from lamm_bench.errors import BenchError, Stopped, unknown
from lamm_bench.types import Generate, Job, Response, Score

DTYPES = ("float32", "bfloat16", "float16")
MIB, GIB = 2**20, 2**30
LEAST = (0, 26)
"""The first vLLM without the known races of prompt embeddings (CVE-2026-56340 was mended in 0.13, CVE-2026-73557 in 0.26)."""
ENVIRONMENT = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
"""What vLLM finds in its environment unless it is set there. By itself it tells of a hundred things on the standard output, which is ours;
and its engine, in a process of its own, outlives a `kill -9` of ours with all of its memory. In our process it does not, nor do its
workers."""


@dataclass
class LammVllm:
    """Loads at the first use; nothing heavy happens before."""

    checkpoint: str = ""  # a folder; empty for the built-in baseline
    dtype: str = "bfloat16"  # of the language model, and of what is encoded for it
    device: str = "cpu"  # of encoders and projection: the GPU is vLLM's, unless `gpu_memory` leaves room there
    gpus: int = 1  # that share one language model (vLLM's tensor_parallel_size)
    gpu_memory: float = 0.9  # share of a GPU's memory that vLLM takes; without a GPU, of the machine's
    kv_cache: float = 0.0  # GiB for keys and values, whatever `gpu_memory` says; 0: what that leaves
    batch_size: int = 256  # prompts that vLLM is given at once; how many of them run together it decides
    eager: bool = False  # without CUDA graphs: starts sooner, answers more slowly
    merged: str = ""  # where the language model is put with its LoRA folded in; empty: a folder of the cache
    cache: int = 1024  # MiB of encoded media that are kept in memory
    name: ClassVar[str] = "lamm-vllm"
    begins: ClassVar[bool] = True  # options may be scored behind the beginning of an answer
    exact: ClassVar[bool] = False  # what runs together is decided by time, and rounds otherwise in other company
    _front: Any = field(default=None, init=False, repr=False)
    _engine: Any = field(default=None, init=False, repr=False)
    _failed: str = field(default="", init=False, repr=False)  # why it did not start: the next task need not wait for that again

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise unknown("dtype", self.dtype, DTYPES)
        for option, least in (("gpus", 1), ("batch_size", 1), ("cache", 0)):
            if getattr(self, option) < least:
                raise BenchError(f"{option}={getattr(self, option)} of the model lamm-vllm must be at least {least}")
        if not 0.0 < self.gpu_memory <= 1.0:
            raise BenchError(f"gpu_memory={self.gpu_memory:g} of the model lamm-vllm must be a share above 0, and at most 1")
        if not 0.0 <= self.kv_cache < float("inf"):
            raise BenchError(
                f"kv_cache={self.kv_cache:g} of the model lamm-vllm must be a number of GiB; 0 leaves it to gpu_memory"
            )

    @property
    def folder(self) -> Path:
        """The checkpoint's folder."""
        from .lamm import Lamm

        return Lamm(checkpoint=self.checkpoint).folder

    @property
    def modalities(self) -> frozenset[str]:
        from lamm_bench.lamm.config import load

        return frozenset(load(self.folder).encoders)

    def fingerprint(self) -> str:
        """The hash of all weights and settings, the precision, and vLLM's version: its kernels round otherwise than ours."""
        from lamm_bench.lamm.checkpoint import fingerprint

        return f"{fingerprint(self.folder)}-{self.dtype}-vllm {vllm().__version__}"

    def begin(self, job: Job) -> None:
        from lamm_bench.lamm.encode import layout_called
        from lamm_bench.lamm.layouts import layout_for

        front = self.front
        front.layout = layout_called(layout_for(front.model.config.layout, job.layout), front.tokenizer)
        front.seer.transform = job.image_transform

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield from self.front.answers(requests, self.engine, self.batch_size)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        yield from self.front.scores(requests, self.engine, self.batch_size)

    @property
    def place(self) -> Path:
        """The folder of the language model by itself."""
        if self.merged:
            return Path(self.merged).expanduser()
        from lamm_bench.lamm.checkpoint import fingerprint

        return cache_folder() / "merged" / f"{fingerprint(self.folder)}-{self.dtype}"

    @property
    def front(self) -> Any:
        """Encoders, projection and token embeddings, loaded; the language model by itself lies in its folder then."""
        if self._front is None:
            import torch

            from lamm_bench.lamm.prompted import Front

            self._front = Front.of(self.folder, self.place, self.device, getattr(torch, self.dtype), self.cache * MIB)
        return self._front

    @property
    def engine(self) -> Any:
        """vLLM with the language model. Raises `Stopped` where it cannot start: no other task would fare better."""
        if self._failed:
            raise Stopped(self._failed)
        if self._engine is None:
            try:
                self._engine = self.started()
            except Stopped as error:
                self._failed = str(error)
                raise
        return self._engine

    def started(self) -> Vllm:
        window = self.front.model.config.llm.window
        size = {"kv_cache_memory_bytes": int(self.kv_cache * GIB)} if self.kv_cache else {}
        package = vllm()
        with stopping("vLLM could not start"):
            return Vllm(
                package.LLM(
                    model=str(self.place),
                    enable_prompt_embeds=True,
                    skip_tokenizer_init=True,
                    dtype=self.dtype,
                    tensor_parallel_size=self.gpus,
                    gpu_memory_utilization=self.gpu_memory,
                    enforce_eager=self.eager,
                    max_model_len=window,
                    **size,
                )
            )


class Vllm:
    """vLLM in this process, as an engine for `lamm_bench.lamm.prompted`."""

    def __init__(self, llm: Any) -> None:
        self._llm = llm

    def complete(self, prompts: Sequence[Any], wishes: Sequence[Any], ends: Sequence[int]) -> list[Any]:
        """Greedy or sampled with the request's own seed. Texts are cut by whoever asks: vLLM is given no tokenizer."""
        wanted = [
            vllm().SamplingParams(
                max_tokens=wish.max_new_tokens,
                temperature=max(0.0, wish.temperature),
                top_p=wish.top_p,
                seed=wish.seed if wish.temperature > 0 else None,
                stop_token_ids=list(ends),
                detokenize=False,
            )
            for wish in wishes
        ]
        found = self.asked([{"prompt_embeds": prompt} for prompt in prompts], wanted)
        return [said_of(one.outputs[0]) for one in found]

    def weigh(self, rows: Sequence[Any], ids: Sequence[Sequence[int]]) -> list[list[float]]:
        """vLLM tells the likelihoods of a prompt's tokens where it has both: the embeddings, and the tokens that they stand for."""
        wanted = vllm().SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0, detokenize=False)
        prompts = [
            {"prompt_embeds": row, "prompt_token_ids": list(own), "prompt_is_token_ids": [False] * len(own)}
            for row, own in zip(rows, ids, strict=True)
        ]
        found = self.asked(prompts, [wanted] * len(prompts))
        return [told_of(one.prompt_logprobs, own) for one, own in zip(found, ids, strict=True)]

    def asked(self, prompts: list[Any], wanted: list[Any]) -> list[Any]:
        with stopping("vLLM stopped"):
            return list(self._llm.generate(prompts, wanted, use_tqdm=False))


def said_of(output: Any) -> Any:
    """The tokens of an answer, and how it ended: `stop`, `length`, or broken off."""
    from lamm_bench.lamm.prompted import Said

    broken = output.finish_reason not in ("stop", "length")
    fault = f"vLLM broke the answer off ({output.finish_reason})" if broken else ""
    return Said(tuple(output.token_ids), output.finish_reason == "stop", fault)


def told_of(found: Sequence[Any] | None, ids: Sequence[int]) -> list[float]:
    """From vLLM's table of each place, the log-likelihood of the token that stands there; the first place has none."""
    if found is None:
        raise Stopped("this vLLM tells no likelihoods behind embeddings; 0.32 does. --model lamm gives them, too")
    return [float(place[token].logprob) for place, token in zip(found[1:], ids[1:], strict=True)]


@contextmanager
def stopping(what: str) -> Iterator[None]:
    """Ends the run, to be resumed, where the engine's processes fail; what was wrong they have told themselves, above."""
    try:
        yield
    except Exception as error:
        # the base of vLLM's own exceptions changes from version to version
        if not isinstance(error, RuntimeError | ValueError | OSError) and not type(error).__module__.startswith("vllm"):
            raise
        told = " ".join(str(error).split())[:300] or type(error).__name__
        raise Stopped(
            f"{what}: {told} (its own lines above say more; where memory is short, --set kv_cache=4 takes 4 GiB for keys and "
            "values, and --set gpu_memory=0.5 half of all there is)"
        ) from error


def vllm() -> Any:
    """The package. Raises `BenchError` where it is missing or too old."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import vllm as package
    except ImportError as error:
        raise BenchError(
            f"lamm-vllm needs vLLM, which is not here ({error}): pip install 'lamm-bench[vllm]' in an environment of its own, "
            "on a machine with a GPU; --model lamm asks the same checkpoint without it"
        ) from None
    parts = re.match(r"(\d+)\.(\d+)", str(package.__version__))
    if parts is not None and (int(parts[1]), int(parts[2])) < LEAST:
        raise BenchError(
            f"lamm-vllm needs vLLM 0.26 or newer, here is {package.__version__}: older ones are unsafe with embeddings"
        )
    return package


ADAPTERS = {"lamm-vllm": LammVllm}
