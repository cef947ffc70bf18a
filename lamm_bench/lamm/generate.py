"""Answers, in batches: left padding, one pass over the prompts, then token by token with a key-value cache.

Rows that are done leave the batch, a row never sees another's tokens, and a row that samples has a random stream of its
own: what is answered does not depend on the company."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .model import Batch, Lamm
from .tokenizer import Tokenizer


@dataclass(frozen=True)
class Wish:
    """How one row is to be continued."""

    max_new_tokens: int
    stop: tuple[str, ...]  # the answer ends before the first of these
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass
class Row:
    """One answer while it grows."""

    wish: Wish
    place: int  # in the order of the requests
    rng: torch.Generator | None
    ids: list[int]
    text: str = ""
    finish: str = ""

    def take(self, token: int, tokenizer: Tokenizer) -> None:
        """Adds a token; decides whether the answer is complete."""
        if token in tokenizer.ends:
            self.finish = "stop"
            return
        self.ids.append(token)
        self.text = tokenizer.decode(self.ids)
        ends = [at for stop in self.wish.stop if (at := self.text.find(stop)) >= 0]
        if ends:
            self.text, self.finish = self.text[: min(ends)], "stop"
        elif len(self.ids) >= self.wish.max_new_tokens:
            self.finish = "length"


@torch.inference_mode()
def generate(
    model: Lamm, tokenizer: Tokenizer, batch: Batch, media: Tensor | None, wishes: Sequence[Wish]
) -> list[tuple[str, str, int]]:
    """Text, `stop` or `length`, and number of new tokens of every row of a left-padded batch."""
    from transformers import DynamicCache

    llama: Any = model.llama
    rows = [Row(wish, place, random_stream(wish), []) for place, wish in enumerate(wishes)]
    alive = list(rows)
    mask = batch.real.long()
    position = batch.positions[:, -1]
    cache = DynamicCache(config=llama.config)
    hidden = model.decoder(
        inputs_embeds=model.embed(batch, media),
        attention_mask=mask,
        position_ids=batch.positions,
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state[:, -1]
    while True:
        logits = model.logits(hidden).float()
        greedy = logits.argmax(dim=-1).tolist()
        chosen = [greedy[i] if row.rng is None else draw(logits[i], row.wish, row.rng) for i, row in enumerate(alive)]
        for row, token in zip(alive, chosen):
            row.take(token, tokenizer)
        keep = [i for i, row in enumerate(alive) if not row.finish]
        if not keep:
            return [(row.text.strip(), row.finish, len(row.ids)) for row in rows]
        if len(keep) < len(alive):
            index = torch.tensor(keep, device=mask.device)
            cache.batch_select_indices(index)
            mask, position = mask[index], position[index]
            alive, chosen = [alive[i] for i in keep], [chosen[i] for i in keep]
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
        position = position + 1
        hidden = model.decoder(
            input_ids=torch.tensor(chosen, device=mask.device)[:, None],
            attention_mask=mask,
            position_ids=position[:, None],
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state[:, -1]


def random_stream(wish: Wish) -> torch.Generator | None:
    return None if wish.temperature <= 0 else torch.Generator().manual_seed(wish.seed)


def draw(logits: Tensor, wish: Wish, rng: torch.Generator) -> int:
    """Nucleus sampling (Holtzman et al. 2020): among the fewest tokens that hold `top_p` of the probability."""
    chances, order = torch.softmax(logits.cpu() / wish.temperature, dim=-1).sort(descending=True, stable=True)
    before = chances.cumsum(0) - chances
    chances = torch.where(before < wish.top_p, chances, torch.zeros_like(chances))
    return int(order[torch.multinomial(chances, 1, generator=rng)])
