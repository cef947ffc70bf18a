"""A loaded model that is asked: requests in, responses out. The adapter is a thin shell around this.

Requests are sorted longest first, so that memory runs out at once or never; each media is encoded once and kept; what rows
begin with in common is computed once, and what a conversation has said not again at its next turn; a media that cannot be
opened ends its own request only; memory exhaustion halves the batch and goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from lamm_bench.errors import MediaError
from lamm_bench.types import Generate, Media, Message, Response, Score

from .context import Context, can_share
from .encode import Encoded, Layout, Text, encode, encode_option, layout_called, pieces
from .features import FeatureCache, FeatureFolder
from .generate import Leave, Row, Wish, generate, open_rows
from .memory import RAN_OUT, is_out_of_memory, release
from .model import Lamm, collate
from .plan import WORTH, Placed, common, cut, identity, load, next_batch, place, resumed
from .priors import Priors
from .see import Held, Key, Seer
from .shared_attention import Beginnings, side_by_side
from .tokenizer import Tokenizer
from .turns import Past, Turns
from .weigh import Question, first_tokens, later_tokens, question, whole_rows

Work = Callable[[list[Placed], Held], list[Response]]


@dataclass
class Asker:
    """The model, its tokenizer, and how it is asked."""

    model: Lamm
    tokenizer: Tokenizer
    batch_size: int
    cache: FeatureCache[Tensor]
    layout: str | Layout = "training"
    transform: str = "squash"
    folder: FeatureFolder | None = None
    beginnings: FeatureCache[Beginnings] = field(default_factory=lambda: FeatureCache(512 * 2**20))
    turns: Turns = field(default_factory=lambda: Turns(1024 * 2**20))
    keeps: bool = True  # whether conversations may go on, so that `turns` is worth its memory
    budget: float = math.inf  # places of memory that a batch may take; learnt when memory runs out
    _seer: Seer | None = field(default=None, repr=False)
    priors: Priors = field(default_factory=Priors, repr=False)

    @property
    def seer(self) -> Seer:
        if self._seer is None or self._seer.cache is not self.cache:
            self._seer = Seer(self.model, self.cache, self.folder)
        self._seer.transform = self.transform
        return self._seer

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        """Each request's index and answer, dearest first."""
        encoded = [self.prompt(request.messages) for request in requests]
        placed = self.place(encoded, [request.max_new_tokens for request in requests])

        def answer(chosen: list[Placed], held: Held) -> list[Response]:
            rows = self.rows([requests[one.index] for one in chosen], chosen)
            for _ in self.speak(chosen, held, rows):
                pass
            return [
                Response(text=r.text.strip(), finish="stop" if r.finish == "stop" else "length", tokens=(len(r.ids),))
                for r in rows
            ]

        yield from self.carry(placed, answer)

    def stream(self, request: Generate) -> Iterator[str | Response]:
        """The answer in pieces as it grows, and at the end the whole response; an error is a response too."""
        row = self.prompt(request.messages)
        (placed,) = self.place([row], [request.max_new_tokens])
        held, faults = self.seer.look([row])
        fault = self.fault(row, faults)
        if fault is not None:
            yield fault
            return
        (growing,) = self.rows([request], [placed])
        shown = ""
        for _ in self.speak([placed], held, [growing]):
            text = growing.certain
            if len(text) > len(shown):
                yield text[len(shown) :]
                shown = text
        finish = "stop" if growing.finish == "stop" else "length"
        yield Response(text=growing.text.strip(), finish=finish, tokens=(len(growing.ids),))  # type: ignore[arg-type]

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        """Each request's index and the log-likelihoods of its options, with their priors where they were asked for."""
        questions = [question([self.option(request, option) for option in request.options]) for request in requests]
        layout = layout_called(self.layout).name
        self.priors.learn(requests, layout, self.score)

        def weigh(chosen: list[Placed], held: Held) -> list[Response]:
            mine = [questions[one.index] for one in chosen]
            sums = self.weigh(chosen, mine, held)
            return [Response(logprobs=tuple(values), tokens=q.learnt) for values, q in zip(sums, mine)]

        placed = []
        for one in self.place([q.prompt for q in questions], [q.longest for q in questions]):
            if one.cost < self.model.config.llm.window:
                placed.append(one)
            else:
                yield one.index, self.too_long(one.cost)
        most = max((len(q.options) for q in questions), default=1)
        for index, response in self.carry(placed, weigh, max(1, self.batch_size // most)):
            yield index, self.priors.told(requests[index], layout, response)

    def embed(self, media: Sequence[Media]) -> np.ndarray:
        """float32 [media, width]: the mean of each one's encoder tokens. Raises `MediaError` for the first that cannot be opened."""
        held, faults = self.seer.look([Encoded((), (), (), (), ((0, one),)) for one in media])
        for one in media:
            if (fault := faults.get(self.seer.key(one))) is not None:
                raise MediaError(fault)
        return np.stack([held[self.seer.key(one)].float().mean(dim=0).cpu().numpy() for one in media])

    def option(self, request: Score, option: str) -> Encoded:
        layout = layout_called(self.layout)
        messages, slots = request.messages, self.model.config.slots
        return encode_option(messages, request.begun, option, request.window, layout, self.tokenizer, slots)

    def loss(self, request: Score) -> list[float]:
        """The training loss of each option in nats, summed over its tokens, one row at a time."""
        found = []
        for option in request.options:
            row = self.option(request, option)
            held, faults = self.seer.look([row])
            if faults:
                raise MediaError(next(iter(faults.values())))
            batch = collate([row], self.model.config.slots).to(self.model.device)
            with torch.inference_mode():
                found.append(float(self.model.loss(batch, self.seer.tokens([row], held))) * row.learnt)
        return found

    def prompt(self, messages: Sequence[Message]) -> Encoded:
        """The conversation up to where the assistant goes on."""
        layout = layout_called(self.layout)
        parts = [Text(p.text) if isinstance(p, Text) else p for p in pieces(messages, layout, open_end=True)]
        return encode(parts, self.tokenizer, self.model.config.slots, layout.bos)

    def place(self, rows: Sequence[Encoded], news: Sequence[int]) -> list[Placed]:
        placed = place(rows, news, self.model.config.slots, self.seer.key, self.beginnings)
        if not can_share(self.model.llama):
            return [replace(one, shared=0) for one in placed]
        return resumed(placed, self.turns.known(self.seer.key), self.seer.key) if len(self.turns) else placed

    def carry(self, placed: list[Placed], work: Work, size: int = 0) -> Iterator[tuple[int, Response]]:
        """Runs `work` over batches; answers for media that cannot be opened, and for rows that do not fit."""
        at = 0
        while at < len(placed):
            chosen = next_batch(placed, at, size or self.batch_size, self.budget)
            after = next_batch(placed, at + len(chosen), size or self.batch_size, self.budget)
            self.seer.expect([one.row for one in (*chosen, *after)])
            answers: list[tuple[int, Response]] = []
            ran_out = ""
            try:
                held, faults = self.seer.look([one.row for one in chosen])
                found = {one.index: self.fault(one.row, faults) for one in chosen}
                able = [one for one in chosen if found[one.index] is None]
                answers = [(index, fault) for index, fault in found.items() if fault is not None]
                answers += zip([one.index for one in able], work(able, held) if able else [])
            except RAN_OUT as error:
                if not is_out_of_memory(error):
                    raise
                ran_out = str(error).splitlines()[0][:200] if str(error) else "out of memory"
            if ran_out:
                self.beginnings.clear()
                self.turns.clear()
                release()
                if len(chosen) > 1:
                    self.budget = load(chosen) / 2
                    continue
                sentence = f"memory ran out even for this request alone ({len(chosen[0].row)} tokens): {ran_out}"
                answers = [(chosen[0].index, Response(error=sentence, status="model_error"))]
            yield from answers
            at += len(chosen)

    def rows(self, requests: Sequence[Generate], placed: Sequence[Placed]) -> list[Row]:
        stops, window = layout_called(self.layout).stops, self.model.config.llm.window
        return open_rows(
            [
                Wish(min(r.max_new_tokens, window - len(p.row)), (*stops, *r.stop), r.temperature, r.top_p, r.seed or 0)
                for r, p in zip(requests, placed)
            ]
        )

    @torch.inference_mode()
    def speak(self, chosen: list[Placed], held: Held, rows: Sequence[Row]) -> Iterator[None]:
        """Lets the rows grow by a token at a time until all are finished."""
        context, logits = self.read(chosen, held)
        yield from generate(context, logits, rows, self.tokenizer, self.keeper(chosen, rows, context))

    def keeper(self, chosen: Sequence[Placed], rows: Sequence[Row], context: Context) -> Leave | None:
        """Keeps what was computed for a row when it leaves its batch, for the conversation's next turn."""
        if not self.keeps or not self.turns.limit or not can_share(self.model.llama):
            return None

        def leave(number: int, place: int, said: int) -> None:
            one = chosen[number]
            whole = self.turns.sign(one.row, self.seer.key) + tuple(rows[number].ids[:said])
            try:
                self.turns.put(Past(whole, one.shared, context.own(place, len(whole) - one.shared)))
            except RAN_OUT as error:  # the answer is there; only its copy has no room
                if not is_out_of_memory(error):
                    raise
                self.turns.clear()

        return leave

    @torch.inference_mode()
    def read(self, chosen: list[Placed], held: Held) -> tuple[Context, Tensor]:
        """The prompts of a batch passed over, and the logits [rows, vocabulary] of what comes next."""
        pasts = [self.turns.recall(self.turns.sign(one.row, self.seer.key), one.shared) if one.kept else None for one in chosen]
        known = [0 if past is None else past.real.shape[1] for past in pasts]
        own = [cut(one.row, one.shared + count) for one, count in zip(chosen, known)]
        batch = collate(own, self.model.config.slots, left=True).to(self.model.device)
        context = Context(self.model.llama, *self.behind(chosen, held), own=batch.ids.shape[1] + max(known), pasts=pasts)
        embedded = self.model.embed(batch, self.seer.tokens(own, held))
        return context, context.extend(batch.real, batch.positions, inputs_embeds=embedded)[:, -1]

    @torch.inference_mode()
    def weigh(self, chosen: list[Placed], questions: Sequence[Question], held: Held) -> list[list[float]]:
        """Sums of the log-likelihoods of every question's options."""
        if not can_share(self.model.llama):
            out = []
            for one, own in zip(chosen, questions):
                rows = [joined(one.row, option) for option in own.options]
                out.append(whole_rows(self.model, rows, self.seer.tokens(rows, held)))
            return out
        context, logits = self.read(chosen, held)
        firsts = first_tokens(logits, questions)
        if max(q.longest for q in questions) == 1:
            return firsts
        laters = later_tokens(self.model, questions, context.as_beginnings())
        return [[a + b for a, b in zip(first, later)] for first, later in zip(firsts, laters)]

    def behind(self, chosen: Sequence[Placed], held: Held) -> tuple[Beginnings | None, Tensor | None]:
        """The beginnings that rows stand behind, and which row behind which."""
        if not chosen[0].shared:
            return None, None
        first = {one.group: one for one in reversed(chosen)}
        groups = list(dict.fromkeys(one.group for one in chosen))
        found = self.begun([cut(first[group].row, 0, first[group].shared) for group in groups], held)
        return side_by_side(found), torch.tensor([groups.index(one.group) for one in chosen], device=self.model.device)

    def begun(self, heads: Sequence[Encoded], held: Held) -> list[Beginnings]:
        """Keys and values of beginnings, from before or computed now, all that are missing in one batch."""
        names = [identity(head, self.seer.key) for head in heads]
        found = {name: self.beginnings.get(name) for name in names}
        missing = {name: head for name, head in zip(names, heads) if found[name] is None}
        if missing:
            for name, made in zip(missing, self.begin(list(missing.values()), held)):
                found[name] = made
                self.beginnings.put(name, made)
        return [one for name in names if (one := found[name]) is not None]

    def begin(self, heads: Sequence[Encoded], held: Held) -> list[Beginnings]:
        """Passes over beginnings; what they themselves begin with in common is passed over once."""
        shared = common(heads, self.seer.key) if len(heads) > 1 else 0
        root: Beginnings | None = None
        group: Tensor | None = None
        if shared >= WORTH:
            (root,) = self.begun([cut(heads[0], 0, shared)], held)
            group = torch.zeros(len(heads), dtype=torch.long, device=self.model.device)
        own = [cut(head, shared if root is not None else 0) for head in heads]
        batch = collate(own, self.model.config.slots, left=True).to(self.model.device)
        context = Context(self.model.llama, root, group, own=batch.ids.shape[1])
        context.extend(batch.real, batch.positions, inputs_embeds=self.model.embed(batch, self.seer.tokens(own, held)))
        made = context.as_beginnings()
        return [made.one(number) for number in range(len(heads))]

    def fault(self, row: Encoded, faults: Mapping[Key, str]) -> Response | None:
        """Why this row cannot be asked; None if it can."""
        for _, one in row.media:
            key = self.seer.key(one)
            if key in faults:
                return Response(error=faults[key], status="media_error")
        return self.too_long(len(row)) if len(row) >= self.model.config.llm.window else None

    def too_long(self, length: int) -> Response:
        sentence = f"the prompt has {length} tokens, and the model's window is {self.model.config.llm.window}"
        return Response(error=sentence, status="model_error")


def joined(prompt: Encoded, option: Encoded) -> Encoded:
    """A prompt and what follows it as one row."""
    return Encoded(
        prompt.ids + option.ids,
        prompt.labels + option.labels,
        prompt.positions + option.positions,
        prompt.segments + option.segments,
        prompt.media,
    )
