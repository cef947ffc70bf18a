"""Chat models of transformers as an adapter: `--model hf-chat --set model=FOLDER_OR_HUB_ID`.

Any `AutoModelForImageTextToText` with a chat template is asked with its images; a text-only causal LLM is asked with all
media left out, which makes it the blind control. Options: `--set model=... device=auto|cpu|cuda dtype=auto|float32|bfloat16|float16
batch_size=16 cache=1024 attn=sdpa|eager|... revision=... template=FILE.jinja gguf=FILE device_map=auto trust_remote_code=false threads=0`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.errors import BenchError, unknown
from lamm_bench.media import flats, modalities
from lamm_bench.types import Generate, Modality, Response, Score

DTYPES = ("auto", "float32", "bfloat16", "float16")
DEVICES = ("auto", "cpu", "cuda")
MIB = 2**20


@dataclass
class HfChat:
    """Loads its model at the first use; nothing heavy happens before."""

    model: str  # a folder, a GGUF file, or the name of a repository on the hub
    device: str = "auto"  # cpu, cuda, or whichever there is
    dtype: str = "auto"  # float32 on a CPU, the checkpoint's own elsewhere
    batch_size: int = 16
    cache: int = 1024  # MiB of encoded images that are kept; 0: every request and every option is computed from the beginning
    attn: str = ""  # transformers' attn_implementation; empty: the model's own choice
    revision: str = ""  # branch, tag or commit on the hub
    template: str = ""  # a Jinja file, for models that come without a chat template
    gguf: str = ""  # the name of a GGUF file in `model`
    device_map: str = ""  # `auto` spreads the model over several devices (needs accelerate)
    trust_remote_code: bool = False  # runs Python code that comes with the model
    threads: int = 0  # 0: PyTorch's own choice
    name: str = "hf-chat"
    _asker: Any = field(default=None, init=False, repr=False)
    _place: Any = field(default=None, init=False, repr=False)
    _config: Any = field(default=None, init=False, repr=False)
    _hash: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise BenchError("hf-chat needs --set model=... : a folder, a GGUF file, or the name of a model on the hub")
        if self.dtype not in DTYPES:
            raise unknown("dtype", self.dtype, DTYPES)
        if self.device not in DEVICES and not self.device.startswith("cuda:"):
            raise unknown("device", self.device, DEVICES)
        if self.batch_size < 1:
            raise BenchError(f"batch_size={self.batch_size} of the model hf-chat must be at least 1")
        if self.cache < 0:
            raise BenchError(f"cache={self.cache} of the model hf-chat must be at least 0, which turns it off")

    @property
    def place(self) -> tuple[str, dict[str, Any]]:
        """Where the model is, and how it is read from there; found once."""
        if self._place is None:
            from .hf.load import place

            self._place = place(self)
        return self._place

    @property
    def config(self) -> Any:
        """The model's config, read once: that of a GGUF file takes seconds."""
        if self._config is None:
            from .hf.load import config_of

            self._config = config_of(self)
        return self._config

    @property
    def kind(self) -> str:
        """`vision` or `text`; read from the model's config."""
        from .hf.load import kind_of

        return kind_of(self, self.config)

    @property
    def modalities(self) -> frozenset[Modality]:
        """A text-only model can be asked about everything, since it is shown nothing."""
        return flats() if self.kind == "vision" else frozenset(modalities())

    @property
    def ignores(self) -> frozenset[str]:
        return frozenset({"media"}) if self.kind == "text" else frozenset()

    @property
    def exact(self) -> bool:
        """Whether answers are the same in any batch; half precision rounds differently in batches of other shapes."""
        return bool(self.asker.loaded.exact)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the manifest should know about this model."""
        return tuple(self.asker.notes)

    @property
    def hints(self) -> list[str]:
        """What a user should know before waiting: a precision that this processor is slow in."""
        from lamm_bench.lamm.precision import hints_of

        from .hf.load import chosen_device

        return hints_of(self.dtype, "" if self.device_map else chosen_device(self))

    def fingerprint(self) -> str:
        """The hash of the model's files and of what its answers depend on; the batch size is not part of it."""
        if not self._hash:
            from .hf.load import fingerprint

            self._hash = fingerprint(self, self.asker.loaded)
        return self._hash

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield from self.asker.generate(requests)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        yield from self.asker.score(requests)

    def loss(self, request: Score) -> list[float]:
        """The training loss of each option in nats, summed over its tokens: what `score` must be minus of."""
        return list(self.asker.loss(request))

    @property
    def asker(self) -> Any:
        """The loaded model."""
        if self._asker is None:
            from .hf.ask import Asker
            from .hf.load import load

            self._asker = Asker(load(self, self.config), self.batch_size, self.cache * MIB)
        return self._asker


ADAPTERS = {"hf-chat": HfChat}
