"""Text -> choice, yes or no, number, quoted strings, words, label; boxes and points come from `places`.

Each reader gives None when the text does not say it: nothing is guessed. Class names are read by `vocabulary`. The doctests
are the specification. Every reader takes time linear in the text's length."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from .places import Place, read_boxes, read_points
from .types import Answer
from .vocabulary import Lexicon, Vocabulary, fold, tokens, words

__all__ = [
    "Lexicon", "Place", "Vocabulary", "read_boxes", "read_choice", "read_label", "read_number", "read_points",
    "read_quoted", "read_words", "read_yes_no", "says_nothing", "text_of",
]  # fmt: skip

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# ------------------------------------------------------------------------------------------------ plain text


def text_of(answer: Answer) -> str:
    """An answer as one text; the parts of a mapping on lines of their own."""
    return answer if isinstance(answer, str) else "\n".join(str(text) for text in answer.values())


def read_label(text: str, vocabulary: Vocabulary) -> str | None:
    """The one label that is named; None when none is, or several are.

    >>> pets = Lexicon({"cat": ("kitten",), "dog": ()}).vocabulary(())
    >>> read_label("Two kittens.", pets), read_label("cat or dog", pets), read_label("not a dog but a cat", pets)
    ('cat', None, 'cat')
    """
    named = vocabulary.named(text)
    return named[0] if len(named) == 1 else None


EMPTY = {"", "[]", "{}", "()", "[ ]"}
NOTHING = re.compile(r"\b(?:none|nothing)\b|\bno (?:\w+ ){0,2}(?:objects?|things?|items?|instances?|furniture|boxes|detections?|class(?:es)?)\b")


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

YES = frozenset({"yes", "yeah", "yep", "yup", "true", "correct", "certainly", "definitely", "indeed"})
NO = frozenset({"no", "nope", "nah", "false", "incorrect"})
DENIALS = frozenset({"not", "no", "never", "without", "neither", "nor", "cannot", "hardly", "lacks", "lack"})
MARKS = frozenset(".;!?\n,:")
REACH = 6  # words between a denial and what it denies: "is not showing any kind of smile"
UNSURE = frozenset({"if", "whether", "unsure", "unclear", "cannot", "can", "could", "tell", "sure", "unable", "maybe", "perhaps"})


def read_yes_no(text: str, about: frozenset[str] = frozenset(), against: frozenset[str] = frozenset()) -> bool | None:
    """Yes or no, by whole words (`know` and `another` say nothing), else what is said `about` or `against` it.

    The first word decides when it is yes or no. Else all of "yes" and "no" must agree. Else a word of `about` says yes,
    a denied one (up to six words before it in the same clause) or a word of `against` says no; both say nothing.

    >>> [read_yes_no(text) for text in ("Yes, she is.", "no", "I know another", "Yes and no?", "it is true")]
    [True, False, None, True, True]
    >>> smile = frozenset({"smile", "smiling"})
    >>> [read_yes_no(text, smile) for text in ("She isn't smiling", "a broad smile", "she doesn’t show any smile", "not sure")]
    [False, True, False, None]
    """
    said = tokens(text)
    plain = [token for token in said if token not in MARKS]
    if plain and (plain[0] in YES or plain[0] in NO) and not denies_next(said, about):
        return plain[0] in YES
    spoken = {word in YES for word in said if word in YES} | {False for word in said if word in NO and word != "no"}
    opinions = statements(said, about, against) if about or against else set()
    decided = spoken | opinions
    return decided.pop() if len(decided) == 1 else None


def denies_next(said: Sequence[str], about: frozenset[str]) -> bool:
    """Whether a leading `no` belongs to what follows (`no smile`); the statement then says the same."""
    return len(said) > 1 and said[0] == "no" and said[1] not in MARKS and said[1] not in about and not about


def statements(said: Sequence[str], about: frozenset[str], against: frozenset[str]) -> set[bool]:
    """What is said about the matter, clause by clause."""
    found = set()
    denied = -REACH - 1
    unsure = False
    for place, word in enumerate(said):
        if word in MARKS:
            if word != ",":
                unsure = False
            denied = -REACH - 1
        elif word in about or word in against:
            if not unsure:
                found.add((word in about) != (place - denied <= REACH))
        elif word in DENIALS:
            denied = place
        elif word in {"if", "whether"}:
            unsure = True
    return found


# ------------------------------------------------------------------------------------------------ numbers

UNITS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
    "nineteen": 19,
}  # fmt: skip
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
DIGITS = re.compile(r"(?<![\w.,])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\d%])(?!\s?%|(?:st|nd|rd|th)\b)", re.I)
CUE = re.compile(r"\b(?:answer|total|count|altogether|overall)\b(?:\s+(?:number|count|of|is|are|was|there|to|comes|be))*\s*:?\s*$")
CUE_WIDTH = 40
NOT_A_COUNT = frozenset({"doubt", "idea", "way", "problem", "longer", "access", "image", "picture", "information", "answer", "one"})


def read_number(text: str) -> float | None:
    """The number that is said: digits (thousands separators, decimals), else words up to 999, else `no` or `none` as 0.

    Of several numbers the last one right behind "answer", "total" or "count" is taken, else the first. Ordinals, percentages
    and numbers that stick behind a letter are not counts. A unit may stick to the end (`54crayons`).

    >>> [read_number(text) for text in ("There are 1,190 birds.", "twenty-one", "no cars", "a hundred and five", "5.0", "(12)")]
    [1190.0, 21.0, 0.0, 105.0, 5.0, 12.0]
    >>> [read_number(text) for text in ("3 rows of 5, so the total is 15", "54crayons", "the 2nd image", "many", "no idea")]
    [15.0, 54.0, None, None, None]
    """
    said = fold(text)
    found = list(DIGITS.finditer(said))
    if found:
        cued = [match for match in found if CUE.search(said, max(0, match.start() - CUE_WIDTH), match.start())]
        digits = (cued[-1] if cued else found[0]).group().replace(",", "")
        return float(digits) if len(digits) < 300 else None
    return worded_number(words(said))


def worded_number(said: Sequence[str]) -> float | None:
    """The first number in words; `one` alone (it is often a pronoun) and `no` only when there is no other."""
    spelled = [found for found in (spell(said, place) for place in range(len(said))) if found is not None]
    value = next((number for number, _ in spelled if number != 1), None)
    if value is not None:
        return float(value)
    if any(word == "one" and said[place + 1 : place + 2] not in (["can"], ["could"], ["of"], ["may"]) and said[place - 1 : place] != ["no"] for place, word in enumerate(said)):
        return 1.0
    for place, word in enumerate(said):
        if word in ("none", "nothing") or (word == "no" and said[place + 1 : place + 2] and said[place + 1] not in NOT_A_COUNT):
            return 0.0
    return None


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


# ------------------------------------------------------------------------------------------------ choices

LETTER_ALONE = re.compile(r"[\s\"'“”‘’*`]*[\[({]?([A-Za-z])[\])}]?[\s\"'“”‘’*`.:,;!]*")
BRACKETED = re.compile(r"\(\s?([A-Za-z])\s?\)|\[([A-Z])\]|(?:^|(?<=\n))[ \t*]{0,4}([A-Z])[.):](?=\s|\*|$)")
NAMED = re.compile(r"\b(?:[Oo]ption|[Cc]hoice|[Ss]olution|[Ll]etter|OPTION|CHOICE)\s?:?\s?[(\[]?([A-Z])\b(?!')")
ANSWER = re.compile(r"\banswer\b\s?(?:choice|option|letter)?\s?(?:is|was|would be|should be|must be|=)?\s?:?\s?", re.I)
BEHIND_CUE = re.compile(r"[\"'“‘*`]*(?:option|choice|letter)?\s?(?:[(\[{]\s?([A-Za-z])\s?[)\]}]?|([A-Z])(?![\w'])|([a-z])(?=\s*$|[.)\],:]))")
EXCLUDED = re.compile(r"\b(?:not|n't|exclude|excluding|rule out|ruled out|eliminate|except|reject|unlike|than|dismiss|discard)\s+(?:option |choice )?[(\[]?$", re.I)
HEDGE = re.compile(r"\s*[)\].]?\s*,?\s*(?:or|and|/|,)\s*(?:option |choice )?[(\[]?\s*", re.I)


def read_choice(text: str, choices: Sequence[str]) -> int | None:
    """The index of the option that is chosen. The first of these that applies decides:

    1. the whole answer is one letter, or the text of exactly one option;
    2. behind the last "answer (is)" stands a letter, or one option's text;
    3. the last letter in brackets, behind "option", or before a mark at the start of a line; excluded ones do not count,
       and letters that are only listed ("(A) or (B)") choose nothing;
    4. exactly one option's text stands in the answer (an option inside a longer one does not count);
    5. the last line is a capital letter or one option's text.

    Letters go up to the number of options; a letter beyond them behind "answer is" chooses nothing.

    >>> three = ["cell", "cell wall", "root"]
    >>> [read_choice(text, three) for text in ("B", "(c)", "cell wall", "The answer is (A).", "It is the cell wall, surely.")]
    [1, 2, 1, 0, 1]
    >>> [read_choice(text, three) for text in ("not (A) but (B)", "(A) or (B)", "a cell or a root", "The answer is D", "")]
    [1, None, None, None, None]
    >>> read_choice("Some say the answer is (A). I disagree.\\n The answer is B. cell wall", three)
    1
    >>> read_choice("sample A", ["sample B", "sample A"])
    1
    """
    alone = LETTER_ALONE.fullmatch(text) if len(text) < 40 else None
    if alone:
        return letter(alone.group(1), len(choices))
    options = option_vocabulary(tuple(choices))
    key = " ".join(words(text)) if len(text) < 2000 else ""
    if key and key in options.names:
        return unique(options.names[key])
    if text.strip() in choices and not key:
        return list(choices).index(text.strip()) if list(choices).count(text.strip()) == 1 else None
    decided = behind_answer(text, choices, options)
    if decided is not NOT_SAID:
        return decided if isinstance(decided, int) else None
    decided = explicit(text, len(choices))
    if decided is not NOT_SAID:
        return decided if isinstance(decided, int) else None
    found = only_option(text, options)
    if found is not None:
        return found
    last = text.strip().rpartition("\n")[2]
    alone = LETTER_ALONE.fullmatch(last) if len(last) < 40 else None
    if alone and alone.group(1).isupper():
        return letter(alone.group(1), len(choices))
    return only_option(last, options)


NOT_SAID = object()


def letter(char: str, count: int) -> int | None:
    """The index of a letter among `count` options."""
    index = LETTERS.find(char.upper())
    return index if 0 <= index < count else None


def unique(value: str) -> int | None:
    """An option's index, unless its text stands for several options."""
    return int(value) if value else None


