"""Which dialogues a step learns from, at what rate, and how much each answer weighs: pure functions of seed, stage and step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from lamm_bench.lamm.encode import IGNORE, Encoded
from lamm_bench.training.config.preset import Preset, Stage
from lamm_bench.types import Media

from .examples import Example, deal, padding_share, repeated, rng, sample


class Plan:
    """Which dialogues a step learns from: a pure function of seed, stage and step."""

    def __init__(self, preset: Preset, index: int, stage: Stage, rows: Sequence[Example]) -> None:
        self.key, self.row, self.stage = (preset.seed, index), preset.data.row_tokens, stage
        self.lengths: list[int] = [len(row.encoded) for row in rows]
        self.media: list[Media] = [row.media for row in rows]
        self.times = [stage.times.get(row.task_types[0], 1.0) * row.weight for row in rows]
        self.start = [0]  # the first step of each epoch; packing leaves epochs of slightly different lengths
        self.epoch, self.batches = 0, self.of_epoch(0)
        self.total = max(1, round(stage.epochs * len(self.batches)))
        self.padding = padding_share(self.batches, self.lengths)

    def of_epoch(self, epoch: int) -> list[list[list[int]]]:
        chosen = sample(self.media, self.stage.most, rng(*self.key, epoch, "sample"))
        chosen = repeated(chosen, self.times, rng(*self.key, epoch, "times"))
        lengths, kinds = [self.lengths[i] for i in chosen], [self.media[i].kind for i in chosen]
        dealt = deal(lengths, kinds, self.stage.batch, self.row, rng(*self.key, epoch, "order"))
        if len(self.start) == epoch + 1:
            self.start.append(self.start[-1] + len(dealt))
        return [[[chosen[i] for i in row] for row in batch] for batch in dealt]

    def batch(self, step: int) -> list[list[int]]:
        """The rows of a step that is not before the last one asked for."""
        while step >= self.start[self.epoch + 1]:
            self.epoch += 1
            self.batches = self.of_epoch(self.epoch)
        return self.batches[step - self.start[self.epoch]]


def rows_of(stage: Stage, examples: Sequence[Example], texts: Sequence[tuple[Encoded, str]], row: int) -> list[Example]:
    """What the stage learns from: every media once where the language model takes no part, else tokenised dialogues.

    `texts`, for stages without media, are conversations and their task types; `row` is the tokens of a row of a batch."""
    if not stage.media:
        return [Example(encoded, Media("text", ""), (task_type,), "") for encoded, task_type in texts]
    if stage.answers:
        return list(examples)
    blank = Encoded((0,) * row, (), (), (), ())  # one media fills a row
    first = {one.media: one for one in reversed(examples)}
    return [replace(first[media], encoded=blank) for media in dict.fromkeys(one.media for one in examples)]


def pace(stage: Stage, step: int, total: int) -> float:
    """The learning rate's share: a linear rise, then a cosine (Loshchilov and Hutter 2017) or a line down to zero.

    `warmup_decay` is what DeepSpeed's WarmupDecayLR gives to step number `step` under upstream's settings (reference 3.7): a
    logarithmic rise over max(10, 10 % of the steps), then a line; the first two steps have rate zero."""
    if stage.schedule == "warmup_decay":
        rise, at = max(10, int(stage.warmup * total)), max(0, step - 1)
        return math.log(at + 1) / math.log(rise) if at < rise else max(0.0, (total - at) / max(1, total - rise))
    rise = max(1, round(stage.warmup * total))
    if step < rise:
        return (step + 1) / rise
    done = (step - rise) / max(1, total - rise)
    return 1 - done if stage.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))


def label_weights(row: Example, stage: Stage) -> Tensor:
    """The weight of each label token, in the row's order: task weight over (tokens of its answer) ** evenness."""
    runs: list[int] = []
    segments: list[int] = []
    for label, segment in zip(row.encoded.labels, row.encoded.segments):
        if label == IGNORE:
            segments.append(-1)
        elif segments and segments[-1] == segment:
            runs[-1] += 1
            segments.append(segment)
        else:
            runs.append(1)
            segments.append(segment)
    weights = [stage.weights.get(task_type, 1.0) / run**stage.evenness for run, task_type in zip(runs, row.task_types)]
    return torch.tensor([weight for weight, run in zip(weights, runs) for _ in range(run)])
