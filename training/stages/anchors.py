"""Words at their places: a loss of the language stage that ties a media's tokens to the words and numbers that answers use.

Half-way through the language model, each media token where something stands must name it and give the numbers of its place,
in the model's own vocabulary: the output layer is the embedding table that words are read with. So a question's "sofa" meets
a token that says "sofa", and the numbers to be answered are at hand, long before rare questions would teach that road. The
maps to the roles (name, first number, second number ...) serve this stage only; they are not part of the checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lamm_bench.lamm.model import Lamm
from lamm_bench.lamm.tokenizer import MiniTokenizer
from lamm_bench.training.data.lessons import Course, Lesson
from lamm_bench.training.data.unfold import MOST_NUMBERS

from .heads import cell_of
from .loss import Blur, answer_losses

MOST_SPOTS = 8
"""Of one media in a step, the first ones: a picture with forty dots must not outweigh forty rooms."""


class Anchors(nn.Module):
    """One linear map to each role: the name, then up to six numbers."""

    words: Tensor

    def __init__(self, course: Course, model: Lamm, tokenizer: MiniTokenizer) -> None:
        super().__init__()
        width = model.config.llm.width
        self.encoders = dict(model.config.encoders)
        self.norm = nn.RMSNorm(width)
        self.roles = nn.Linear(width, (1 + MOST_NUMBERS) * width, bias=False)
        nn.init.orthogonal_(self.roles.weight)
        ids = [word_of(label, tokenizer) for label in course.labels]
        self.register_buffer("words", torch.tensor(ids, dtype=torch.long), persistent=False)
        self.tokens = {round(value * 100): token for token, value in tokenizer.numbers().items()}

    def forward(
        self, kind: str, hidden: Tensor, lessons: Sequence[Lesson], table: Tensor, blur: Blur | None
    ) -> dict[str, Tensor]:
        """The mean cross entropy of names and numbers; nothing where no media of the batch has a spot.

        hidden [media * tokens, width], in the order of `lessons`; `table` [vocabulary, width]."""
        slots = self.encoders[kind].tokens
        side = math.isqrt(slots)
        places: list[int] = []
        names: list[Tensor] = []
        numbers: list[list[int]] = []
        for index, lesson in enumerate(lessons):
            count = min(len(lesson.label), MOST_SPOTS)
            cells = cell_of(self.encoders[kind], lesson.middle[:count], side)
            places += (cells + index * slots).tolist()
            names.append(self.words[torch.from_numpy(lesson.label[:count]).long()])
            numbers += [self.ids(row) for row in lesson.spot[:count]]
        if not places:
            return {}
        labels = torch.cat([torch.cat(names)[:, None], torch.tensor(numbers, dtype=torch.long)], dim=1)
        seen = self.roles(self.norm(hidden[places].float())).unflatten(-1, (1 + MOST_NUMBERS, -1))
        there = labels >= 0
        each = answer_losses(seen[there] @ table.T, labels[there], blur)
        return {"anchors": each.mean()}

    def ids(self, numbers: np.ndarray) -> list[int]:
        """The token of each number, -1 where there is none."""
        return [-1 if math.isnan(value) else self.tokens.get(round(value * 100), -1) for value in numbers.tolist()]


def word_of(label: str, tokenizer: MiniTokenizer) -> int:
    """The first token of a label as it stands inside a sentence; -1 where the label is a whole question."""
    return tokenizer.encode(f" {label}")[0] if label.isalpha() else -1


@contextmanager
def halfway(model: Lamm) -> Iterator[list[Tensor]]:
    """Catches what the language model's middle layer gives, [batch, L, width], while the block runs."""
    layers: Any = model.decoder.layers
    caught: list[Tensor] = []
    hook = layers[len(layers) // 2 - 1].register_forward_hook(
        lambda module, given, gave: caught.append(gave[0] if isinstance(gave, tuple) else gave)
    )
    try:
        yield caught
    finally:
        hook.remove()
