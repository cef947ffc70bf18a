"""Embedders of other libraries: what finds examples that are like the question (docs/adapters.md, "What embeds").

Nothing is imported before it is asked. To add one, write a dataclass with `fingerprint`, `embed` and `embeds`, and name it in EMBEDDERS."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lamm_bench.errors import BenchError
from lamm_bench.media import flats, open_media
from lamm_bench.types import Media


@dataclass
class SentenceTransformers:
    """Texts by a model of sentence-transformers; upstream's is `all-mpnet-base-v2` (reference 2.7). A name, or a folder."""

    model: str = "all-mpnet-base-v2"
    device: str = "cpu"
    name: ClassVar[str] = "sentence-transformers"
    embeds: ClassVar[frozenset[str]] = frozenset({"text"})
    _loaded: Any = field(default=None, init=False, repr=False)

    def fingerprint(self) -> str:
        from importlib.metadata import version

        return f"{self.name} {version('sentence-transformers')} {Path(self.model).name} {digest(self.loaded())}"

    def loaded(self) -> Any:
        if self._loaded is None:
            try:
                from sentence_transformers import SentenceTransformer
            except ImportError:
                raise BenchError(
                    "the embedder sentence-transformers needs a package that is not here: pip install 'lamm-bench[embedders]'"
                ) from None
            try:
                self._loaded = SentenceTransformer(self.model, device=self.device)
            except Exception as error:  # of the library, of a hub, or of a file
                raise cannot(self.name, self.model, error) from error
        return self._loaded

    def embed(self, things: Sequence[str]) -> np.ndarray:
        return np.asarray(self.loaded().encode(list(things), show_progress_bar=False), dtype=np.float32)


@dataclass
class OpenClip:
    """Pictures and texts by a CLIP model of open_clip: `model` is one of its architectures, `pretrained` its weights' name or file."""

    model: str = "ViT-B-32"
    pretrained: str = "openai"
    device: str = "cpu"
    name: ClassVar[str] = "open-clip"
    _loaded: Any = field(default=None, init=False, repr=False)

    @property
    def embeds(self) -> frozenset[str]:
        return flats() | {"text"}

    def fingerprint(self) -> str:
        from importlib.metadata import version

        return f"{self.name} {version('open_clip_torch')} {self.model} {Path(self.pretrained).name} {digest(self.loaded()[0])}"

    def loaded(self) -> Any:
        """Model, transform and tokenizer."""
        if self._loaded is None:
            try:
                import open_clip
            except ImportError:
                raise BenchError(
                    "the embedder open-clip needs a package that is not here: pip install 'lamm-bench[clip]'"
                ) from None
            try:
                model, _, transform = open_clip.create_model_and_transforms(
                    self.model, pretrained=self.pretrained or None, device=self.device
                )
                self._loaded = (model.eval(), transform, open_clip.get_tokenizer(self.model))
            except Exception as error:  # of the library, of a hub, or of a file
                raise cannot(self.name, f"{self.model} {self.pretrained}".strip(), error) from error
        return self._loaded

    def embed(self, things: Sequence[str | Media]) -> np.ndarray:
        import torch

        model, transform, tokenize = self.loaded()
        texts = [one for one in things if isinstance(one, str)]
        with torch.inference_mode():
            if texts:
                found = model.encode_text(tokenize(texts).to(self.device))
            else:
                pictures = [transform(open_media(one)) for one in things if isinstance(one, Media)]
                found = model.encode_image(torch.stack(pictures).to(self.device))
        return np.asarray(found.float().cpu().numpy())


def digest(model: Any) -> str:
    """A hash of the weights: a name or a folder may come to hold others, and vectors are kept by it."""
    import torch

    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        found.update(name.encode() + b"\0" + tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]


def cannot(name: str, model: str, error: Exception) -> BenchError:
    said = " ".join(str(error).split())[:200]
    return BenchError(f"the embedder {name} cannot load {model}: {type(error).__name__}: {said}")


EMBEDDERS = {"sentence-transformers": SentenceTransformers, "open-clip": OpenClip}
