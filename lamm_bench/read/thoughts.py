"""What stands before an answer and is not part of it: visible thoughts, and the marks by which chat formats part them.

A thought that was opened and never closed means that the answer never came: nothing is left to read."""

from __future__ import annotations

import re

from .parting import CONTROL

LONGEST = 200_000  # characters: of a longer answer the first and the last half of this are read
# blanks of no width part words; soft hyphens, marks of direction and the byte order mark do not
UNSEEN = str.maketrans({"\u200b": " ", "\xad": None, "\u200c": None, "\u200d": None, "\u200e": None, "\u200f": None, "\u2060": None, "\ufeff": None, "\0": " "})  # fmt: skip

NAMES = r"(?:seed:)?(?:think|thinking|thought|thoughts|reasoning|reason|reflection|analysis|scratchpad|cot|inner_monologue)"
OPENED = rf"<{NAMES}>|\[THINK\]|◁think▷|<\|(?:begin_of_thought|START_THINKING|think)\|>|<\|channel\|?>\s?(?:analysis|thought|commentary)\b"
CLOSED = rf"</{NAMES}>|\[/THINK\]|◁/think▷|<\|(?:end_of_thought|END_THINKING|/think)\|>|<\|channel\|?>\s?final\b(?:<\|message\|>)?|<channel\|>"
TAG = re.compile(rf"(?P<closed>{CLOSED})|(?P<opened>{OPENED})", re.I)
BARE = re.compile(r"assistant\s?final(?=\S|\s)")  # a decoder has dropped the marks of `<|channel|>final<|message|>`


def without_thoughts(text: str) -> str:
    """What is said behind the last thought; empty when a thought has no end.

    >>> without_thoughts("<think>Is it A? No.</think> B"), without_thoughts("It could be A.\\n</think>\\nB")
    (' B', '\\nB')
    >>> without_thoughts("<think>It may be A, but"), without_thoughts("B <think>it is green</think>")
    ('', 'B ')
    >>> without_thoughts("<|channel|>analysis<|message|>A?<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>")
    'B'
    """
    if "<" not in text and "[" not in text and "◁" not in text and not text.startswith("analysis"):
        return text
    start = end = 0  # of what is left: behind the last close; before a block that closes the whole text
    outside: list[str] = []
    depth = False
    for tag in TAG.finditer(text):
        if tag["opened"]:
            if not depth:
                outside.append(text[start : tag.start()])
            depth = True
        else:
            depth, start = False, tag.end()
        end = tag.end()
    if depth:
        return ""
    if end and not text[start:].strip():
        return CONTROL.sub("", "".join(outside))
    said = text[start:]
    if not end and said.startswith("analysis"):
        bare = list(BARE.finditer(said))
        said = said[bare[-1].end() :] if bare else said
    return CONTROL.sub("", said)


def visible(text: str) -> str:
    """An answer without thoughts and signs that nobody sees; of a very long one the beginning and the end.

    >>> visible("\\ufeffHO\\xadTEL\\u200bBAR"), len(visible("cat " * 10**6)) <= LONGEST + 3
    ('HOTEL BAR', True)
    """
    if len(text) > LONGEST:
        half = LONGEST // 2
        text = text[:half].rsplit(maxsplit=1)[0] + "\n\n" + text[-half:].split(maxsplit=1)[-1]
    text = without_thoughts(text)
    return text if text.isascii() and "\0" not in text else text.translate(UNSEEN)
