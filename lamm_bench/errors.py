"""Errors for people: one sentence that says what, where, and what would be right. The command line exits with 2.

Errors that are ours (bugs) are left to fly with their traceback."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

UNSEEN = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
"""What a terminal would obey, or what would turn a line around; line breaks and tabs are neither."""


class BenchError(Exception):
    """Something a user can mend. `str(error)` is the whole message."""


class MediaError(BenchError):
    """An image or point cloud that cannot be used; ends its samples as `media_error`, never the run."""


class Stopped(BenchError):
    """An adapter that will answer nothing more now (budget, quota, server gone). What was not asked stays `missing`, to be resumed."""


class UpstreamStops(Exception):
    """An input on which upstream's evaluator ends with an exception; we count it as wrong and say so."""


MOST = 60  # names that one sentence tells
NEAREST = 8  # of those that are more, where no `list` has them
NEAR = 0.6  # likeness from which another name is proposed; below it the proposal is a guess
LISTED = {"task": "tasks", "task or group": "tasks", "model": "models", "recipe": "recipes", "corruption": "corruptions"}


def unknown(kind: str, name: str, known: Iterable[str]) -> BenchError:
    """The error for a name that does not exist, with the nearest one that does.

    >>> str(unknown("task", "cifar", ["cifar10", "svt"]))
    "no task called 'cifar'. Did you mean 'cifar10'? There are: cifar10, svt"
    """
    names = sorted(known)
    folded = {each.casefold(): each for each in names}
    near = difflib.get_close_matches(name, names, n=1, cutoff=NEAR)
    near = near or [folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=NEAR)]
    near = near or [whole for each, whole in folded.items() if name and each.startswith(name.casefold())][:1]
    hint = f" Did you mean '{near[0]}'?" if near else ""
    if len(names) <= MOST:
        there = f"There are: {', '.join(names) or 'none'}"
    elif kind in LISTED:
        there = f"There are {len(names)}; `lamm-bench list {LISTED[kind]}` shows them"
    else:
        there = f"There are {len(names)}, as {', '.join(sorted(difflib.get_close_matches(name, names, n=NEAREST, cutoff=0)))}"
    return BenchError(f"no {kind} called '{name}'.{hint} {there}")


def visible(text: str) -> str:
    r"""Text of strangers for a terminal: what it would obey is shown as an escape.

    >>> visible("\x1b[2Jowned\x07")
    '\\x1b[2Jowned\\x07'
    """
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
