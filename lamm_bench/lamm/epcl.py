"""EPCL (Huang et al. 2022): points -> set abstraction -> CLIP's frozen transformer, in plain PyTorch (reference 3.4).

Each of 256 centres becomes a token from its neighbourhood, a small network adds its place, CLIP's `ln_pre` and blocks go
over all of them together with learnt task tokens, and the task tokens are dropped. Points keep their coordinates in metres:
nothing is centred or scaled.

Upstream trains with batch statistics that drift and dropout in the frozen encoder; here both are off for good."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor, nn

from lamm_bench.media import open_cloud
from lamm_bench.types import Media

from . import weights
from .encoder_configs import Epcl
from .epcl_keys import read_epcl
from .frozen import Frozen, built, freeze
from .points import SetAbstraction

MEAN_COLOR = (109.8, 97.2, 83.8)
"""Of ScanNet, 0-255; VoteNet's constant (Qi et al. 2019), kept by upstream."""
FLOOR_PERCENTILE = 0.99
"""Of z. Perhaps the 1st or 99th percentile was meant; the encoder was trained with this (reference 3.4)."""


class QuickGelu(nn.Module):
    """x * sigmoid(1.702 x): OpenAI's CLIP was trained with this approximation."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Mlp(nn.Module):
    """The feed-forward half of a block, with OpenAI's names."""

    def __init__(self, width: int, hidden: int, activation: str) -> None:
        super().__init__()
        self.c_fc, self.c_proj = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.gelu = QuickGelu() if activation == "quick_gelu" else nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(self.gelu(self.c_fc(x)))


class ClipBlock(nn.Module):
    """A block of CLIP's transformer without a mask, with OpenAI's names."""

    def __init__(self, width: int, heads: int, hidden: int, activation: str) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = Mlp(width, hidden, activation)

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class TaskTokens(nn.Module):
    """Learnt tokens that stand beside the points', by themselves or behind a small network."""

    def __init__(self, count: int, width: int, network: str) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(count, width) * 0.02)
        between: dict[str, nn.Module] = {"tanh": nn.Tanh(), "relu": nn.ReLU(), "gelu": nn.GELU()}
        self.network: nn.Module = nn.Identity()
        if network:
            self.network = nn.Sequential(nn.Linear(width, width), between[network], nn.Linear(width, width))

    def forward(self) -> Tensor:
        return self.network(self.embedding)


class EpclEncoder(Frozen):
    """Clouds to `config.tokens` tokens of `config.width`: 256 x 1024."""

    def __init__(self, config: Epcl) -> None:
        super().__init__()
        self.config = config
        built(self.build, config.weights)
        if config.weights:
            own = self.state_dict()
            where, tensors = read_epcl(config, own)
            weights.fill(where, own, tensors)
        freeze(self)

    def build(self) -> EpclEncoder:
        config = self.config
        inputs = [config.channels, *(widths[-1] for widths in config.widths)]
        sizes = zip(config.centres, config.radii, config.neighbours, inputs, config.widths)
        self.levels = nn.ModuleList(SetAbstraction(*size) for size in sizes)
        self.place = nn.Sequential(nn.Linear(3, config.place), nn.GELU(), nn.Linear(config.place, config.width))
        self.task = TaskTokens(config.task_tokens, config.width, config.task_network)
        self.ln_pre = nn.LayerNorm(config.width)
        self.blocks = nn.ModuleList(
            ClipBlock(config.width, config.heads, config.mlp, config.activation) for _ in range(config.layers)
        )
        return self

    def prepare(self, media: Media, transform: str) -> np.ndarray:
        """float32 [points, 3 + channels]; `transform` is about images and changes nothing here."""
        name = media.sha256 or media.path.replace("\\", "/").rsplit("/", 1)[-1]
        return chosen_points(open_cloud(media), self.config, name)

    def tensor(self, prepared: list[np.ndarray]) -> Tensor:
        """float32 [batch, points, 3 + channels]. Shorter clouds are filled up with copies of their first point.

        Copies change nothing: farthest point sampling takes the first of equals, and the greatest of a neighbourhood does
        not count how often it is there."""
        longest = max(len(points) for points in prepared)
        rows = [np.concatenate([points, np.repeat(points[:1], longest - len(points), axis=0)]) for points in prepared]
        return torch.from_numpy(np.stack(rows))

    def forward(self, batch: Tensor) -> Tensor:
        """[batch, points, 3 + channels] -> [batch, tokens, width]."""
        x = self.ln_pre(self.tokenize(batch))
        x = torch.cat([x, self.task().expand(len(x), -1, -1)], dim=1)
        for block in self.blocks:
            x = block(x)
        return x[:, : self.config.tokens]

    def tokenize(self, batch: Tensor) -> Tensor:
        """What goes into CLIP's transformer: [batch, tokens, width], before `ln_pre`."""
        points = batch[..., :3].float().contiguous()
        features = batch[..., 3:] if self.config.channels else None
        for level in self.levels:
            points, features = level(points, features)
        assert features is not None
        return features + self.place(points.to(features.dtype))


def chosen_points(cloud: np.ndarray, config: Epcl, seed: str) -> np.ndarray:
    """float32 [n, 3 + channels] of a cloud in metres with colours 0-255, n at most `config.points`.

    Drawn without replacement and put in random order, both from a stream of the cloud's own: the first is where farthest
    point sampling starts, and a crowded ball takes the first of its points. A cloud without colours has the mean colour."""
    digest = hashlib.sha256(seed.encode()).digest()
    stream = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    columns = [cloud[:, :3]]
    if config.color:
        known = cloud.shape[1] >= 6
        columns.append((cloud[:, 3:6] - MEAN_COLOR) / 256 if known else np.zeros((len(cloud), 3)))
    if config.height:
        columns.append(cloud[:, 2:3] - np.percentile(cloud[:, 2], FLOOR_PERCENTILE))
    chosen = stream.choice(len(cloud), min(len(cloud), config.points), replace=False)
    return np.concatenate(columns, axis=1)[chosen].astype(np.float32)
