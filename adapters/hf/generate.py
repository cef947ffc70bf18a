"""Answers in batches by transformers' `generate`: each row keeps its own limit, stop sequences and random stream.

What a row says does not depend on its company: rows are padded on the left, and a row that samples draws from a generator
that its own seed began."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from lamm_bench.types import Generate, Response

from .load import Loaded


class Draw(LogitsProcessor):
    """Draws the rows that sample, each from its own stream, and leaves only the drawn token for the greedy choice.

    Nucleus sampling (Holtzman et al. 2020): among the fewest tokens that hold `top_p` of the probability."""

    def __init__(self, requests: Sequence[Generate]) -> None:
        self.rows = [
            (row, request, torch.Generator().manual_seed(request.seed or 0))
            for row, request in enumerate(requests)
            if request.temperature > 0
        ]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        for row, request, stream in self.rows:
            chances, order = torch.softmax(scores[row].float().cpu() / request.temperature, dim=-1).sort(
                descending=True, stable=True
            )
            kept = torch.where(chances.cumsum(0) - chances < request.top_p, chances, torch.zeros_like(chances))
            drawn = int(order[torch.multinomial(kept, 1, generator=stream)])
            scores[row] = float("-inf")
            scores[row, drawn] = 0.0
        return scores


class Enough(StoppingCriteria):
    """A row is done at its own limit, or once its text holds one of its stop sequences."""

    def __init__(self, loaded: Loaded, requests: Sequence[Generate], limits: Sequence[int]) -> None:
        self.loaded, self.requests, self.limits, self.start = loaded, requests, limits, 0
        self.begun = False
        self.done = [False] * len(requests)

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: object) -> Tensor:
        if (
            not self.begun
        ):  # after the first token: some models keep the prompt before it, others only a token to begin with, or nothing
            self.begun, self.start = True, input_ids.shape[1] - 1
        count = input_ids.shape[1] - self.start
        for row, request in enumerate(self.requests):
            if not self.done[row]:
                ids = input_ids[row, self.start :].tolist() if request.stop else []
                self.done[row] = count >= self.limits[row] or (bool(ids) and stopped(self.loaded, ids, request.stop))
        return torch.tensor(self.done, device=input_ids.device)


def said(loaded: Loaded, ids: Sequence[int], stop: Sequence[str]) -> tuple[str, int, bool]:
    """Text before the first stop sequence, number of tokens up to an end token, and whether the answer came to an end."""
    ends = set(loaded.ends) | {
        loaded.tokenizer.convert_tokens_to_ids(word) for word in stop if word in loaded.tokenizer.all_special_tokens
    }
    count = next((number for number, token in enumerate(ids) if token in ends), len(ids))
    text = loaded.tokenizer.decode(list(ids[:count]), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    cuts = [at for word in stop if word and (at := text.find(word)) >= 0]
    return text[: min(cuts)] if cuts else text, count, bool(cuts) or count < len(ids)


def stopped(loaded: Loaded, ids: Sequence[int], stop: Sequence[str]) -> bool:
    return said(loaded, ids, stop)[2]


@torch.inference_mode()
def generate(loaded: Loaded, inputs: dict[str, Any], requests: Sequence[Generate]) -> list[Response]:
    """One answer for each row of a left-padded batch."""
    lengths = inputs["attention_mask"].sum(1).tolist()
    lengths = [1] * len(lengths) if loaded.encodes else lengths  # of what the decoder reads before the answer
    window = loaded.window or 10**9
    limits = [max(1, min(request.max_new_tokens, window - length)) for request, length in zip(requests, lengths)]
    config = GenerationConfig(
        max_new_tokens=max(limits),
        do_sample=False,
        eos_token_id=list(loaded.ends),
        pad_token_id=loaded.tokenizer.pad_token_id,
        decoder_start_token_id=loaded.starts,
    )
    draw, enough = Draw(requests), Enough(loaded, requests, limits)
    out = loaded.model.generate(
        **inputs,
        generation_config=config,
        logits_processor=LogitsProcessorList([draw] if draw.rows else []),
        stopping_criteria=StoppingCriteriaList([enough]),
    )
    start = enough.start
    responses = []
    for row, (request, limit) in enumerate(zip(requests, limits)):
        text, count, ended = said(loaded, out[row, start : start + limit].tolist(), request.stop)
        responses.append(Response(text.strip(), "stop" if ended else "length", tokens=(count,)))
    return responses
