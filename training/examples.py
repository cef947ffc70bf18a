"""Dialogues as tokens, cut to size and dealt into batches. Pure functions of data and seed: no shard or restart moves them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamm_bench.errors import BenchError
from lamm_bench.instruction import PromptFile
from lamm_bench.lamm.encode import IGNORE, Encoded, encode, encode_messages, encode_side_by_side, layout_called, pieces
from lamm_bench.lamm.tokenizer import MiniTokenizer
from lamm_bench.types import Media, Message

from .config import Data
from .data import Dialogue, merged


@dataclass(frozen=True)
class Example:
    """What one row of a batch is made of."""

    encoded: Encoded
    media: Media
    task_type: str
    text: tuple[int, ...]  # tokens of all answers: the partner of the media in the contrastive loss
    where: str


def rng(*key: object) -> np.random.Generator:
    """A random stream that belongs to `key`."""
    digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def make_examples(
    dialogues: Sequence[Dialogue], data: Data, prompts: PromptFile, tokenizer: MiniTokenizer, slots: dict[str, int], window: int
) -> list[Example]:
    """One example for each dialogue, or several where it is longer than `data.text_tokens`."""
    layout = layout_called(data.layout)
    out: list[Example] = []
    for one in merged(dialogues) if data.turns == "side_by_side" else dialogues:
        for part in cut(one, data, tokenizer):
            messages = part.messages(prompts)
            side = data.turns == "side_by_side"
            encoded = (encode_side_by_side if side else encode_messages)(messages, layout, tokenizer, slots)
            if len(encoded) > window:
                raise BenchError(f"{one.where}: {len(encoded)} tokens are more than the model's window of {window}")
            text = tuple(token for _, answer in part.turns for token in tokenizer.encode(answer + "\n"))
            out.append(Example(encoded, one.media, one.task_type, text, one.where))
    return out


def cut(one: Dialogue, data: Data, tokenizer: MiniTokenizer) -> list[Dialogue]:
    """Dialogues of whole turns, none longer than `data.text_tokens` tokens; a turn that is longer alone is an error.

    Upstream cuts wherever the limit falls; a turn here keeps its end, for it is where answers learn to stop."""
    out: list[Dialogue] = []
    room, held = data.text_tokens, []
    for turn in one.turns:
        need = sum(len(tokenizer.encode(text)) for text in turn) + 12  # tags, roles and separators
        if need > data.text_tokens:
            raise BenchError(f"{one.where}: a question with its answer has {need} tokens; data.text_tokens is {data.text_tokens}")
        if need > room:
            out.append(Dialogue(one.media, tuple(held), one.task_type, one.where))
            room, held = data.text_tokens, []
        held.append(turn)
        room -= need
    return [*out, Dialogue(one.media, tuple(held), one.task_type, one.where)]


def text_only(one: Dialogue, data: Data, prompts: PromptFile, tokenizer: MiniTokenizer) -> list[Encoded]:
    """Each turn as a conversation without its media, every token learnt: what the language model reads first."""
    out = []
    for question, answer in one.turns:
        system = prompts.of_task_type(one.task_type)
        head = (Message("system", (system,)),) if system else ()
        messages = (*head, Message("user", (question,)), Message("assistant", (answer,)))
        whole = encode(pieces(messages, layout_called(data.layout)), tokenizer, {})
        out.append(Encoded(whole.ids, (IGNORE, *whole.ids[1:]), whole.positions, whole.segments, ()))
    return out


def deal(lengths: Sequence[int], kinds: Sequence[str], batch: int, stream: np.random.Generator) -> list[list[int]]:
    """Batches of indices: one kind of media each, rows of like length together, batches in random order.

    Each is shuffled first and sorted only within groups of 32 batches, so that batches differ from epoch to epoch."""
    out: list[list[int]] = []
    for kind in sorted(set(kinds)):
        own = stream.permutation([i for i, k in enumerate(kinds) if k == kind]).tolist()
        for start in range(0, len(own), 32 * batch):
            group = sorted(own[start : start + 32 * batch], key=lambda i: lengths[i])
            out += [group[at : at + batch] for at in range(0, len(group), batch)]
    return [out[i] for i in stream.permutation(len(out)).tolist()]


def padding_share(batches: Sequence[Sequence[int]], lengths: Sequence[int]) -> float:
    """The share of all places of all batches where nothing stands."""
    places = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    return 1 - sum(lengths[i] for batch in batches for i in batch) / places
