"""Text -> yes or no, number, quoted strings, words, label.

Each reader gives None when the text does not say it: nothing is guessed. Class names are read by `vocabulary`. The doctests
are the specification. Every reader takes time linear in the text's length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from lamm_bench.types import Answer

from .vocabulary import Vocabulary, fold, tokens, words

# ------------------------------------------------------------------------------------------------ plain text


def text_of(answer: Answer) -> str:
    """An answer as one text; the parts of a mapping on lines of their own."""
    return answer if isinstance(answer, str) else "\n".join(str(text) for text in answer.values())


def read_label(text: str, vocabulary: Vocabulary) -> str | None:
    """The one label that is named; None when none is, or several are.

    >>> from lamm_bench.read import Lexicon
    >>> pets = Lexicon({"cat": ("kitten",), "dog": ()}).vocabulary(())
    >>> read_label("Two kittens.", pets), read_label("cat or dog", pets), read_label("not a dog but a cat", pets)
    ('cat', None, 'cat')
    """
    named = vocabulary.named(text)
    return named[0] if len(named) == 1 else None


EMPTY = {"", "[]", "{}", "()", "[ ]"}
NOTHING = re.compile(
    r"\b(?:none|nothing)\b|\bno (?:\w+ ){0,2}(?:objects?|things?|items?|instances?|furniture|boxes|detections?|class(?:es)?)\b"
)


def says_nothing(text: str) -> bool:
    """Whether a short answer says in words, or by an empty list, that nothing is there. Silence does not say it.

    >>> [says_nothing(text) for text in ("None.", "There are no visible objects in the image.", "[]", "", "I see none of it, but a cat")]
    [True, True, True, False, False]
    """
    stripped = text.strip()
    if not stripped or len(stripped) > 120:
        return False
    said = fold(stripped)
    return stripped in EMPTY or (NOTHING.search(said) is not None and " but " not in said and not any(c.isdigit() for c in said))


# ------------------------------------------------------------------------------------------------ yes or no

YES = frozenset({"yes", "yeah", "yep", "yup", "true", "correct"})
NO = frozenset({"no", "nope", "nah", "false", "incorrect"})
CLOSING = frozenset({"no", "true", "correct", "false", "incorrect"})  # within a text, answers only where a clause ends
EMPHATIC = frozenset({"certainly", "definitely", "indeed", "absolutely"})  # "definitely not": they decide nothing
DENIALS = frozenset({"not", "no", "never", "without", "neither", "nor", "non", "cannot", "hardly", "lacks", "lack"})
MARKS = frozenset(".;!?\n,:")
BREAKS = frozenset({"but", "however", "instead", "rather"})
REACH = 6  # words between a denial and what it denies: "is not showing any kind of smile"


def read_yes_no(text: str, about: frozenset[str] = frozenset(), against: frozenset[str] = frozenset()) -> bool | None:
    """Yes or no, by whole words (`know` and `another` say nothing), else what is said `about` or `against` it.

    The first word decides when it is yes or no. Else every "yes" and "no" must agree ("no" only where a clause ends with
    it). Without any, statements must agree: a word of `about` says yes; a denied one (up to six words before it in the same
    clause) and a word of `against` say no.

    >>> [read_yes_no(text) for text in ("Yes, she is.", "no", "I know another", "Yes and no", "I would say no.", "no doubt")]
    [True, False, None, None, False, None]
    >>> smile = frozenset({"smile", "smiling"})
    >>> [read_yes_no(text, smile) for text in ("She isn't smiling", "a broad smile", "she doesn’t show any smile", "not sure")]
    [False, True, False, None]
    >>> [read_yes_no(text, smile) for text in ("I cannot tell if she is smiling", "not sad but smiling", "no doubt a smile")]
    [None, True, True]
    >>> [read_yes_no(text, smile) for text in ("Is she smiling? No.", "definitely not smiling", "Certainly not.")]
    [False, False, False]
    """
    said = [token for token in without_phrases(tokens(text)) if token not in EMPHATIC]
    first = [token for token in said[:4] if token not in MARKS][:3]
    leading = {word in YES for word in first if word in ("yes", "no")}
    if len(leading) == 2:
        return None
    if first and first[0] in YES | NO:
        return first[0] in YES
    if first in (["not"], ["not", "at", "all"], ["not", "really"]):
        return False
    decided = set(spoken(said)) or statements(said, about, against)
    return decided.pop() if len(decided) == 1 else None


def without_phrases(said: list[str]) -> list[str]:
    """Leaves out `no doubt` and `no question`, which deny nothing."""
    places = range(len(said))
    doubts = {place for place in places if said[place] in ("doubt", "question") and place and said[place - 1] == "no"}
    return [said[place] for place in places if place not in doubts and place + 1 not in doubts] if doubts else said


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
        if word in MARKS or word in BREAKS:
            unsure = unsure and word == ","
            denied = -REACH - 1
        elif word in about or word in against:
            if not unsure:
                found.add((word in about) != (place - denied <= REACH))
        elif word in DENIALS:
            denied = place
        elif word in ("if", "whether"):
            unsure = True
    return found


# ------------------------------------------------------------------------------------------------ numbers

UNITS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
    "nineteen": 19,
}  # fmt: skip
TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fourty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
DIGITS = re.compile(r"(?<![\w.])(?<!\d,)[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\.?\d|e[-+]?\d)(?!\s?%|(?:st|nd|rd|th)\b)")
CUE = re.compile(
    r"\b(?:answer|total|count|altogether|overall)\b(?:\s+(?:number|count|of|is|are|was|there|to|comes|be))*\s*:?\s*$"
)
TOTAL = re.compile(r"\s*(?:\w{1,20}\s){0,2}(?:in total|in all|altogether|total)\b")
CUE_WIDTH = 40
NOT_A_COUNT = frozenset(
    {"doubt", "idea", "way", "problem", "longer", "access", "image", "picture", "information", "answer", "one"}
)
NOT_ONE = frozenset({"no", "this", "that", "any", "each", "every", "which", "some", "the", "another"})  # words before a pronoun
ONE_DOES = frozenset({"can", "could", "of", "may", "might", "must", "would"})  # and words behind it


def read_number(text: str) -> float | None:
    """The number that is said: digits (thousands separators, decimals), else words up to 999, else `no` or `none` as 0.

    Of several numbers the last one beside "answer", "total" or "count" is taken, else the first. Ordinals, percentages
    and numbers that stick behind a letter are not counts. A unit may stick to the end (`54crayons`).

    >>> [read_number(text) for text in ("There are 1,190 birds.", "twenty-one", "no cars", "a hundred and five", "5.0", "(12)")]
    [1190.0, 21.0, 0.0, 105.0, 5.0, 12.0]
    >>> [read_number(text) for text in ("3 rows of 5, 15 in total", "54crayons", "the 2nd image", "12.5%", "no idea", "one can try")]
    [15.0, 54.0, None, None, None, None]
    """
    said = fold(text)
    found = list(DIGITS.finditer(said))
    if found:
        cued = [m for m in found if CUE.search(said, max(0, m.start() - CUE_WIDTH), m.start()) or TOTAL.match(said, m.end())]
        digits = (cued[-1] if cued else found[0]).group().replace(",", "")
        return float(digits) if len(digits) < 300 else None
    return worded_number(words(said))


def worded_number(said: Sequence[str]) -> float | None:
    """The first number in words; `one` alone (it is often a pronoun) and `no` only when there is no other."""
    spelled = [found for found in (spell(said, place) for place in range(len(said))) if found is not None]
    value = next((number for number, _ in spelled if number != 1), None)
    if value is not None:
        return float(value)
    if any(counted_one(said, place) for place, word in enumerate(said) if word == "one"):
        return 1.0
    for place, word in enumerate(said):
        if word in ("none", "nothing") or (word == "no" and said[place + 1 : place + 2] and said[place + 1] not in NOT_A_COUNT):
            return 0.0
    return None


def counted_one(said: Sequence[str], place: int) -> bool:
    """Whether the `one` at this place counts something, as far as its neighbours tell."""
    before = said[place - 1] if place else ""
    behind = said[place + 1] if place + 1 < len(said) else ""
    return before not in NOT_ONE and behind not in ONE_DOES


def spell(said: Sequence[str], place: int) -> tuple[int, int] | None:
    """The number whose words begin here, and how many words it takes.

    >>> spell(["three", "hundred", "and", "forty", "two"], 0), spell(["dozens"], 0)
    ((342, 5), None)
    """
    value, at = below_hundred(said, place)
    if at == place and said[place] == "a" and said[place + 1 : place + 2] in (["hundred"], ["dozen"]):
        value, at = 1, place + 1
    if said[at : at + 1] == ["hundred"]:
        rest = at + 2 if said[at + 1 : at + 2] == ["and"] else at + 1
        more, end = below_hundred(said, rest)
        return ((value if at > place else 1) * 100 + more, (end if end > rest else at + 1) - place)
    if said[at : at + 1] == ["dozen"]:
        return (value if at > place else 1) * 12, at + 1 - place
    return (value, at - place) if at > place else None


def below_hundred(said: Sequence[str], place: int) -> tuple[int, int]:
    """Value and end of a number word below a hundred; (0, place) when there is none."""
    word = said[place] if place < len(said) else ""
    if word in TENS:
        unit = UNITS.get(said[place + 1], 0) if place + 1 < len(said) else 0
        return (TENS[word] + unit, place + 2) if 0 < unit < 10 else (TENS[word], place + 1)
    return (UNITS[word], place + 1) if word in UNITS else (0, place)


# ------------------------------------------------------------------------------------------------ words and quotes

QUOTED = re.compile(r"\"([^\"]*)\"|“([^”]*)”")


def read_quoted(text: str) -> list[str]:
    """What stands between double quotes, straight or curly.

    >>> read_quoted('It says "HOTEL BAR" and “OPEN”, I\\'m sure')
    ['HOTEL BAR', 'OPEN']
    """
    return [first or second for first, second in QUOTED.findall(text) if (first or second).strip()]


KEPT = frozenset("&+@#$€£%")  # signs that are words of their own


def read_words(text: str) -> list[str]:
    """Words as signs are scored by: parted at blanks, folded, marks at the edges stripped, double quotes dropped.

    >>> read_words("['HOTEL', \\"O'Neil's\\"] Tea & CO., 03-2726 ...")
    ['hotel', "o'neil's", 'tea', '&', 'co', '03-2726']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(STRAIGHT)
    found = (bare_word(word) for word in text.replace('"', " ").casefold().split())
    return [word for word in found if word]


STRAIGHT = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})


def bare_word(word: str) -> str:
    """A word without marks at its edges; empty when it is nothing but marks, save those of `KEPT`."""
    start, end = 0, len(word)
    while start < end and not word[start].isalnum():
        start += 1
    while start < end and not word[end - 1].isalnum():
        end -= 1
    return word[start:end] or (word if word in KEPT else "")
