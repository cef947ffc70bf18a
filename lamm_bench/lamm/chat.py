"""The layout `chat-template`: a conversation in the form that the language model's own tokenizer gives it.

The template is shown marks in place of what is said; where the marks come out, texts and media are put. So no template has
to be understood, and media stand inside the user's message, between LAMM's tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from lamm_bench.errors import BenchError
from lamm_bench.types import Media, Message

from .layouts import Layout, Piece, Render, Text, split_system, tags_of

MARK = re.compile(r"MARK(\d+)OFLAMM")


def mark(number: int) -> str:
    return f"MARK{number}OFLAMM"


def bound(layout: Layout, render: Render) -> Layout:
    """The layout with a tokenizer's template, and the closing of its answers, which generation also stops at."""
    asked = render([{"role": "user", "content": mark(0)}], True)
    told = render([{"role": "user", "content": mark(0)}, {"role": "assistant", "content": mark(1)}], False)
    if asked.count(mark(0)) != 1 or told.count(mark(1)) != 1:
        raise BenchError("the chat template of the language model leaves out or repeats what is said; use another layout")
    closing = told.split(mark(1))[1].rstrip()
    return replace(layout, render=render, closing=closing, stops=(closing.strip(),) if closing.strip() else ())


def chat_pieces(messages: Sequence[Message], layout: Layout, open_end: bool) -> tuple[Piece, ...]:
    """`encode.pieces` for a layout with a template.

    The invitation before the last answer is the one that generation sees, so that an answer is weighed behind exactly the
    tokens behind which it would be said."""
    system, turns = split_system(messages)
    head, last = (turns[:-1], turns[-1]) if turns[-1].role == "assistant" else (turns, None)
    said: list[Piece] = []  # by the number of their mark
    contents: list[str] = []

    def put(piece: Piece) -> str:
        said.append(piece)
        return mark(len(said) - 1)

    if system:
        contents.append(put(Text(system)))
    for turn in head:
        if turn.role == "assistant":
            contents.append(put(Text(turn.text + layout.closing, label=True)))
            continue
        content = ""
        for one in (part for part in turn.parts if isinstance(part, Media)):
            opening, end = tags_of(one.kind)
            content += f"{opening}{put(one)}{end}"
        contents.append(f"{content} {put(Text(turn.text))}" if content else put(Text(turn.text)))
    assert layout.render is not None
    out = filled(written(layout.render, bool(system), tuple(contents), len(said)), said, layout.closing)
    if last is not None:
        out.append(Text(last.text) if open_end else Text(last.text + layout.closing, label=True))
    return tuple(out)


@lru_cache(maxsize=256)
def written(render: Render, system: bool, contents: tuple[str, ...], marks: int) -> str:
    """What the template makes of a conversation of marks; a system message that it refuses goes before the first question."""
    texts = list(contents)
    roles = ["user", "assistant"] * len(texts)
    folded = [f"{texts[0]}\n\n{texts[1]}", *texts[2:]] if system else texts
    tries = [(["system", *roles], texts), (roles, folded)] if system else [(roles, texts)]
    reason = "it leaves out or changes what is said"
    for names, content in tries:
        try:
            out = render([{"role": role, "content": text} for role, text in zip(names, content)], True)
        except BenchError as error:
            reason = str(error)
            continue
        if [int(number) for number in MARK.findall(out)] == list(range(marks)):
            return out
    raise BenchError(f"the chat template of the language model cannot write this conversation: {reason}")


def filled(text: str, said: Sequence[Piece], closing: str) -> list[Piece]:
    """The pieces of a rendered conversation: neighbouring plain texts become one, media and answers stand alone."""
    parts = MARK.split(text)
    out: list[Piece] = []
    plain = parts[0]
    for number, after in zip(parts[1::2], parts[2::2]):
        piece = said[int(number)]
        if isinstance(piece, Text) and not piece.label:
            plain += piece.text + after
            continue
        if isinstance(piece, Text) and not after.startswith(closing):
            raise BenchError("the chat template of the language model closes its answers in different ways; use another layout")
        out += [Text(plain), piece]
        plain = after.removeprefix(closing) if isinstance(piece, Text) else after
    return [*out, Text(plain)]
