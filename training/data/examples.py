"""Dialogues as tokens, cut to size and dealt into batches. Pure functions of data and seed: no shard or restart moves them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lamm_bench.ask.instruction import PromptFile
from lamm_bench.errors import BenchError
from lamm_bench.lamm.encode import (
    IGNORE,
    Encoded,
    Vocabulary,
    encode,
    encode_messages,
    encode_side_by_side,
    layout_called,
    pieces,
)
from lamm_bench.training.config.preset import Data
from lamm_bench.types import Media, Message

from .dialogues import Dialogue, merged

SIDED = re.compile(r"left|right|\[", re.IGNORECASE)
"""What a mirrored picture would make wrong: sides and coordinates."""
POOL = 64
"""How many examples a row is filled from: enough for a good fit, few enough that their order stays random."""
SPOKEN = ("captioning", "description")
"""Kinds of dialogue that say nothing about whether the picture may be mirrored."""


@dataclass(frozen=True)
class Example:
    """What one row of a batch is made of."""

    encoded: Encoded
    media: Media
    task_types: tuple[str, ...]  # of each answer
    where: str
    mirror: bool = False  # whether the picture may be mirrored: nothing that is said knows left from right
    weight: float = 1.0  # times that it comes in an epoch
    cut: bool = False  # whether its end was cut off


def rng(*key: object) -> np.random.Generator:
    """A random stream that belongs to `key`."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def make_examples(
    dialogues: Sequence[Dialogue],
    data: Data,
    prompts: PromptFile,
    tokenizer: Vocabulary,
    slots: dict[str, int],
    window: int,
    mirror: Sequence[str] = (),
    seed: int = 0,
) -> list[Example]:
    """One example for each dialogue, or several where it is longer than `data.text_tokens`.

    Turns of several task types that share a sequence stand behind the system message of one of them, drawn at random."""
    layout, side = layout_called(data.layout, tokenizer), data.turns == "side_by_side"
    out: list[Example] = []
    together = merged(dialogues, data.share) if side else dialogues
    for one in together:
        able = all(task_type in mirror or prompts.task_types.get(task_type) in SPOKEN for task_type in one.task_types)
        stream = rng(seed, "system", one.key)
        for part in (
            [one]
            if data.long == "cut"
            else cut(shuffled(one, stream) if side else one, data, tokenizer)[: data.sequences or None]
        ):
            messages = part.messages(prompts, str(stream.choice(part.task_types)))
            encoded = (encode_side_by_side if side else encode_messages)(messages, layout, tokenizer, slots)
            length = len(encoded)
            if data.long == "cut":
                encoded = shortened(encoded, data.text_tokens, slots)
                if not encoded.learnt:
                    continue
            if len(encoded) > window:
                raise BenchError(f"{one.where}: {len(encoded)} tokens are more than the model's window of {window}")
            even = able and not any(SIDED.search(said) for turn in part.turns for said in turn)
            out.append(Example(encoded, one.media, part.task_types, one.where, even, one.weight, len(encoded) < length))
    return out


def shortened(one: Encoded, most: int, slots: dict[str, int]) -> Encoded:
    """What is behind the media cut to `most` tokens, wherever that falls, as upstream does (reference 3.5)."""
    end = most + max((at + slots[media.kind] for at, media in one.media), default=1)
    return Encoded(one.ids[:end], one.labels[:end], one.positions[:end], one.segments[:end], one.media)


def shuffled(one: Dialogue, stream: np.random.Generator) -> Dialogue:
    """The same turns in another order, so that each meets each other in a sequence that is cut."""
    order = stream.permutation(len(one.turns)).tolist()
    return replace(one, turns=tuple(one.turns[i] for i in order), task_types=tuple(one.task_types[i] for i in order))


