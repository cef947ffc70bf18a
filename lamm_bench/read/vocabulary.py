"""Class names in text: which labels of a closed set an answer names, through explicit tables of other names and plurals.

Matching is by whole words, never by substring (reference, Appendix H, O4 to O6): `caterpillar` names no cat. The longest
name wins where several begin at one word (`shower curtain` before `curtain`), and a name right behind a negation
(`not a dog`, `no cars`, `isn't a ship`) is not counted as named."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

TOKEN = re.compile(r"[^\W_]+|[.,;:!?\n]")  # hyphen, slash, quote and underscore only part words; these marks part names too
WIDE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # scripts without blanks: a Latin word in them is a word of its own
SEAM = re.compile(rf"(?<=[{WIDE}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[{WIDE}])")
NEGATIONS = frozenset({"no", "not", "nor", "neither", "never", "non", "without"})
FILLERS = frozenset({"a", "an", "the", "any", "really", "actually", "even"})

# nouns whose plural no rule gives; those that have none stand with themselves
IRREGULAR = {
    "man": "men", "woman": "women", "person": "people", "child": "children", "mouse": "mice", "goose": "geese", "foot": "feet",
    "tooth": "teeth", "ox": "oxen", "sheep": "sheep", "deer": "deer", "aircraft": "aircraft", "fish": "fish", "species": "species",
    "calf": "calves", "wolf": "wolves", "leaf": "leaves", "shelf": "shelves", "bookshelf": "bookshelves", "loaf": "loaves",
    "knife": "knives", "bus": "buses", "bison": "bison", "elk": "elk", "moose": "moose", "cattle": "cattle",
}  # fmt: skip
SINGULAR = {plural: single for single, plural in IRREGULAR.items()}


def fold(text: str) -> str:
    """One spelling for compatible characters and cases, with `n't` written out.

    >>> fold("ＣＡＴ"), fold("isn’t")
    ('cat', 'is not')
    """
    if not text.isascii():
        text = SEAM.sub(" ", unicodedata.normalize("NFKC", text).replace("’", "'"))
    text = text.casefold()
    if "n't" in text:
        text = text.replace("can't", "can not").replace("won't", "will not").replace("n't", " not")
    return text


def tokens(text: str) -> list[str]:
    """Words and the marks that part them, folded.

    >>> tokens("A tennis-court, not a Beach!")
    ['a', 'tennis', 'court', ',', 'not', 'a', 'beach', '!']
    """
    return TOKEN.findall(fold(text))


def words(text: str) -> list[str]:
    """Folded words only."""
    return [token for token in tokens(text) if token[0].isalnum()]


def numbers_of(noun: str) -> set[str]:
    """The singular and plural forms of one word, as far as rules and `IRREGULAR` know them.

    >>> sorted(numbers_of("bus")), sorted(numbers_of("buildings")), sorted(numbers_of("berry"))
    (['bus', 'buses'], ['building', 'buildings'], ['berries', 'berry'])
    """
    if noun in IRREGULAR:
        return {noun, IRREGULAR[noun]}
    if noun in SINGULAR:
        return {noun, SINGULAR[noun]}
    if len(noun) < 3 or not noun.isalpha():
        return {noun}
    if noun.endswith("ies") and len(noun) > 4:
        return {noun, noun[:-3] + "y"}
    if noun.endswith("s") and not noun.endswith(("ss", "us", "is")):
        return {noun, noun[:-1]} | ({noun[:-2]} if noun.endswith(("ches", "shes", "xes", "sses")) else set())
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return {noun, noun[:-1] + "ies"}
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return {noun, noun + "es"}
    return {noun, noun + "s"}


def spellings(name: str) -> set[str]:
    """The keys under which a name is found: as written and without its marks, last word singular and plural."""
    keys = set()
    for parts in (tokens(name), words(name)):
        if parts:
            keys |= {" ".join([*parts[:-1], last]) for last in numbers_of(parts[-1])}
    return keys


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """A closed set of labels and every spelling that names one of them."""

    names: Mapping[str, str]  # spelling -> label; empty for a phrase in which no class is named ("hot dog")
    longest: int  # tokens in the longest spelling
    starts: frozenset[str]  # first tokens of all spellings

    def find(self, text: str) -> list[str]:
        """The labels named in a text, in order, repeats included, negated ones left out. Linear in the text's length.

        >>> Lexicon({"cat": ("kitten",), "tenniscourt": ("tennis court",)}).vocabulary(()).find("Kittens on a tennis-court, no cats")
        ['cat', 'tenniscourt']
        """
        said = tokens(text)
        found: list[str] = []
        place = 0
        while place < len(said):
            label, step = self.longest_at(said, place)
            if label and not negated(said, place):
                found.append(label)
            place += step
        return found

    def longest_at(self, said: Sequence[str], place: int) -> tuple[str | None, int]:
        """The label of the longest spelling that begins at a token, and its length; (None, 1) when none does."""
        if said[place] in self.starts:
            for length in range(min(self.longest, len(said) - place), 0, -1):
                label = self.names.get(" ".join(said[place : place + length]))
                if label is not None:
                    return label, length
        return None, 1

    def places(self, said: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Label, first token and number of tokens of every name, none within another."""
        free = 0
        for place in [place for place, token in enumerate(said) if token in self.starts]:
            if place >= free:
                label, step = self.longest_at(said, place)
                free = place + step
                if label:
                    yield label, place, step

    def named(self, text: str) -> tuple[str, ...]:
        """The different labels named in a text, in order of first mention."""
        return tuple(dict.fromkeys(self.find(text)))

    def label(self, name: str) -> str:
        """The label that a ground-truth spelling stands for (`Grey` and `gray` are one label)."""
        return self.names.get(" ".join(tokens(name)), name)


