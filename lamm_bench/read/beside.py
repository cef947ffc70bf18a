"""Which class is named next to each place of a text: inside it, on its line, before it, or behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .labels import names, spaced
from .spans import Span
from .vocabulary import Vocabulary, fold, words

STRONG = re.compile(r"[;\n]|[.!?](?=\s|$)")  # ends what is said about a place
JOINERS = frozenset({"and", "or", "also", "plus"})


def head(phrase: str, vocabulary: Vocabulary, last: bool = True) -> str | None:
    """The class that a phrase is about: of several the last (or first) that stands behind no preposition and is not denied.

    >>> from .vocabulary import Lexicon
    >>> pets = Lexicon({"cat": (), "dog": ()}).vocabulary(())
    >>> head("The cat next to the dog is at", pets), head("a cat and a dog", pets), head("no cat", pets), head("lamp", pets)
    ('cat', 'dog', None, None)
    """
    if not phrase or phrase.isspace():
        return None
    exact = vocabulary.names.get(" ".join(words(phrase)))
    if exact:
        return exact
    found = [name for name in names(spaced(fold(phrase)), vocabulary) if not name.denied]
    kept = [name for name in found if not name.aside] or found
    return (kept[-1] if last else kept[0]).label if kept else None


def label_places(text: str, found: Sequence[Span], vocabulary: Vocabulary) -> list[str | None]:
    """The class of each place: named inside it; else on its line, if every line has its own; else behind it, if nothing is named
    before the first; else the nearest before it in its sentence, the nearest behind it, the last before its sentence. A list of
    places without words between them shares one class.

    >>> from .spans import spans
    >>> from .vocabulary import Lexicon
    >>> pets = Lexicon({"cat": (), "dog": ()}).vocabulary(())
    >>> def labels(text): return label_places(text, spans(text, 2), pets)
    >>> labels("cat [0, 0], [0, 1]; dogs [1, 1]"), labels("[0, 0] is a cat and [1, 1] is a dog"), labels("a parrot [0, 0]")
    (['cat', 'cat', 'dog'], ['cat', 'dog'], [None])
    >>> labels("The region [0, 0] holds a dog. At [1, 1] there is a cat."), labels("I see a cat. It is at [0, 0].")
    (['dog', 'cat'], ['cat'])
    >>> labels("Box: [0, 0]\\nClass: cat\\nBox: [1, 1]\\nClass: dog"), labels("cat and dog at [0, 0] and [1, 1] respectively")
    (['cat', 'dog'], ['cat', 'dog'])
    """
    texts = {(span.start, span.end) for span in found}  # a run of many places is one stretch of text
    named = {place: head(text[place[0] : place[1]], vocabulary) for place in texts}
    inside = [named[span.start, span.end] for span in found]
    if all(inside):
        return list(inside)
    ends = [0, *(span.end for span in found)]
    starts = [*(span.start for span in found), len(text)]
    gaps = [text[end:start] if start > end else "" for end, start in zip(ends, starts, strict=True)]
    for rule in (respectively, on_lines, behind_each):
        labels = rule(text, found, gaps, vocabulary)
        if labels is not None:
            break
    else:
        labels = nearest(gaps, vocabulary)
    return [own or other for own, other in zip(inside, labels, strict=True)]


def respectively(text: str, found: Sequence[Span], gaps: Sequence[str], vocabulary: Vocabulary) -> list[str | None] | None:
    """As many classes as places in a row, in the same order."""
    if len(found) < 2 or "respectively" not in (gaps[-1] + gaps[0]).casefold():
        return None
    named = [name.label for name in names(spaced(fold(gaps[0])), vocabulary) if not name.denied]
    return list(named) if len(named) == len(found) else None


def on_lines(text: str, found: Sequence[Span], gaps: Sequence[str], vocabulary: Vocabulary) -> list[str | None] | None:
    """The classes of lines that hold one place each, and a class beside it; None where they do not."""
    if len(found) < 2 or any("\n" not in gap for gap in gaps[1:-1]):
        return None
    labels: list[str | None] = []
    for number in range(len(found)):
        before, behind = gaps[number].rpartition("\n")[2], gaps[number + 1].partition("\n")[0]
        label = head(before, vocabulary) or head(behind, vocabulary, last=False)
        if label is None:
            return None
        labels.append(label)
    return labels


def behind_each(text: str, found: Sequence[Span], gaps: Sequence[str], vocabulary: Vocabulary) -> list[str | None] | None:
    """The class behind each place, where none is named before the first, and one behind every place."""
    if len(found) < 2 or not worded(gaps[-1]) or any(head(part, vocabulary) for part in STRONG.split(gaps[0])):
        return None
    if not all(worded(gap) for gap in gaps[1:]):
        return None
    labels = [
        next((label for part in STRONG.split(gap) if (label := head(part, vocabulary, last=False))), None) for gap in gaps[1:]
    ]
    return labels if all(labels) else None


def nearest(gaps: Sequence[str], vocabulary: Vocabulary) -> list[str | None]:
    """The nearest class before each place in its sentence, else behind it, else the last before its sentence."""
    labels: list[str | None] = []
    behind: list[str] = []  # sentences between the last place and this one, but for what belongs to the last place
    for number in range(len(gaps) - 1):
        sentences = STRONG.split(gaps[number])
        if number == 0:
            behind = sentences
        elif not worded(gaps[number]):
            labels.append(labels[-1])
            continue
        elif len(sentences) > 1:
            behind = sentences[1:]
        else:
            behind = sentences if before(behind, vocabulary) else []
        label = before(behind, vocabulary)
        if label is None:
            label = head(STRONG.split(gaps[number + 1], maxsplit=1)[0], vocabulary, last=False)
        if label is None and not strange(behind):
            label = next((named for part in behind[::-1] if (named := head(part, vocabulary))), None)
        labels.append(label)
    for number in range(len(labels) - 1, 0, -1):
        if labels[number - 1] is None and not worded(gaps[number]):
            labels[number - 1] = labels[number]
    return labels


def strange(sentences: Sequence[str]) -> bool:
    """Whether the words right before a place name something else: "a unicorn:" after a sentence about a cat."""
    return (
        bool(sentences)
        and bool(sentences[-1].strip())
        and re.search(r"\w\s*:?\s*$", sentences[-1]) is not None
        and len(words(sentences[-1])) < 4
        and not LEADS.search(sentences[-1])
    )


LEADS = re.compile(
    r"\b(?:box|bbox|at|is|are|coordinates?|location|located|position|it|they|here|bounding|region|point|place|in|found)\b", re.I
)


def before(sentences: Sequence[str], vocabulary: Vocabulary) -> str | None:
    """The class of the last of these sentences that has words."""
    for sentence in reversed(sentences):
        if worded(sentence):
            return head(sentence, vocabulary)
    return None


def worded(gap: str) -> bool:
    """Whether something other than `and` is said."""
    return any(word not in JOINERS for word in words(gap))
