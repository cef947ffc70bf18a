"""Which class an answer asserts, of the classes that it names: what is denied, compared, only listed, or stands beside is no answer.

`Vocabulary` finds the names; this file weighs the words around them. Nothing is decided by likelihood: where two classes are
left, both are given back, and the answer is ambiguous."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from .vocabulary import Vocabulary, fold
from .wrappers import answer_of

KEYS = ("class", "label", "category", "classname", "object", "name", "type", "landuse", "landcover", "scene", "haircolor", "haircolour", "hair", "color", "colour", "subject", "kind")  # fmt: skip
WORD = re.compile(r"[^\W_]+|[.,;:!?\n()]|(?<=\s)[-–—](?=\s)|[–—]|->")
STOPS = frozenset(".;:!?\n–—-)") | {"->"}
DENIALS = frozenset("no not nor neither never non without cannot unlike except excluding than".split())
PAIRS = frozenset({("rather", "than"), ("instead", "of"), ("opposed", "to"), ("other", "than"), ("compared", "to"), ("compared", "with"), ("confused", "with"), ("distinguished", "from"), ("different", "from")})  # fmt: skip
NO_DENIALS = frozenset(
    {
        ("no", "doubt"),
        ("without", "doubt"),
        ("without", "a"),
        ("no", "question"),
        ("not", "only"),
        ("more", "than"),
        ("no", "wonder"),
    }
)
TURNS = frozenset("but however instead although though yet still rather".split())
PRONOUNS = frozenset("it this that he she they there i we what here".split())
MAYBE = frozenset("might could may maybe perhaps possibly initially".split())
FIRST = frozenset({("at", "first"), ("first", "thought"), ("first", "glance"), ("originally", "thought")})
BESIDE = frozenset(
    "on in with near next beside behind under at by over carrying holding riding towing pulling chasing against above below along around through between from inside outside onto beneath"
    " alongside facing past toward towards wearing crossing including".split()
)
SMALL = frozenset("right left the a an its his her their some another other small large big red blue white green brown black gray grey tall wooden of to front side several many two three few few old young parked".split())  # fmt: skip
VERB_AFTER = frozenset("they we i you to will can would which who it that must should may".split())
VERBS = frozenset("ship ships duck ducks train trains truck trucks park parks hound hounds screen screens picture pictures table tables counter counters chair chairs fly flies box jet jets auto".split())  # fmt: skip
COUNTERS = frozenset("two three four five six several many some few the of both".split())
TELLING = (
    STOPS | DENIALS | TURNS | PRONOUNS | MAYBE | {",", *(first for first, _ in PAIRS | FIRST)}
)  # what may change how names are meant
FAR = 10  # words over which a denial reaches a name
MANY = 4  # classes that are only enumerated are the options of the question, not an answer
CUE = re.compile(
    r"\b(?:answer|class|label|category|prediction|best (?:match|fit|guess|option|choice)|main (?:object|subject|thing)|primary (?:object|subject)|final|(?:i'd|i would|i) (?:say|pick|choose|go with|guess|conclude)"
    r"|therefore|thus|hence|so|classified as|conclusion|most likely|labell?ed as|identif\w+ as|it must be|overall)\b"
)
RANKED = re.compile(r"^[ \t]*(?:1[.)]|top[ -]?1\b|first choice)", re.M)


@dataclass(frozen=True, slots=True)
class Name:
    """A class at a place of the text, and what stands against its being the answer."""

    label: str
    start: int  # characters of the folded text
    end: int
    first: int  # tokens
    stop: int
    denied: bool = False
    unsure: bool = False  # behind "might", "could", "at first", or in a question
    aside: bool = False  # beside the main thing: behind a preposition, in a comparison, in the list of options


def read_labels(text: str, vocabulary: Vocabulary, fits: Callable[[str, Name], bool] | None = None) -> tuple[str, ...]:
    """The classes that an answer asserts, in order of mention; `fits` may refuse a name by the folded text around it.

    >>> from .vocabulary import Lexicon
    >>> pets = Lexicon({"cat": ("kitten",), "dog": (), "car": (), "bird": ()}).vocabulary(())
    >>> [read_labels(text, pets) for text in ("Two kittens.", "cat or dog", "I don't see a dog here.", "a dog rather than a cat")]
    [('cat',), ('cat', 'dog'), (), ('dog',)]
    >>> [read_labels(text, pets) for text in ("Of bird, car, cat and dog it is a dog.", "A cat on a car.", "It could be a dog, but it is a cat.")]
    [('dog',), ('cat',), ('cat',)]
    >>> [read_labels(text, pets) for text in ("<think>A dog?</think>cat", '{"label": "cat", "why": "no dog"}', "a dog-like toy", "cat, dog, bird, car")]
    [('cat',), ('cat',), (), ()]
    """
    said = spaced(fold(answer_of(text, KEYS)))
    found = names(said, vocabulary)
    if fits is not None:
        found = [name for name in found if fits(said, name)]
    if len(found) == 1:
        return () if found[0].denied else (found[0].label,)
    kept = [name for name in found if not name.denied]
    kept = narrowed(kept, lambda name: not name.aside)
    kept = narrowed(kept, lambda name: not name.unsure)
    labels = distinct(kept)
    return labels if len(labels) < 2 else concluded(said, kept) or labels


def distinct(found: Sequence[Name]) -> tuple[str, ...]:
    """The different labels in order of first mention."""
    return tuple(dict.fromkeys(name.label for name in found))


def narrowed(found: list[Name], wanted: Callable[[Name], bool]) -> list[Name]:
    """Only the names that are wanted, unless none would be left."""
    few = [name for name in found if wanted(name)]
    return few or found


def spaced(text: str) -> str:
    """A text whose slashes and brackets part names."""
    return text.replace("/", " , ").replace("|", " , ")


def names(said: str, vocabulary: Vocabulary) -> list[Name]:
    """Every name in a folded text, with what is said against it."""
    words = WORD.findall(said)
    if vocabulary.starts.isdisjoint(words):
        return []
    at = list(vocabulary.places(words))
    spans = [match.span() for match in islice(WORD.finditer(said), at[-1][1] + at[-1][2] if at else 0)]
    found: list[Name] = []
    alike = False
    for label, place, step in at:
        name = Name(label, spans[place][0], spans[place + step - 1][1], place, place + step)
        like = said.startswith("-like", name.end)  # who sees "a cat-like dog" cannot tell which it is
        alike = alike or like
        if like or stands_for_class(said, name.end, words, place, step):
            found.append(name)
    if alike:
        found = [name for name in found if not said.startswith("-like", name.end)] if len(distinct(found)) == 1 else []
    if not found:
        return found
    if len(found) > 1:
        found = without_lists(said, words, heads(said, words, found))
    return weighed(words, found)


def stands_for_class(said: str, end: int, words: Sequence[str], place: int, step: int) -> bool:
    """Whether a name that ends there is a noun of its own: no verb ("does", "they ship") and no part of another word ("dog-like")."""
    if said[end : end + 1] == "-" and said[end + 1 : end + 2].isalnum():
        return False
    before = words[place - 1] if place else ""
    if words[place] == "does" and step == 1:
        return before in COUNTERS or before.isdigit()
    if step == 1 and words[place] in VERBS and before in VERB_AFTER:
        return before in ("that", "it") and not words[place].endswith("s")
    return True


def heads(said: str, words: Sequence[str], found: Sequence[Name]) -> list[Name]:
    """Names without those that only describe the next: "highway overpass" is an overpass, "the cab of a truck" a truck."""
    kept = []
    for name, after in zip(found, [*found[1:], None]):
        if after is not None and after.label != name.label:
            between = said[name.end : after.start]
            if between in (" ", "-") or re.fullmatch(r" of (?:a |an |the )?(?:\w+ )?", between):
                continue
        kept.append(name)
    return kept


def without_lists(said: str, words: Sequence[str], found: list[Name]) -> list[Name]:
    """Names without enumerations of many classes, which repeat the question's options."""
    runs: list[list[Name]] = []
    for name in found:
        if runs and joined(words[runs[-1][-1].stop : name.first]):
            runs[-1].append(name)
        else:
            runs.append([name])
    kept = []
    for run in runs:
        before = " ".join(words[max(0, run[0].first - 4) : run[0].first])
        short = len(run) > 1 and re.search(
            r"\b(?:options?|classes|choices|categories|labels|candidates|among|between|out of)\b", before
        )
        if len({name.label for name in run}) < MANY and not short:
            kept += run
    return kept


