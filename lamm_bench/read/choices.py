"""Which option of a multiple-choice question an answer chooses; None when that cannot be told (reference, Appendix H, O13)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from .vocabulary import Vocabulary, negated, tokens, words

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
QUOTES = r"[\"'“”‘’*`]*"
SHORT, WIDTH = 40, 400  # characters: of an answer that is one letter; of a line that is searched for an option

ALONE = re.compile(rf"{QUOTES}[\[({{]?([A-Za-z])[\])}}]?[\"'“”‘’*`.:,;!\s]*")
LEADING = re.compile(rf"{QUOTES}[\[(]?([A-Z])[\]).:,]+\s+")
BRACKETED = re.compile(r"\(\s?([A-Za-z])\s?\)|\[([A-Z])\]|^[ \t*]{0,4}([A-Z])[.):](?=\s|\*|$)", re.M)
NAMED = re.compile(r"\b(?:[Oo]ption|[Cc]hoice|[Ss]olution|[Ll]etter|OPTION|CHOICE)\s?:?\s?[(\[]?([A-Z])\b(?!')")
ANSWER = re.compile(r"\banswer\b\s?(?:choice|option|letter)?\s?(?:is|was|would be|should be|must be|=)?\s?:?\s?", re.I)
BEHIND = re.compile(
    rf"{QUOTES}(?:option|choice|letter)?\s?(?:[(\[{{]\s?([A-Za-z])\s?[)\]}}]?(?!\w)|([A-Z])(?![\w'])|([a-z])(?=\s*$|[.)\],:]))"
)
ARTICLE = re.compile(r"[ \t]+[a-z]")
EXCLUDED = re.compile(
    r"(?:\b(?:not|exclude|excluding|rule out|ruled out|eliminate|except|reject|unlike|than|dismiss|discard)|n't)\s+(?:option |choice )?[(\[]?$",
    re.I,
)
LISTED = re.compile(r"\s*[)\].]?\s*,?\s*(?:or|and|/|,)\s*(?:option |choice )?[(\[]?\s*", re.I)

NOT_SAID = -1


def read_choice(text: str, choices: Sequence[str]) -> int | None:
    """The index of the option that is chosen. The first of these that applies decides:

    1. the whole answer is one letter, one option's text, or a letter and that letter's text;
    2. behind the last "answer (is)" stands a letter, or one option's text;
    3. the last letter in brackets, behind "option", or before a mark at the start of a line; excluded ones do not count,
       and letters that are only listed ("(A) or (B)") choose nothing;
    4. exactly one option's text stands in the answer; one inside a longer one, or denied, does not count;
    5. the last line is a capital letter, or names one option.

    Letters go up to the number of options; a letter beyond them behind "answer is" chooses nothing.

    >>> three = ["cell", "cell wall", "root"]
    >>> [read_choice(text, three) for text in ("B", "(c)", "cell wall", "The answer is (A).", "It is the cell wall, surely.")]
    [1, 2, 1, 0, 1]
    >>> [read_choice(text, three) for text in ("not (A) but (B)", "(A) or (B)", "a cell or a root", "The answer is D", "")]
    [1, None, None, None, None]
    >>> read_choice("Some say the answer is (A). I disagree.\\n The answer is B. cell wall", three)
    1
    >>> read_choice("T", ["P", "T"]), read_choice("T", ["one", "two"]), read_choice("B", ["B", "P"])
    (1, None, 1)
    >>> read_choice("sample A", ["sample B", "sample A"]), read_choice("(B) vitamin (A)", ["vitamin (D)", "vitamin (A)"])
    (1, 1)
    >>> read_choice("The answer is A cat.", ["dog", "cat"]), read_choice("The answer is A because it is big.", ["dog", "cat"])
    (1, 0)
    """
    text = text.strip()
    options = option_texts(tuple(choices))
    whole = whole_answer(text, choices, options)
    if whole != NOT_SAID:
        return whole
    for reader in (behind_answer, explicit):
        said = reader(text, len(choices), options)
        if said != NOT_SAID:
            return said
    found = only_option(text, options)
    if found is not None:
        return found
    last = text.rpartition("\n")[2].strip()
    alone = ALONE.fullmatch(last) if len(last) < SHORT else None
    if alone and alone.group(1).isupper():
        return index_of(alone.group(1), len(choices))
    return only_option(last[:WIDTH], options)


def index_of(letter: str, count: int) -> int | None:
    """The index of a letter among `count` options."""
    index = LETTERS.find(letter.upper())
    return index if 0 <= index < count else None


def whole_answer(text: str, choices: Sequence[str], options: Vocabulary) -> int | None:
    """Rule 1."""
    alone = ALONE.fullmatch(text) if len(text) < SHORT else None
    # where no option has that letter, a letter may still be what an option says: "Which letter labels the fish?"
    if alone and (index_of(alone.group(1), len(choices)) is not None or text not in choices):
        return index_of(alone.group(1), len(choices))
    if text in choices and list(choices).count(text) == 1:
        return list(choices).index(text)
    if len(text) > max(map(len, choices), default=0) + SHORT:
        return NOT_SAID
    key = " ".join(words(text))
    if key in options.names:
        return int(options.names[key]) if options.names[key] else None
    leading = LEADING.match(text)
    index = index_of(leading.group(1), len(choices)) if leading else None
    if leading and index is not None and words(text[leading.end() :]) == words(choices[index]):
        return index
    return NOT_SAID


@lru_cache(maxsize=4096)
def option_texts(choices: tuple[str, ...]) -> Vocabulary:
    """Option texts as a vocabulary of their own words; the label is the index, empty when two options share the text."""
    names: dict[str, str] = {}
    for index, choice in enumerate(choices):
        for key in {" ".join(words(choice)), " ".join(tokens(choice))} - {""}:  # without and with the marks in it
            names[key] = "" if key in names else str(index)
    longest = max((key.count(" ") + 1 for key in names), default=1)
    return Vocabulary(names, longest, frozenset(key.split(" ", 1)[0] for key in names))


def only_option(text: str, options: Vocabulary) -> int | None:
    """The one option whose text stands in `text`."""
    said = tokens(text)
    named = set()
    place = 0
    while place < len(said):
        label, step = options.longest_at(said, place)
        if label is not None and not negated(said, place):
            named.add(label)
        place += step
    found = named.pop() if len(named) == 1 else ""
    return int(found) if found else None


def behind_answer(text: str, count: int, options: Vocabulary) -> int | None:
    """Rule 2: what stands behind the last "answer (is)" that says something."""
    for cue in reversed(list(ANSWER.finditer(text))[-8:]):
        bare = cue.group().strip().lower() == "answer"
        line = text[cue.end() : cue.end() + WIDTH].partition("\n")[0]
        match = BEHIND.match(text, cue.end())
        letter = next((group for group in match.groups() if group), "") if match else ""
        article = (
            match is not None and letter in ("A", "a") and match.group(1) is None and ARTICLE.match(text, match.end()) is not None
        )
        found = only_option(line, options) if (article or not letter) and not bare else None
        if found is not None:
            return found
        if letter and not (article and bare):
            return index_of(letter, count)
    return NOT_SAID


def explicit(text: str, count: int, options: Vocabulary) -> int | None:
    """Rule 3; None when letters are only listed."""
    found = []
    for match in (*BRACKETED.finditer(text), *NAMED.finditer(text)):
        letter = next(group for group in match.groups() if group)
        if index_of(letter, count) is not None and not EXCLUDED.search(text, max(0, match.start() - 24), match.start()):
            found.append((match.start(), match.end(), letter.upper()))
    found.sort()
    if len(found) > 1:
        (_, end, before), (start, _, last) = found[-2:]
        if before != last and 0 <= start - end < SHORT and LISTED.fullmatch(text, end, start):
            return None
    return index_of(found[-1][2], count) if found else NOT_SAID
