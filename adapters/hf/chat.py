"""From a conversation to the text that the model's own chat template makes of it.

Text of a question is never read as a control token: `<image>` or `<|im_end|>` inside it gets a space, else it would count as
a picture or end the turn. How a template is spoken to is found in forms.py."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.read import parting
from lamm_bench.read.parting import Marks, opened_by
from lamm_bench.types import Media, Message

from .forms import Forms, find, fold
from .load import Loaded
from .prepare import adds_images

PROBE = "Zebra seven"  # words that no template holds
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Asked:
    """A conversation as the model gets it."""

    text: str
    images: tuple[Media, ...]


@dataclass
class Wording:
    """The chat template of one model. Raises `BenchError` when it cannot render a question."""

    loaded: Loaded
    words: Mapping[str, Any] = field(default_factory=dict)  # more for the template: {"enable_thinking": False}
    marks: Sequence[Marks] = ()  # of thoughts
    own: str = ""  # words in which we ask for places, whose control tokens reach the model
    unthinking: Mapping[str, Any] = field(default_factory=dict, init=False)  # by which the template leaves thinking out
    closing: str = field(default="", init=False)  # what ends the thought that the template opens
    forms: Forms = field(init=False)
    placeholder: str = field(init=False)  # of a picture, in plain text
    notes: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.guard = guard_of(self.loaded, self.own)
        self.placeholder = self.loaded.own.image or str(getattr(self.loaded.processor, "image_token", "") or "")
        self.forms = find(self.loaded.name, self.rendered, self.loaded.vision, lambda: adds_images(self.loaded))
        self.notes += self.forms.notes
        if self.loaded.vision and self.forms.content["user"] == "text":
            self.notes.append(f"the chat template takes plain text; a picture is written as {self.placeholder!r} in it")
        self.look_for_thoughts(Message("user", (PROBE,)))
        if not self.loaded.vision:
            self.notes.append("a text-only model: all media are left out, so its scores are those of a blind control")

    def look_for_thoughts(self, question: Message) -> None:
        """Finds how options are scored as answers and not as thoughts: without thinking, or behind a thought that has ended."""
        silent = {"enable_thinking": False}
        plain = self.render([question])
        with contextlib.suppress(Exception):  # a template may refuse the word by raising whatever it likes
            if self.marks and "enable_thinking" not in self.words and self.render([question], words=silent) != plain:
                self.unthinking = silent
        told = ""
        with contextlib.suppress(Exception):  # as above
            told = self.render([question, Message("assistant", (PROBE,))], closed=True, words=self.unthinking)
        self.closing = before_answer(self.render([question], words=self.unthinking), told, self.marks)
        if self.unthinking:
            self.notes.append("options are scored without a thought before them: the chat template is told enable_thinking=false")
        if self.closing:
            self.notes.append(f"options are scored behind the end of a thought without words: {' '.join(self.closing.split())}")

    def prompt(self, messages: Sequence[Message], scores: bool = False) -> Asked:
        """The conversation up to where the assistant goes on; for `scores`, with no thought open in front of the options.

        Raises `BenchError` when there is nothing to answer."""
        if not any(message.role == "user" for message in messages):
            raise BenchError("a conversation has no turn of the user")
        images = tuple(part for message in messages for part in message.parts if isinstance(part, Media))
        for media in images:
            if media.kind != "image" and self.loaded.vision:
                raise BenchError(f"hf-chat takes images, and {media.path} is a point cloud; the adapter lamm takes point clouds")
        if not self.forms.history and any(message.role == "assistant" for message in messages):
            raise BenchError(f"the chat template of {self.loaded.name} leaves out what the assistant has said before")
        text = self.render(messages, words=self.unthinking if scores else {})
        if scores and messages[-1].role != "assistant":
            text += self.closing
        return Asked(text, images if self.loaded.vision else ())

    def with_beginning(self, messages: Sequence[Message], asked: Asked, begun: str) -> Asked:
        """The prompt with the beginning of the answer behind it, where the template would put it; blanks at its end go to the options."""
        lead = self.guarded(begun.rstrip())
        whole = self.answer(messages, asked.text, begun.rstrip() + " " + PROBE)
        at = whole.find(lead.strip())
        return replace(asked, text=asked.text + (whole[:at] if at > 0 and lead.strip() else "") + lead)

    def behind(self, messages: Sequence[Message], begun: str, option: str, closed: bool) -> str:
        """What follows the beginning of an answer when it goes on with an option; with what ends a turn where it is to be `closed`."""
        lead, text = self.guarded(begun.rstrip()), self.guarded(begun[len(begun.rstrip()) :] + option)
        if not closed:
            return text
        whole = self.answer(messages, self.prompt(messages, scores=True).text, begun + option)
        at = whole.find(lead.strip() + text)
        return whole[at + len(lead.strip()) :] if at >= 0 else text + (self.loaded.tokenizer.eos_token or "")

    def answer(self, messages: Sequence[Message], prompt: str, option: str) -> str:
        """What follows the prompt when the assistant says `option`: as the template writes it, up to the token that ends a turn."""
        tokenizer = self.loaded.tokenizer
        said = self.guarded(option)
        before = messages[-1].text if messages[-1].role == "assistant" else ""
        earlier = messages[:-1] if before else messages
        full = self.render([*earlier, Message("assistant", (before + option,))], closed=True, words=self.unthinking)
        stops = sorted(tokenizer.convert_ids_to_tokens(list(self.loaded.ends)))
        rest = full[len(prompt) :]
        at = rest.find(said.strip())
        if not full.startswith(prompt) or at < 0 or rest[:at].strip():
            return said + (tokenizer.eos_token or "")
        after = at + len(said.strip())
        ends = [(where, stop) for stop in stops if (where := rest.find(stop, after)) >= 0]
        if ends:
            where, stop = min(ends)
            return rest[: where + len(stop)]
        return rest.rstrip() + (tokenizer.eos_token or "")

    def render(self, messages: Sequence[Message], closed: bool = False, words: Mapping[str, Any] = NOTHING) -> str:
        """The template's text. An open conversation ends where the assistant begins, or goes on with its last message."""
        return self.rendered(messages, self.forms, closed, words)

    def rendered(
        self, messages: Sequence[Message], forms: Forms, closed: bool = False, words: Mapping[str, Any] = NOTHING
    ) -> str:
        """The same, spoken to in these forms."""
        owner = self.loaded.processor if hasattr(self.loaded.processor, "apply_chat_template") else self.loaded.tokenizer
        shown = self.loaded.vision and any(isinstance(part, Media) for message in messages for part in message.parts)
        folded = forms.system == "folded" or (forms.system == "alone" and shown)
        turns = self.turns(fold(messages) if folded else messages, forms)
        going_on = not closed and messages[-1].role == "assistant"
        return owner.apply_chat_template(
            turns,
            tokenize=False,
            add_generation_prompt=not closed and not going_on,
            continue_final_message=going_on,
            **{**self.words, **words},
        )

    def turns(self, messages: Sequence[Message], forms: Forms) -> list[dict[str, Any]]:
        """Messages in the form that the template takes: plain text, or a list of images and texts."""
        found = []
        number = 0
        for message in messages:
            texts, parts = "", []
            for part in message.parts:
                if isinstance(part, str):
                    texts += self.guarded(part)
                    parts.append({"type": "text", "text": self.guarded(part)})
                elif self.loaded.vision:
                    number += 1
                    texts += self.placeholder.format(number)
                    parts.append({"type": "image"})
            found.append({"role": message.role, "content": parts if forms.content[message.role] == "parts" else texts})
        return found

    def guarded(self, text: str) -> str:
        return self.guard.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text) if self.guard else text


