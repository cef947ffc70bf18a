"""The LAMM model as an adapter: `--model lamm`, by default with the built-in baseline's weights.

Every option is a field of `Lamm` and a `--set` of its own; docs/adapters.md explains them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from lamm_bench.errors import BenchError, unknown
from lamm_bench.types import Generate, Job, Media, Response, Score

DTYPES = ("float32", "bfloat16", "float16")
ATTENTIONS = ("auto", "sdpa", "eager", "flash_attention_2", "flash_attention_3")
MIB = 2**20


@dataclass
class Lamm:
    """Loads its checkpoint at the first use; nothing heavy happens before."""

    checkpoint: str = ""  # a folder; empty for the built-in baseline
    device: str = "auto"  # cpu, cuda, cuda:N, or whichever there is
    dtype: str = "float32"
    attn: str = "auto"  # auto: our own, which shares beginnings; or one of transformers'
    device_map: str = ""  # several devices: auto, balanced, balanced_low_0, sequential, or a JSON object
    batch_size: int = 64
    threads: int = 0  # 0: PyTorch's own choice
    cache: int = 1024  # MiB of encoded media that are kept in memory; 0: none
    prefix_cache: int = 512  # MiB of keys and values of common beginnings that are kept in memory; 0: none
    turn_cache: int = 1024  # MiB of keys and values of what conversations have said, kept for their next turn; 0: none
    feature_cache: str = ""  # a folder that keeps encoded media between runs
    feature_cache_size: int = 20480  # MiB of that folder
    name: str = "lamm"
    begins: ClassVar[bool] = True
    overlaps: ClassVar[bool] = True  # of a task only the layout, the transform and whether conversations go on matter here
    _asker: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise unknown("dtype", self.dtype, DTYPES)
        if self.attn not in ATTENTIONS:
            raise unknown("attention (attn)", self.attn, ATTENTIONS)
        least_of = {"batch_size": 1, "threads": 0, "cache": 0, "prefix_cache": 0, "turn_cache": 0, "feature_cache_size": 1}
        for option, least in least_of.items():
            if getattr(self, option) < least:
                raise BenchError(f"{option}={getattr(self, option)} of the model lamm must be at least {least}")

    @property
    def folder(self) -> Path:
        """The checkpoint's folder."""
        if self.checkpoint:
            return Path(self.checkpoint).expanduser()
        return Path(str(resources.files("lamm_bench.results") / "baseline"))

    @property
    def modalities(self) -> frozenset[str]:
        from lamm_bench.lamm.config import load

        return frozenset(load(self.folder).encoders)

    def fingerprint(self) -> str:
        """The hash of all weights and settings; the precision is part of it, the batch size is not."""
        from lamm_bench.lamm.checkpoint import fingerprint

        self.chosen_device()  # a device or a folder that cannot be used is told before the run begins
        self.feature_folder()
        return f"{fingerprint(self.folder)}-{self.dtype}"

    @property
    def notes(self) -> list[str]:
        """What fits together badly in the checkpoint: another Vicuna than v0, a tokenizer that does not belong."""
        from lamm_bench.lamm.compatible import warnings_of
        from lamm_bench.lamm.config import load

        return warnings_of(load(self.folder), self.folder)

    @property
    def hints(self) -> list[str]:
        """What a user should know before waiting: a precision that this processor is slow in."""
        from lamm_bench.lamm.precision import hints_of

        return hints_of(self.dtype, "" if self.device_map else self.chosen_device())

    def begin(self, job: Job) -> None:
        from lamm_bench.lamm.encode import layout_called
        from lamm_bench.lamm.layouts import layout_for

        asker = self.asker
        asker.layout = layout_called(layout_for(asker.model.config.layout, job.layout), asker.tokenizer)
        asker.transform = job.image_transform
        asker.keeps = job.goes_on
        asker.turns.clear()  # the conversations of the task before are over

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield from self.asker.generate(requests)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        yield from self.asker.score(requests)

    def loss(self, request: Score) -> list[float]:
        """The training loss of each option in nats, summed over its tokens: what `score` must be minus of."""
        return list(self.asker.loss(request))

    @property
    def embeds(self) -> frozenset[str]:
        """What `embed` takes: whatever there is an encoder for."""
        return self.modalities

    def embed(self, things: Sequence[Media]) -> Any:
        """float32 [things, width]: the mean of what the encoder says of each, before its projection into the language model."""
        return self.asker.embed(things)

    @property
    def remembers(self) -> int:
        """A batch: its rows' next turns then find what was computed for them, however many other rows there are."""
        return self.batch_size if self.turn_cache else 0

    @property
    def exact(self) -> bool:
        """Whether answers are the same in any batch; half precision rounds differently in batches of other shapes."""
        return self.dtype == "float32"

    def stream(self, request: Generate) -> Iterator[str | Response]:
        """The answer piece by piece, then the response; what `lamm-bench chat` shows while it grows."""
        yield from self.asker.stream(request)

    @property
    def asker(self) -> Any:
        """The loaded model."""
        if self._asker is None:
            import torch

            from lamm_bench.lamm.ask import Asker
            from lamm_bench.lamm.checkpoint import restore
            from lamm_bench.lamm.context import use_attention
            from lamm_bench.lamm.features import FeatureCache
            from lamm_bench.lamm.products import choose_products
            from lamm_bench.lamm.spread import read_device_map, spread
            from lamm_bench.lamm.turns import Turns

            if self.threads:
                torch.set_num_threads(self.threads)
            device_map = read_device_map(self.device_map) if self.device_map else None
            device = "cpu" if device_map is not None else self.chosen_device()
            model, tokenizer = restore(self.folder, device, getattr(torch, self.dtype))
            model.merge_lora()
            use_attention(model.llama, self.attn)
            if device_map is not None:
                spread(model, device_map)
            elif device == "cpu":
                choose_products(model)
            self._asker = Asker(
                model,
                tokenizer,
                self.batch_size,
                FeatureCache(self.cache * MIB),
                folder=self.feature_folder(),
                beginnings=FeatureCache(self.prefix_cache * MIB),
                turns=Turns(self.turn_cache * MIB),
            )
        return self._asker

    def feature_folder(self) -> Any:
        """The folder of encoded media, or None."""
        from lamm_bench.lamm.features import FeatureFolder

        folder = Path(self.feature_cache).expanduser()
        return FeatureFolder(folder, self.feature_cache_size * MIB) if self.feature_cache else None

    def chosen_device(self) -> str:
        import torch

        if self.device_map:
            from lamm_bench.lamm.spread import read_device_map

            read_device_map(self.device_map)
        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if self.device == "auto":
            return "cuda" if there else "cpu"
        kind, _, index = self.device.partition(":")
        if kind not in ("cpu", "cuda") or (index and (kind == "cpu" or not index.isdecimal())):
            raise unknown("device", self.device, ("auto", "cpu", "cuda", "cuda:0"))
        if kind == "cuda" and not there:
            raise BenchError(f"device={self.device}: PyTorch finds no CUDA device here; use device=cpu")
        if kind == "cuda" and int(index or 0) >= there:
            raise BenchError(f"device={self.device}: there is no such CUDA device; PyTorch finds {there}, counted from cuda:0")
        return self.device


ADAPTERS = {"lamm": Lamm}
