"""Answers, in batches: one pass over what the prompts have of their own, then token by token with a key-value cache.

Rows that are done leave the batch, a row never sees another's tokens, and a row that samples has a random stream of its
own: what is answered does not depend on the company."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from .context import Context

UNSETTLED = 8  # tokens that one letter may be spread over; a byte-level token holds a byte, a letter of UTF-8 at most four


Leave = Callable[[int, int, int], None]
"""Told of each row that is done while its keys and values are still there: its number, its place in the context, and how
many tokens of its answer have passed through the model."""


class Decoder(Protocol):
    """What generation needs of a tokenizer."""

    @property
    def ends(self) -> Container[int]: ...

    def decode(self, ids: Sequence[int]) -> str: ...


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
    """One answer while it grows. `text` is exact once `finish` is set; until then its end may still change."""

    wish: Wish
    rng: torch.Generator | None
    ids: list[int] = field(default_factory=list)
    text: str = ""
    finish: str = ""
    _settled: int = 0  # tokens whose letters are in `text` for good
    _before: int = 0  # tokens decoded again in front of a new one, since a token's letters may depend on its neighbours

    def take(self, token: int, tokenizer: Decoder) -> None:
        """Adds a token; decides whether the answer is complete. Only the last few tokens are decoded, not all again."""
        if token in tokenizer.ends:
            return self.end(tokenizer, "stop")
        self.ids.append(token)
        known = tokenizer.decode(self.ids[self._before : self._settled])
        fresh = tokenizer.decode(self.ids[self._before :])[len(known) :]
        longest = max(map(len, self.wish.stop), default=0)
        recent = self.text[-longest:] + fresh if longest else ""
        if any(stop in recent for stop in self.wish.stop):
            whole = tokenizer.decode(self.ids)
            if any(stop in whole for stop in self.wish.stop):
                return self.end(tokenizer, "stop")
        if fresh and (not fresh.endswith("\ufffd") or len(self.ids) - self._settled > UNSETTLED):
            self.text += fresh
            self._before, self._settled = self._settled, len(self.ids)
        if len(self.ids) >= self.wish.max_new_tokens:
            return self.end(tokenizer, "length")
        return None

    def end(self, tokenizer: Decoder, finish: str) -> None:
        """The whole answer decoded at once and cut before the first stop text."""
        self.text = tokenizer.decode(self.ids)
        ends = [at for stop in self.wish.stop if (at := self.text.find(stop)) >= 0]
        if ends:
            self.text = self.text[: min(ends)]
        self.finish = "stop" if ends else finish

    @property
    def certain(self) -> str:
        """What can be shown already: without blanks at the ends, and without what may turn out to be a stop text."""
        if self.finish:
            return self.text.strip()
        text = self.text
        held = max((n for stop in self.wish.stop for n in range(1, len(stop)) if text.endswith(stop[:n])), default=0)
        return text[: len(text) - held].strip()


def open_rows(wishes: Sequence[Wish]) -> list[Row]:
    return [Row(wish, random_stream(wish)) for wish in wishes]


@torch.inference_mode()
def generate(
    context: Context, logits: Tensor, rows: Sequence[Row], tokenizer: Decoder, leave: Leave | None = None
) -> Iterator[None]:
    """Continues every row of the context, whose next token `logits` [rows, vocabulary] tell; pauses after each token."""
    alive = list(range(len(rows)))  # the row at each place of the batch; finished ones stay until enough have finished
    passed = 0  # tokens of each answer that went through the model
    while True:
        greedy = likeliest(logits)
        chosen = [0] * len(alive)
        for place, number in enumerate(alive):
            row = rows[number]
            if not row.finish:
                chosen[place] = greedy[place] if row.rng is None else draw(logits[place], row.wish, row.rng)
                row.take(chosen[place], tokenizer)
        yield
        keep = [place for place, number in enumerate(alive) if not rows[number].finish]
        few = 9 * len(keep) <= 8 * len(alive)
        if leave is not None and few:
            for place, number in enumerate(alive):
                if rows[number].finish:  # after its end a row was given tokens that it never said
                    leave(number, place, min(passed, len(rows[number].ids)))
        if not keep:
            return
        if few:  # to drop rows is to copy the cache of the others, so not at every single end
            index = torch.tensor(keep, device=logits.device)
            context.select(index)
            alive, chosen = [alive[place] for place in keep], [chosen[place] for place in keep]
        logits = context.follow(chosen)
        passed += 1


def likeliest(logits: Tensor) -> list[int]:
    """The first of the greatest of each row. On a CPU NumPy finds it ten times as fast as PyTorch."""
    found = logits.numpy() if logits.device.type == "cpu" else logits
    return found.argmax(-1).tolist()


def random_stream(wish: Wish) -> torch.Generator | None:
    return None if wish.temperature <= 0 else torch.Generator().manual_seed(wish.seed)


def draw(logits: Tensor, wish: Wish, rng: torch.Generator) -> int:
    """Nucleus sampling (Holtzman et al. 2020): among the fewest tokens that hold `top_p` of the probability."""
    chances, order = torch.softmax(logits.cpu() / wish.temperature, dim=-1).sort(descending=True, stable=True)
    before = chances.cumsum(0) - chances
    chances = torch.where(before < wish.top_p, chances, torch.zeros_like(chances))
    return int(order[torch.multinomial(chances, 1, generator=rng)])