def before_answer(prompt: str, told: str, marks: Sequence[Marks]) -> str:
    """What has to stand between a prompt and an option: what the template writes there itself, where that ends a thought without
    words; else the mark that ends the thought which the prompt has opened; mostly nothing."""
    opened = opened_by(prompt, marks)
    if told.startswith(prompt):
        before = told[len(prompt) : max(len(prompt), told.find(PROBE, len(prompt)))]
        found = parting.part(before, (opened,) if opened else marks, opened is not None)
        if found.found and not found.open and not found.thought and not found.answer.strip():
            return before
    return f"\n{opened.written}\n\n" if opened else ""


def guard_of(loaded: Loaded, own: str) -> re.Pattern[str] | None:
    """Finds control tokens in a user's text, but for those in words of our own."""
    tokenizer = loaded.tokenizer
    tokens = {str(token) for token in tokenizer.all_special_tokens}
    tokens |= {str(token) for token in getattr(tokenizer, "added_tokens_decoder", {}).values() if token.special}
    tokens |= {str(getattr(loaded.processor, name)) for name in ("image_token", "video_token") if hasattr(loaded.processor, name)}
    marked = sorted(
        (token for token in tokens if len(token) > 2 and not token[0].isalnum() and token not in own), key=len, reverse=True
    )
    return re.compile("|".join(map(re.escape, marked))) if marked else None
