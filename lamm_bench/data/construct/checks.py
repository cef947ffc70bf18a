"""Whether a dialogue can be stood by. Every check has a name of its own under which what it drops is counted.

C4 is checked for its form, its boxes and its names of things as all others are; that its language is right is the templates' business.
What is told of other kinds of dialogue holds for questions and answers alike, but names and numbers are looked for in answers only: a
question may well ask for what is not there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from lamm_bench.read import refuses
from lamm_bench.read.vocabulary import words

from .dialogue import Dialogue, Verdict
from .facts import Facts
from .names import Names
from .near import copies
from .soundness import INJECTION, MARKUP

REASONS: Mapping[str, str] = {
    "failed": "the language model gave an error and no answer",
    "cut": "the answer was cut by the token limit",
    "not_json": "the answer holds no dialogue that can be read",
    "form": "a turn is empty, asked twice, or its answer repeats the question",
    "refusal": "the language model refuses, or says that it sees nothing",
    "injection": "speaks to a language model, or of its instructions",
    "markup": "holds marks that part a conversation",
    "leak": "speaks of captions, boxes or given facts as nobody would who sees the picture",
    "length": "too short or too long",
    "language": "not in the language of the plan",
    "unknown_object": "names a thing that is not in the facts",
    "off_topic": "says nothing of what the facts tell",
    "count": "says that there are more of a thing than there are",
    "place": "gives a box or point that agrees with no annotated one",
    "other_media": "fits the facts of another picture, and not its own",
    "same_text": "the same text was given for several pictures",
    "duplicate": "said before, word for word, of the same picture",
    "near_duplicate": "nearly the same as another dialogue",
    "person": "rejected in review",
}
LEAK = re.compile(
    r"\bcaptions?\b|\bbounding[- ]box|\bcoordinates?\b|\bannotat\w+|\bmetadata\b|\bas an? (?:ai|language model)\b|\blanguage model\b|\bjson\b"
    r"|\b(?:provided|given|listed|supplied) (?:facts?|information|descriptions?|data|context|list|details|sentences?|objects?)\b"
    r"|\b(?:facts?|sentences?|descriptions?|information|data) (?:provided|given|above|below)\b"
    r"|\b(?:according to|based on|from) the (?:facts?|list|sentences?|descriptions?|text|data|information)\b",
    re.I,
)
NUMBERS = re.compile(r"\[\s*-?\d+(?:\.\d+)?(?:\s*,\s*-?\d+(?:\.\d+)?)+\s*\]")
LENGTHS: Mapping[str, tuple[int, int]] = {"C1": (1, 150), "C2": (3, 250), "C3": (25, 450)}  # words of one answer
QUESTION_MOST = 60  # words
COMMON = frozenset(
    "the a an of in on at to is are and it there that this with for from as by be was were has have can you what which how many its their they"
    " he she his her not no yes or one two some where who does do".split()
)
ENGLISH = 0.15  # share of these words in English text of more than eight words; other Latin languages have hardly any
NEEDED = 0.5  # overlap from which on a place agrees with an annotated one (VOC's own threshold)
SAME = 3  # media of which one text cannot be true


def check(dialogue: Dialogue, facts: Facts, names: Names, language: str) -> Verdict:
    """The verdict on one dialogue by itself."""
    for reason, what in faults(dialogue, facts, names, language):
        return Verdict(dialogue.id, reason, what)
    return Verdict(dialogue.id)


def faults(dialogue: Dialogue, facts: Facts, names: Names, language: str) -> Iterator[tuple[str, str]]:
    yield from form(dialogue)
    if dialogue.kind == "C4":
        yield from places(dialogue, facts)
        return
    for turn in dialogue.turns:
        if refuses(turn.answer):
            yield "refusal", f"says {short(turn.answer)}"
        for text in (turn.question, turn.answer):
            if INJECTION.search(text):
                yield "injection", f"says {short(text)}"
            if MARKUP.search(text):
                yield "markup", f"says {short(text)}"
            if found := LEAK.search(text) or NUMBERS.search(text):
                yield "leak", f"says {found[0]!r}"
    yield from lengths(dialogue)
    said = " ".join(text for turn in dialogue.turns for text in (turn.question, turn.answer))
    if language == "en" and not english(said):
        yield "language", f"is not English: {short(said)}"
    answers = "\n".join(turn.answer for turn in dialogue.turns)
    if wrong := names.unknown(answers, facts, dialogue.kind == "C2"):
        yield "unknown_object", f"names {', '.join(wrong)}"
    if what := names.too_many(answers, facts):
        yield "count", what


def form(dialogue: Dialogue) -> Iterator[tuple[str, str]]:
    """Turns that are none."""
    if not dialogue.turns:
        yield "form", "has no turn"
    asked = Counter(" ".join(words(turn.question)) for turn in dialogue.turns)
    for turn in dialogue.turns:
        question, answer = turn.question.strip(), turn.answer.strip()
        if not question or not answer:
            yield "form", "has an empty question or answer"
        elif dialogue.kind == "C4":
            if MARKUP.search(question) or MARKUP.search(answer):
                yield "markup", f"says {short(question)}"
        elif not words(question) or not words(answer):
            yield "form", f"says nothing in words: {short(question)}, {short(answer)}"
        elif question.casefold() == answer.casefold():
            yield "form", f"answers with the question: {short(question)}"
    if dialogue.kind != "C4" and asked and max(asked.values()) > 1:
        yield "form", f"asks twice: {short(asked.most_common(1)[0][0])}"


def places(dialogue: Dialogue, facts: Facts) -> Iterator[tuple[str, str]]:
    """Boxes and points of answers against those of the facts."""
    boxes = [thing.box for thing in facts.things if thing.box] + [one.box for one in facts.sought]
    points = [*facts.joints.values(), *facts.points]
    for turn in dialogue.turns:
        for found in NUMBERS.findall(turn.answer) if "[" in turn.answer else ():
            numbers = tuple(float(number) for number in found.strip("[] ").split(","))
            if not agrees(numbers, boxes, points):
                yield "place", f"gives {found}, and nothing is annotated there"


def agrees(numbers: tuple[float, ...], boxes: Sequence[tuple[float, ...]], points: Sequence[tuple[float, float]]) -> bool:
    """Whether a box overlaps an annotated one by half, or a point lies on a box or at an annotated point."""
    if len(numbers) == 2:
        x, y = numbers
        near = any(abs(x - px) <= 0.01 and abs(y - py) <= 0.01 for px, py in points)
        return near or any(len(b) == 4 and b[0] - 0.01 <= x <= b[2] + 0.01 and b[1] - 0.01 <= y <= b[3] + 0.01 for b in boxes)
    return any(len(box) == len(numbers) and overlap(numbers, box) >= NEEDED for box in boxes)


def overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Intersection over union of two boxes in pictures (corners) or rooms (centre and extents)."""
    if len(first) == 4:
        spans = [(first[:2], first[2:]), (second[:2], second[2:])]
    else:
        spans = [edges(first), edges(second)]
    (low_a, high_a), (low_b, high_b) = spans
    shared = own = other = 1.0
    for a, b, c, d in zip(low_a, high_a, low_b, high_b):
        shared *= max(0.0, min(b, d) - max(a, c))
        own, other = own * (b - a), other * (d - c)
    return shared / (own + other - shared) if own + other > shared else 0.0


