"""How upstream cuts an answer into words and decides whether it names a class (reference 1.3.1, Appendix E; O4, O5).

The words are those of NLTK 3.8.1's `word_tokenize` (the Penn Treebank conventions after MacIntyre's sed script, behind
Punkt's sentence boundaries without its abbreviations, which no class name is among); base forms and synonyms are those of
WordNet 3.0, from the closed tables that tools/make_wordnet_tables.py makes."""

from __future__ import annotations

import gzip
import json
import re
import string
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

POS = ("n", "v", "a", "r")  # the order in which `morphy` without a part of speech tries them

# WordNet 3.0, morphy(7WN): what a suffix is replaced by
SUFFIXES: dict[str, tuple[tuple[str, str], ...]] = {
    "n": (
        ("s", ""),
        ("ses", "s"),
        ("ves", "f"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
    ),
    "v": (("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "r": (),
}

# NLTK's English stop words before 2024: 179 words
STOP_WORDS = frozenset(
    """
    i me my myself we our ours ourselves you you're you've you'll you'd your yours yourself yourselves he him his himself she
    she's her hers herself it it's its itself they them their theirs themselves what which who whom this that that'll these
    those am is are was were be been being have has had having do does did doing a an the and but if or because as until while
    of at by for with about against between into through during before after above below to from up down in out on off over
    under again further then once here there when where why how all any both each few more most other some such no nor not
    only own same so than too very s t can will just don don't should should've now d ll m o re ve y ain aren aren't couldn
    couldn't didn didn't doesn doesn't hadn hadn't hasn hasn't haven haven't isn isn't ma mightn mightn't mustn mustn't needn
    needn't shan shan't shouldn shouldn't wasn wasn't weren weren't won won't wouldn wouldn't
    """.split()
)

# reference 1.3.1, mapping table of ChEF's matcher
CHEF_MAPPING = (
    dict.fromkeys("man men woman women baby people child children girl boy guy kayaker".split(), "person")
    | dict.fromkeys("ship sailboat yacht".split(), "boat")
    | {"puppy": "dog", "table": "diningtable", "calf": "cow", "hummingbird": "bird", "bike": "bicycle"}
    | {"motorcycle": "motorbike", "pony": "horse"}
)

# A sentence may end at . ? ! before a blank and another word, or before a mark that cannot stand inside a word (Punkt).
SENTENCE_END = re.compile(r"""[.?!](?=([)";}\]*:@'({\[!?])|\s+\S)""")
BLANK = re.compile(r"[ \t\n\r\v\f]")
# Closing marks behind the end still belong to the sentence.
CLOSERS = re.compile(r"""["')\]}]+?(?:\s+|(?=--)|$)""", re.MULTILINE)

APART = r" \g<0> "
# In this order; each makes blanks around what is a token of its own.
OPENING_AND_POINTS = (
    (re.compile(r"[«“‘„]|`+"), APART),
    (re.compile(r'^"'), "``"),
    (re.compile(r"``"), APART),
    (re.compile(r"""(?<=[ (\[{<])(?:"|'')"""), " `` "),
    # 'x: an apostrophe before one single character that is no clitic
    (re.compile(r"'(?=(?!t|s|m|d|n)\w\b)", re.IGNORECASE), "' "),
    # the full stop that ends the text, with whatever closes behind it
    (re.compile(r"""(?<=[^.])\.(?=[\])}>"'»”’ ]*\s*$)"""), " . "),
    (re.compile(r"[:,](?=\D|$)"), APART),
    (re.compile(r"\.{2,}"), APART),
    (re.compile(r"[;@#$%&?!]"), APART),
    (re.compile(r"(?<=[^'])'(?= )"), " ' "),
    (re.compile(r"[*\[\](){}<>]"), APART),
    (re.compile(r"--"), APART),
)
CLOSING_AND_CONTRACTIONS = (
    (re.compile(r"[»”’]"), APART),
    (re.compile(r"''|\""), " '' "),
    (re.compile(r"(?<=[^' ])(?:'[sSmMdD]|')(?= )"), APART),
    (re.compile(r"(?<=[^' ])(?:'ll|'LL|'re|'RE|'ve|'VE|n't|N'T)(?= )"), APART),
    (
        re.compile(r"\b(can)(not)\b|\b(gim)(me)\b|\b(gon)(na)\b|\b(got)(ta)\b|\b(lem)(me)\b|\b(wan)(na)(?=\s)", re.IGNORECASE),
        "split",
    ),
    (re.compile(r"\b(d)('ye)\b|\b(more)('n)\b|(?<= )('t)(is)\b|(?<= )('t)(was)\b", re.IGNORECASE), "split"),
)


def sentences(text: str) -> Iterator[str]:
    """The text cut at sentence ends; blanks between sentences are dropped.

    >>> list(sentences("a ship.) boat. dog"))
    ['a ship.)', 'boat.', 'dog']
    """
    ends = list(SENTENCE_END.finditer(text))
    pieces: list[tuple[int, int]] = []
    start = 0
    for match, later in zip(ends, [*ends[1:], None]):
        if later is not None and not BLANK.search(text, match.start(), later.start()):
            continue  # only the last end within a word counts
        pieces.append((start, match.end()))
        start = match.end()
        if match.group(1) is None:
            while text[start].isspace():
                start += 1
    pieces.append((start, len(text.rstrip())))
    skip = 0
    for number, (begin, end) in enumerate(pieces):
        begin += skip
        skip = 0
        if number + 1 < len(pieces):
            following = pieces[number + 1]
            closing = CLOSERS.match(text[following[0] : following[1]])
            if closing:
                end = following[0] + len(closing.group().rstrip())
                skip = closing.end()
        if text[begin:end]:
            yield text[begin:end]


def parts(match: re.Match[str]) -> str:
    """The two halves of a contraction as tokens."""
    return " " + " ".join(group for group in match.groups() if group is not None) + " "


@lru_cache(maxsize=4096)
def treebank(sentence: str) -> tuple[str, ...]:
    """The tokens of one sentence."""
    for pattern, replacement in OPENING_AND_POINTS:
        sentence = pattern.sub(replacement, sentence)
    sentence = f" {sentence} "
    for pattern, replacement in CLOSING_AND_CONTRACTIONS:
        sentence = pattern.sub(parts if replacement == "split" else replacement, sentence)
    return tuple(sentence.split())


def word_tokenize(text: str) -> list[str]:
    """The tokens of a text.

    >>> word_tokenize("The cats, I cannot see. It isn't 'car'.")
    ['The', 'cats', ',', 'I', 'can', 'not', 'see', '.', 'It', 'is', "n't", "'car", "'", '.']
    """
    return [token for sentence in sentences(text) for token in treebank(sentence)]


@lru_cache(maxsize=2048)
def words(text: str) -> tuple[str, ...]:
    """The lower-cased tokens of an answer without those made of one mark (upstream's test: a substring of all marks)."""
    return tuple(token for token in word_tokenize(text.lower()) if token not in string.punctuation)


@lru_cache(maxsize=1)
def tables() -> dict[str, Any]:
    """The closed WordNet tables, with the lemmas of each part of speech as a set."""
    packed = resources.files(__package__).joinpath("wordnet.json.gz").read_bytes()
    content: dict[str, Any] = json.loads(gzip.decompress(packed))
    content["lemmas"] = {pos: frozenset(found) for pos, found in content["lemmas"].items()}
    return content


def cut(forms: Iterable[str], pos: str) -> list[str]:
    return [form[: -len(old)] + new for form in forms for old, new in SUFFIXES[pos] if form.endswith(old)]


@lru_cache(maxsize=65536)
def base_forms(word: str, pos: str) -> tuple[str, ...]:
    """All lemmas of the tables that a word is a form of; rules are applied again and again until one is met (NLTK 3.8.1)."""
    known, exceptions = tables()["lemmas"][pos], tables()["exceptions"][pos]
    if word in exceptions:
        return tuple(dict.fromkeys(form for form in [word, *exceptions[word]] if form in known))
    level = [word]
    found = [form for form in [word, *cut(level, pos)] if form in known]
    while not found and level:
        level = cut(level, pos)
        found = [form for form in level if form in known]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=65536)
def morphy(word: str) -> str | None:
    """The first base form over nouns, verbs, adjectives, adverbs; None for a word from which no label can be reached.

    >>> morphy("buses"), morphy("sheepses"), morphy("quickly")
    ('bus', 'sheep', None)
    """
    for pos in POS:
        found = base_forms(word, pos)
        if found:
            return found[0]
    return None


@lru_cache(maxsize=65536)
def noun(word: str) -> str:
    """The shortest base form as a noun, or the word itself (NLTK's `WordNetLemmatizer`)."""
    return min(base_forms(word, "n"), key=len, default=word)


@lru_cache(maxsize=2048)
def base_words(text: str) -> frozenset[str]:
    """Base forms of an answer's words without stop words; words that lead to no label are left out."""
    return frozenset(form for word in words(text) if word not in STOP_WORDS and (form := morphy(word)) is not None)


@lru_cache(maxsize=2048)
def chef_words(text: str) -> frozenset[str]:
    """The words of ChEF's matcher: cut at single blanks, case and marks kept, mapped words added, lemmatised as nouns."""
    said = text.split(" ")
    for word in said:  # grows while it is read, as upstream's list does
        if word in CHEF_MAPPING:
            said.append(CHEF_MAPPING[word])
    return frozenset(noun(word) for word in said)


def entry_of(label: str) -> dict[str, list[str]] | None:
    """A label's synonyms by senses; WordNet looks words up in lower case."""
    labels: dict[str, dict[str, list[str]]] = tables()["labels"]
    return labels.get(label) or labels.get(label.lower())


@lru_cache(maxsize=4096)
def synonyms(label: str, senses: str) -> frozenset[str]:
    """The lemma names of a label's first sense (`senses="first"`) or of all (`"all"`).

    A label that is not in the tables is its own only synonym, with a warning: it is then matched literally."""
    entry = entry_of(label)
    if entry is None:
        warnings.warn(
            f"the WordNet tables hold no label '{label}': classic and chef match it literally; add it to LABELS in "
            "tools/make_wordnet_tables.py to match it as upstream does",
            stacklevel=2,
        )
        return frozenset({label})
    return frozenset(entry[senses])


def said_plainly(label: str, text: str) -> bool:
    """The fallback for labels outside the tables: the label, or its plural in s, is one of the answer's words."""
    said = words(text)
    return label.lower() in said or f"{label.lower()}s" in said


def names_class(label: str, text: str) -> bool:
    """Classic: a first-sense synonym of the label is among the answer's base words."""
    wanted = synonyms(label, "first")
    if entry_of(label) is None:
        return said_plainly(label, text)
    return not wanted.isdisjoint(base_words(text))


def names_class_chef(label: str, text: str) -> bool:
    """ChEF's LAMM classes: as classic, the label itself counts too, and so does an answer that is exactly a synonym."""
    return names_class(label, text) or text == label or text in synonyms(label, "first") or label in base_words(text)


def names_class_chef_utils(label: str, text: str) -> bool:
    """ChEF's detection and locating: a synonym of any sense is among the blank-separated words."""
    return not synonyms(label, "all").isdisjoint(chef_words(text))
