"""A sound adapter that the doctor must pass, and for each check one with the fault that the check is there to find."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from lamm_bench.errors import MediaError
from lamm_bench.media import open_cloud, open_image
from lamm_bench.types import Generate, Media, Message, Request, Response, Score

LETTERS = "abcdefghijklmnopqrstuvwxyz "
END, OTHER = len(LETTERS), len(LETTERS) + 1


class Sound:
    """A language model of 27 letters whose weights are hashes of the conversation and of its media's contents."""

    name = "sound"
    begins = True
    modalities = frozenset({"image", "point_cloud"})

    def fingerprint(self) -> str:
        return "sound 1"

    # the model

    def seen(self, media: Media) -> bytes:
        array = np.asarray(open_image(media)) if media.kind == "image" else open_cloud(media)
        return hashlib.sha256(array.tobytes()).digest()

    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        """What all answers to a conversation depend on. The faults below tamper with it."""
        digest = hashlib.sha256()
        for message in messages:
            digest.update(message.role.encode() + b"\0")
            for part in message.parts:
                digest.update(part.encode("utf-8", "surrogatepass") if isinstance(part, str) else self.seen(part))
        return digest.hexdigest()

    def chances(self, key: str, place: int) -> list[float]:
        weights = [Random(f"{key}/{place}/{token}").random() ** 6 for token in range(len(LETTERS) + 2)]
        weights[END] = 0.01 if place < 8 else 5.0
        return [weight / sum(weights) for weight in weights]

    # the adapter

    def told(self, messages: Sequence[Message]) -> str:
        return "\n".join(f"{message.role}: {message.text}" for message in messages)

    def plain(self) -> Sound:
        return self

    def guard(self, request: Request) -> Response | None:
        """Why a request cannot be answered."""
        if len(request.messages[-1].text) > 50_000:
            return Response(error="the question is longer than 50,000 letters", status="model_error")
        return None

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for index, request in enumerate(requests):
            try:
                yield index, self.guard(request) or self.answer(request, self.key(request.messages, index, requests))
            except MediaError as error:
                yield index, Response(error=str(error), status="media_error")

    def answer(self, request: Generate, key: str) -> Response:
        rng = Random(f"{request.seed}/{key}")
        text = ""
        for place in range(request.max_new_tokens):
            chances = self.chances(key, place)
            if request.temperature > 0:
                token = rng.choices(range(len(chances)), [c ** (1 / request.temperature) for c in chances])[0]
            else:
                token = max(range(END + 1), key=lambda token: chances[token])
            if token >= END:
                return Response(text.strip(), "stop", tokens=(place,))
            text += LETTERS[token]
            cuts = [at for word in request.stop if (at := text.find(word)) >= 0]
            if cuts:
                return Response(text[: min(cuts)].strip(), "stop", tokens=(place + 1,))
        return Response(text.strip(), "length", tokens=(request.max_new_tokens,))

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        for index, request in enumerate(requests):
            try:
                fault = self.guard(request)
                yield index, fault or self.weigh(request, self.key(request.messages, index, requests), len(requests))
            except MediaError as error:
                yield index, Response(error=str(error), status="media_error")

    def weigh(self, request: Score, key: str, company: int) -> Response:
        found = tuple(-value for value in self.loss(request, key))
        return Response(logprobs=found, tokens=tuple(len(option) + (request.window == "message") for option in request.options))

    def loss(self, request: Score, key: str = "") -> list[float]:
        key = key or self.key(request.messages, 0, [request])
        key += f" {request.begun}" if request.begun else ""
        ends = [END] if request.window == "message" else []
        rows = [[LETTERS.index(c) if c in LETTERS else OTHER for c in option] + ends for option in request.options]
        return [-sum(math.log(self.chances(key, place)[token]) for place, token in enumerate(row)) for row in rows]


def text_of(request: Request) -> str:
    return request.messages[-1].text


class Nameless(Sound):
    name = ""


