"""Which tokens of an answer make an option's score: those of the option where they end the answer, or where they stand first in it.

An option's tokens behind a beginning need not be those that it has alone: `cat` behind `It is a ` may be one token with the blank. So the
option's tokens are looked for as it has them alone, and else are all that it adds to the beginning (reference 2.2.2, 2.2.3)."""

from __future__ import annotations

import os
from collections.abc import Sequence


def shared(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two rows have in common from the left.

    >>> shared([1, 2, 3], [1, 2, 4, 5])
    2
    """
    return len(os.path.commonprefix([list(first), list(second)]))


def last_window(answer: Sequence[int], option: Sequence[int], lead: int) -> tuple[int, int]:
    """Where the option's own tokens stand at the end of an answer, the first and the one behind the last; `lead` tokens are surely the
    beginning's where the option's tokens do not end it as they are alone.

    >>> last_window([7, 8, 7, 8], [7, 8], 1), last_window([7, 9], [8], 1)
    ((2, 4), (1, 2))
    """
    end = len(answer)
    if option and list(answer[end - len(option) :]) == list(option):
        return end - len(option), end
    return min(lead, end), end


def first_window(answer: Sequence[int], option: Sequence[int], lead: int) -> tuple[int, int]:
    """Where the option's tokens stand first in the whole answer, its beginning included; else as `last_window`.

    >>> first_window([7, 8, 7, 8], [7, 8], 1), first_window([7, 9], [8], 1)
    ((0, 2), (1, 2))
    """
    wanted = list(option)
    for start in range(len(answer) - len(wanted) + 1 if wanted else 0):
        if list(answer[start : start + len(wanted)]) == wanted:
            return start, start + len(wanted)
    return last_window(answer, option, lead)
