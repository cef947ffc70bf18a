"""From a conversation to the text that the model's own chat template makes of it.

Text of a question is never read as a control token: `<image>` or `<|im_end|>` inside it gets a space, else it would count as
a picture or end the turn. Where a template knows no system message, that text opens the first question."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.read.parting import Marks, opened_by, part
from lamm_bench.types import Media, Message

from .load import Loaded
from .patience import TooLong, within

PROBE = "Zebra seven"  # words that no template holds
NOTHING: Mapping[str, Any] = {}
PATIENCE = 20.0  # seconds for one question; templates need milliseconds


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
    unthinking: Mapping[str, Any] = field(default_factory=dict, init=False)  # by which the template leaves thinking out
    closing: str = field(default="", init=False)  # what ends the thought that the template opens
    folds_system: bool = field(default=False, init=False)
    notes: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.guard = guard_of(self.loaded)
        user = Message("user", (PROBE,))
        self.probe(user)
        if self.loaded.vision:
            self.probe(Message("user", (Media("image", ""), PROBE)), pictures=True)
        try:
            talk = [Message("system", ("System wolf",)), user]
            self.folds_system = "System wolf" not in within(PATIENCE, lambda: self.render(talk))
        except Exception:  # a template refuses by raising whatever it likes
            self.folds_system = True
        if self.folds_system:
            self.notes.append("the chat template has no system message; its text opens the first question")
        self.look_for_thoughts(user)
        if not self.loaded.vision:
            self.notes.append("a text-only model: all media are left out, so its scores are those of a blind control")

    def probe(self, message: Message, pictures: bool = False) -> None:
        """Tries the template on a question."""
        try:
            text = within(PATIENCE, lambda: self.render([message]))
        except TooLong:
            raise BenchError(
                f"the chat template of {self.loaded.name} does not end: one question took more than {PATIENCE:g} s; give another "
                "with --set template=FILE.jinja"
            ) from None
        except Exception as error:  # as above
            raise BenchError(f"the chat template of {self.loaded.name} cannot render a question: {error}") from error
        told = PROBE in text and "'type'" not in text
        if not told or (pictures and text == self.render([Message("user", (PROBE,))])):
            what = "images" if pictures else "a question's text"
            raise BenchError(
                f"the chat template of {self.loaded.name} leaves out {what}; give another with --set template=FILE.jinja"
            )

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
        text = self.render(messages, words=self.unthinking if scores else {})
        if scores and messages[-1].role != "assistant":
            text += self.closing
        return Asked(text, images if self.loaded.vision else ())

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
        owner = self.loaded.processor or self.loaded.tokenizer
        turns = [self.turn(message) for message in (fold(messages) if self.folds_system else messages)]
        going_on = not closed and messages[-1].role == "assistant"
        return owner.apply_chat_template(
            turns,
            tokenize=False,
            add_generation_prompt=not closed and not going_on,
            continue_final_message=going_on,
            **{**self.words, **words},
        )

    def turn(self, message: Message) -> dict[str, Any]:
        """A message in the form that templates expect: plain text, or a list of images and texts."""
        if not self.loaded.vision:
            return {"role": message.role, "content": self.guarded(message.text)}
        parts = [
            {"type": "text", "text": self.guarded(part)} if isinstance(part, str) else {"type": "image"} for part in message.parts
        ]
        return {"role": message.role, "content": parts}

    def guarded(self, text: str) -> str:
        return self.guard.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text) if self.guard else text


def before_answer(prompt: str, told: str, marks: Sequence[Marks]) -> str:
    """What has to stand between a prompt and an option: what the template writes there itself, where that ends a thought without
    words; else the mark that ends the thought which the prompt has opened; mostly nothing."""
    opened = opened_by(prompt, marks)
    if told.startswith(prompt):
        before = told[len(prompt) : max(len(prompt), told.find(PROBE, len(prompt)))]
        found = part(before, (opened,) if opened else marks, opened is not None)
        if found.found and not found.open and not found.thought and not found.answer.strip():
            return before
    return f"\n{opened.written}\n\n" if opened else ""


def fold(messages: Sequence[Message]) -> Iterable[Message]:
    """The same conversation with its system text at the beginning of the first question."""
    system = "".join(message.text for message in messages if message.role == "system")
    for message in messages:
        if message.role == "system":
            continue
        if system and message.role == "user":
            media = tuple(part for part in message.parts if isinstance(part, Media))
            message = Message("user", (*media, f"{system}\n\n{message.text}"))
            system = ""
        yield message


def guard_of(loaded: Loaded) -> re.Pattern[str] | None:
    """Finds control tokens in a user's text."""
    tokenizer = loaded.tokenizer
    tokens = {str(token) for token in tokenizer.all_special_tokens}
    tokens |= {str(token) for token in getattr(tokenizer, "added_tokens_decoder", {}).values() if token.special}
    tokens |= {str(getattr(loaded.processor, name)) for name in ("image_token", "video_token") if hasattr(loaded.processor, name)}
    marked = sorted((token for token in tokens if len(token) > 2 and not token[0].isalnum()), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, marked))) if marked else None