class Mute(Sound):
    def guard(self, request: Request) -> Response | None:
        return Response(error="the server is not there", status="model_error")


class Twice(Sound):
    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield from super().generate(requests)
        yield from list(super().generate(requests))[:1]


class Forgetful(Sound):
    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        yield from list(super().score(requests))[:5]


class Restless(Sound):
    count = 0

    def fingerprint(self) -> str:
        self.count += 1
        return f"{self.count}"


class Moody(Sound):
    count = 0

    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        self.count += 1
        return f"{super().key(messages, index, requests)} {self.count}"


class Sociable(Sound):
    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        return f"{super().key(messages, index, requests)} {len(requests)}"


class Placed(Sound):
    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        return f"{super().key(messages, index, requests)} {index}"


class PaddedOnTheWrongSide(Sound):
    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        pads = max(len(text_of(request)) for request in requests) - len(messages[-1].text)
        return super().key(messages, index, requests) + "." * pads


class Unstoppable(Sound):
    def answer(self, request: Generate, key: str) -> Response:
        return super().answer(replace(request, stop=()), key)


class StopsLate(Sound):
    def answer(self, request: Generate, key: str) -> Response:
        cut = super().answer(request, key)
        whole = super().answer(replace(request, stop=()), key)
        return replace(cut, text=whole.text[: len(cut.text) + 1]) if cut != whole else cut


class Boastful(Sound):
    def answer(self, request: Generate, key: str) -> Response:
        return replace(super().answer(request, key), finish="stop")


class Unlimited(Sound):
    def answer(self, request: Generate, key: str) -> Response:
        return super().answer(replace(request, max_new_tokens=max(request.max_new_tokens, 12)), key)


class SeededAlways(Sound):
    def answer(self, request: Generate, key: str) -> Response:
        return super().answer(request, f"{key}{request.seed}")


class NeverDraws(Sound):
    def answer(self, request: Generate, key: str) -> Response:
        return super().answer(replace(request, temperature=0.0), key)


class DrawsFreely(Sound):
    rng = Random(0)

    def answer(self, request: Generate, key: str) -> Response:
        return super().answer(replace(request, seed=self.rng.randrange(10**9)), key)


class NotANumber(Sound):
    def weigh(self, request: Score, key: str, company: int) -> Response:
        response = super().weigh(request, key, company)
        return replace(response, logprobs=(float("nan"), *response.logprobs[1:]))


class Uncounted(Sound):
    def weigh(self, request: Score, key: str, company: int) -> Response:
        return replace(super().weigh(request, key, company), tokens=())


class Relative(Sound):
    """Log-likelihoods relative to the best option: right for choosing, wrong for everything else."""

    def weigh(self, request: Score, key: str, company: int) -> Response:
        response = super().weigh(request, key, company)
        return replace(response, logprobs=tuple(value - max(response.logprobs) for value in response.logprobs))


class ScoresByCompany(Sound):
    def weigh(self, request: Score, key: str, company: int) -> Response:
        response = super().weigh(request, key, company)
        return replace(response, logprobs=tuple(value - 0.1 * company for value in response.logprobs))


class Normalised(Sound):
    def weigh(self, request: Score, key: str, company: int) -> Response:
        response = super().weigh(request, key, company)
        total = math.log(sum(math.exp(value) for value in response.logprobs))
        return replace(response, logprobs=tuple(min(0.0, value - total) for value in response.logprobs))


class Unfinished(Sound):
    """Leaves the end of the turn out of its scores, while training learns it."""

    def weigh(self, request: Score, key: str, company: int) -> Response:
        response = super().weigh(request, key, company)
        ends = (math.log(self.chances(key, len(option))[END]) for option in request.options)
        return replace(response, logprobs=tuple(value - end for value, end in zip(response.logprobs, ends)))


class LooksAtNoBeginning(Sound):
    def weigh(self, request: Score, key: str, company: int) -> Response:
        return super().weigh(replace(request, begun=""), key, company)