def edges(box: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(c - e / 2 for c, e in zip(box[:3], box[3:])), tuple(c + e / 2 for c, e in zip(box[:3], box[3:]))


def lengths(dialogue: Dialogue) -> Iterator[tuple[str, str]]:
    least, most = LENGTHS[dialogue.kind]
    for turn in dialogue.turns:
        asked, said = len(words(turn.question)), len(words(turn.answer))
        if asked > QUESTION_MOST:
            yield "length", f"asks with {asked} words, more than {QUESTION_MOST}"
        if not least <= said <= most:
            yield "length", f"answers with {said} words, expected {least} to {most}"


def english(text: str) -> bool:
    """Whether a text may be English: its letters are Latin, and of more than eight words some are the most common ones.

    >>> english("The dog lies on the red sofa."), english("Der Hund liegt auf dem roten Sofa und schaut aus dem Fenster."), english("狗在沙发上")
    (True, False, False)
    """
    letters = [char for char in text if char.isalpha()]
    if sum(char < "\u0250" for char in letters) < 0.9 * len(letters):
        return False
    said = words(text)
    return len(said) <= 8 or sum(word in COMMON for word in said) >= ENGLISH * len(said)


def short(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 60 else flat[:59] + "…")


def among(dialogues: Sequence[Dialogue], facts: Mapping[str, Facts], near: float) -> dict[str, Verdict]:
    """Verdicts that need the other dialogues: of those that are not kept, by id."""
    found = repeated(dialogues, facts)
    for kind in ("C1", "C2", "C3"):
        mine = [one for one in dialogues if one.kind == kind and one.id not in found]
        for one, copied in zip(mine, copies([text_of(one) for one in mine], near)):
            if copied is not None:
                found[one.id] = Verdict(one.id, "near_duplicate", f"nearly the same as {mine[copied].id}")
    return found


def repeated(dialogues: Sequence[Dialogue], facts: Mapping[str, Facts]) -> dict[str, Verdict]:
    """The same dialogue again: of one medium all but the first; of several media all of them, unless they are C4's.

    What a language model says of many pictures alike it has not said of any."""
    found: dict[str, Verdict] = {}
    of_media: dict[tuple[str, ...], str] = {}
    same: dict[tuple[str, str], list[Dialogue]] = {}
    for one in dialogues:
        key = (
            facts[one.facts].path,
            one.kind,
            one.task_type,
            *(text for turn in one.turns for text in (turn.question, turn.answer)),
        )
        if (first := of_media.setdefault(key, one.id)) != one.id:
            found[one.id] = Verdict(one.id, "duplicate", f"the same as {first}")
        elif one.kind != "C4":
            same.setdefault((one.kind, " ".join(words(" ".join(turn.answer for turn in one.turns)))), []).append(one)
    for group in same.values():
        if len({facts[one.facts].path for one in group}) >= SAME:
            for one in group:
                found[one.id] = Verdict(one.id, "same_text", f"given for {len(group)} media")
    return found


def text_of(dialogue: Dialogue) -> str:
    return " ".join(turn.answer for turn in dialogue.turns)
