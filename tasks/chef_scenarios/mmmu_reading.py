"""How MMMU's own parsers, which ChEF uses, read an answer (reference 1.17.5, 9.8), and how ours reads an open one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lamm_bench.read import answer_of, refuses, says_nothing
from lamm_bench.read.options import folded

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
EDGES = ",.!?;:'"  # taken off both ends one after the other
LONG = 5  # words above which options are looked for by their texts
CUES = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
MARKS = frozenset(":,.!?;'")
NUMBERS = (
    re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b"),
    re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d+"),
    re.compile(r"-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d])"),
)
Value = str | float


def closed_answer(text: str, choices: Sequence[str]) -> str | None:
    """The letter that is read; None where upstream draws one.

    >>> closed_answer("C or D", "wxyz"), closed_answer("(A)###(C)", "wxyz"), closed_answer("**C**", "wxyz")
    ('D', 'C', None)
    """
    for mark in EDGES:
        text = text.strip(mark)
    text = f" {text} "
    letters = LETTERS[: len(choices)]
    forms = [{letter: form.replace("X", letter) for letter in letters} for form in ("(X)", " X ")]
    for sought in forms:
        places = {letter: text.rfind(form) for letter, form in sought.items() if form in text}
        if places:
            return max(places, key=lambda letter: places[letter])
    if len(text.split()) <= LONG:
        return None
    said = text.lower()
    places = {letter: said.rfind(choice.lower()) for letter, choice in zip(letters, choices) if choice.lower() in said}
    return max(places, key=lambda letter: places[letter]) if places else None


def open_answer(text: str) -> frozenset[Value]:
    """Everything that counts as the answer: the ends of its parts behind words that announce it, and the numbers in them.

    >>> sorted(map(str, open_answer("The result is 8. So the final answer is 1e3")))
    ['1000.0', '3.0']
    """
    ends = announced(text.strip().strip(".").lower())
    found: set[Value] = set()
    for end in ends:
        found.update(normalized(end))
    for end in ends:
        for pattern in NUMBERS:
            for number in pattern.findall(end):
                found.update(normalized(number))
    return frozenset(found)


def announced(said: str) -> list[str]:
    """Of each line the shortest end behind a cue; without any cue the whole text.

    An end that is empty is the shortest, until a later cue has one: a line whose last word is a cue says nothing.

    >>> announced("x is y ="), announced("so it is \\n7"), announced("the result is the final \\nx = 2")
    (['x is y ='], ['so it is \\n7'], ['is the final', '2'])
    """
    parts, ends = said.split("\n"), []
    for place, part in enumerate(parts):
        cues = (*CUES, "=") if place == len(parts) - 1 else CUES
        shortest = ""
        for tail in (part.split(cue)[-1].strip() for cue in cues if cue in part):
            if not shortest or len(tail) < len(shortest):
                shortest = tail
        if shortest and shortest not in MARKS:
            ends.append(shortest)
    return ends or [said]


def normalized(text: str) -> tuple[Value, ...]:
    """A number rounded to two decimals, or the text; a single character only with a blank beside it."""
    text = text.strip()
    try:
        return (round(float(text.replace(",", "")), 2),)
    except ValueError:
        pass
    said = text.lower()
    return (f" {said}", f"{said} ") if len(said) == 1 else (said,)


def open_right(read: frozenset[Value], truths: Sequence[str]) -> bool:
    """Whether a truth stands in a text that was read, or is a number that was read."""
    known = {value for truth in truths for value in normalized(truth)}
    texts = [value for value in known if isinstance(value, str)]
    return any(value in known if isinstance(value, float) else any(text in value for text in texts) for value in read)


# ours

SHORT = 12  # words above which nothing in a text is an answer of a word or a phrase
UNSURE = re.compile(
    r"\b(?:do not|don't|cannot|can't|can not|not sure)(?: \w+){0,2} (?:know|tell|say|see|determine|answer)\b|\?$|\bor\b", re.I
)
CONCLUSION = re.compile(r"(?:\banswer\b\s*(?:is|:)|\btherefore,?|\bthus,?|\bhence,?|=|≈)\s*", re.I)
NUMBER = re.compile(r"[-−+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d)\.?)(?:[eE][+-]?\d+)?")
ARTICLE = re.compile(r"^(?:a|an|the|it is|it's|about)\s+")


def short_answer(text: str) -> str | None:
    """The word, phrase or number that an open answer ends with; None where there is no short one.

    >>> short_answer("The total is x = 3.5 cm."), short_answer("So the answer is: **oak**"), short_answer("Pine or 7?")
    ('3.5 cm', 'oak', None)
    >>> short_answer("I cannot tell."), short_answer("I do not know")
    (None, None)
    """
    said = answer_of(text).strip()
    if not said or refuses(said) or says_nothing(said):
        return None
    lines = [line for line in said.split("\n") if line.strip()]
    concluding = [line for line in lines if CONCLUSION.search(line)]
    end = CONCLUSION.split((concluding or lines)[-1])[-1].strip(" .,;:!*\"'$`")
    end = re.split(r"(?<=[^\d.])\.\s|\.\s(?=[A-Z])", end)[0].strip()
    return end if end and len(end.split()) <= SHORT and not UNSURE.search(end) else None


def number_in(text: str) -> float | None:
    """The only number of a text; None without one, or with several.

    >>> number_in("$1,250.5"), number_in("3 to 4"), number_in("x"), number_in("3.50 units")
    (1250.5, None, None, 3.5)
    """
    found = [match.group() for match in NUMBER.finditer(text) if any(sign.isdigit() for sign in match.group())]
    return float(found[0].replace(",", "").replace("−", "-")) if len(found) == 1 else None


def same(said: str, truth: str) -> bool:
    """Whether a short answer means the truth: the same number to two decimals where that is one, else the same words.

    >>> same("3.50 cm", "3.5"), same("The Red Oak", "red oak"), same("12 oaks", "oak"), same("H2O", "CO2")
    (True, True, False, False)
    """
    if re.fullmatch(NUMBER, truth.strip()) and number_in(truth) is not None:
        value, wanted = number_in(said), number_in(truth)
        return value is not None and wanted is not None and round(value, 2) == round(wanted, 2)
    return bare(said) == bare(truth)


def bare(text: str) -> str:
    return ARTICLE.sub("", folded(text).strip(" .,;:!?\"'")).strip()