class ClosesAlways(Sound):
    """Scores the end of the message where the option's own tokens are asked for."""

    def weigh(self, request: Score, key: str, company: int) -> Response:
        return super().weigh(replace(request, window="message"), key, company)


class Blind(Sound):
    def seen(self, media: Media) -> bytes:
        super().seen(media)
        return b""


class Muddled(Sound):
    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        media = [part for part in requests[0].messages[-1].parts if isinstance(part, Media)]
        return super().key((Message("user", (*media, messages[-1].text)),), index, requests)


class OneEyed(Sound):
    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        media = [part for part in messages[-1].parts if isinstance(part, Media)]
        return super().key((*messages[:-1], Message("user", (*media[:1], messages[-1].text))), index, requests)


class Fragile(Sound):
    """A file that cannot be opened ends the whole stream."""

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        keys = [self.key(request.messages, index, requests) for index, request in enumerate(requests)]
        for index, key in enumerate(keys):
            yield index, self.answer(requests[index], key)


class Lenient(Sound):
    """Answers about files that it could not open."""

    def seen(self, media: Media) -> bytes:
        try:
            return super().seen(media)
        except MediaError:
            return b"gray"


class Mislabels(Sound):
    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for index, response in super().generate(requests):
            yield index, replace(response, status="model_error") if response.error else response


class Choosy(Sound):
    def guard(self, request: Request) -> Response | None:
        for part in request.messages[-1].parts:
            if isinstance(part, Media) and part.kind == "image" and Image.open(part.path).mode != "RGB":
                return Response(error="not an RGB file", status="model_error")
        return None


class ImagesOnly(Sound):
    modalities = frozenset({"image"})

    def guard(self, request: Request) -> Response | None:
        if any(isinstance(part, Media) and part.kind != "image" for part in request.messages[-1].parts):
            return Response(error="it takes images, no point clouds", status="model_error")
        return super().guard(request)


class NoSystem(Sound):
    """Takes a system message, but none beside media."""

    def guard(self, request: Request) -> Response | None:
        shown = any(isinstance(part, Media) for message in request.messages for part in message.parts)
        if shown and request.messages[0].role == "system":
            return Response(error="no system message beside a picture", status="model_error")
        return super().guard(request)


class DeafToSystem(Sound):
    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        return super().key([message for message in messages if message.role != "system"], index, requests)


class PrintsLists(Sound):
    def told(self, messages: Sequence[Message]) -> str:
        return "\n".join(f"{m.role}: {[{'type': 'text', 'text': m.text}] if m.role == 'system' else m.text}" for m in messages)


class Forgets(Sound):
    def told(self, messages: Sequence[Message]) -> str:
        return super().told([message for message in messages if message.role != "assistant"])


class OneSize(Sound):
    """Takes the first picture's size for all of a batch."""

    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        first = [part for part in requests[0].messages[-1].parts if isinstance(part, Media) and part.kind == "image"]
        try:
            size = open_image(first[0]).size if first else (0, 0)
        except MediaError:
            size = (0, 0)
        return f"{super().key(messages, index, requests)} {max(size) // 100}"


class KeepsWrongly(Sound):
    """What it keeps is not what it would compute."""

    kept = True

    def plain(self) -> Sound:
        other = type(self)()
        other.kept = False
        return other

    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        return f"{super().key(messages, index, requests)} {self.kept}"


class PlainlyPadded(KeepsWrongly):
    """The plain way pads on the wrong side, which what is kept hides."""

    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        return Sound.key(self, messages, index, requests) + ("" if self.kept else "." * (len(requests) > 1))


class Silent(Sound):
    """Claims to take images only, and says nothing about a cloud that it leaves out."""

    modalities = frozenset({"image"})

    def seen(self, media: Media) -> bytes:
        return super().seen(media) if media.kind == "image" else b""


class Deaf(Sound):
    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        media = tuple(part for part in messages[-1].parts if isinstance(part, Media))
        return super().key((Message("user", media),), index, requests)


