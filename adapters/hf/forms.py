"""The form in which a chat template takes a conversation, found by trying.

Some want each message as a list of parts, some as plain text, some one for the user and the other for the system; given the wrong one they
print the text of a Python list, or raise. Some know no system message, or none beside a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lamm_bench.errors import BenchError
from lamm_bench.types import Media, Message

from .patience import TooLong, within

Form = Literal["parts", "text"]
FORMS: tuple[Form, ...] = ("parts", "text")
PATIENCE = 20.0  # seconds for one question; templates need milliseconds
ASKED, TOLD, SAID = "Zebra seven", "System wolf", "Answer heron"  # words that no template holds
LIST = re.compile(r"""['"]type['"]\s*:""")  # of a content whose list was printed as it is
PICTURE = Media("image", "")


@dataclass(frozen=True)
class Forms:
    """How one template is spoken to."""

    content: dict[str, Form] = field(default_factory=lambda: dict.fromkeys(("system", "user", "assistant"), "parts"))
    system: Literal["own", "alone", "folded"] = "own"  # a message of its own; only without pictures; opens the first question
    history: bool = True  # whether earlier answers are told

    def of(self, role: str, form: Form) -> Forms:
        return replace(self, content={**self.content, role: form})

    @property
    def notes(self) -> list[str]:
        """What a reader of the manifest should know."""
        if self.system == "folded":
            return ["the chat template has no system message; its text opens the first question"]
        if self.system == "alone":
            return ["the chat template takes no system message beside a picture; there its text opens the first question"]
        return []


Render = Callable[[Sequence[Message], Forms], str]


def find(name: str, render: Render, vision: bool, adds_images: Callable[[], bool]) -> Forms:
    """The forms that the template of the model `name` reads. `adds_images` says whether the processor writes for a picture itself.

    Raises `BenchError` where it cannot render a question in any form."""
    forms = asking(name, render, vision, adds_images)
    return telling(answering(forms, render), render, vision)


def asking(name: str, render: Render, vision: bool, adds_images: Callable[[], bool]) -> Forms:
    """The forms with that of the user's questions."""
    faults = []
    for form in FORMS if vision else reversed(FORMS):
        forms = Forms(dict.fromkeys(("system", "user", "assistant"), form))
        try:
            fault = fault_of(render, forms, vision, adds_images)
        except TooLong:
            raise BenchError(
                f"the chat template of {name} does not end: one question took more than {PATIENCE:g} s; give another "
                "with --set template=FILE.jinja"
            ) from None
        except Exception as error:  # a template refuses by raising whatever it likes
            fault = f"cannot render a question: {error}"
        if not fault:
            return forms
        faults.append(fault)
    raise BenchError(f"the chat template of {name} {faults[0]}; give another with --set template=FILE.jinja")


def fault_of(render: Render, forms: Forms, vision: bool, adds_images: Callable[[], bool]) -> str:
    """What a template does wrong with a question in this form; empty when nothing."""
    plain = within(PATIENCE, lambda: render([Message("user", (ASKED,))], forms))
    if not tells(plain, ASKED):
        return "leaves out a question's text"
    if not vision:
        return ""
    shown = within(PATIENCE, lambda: render([Message("user", (PICTURE, ASKED))], forms))
    if not tells(shown, ASKED):
        return "leaves out the text of a question about an image"
    return "leaves out images" if shown == plain and not adds_images() else ""


def answering(forms: Forms, render: Render) -> Forms:
    """The forms with that of earlier answers."""
    talk = [Message("user", (ASKED,)), Message("assistant", (SAID,)), Message("user", ("And?",))]
    for tried in (forms.of("assistant", form) for form in (forms.content["user"], *FORMS)):
        if told(render, talk, tried, ASKED, SAID):
            return tried
    return replace(forms, history=False)


def telling(forms: Forms, render: Render, vision: bool) -> Forms:
    """The forms with that of the system message."""
    system, user = Message("system", (TOLD,)), Message("user", (ASKED,))
    for tried in (forms.of("system", form) for form in (forms.content["user"], *FORMS)):
        if told(render, [system, user], tried, TOLD, ASKED):
            beside = not vision or told(render, [system, Message("user", (PICTURE, ASKED))], tried, TOLD, ASKED)
            return tried if beside else replace(tried, system="alone")
    return replace(forms, system="folded")


def told(render: Render, talk: Sequence[Message], forms: Forms, *words: str) -> bool:
    """Whether a template renders this conversation, and all of the words in it."""
    try:
        return tells(within(PATIENCE, lambda: render(talk, forms)), *words)
    except Exception:  # as above; one that does not end here does so in this form
        return False


def tells(text: str, *words: str) -> bool:
    return all(word in text for word in words) and not LIST.search(text)


def fold(messages: Sequence[Message]) -> list[Message]:
    """The same conversation with its system text in front of the first text of the first question; pictures stay where they are."""
    system = "".join(message.text for message in messages if message.role == "system")
    found = []
    for message in messages:
        if message.role == "system":
            continue
        if system and message.role == "user":
            message = Message("user", opened(message.parts, system))
            system = ""
        found.append(message)
    return found


def opened(parts: Sequence[Any], system: str) -> tuple[Any, ...]:
    at = next((number for number, part in enumerate(parts) if isinstance(part, str)), None)
    if at is None:
        return (*parts, system)
    return (*parts[:at], f"{system}\n\n{parts[at]}", *parts[at + 1 :])
