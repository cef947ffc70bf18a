"""The LAMM model with vLLM for its language half: `--model lamm-vllm`. Pictures and clouds are encoded here, vLLM gets embeddings.

It needs vLLM of its own (`pip install 'lamm-bench[vllm]'`, which pins another PyTorch than our constraints: in an environment apart), and a
GPU. Likelihoods of options cannot be had: vLLM tells none of a prompt that came as embeddings. docs/adapters.md has the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from lamm_bench.data.mini.cache import cache_folder
from lamm_bench.errors import BenchError, unknown
from lamm_bench.types import Generate, Job, Response, Task

DTYPES = ("float32", "bfloat16", "float16")
MIB = 2**20
LEAST = (0, 26)
"""The first vLLM without the known races of prompt embeddings (CVE-2026-56340 was mended in 0.13, CVE-2026-73557 in 0.26)."""
NO_LIKELIHOODS = (
    "vLLM tells no likelihoods of options behind a prompt of embeddings; --model lamm gives them, or a recipe that generates"
)


@dataclass
class LammVllm:
    """Loads at the first use; nothing heavy happens before."""

    checkpoint: str = ""  # a folder; empty for the built-in baseline
    dtype: str = "bfloat16"  # of the language model, and of what is encoded for it
    device: str = "cpu"  # of encoders and projection: the GPU is vLLM's, unless `gpu_memory` leaves room there
    gpus: int = 1  # that share one language model (vLLM's tensor_parallel_size)
    gpu_memory: float = 0.9  # share of a GPU's memory that vLLM takes
    batch_size: int = 256  # prompts that vLLM is given at once; how many of them run together it decides
    eager: bool = False  # without CUDA graphs: starts sooner, answers more slowly
    merged: str = ""  # where the language model is put with its LoRA folded in; empty: a folder of the cache
    cache: int = 1024  # MiB of encoded media that are kept in memory
    name: ClassVar[str] = "lamm-vllm"
    exact: ClassVar[bool] = False  # what runs together is decided by time, and rounds otherwise in other company
    _front: Any = field(default=None, init=False, repr=False)
    _engine: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise unknown("dtype", self.dtype, DTYPES)
        for option, least in (("gpus", 1), ("batch_size", 1), ("cache", 0)):
            if getattr(self, option) < least:
                raise BenchError(f"{option}={getattr(self, option)} of the model lamm-vllm must be at least {least}")
        if not 0.0 < self.gpu_memory <= 1.0:
            raise BenchError(f"gpu_memory={self.gpu_memory:g} of the model lamm-vllm must be a share above 0, and at most 1")

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

    def why_not(self, task: Task, inferencer: Mapping[str, Any]) -> str | None:
        """Why a task cannot be asked, in the user's terms."""
        return NO_LIKELIHOODS if inferencer.get("name") in ("likelihood", "turns_likelihood") else None

    def begin(self, job: Job) -> None:
        from lamm_bench.lamm.encode import layout_called
        from lamm_bench.lamm.layouts import layout_for

        front = self.front
        front.layout = layout_called(layout_for(front.model.config.layout, job.layout), front.tokenizer)
        front.seer.transform = job.image_transform

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield from self.front.answers(requests, self.engine, self.batch_size)

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
        """vLLM with the language model."""
        if self._engine is None:
            window = self.front.model.config.llm.window
            self._engine = Vllm(
                vllm().LLM(
                    model=str(self.place),
                    enable_prompt_embeds=True,
                    skip_tokenizer_init=True,
                    dtype=self.dtype,
                    tensor_parallel_size=self.gpus,
                    gpu_memory_utilization=self.gpu_memory,
                    enforce_eager=self.eager,
                    max_model_len=window,
                )
            )
        return self._engine


class Vllm:
    """vLLM in this process, as an engine for `lamm_bench.lamm.prompted`."""

    def __init__(self, llm: Any) -> None:
        self._llm = llm

    def complete(self, prompts: Sequence[Any], wishes: Sequence[Any], ends: Sequence[int]) -> list[Any]:
        """Greedy or sampled with the request's own seed. Texts are cut by whoever asks: vLLM is given no tokenizer."""
        from lamm_bench.lamm.prompted import Said

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
        found = self._llm.generate([{"prompt_embeds": prompt} for prompt in prompts], wanted, use_tqdm=False)
        outputs = [one.outputs[0] for one in found]
        return [Said(tuple(one.token_ids), one.finish_reason == "stop") for one in outputs]


def vllm() -> Any:
    """The package. Raises `BenchError` where it is missing or too old."""
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
