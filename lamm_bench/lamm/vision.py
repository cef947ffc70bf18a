"""Images -> tokens. An encoder is a frozen module that prepares one media and encodes many.

The miniature's own is a residual network (He et al. 2016) whose last map, with learnt positions and a few pre-norm
transformer blocks, gives the tokens; its three early halvings make small letters and far limbs cheap to see.

To add an encoder, write a module with the three members of `Encoder` and name it in its modality's `encoders`; its
config is a frozen dataclass with `kind`, `tokens` and `width` (encoder_configs.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from lamm_bench.media import open_image
from lamm_bench.types import Media

from .augment import How, pictures
from .config import ImageEncoder
from .images import CLIP_MEAN, CLIP_STD, pixels


class Encoder(Protocol):
    """What turns media of one kind into tokens."""

    def prepare(self, media: Media, transform: str) -> np.ndarray:
        """The encoder's input for one media, small enough to be kept; raises MediaError."""

    def tensor(self, prepared: list[np.ndarray]) -> Tensor:
        """A batch of prepared inputs as float32."""

    def __call__(self, batch: Tensor) -> Tensor:
        """Tokens [batch, tokens, width]."""

    # `change(inputs, mirror, how, stream)` may be left out: a batch of inputs for training, changed so that no answer is (augment.py)


class Residual(nn.Module):
    """Two 3x3 convolutions with batch normalisation and a short cut (He et al. 2016, figure 2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(y)))


def halving(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """A convolution of stride 2 with its normalisation."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride=2, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Block(nn.Module):
    """A pre-norm transformer block without a mask (Vaswani et al. 2017; Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x [batch, tokens, width]; `mask` [batch, tokens] is true where a token may be seen."""
        b, t, w = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(b, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) * (w // self.heads) ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None, :], torch.finfo(scores.dtype).min)
        y = scores.softmax(dim=-1).to(v.dtype) @ v
        x = x + self.out(y.transpose(1, 2).reshape(b, t, w))
        return x + self.narrow(nn.functional.gelu(self.wide(self.norm2(x))))


class Trunk(nn.Module):
    """Maps [batch, channels, side, side] to tokens [batch, (side / 2**len(widths))**2, widths[-1]], row by row."""

    def __init__(
        self, channels: int, side: int, widths: tuple[int, ...], blocks: tuple[int, ...], layers: int, heads: int
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for index, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            stages.append(halving(channels if index == 0 else widths[index - 1], width, kernel=5 if index == 0 else 3))
            stages += [Residual(width) for _ in range(count)]
        self.stages = nn.Sequential(*stages)
        self.places = nn.Parameter(torch.randn((side >> len(widths)) ** 2, widths[-1]) * 0.02)
        self.blocks = nn.ModuleList(Block(widths[-1], heads) for _ in range(layers))
        self.norm = nn.LayerNorm(widths[-1])

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.places.dtype)  # half precision is the weights', pixels and grids come as float32
        x = self.stages(x.contiguous(memory_format=torch.channels_last))
        x = x.flatten(2).transpose(1, 2) + self.places
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class PictureEncoder(nn.Module):
    """What every image encoder takes in: pictures of `config.size` squared, their values from 0 to 255."""

    config: Any

    def prepare(self, media: Media, transform: str) -> np.ndarray:
        """uint8 [size, size, 3]; raises MediaError."""
        return pixels(open_image(media), transform, self.config.size)

    def tensor(self, prepared: list[np.ndarray]) -> Tensor:
        """float32 [batch, 3, size, size], still 0 to 255."""
        return torch.from_numpy(np.stack(prepared)).permute(0, 3, 1, 2).float()

    def change(self, inputs: Tensor, mirror: Sequence[bool], how: How, stream: np.random.Generator) -> Tensor:
        """Light, mirror, shift and noise; answers stay as they are."""
        return pictures(inputs, mirror, how, stream)


class MiniImageEncoder(PictureEncoder):
    """Pixels of `config.size` squared, normalised with CLIP's mean and deviation, to `config.tokens` tokens."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: ImageEncoder) -> None:
        super().__init__()
        self.config = config
        self.trunk = Trunk(3, config.size, config.widths, config.blocks, config.layers, config.heads)
        self.register_buffer("mean", 255 * torch.tensor(CLIP_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(CLIP_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, batch: Tensor) -> Tensor:
        """Pixels [batch, 3, size, size] of 0 to 255 to tokens [batch, tokens, width]."""
        return self.trunk((batch - self.mean) / self.std)
