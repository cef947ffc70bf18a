"""The contrastive loss between media and texts, as CLIP has it (Radford et al. 2021), with equal partners allowed.

The text tower and both heads serve the encoders' stage only; they are not part of the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from lamm_bench.lamm.vision import Block


class Contrast(nn.Module):
    """A small text tower and one head for each kind of media, meeting in `width` dimensions."""

    def __init__(self, vocabulary: int, widths: Mapping[str, int], width: int = 128, layers: int = 2, longest: int = 64) -> None:
        super().__init__()
        self.longest = longest
        self.words = nn.Embedding(vocabulary, width)
        self.places = nn.Parameter(torch.randn(longest, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads=4) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.heads = nn.ModuleDict({kind: nn.Linear(wide, width) for kind, wide in widths.items()})
        self.scale = nn.Parameter(torch.tensor(2.659))  # log(1 / 0.07), CLIP's initial temperature

    def forward(self, kind: str, tokens: Tensor, media: Sequence[object], texts: Sequence[tuple[int, ...]]) -> Tensor:
        """Cross entropy in both directions; rows that share a media or a text are partners of each other alike.

        tokens [batch, tokens, width] of the encoder; `media` and `texts` say who is whose partner."""
        seen = nn.functional.normalize(self.heads[kind](tokens.mean(dim=1)).float(), dim=-1)
        read = nn.functional.normalize(self.read(texts, tokens.device).float(), dim=-1)
        logits = self.scale.exp().clamp(max=100) * seen @ read.T  # CLIP clips its scale at 100
        same = torch.tensor([[m == n or s == t for n, t in zip(media, texts)] for m, s in zip(media, texts)])
        aim = same.float().to(logits.device)
        aim = aim / aim.sum(dim=1, keepdim=True)
        return (nn.functional.cross_entropy(logits, aim) + nn.functional.cross_entropy(logits.T, aim)) / 2

    def read(self, texts: Sequence[tuple[int, ...]], device: torch.device) -> Tensor:
        """Texts to vectors [batch, width]: the mean over the tokens of each."""
        cut = [text[: self.longest] for text in texts]
        length = max(map(len, cut))
        ids = torch.tensor([[*text, *[0] * (length - len(text))] for text in cut], device=device)
        mask = torch.tensor([[i < len(text) for i in range(length)] for text in cut], device=device)
        x = self.words(ids) + self.places[:length]
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x) * mask[:, :, None]
        return x.sum(dim=1) / mask.sum(dim=1, keepdim=True)
