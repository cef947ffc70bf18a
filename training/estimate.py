"""How much a stage has to do: dealt as a training deals it where the data are there, by arithmetic where only their number is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from lamm_bench.ask.instruction import prompt_file
from lamm_bench.errors import MediaError
from lamm_bench.lamm.layouts import LAYOUTS
from lamm_bench.lamm.model import build_encoder
from lamm_bench.media import learns
from lamm_bench.types import Media

from .config.preset import Preset, Stage
from .data.dialogues import Dialogue
from .data.examples import make_examples, text_only
from .data.plan import Plan, rows_of
from .data.portion import lots

LETTERS = 4
"""Letters of a text token: the usual rule of thumb for English, for the tokenizer may not be at hand."""
DEALT = 3000
"""Media that are dealt for the estimate; of more, a share is drawn, and steps come out within a few per cent."""
TRIED = 8  # media that are looked at until one can be read


@dataclass(frozen=True)
class Load:
    """What a stage has to do."""

    steps: int
    tokens: float  # of the language model, in all steps; of media and text
    row: float  # tokens of a row that a forward pass holds, on average
    media: float  # that are encoded in all steps


@dataclass(frozen=True)
class Thumb:
    """Tokens by the rule of thumb; no text has more than `most`, so that none is refused for what is only an estimate."""

    most: int
    bos: int = 0

    def encode(self, text: str) -> tuple[int, ...]:
        return (2,) * min(self.most, math.ceil(len(text) / LETTERS))


class Dealer:
    """Deals the dialogues that are there, all of them or a share."""

    def __init__(self, plan: Preset, dialogues: Sequence[Dialogue], slots: Mapping[str, int]) -> None:
        media = {one.media for one in dialogues}
        drawn = lots(min(1.0, DEALT / len(media)), plan.seed, "dealt")
        chosen = [one for one in dialogues if drawn(one.media.path)] or list(dialogues)
        self.plan, self.slots = plan, dict(slots)
        self.scale = len(media) / len({one.media for one in chosen})
        layout = LAYOUTS.get(plan.data.layout)
        own = layout is not None and layout.template  # the tokenizer's, which is not at hand
        data = replace(plan.data, layout="training") if own else plan.data
        prompts, thumb = prompt_file(data.prompts), Thumb(max(1, (data.text_tokens - 12) // 2))
        spoken = chosen if any(not stage.media for stage in plan.stages) else ()
        self.texts = [(row, one.task_types[0]) for one in spoken for row in text_only(one, data, prompts, thumb)]
        self.examples = make_examples(chosen, data, prompts, thumb, self.slots, 2**31, data.mirror, plan.seed)

    def load(self, index: int, stage: Stage) -> Load:
        rows = rows_of(stage, self.examples, self.texts, self.plan.data.row_tokens)
        plan = Plan(self.plan, index, stage, rows)
        often = stage.epochs * self.scale
        taken = [row for batch in plan.batches for row in batch]
        examples = [i for row in taken for i in row]
        tokens = sum(plan.lengths[i] for i in examples) if stage.answers else 0
        return Load(
            steps=max(1, round(often * len(plan.batches))),
            tokens=often * tokens,
            row=tokens / max(1, len(taken)),
            media=often * len(examples) if stage.media else 0.0,
        )


def by_arithmetic(plan: Preset, stage: Stage, count: int, slots: int) -> Load:
    """Of `count` dialogues of which nothing else is known, each about a media of its own."""
    length = (slots if stage.media else 0) + (plan.data.expected_text or plan.data.text_tokens)
    packed = max(1.0, plan.data.row_tokens // length)  # dialogues that share a row
    steps = max(1, round(stage.epochs * math.ceil(count / packed / stage.batch)))
    return Load(steps, stage.epochs * count * length, packed * length, stage.epochs * count if stage.media else 0.0)


def look_of(encoders: Mapping[str, Any], sizes: Mapping[str, int | None], media: Sequence[Media]) -> float:
    """Operations of one look at a media, on average over those of the data."""
    look = 0.0
    for kind, encoder in encoders.items():
        own = [one for one in media if one.kind == kind]
        share = len(own) / len(media) if media else 1 / len(encoders)
        # transformers: 2 for each weight and token (Kaplan et al. 2020, 2.1)
        look += share * (counted(kind, encoder, own) or 2.0 * (sizes[kind] or 0) * encoder.tokens)
    return look


def counted(kind: str, encoder: Any, media: Sequence[Media]) -> float:
    """Operations of a look by one of the baseline's own encoders, whose convolutions use a weight many times, counted on a
    media of the data; 0 for others and where none can be read."""
    if not learns(kind, encoder):
        return 0.0
    module: Any = build_encoder(kind, encoder).eval()
    for one in media[:TRIED]:
        try:
            inputs = module.tensor([module.prepare(one, "squash")])
        except MediaError:
            continue
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            module(inputs)
        return float(counter.get_total_flops())
    return 0.0
