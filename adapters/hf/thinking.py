"""How a loaded model's thoughts are told from its answers, and how long it may think.

A checkpoint that brings a `response_template` says itself what is what (transformers, utils/chat_parsing); else marks do
(`lamm_bench/read/parting.py`). The tokens of a thought are counted up to the mark that ends it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.read.marks import PLACES
from lamm_bench.read.parting import Marks, Parted, always_opened, begun_by, chosen, may_begin, opened_by, part

from .load import Loaded

FIELDS = ("reasoning_content", "thinking", "reasoning")  # of a response template; transformers' own `_REASONING_FIELDS`, and ours
TAIL = 32  # tokens in which the end of a thought is looked for, after each one; no mark is longer


@dataclass(frozen=True)
class Said:
    """One answer, read off its tokens."""

    text: str
    thought: str = ""
    thought_tokens: int | None = None
    open: bool = False  # the thought has not ended


@dataclass
class Thinking:
    """What tells the thoughts of one model; `budget` are the tokens that a thought may have besides the answer's own (0: none)."""

    loaded: Loaded
    setting: str = ""  # `thinking=` of the adapter
    budget: int = 0
    places: bool = False  # whether marks of places are special tokens that an answer keeps
    marks: tuple[Marks, ...] = field(init=False)
    template: Mapping[str, Any] | None = field(init=False)
    notes: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        told = getattr(self.loaded.tokenizer, "response_template", None)
        self.template = told if not self.setting and isinstance(told, Mapping) else None
        own = marks_of(self.template) if self.template else ()
        self.marks = own + tuple(one for one in chosen(self.setting) if one not in own)

    def said(self, ids: Sequence[int], prompt: str) -> Said:
        """What these tokens say behind this prompt. A text without a thought is what it would be if nobody looked for one."""
        raw = decode(self.loaded, ids, keep=True) if self.marks or self.template else ""
        found = self.parted(raw, prompt)
        if not found.found:
            return Said(self.plain(decode(self.loaded, ids, keep=True)) if self.places else decode(self.loaded, ids, keep=False))
        answer, thought = (self.plain(text).strip() for text in (found.answer, found.thought))
        return Said(answer, thought, self.counted(ids, found.end), found.open)

    def plain(self, raw: str) -> str:
        """A text without special tokens, but for marks of places where the model's convention needs them."""
        return without_special(self.loaded, raw, PLACES if self.places else None)

    def parted(self, raw: str, prompt: str) -> Parted:
        """Thought and answer, by the template where it finds a thought, else by the marks."""
        marked = part(raw, self.marks, opened_by(prompt, self.marks) is not None)
        if self.template is None:
            return marked
        try:
            message = self.loaded.tokenizer.parse_response(raw, prefix=prompt)
            thought, answer = next((message[key] for key in FIELDS if message.get(key)), None), message.get("content") or ""
        except Exception as error:  # a stranger's patterns, applied to whatever a model said
            self.template = None
            why = " ".join(str(error).split())[:200]
            self.notes.append(
                f"the checkpoint's response_template cannot be used ({type(error).__name__}: {why}); marks tell thoughts"
            )
            return marked
        if not isinstance(thought, str) or not isinstance(answer, str) or not thought.strip():
            return marked
        silent = not answer.strip()
        return Parted(answer, thought, silent and (marked.open or not marked.found), marked.end or len(raw))

    def counted(self, ids: Sequence[int], end: int) -> int:
        """How many of the tokens come before this character of their text."""
        return bisect_left(range(len(ids)), end, key=lambda count: len(decode(self.loaded, ids[:count], keep=True)))

    def opened(self, ids: Sequence[int], prompt: str) -> Marks | None:
        """The marks of the thought that the prompt has left open, or with which the answer has begun."""
        told = always_opened(self.marks) or opened_by(prompt, self.marks)
        return told or begun_by(decode(self.loaded, ids[:TAIL], keep=True), self.marks)

    def undecided(self, ids: Sequence[int]) -> bool:
        """Whether the answer may yet turn out to begin with a thought."""
        return len(ids) < TAIL and may_begin(decode(self.loaded, ids, keep=True), self.marks)

    def ended(self, ids: Sequence[int], marks: Marks) -> bool:
        """Whether the latest of these tokens have ended the thought."""
        return not part(decode(self.loaded, ids[-TAIL:], keep=True), (marks,), opened=True).open


def decode(loaded: Loaded, ids: Sequence[int], keep: bool) -> str:
    """The text of tokens. `keep` leaves special tokens in it, such as marks of thoughts and of places; else they are left out."""
    return str(loaded.tokenizer.decode(list(ids), skip_special_tokens=not keep, clean_up_tokenization_spaces=False))


def without_special(loaded: Loaded, text: str, kept: re.Pattern[str] | None = None) -> str:
    """A text that was decoded with special tokens, without them, but for those that are `kept`."""
    added = getattr(loaded.tokenizer, "added_tokens_decoder", {}).values()
    special = {*map(str, loaded.tokenizer.all_special_tokens), *(str(token) for token in added if token.special)}
    gone = (name for name in special if name and name in text and not (kept and kept.fullmatch(name)))
    names = sorted(gone, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, names)), "", text) if names else text


def marks_of(template: Mapping[str, Any]) -> tuple[Marks, ...]:
    """The marks of a response template's thought, where they are written as texts; empty where they are patterns."""
    fields = template.get("fields")
    spec = next((fields[key] for key in FIELDS if key in fields), None) if isinstance(fields, Mapping) else None
    if not isinstance(spec, Mapping):
        return ()
    opening, closing = (listed(spec.get(key)) for key in ("open", "close"))
    if not opening or not closing:
        return ()
    return (Marks(either(opening), either(closing), tuple(opening), closing[0]),)


def either(words: Sequence[str]) -> str:
    """A pattern of any of the words, longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def listed(words: Any) -> list[str]:
    found = [words] if isinstance(words, str) else words
    return [word for word in found if isinstance(word, str) and word] if isinstance(found, list) else []