@lru_cache(maxsize=4096)
def option_vocabulary(choices: tuple[str, ...]) -> Vocabulary:
    """Option texts as a vocabulary of their own words; the label is the index, empty when two options share the text."""
    names: dict[str, str] = {}
    for index, choice in enumerate(choices):
        key = " ".join(words(choice))
        if key:
            names[key] = "" if key in names else str(index)
    longest = max((key.count(" ") + 1 for key in names), default=1)
    return Vocabulary(names, longest, frozenset(key.split(" ", 1)[0] for key in names))


def only_option(text: str, options: Vocabulary) -> int | None:
    """The one option whose text stands in `text`, an option inside a longer one left out."""
    said = words(text)
    named = set()
    place = 0
    while place < len(said):
        step = 1
        if said[place] in options.starts:
            for length in range(min(options.longest, len(said) - place), 0, -1):
                index = options.names.get(" ".join(said[place : place + length]))
                if index is not None:
                    named.add(index)
                    step = length
                    break
        place += step
    return unique(named.pop()) if len(named) == 1 else None


def behind_answer(text: str, choices: Sequence[str], options: Vocabulary) -> object:
    """What stands behind the last "answer (is)" that says something: an index, None for a letter that no option has."""
    for cue in reversed(list(ANSWER.finditer(text))[-8:]):
        match = BEHIND_CUE.match(text, cue.end())
        if match:
            char = next(group for group in match.groups() if group)
            article = char in "Aa" and re.match(r"[ \t]+[a-z]", text[match.end() : match.end() + 8]) and match.group(1) is None
            if not article:
                return letter(char, len(choices))
        if cue.group().rstrip().lower() != "answer":
            line = text[cue.end() : cue.end() + 400].partition("\n")[0]
            found = only_option(line, options)
            if found is not None:
                return found
    return NOT_SAID