def joined(between: Sequence[str]) -> bool:
    """Whether nothing but a comma, "and" or "or" stands between two names."""
    return 0 < len(between) < 4 and all(word in (",", "and", "or", "\n", "a", "an", ";", "-") for word in between)


def weighed(words: Sequence[str], found: Sequence[Name]) -> list[Name]:
    """The names with what the words before them say: one walk over the text."""
    done: list[Name] = []
    free = 0  # the first word that has not been looked at
    denied = unsure = False
    since = reached = 0
    last = -1  # the sentence's last name that is no aside
    neither = False
    queue = 0
    firsts = {name.first for name in found}
    for at in [at for at, word in enumerate(words) if word in TELLING or at in firsts]:
        if at < free:
            continue
        word = words[at]
        if queue < len(found) and found[queue].first == at:
            name = found[queue]
            queue += 1
            aside = last >= 0 and placed_beside(words, at) or compared(words, at)
            off = denied and at - since <= FAR + reached
            done.append(Name(name.label, name.start, name.end, at, name.stop, off, unsure, aside and not off))
            if off:
                since, reached = at, reached + 1
            elif not aside:
                last = len(done) - 1
            free = name.stop
            continue
        pair = tuple(words[at : at + 2])
        if word in STOPS:
            if word == "?":
                questioned(words, at, done)
            denied = unsure = neither = False
            last, reached = (-1 if word in ".;!?\n" else last), 0
        elif word == ",":
            follows = words[at + 1 : at + 2]
            denied = denied and (neither or (reached > 0 and follows in (["or"], ["nor"], ["and"], ["not"], ["neither"])))
        elif word in TURNS and pair not in PAIRS:
            denied = unsure = neither = False
        elif word in PRONOUNS and reached and not neither and pair not in PAIRS:
            denied = False
            reached = 0
        elif pair in PAIRS:
            denied, since, reached = True, at + 1, 0
            free = at + 2
        elif word in DENIALS and pair not in NO_DENIALS:
            denied, since, reached = True, at, 0
            neither = neither or word == "neither"
        elif word in MAYBE or pair in FIRST:
            unsure = True
    return done


