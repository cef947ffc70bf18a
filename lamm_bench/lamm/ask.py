"""A loaded model that is asked: requests in, responses out. The adapter is a thin shell around this.

Requests are sorted longest first, so that memory runs out at once or never; each media is encoded once and kept; a media
that cannot be opened ends its own request only; memory exhaustion halves the batch and goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from lamm_bench.errors import MediaError
from lamm_bench.types import Generate, Media, Message, Response, Score

from .encode import Encoded, Layout, Text, encode, encode_messages, layout_called, pieces
from .features import FeatureCache
from .generate import Wish, generate
from .model import Lamm, collate
from .tokenizer import Tokenizer

R = TypeVar("R", Generate, Score)
Key = tuple[str, str, str, str]
Held = dict[Key, Tensor]


@dataclass
class Asker:
    """The model, its tokenizer, and how it is asked."""

    model: Lamm
    tokenizer: Tokenizer
    batch_size: int
    cache: FeatureCache
    layout: str | Layout = "training"
    transform: str = "squash"

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        """Each request's index and answer, longest prompts first."""
        encoded = [self.prompt(request.messages) for request in requests]
        order = sorted(range(len(requests)), key=lambda i: (-len(encoded[i]), -requests[i].max_new_tokens, i))
        yield from self.batches(order, encoded, lambda chosen, held: self.answer(chosen, requests, encoded, held))

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        """Each request's index and the log-likelihoods of its options, all options of a request in one batch."""
        layout = layout_called(self.layout)
        slots = self.model.config.slots
        options = [
            [
                encode_messages((*request.messages, Message("assistant", (option,))), layout, self.tokenizer, slots)
                for option in request.options
            ]
            for request in requests
        ]
        longest = [max(rows, key=len) for rows in options]
        order = sorted(range(len(requests)), key=lambda i: (-len(longest[i]), i))
        yield from self.batches(order, longest, lambda chosen, held: self.weigh(chosen, options, held))

    def loss(self, request: Score) -> list[float]:
        """The training loss of each option in nats, summed over its tokens, one row at a time."""
        found = []
        for option in request.options:
            turns = (*request.messages, Message("assistant", (option,)))
            row = encode_messages(turns, layout_called(self.layout), self.tokenizer, self.model.config.slots)
            held, faults = self.encoded_media([row])
            if faults:
                raise MediaError(next(iter(faults.values())))
            batch = collate([row], self.model.config.slots).to(self.model.device)
            with torch.inference_mode():
                found.append(float(self.model.loss(batch, self.tokens([row], held))) * row.learnt)
        return found

    def prompt(self, messages: Sequence[Message]) -> Encoded:
        """The conversation up to where the assistant goes on."""
        layout = layout_called(self.layout)
        parts = [Text(p.text) if isinstance(p, Text) else p for p in pieces(messages, layout, open_end=True)]
        return encode(parts, self.tokenizer, self.model.config.slots, layout.bos)

    def batches(
        self, order: list[int], encoded: Sequence[Encoded], work: Callable[[list[int], Held], list[Response]]
    ) -> Iterator[tuple[int, Response]]:
        """Runs `work` over batches of indices; answers for media that cannot be opened, and for rows that do not fit."""
        size, at = max(1, self.batch_size), 0
        while at < len(order):
            chosen = order[at : at + size]
            able: list[int] = []
            try:
                held, faults = self.encoded_media([encoded[i] for i in chosen])
                able = [i for i in chosen if not self.faults(encoded[i], faults)]
                answers = work(able, held) if able else []
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if len(chosen) == 1 or not is_out_of_memory(error):
                    raise
                size = len(chosen) // 2
                continue
            for i in chosen:
                if i not in able:
                    yield i, self.faults(encoded[i], faults)[0]
            yield from zip(able, answers)
            at += len(chosen)

    @torch.inference_mode()
    def answer(self, chosen: list[int], requests: Sequence[Generate], encoded: Sequence[Encoded], held: Held) -> list[Response]:
        stops = layout_called(self.layout).stops
        window = self.model.config.llm.window
        wishes = [
            Wish(min(r.max_new_tokens, window - len(encoded[i])), (*stops, *r.stop), r.temperature, r.top_p, r.seed or 0)
            for i, r in ((i, requests[i]) for i in chosen)
        ]
        rows = [encoded[i] for i in chosen]
        batch = collate(rows, self.model.config.slots, left=True).to(self.model.device)
        said = generate(self.model, self.tokenizer, batch, self.tokens(rows, held), wishes)
        return [Response(text=t, finish="stop" if f == "stop" else "length", tokens=(n,)) for t, f, n in said]

    @torch.inference_mode()
    def weigh(self, chosen: list[int], options: Sequence[Sequence[Encoded]], held: Held) -> list[Response]:
        rows = [row for i in chosen for row in options[i]]
        sums: list[float] = []
        for start in range(0, len(rows), self.batch_size):
            part = rows[start : start + self.batch_size]
            batch = collate(part, self.model.config.slots).to(self.model.device)
            sums += self.model.likelihoods(batch, self.tokens(part, held)).tolist()
        out, at = [], 0
        for i in chosen:
            own = options[i]
            out.append(Response(logprobs=tuple(sums[at : at + len(own)]), tokens=tuple(row.learnt for row in own)))
            at += len(own)
        return out

    def key(self, media: Media) -> Key:
        return (media.kind, media.path, media.sha256, self.transform if media.kind == "image" else "")

    def faults(self, row: Encoded, faults: Mapping[Key, str]) -> list[Response]:
        """Why this row cannot be asked; empty if it can."""
        window = self.model.config.llm.window
        found = [Response(error=faults[key], status="media_error") for _, m in row.media if (key := self.key(m)) in faults]
        if len(row) >= window:
            sentence = f"the prompt has {len(row)} tokens, and the model's window is {window}"
            found.append(Response(error=sentence, status="model_error"))
        return found

    @torch.inference_mode()
    def encoded_media(self, rows: Sequence[Encoded]) -> tuple[Held, dict[Key, str]]:
        """Encoder tokens of all media of the rows, and one sentence for each that could not be opened."""
        held: Held = {}
        faults: dict[Key, str] = {}
        ready: dict[str, list[tuple[Key, np.ndarray]]] = {}
        for one in (one for row in rows for _, one in row.media):
            key = self.key(one)
            kept = self.cache.get(key)
            if kept is not None:
                held[key] = kept
            elif key not in faults and all(key != known for known, _ in ready.get(one.kind, [])):
                try:
                    ready.setdefault(one.kind, []).append((key, self.encoder(one.kind).prepare(one, self.transform)))
                except MediaError as error:
                    faults[key] = str(error)
        for kind, found in ready.items():
            for start in range(0, len(found), 32):
                part = found[start : start + 32]
                inputs = self.encoder(kind).tensor([prepared for _, prepared in part])
                for (key, _), tokens in zip(part, self.model.see(kind, inputs.to(self.model.device))):
                    held[key] = tokens.clone()  # a view would keep the whole batch alive
                    self.cache.put(key, held[key])
        return held, faults

    def encoder(self, kind: str) -> Any:
        return self.model.encoders[kind]

    def tokens(self, rows: Sequence[Encoded], held: Held) -> Tensor | None:
        """The projected tokens of the rows' media, in `collate`'s order."""
        found = [self.model.project(one.kind, held[self.key(one)][None]) for row in rows for _, one in row.media]
        return torch.cat(found) if found else None


def is_out_of_memory(error: BaseException) -> bool:
    """CUDA has an exception of its own; PyTorch's allocator for the CPU says it in words."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)
