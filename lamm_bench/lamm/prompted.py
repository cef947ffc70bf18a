"""The LAMM model in two halves: conversations become rows of input embeddings here, and an engine for language models goes on from them.

The engine meets an ordinary language model (LoRA folded in) and rows of its own width; which of them were words and which a picture it
does not know. vLLM takes such rows as `prompt_embeds` (https://docs.vllm.ai/en/latest/features/prompt_embeds/)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lamm_bench.types import Generate, Message, Response, Score

from .checkpoint import restore
from .encode import IGNORE, Encoded, Layout, Text, encode, encode_option, layout_called, pieces
from .features import FeatureCache
from .generate import Row, Wish, open_rows
from .merge import save_llm
from .model import Lamm, collate
from .priors import Priors
from .see import Held, Seer
from .tokenizer import Tokenizer
from .upstream import whole_folder


@dataclass(frozen=True)
class Said:
    """What an engine has said to one prompt."""

    ids: tuple[int, ...]  # the new tokens; the one at which it stopped may be among them or not
    stopped: bool  # at a token that ends answers; False: cut by the limit
    fault: str = ""  # why it broke off, where it did; the tokens then are no answer


class Engine(Protocol):
    """What goes on from embeddings."""

    def complete(self, prompts: Sequence[Tensor], wishes: Sequence[Wish], ends: Sequence[int]) -> Sequence[Said]:
        """For each prompt, [tokens, width] on the CPU, what follows it, up to its limit or one of the tokens `ends`."""

    def weigh(self, rows: Sequence[Tensor], ids: Sequence[Sequence[int]]) -> Sequence[Sequence[float]]:
        """For each row, [tokens, width] on the CPU, the log-likelihoods of its tokens `ids`, from the second on."""


class Table(nn.Module):
    """What is left of the language model on this side: the embeddings of its tokens."""

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding

    def get_input_embeddings(self) -> nn.Module:
        return self.embedding


@dataclass
class Front:
    """Encoders, projection and token embeddings of a checkpoint."""

    model: Lamm
    tokenizer: Tokenizer
    seer: Seer
    layout: str | Layout = "training"
    priors: Priors = field(default_factory=Priors)

    @classmethod
    def of(cls, folder: Path, merged: Path, device: str, dtype: torch.dtype, cache: int) -> Front:
        """Loads the checkpoint, sees that its language model lies in `merged` by itself, and lets go of that.

        The folder appears when it is complete. LoRA is folded in and rounded as by the adapter `lamm` in this precision."""
        model, tokenizer = restore(folder, "cpu", dtype)
        model.merge_lora()
        if not (merged / "config.json").is_file():
            with whole_folder(merged) as part:
                save_llm(model.llama, tokenizer, part, dtype)
        model.llama_model = Table(model.llama.get_input_embeddings())
        model.to(device)
        return cls(model, tokenizer, Seer(model, FeatureCache(cache)))

    def prompt(self, messages: Sequence[Message]) -> Encoded:
        """The conversation up to where the assistant goes on, as the adapter `lamm` writes it."""
        layout = layout_called(self.layout, self.tokenizer)
        parts = [Text(p.text) if isinstance(p, Text) else p for p in pieces(messages, layout, open_end=True)]
        return encode(parts, self.tokenizer, self.model.config.slots, layout.bos)

    @torch.inference_mode()
    def embedded(self, row: Encoded, held: Held) -> Tensor:
        """The row as the language model sees it: [tokens, width], on the CPU."""
        batch = collate([row], self.model.config.slots).to(self.model.device)
        return self.model.embed(batch, self.seer.tokens([row], held))[0].cpu()

    @property
    def ends(self) -> list[int]:
        """Tokens at which an engine may stop: those that end answers, and stop texts of the layout that are one token."""
        stops = [self.tokenizer.encode(stop) for stop in layout_called(self.layout, self.tokenizer).stops]
        return sorted({*self.tokenizer.ends, *(ids[0] for ids in stops if len(ids) == 1)})

    def wishes(self, requests: Sequence[Generate], rows: Sequence[Encoded]) -> list[Wish]:
        stops, window = layout_called(self.layout, self.tokenizer).stops, self.model.config.llm.window
        return [
            Wish(min(r.max_new_tokens, window - len(row)), (*stops, *r.stop), r.temperature, r.top_p, r.seed or 0)
            for r, row in zip(requests, rows)
        ]

    def answers(self, requests: Sequence[Generate], engine: Engine, size: int) -> Iterator[tuple[int, Response]]:
        """Each request's index and answer, `size` prompts at a time; the media of the next ones are opened meanwhile."""
        rows = [self.prompt(request.messages) for request in requests]
        for at in range(0, len(rows), size):
            numbers = range(at, min(at + size, len(rows)))
            self.seer.expect(rows[at : at + 2 * size])
            held, faults = self.seer.look([rows[number] for number in numbers])
            why = {number: self.fault(rows[number], faults) for number in numbers}
            yield from ((number, fault) for number, fault in why.items() if fault is not None)
            able = [number for number, fault in why.items() if fault is None]
            wishes = self.wishes([requests[number] for number in able], [rows[number] for number in able])
            prompts = [self.embedded(rows[number], held) for number in able]
            said = engine.complete(prompts, wishes, self.ends) if able else []
            for number, wish, one in zip(able, wishes, said, strict=True):
                yield number, self.response(wish, one)

    def scores(self, requests: Sequence[Score], engine: Engine, size: int) -> Iterator[tuple[int, Response]]:
        """Each request's index and the log-likelihoods of its options, each of which is a row of its own, about `size` at a time."""
        layout = layout_called(self.layout, self.tokenizer)
        self.priors.learn(requests, layout.name, lambda bare: self.scores(bare, engine, size))
        most = max((len(request.options) for request in requests), default=1)
        step = max(1, size // most)
        for at in range(0, len(requests), step):
            options = {
                number: [self.option(requests[number], option, layout) for option in requests[number].options]
                for number in range(at, min(at + step, len(requests)))
            }
            held, faults = self.seer.look([row for rows in options.values() for row in rows])
            why = {number: self.fault(max(rows, key=len), faults) for number, rows in options.items()}
            yield from ((number, fault) for number, fault in why.items() if fault is not None)
            able = [(number, row) for number, rows in options.items() if why[number] is None for row in rows]
            weights = engine.weigh([self.embedded(row, held) for _, row in able], [row.ids for _, row in able]) if able else []
            sums: dict[int, list[float]] = {}
            for (number, row), found in zip(able, weights, strict=True):
                sums.setdefault(number, []).append(learnt(row, found))
            for number, values in sums.items():
                tokens = tuple(row.learnt for row in options[number])
                yield number, self.priors.told(requests[number], layout.name, Response(logprobs=tuple(values), tokens=tokens))

    def option(self, request: Score, option: str, layout: Layout) -> Encoded:
        """The conversation with this option as the assistant's answer."""
        slots = self.model.config.slots
        return encode_option(request.messages, request.begun, option, request.window, layout, self.tokenizer, slots)

    def fault(self, row: Encoded, faults: dict[Any, str]) -> Response | None:
        """Why this row cannot be asked; None if it can."""
        for _, one in row.media:
            if (reason := faults.get(self.seer.key(one))) is not None:
                return Response(error=reason, status="media_error")
        window = self.model.config.llm.window
        if len(row) >= window:
            return Response(error=f"the prompt has {len(row)} tokens, and the model's window is {window}", status="model_error")
        return None

    def response(self, wish: Wish, said: Said) -> Response:
        """The answer cut where the adapter `lamm` would have ended it: at a stop text, or at a token that ends answers."""
        if said.fault:
            return Response(error=said.fault, status="model_error")
        (row,) = open_rows([wish])
        for token in said.ids:
            row.take(token, self.tokenizer)
            if row.finish:
                break
        if not row.finish:
            row.end(self.tokenizer, "stop" if said.stopped else "length")
        return finished(row)


def learnt(row: Encoded, found: Sequence[float]) -> float:
    """The log-likelihoods of a row's tokens from the second on, summed where they have a label."""
    return sum(value for label, value in zip(row.labels[1:], found, strict=True) if label != IGNORE)


def finished(row: Row) -> Response:
    return Response(text=row.text.strip(), finish="stop" if row.finish == "stop" else "length", tokens=(len(row.ids),))