def placed_beside(words: Sequence[str], at: int) -> bool:
    """Whether a preposition stands before a name, at most an article and an adjective or two between."""
    part = False  # of something that stands there: "on the hood of a car"
    for word in words[max(0, at - 6) : at][::-1]:
        if word in BESIDE:
            return True
        if word not in SMALL and not (part and word.isalpha()):
            return False
        part = word == "of"
    return False


def compared(words: Sequence[str], at: int) -> bool:
    """Whether a name is only what something is like: "eyes like a cat", not "looks like a cat"."""
    before = list(words[max(0, at - 4) : at])
    while before and before[-1] in ("a", "an", "the"):
        before.pop()
    if not before or before[-1] != "like":
        return False
    seems = before[-2] if len(before) > 1 else ""
    return not seems.startswith(("look", "seem", "appear", "sound", "more", "most", "feel"))


def questioned(words: Sequence[str], at: int, done: list[Name]) -> None:
    """Marks the names of the sentence that ends here in a question mark as unsure."""
    start = at
    while start and words[start - 1] not in (".", ";", "!", "?", "\n"):
        start -= 1
    for place in range(len(done) - 1, -1, -1):
        if done[place].first < start:
            break
        done[place] = replace(done[place], unsure=True)


def concluded(said: str, found: Sequence[Name]) -> tuple[str, ...]:
    """The one class behind the last word that concludes, of a first or last line that is nothing else, or on top of a ranking."""
    for cue in reversed(list(CUE.finditer(said))[-20:]):
        sentence = re.split(r"[.;!?\n](?=\s|$)", said[cue.end() :], maxsplit=1)
        stop = cue.end() + len(sentence[0])
        behind = distinct([name for name in found if cue.end() <= name.start < stop])
        if len(behind) == 1:
            return behind
    lines = [(match.start(), match.end()) for match in re.finditer(r"[^\n]+", said) if match.group().strip()]
    ranked = RANKED.search(said)
    for start, end in (
        *((lines[0], lines[-1]) if len(lines) > 1 else ()),
        *([(ranked.start(), said.find("\n", ranked.start()))] if ranked else []),
    ):
        inside = [name for name in found if start <= name.start < end]
        rest = said[start:end]
        if len(distinct(inside)) == 1 and (len(rest.split()) <= 4 or ranked):
            return distinct(inside)
    return ()
