"""The one road from messages to tokens, used by training and by evaluation (design.md, law 2).

`pieces` writes a conversation as a list of texts and media in one of the layouts of reference 3.5; `encode` tokenises
each piece on its own, as upstream does, and labels the assistant's pieces, closing separator included.

Layouts are data (layouts.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lamm_bench.errors import BenchError, unknown
from lamm_bench.types import Media, Message

from .chat import bound, chat_pieces
from .layouts import LAYOUTS, Layout, Piece, Render, Text, split_system, tags_of
from .window import first_window, last_window, shared

IGNORE = -100
"""The label of tokens that are not learnt; PyTorch's `cross_entropy` leaves it out by default."""


class Vocabulary(Protocol):
    """What `encode` needs of a tokenizer."""

    @property
    def bos(self) -> int | None:
        """None: conversations begin without one."""

    def encode(self, text: str) -> Sequence[int]:
        """Token ids of one piece, without special tokens."""


@dataclass(frozen=True)
class Encoded:
    """A conversation as tokens. The four sequences have one length L."""

    ids: tuple[int, ...]  # 0 where a media token stands
    labels: tuple[int, ...]  # the token's own id where it is learnt, IGNORE elsewhere (not yet shifted)
    positions: tuple[int, ...]
    segments: tuple[int, ...]  # 0: seen by all later tokens; k > 0: seen by the tokens of segment k only (see `pack`)
    media: tuple[tuple[int, Media], ...]  # where each media's run of tokens begins

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def learnt(self) -> int:
        """How many tokens have a label."""
        return sum(label != IGNORE for label in self.labels)


def layout_called(name: str | Layout, tokenizer: object = None) -> Layout:
    """A layout by name; `chat-template` needs the tokenizer whose template it is. A layout is given back as it is."""
    if isinstance(name, Layout):
        return name
    if name not in LAYOUTS:
        raise unknown("layout", name, LAYOUTS)
    layout = LAYOUTS[name]
    if not layout.template:
        return layout
    render: Render | None = getattr(tokenizer, "render", None)
    if render is None:
        raise BenchError(
            "the layout chat-template needs a language model whose tokenizer has a chat template; this one has none: "
            "use the layout vicuna-v0 or llama2"
        )
    return bound(layout, render)


def pieces(messages: Sequence[Message], layout: Layout, open_end: bool = False) -> tuple[Piece, ...]:
    """The conversation as texts and media, without the BOS token that comes first.

    A conversation that ends with the user ends in an invitation to the assistant. With `open_end` a last assistant's
    message is the beginning of an answer still to be continued: it gets neither a separator nor a label."""
    if layout.template:
        return chat_pieces(messages, layout, open_end)
    system, turns = split_system(messages)
    sep, invitation = layout.separator, f"\n{layout.separator} {layout.assistant}:"
    out: list[Piece] = []
    for index, turn in enumerate(turns):
        if turn.role == "assistant":
            last = open_end and index == len(turns) - 1
            out.append(Text(turn.text) if last else Text(f"{turn.text}\n{layout.closing}", label=True))
            continue
        lead = f"{layout.human}: " if index else f"{sep} {layout.human}: "
        body = turn.text
        if not index and system:
            if layout.system_first:
                lead = layout.system.replace("{system}", system) + lead
            else:
                body = f"{system}{sep} {layout.human}: {body}\n"
        close = ""
        for media in (part for part in turn.parts if isinstance(part, Media)):
            opening, closing = tags_of(media.kind)
            out += [Text(f"{close or lead}{opening}"), media]
            close = closing
        out.append(Text(f"{close} {body}{invitation}" if close else f"{lead}{body}{invitation}"))
    return tuple(out)


def encode(parts: Sequence[Piece], vocabulary: Vocabulary, slots: dict[str, int], bos: bool = True) -> Encoded:
    """Tokens of `pieces`; `slots` is the number of tokens of each kind of media that the model has, `bos` the layout's.

    >>> class Letters:
    ...     bos = 1
    ...     def encode(self, text): return [ord(c) for c in text]
    >>> encode([Text("a"), Text("b", label=True)], Letters(), {}).labels
    (-100, -100, 98)
    """
    ids = [vocabulary.bos] if bos and vocabulary.bos is not None else []
    labels, media = [IGNORE] * len(ids), []
    for part in parts:
        if isinstance(part, Media):
            if part.kind not in slots:
                raise BenchError(f"the model has no encoder for a {part.kind} ({part.path})")
            media.append((len(ids), part))
            ids += [0] * slots[part.kind]
            labels += [IGNORE] * slots[part.kind]
        else:
            tokens = list(vocabulary.encode(part.text))
            ids += tokens
            labels += tokens if part.label else [IGNORE] * len(tokens)
    return Encoded(tuple(ids), tuple(labels), tuple(range(len(ids))), (0,) * len(ids), tuple(media))


