"""A loaded model that is asked: requests in, responses out. The adapter is a thin shell around this.

Requests with most pixels and text come first, so that memory runs out at once or never. When it does, the batch is halved; what
a processor or a file refuses ends its own request only."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import torch
from PIL import Image

from lamm_bench.errors import BenchError, MediaError
from lamm_bench.lamm.memory import RAN_OUT, is_out_of_memory, release
from lamm_bench.lamm.window import first_window, last_window, shared
from lamm_bench.media import image_size, open_image
from lamm_bench.read import Convention
from lamm_bench.types import Generate, Request, Response, Score

from .batch import Spoken, likelihoods, splice
from .chat import Asked, Wording
from .company import Company
from .generate import generate
from .load import Loaded
from .prepare import Inputs, Refused, prepare
from .reuse import Reuse, Shown
from .sight import prove
from .sizes import sizes_of
from .thinking import Thinking

Pictures: TypeAlias = dict[int, list[Image.Image]]
Ordered: TypeAlias = tuple[dict[int, Asked], list[int]]
Work: TypeAlias = Callable[[Sequence[int], Pictures], list[Response]]


@dataclass
class Asker:
    """The model and how it is asked."""

    loaded: Loaded
    batch_size: int
    kept_bytes: int = 0  # of encoded images; 0 encodes each anew and passes over each prompt once for every option
    words: Mapping[str, Any] = field(default_factory=dict)  # more for the chat template
    marks: str = ""  # `thinking=` of the adapter
    thought_tokens: int = 0  # for a thought, besides those of the answer
    spoken: Convention = Convention("fractions")  # whose marks of places are kept, and whose words may hold control tokens
    room: int = field(default=0, init=False)  # rows that fit; smaller than the batch size once memory has run out
    thinking: Thinking = field(init=False)
    wording: Wording = field(init=False)
    reuse: Reuse = field(init=False)
    company: Company = field(init=False)

    def __post_init__(self) -> None:
        self.company = Company(self.loaded)
        self.reuse = Reuse(self.loaded, self.kept_bytes)
        self.room = self.batch_size
        self.thinking = Thinking(self.loaded, self.marks, self.thought_tokens, self.spoken.special)
        own = "".join((self.spoken.boxes, self.spoken.points, self.spoken.counts))
        self.wording = Wording(self.loaded, self.words, self.thinking.marks, own)
        if self.loaded.vision and not self.loaded.sure:
            prove(self.loaded, self.wording)

    @property
    def notes(self) -> list[str]:
        found = [*self.loaded.notes, *self.wording.notes, *self.thinking.notes, *self.reuse.notes, *self.company.notes]
        if self.room < self.batch_size:
            found.append(f"memory ran out: batches of {self.room} instead of {self.batch_size}")
        return found

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        """Each request's index and answer, longest prompts first."""
        asked, order = yield from self.ordered(requests)

        def prepared(chosen: Sequence[int], pictures: Pictures) -> dict[str, Any]:
            side = "right" if self.loaded.encodes else "left"  # an encoder may count positions, and the decoder begins for itself
            return self.inputs([asked[i] for i in chosen], [pictures[i] for i in chosen], side)

        def work(chosen: Sequence[int], pictures: Pictures) -> list[Response]:
            if len(chosen) > 1 and "answers" in self.company.parted:
                return [answer for index in chosen for answer in work([index], pictures)]
            inputs = prepared(chosen, pictures)
            if len(chosen) > 1 and not self.company.answers(inputs, lambda row: prepared([chosen[row]], pictures)):
                return work(chosen, pictures)
            said = generate(self.loaded, self.thinking, inputs, [requests[i] for i in chosen], [asked[i].text for i in chosen])
            sizes = sizes_of(self.loaded, inputs, [pictures[i] for i in chosen])
            return [replace(response, sizes=own) for response, own in zip(said, sizes)]

        yield from self.batches(order, asked, dict.fromkeys(order, 1), work)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        """Each request's index and the log-likelihoods of its options."""
        asked, order = yield from self.ordered(requests)

        def work(chosen: Sequence[int], pictures: Pictures) -> list[Response]:
            own = {i: self.options(requests[i], asked[i]) for i in chosen}
            alone = [i for i in chosen if self.reuse.apart(len(asked[i].text), len(asked[i].images), len(own[i]))]
            rows = [(i, ids) for i in chosen if i not in alone for ids in own[i]]
            values = self.whole_rows([(asked[i], pictures[i], ids) for i, ids in rows])
            found = {i: [value for (row, _), value in zip(rows, values) if row == i] for i in chosen}
            for i in alone:
                found[i] = self.behind_prompt(asked[i], pictures[i], own[i])
            return [Response(logprobs=tuple(found[i]), tokens=tuple(one.scored for one in own[i])) for i in chosen]

        yield from self.batches(order, asked, {i: max(1, len(requests[i].options)) for i in order}, work)

    def inputs(self, asked: Sequence[Asked], pictures: Sequence[list[Image.Image]], side: str) -> dict[str, Any]:
        """Tensors of a batch of prompts, with what is known of their images already."""
        made = prepare(self.loaded, [one.text for one in asked], pictures, side)
        return self.shown(made, asked, pictures, side)

    def shown(self, made: Inputs, asked: Sequence[Asked], pictures: Sequence[list[Image.Image]], side: str) -> dict[str, Any]:
        rows: list[Shown] = [list(zip(one.images, own)) for one, own in zip(asked, pictures)]

        def again(chosen: Sequence[int]) -> Inputs:
            return prepare(self.loaded, [asked[n].text for n in chosen], [pictures[n] for n in chosen], side)

        return self.reuse.shows(made, rows, again)

    def whole_rows(self, rows: Sequence[tuple[Asked, list[Image.Image], Spoken]]) -> list[float]:
        """Log-likelihoods of options, each a row with its whole prompt; as many at once as there is room for."""
        found: list[float] = []
        start = 0
        while start < len(rows):
            part = rows[start : start + (1 if "options" in self.company.parted else self.room)]
            asked, pictures, ids = zip(*part)
            made = prepare(self.loaded, [one.text for one in asked], pictures, "right")
            longer, labels = splice(made, ids, self.loaded)
            values = likelihoods(self.loaded, self.shown(longer, asked, pictures, "right"), labels)
            if len(part) > 1 and not self.company.options(longer, values, lambda row: self.whole_rows([part[row]])[0]):  # noqa: B023
                continue  # the same rows once more, each alone
            found += values
            start += len(part)
        return found

    def behind_prompt(self, asked: Asked, pictures: list[Image.Image], options: list[Spoken]) -> list[float]:
        """The same for all options of one prompt."""
        inputs = self.inputs([asked], [pictures], "right")
        rows = [(asked, pictures, ids) for ids in options]
        return self.reuse.weighs(inputs, len(pictures), options, self.room, lambda: self.whole_rows(rows))

    def loss(self, request: Score) -> list[float]:
        """The model's own training loss of each option in nats, summed over its tokens, one row at a time and without padding."""
        asked = self.asked(request)
        pictures = [open_image(media) for media in asked.images]
        found = []
        for one in self.options(request, asked):
            inputs, labels = splice(prepare(self.loaded, [asked.text], [pictures], "right"), [one], self.loaded)
            with torch.inference_mode():
                found.append(float(self.loaded.model(**inputs, labels=labels).loss) * one.scored)
        return found

    def asked(self, request: Request) -> Asked:
        """A request as the model gets it; what an answer has begun with is a part of the prompt, where it is not scored itself."""
        asked = self.wording.prompt(request.messages, isinstance(request, Score))
        if isinstance(request, Score) and request.begun and request.window != "first" and not self.loaded.encodes:
            return self.wording.with_beginning(request.messages, asked, request.begun)
        return asked

    def options(self, request: Score, asked: Asked) -> list[Spoken]:
        """The tokens of each option. They are made apart from the prompt's, as the model itself would add them."""
        if request.window == "message" and not request.begun and self.loaded.encodes:
            return [Spoken(self.whole(self.wording.guarded(option))) for option in request.options]
        if request.window == "message" and not request.begun:
            texts = [self.wording.answer(request.messages, asked.text, option) for option in request.options]
            return [Spoken(self.tokens(text)) for text in texts]
        return [self.continued(request, option) for option in request.options]

    def continued(self, request: Score, option: str) -> Spoken:
        """An option behind the beginning of its answer, or its own tokens alone."""
        begun, said = self.wording.guarded(request.begun), self.wording.guarded(request.begun + option)
        closed = request.window == "message"
        if self.loaded.encodes:
            answer, lead = self.whole(said), shared(self.whole(said), self.whole(begun)) if begun else 0
            ends = 0 if closed else 1  # the token that ends an answer
            inner = answer[: len(answer) - ends]
        elif request.window == "first":
            answer = inner = self.tokens(said)
            lead = shared(answer, self.tokens(begun))
        else:  # the beginning stands in the prompt
            text = self.wording.behind(request.messages, request.begun, option, closed)
            before = self.wording.guarded(request.begun.rstrip())
            answer, lead = self.tokens(before + text), len(self.tokens(before))
            joined = list(answer[:lead]) == list(self.tokens(before))
            answer = inner = answer[lead:] if joined else self.tokens(text)
            return Spoken(inner)
        if closed:
            return Spoken(answer, lead)
        window = first_window if request.window == "first" else last_window
        start, end = window(inner, self.tokens(self.wording.guarded(option)), lead)
        return Spoken(inner[:end], start, end)

    def tokens(self, text: str) -> tuple[int, ...]:
        return tuple(self.loaded.tokenizer(text, add_special_tokens=False)["input_ids"])

    def whole(self, text: str) -> tuple[int, ...]:
        """The tokens of a text as a decoder is taught it that begins for itself: those that its tokenizer adds, and an end."""
        ids = tuple(self.loaded.tokenizer(text)["input_ids"])
        return ids if ids and ids[-1] in self.loaded.ends else (*ids, self.loaded.tokenizer.eos_token_id)

    def ordered(self, requests: Sequence[Request]) -> Generator[tuple[int, Response], None, Ordered]:
        """The requests as the model gets them and their order; yields answers to those that cannot be asked at all."""
        asked: dict[int, Asked] = {}
        cost: dict[int, tuple[int, ...]] = {}
        for index, request in enumerate(requests):
            try:
                asked[index] = self.asked(request)
                sizes = [image_size(media.path) for media in asked[index].images]
            except MediaError as error:
                yield index, Response(error=str(error), status="media_error")
                continue
            except Exception as error:  # templates refuse conversations by raising whatever they like
                reason = str(error) if isinstance(error, BenchError) else f"the chat template refuses this conversation: {error}"
                yield index, Response(error=reason, status="model_error")
                continue
            new = request.max_new_tokens if isinstance(request, Generate) else 0
            cost[index] = (len(sizes), sum(wide * high for wide, high in sizes), len(asked[index].text), new)
        return asked, sorted(cost, key=lambda index: (*(-part for part in cost[index]), index))

    def batches(
        self, order: Sequence[int], asked: dict[int, Asked], rows: dict[int, int], work: Work
    ) -> Iterator[tuple[int, Response]]:
        """Runs `work` over requests with the same number of images, as many as there is room for."""
        at = 0
        while at < len(order):
            chosen, full = [order[at]], rows[order[at]]
            for index in order[at + 1 :]:
                full += rows[index]
                if full > self.room or len(asked[index].images) != len(asked[order[at]].images):
                    break
                chosen.append(index)
            yield from self.attempt(chosen, asked, rows, work)
            at += len(chosen)

    def attempt(
        self, chosen: Sequence[int], asked: dict[int, Asked], rows: dict[int, int], work: Work
    ) -> Iterator[tuple[int, Response]]:
        """Answers to a batch; in halves where memory runs out or one of its requests is refused."""
        pictures: Pictures = {}
        for index in chosen:
            try:
                pictures[index] = [open_image(media) for media in asked[index].images]
            except MediaError as error:
                yield index, Response(error=str(error), status="media_error")
        able = [index for index in chosen if index in pictures]
        if not able:
            return
        try:
            responses = work(able, pictures)
        except Refused as error:
            yield from self.halves(able, asked, rows, work, str(error))
            return
        except Exception as error:  # what a model raises ends the request that it cannot bear, and no other
            if not isinstance(error, RAN_OUT) or not is_out_of_memory(error):
                yield from self.halves(able, asked, rows, work, f"the model raised {type(error).__name__}: {one_line(error)}")
                return
            fitted = min(self.room, sum(rows[index] for index in able))
            if fitted == 1:
                yield able[0], Response(error="memory ran out on this request alone", status="model_error")
                return
            self.room = fitted // 2
            self.reuse.kept.clear()
            release()
            yield from self.batches(able, asked, rows, work)
            return
        yield from zip(able, responses)

    def halves(
        self, able: Sequence[int], asked: dict[int, Asked], rows: dict[int, int], work: Work, reason: str
    ) -> Iterator[tuple[int, Response]]:
        """The two halves of a batch that failed, each for itself; of one request its error."""
        if len(able) == 1:
            yield able[0], Response(error=reason, status="model_error")
            return
        for half in (able[: len(able) // 2], able[len(able) // 2 :]):
            yield from self.attempt(half, asked, rows, work)


def one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
