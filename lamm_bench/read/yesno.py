"""Yes or no in text, outright or by what is said of the matter; None where neither is said, or both are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .refusals import refuses
from .vocabulary import fold, tokens
from .wrappers import answer_of

KEYS = ("smiling", "smile", "issmiling", "smiles", "yesno", "label", "expression")
YES = frozenset({"yes", "yeah", "yep", "yup", "true", "correct", "yea", "aye", "affirmative"})
NO = frozenset({"no", "nope", "nah", "false", "incorrect", "negative"})
# in other languages only as the whole answer or its first word
YES_ELSEWHERE = frozenset("ja oui sí si sim да tak evet ya hai 是 是的 对 有 会 はい 네 예".split())
NO_ELSEWHERE = frozenset("nein non não nao нет nie hayır tidak nej 不 不是 否 没有 不会 いいえ 아니요 아니오".split())
CLOSING = frozenset(
    {"no", "true", "correct", "false", "incorrect", "negative", "affirmative"}
)  # within a text, answers only where a clause ends
EMPHATIC = frozenset({"certainly", "definitely", "indeed", "absolutely"})  # "definitely not": they decide nothing
DENIALS = frozenset(
    {"not", "no", "never", "without", "neither", "nor", "non", "cannot", "hardly", "lacks", "lack", "isn", "absence", "barely"}
)
MARKS = frozenset(".;!?\n,:")
BREAKS = frozenset({"but", "however", "instead", "rather"})
REACH = 6  # words between a denial and what it denies: "is not showing any kind of smile"
# behind a leading "no" these go on with the answer; another word makes it a "no frown", which is said of that word
GOES_ON = frozenset(
    "she he the they it this that there i we her his their not a an in based from because as since person neither".split()
)
PHRASES = (
    ("no", "doubt"),
    ("no", "question"),
    ("without", "question"),
    ("without", "doubt"),
    ("not", "only"),
    ("no", "wonder"),
    ("no", "longer"),
)
UNDECIDED = re.compile(
    r"\b(?:(?:hard|difficult|impossible|tough|tricky) to (?:say|tell|determine|know|see|judge)|(?:cannot|can not|could not|not able to|unable to) (?:\w+ )?(?:tell|say|determine|see|judge|know|identify)"
    r"|not (?:sure|clear|certain|possible)|unclear|uncertain|do not know|ambiguous)\b"
)
FIELD = re.compile(
    r"(?:^|[\n.;,•*-])\s{0,4}(?:is (?:she|he|the person) |the person is )?(?P<key>[a-z][a-z ]{1,23}?)\s?[:=?-]\s{0,3}(?P<value>yes|no|true|false)\b"
)


def read_yes_no(
    text: str, about: frozenset[str] = frozenset(), against: frozenset[str] = frozenset(), rather: frozenset[str] = frozenset()
) -> bool | None:
    """Yes or no, by whole words (`know` and `another` say nothing), else what is said `about` or `against` it.

    The first word decides when it is yes or no; then a field named by a word of `about` ("Smiling: yes"). Else every "yes" and
    "no" must agree ("no" only where a clause ends with it). Without any, statements must agree: a word of `about` says yes; a
    denied one (up to six words before it in the same clause) and a word of `against` say no; a denied word of `against` says
    nothing. Only where neither is said do words of `rather` count as yes.

    >>> [read_yes_no(text) for text in ("Yes, she is.", "no", "I know another", "Yes and no", "I would say no.", "no doubt")]
    [True, False, None, None, False, None]
    >>> smile = frozenset({"smile", "smiling"})
    >>> [read_yes_no(text, smile) for text in ("She isn't smiling", "a broad smile", "she doesn’t show any smile", "not sure")]
    [False, True, False, None]
    >>> [read_yes_no(text, smile) for text in ("I cannot tell if she is smiling", "not sad but smiling", "no doubt a smile")]
    [None, True, True]
    >>> [read_yes_no(text, smile) for text in ("Is she smiling? No.", "definitely not smiling", "Certainly not.")]
    [False, False, False]
    >>> [read_yes_no(text, smile, frozenset({"frown"})) for text in ("No frown here, a broad smile.", "Smiling: no\\nTeeth: yes", "<think>no")]
    [True, False, None]
    """
    answer = answer_of(text, KEYS)
    said = [token for token in without_phrases(tokens(answer)) if token not in EMPHATIC]
    leading = first_word(said, about | against)
    if leading is not None:
        return None if leading == "both" else leading == "yes"
    fields = {value in ("yes", "true") for key, value in named_fields(answer) if about & set(key.split())}
    if len(fields) == 1:
        return fields.pop()
    outright = set(spoken(said))
    if not outright and (UNDECIDED.search(fold(answer)) or (refuses(answer) and " but " not in fold(answer))):
        return None
    decided = outright or statements(said, about, against) or statements(said, rather, frozenset())
    return decided.pop() if len(decided) == 1 else None


def first_word(said: Sequence[str], matter: frozenset[str]) -> str | None:
    """What an answer that begins with yes or no says: "yes", "no", or "both"; None where it begins otherwise."""
    first = [token for token in said[:4] if token not in MARKS][:3]
    if {"yes", "no"} <= set(first):
        return "both"
    if not first:
        return None
    word, place = first[0], list(said).index(first[0])
    if word in YES or word in YES_ELSEWHERE:
        return "yes"
    if word in NO_ELSEWHERE or first in (["not"], ["not", "at", "all"], ["not", "really"]):
        return "no"
    behind = said[place + 1] if place + 1 < len(said) else "."
    if word in NO and (word != "no" or behind in MARKS or behind in GOES_ON or behind in matter and place + 2 >= len(said)):
        return "no"
    return None


def named_fields(answer: str) -> list[tuple[str, str]]:
    """Fields with yes or no as their values, as models list attributes."""
    return [(match["key"], match["value"]) for match in FIELD.finditer(fold(answer))]


def without_phrases(said: list[str]) -> list[str]:
    """Leaves out `no doubt`, `without a doubt` and their like, which deny nothing."""
    kept: list[str] = []
    place = 0
    while place < len(said):
        if tuple(said[place : place + 2]) in PHRASES:
            place += 2
        elif said[place : place + 3] in (["without", "a", "doubt"], ["without", "any", "doubt"], ["beyond", "a", "doubt"]):
            place += 3
        else:
            kept.append(said[place])
            place += 1
    return kept


def spoken(said: Sequence[str]) -> list[bool]:
    """Every outright yes and no."""
    found = []
    for place, word in enumerate(said):
        closing = place + 1 == len(said) or said[place + 1] in MARKS
        if word in YES | NO and (closing or word not in CLOSING):
            denied = place > 0 and said[place - 1] == "not"
            found.append((word in YES) != denied)
    return found


def statements(said: Sequence[str], about: frozenset[str], against: frozenset[str]) -> set[bool]:
    """What is said about the matter, clause by clause; nothing where it stands behind `if` or `whether`."""
    found = set()
    denied = -REACH - 1
    unsure = False
    for place, word in enumerate(said):
        turn = tuple(said[place : place + 2])
        if turn in (("rather", "than"), ("instead", "of")):
            denied = place + 1
        elif word in MARKS or word in BREAKS:
            unsure = unsure and word == ","
            denied = -REACH - 1
        elif word in about or word in against:
            off = place - denied <= REACH
            if not unsure and not (off and word in against):
                found.add((word in about) != off)
        elif word in DENIALS:
            denied = place
        elif word in ("if", "whether"):
            unsure = True
    return found