SPAN = 4096
"""Segment numbers of one conversation; in a packed row the k-th conversation's begin at k * SPAN."""


def pack(rows: Sequence[Encoded]) -> Encoded:
    """Several conversations in one row that do not see each other: no place is lost to padding (Krell et al. 2021)."""
    if len(rows) == 1:
        return rows[0]
    starts = [sum(map(len, rows[:number])) for number in range(len(rows))]
    return Encoded(
        tuple(token for row in rows for token in row.ids),
        tuple(label for row in rows for label in row.labels),
        tuple(position for row in rows for position in row.positions),
        tuple(number * SPAN + segment for number, row in enumerate(rows) for segment in row.segments),
        tuple((start + at, media) for start, row in zip(starts, rows) for at, media in row.media),
    )


def encode_messages(messages: Sequence[Message], layout: Layout, vocabulary: Vocabulary, slots: dict[str, int]) -> Encoded:
    """`pieces` and `encode` in one step."""
    return encode(pieces(messages, layout), vocabulary, slots, layout.bos)


def encode_option(
    messages: Sequence[Message],
    begun: str,
    option: str,
    window: str,
    layout: Layout,
    vocabulary: Vocabulary,
    slots: dict[str, int],
) -> Encoded:
    """The conversation with the assistant's answer: what it has begun with, then an option. Of the answer only the window's tokens have
    labels: with `message` all behind the beginning, what closes it included; with `option` and `first` see window.py. What the assistant
    has answered before is given, and has none."""
    *before, last = pieces((*messages, Message("assistant", (begun + option,))), layout)
    given = [Text(part.text) if isinstance(part, Text) else part for part in before]
    if window == "message" and not begun:
        return encode([*given, last], vocabulary, slots, layout.bos)
    head = encode(given, vocabulary, slots, layout.bos)
    assert isinstance(last, Text)
    # what closes a message is left out where it does not count: its tokens may be one with the option's last
    answer = list(vocabulary.encode(last.text if window == "message" else begun + option))
    lead = shared(answer, vocabulary.encode(begun)) if begun else 0
    if window == "message":
        start, end = lead, len(answer)
    else:
        start, end = (first_window if window == "first" else last_window)(answer, vocabulary.encode(option), lead)
    labels = [token if start <= place < end else IGNORE for place, token in enumerate(answer[:end])]
    count = len(head) + end
    return Encoded(
        (*head.ids, *answer[:end]), (*head.labels, *labels), tuple(range(count)), (*head.segments, *([0] * end)), head.media
    )


def encode_side_by_side(messages: Sequence[Message], layout: Layout, vocabulary: Vocabulary, slots: dict[str, int]) -> Encoded:
    """Every question with its answer as a conversation of its own, all sharing the tokens up to the media.

    Segments keep the turns from seeing each other, so each label's likelihood is exactly that of the one-turn
    conversation, at the price of one passage over the media (tests/test_lamm_encode.py holds the law)."""
    system, turns = split_system(messages)
    head = [Message("system", (system,))] if system else []
    media = tuple(part for part in turns[0].parts if isinstance(part, Media))
    ids: list[int] = []
    labels: list[int] = []
    positions: list[int] = []
    segments: list[int] = []
    places: tuple[tuple[int, Media], ...] = ()
    common = 0
    for number, index in enumerate(range(0, len(turns) - 1, 2), start=1):
        human, assistant = turns[index], turns[index + 1]
        parts = pieces([*head, Message("user", (*media, human.text)), assistant], layout)
        own = max((at + 1 for at, part in enumerate(parts) if isinstance(part, Media)), default=0)
        if number == 1:  # the beginning is the same for all turns
            first = encode(parts[:own], vocabulary, slots, layout.bos)
            ids, labels, positions = list(first.ids), list(first.labels), list(first.positions)
            common, places = len(first), first.media
            segments = [0] * common
        single = encode(parts[own:], vocabulary, slots, bos=False)
        ids += single.ids
        labels += single.labels
        positions += range(common, common + len(single))
        segments += [number] * len(single)
    return Encoded(tuple(ids), tuple(labels), tuple(positions), tuple(segments), places)
