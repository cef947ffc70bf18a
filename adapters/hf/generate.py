"""Answers in batches by transformers' `generate`: each row keeps its own limit, stop sequences and random stream.

What a row says does not depend on its company: rows are padded on the left, and a row that samples draws from a generator
that its own seed began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import (
    GenerationConfig,
    GenerationMixin,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from lamm_bench.types import Generate, Response

from .load import Loaded
from .thinking import Said, Thinking


class Draw(LogitsProcessor):
    """Draws the rows that sample, each from its own stream, and leaves only the drawn token for the greedy choice.

    Nucleus sampling (Holtzman et al. 2020): among the fewest tokens that hold `top_p` of the probability."""

    def __init__(self, requests: Sequence[Generate]) -> None:
        self.rows = [
            (row, request, torch.Generator().manual_seed(request.seed or 0))
            for row, request in enumerate(requests)
            if request.temperature > 0
        ]
        self.used = not self.rows

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self.used = True
        for row, request, stream in self.rows:
            chances, order = torch.softmax(scores[row].float().cpu() / request.temperature, dim=-1).sort(
                descending=True, stable=True
            )
            kept = torch.where(chances.cumsum(0) - chances < request.top_p, chances, torch.zeros_like(chances))
            drawn = int(order[torch.multinomial(kept, 1, generator=stream)])
            scores[row] = float("-inf")
            scores[row, drawn] = 0.0
        return scores


@dataclass(frozen=True)
class Row:
    """One row of a batch: what it is asked, behind what, and the most tokens that it may have in all."""

    request: Generate
    prompt: str
    most: int


class Enough(StoppingCriteria):
    """A row is done at its own limit, or once its answer holds one of its stop sequences.

    With a budget for thoughts the answer's limit counts from the mark that ends the thought, and the thought has the budget for
    itself; a row that does not think has the answer's limit only. `lengths` holds how many tokens of each row count."""

    def __init__(self, loaded: Loaded, thinking: Thinking, rows: Sequence[Row]) -> None:
        self.loaded, self.thinking, self.rows, self.start = loaded, thinking, rows, 0
        self.started = False
        self.done = [False] * len(rows)
        self.lengths = [row.most for row in rows]
        self.begun: list[int | None] = [None] * len(rows)  # after how many tokens the answer has begun; None: not yet

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: object) -> Tensor:
        if not self.started:  # of the prompt some models keep all before the first token, others one to begin with, or nothing
            self.started, self.start = True, input_ids.shape[1] - 1
        count = input_ids.shape[1] - self.start
        for number, row in enumerate(self.rows):
            if not self.done[number]:
                looked_at = row.request.stop or (self.thinking.budget and self.begun[number] is None)
                ids = input_ids[number, self.start :].tolist() if looked_at else []
                limit = min(row.most, self.limit(number, row, ids, count))
                self.done[number] = count >= limit or (
                    bool(row.request.stop) and said(self.loaded, self.thinking, ids, row).ended
                )
                if self.done[number]:
                    self.lengths[number] = min(count, limit)
        return torch.tensor(self.done, device=input_ids.device)

    def limit(self, number: int, row: Row, ids: Sequence[int], count: int) -> int:
        """How many tokens the row may have by what is known of it now."""
        own, budget = row.request.max_new_tokens, self.thinking.budget
        if not budget:
            return own
        if self.begun[number] is None:
            marks = self.thinking.opened(ids, row.prompt)
            if marks is not None and not self.thinking.ended(ids, marks):
                return budget
            if marks is None and self.thinking.undecided(ids):
                return max(budget, own)
            self.begun[number] = count if marks is not None else 0
        return (self.begun[number] or 0) + own


@dataclass(frozen=True)
class Answered:
    """A row as far as it has come."""

    said: Said
    count: int  # of its tokens, up to one that ends it
    ended: bool


def said(loaded: Loaded, thinking: Thinking, ids: Sequence[int], row: Row) -> Answered:
    """Thought and answer, this up to the first stop sequence, and whether it came to an end."""
    stop = row.request.stop
    ends = set(loaded.ends) | {
        loaded.tokenizer.convert_tokens_to_ids(word) for word in stop if word in loaded.tokenizer.all_special_tokens
    }
    count = next((number for number, token in enumerate(ids) if token in ends), len(ids))
    told = thinking.said(ids[:count], row.prompt)
    cuts = [at for word in stop if word and (at := told.text.find(word)) >= 0]
    told = replace(told, text=told.text[: min(cuts)]) if cuts else told
    return Answered(told, count, bool(cuts) or count < len(ids))


@torch.inference_mode()
def generate(
    loaded: Loaded, thinking: Thinking, inputs: dict[str, Any], requests: Sequence[Generate], prompts: Sequence[str]
) -> list[Response]:
    """One answer for each row of a left-padded batch."""
    lengths = inputs["attention_mask"].sum(1).tolist()
    lengths = [1] * len(lengths) if loaded.encodes else lengths  # of what the decoder reads before the answer
    window = loaded.window or 10**9
    rows = [
        Row(request, prompt, max(1, min(request.max_new_tokens + thinking.budget, window - length)))
        for request, prompt, length in zip(requests, prompts, lengths)
    ]
    config = GenerationConfig(
        max_new_tokens=max(row.most for row in rows),
        do_sample=False,
        eos_token_id=list(loaded.ends),
        pad_token_id=loaded.tokenizer.pad_token_id,
        decoder_start_token_id=loaded.starts,
    )
    draw, enough = Draw(requests), Enough(loaded, thinking, rows)
    words = {
        **inputs,
        "generation_config": config,
        "logits_processor": LogitsProcessorList([draw] if draw.rows else []),
        "stopping_criteria": StoppingCriteriaList([enough]),
    }
    out = loaded.model.generate(**words)
    if not draw.used:  # Janus's own `generate` leaves logits processors out
        enough = words["stopping_criteria"][0] = Enough(loaded, thinking, rows)
        out = GenerationMixin.generate(loaded.model, **words)
    start = enough.start
    return [
        response_of(said(loaded, thinking, out[number, start : start + length].tolist(), row))
        for number, (row, length) in enumerate(zip(rows, enough.lengths))
    ]


def response_of(answered: Answered) -> Response:
    """A thought that did not end is no answer, even where the model ended its turn in the middle of it."""
    told = answered.said
    finish: Literal["stop", "length"] = "stop" if answered.ended and not told.open else "length"
    return Response(
        told.text.strip(),
        finish,
        tokens=(answered.count,),
        reasoning=told.thought,
        reasoning_tokens=told.thought_tokens,
    )