def cut(one: Dialogue, data: Data, tokenizer: Vocabulary) -> list[Dialogue]:
    """Dialogues of whole turns, none longer than `data.text_tokens` tokens; a turn that is longer alone is an error.

    Upstream cuts wherever the limit falls; a turn here keeps its end, for it is where answers learn to stop."""
    groups: list[list[int]] = [[]]
    room = data.text_tokens
    for index, turn in enumerate(one.turns):
        need = sum(len(tokenizer.encode(text)) for text in turn) + 12  # tags, roles and separators
        if need > data.text_tokens:
            raise BenchError(
                f"{one.where}: a question with its answer has {need} tokens; data.text_tokens is {data.text_tokens}, give at least so many"
            )
        if need > room:
            groups.append([])
            room = data.text_tokens
        groups[-1].append(index)
        room -= need
    return [
        replace(one, turns=tuple(one.turns[i] for i in group), task_types=tuple(one.task_types[i] for i in group))
        for group in groups
    ]


def text_only(one: Dialogue, data: Data, prompts: PromptFile, tokenizer: Vocabulary) -> list[Encoded]:
    """Each turn as a conversation without its media, every token learnt: what the language model reads first."""
    out = []
    for (question, answer), task_type in zip(one.turns, one.task_types):
        system = prompts.of_task_type(task_type)
        head = (Message("system", (system,)),) if system else ()
        messages = (*head, Message("user", (question,)), Message("assistant", (answer,)))
        whole = encode(pieces(messages, layout_called(data.layout, tokenizer)), tokenizer, {})
        out.append(Encoded(whole.ids, (IGNORE, *whole.ids[1:]), whole.positions, whole.segments, ()))
    return out


def deal(
    lengths: Sequence[int], kinds: Sequence[str], batch: int, row: int, stream: np.random.Generator
) -> list[list[list[int]]]:
    """Batches of rows of indices: one kind of media in each batch, rows of at most `row` tokens (or one longer example).

    Examples are drawn in random order into a pool, from which each row takes what fits best; batches come in random order."""
    out: list[list[list[int]]] = []
    for kind in sorted(set(kinds)):
        drawn = stream.permutation([i for i, k in enumerate(kinds) if k == kind]).tolist()
        rows: list[list[int]] = []
        pool: list[int] = []
        while drawn or pool:
            while drawn and len(pool) < POOL:
                pool.append(drawn.pop())
            taken = [pool.pop(0)]
            room = row - lengths[taken[0]]
            while fitting := [i for i in pool if lengths[i] <= room]:
                best = max(fitting, key=lambda i: lengths[i])
                pool.remove(best)
                taken.append(best)
                room -= lengths[best]
            rows.append(taken)
        out += [rows[at : at + batch] for at in range(0, len(rows), batch)]
    return [out[i] for i in stream.permutation(len(out)).tolist()]


def sample(media: Sequence[Media], most: int, stream: np.random.Generator) -> list[int]:
    """Indices with at most `most` of each media, drawn at random; all of them when `most` is 0."""
    if not most:
        return list(range(len(media)))
    left: dict[Media, int] = {}
    chosen = []
    for index in stream.permutation(len(media)).tolist():
        if left.setdefault(media[index], most):
            left[media[index]] -= 1
            chosen.append(index)
    return sorted(chosen)


def repeated(chosen: Sequence[int], times: Sequence[float], stream: np.random.Generator) -> list[int]:
    """Each index as often as its `times` says on average: 1.5 is once or twice, by lot."""
    lots = stream.random(len(chosen))
    return [index for index, lot in zip(chosen, lots.tolist()) for _ in range(int(times[index] + lot))]


def padding_share(batches: Sequence[Sequence[Sequence[int]]], lengths: Sequence[int]) -> float:
    """The share of all places of all batches where nothing stands."""
    rows = [[sum(lengths[i] for i in row) for row in batch] for batch in batches]
    return 1 - sum(map(sum, rows)) / sum(len(batch) * max(batch) for batch in rows)
