"""What a check says, and how one is written: a function of a `Patient` with the decorator `check`.

It returns a sentence of evidence, raises `Failed` with the reason, or `NotApplicable` with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Verdict: TypeAlias = Literal["pass", "fail", "not applicable"]
Examination: TypeAlias = Callable[[Any], str]  # of a `Patient`, which stands above this file

NO_ANSWERS = "not asked, since `answers` failed; named on its own the check runs all the same"


class Failed(Exception):
    """The adapter does not do what the check asks for."""


class NotApplicable(Exception):
    """The check says nothing about this adapter."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The end of one check."""

    check: str  # its name, for `--check`
    title: str  # what must hold
    verdict: Verdict
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    title: str
    run: Examination


def check(shelf: list[Check], name: str, title: str) -> Callable[[Examination], Examination]:
    """Puts the function on a shelf of checks."""

    def put(run: Examination) -> Examination:
        shelf.append(Check(name, title, run))
        return run

    return put
