"""The caption in an answer: without thoughts, wrappers, "Here is a caption:", and nothing where the answer refuses."""

from __future__ import annotations

import re

from .refusals import refuses
from .vocabulary import words
from .wrappers import answer_of

KEYS = ("caption", "description", "sentence", "text", "imagecaption", "imagedescription", "summary")
SUBJECT = r"(?:captions?|descriptions?|sentences?|summary|image|picture|photo)"
LABEL = re.compile(
    r"^\W{0,3}(?:(?:a |an |the |my |one[- ]sentence |short |brief |possible |suggested |final |image |photo |picture |english )*(?:caption|description|answer|sentence|summary|response|output)s?"
    r"(?: (?:of|for) (?:the|this) (?:image|picture|photo))?(?: \d)?)\s{0,3}(?:[:：]\s*|\n+\s*|(?:is|would be|could be|reads)[:,]?\s*(?=[\"“]|\n))",
    re.I,
)
PREAMBLE = re.compile(
    rf"^\W{{0,3}}(?:(?:sure|certainly|of course|absolutely|okay|ok|great|alright)\b(?: thing)?[,.!]*\s*)?(?:(?:here(?:'s| is| are)|here you go|this is|below is|the following is)\b[^\n:]{{0,120}}?\b(?:{SUBJECT}|one|it|goes|see)\b[^\n:]{{0,80}}?[:：]\s*"
    rf"|[^\n:.]{{0,100}}\b(?:caption|description|sentence)\b[^\n:.]{{0,60}}[:：]\s*)",
    re.I,
)
OPENING = re.compile(
    r"^\W{0,3}(?:sure|certainly|of course|absolutely|okay|ok|great|alright)(?: thing)?(?:[!.,:]+\s+|\n+)(?=\W?[A-Z\"“])", re.I
)
CLOSING = re.compile(
    r"\n\s*\n\s*(?:i hope\b|let me know\b|feel free\b|would you\b|if you (?:need|want|would|have)\b|please let\b|is there anything\b|note:|\(?word count\b)[^\n]*(?:\n[^\n]*)*\Z",
    re.I,
)
LONGEST = 20_000  # characters of a caption that are looked at: some three thousand words
QUOTES = (('"', '"'), ("“", "”"), ("'", "'"), ("«", "»"), ("「", "」"))


def read_caption(text: str) -> str | None:
    """The caption that is said; None where there is none.

    >>> read_caption("Sure! Here's a one-sentence description: Two dogs run."), read_caption('{"caption": "Two dogs run."}')
    ('Two dogs run.', 'Two dogs run.')
    >>> read_caption("**Caption:** Two dogs run."), read_caption('"Two dogs run."'), read_caption("<think>dogs</think>Two dogs run.")
    ('Two dogs run.', 'Two dogs run.', 'Two dogs run.')
    >>> [read_caption(text) for text in ("I'm sorry, I can't describe this image.", "<think>Two dogs, I", "...", "As an AI, I cannot see.")]
    [None, None, None, None]
    """
    said = answer_of(text, KEYS).strip()
    if refuses(said, unclear=False):
        return None
    for introduction in (OPENING, PREAMBLE, LABEL):
        rest = introduction.sub("", said, count=1)
        said = rest if words(rest) else said
    rest = CLOSING.sub("", said)
    said = (rest if words(rest) else said).strip()
    for opening, closing in QUOTES:
        inside = said[1:-1]
        if (
            len(said) > 2
            and said.startswith(opening)
            and said.endswith(closing)
            and opening not in inside
            and closing not in inside
        ):
            said = inside.strip()
    said = said[:LONGEST]
    return said if words(said) and not refuses(said, unclear=False) else None
