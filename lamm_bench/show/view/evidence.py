"""Which part of an answer was read: found by reading again, never guessed.

A reader gives a meaning and no place. So the place is found by trial: the shortest run of words, cut from the end and then from the
beginning, that the same reader still reads to the very same meaning. It is shown only if it is needed, too: with that run taken out, the
rest must be read as something else. Where words far apart make the meaning together, the run reaches from the first to the last of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

WORD = re.compile(r"[\[({<]*[^\s\[\](){}<>,;]+[^\s\[({<]*|[^\s]")
MOST_WORDS = 1200  # of an answer that is tried; of longer ones nothing is said
Read = Callable[[str], Any]


def evidence(read: Read, text: str) -> tuple[int, int] | None:
    """Beginning and end (characters) of what `read` took `text`'s meaning from; None where there is none, or no part decides.

    >>> import re
    >>> number = lambda text: (found := re.search("[0-9]+", text)) and found[0]
    >>> evidence(number, "I count 12 of them.")
    (8, 10)
    >>> evidence(number, "none at all") is None, evidence(number, "12 or 12") is None
    (True, True)
    """
    words = [match.span() for match in WORD.finditer(text)]
    if not words or len(words) > MOST_WORDS:
        return None
    meaning = tried(read, text)
    if meaning is None:
        return None

    def same(first: int, last: int) -> bool:
        """Whether the words from `first` up to, without, `last` mean the same by themselves."""
        return equal(tried(read, text[words[first][0] : words[last - 1][1]]), meaning)

    whole = text == text[words[0][0] : words[-1][1]]  # and need not be read once more
    if not (equal(meaning, meaning) if whole else same(0, len(words))):
        return None  # what stands around it counts, such as blanks
    last = shrink(len(words), lambda count: same(0, count))
    kept = shrink(last, lambda count: same(last - count, last))
    begin, end = words[last - kept][0], words[last - 1][1]
    if equal(tried(read, f"{text[:begin]} {text[end:]}"), meaning):
        return None  # it is said elsewhere as well
    return begin, end


def shrink(count: int, enough: Callable[[int], bool]) -> int:
    """The smallest count that steps of half, a quarter ... lead to from `count` on, each of them `enough`; `count` is."""
    step = count // 2
    while step:
        while count - step >= 1 and enough(count - step):
            count -= step
        step //= 2
    return count


def tried(read: Read, text: str) -> Any:
    """What is read, or None; a part of an answer may be what no reader was made for."""
    try:
        return read(text)
    except Exception:  # of any task's reader, also a plug-in's: then there is no evidence, and the page is none the worse
        return None


def equal(one: Any, other: Any) -> bool:
    """Whether two meanings are the same, whatever type a reader gives."""
    try:
        return type(one) is type(other) and bool(one == other)
    except (TypeError, ValueError):  # arrays, which have no single truth
        return False