class ShortMemory(Sound):
    def key(self, messages: Sequence[Message], index: int, requests: Sequence[Request]) -> str:
        return super().key(messages[-1:] if messages[0].role != "user" else messages[:1], index, requests)


class Refuses(Sound):
    """Ends a kind of text in an error of its own, or of everybody's."""

    def wrong(self, text: str) -> bool:
        raise NotImplementedError

    def guard(self, request: Request) -> Response | None:
        if self.wrong(text_of(request)):
            return Response(error="cannot be asked", status="model_error")
        return super().guard(request)


class BreaksOnLong(Sound):
    def guard(self, request: Request) -> Response | None:
        if len(text_of(request)) > 50_000:
            raise IndexError("index out of range in self")
        return None


class NeedsWords(Refuses):
    def wrong(self, text: str) -> bool:
        return not text.strip()


class LatinOnly(Sound):
    def guard(self, request: Request) -> Response | None:
        text_of(request).encode("latin-1")
        return super().guard(request)


class OneLine(Refuses):
    def wrong(self, text: str) -> bool:
        return "\n" in text


class Gullible(Refuses):
    def wrong(self, text: str) -> bool:
        return "<image>" in text


class ErrorsAsAnswers(Sound):
    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for index, response in super().generate(requests):
            yield index, replace(response, text="Error", error="it went wrong", status="refused")


class StatusOnly(Sound):
    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        for index, response in super().generate(requests):
            yield index, replace(response, status="refused")


class Thinks(Sound):
    """Tells its thoughts apart, as a server does."""

    def answer(self, request: Generate, key: str) -> Response:
        return replace(super().answer(request, key), reasoning="red? no", reasoning_tokens=4)


class Broods(Sound):
    """Thinks in its answers, and never comes to an end."""

    def answer(self, request: Generate, key: str) -> Response:
        said = super().answer(request, key)
        return replace(said, text=f"<think>{said.text}", finish="stop")


class Hoarder(Sound):
    def __init__(self) -> None:
        self.kept: list[Any] = []

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        self.kept.append(b"x" * (30 * 2**20 + len(self.kept)))
        yield from super().generate(requests)


FAULTS: dict[str, tuple[type[Sound], ...]] = {
    "parts": (Nameless,),
    "answers": (Mute,),
    "once": (Twice, Forgetful),
    "fingerprint": (Restless,),
    "greedy": (Moody,),
    "batch": (Sociable,),
    "order": (Placed,),
    "padding": (PaddedOnTheWrongSide,),
    "stop": (Unstoppable, StopsLate),
    "truncation": (Boastful, Unlimited),
    "seeds": (SeededAlways, NeverDraws, DrawsFreely),
    "score": (NotANumber, Uncounted),
    "score-sum": (Relative,),
    "score-batch": (ScoresByCompany,),
    "score-options": (Normalised,),
    "score-loss": (Unfinished,),
    "score-begun": (LooksAtNoBeginning, ClosesAlways),
    "score-plain": (KeepsWrongly, PlainlyPadded),
    "image-used": (Blind,),
    "cloud-used": (Blind,),
    "media-own": (Muddled,),
    "sizes": (OneSize,),
    "several": (OneEyed,),
    "missing": (Fragile, Lenient, Mislabels),
    "broken": (Fragile, Lenient, Mislabels),
    "forms": (Choosy,),
    "foreign": (Silent,),
    "question": (Deaf,),
    "history": (ShortMemory,),
    "recipe": (NoSystem, DeafToSystem),
    "prompt": (PrintsLists, Forgets),
    "long": (BreaksOnLong,),
    "empty": (NeedsWords,),
    "unicode": (LatinOnly,),
    "lines": (OneLine,),
    "control": (Gullible,),
    "errors": (ErrorsAsAnswers, StatusOnly),
    "memory": (Hoarder,),
    "thoughts": (Broods,),
}
