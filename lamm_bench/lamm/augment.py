"""Changes of an encoder's input that leave every answer as it is, drawn from a stream of the batch's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor


class How(Protocol):
    """How much is changed; a stage's `augment` (training/config/preset.py explains each)."""

    @property
    def light(self) -> float: ...
    @property
    def noise(self) -> float: ...
    @property
    def shift(self) -> int: ...
    @property
    def drop(self) -> float: ...


def pictures(inputs: Tensor, mirror: Sequence[bool], how: How, stream: np.random.Generator) -> Tensor:
    """Images [batch, 3, side, side] of 0 to 255: light, mirror, a shift by a few pixels with repeated edges, noise."""
    count = len(inputs)
    if how.light:
        gain = 1 + how.light * uniform(stream, (count, 1, 1, 1)) + how.light / 2 * uniform(stream, (count, 3, 1, 1))
        contrast = 1 + how.light * uniform(stream, (count, 1, 1, 1))
        middle = inputs.mean(dim=(1, 2, 3), keepdim=True)
        inputs = ((inputs - middle) * contrast + middle) * gain
    turned = torch.from_numpy(stream.random(count) < 0.5) & torch.tensor(list(mirror))
    inputs = torch.where(turned[:, None, None, None], inputs.flip(-1), inputs)
    if how.shift:
        side, reach = inputs.shape[-1], how.shift
        wide = torch.nn.functional.pad(inputs, (reach,) * 4, mode="replicate")
        at = stream.integers(0, 2 * reach + 1, size=(count, 2))
        inputs = torch.stack([one[:, y : y + side, x : x + side] for one, (y, x) in zip(wide, at.tolist())])
    if how.noise:
        inputs = inputs + how.noise * torch.from_numpy(stream.standard_normal(inputs.shape, dtype=np.float32))
    return inputs.clamp(0, 255)


def clouds(inputs: Tensor, how: How, stream: np.random.Generator) -> Tensor:
    """Grids [batch, channels, cells, cells]: whole columns are emptied."""
    if not how.drop:
        return inputs
    kept = stream.random((len(inputs), 1, *inputs.shape[2:])) >= how.drop
    return inputs * torch.from_numpy(kept.astype(np.float32))


def uniform(stream: np.random.Generator, shape: tuple[int, ...]) -> Tensor:
    """float32 between -1 and 1."""
    return torch.from_numpy(stream.uniform(-1, 1, size=shape).astype(np.float32))
