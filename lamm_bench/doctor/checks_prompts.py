"""Checks of what is said to the model: all of it counts, and no text is too odd to be asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lamm_bench.ask.instruction import prompt_file
from lamm_bench.types import Generate, Message

from .patient import Patient, short, shown
from .verdict import Check, Failed, NotApplicable, check

CHECKS: list[Check] = []

SCRIPTS = ("Où est-il ?", "它是什么颜色？", "ما هو اللون؟", "👩‍👩‍👧 \U0001f408?", "e\u0301\u200b\u202e\ufeff?", "\U0010ffff\x00?")
LINES = ("\nWhich colour?\n\n", "Which\r\ncolour?", "\t Which colour? \t", "\n", "a\nb\nc\nd")
CONTROL = ("<image>", "<|im_end|>", "### Human: ###", "</s><s>[INST]", "<Img></Img>", "{question} {} %s {{x}}", "<|image_pad|>")
PRINTED = re.compile(r"""['"]type['"]\s*:\s*['"]text['"]""")  # of a message's parts, whose list a chat template printed


@check(CHECKS, "question", "the wording of the question counts")
def question(p: Patient) -> str:
    p.needs_prompt()
    words = ("What is it?", "Count to ten.", "Say the word zebra.", "Is it large or small?")
    moved = sum(p.reacts(p.question(0), p.worded(text)) for text in words)
    if not moved:
        raise Failed("four other questions changed nothing")
    return f"{moved} of {len(words)} other wordings changed what it says"


@check(CHECKS, "history", "system message and earlier turns count, or are refused")
def history(p: Patient) -> str:
    p.needs_prompt()
    asked = p.question(0)
    talks = {
        "a system message": (Message("system", ("Answer in capital letters.",)), *asked.messages),
        "an earlier turn": (*asked.messages, Message("assistant", ("I would rather not say.",)), Message("user", ("Why not?",))),
    }
    told = []
    for what, messages in talks.items():
        longer = replace(asked, messages=messages)
        (response,) = p.generate([longer])
        if response.error is not None:
            told.append(f"{what} is refused: {short(response.error)}")
        elif not p.reacts(asked, longer):
            raise Failed(f"{what} changed nothing")
        else:
            told.append(f"{what} counts")
    return "; ".join(told)


@check(CHECKS, "recipe", "a recipe's own system message beside the media is taken, and counts")
def recipe(p: Patient) -> str:
    p.needs_prompt()
    asked = [with_system(p, question) for question in p.questions()]
    p.answered(asked)
    if p.scores:
        p.scored([p.scoring(request) for request in asked])
    if not any(p.reacts(plain, request) for plain, request in zip(p.questions(), asked)):
        raise Failed(f"the system message {short(asked[0].messages[0].text)!r} changed nothing in {len(asked)} questions")
    return f"{len(asked)} questions with the system message {short(asked[0].messages[0].text)!r}"


def with_system(p: Patient, asked: Generate) -> Generate:
    """The request as our own recipes ask it, with the system message of its kind of task."""
    system = prompt_file("standard").of_kind(p.material.task.kind) or "Answer the question."
    return replace(asked, messages=(Message("system", (system,)), *asked.messages))


@check(CHECKS, "prompt", "what the model is told holds all that was said, word for word")
def prompt(p: Patient) -> str:
    told = getattr(p.adapter, "told", None)
    if not callable(told):
        raise NotApplicable("it does not show what its model is told (a method `told`)")
    asked = with_system(p, p.question(0)).messages
    said = (*asked, Message("assistant", ("I would rather not say.",)), Message("user", ("Why not?",)))
    for messages in (asked[1:], asked, said):
        text = told(messages)
        for message in messages:
            if message.text.strip() not in text:
                raise Failed(f"the text of the {message.role}, {short(message.text)!r}, is not in {short(text, 200)!r}")
        if PRINTED.search(text):
            raise Failed(f"a list of Python was printed as it is: {short(text, 200)!r}")
    return f"for instance {short(text, 100)!r}"


def taken(p: Patient, requests: Sequence[Generate]) -> str:
    """Odd requests between plain ones: answered, and the plain ones as if alone."""
    plain = p.question(1)
    (alone,) = p.answered([plain])
    found = p.generate([plain, *requests, plain])
    p.same("beside an odd question", [alone, alone], [found[0], found[-1]])
    for request, response in zip(requests, found[1:-1]):
        if response.error is not None:
            raise Failed(f"the question {short(request.messages[-1].text, 40)!r} ended in an error: {response.error}")
    if p.scoring_kind == "texts":  # of letters a server shows the likeliest only, which may be none of them
        scored = p.score([p.scoring(request) for request in requests])
        for request, response in zip(requests, scored):
            if response.error is not None:
                raise Failed(f"scoring after {short(request.messages[-1].text, 40)!r} ended in an error: {response.error}")
    return f"{len(requests)} answered, plain questions beside them as if alone"


@check(CHECKS, "long", "a question far beyond the window is answered or refused, and harms no other")
def long(p: Patient) -> str:
    plain = p.question(1)
    (alone,) = p.answered([plain])
    first, response, last = p.generate([plain, p.worded("What is there to see in it, and why? " * 2500), plain])
    p.same("beside a very long question", [alone, alone], [first, last])
    if response.error is None:
        return f"20,000 words are answered: {shown(response)}"
    return f"20,000 words are refused: {response.error}"


@check(CHECKS, "empty", "a question without a word is answered")
def empty(p: Patient) -> str:
    return taken(p, [p.worded(""), p.worded(" ")])


@check(CHECKS, "unicode", "questions in any script are answered")
def unicode(p: Patient) -> str:
    return taken(p, [p.worded(text) for text in SCRIPTS])


@check(CHECKS, "lines", "line breaks and tabs in a question are taken")
def lines(p: Patient) -> str:
    return taken(p, [p.worded(text) for text in LINES])


@check(CHECKS, "control", "what looks like a control token in a question is only text")
def control(p: Patient) -> str:
    return taken(p, [p.worded(f"What does {text} mean?") for text in CONTROL])
