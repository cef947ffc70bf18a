"""Media -> projected tokens, each image or cloud encoded once a run and, with a feature folder, once ever."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamm_bench import media as files
from lamm_bench.errors import MediaError
from lamm_bench.types import Media

from .encode import Encoded
from .features import FeatureCache, FeatureFolder, weights_digest
from .memory import RAN_OUT, is_out_of_memory, release
from .model import Lamm

TOGETHER = 32  # media that an encoder is given at once
THREADS = 4  # that decode and resize what the next batch will show, while the model is at this one
Key = tuple[str, str, str]  # kind, hash of the content, preprocessing
Held = dict[Key, Tensor]


@dataclass
class Seer:
    """The encoders of a model, with what they said before."""

    model: Lamm
    cache: FeatureCache[Tensor]
    folder: FeatureFolder | None = None
    transform: str = "squash"
    _digests: dict[str, str] = field(default_factory=dict, repr=False)
    _together: int = TOGETHER
    _ahead: dict[Key, Future[np.ndarray]] = field(default_factory=dict, repr=False)
    _threads: ThreadPoolExecutor | None = field(default=None, repr=False)

    def key(self, one: Media) -> Key:
        """What its tokens depend on: content and preprocessing. A blank one's content is what it has the shape of."""
        try:
            content = files.content(one)
        except MediaError:
            content = f"unreadable {one.path}"  # `look` will say why
        return one.kind, content, self.transform if files.modality(one.kind).square else ""

    @torch.inference_mode()
    def look(self, rows: Sequence[Encoded]) -> tuple[Held, dict[Key, str]]:
        """Encoder tokens of all media of the rows, and one sentence for each that could not be opened."""
        held: Held = {}
        faults: dict[Key, str] = {}
        ready: dict[str, dict[Key, np.ndarray]] = {}
        for one in (one for row in rows for _, one in row.media):
            key = self.key(one)
            if key in held or key in faults or key in ready.get(one.kind, {}):
                continue
            kept = self.recall(key)
            if kept is not None:
                held[key] = kept
                continue
            begun = self._ahead.pop(key, None)
            try:
                ready.setdefault(one.kind, {})[key] = self.prepared(one, key) if begun is None else begun.result()
            except MediaError as error:
                faults[key] = str(error)
        for kind, found in ready.items():
            for key, tokens in self.encoded(kind, found).items():
                held[key] = tokens
                self.cache.put(key, tokens)
                if self.folder is not None:
                    self.folder.put(self.file_key(key), tokens)
        return held, faults

    def prepared(self, one: Media, key: Key) -> np.ndarray:
        """A medium decoded and resized, as its encoder takes it. Raises `MediaError`."""
        sealed = replace(one, sha256=key[1]) if one.sha256 == "" else one  # a cloud is thinned by a stream of its content's
        return np.asarray(self.encoder(one.kind).prepare(sealed, key[2] or self.transform))

    def expect(self, rows: Sequence[Encoded]) -> None:
        """Begins to decode and resize the media of rows that come next, in threads; what the last rows did not need after all is dropped."""
        wanted = {self.key(one): one for row in rows for _, one in row.media}
        for key in [key for key in self._ahead if key not in wanted]:
            self._ahead.pop(key).cancel()
        for key, one in wanted.items():
            if key in self._ahead or key in self.cache or key[0] not in self.model.encoders:
                continue
            if self.folder is None or not self.folder.path(self.file_key(key)).exists():
                self._threads = self._threads or ThreadPoolExecutor(THREADS, "media")
                self._ahead[key] = self._threads.submit(self.prepared, one, key)

    def encoded(self, kind: str, prepared: dict[Key, np.ndarray]) -> Held:
        """Tokens of all of one kind, a few at a time, fewer when memory runs out."""
        out: Held = {}
        keys = list(prepared)
        while len(out) < len(keys):
            part = keys[len(out) : len(out) + self._together]
            failed = False
            try:
                inputs = self.encoder(kind).tensor([prepared[key] for key in part])
                tokens = self.model.see(kind, inputs.to(self.model.device))
                out.update((key, one.clone()) for key, one in zip(part, tokens))  # a view would keep the whole batch alive
            except RAN_OUT as error:
                if not is_out_of_memory(error) or len(part) == 1:
                    raise
                failed = True
            if failed:
                release()
                self._together = max(1, len(part) // 2)
        return out

    def recall(self, key: Key) -> Tensor | None:
        kept = self.cache.get(key)
        if kept is None and self.folder is not None and key[0] in self.model.encoders:
            stored = self.folder.get(self.file_key(key))
            if stored is not None:
                kept = stored.to(self.model.device)
                self.cache.put(key, kept)
        return kept

    def file_key(self, key: Key) -> tuple[str, ...]:
        kind = key[0]
        if kind not in self._digests:
            self._digests[kind] = weights_digest(self.encoder(kind), repr(self.model.config.encoders.get(kind)))
        return (*key, self._digests[kind])

    def encoder(self, kind: str) -> Any:
        return self.model.encoders[kind]

    def tokens(self, rows: Sequence[Encoded], held: Held) -> Tensor | None:
        """The projected tokens of the rows' media, in `collate`'s order; each media is projected once."""
        own = [(one.kind, self.key(one)) for row in rows for _, one in row.media]
        projected = {key: self.model.project(kind, held[key][None]) for kind, key in dict.fromkeys(own)}
        return torch.cat([projected[key] for _, key in own]) if own else None
