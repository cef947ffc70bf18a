"""The encoders' stage: media and texts are drawn together, as in CLIP (Radford et al. 2021), question by question.

CLIP compares one vector of a picture with one of its caption. Here a question picks what it needs from the tokens by
attention, and the result is compared with the right answer's vector and with wrong answers' (as in contrastive visual
question answering); where the answer is a place, its numbers are read off beside it (as in MDETR, Kamath et al. 2021). So
the tokens that are frozen afterwards carry places, letters and counts, at a fraction of the cost of a language model as
decoder. Text tower and heads serve this stage only; they are not part of the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lamm_bench.lamm.vision import Block

from .unfold import MOST_PLACES, Asked


class Reader(nn.Module):
    """Attention from questions to the tokens of their media, then a small network."""

    def __init__(self, wide: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key_value, self.out = nn.Linear(width, width), nn.Linear(wide, 2 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, tokens: Tensor, owner: Tensor) -> Tensor:
        """x [questions, width]; tokens [media, tokens, wide]; owner [questions]: each question's media."""
        count, length = tokens.shape[:2]
        depth = x.shape[-1] // self.heads
        keys, values = self.key_value(tokens).reshape(count, length, 2, self.heads, depth).permute(2, 0, 3, 1, 4)
        query = self.query(self.norm1(x)).reshape(-1, self.heads, depth, 1)
        scores = (keys[owner] @ query)[..., 0] * depth**-0.5
        seen = scores.softmax(dim=-1).to(values.dtype)[:, :, None] @ values[owner]
        x = x + self.out(seen.reshape(len(x), -1))
        return x + self.narrow(nn.functional.gelu(self.wide(self.norm2(x))))


class Contrast(nn.Module):
    """A small text tower, and for each kind of media readers and a head for numbers."""

    def __init__(self, vocabulary: int, widths: Mapping[str, int], width: int = 192, layers: int = 2, longest: int = 48) -> None:
        super().__init__()
        self.longest = longest
        self.words = nn.Embedding(vocabulary, width)
        self.places = nn.Parameter(torch.randn(longest, width) * 0.02)
        self.blocks = nn.ModuleList([Block(width, heads=4)])
        self.norm = nn.LayerNorm(width)
        self.ask, self.answer = nn.Linear(width, width), nn.Linear(width, width)
        self.readers = nn.ModuleDict(
            {kind: nn.ModuleList(Reader(wide, width, heads=4) for _ in range(layers)) for kind, wide in widths.items()}
        )
        self.whole = nn.ModuleDict({kind: nn.Linear(wide, width) for kind, wide in widths.items()})
        self.seen = nn.LayerNorm(width)
        self.numbers = nn.ModuleDict({kind: nn.Linear(width, MOST_PLACES) for kind in widths})
        self.scale = nn.Parameter(torch.tensor(2.659))  # log(1 / 0.07), CLIP's initial temperature

    def forward(
        self, kind: str, tokens: Tensor, asked: Sequence[Sequence[Asked]], wrong: Sequence[Sequence[list[tuple[int, ...]]]]
    ) -> dict[str, Tensor]:
        """Cross entropy of the right answers, mean error of the places, and the share of right answers.

        tokens [media, tokens, width] of the encoder; `asked` the questions about each media, `wrong` the wrong answers of each."""
        ones = [one for each in asked for one in each]
        against = [each for every in wrong for each in every]
        owner = torch.tensor([number for number, each in enumerate(asked) for _ in each])
        # each media counts alike, however much is asked about it: twelve letters must not drown one label
        share = torch.tensor([1 / len(each) for each in asked for _ in each])
        texts = {
            text: i for i, text in enumerate(dict.fromkeys(t for o, w in zip(ones, against) for t in (o.question, o.answer, *w)))
        }
        read = self.read(list(texts))
        x = self.ask(read[[texts[one.question] for one in ones]]) + self.whole[kind](tokens.mean(dim=1))[owner]
        readers: Any = self.readers[kind]
        for reader in readers:
            x = reader(x, tokens, owner)
        x = self.seen(x)
        said = [i for i, one in enumerate(ones) if one.answer]
        placed = [i for i, one in enumerate(ones) if one.numbers]
        out: dict[str, Tensor] = {}
        if said:
            known = nn.functional.normalize(self.answer(read).float(), dim=-1)
            logits = self.scale.exp().clamp(max=100) * nn.functional.normalize(x[said].float(), dim=-1) @ known.T
            right = torch.tensor([texts[ones[i].answer] for i in said])
            rows = [row for row, i in enumerate(said) for _ in range(1 + len(against[i]))]
            columns = [texts[text] for i in said for text in (ones[i].answer, *against[i])]
            shut = torch.full_like(logits, -1e4)
            shut[rows, columns] = 0.0
            each = nn.functional.cross_entropy(logits + shut, right, reduction="none")
            out["contrastive"] = (each * share[said]).sum() / share[said].sum()
            out["right"] = ((logits + shut).argmax(dim=-1) == right).float().mean().detach()
        if placed:
            aim = torch.tensor([[*ones[i].numbers, *[float("nan")] * (MOST_PLACES - len(ones[i].numbers))] for i in placed])
            there = ~aim.isnan()
            off = ((self.numbers[kind](x[placed]).float() - aim.nan_to_num()).abs() * there).sum(dim=1) / there.sum(dim=1)
            out["places"] = (off * share[placed]).sum() / share[placed].sum()
        return out

    def read(self, texts: Sequence[tuple[int, ...]]) -> Tensor:
        """Texts to vectors [texts, width]: the mean over the tokens of each."""
        cut = [text[: self.longest] or (0,) for text in texts]
        length = max(map(len, cut))
        ids = torch.tensor([[*text, *[0] * (length - len(text))] for text in cut])
        mask = torch.tensor([[i < len(text) for i in range(length)] for text in cut])
        x = self.words(ids) + self.places[:length]
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x) * mask[:, :, None]
        return x.sum(dim=1) / mask.sum(dim=1, keepdim=True)
