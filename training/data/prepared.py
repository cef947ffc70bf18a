"""Media as the encoders take them: decoded once and kept while there is room, else decoded by threads when their batch comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from lamm_bench.errors import MediaError
from lamm_bench.types import Media

CHUNK = 512


class Prepared(Mapping[Media, np.ndarray]):
    """Every readable media; `bad` says why the others are not among them.

    What a media decodes to is a function of its file alone, so neither threads nor what is kept can move a training."""

    def __init__(self, encoders: Mapping[str, Any], workers: int, memory: int) -> None:
        """`memory` is in MiB."""
        self.encoders, self.left = encoders, memory * 2**20
        self.pool = ThreadPoolExecutor(max(1, workers))
        self.known: dict[Media, None] = {}
        self.held: dict[Media, np.ndarray] = {}
        self.coming: dict[Media, Future[np.ndarray]] = {}
        self.bad: dict[Media, str] = {}

    def check(self, media: Iterable[Media]) -> None:
        """Decodes all of them, and keeps those that there is room for."""
        every = list(media)
        for start in range(0, len(every), CHUNK):
            part = every[start : start + CHUNK]
            for one, found in zip(part, self.pool.map(self.attempt, part)):
                if isinstance(found, str):
                    self.bad[one] = found
                else:
                    self.keep(one, found)

    def keep(self, one: Media, found: np.ndarray) -> None:
        self.known[one] = None
        if found.nbytes <= self.left:
            self.held[one] = found
            self.left -= found.nbytes

    def trust(self, media: Iterable[Media]) -> None:
        """Takes media in that were decoded before; they are decoded again only if somebody asks."""
        self.known.update(dict.fromkeys(media))

    def drop(self, media: Iterable[Media]) -> None:
        """Leaves out what another process could not read."""
        for one in media:
            self.known.pop(one, None)

    def order(self, media: Sequence[Media]) -> None:
        """Lists the known media in this order."""
        self.known = {one: None for one in media if one in self.known}

    def attempt(self, one: Media) -> np.ndarray | str:
        try:
            return self.decode(one)
        except MediaError as error:
            return str(error)

    def decode(self, one: Media) -> np.ndarray:
        return self.encoders[one.kind].prepare(one, "squash")

    def ahead(self, media: Sequence[Media]) -> None:
        """Begins to decode what will be asked for soon."""
        for one in media:
            if one in self.known and one not in self.held and one not in self.coming:
                self.coming[one] = self.pool.submit(self.decode, one)

    def __getitem__(self, one: Media) -> np.ndarray:
        if one in self.held:
            return self.held[one]
        if one in self.coming:
            return self.coming.pop(one).result()
        if one not in self.known:
            raise KeyError(one)
        return self.decode(one)

    def __iter__(self) -> Iterator[Media]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)
