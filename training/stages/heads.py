"""The heads of the encoders' stage: what is asked about a media is read off its tokens, and every token tells what stands in it.

Each question is a learnt query that attends to the tokens (as the queries of DETR, Carion et al. 2020) and picks one of the
question's known answers, or gives the numbers of a place. Beside it a linear layer says for a grid twice as fine as the
tokens' which labels have their middle in each cell, with the focal loss of CornerNet (Law and Deng 2018) and the numbers of
the place at the cells that hold one. So the tokens that are frozen afterwards carry what is where, letter by letter, at a
fraction of the cost of a language model as decoder. The heads serve this stage only; they are not part of the checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lamm_bench.training.data.lessons import Course, Lesson
from lamm_bench.training.data.unfold import MOST_NUMBERS

FINE = 2
"""Cells along each side of a token."""
RARE = -4.0
"""The first logit of every cell: almost all are empty, as in RetinaNet (Lin et al. 2017)."""


class Reader(nn.Module):
    """Attention from questions to the tokens of their media, then a small network."""

    def __init__(self, wide: int, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key_value, self.out = nn.Linear(width, width), nn.Linear(wide, 2 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """x [media, questions, width]; tokens [media, tokens, wide]."""
        count, asked, width = x.shape
        depth = width // self.heads
        keys, values = self.key_value(tokens).reshape(count, -1, 2, self.heads, depth).permute(2, 0, 3, 1, 4)
        query = self.query(self.norm1(x)).reshape(count, asked, self.heads, depth).transpose(1, 2)
        seen = F.scaled_dot_product_attention(query, keys, values).transpose(1, 2).reshape(count, asked, width)
        x = x + self.out(seen)
        return x + self.narrow(F.gelu(self.wide(self.norm2(x))))


class Heads(nn.Module):
    """Readers, answers, numbers and cells for each kind of media."""

    allowed: Tensor

    def __init__(self, course: Course, encoders: Mapping[str, Any], width: int = 192, layers: int = 2) -> None:
        super().__init__()
        self.encoders, self.labels = dict(encoders), len(course.labels)
        kinds = {kind: encoder.width for kind, encoder in encoders.items()}
        self.ask = nn.Embedding(len(course.questions), width)
        nn.init.normal_(self.ask.weight, std=0.5)
        self.whole = nn.ModuleDict({kind: nn.Linear(wide, width) for kind, wide in kinds.items()})
        self.readers = nn.ModuleDict(
            {kind: nn.ModuleList(Reader(wide, width, heads=4) for _ in range(layers)) for kind, wide in kinds.items()}
        )
        self.norm = nn.LayerNorm(width)
        self.answer = nn.Linear(width, len(course.answers))
        self.numbers = nn.ModuleDict({kind: nn.Linear(width, MOST_NUMBERS) for kind in kinds})
        self.cells = nn.ModuleDict(
            {kind: nn.Linear(wide, FINE**2 * (self.labels + MOST_NUMBERS)) for kind, wide in kinds.items()}
        )
        for head in self.cells.values():
            nn.init.constant_(head.bias.view(FINE**2, -1)[:, : self.labels], RARE)  # type: ignore[operator]
        self.register_buffer("allowed", torch.from_numpy(course.allowed), persistent=False)

    def forward(self, kind: str, tokens: Tensor, lessons: Sequence[Lesson], chosen: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """The losses of one batch: `asked` (cross entropy), `places` (mean error), `spots`; and `right`, a share.

        tokens [media, tokens, width]; `chosen` are the questions of each media's lesson that are asked."""
        return self.asked(kind, tokens, lessons, chosen) | self.spots(kind, tokens, lessons)

    def asked(self, kind: str, tokens: Tensor, lessons: Sequence[Lesson], chosen: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Each media counts alike, however much is asked about it: twelve letters must not drown one label."""
        most = max(1, *(len(each) for each in chosen)) if chosen else 1
        shape = (len(lessons), most)
        question, answer = torch.zeros(shape, dtype=torch.long), torch.full(shape, -1)
        numbers, share = torch.full((*shape, MOST_NUMBERS), math.nan), torch.zeros(shape)
        narrowed: list[tuple[int, int, tuple[int, ...]]] = []
        for row, (lesson, picks) in enumerate(zip(lessons, chosen)):
            here = slice(0, len(picks))
            question[row, here] = torch.from_numpy(lesson.question[picks]).long()
            answer[row, here] = torch.from_numpy(lesson.answer[picks]).long()
            numbers[row, here] = torch.from_numpy(lesson.numbers[picks])
            share[row, here] = 1 / max(1, len(picks))
            narrowed += [(row, at, lesson.options[pick]) for at, pick in enumerate(picks.tolist()) if lesson.options[pick]]
        x = self.ask(question) + self.whole[kind](tokens.mean(dim=1))[:, None]
        readers: Any = self.readers[kind]
        for reader in readers:
            x = reader(x, tokens)
        x = self.norm(x)
        out: dict[str, Tensor] = {}
        said = answer >= 0
        if said.any():
            able = self.allowed[question]
            for row, at, options in narrowed:
                able[row, at] = False
                able[row, at, list(options)] = True
            logits = self.answer(x[said]).float().masked_fill(~able[said], -1e4)
            each = F.cross_entropy(logits, answer[said], reduction="none")
            out["asked"] = (each * share[said]).sum() / len(lessons)
            out["right"] = (logits.argmax(dim=-1) == answer[said]).float().mean().detach()
        there = ~numbers.isnan()
        placed = there.any(dim=-1)
        if placed.any():
            off = error(self.numbers[kind](x[placed]).float(), numbers[placed])
            out["places"] = (off * share[placed]).sum() / len(lessons)
        return out

    def spots(self, kind: str, tokens: Tensor, lessons: Sequence[Lesson]) -> dict[str, Tensor]:
        """Focal loss of the labels of every cell, and the error of the numbers where something stands."""
        rows = [row for row, lesson in enumerate(lessons) if len(lesson.scope)]
        if not rows:
            return {}
        side = math.isqrt(tokens.shape[1])
        said = self.cells[kind](tokens[rows]).float()
        said = said.reshape(len(rows), side, side, FINE, FINE, -1).transpose(2, 3).reshape(len(rows), (FINE * side) ** 2, -1)
        aim, scope = torch.zeros(*said.shape[:2], self.labels), torch.zeros(len(rows), 1, self.labels)
        where: list[Tensor] = []
        for row, lesson in enumerate(lessons[i] for i in rows):
            scope[row, 0, lesson.scope] = 1
            cell = torch.from_numpy(cell_of(self.encoders[kind], lesson.middle, FINE * side))
            aim[row, cell, torch.from_numpy(lesson.label).long()] = 1
            where.append(cell + row * said.shape[1])
        logits = said[..., : self.labels]
        chance = logits.sigmoid()
        each = torch.where(aim > 0, -((1 - chance) ** 2) * F.logsigmoid(logits), -(chance**2) * F.logsigmoid(-logits) / 2) * scope
        focal = (each.sum(dim=(1, 2)) / aim.sum(dim=(1, 2)).clamp(min=1)).sum() / len(lessons)
        numbers = torch.from_numpy(np.concatenate([lessons[i].spot for i in rows]))
        off = error(said[..., self.labels :].flatten(0, 1)[torch.cat(where)], numbers).mean() * len(rows) / len(lessons)
        return {"spots": focal, "spots_off": off}


def cell_of(encoder: Any, middle: np.ndarray, side: int) -> np.ndarray:
    """Indices of the cells, of `side` in a row and row by row, that hold the points [points, 2]."""
    unit = getattr(encoder, "unit", None)  # from its own units to shares of what it sees
    middle = middle if unit is None else unit(middle)
    inside = np.clip((middle * side).astype(np.int64), 0, side - 1)
    return inside[:, 1] * side + inside[:, 0]


def error(said: Tensor, aim: Tensor) -> Tensor:
    """The mean absolute error of each row's numbers; NaN stands where there is none."""
    there = ~aim.isnan()
    return ((said - aim.nan_to_num()).abs() * there).sum(dim=-1) / there.sum(dim=-1)
