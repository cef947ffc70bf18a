"""Corruptions of questions: what ChEF's chain of texts does without a model (reference 9.2), and each for itself.

Each changes the question alone: neither its context nor its options (`options.py`), nor what stands in braces or between `<` and `>`
(names of parts, numbers of pictures). Shares of words grow
with the severity, .1 to .5, as upstream's do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from lamm_bench.errors import BenchError
from lamm_bench.media import Corruption, check_corruption

from .words import ADVERBS, AUXILIARIES, CONTRACTIONS, IRRELEVANT, KEYS, LOOKALIKES, MISSPELT, SYNONYMS

Stream = np.random.Generator
WORD = re.compile(r"(?<![\w{<])[A-Za-z][A-Za-z']*(?![\w}>])")
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)  # of words, for severities 1 to 5
EXPANSIONS = {short: long for long, short in CONTRACTIONS.items()}


def as_written(new: str, old: str) -> str:
    """With a capital where the old one had it."""
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def some_words(text: str, severity: int, stream: Stream, change: Callable[[str], str], fit: Callable[[str], bool]) -> str:
    """A share of all words changed, at least one, drawn from those that fit; the same words come first at every severity."""
    words = list(WORD.finditer(text))
    fitting = [word for word in words if fit(word[0])]
    order = stream.permutation(len(fitting))[: max(int(round(SHARES[severity - 1] * len(words))), 1)]
    for place in sorted(order, reverse=True):
        word = fitting[place]
        text = text[: word.start()] + change(word[0]) + text[word.end() :]
    return text


def replaced(text: str, table: Mapping[str, str]) -> str:
    """Phrases of a table replaced wherever they stand as words, capitals kept."""
    pattern = r"\b(?:" + "|".join(re.escape(phrase) for phrase in sorted(table, key=len, reverse=True)) + r")\b"
    return re.sub(pattern, lambda found: as_written(table[found[0].lower()], found[0]), text, flags=re.I)


def lower_case(text: str, severity: int, stream: Stream) -> str:
    return re.sub(r"\{[^}]*\}|<[^<>]*>|[^{<]+", lambda part: part[0] if part[0][0] in "{<" else part[0].lower(), text)


def contract(text: str, severity: int, stream: Stream) -> str:
    return replaced(text, CONTRACTIONS)


def expand(text: str, severity: int, stream: Stream) -> str:
    return replaced(text, EXPANSIONS)


def synonyms(text: str, severity: int, stream: Stream) -> str:
    return some_words(
        text, severity, stream, lambda word: as_written(SYNONYMS[word.lower()], word), lambda word: word.lower() in SYNONYMS
    )


def insert_adverb(text: str, severity: int, stream: Stream) -> str:
    """Behind the first auxiliary verb; before a question that has none."""
    adverb = str(stream.choice(ADVERBS))
    found = next((word for word in WORD.finditer(text) if word[0].lower() in AUXILIARIES), None)
    if found is None:
        return f"{as_written(adverb, text.lstrip()[:1])}, {text.lstrip()}" if text.strip() else text
    return f"{text[: found.end()]} {adverb}{text[found.end() :]}"


def append_irrelevant(text: str, severity: int, stream: Stream) -> str:
    """A sentence that has nothing to do with it."""
    end = len(text.rstrip())
    return f"{text[:end]} {stream.choice(IRRELEVANT)}{text[end:]}"


def in_word(change: Callable[[str, int, Stream], str], least: int = 4) -> Callable[[str, int, Stream], str]:
    """A corruption that changes one place of some words of at least so many letters; of questions with shorter ones alone, those."""

    def changed(text: str, severity: int, stream: Stream) -> str:
        longest = max((len(word[0]) for word in WORD.finditer(text)), default=0)

        def one(word: str) -> str:
            return change(word, int(stream.integers(len(word))), stream)

        return some_words(text, severity, stream, one, lambda word: len(word) >= min(least, longest))

    return changed


def ocr_error(word: str, place: int, stream: Stream) -> str:
    """A letter as a reader of print may see it."""
    places = [at for at, letter in enumerate(word) if letter in LOOKALIKES]
    if not places:
        return word
    at = places[place % len(places)]
    return word[:at] + LOOKALIKES[word[at]] + word[at + 1 :]


def typo(word: str, place: int, stream: Stream) -> str:
    """Two letters swapped, one left out, one twice, or another in its place."""
    kind = int(stream.integers(4))
    if kind == 0 and len(word) > 1:
        at = min(place, len(word) - 2)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1 and len(word) > 1:
        return word[:place] + word[place + 1 :]
    if kind == 2:
        return word[: place + 1] + word[place:]
    return word[:place] + chr(ord("a") + int(stream.integers(26))) + word[place + 1 :]


def spelling_error(word: str, place: int, stream: Stream) -> str:
    """As people write it wrongly: from a list, else a doubled letter halved, `ie` turned, or a vowel mistaken."""
    known = MISSPELT.get(word.lower())
    if known is not None:
        return as_written(known, word)
    for pattern, new in ((r"(.)\1", r"\1"), ("ie", "ei"), ("ei", "ie"), ("[aeiou]", "")):
        found = re.search(pattern, word[1:])
        if found is not None:
            with_new = found.expand(new) if new else "eaaui"["aeiou".index(found[0])]
            return word[: found.start() + 1] + with_new + word[found.end() + 1 :]
    return word + word[-1]


def keyboard_error(word: str, place: int, stream: Stream) -> str:
    """A key beside the right one."""
    letter = word[place].lower()
    if letter not in KEYS:
        return word
    key = KEYS[letter][int(stream.integers(len(KEYS[letter])))]
    return word[:place] + (key.upper() if word[place].isupper() else key) + word[place + 1 :]


TEXTS: dict[str, Corruption] = {
    "lower_case": Corruption(lower_case, "text", "ChEF", graded=False),
    "contract": Corruption(contract, "text", "ChEF, words ours", graded=False),
    "expand": Corruption(expand, "text", "ChEF, words ours", graded=False),
    "synonyms": Corruption(synonyms, "words", "ChEF, words ours"),
    "insert_adverb": Corruption(insert_adverb, "words", "ChEF, words ours", graded=False),
    "append_irrelevant": Corruption(append_irrelevant, "words", "ChEF, words ours", graded=False),
    "ocr": Corruption(in_word(ocr_error), "characters", "ChEF, letters ours"),
    "typos": Corruption(in_word(typo), "characters", "ChEF"),
    "spelling": Corruption(in_word(spelling_error), "characters", "ChEF, words ours"),
    "keyboard": Corruption(in_word(keyboard_error), "characters", "ChEF"),
}
_where: dict[str, str] = {}


def add_texts(more: Mapping[str, Corruption], where: str) -> None:
    """Makes corruptions of questions known: `change(text, severity, stream)`. Raises `BenchError` for a second one of a name."""
    for name, one in more.items():
        check_corruption(name, one, where)
        if name in TEXTS and TEXTS[name] is not one and _where.get(name) != where:
            raise BenchError(f"{where} brings a second corruption of texts called '{name}'; rename one of them")
        TEXTS[name] = one
        _where[name] = where