def explicit(text: str, count: int) -> object:
    """The last explicit letter that some option has and that is not excluded; None when letters are only listed."""
    found = sorted((match.start(), match.end(), next(group for group in match.groups() if group)) for match in (*BRACKETED.finditer(text), *NAMED.finditer(text)))
    kept = [(start, end, char) for start, end, char in found if not EXCLUDED.search(text, max(0, start - 24), start)]
    kept = [item for item in kept if letter(item[2], count) is not None]
    if not kept:
        return NOT_SAID
    if len(kept) > 1:
        (_, end, first), (start, _, last) = kept[-2:]
        if first.upper() != last.upper() and 0 <= start - end < 20 and HEDGE.fullmatch(text, end, start):
            return None
    return letter(kept[-1][2], count)


# ------------------------------------------------------------------------------------------------ words and quotes

QUOTED = re.compile(r"\"([^\"]*)\"|“([^”]*)”")


def read_quoted(text: str) -> list[str]:
    """What stands between double quotes, straight or curly.

    >>> read_quoted('It says "HOTEL BAR" and “OPEN”, I\\'m sure')
    ['HOTEL BAR', 'OPEN']
    """
    return [first or second for first, second in QUOTED.findall(text) if (first or second).strip()]


EDGE = re.compile(r"^[\W_]+|[\W_]+$")


def read_words(text: str) -> list[str]:
    """Words as signs are scored by: parted at blanks, folded, marks at the edges stripped, quotes dropped.

    A word of marks only stays as it is (`&`).

    >>> read_words("['HOTEL', \\"O'Neil's\\"] Tea & CO., 03-2726")
    ['hotel', "o'neil's", 'tea', '&', 'co', '03-2726']
    """
    found = []
    for word in text.replace('"', " ").replace("“", " ").replace("”", " ").split():
        folded = fold_word(word)
        bare = EDGE.sub("", folded)
        if bare or folded in KEPT:
            found.append(bare or folded)
    return found


KEPT = frozenset({"&", "+", "@", "#", "$", "€", "£", "%"})


def fold_word(word: str) -> str:
    """As `fold`, without writing contractions out."""
    import unicodedata

    return (word if word.isascii() else unicodedata.normalize("NFKC", word).replace("’", "'")).casefold()


def as_text(answer: Answer | Mapping[str, str] | None) -> str:
    return "" if answer is None else text_of(answer)
