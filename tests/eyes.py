"""A model with eyes: it finds the coloured square of a picture and says where it is in one convention, whatever it declares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lamm_bench.media import open_image
from lamm_bench.read import Frame, Place, convention
from lamm_bench.read.rendering import render
from lamm_bench.types import Generate, Media, Response


@dataclass
class Eyes:
    """`speaks` is what it does, `coordinates` what it says of itself; `noise` in fractions of the picture."""

    speaks: str = "fractions"
    coordinates: str = "fractions"
    noise: float = 0.0
    name: str = "eyes"
    modalities: frozenset[str] = frozenset({"image"})

    def fingerprint(self) -> str:
        return f"eyes {self.speaks}"

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for number, request in enumerate(requests):
            pictures = [part for message in request.messages for part in message.parts if isinstance(part, Media)]
            yield number, Response(self.say(pictures[0], number) if pictures else "nothing")

    def say(self, media: Media, number: int) -> str:
        pixels = np.asarray(open_image(media).convert("RGB"), dtype=int)
        height, width = pixels.shape[:2]
        ys, xs = np.nonzero(np.abs(pixels - pixels[0, -1]).sum(axis=-1) > 100)
        if not len(xs):
            return "nothing"
        box = np.array([xs.min() / width, ys.min() / height, (xs.max() + 1) / width, (ys.max() + 1) / height])
        box += np.random.default_rng(number).normal(0, self.noise, 4)
        size = (width, height)
        return render([Place("square", tuple(box))], Frame(convention(self.speaks), size, size))
