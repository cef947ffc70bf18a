"""Likelihoods of options: one pass over each prompt, all of its options behind it.

What the options of a question share is computed once, and what several questions share (a scene, a system message) once
for all of them. The sums are those of `Lamm.likelihoods` over whole rows, which is minus the loss of training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .context import Context
from .encode import IGNORE, Encoded
from .model import Lamm, collate
from .plan import cut
from .shared_attention import Beginnings

PLACES = 2048  # tokens whose logits are held at once: 400 MB of a vocabulary of 50,000


@dataclass(frozen=True)
class Question:
    """A prompt and its options as tokens. No label stands in the prompt."""

    prompt: Encoded
    options: tuple[Encoded, ...]  # what follows the prompt

    @property
    def learnt(self) -> tuple[int, ...]:
        """Tokens of each option that count."""
        return tuple(option.learnt for option in self.options)

    @property
    def longest(self) -> int:
        return max(map(len, self.options))


def question(rows: Sequence[Encoded]) -> Question:
    """Rows that differ in their options only, split where the first of them begins to be learnt."""
    first = min(next(i for i, label in enumerate((*row.labels, 0)) if label != IGNORE) for row in rows)
    alike = len(os.path.commonprefix([min(row.ids for row in rows), max(row.ids for row in rows)]))
    shared = min(first, alike, min(map(len, rows)) - 1)
    return Question(cut(rows[0], 0, shared), tuple(cut(row, shared) for row in rows))


def first_tokens(logits: Tensor, questions: Sequence[Question]) -> list[list[float]]:
    """log p of every option's first token, from the logits [questions, vocabulary] at the prompts' ends."""
    sure = torch.log_softmax(logits.float(), dim=-1)
    out = []
    for row, one in zip(sure, questions):
        labels = [option.labels[0] for option in one.options]
        values = row[torch.tensor([max(label, 0) for label in labels], device=row.device)].tolist()
        out.append([0.0 if label == IGNORE else value for label, value in zip(labels, values)])
    return out


def later_tokens(model: Lamm, questions: Sequence[Question], prompts: Beginnings) -> list[list[float]]:
    """log p of every option's tokens after the first, summed; question k stands behind the k-th of `prompts`."""
    sums = [[0.0] * len(one.options) for one in questions]
    todo = [(k, n) for k, one in enumerate(questions) for n, option in enumerate(one.options) if len(option) > 1]
    todo.sort(key=lambda kn: (kn[0], -len(questions[kn[0]].options[kn[1]])))
    longest = max((len(questions[k].options[n]) for k, n in todo), default=1)
    size = max(1, PLACES // longest)
    for start in range(0, len(todo), size):
        part = todo[start : start + size]
        numbers = sorted({k for k, _ in part})
        few = prompts if len(numbers) == len(prompts) else prompts.select(torch.tensor(numbers))
        group = torch.tensor([numbers.index(k) for k, _ in part], device=model.device)
        rows = [questions[k].options[n] for k, n in part]
        batch = collate([cut(row, 0, len(row) - 1) for row in rows], model.config.slots).to(model.device)
        context = Context(model.llama, few, group, own=batch.ids.shape[1])
        logits = context.extend(batch.real, batch.positions, last=0, inputs_embeds=model.embed(batch, None))
        for (k, n), value in zip(part, summed(logits, [row.labels[1:] for row in rows])):
            sums[k][n] = value
    return sums


def summed(logits: Tensor, labels: Sequence[Sequence[int]]) -> list[float]:
    """log p of labels [rows, their own lengths] under logits [rows, places, vocabulary], summed over each row."""
    wanted = torch.full(logits.shape[:2], IGNORE)
    for row, own in enumerate(labels):
        wanted[row, : len(own)] = torch.tensor(own, dtype=torch.long)
    wanted = wanted.to(logits.device)
    rows, places = (wanted != IGNORE).nonzero(as_tuple=True)
    chosen = logits[rows, places].float()
    each = chosen.gather(1, wanted[rows, places][:, None])[:, 0] - chosen.logsumexp(dim=-1)
    return torch.zeros(len(labels), device=each.device).index_add(0, rows, each).tolist()


def whole_rows(model: Lamm, rows: Sequence[Encoded], media: Tensor | None) -> list[float]:
    """The same without any sharing, for language models that cannot: rows padded on the right, one pass each."""
    batch = collate(rows, model.config.slots).to(model.device)
    context = Context(model.llama)
    logits = context.extend(batch.real, batch.positions, last=0, inputs_embeds=model.embed(batch, media))
    return summed(logits, [row.labels[1:] for row in rows])
