"""Point clouds -> tokens, in plain PyTorch.

The miniature's own encoder gathers the points of a room in a grid seen from above, as PIXOR does (Yang et al. 2018): each
cell of each level holds how many points fell into it and their mean colour. Then it goes on as for images. The grid's
place is fixed in metres, so that tokens carry absolute coordinates."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lamm_bench.media import open_cloud
from lamm_bench.types import Media

from .augment import How, clouds
from .config import CloudEncoder
from .vision import Trunk


def thin(points: np.ndarray, most: int, seed: str) -> np.ndarray:
    """At most `most` points, drawn without replacement from a stream of the cloud's own."""
    if len(points) <= most:
        return points
    digest = hashlib.sha256(seed.encode()).digest()
    chosen = np.random.default_rng(int.from_bytes(digest[:8], "little")).choice(len(points), most, replace=False)
    return points[np.sort(chosen)]


def gather(points: np.ndarray, config: CloudEncoder) -> np.ndarray:
    """float16 [channels, cells, cells] of points [N, >= 3] in metres, with colours 0-255 in columns 3-5 if there are any.

    Rows are y and columns x. Points outside the box are left out sideways and clamped in height."""
    low, high = np.array(config.low, dtype=np.float32), np.array(config.high, dtype=np.float32)
    cells, levels = config.cells, config.levels
    unit = (points[:, :3] - low) / (high - low)
    inside = ((unit[:, :2] >= 0) & (unit[:, :2] < 1)).all(axis=1)
    unit, points = unit[inside], points[inside]
    column = (unit[:, 1] * cells).astype(np.int64) * cells + (unit[:, 0] * cells).astype(np.int64)
    height = np.clip(unit[:, 2], 0, 1 - 1e-6)
    cell = (height * levels).astype(np.int64) * cells * cells + column
    color = points[:, 3:6] / 255 if points.shape[1] >= 6 else np.full((len(points), 3), 0.5, dtype=np.float32)
    count = np.bincount(cell, minlength=levels * cells * cells).astype(np.float32)
    maps = [np.log1p(count)]
    for channel in range(3):
        total = np.bincount(cell, weights=color[:, channel] - 0.5, minlength=len(count))
        maps.append((total / np.maximum(count, 1)).astype(np.float32))
    grid = np.concatenate(maps).reshape(4 * levels, cells, cells)
    in_column = np.bincount(column, minlength=cells * cells)
    mean = np.bincount(column, weights=height, minlength=cells * cells) / np.maximum(in_column, 1)
    top = np.zeros(cells * cells)
    np.maximum.at(top, column, height)
    return np.concatenate([grid, mean.reshape(1, cells, cells), top.reshape(1, cells, cells)]).astype(np.float16)


class MiniCloudEncoder(nn.Module):
    """Points to `config.tokens` tokens."""

    def __init__(self, config: CloudEncoder) -> None:
        super().__init__()
        self.config = config
        self.trunk = Trunk(config.channels, config.cells, config.widths, config.blocks, config.layers, config.heads)

    def prepare(self, media: Media, transform: str) -> np.ndarray:
        """float16 [channels, cells, cells]; `transform` is about images and changes nothing here."""
        name = media.sha256 or media.path.replace("\\", "/").rsplit("/", 1)[-1]
        return gather(thin(open_cloud(media), self.config.points, name), self.config)

    def tensor(self, prepared: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(prepared)).float()

    def change(self, inputs: Tensor, mirror: Sequence[bool], how: How, stream: np.random.Generator) -> Tensor:
        """Whole columns are emptied; a room is never mirrored."""
        return clouds(inputs, how, stream)

    def forward(self, batch: Tensor) -> Tensor:
        return self.trunk(batch)