def negated(said: Sequence[str], place: int) -> bool:
    """Whether a negation stands right before this token, at most an article and a filler between."""
    for before in said[max(0, place - 3) : place][::-1]:
        if before in NEGATIONS:
            return True
        if before not in FILLERS:
            return False
    return False


@dataclass(frozen=True, eq=False)
class Lexicon:
    """A table label -> other names, from which the vocabulary of any file's own labels is made.

    `hides` are phrases that hold a name and mean something else (`hot dog`, `car seat`)."""

    aliases: Mapping[str, tuple[str, ...]]
    hides: tuple[str, ...] = ()
    made: dict[tuple[str, ...], Vocabulary] = field(default_factory=dict, repr=False)

    def vocabulary(self, labels: Iterable[str]) -> Vocabulary:
        """The vocabulary of a file's labels and of the table's labels that the file does not spell otherwise.

        A file may write `grey` where the table says `gray`: the file's spelling then takes over the whole family.
        A name that is another label of the file never stands for a neighbour.

        >>> hair = Lexicon({"gray": ("grey", "silver"), "black": ()})
        >>> hair.vocabulary(("Grey",)).find("silver or black hair")
        ['Grey', 'black']
        """
        key = tuple(labels)
        if key not in self.made:
            self.made[key] = self.build(key)
        return self.made[key]

    def build(self, labels: tuple[str, ...]) -> Vocabulary:
        names: dict[str, str] = {}
        for label in labels:  # what the file writes comes first, exactly as written
            names.setdefault(" ".join(tokens(label)), label)
        for label in labels:
            for spelling in sorted(spellings(label)):
                names.setdefault(spelling, names[" ".join(tokens(label))])
        taken = dict(names)
        for label, others in self.aliases.items():
            family = sorted({spelling for name in (label, *others) for spelling in spellings(name)})
            owner = next((taken[s] for s in (*sorted(spellings(label)), *family) if s in taken), label)
            for spelling in family:
                names.setdefault(spelling, owner)
        for phrase in self.hides:
            for spelling in spellings(phrase):
                names.setdefault(spelling, "")
        names.pop("", None)
        longest = max((spelling.count(" ") + 1 for spelling in names), default=1)
        return Vocabulary(names, longest, frozenset(spelling.split(" ", 1)[0] for spelling in names))
